"""What is trained in a frozen base: image adapters, or one of the baselines that the paper compares them with."""

import os
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils.constants import DUMMY_TARGET_MODULES
from torch import nn
from transformers import BitsAndBytesConfig, PreTrainedModel

from artgpt4.image_adapter import ImageAdapterConfig
from artgpt4.image_adapter.model import PROJECTIONS, decoder_layers
from artgpt4.llava import LORA_TARGETS
from artgpt4.loading import NOT_QUANTISED, family
from train.args import AdapterArguments, layer_choice


def load_model(args: AdapterArguments) -> nn.Module:
    """The base in `args.dtype` with what `args.method` trains, fresh or from `args.adapter`.

    What is trained is fp32, whatever the base's dtype.
    """
    dtype = getattr(torch, args.dtype)
    quantized = {} if args.quantization == "none" else quantized_base(args.quantization, dtype)
    base = family(args.base)[1].from_pretrained(args.base, dtype=dtype, **quantized)
    if args.adapter:
        model = PeftModel.from_pretrained(base, args.adapter, is_trainable=True)
    else:
        model = with_method(base, args)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if args.gradient_checkpointing:
        base.gradient_checkpointing_enable()
        base.enable_input_require_grads()
    if args.compile:
        compile_layers(base)
    return model


def must_be_minigpt4(base: str, what: str) -> None:
    """Raises SystemExit, saying that `what` is for MiniGPT-4 alone, unless the base is one."""
    name = family(base)[0]
    if name != "MiniGPT-4":
        raise SystemExit(f"{what} is for MiniGPT-4 bases; base={base} is a {name}, which begins with train.stage2")


def quantized_base(quantization: str, dtype: torch.dtype) -> dict[str, Any]:
    """What `from_pretrained` needs for a language model in `8bit` or `4bit` on this process's device.

    What stays as it is: see `NOT_QUANTISED`.
    """
    config = BitsAndBytesConfig(
        load_in_8bit=quantization == "8bit",
        load_in_4bit=quantization == "4bit",
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=NOT_QUANTISED,
    )
    return {"quantization_config": config, "device_map": {"": PartialState().device}}


def compile_layers(base: nn.Module) -> None:
    """Compiles the decoder layers in place, each by itself: layers alike share what is compiled for the first of them.

    Lengths change from batch to batch, so they are taken as dynamic from the beginning.
    """
    for layer in decoder_layers(base).values():
        layer.compile(dynamic=True)


def with_method(base: PreTrainedModel, args: AdapterArguments) -> nn.Module:
    """The base with what `args.method` trains requiring gradients, and nothing else.

    Raises:
        ValueError: if `args.top_layers` is more than the language model has.
    """
    projection = next(name for name, _ in base.named_modules() if name.rpartition(".")[2] in PROJECTIONS)
    to_save = [projection.rpartition(".")[2]]
    if args.method == "image_adapter":
        config = ImageAdapterConfig(
            reduction_factor=args.reduction_factor,
            layers=layer_choice(args.layers),
            input_layernorm=layer_choice(args.input_layernorm),
            post_attention_layernorm=layer_choice(args.post_attention_layernorm),
        )
        return get_peft_model(base, config)
    if args.method == "lora":
        config = LoraConfig(
            r=args.lora_rank,
            lora_alpha=args.lora_alpha,
            lora_dropout=args.lora_dropout,
            target_modules=LORA_TARGETS,
            modules_to_save=to_save,
        )
        return get_peft_model(base, config)
    if args.method == "projection":
        # PEFT's way to train whole modules alone: a LoRA that is put nowhere. The checkpoint stays small.
        config = LoraConfig(target_modules=DUMMY_TARGET_MODULES, modules_to_save=to_save)
        return get_peft_model(base, config)
    base.requires_grad_(False)
    base.get_submodule(projection).requires_grad_(True)
    layers = list(decoder_layers(base).values())
    if args.method == "full":
        base.get_decoder().requires_grad_(True)
        base.get_output_embeddings().requires_grad_(True)
    elif args.top_layers > len(layers):
        raise ValueError(f"top_layers={args.top_layers} is more than the language model's {len(layers)} layers")
    else:
        for layer in layers[-args.top_layers :]:
            layer.requires_grad_(True)
    return base


def save_model(model: nn.Module, folder: Path, base: str) -> None:
    """Writes what `artgpt4.load` opens: an adapter in PEFT's format, or the whole model where its own weights changed.

    A base that is a folder here is named in the adapter relative to the adapter's own.
    """
    if not isinstance(model, PeftModel):
        model.save_pretrained(folder)
        family(base)[2].from_pretrained(base).save_pretrained(folder)
        return
    config = model.peft_config["default"]
    if Path(base).is_dir():
        config.base_model_name_or_path = os.path.relpath(base, folder)
    model.save_pretrained(folder)
    config.base_model_name_or_path = base


def describe(model: nn.Module) -> str:
    """How many parameters are trained, of how many."""
    counts = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    trained, total = sum(n for n, is_trained in counts if is_trained), sum(n for n, _ in counts)
    return f"{trained:,} parameters are trained, of {total:,} ({trained / total:.2%})"
