from __future__ import annotations

import ast
import inspect
import textwrap

from peft.tuners.tuners_utils import BaseTuner
from peft.utils.other import ModulesToSaveWrapper
from torch import nn

from artgpt4.image_adapter.config import ImageAdapterConfig
from artgpt4.image_adapter.layer import ImageAdapterMLP, ImageAdapterNorm

# The forward that the adapter's place is derived from. Llama wrote it first; more than a third of transformers' decoder
# layers repeat it word for word. The arguments of self_attn differ and do not matter.
SUPPORTED_FORWARD = """\
residual = hidden_states
hidden_states = self.input_layernorm(hidden_states)
hidden_states, _ = self.self_attn()
hidden_states = residual + hidden_states
residual = hidden_states
hidden_states = self.post_attention_layernorm(hidden_states)
hidden_states = self.mlp(hidden_states)
hidden_states = residual + hidden_states
return hidden_states"""

SUPPORTED_FAMILIES = "Llama and Vicuna, Mistral, Qwen2, Qwen2-VL, Qwen2.5-VL, Qwen3, Qwen3-VL"

# The picture's projection into the language model, by its name in MiniGPT-4/BLIP-2 and in LLaVA.
PROJECTIONS = ("language_projection", "multi_modal_projector")


class ImageAdapterModel(BaseTuner):
    """Puts image adapters into the decoder layers of a model's language model.

    Raises:
        ValueError: if the model has no decoder layers, or if their forward is not the one the adapter is made for.
    """

    prefix = "image_adapter_"
    tuner_layer_cls = (ImageAdapterMLP, ImageAdapterNorm)

    def _prepare_adapter_config(self, peft_config: ImageAdapterConfig, model_config: dict) -> ImageAdapterConfig:
        if peft_config.modules_to_save is None:
            names = {name.rpartition(".")[2] for name, _ in self.model.named_modules()}
            peft_config.modules_to_save = [name for name in PROJECTIONS if name in names]
        return peft_config

    def _prepare_model(self, peft_config: ImageAdapterConfig, model: nn.Module) -> None:
        """Checks the model, finds its decoder layers and plans, by module name, what goes into each of them."""
        layers = decoder_layers(model)
        for layer in layers.values():
            check_forward(layer)
        for name, module in model.named_modules():
            if name.rpartition(".")[2] in peft_config.modules_to_save:
                if not all(parameter.is_floating_point() for parameter in module.parameters()):
                    raise ValueError(
                        f"{name} is quantised, so it cannot be trained. Leave it out of the quantisation: "
                        f"BitsAndBytesConfig(llm_int8_skip_modules=['{name}', 'lm_head'])."
                    )
        adapted = peft_config.chosen("layers", len(layers))
        input_norms = peft_config.chosen("input_layernorm", len(layers))
        post_attention_norms = peft_config.chosen("post_attention_layernorm", len(layers))
        self.plan = {}
        for number, name in enumerate(layers):
            if number in adapted | post_attention_norms:
                self.plan[f"{name}.mlp"] = {
                    "has_adapter": number in adapted,
                    "trains_norm": number in post_attention_norms,
                }
            if number in input_norms:
                self.plan[f"{name}.input_layernorm"] = {}

    def _check_target_module_exists(self, peft_config: ImageAdapterConfig, key: str) -> bool:
        return key in self.plan

    def _create_and_replace(self, peft_config, adapter_name, target, target_name, parent, current_key):
        if target_name == "input_layernorm":
            if not isinstance(target, ImageAdapterNorm):
                target = ImageAdapterNorm(target)
            target.update_layer(adapter_name)
        else:
            if not isinstance(target, ImageAdapterMLP):
                target = ImageAdapterMLP(parent.post_attention_layernorm, target)
                parent.post_attention_layernorm = nn.Identity()
            target.update_layer(adapter_name, peft_config, **self.plan[current_key])
        setattr(parent, target_name, target)
        # A layer that an earlier adapter left alone joins with the adapter that is active now.
        target.set_adapter(self.active_adapters, inference_mode=peft_config.inference_mode)

    def _replace_module(self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module) -> None:
        """Called by `unload`: puts the base modules back where they were."""
        if isinstance(child, ImageAdapterMLP):
            parent.post_attention_layernorm, new_module = child.base_layer
        elif isinstance(child, ModulesToSaveWrapper):
            # PEFT would leave the trained projection in front of the base's language model.
            new_module = child.original_module
        setattr(parent, child_name, new_module)

    def _check_merge_allowed(self) -> None:
        raise NotImplementedError(  # not a stub: it is refused for good
            "An image adapter works on the residual stream, before a non-linear norm: there is no base weight to merge "
            "it into. Use `unload()` for the base model, or keep the adapter as it is."
        )

    def _cast_adapter_dtype(self, adapter_name: str, autocast_adapter_dtype: bool = True) -> None:
        """Trainable parameters are fp32, those of `modules_to_save` too, which PEFT would leave in the base's dtype."""
        super()._cast_adapter_dtype(adapter_name, autocast_adapter_dtype)
        if not autocast_adapter_dtype:
            return
        for module in self.model.modules():
            if isinstance(module, ModulesToSaveWrapper) and adapter_name in module.modules_to_save:
                module.modules_to_save[adapter_name].float()


def decoder_layers(model: nn.Module) -> dict[str, nn.Module]:
    """The decoder layers of the language model inside `model`, by full name, in order.

    Raises:
        ValueError: if `model` has none that transformers' `get_decoder()` finds.
    """
    decoder = model
    while hasattr(decoder, "get_decoder") and decoder.get_decoder() is not decoder:
        decoder = decoder.get_decoder()
    layers = getattr(decoder, "layers", None)
    if not isinstance(layers, nn.ModuleList) or len(layers) == 0:
        raise ValueError(
            f"{type(model).__name__} has no list of decoder layers. The image adapter needs a transformers model whose "
            f"language model is of one of these families: {SUPPORTED_FAMILIES}."
        )
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(layer)]: layer for layer in layers}


def check_forward(layer: nn.Module) -> None:
    """Raises a ValueError unless the decoder layer computes what the adapter's place is derived from."""
    cls = type(layer)
    # transformers wraps the forward for activation checkpointing; the wrapper names what it wraps.
    forward = inspect.unwrap(cls.forward)
    function = ast.parse(textwrap.dedent(inspect.getsource(forward))).body[0]
    body = [line for line in function.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "self.self_attn":
            node.args, node.keywords = [], []
    if "\n".join(ast.unparse(line) for line in body) != SUPPORTED_FORWARD:
        raise ValueError(
            f"The image adapter cannot go into {cls.__name__} ({cls.__module__}): its forward is not the one the "
            f"adapter's place is derived from. Supported: {SUPPORTED_FAMILIES}, and every decoder layer whose forward "
            "is Llama's."
        )
