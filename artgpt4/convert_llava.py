"""LLaVA-1.5 and GalleryGPT as their authors publish them -> folders that `artgpt4.load` and `train.stage2` take.

    python -m artgpt4.convert_llava --llm Lin-Chen/ShareGPT4V-7B --out data/gallerygpt
        --vision Lin-Chen/ShareGPT4V-7B_Pretrained_vit-large336-l12 [--lora GALLERYGPT_LORA]

LLaVA's layout holds LLaMA and projector in one folder and names the vision tower, which lies in another; a LoRA has the
retrained projector beside it (`non_lora_trainables.bin`). `out`/llava is the base in transformers' layout, `out`/lora
the LoRA in PEFT's, which names its base.
"""

import argparse
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, GenerationConfig, LlamaConfig, LlavaConfig, PreTrainedTokenizerFast
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from artgpt4.convert import (
    LLM_UNUSED,
    ConversionError,
    Weight,
    compare,
    find,
    llama_tokenizer,
    renamed,
    weight_files,
    write_weights,
)
from artgpt4.llava import IMAGE, LORA_TARGETS, LlavaForConditionalGeneration, LlavaProcessor

# LLaVA's name -> transformers' name.
LLM_NAMES = [
    (r"^model\.mm_projector\.0\.", "model.multi_modal_projector.linear_1."),
    (r"^model\.mm_projector\.2\.", "model.multi_modal_projector.linear_2."),
    (r"^model\.", "model.language_model."),
]
LORA_NAMES = [(rf"^(base_model\.model\.){old[1:]}", rf"\1{new}") for old, new in LLM_NAMES]
VISION_NAMES = [(r"^vision_model\.", "model.vision_tower.")]
# Some checkpoints carry the vision tower along with LLaMA; --vision brings it.
UNUSED = rf"{LLM_UNUSED}|^model\.vision_tower\."


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m artgpt4.convert_llava", description="Convert LLaVA's published layout to a base and a LoRA."
    )
    parser.add_argument("--llm", required=True, help="folder or Hub id of LLaMA with the projector")
    parser.add_argument("--vision", required=True, help="folder or Hub id of the CLIP tower that belongs to it")
    parser.add_argument("--lora", help="folder or Hub id of a LoRA with non_lora_trainables.bin, such as GalleryGPT's")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"], help="of the base")
    parser.add_argument("--out", required=True, help="folder to write llava/ and lora/ into")
    try:
        convert_llava(**vars(parser.parse_args(arguments)))
    except ConversionError as error:
        sys.exit(f"Not converted. {error}")


def convert_llava(llm: str, vision: str, out: str | Path, lora: str | None = None, dtype: str = "bfloat16") -> None:
    """Writes `out`/llava and, given a LoRA, `out`/lora. Arguments as on the command line.

    Raises:
        ConversionError: if something is missing, unexpected, of another shape, or no plain weights; or if the folders
            exist. Nothing is written then.
    """
    out = Path(out)
    folders = [out / "llava"] + ([out / "lora"] if lora else [])
    if existing := [str(folder) for folder in folders if folder.exists()]:
        raise ConversionError(f"{' and '.join(existing)} exist already. Remove them or give another --out.")
    llm_path, vision_path = find(llm), find(vision)
    lora_path = find(lora) if lora else None

    settings = json.loads((llm_path / "config.json").read_text(encoding="utf-8"))
    tokenizer = llama_tokenizer(llm_path)
    config = llava_config(settings, vision_path, tokenizer)
    rows = config.text_config.vocab_size

    def base_weights() -> Iterator[Weight]:
        for file in weight_files(llm_path):
            for weight in renamed(file, LLM_NAMES, UNUSED):
                yield (
                    with_rows(weight, rows)
                    if weight.name.endswith(("embed_tokens.weight", "lm_head.weight"))
                    else weight
                )
        for file in weight_files(vision_path):
            yield from renamed(file, VISION_NAMES, r"\.position_ids$")

    def lora_weights() -> Iterator[Weight]:
        yield from renamed(lora_path / "adapter_model.bin", LORA_NAMES)
        yield from renamed(lora_path / "non_lora_trainables.bin", LORA_NAMES)

    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in LlavaForConditionalGeneration(config).state_dict().items()}
    if wrong := compare(base_weights(), shapes):
        raise ConversionError("\n".join(["The weights do not fit the model:", *dict.fromkeys(wrong)]))

    out.mkdir(parents=True, exist_ok=True)
    # Written beside and renamed when whole: a conversion that is interrupted leaves no half of a model.
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=out))
    try:
        base = unfinished / "llava"
        base.mkdir()
        config.dtype = getattr(torch, dtype)
        config.save_pretrained(base)
        GenerationConfig.from_model_config(config.text_config).save_pretrained(base)
        processor(settings, vision_path, config, tokenizer).save_pretrained(base)
        write_weights(base, shapes, base_weights(), config.dtype)
        if lora_path:
            write_lora(unfinished / "lora", lora_path, lora_weights())
        for folder in folders:
            (unfinished / folder.name).rename(folder)
    finally:
        shutil.rmtree(unfinished)


def llava_config(settings: dict, vision: Path, tokenizer: PreTrainedTokenizerFast) -> LlavaConfig:
    """LLaVA's config in transformers' words; the picture's placeholder becomes a token of its own, behind the others.

    Raises:
        ConversionError: if the projector is not LLaVA-1.5's.
    """
    if settings.get("mm_projector_type") != "mlp2x_gelu":
        raise ConversionError(f"The projector is {settings.get('mm_projector_type')!r}; only mlp2x_gelu is known.")
    tokenizer.add_special_tokens({"extra_special_tokens": [IMAGE]})
    names = LlamaConfig().to_dict().keys() & settings.keys() - {"model_type", "architectures", "transformers_version"}
    text = {name: settings[name] for name in names} | {"model_type": "llama"}
    text |= {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text |= {"vocab_size": 64 * math.ceil(len(tokenizer) / 64)}
    strategies = {"patch": "default", "cls_patch": "full"}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig.from_pretrained(vision),
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=settings["mm_vision_select_layer"],
        vision_feature_select_strategy=strategies[settings.get("mm_vision_select_feature", "patch")],
    )
    config.architectures = [LlavaForConditionalGeneration.__name__]
    return config


def with_rows(weight: Weight, rows: int) -> Weight:
    """An embedding or head with rows for tokens that are never said: the mean of the others, never the likeliest."""

    def read() -> torch.Tensor:
        tensor = weight.read()
        return torch.cat([tensor, tensor.float().mean(0, keepdim=True).to(tensor).expand(rows - len(tensor), -1)])

    return weight._replace(shape=torch.Size([rows, *weight.shape[1:]]), read=read)


def processor(settings: dict, vision: Path, config: LlavaConfig, tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """The tower's preparation of pictures, before which LLaVA-1.5 pads them to a square, and the tokenizer."""
    preparation = json.loads((vision / "preprocessor_config.json").read_text(encoding="utf-8"))
    is_padded = settings.get("image_aspect_ratio") == "pad"
    names = ("size", "crop_size", "image_mean", "image_std", "resample", "do_center_crop")
    image_processor = LlavaImageProcessorPil(**{name: preparation[name] for name in names}, do_pad=is_padded)
    return LlavaProcessor(
        image_processor,
        tokenizer,
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        num_additional_image_tokens=1,  # CLIP's class token
    )


def write_lora(folder: Path, source: Path, weights: Iterator[Weight]) -> None:
    """The LoRA in PEFT's format, with the retrained projector as a module saved whole."""
    published = json.loads((source / "adapter_config.json").read_text(encoding="utf-8"))
    config = LoraConfig(
        r=published["r"],
        lora_alpha=published["lora_alpha"],
        lora_dropout=published["lora_dropout"],
        # Its targets' names are those of the tower's layers too, which it never touches.
        target_modules=LORA_TARGETS,
        modules_to_save=["multi_modal_projector"],
        base_model_name_or_path="../llava",
        inference_mode=True,
    )
    folder.mkdir()
    config.save_pretrained(folder)
    state = {weight.name: weight.read().contiguous() for weight in weights}
    save_file(state, folder / "adapter_model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
