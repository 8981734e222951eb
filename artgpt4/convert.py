"""Published weights -> a base folder and an adapter folder that `artgpt4.load` opens.

    python -m artgpt4.convert --vision eva_vit_g.pth --qformer blip2_pretrained_flant5xxl.pth \\
        --llm FOLDER_OR_HUB_ID [--delta FOLDER_OR_HUB_ID] [--projection pretrained_minigpt4.pth] \\
        [--adapter ArtGPT-4.pth] [--dims dims.json] [--dtype bfloat16] --out DIR

writes DIR/minigpt4 (the base) and, with --adapter, DIR/artgpt4 (a PEFT adapter that names its base). Every file may
also be hf://owner/name/file. --vision and --qformer may be a folder or a Hub id with a BLIP-2 in transformers' format.

Weights are read twice, tensor by tensor from memory-mapped files: first their names and shapes, so that everything
that is wrong is said at once and before anything is written; then their values, one output shard at a time.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from huggingface_hub import hf_hub_download, list_repo_files, snapshot_download
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tqdm import tqdm
from transformers import AutoConfig, GenerationConfig, LlamaTokenizer, PreTrainedTokenizerFast
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from artgpt4.image_adapter import ImageAdapterConfig
from artgpt4.minigpt4 import MiniGPT4Config, MiniGPT4ForConditionalGeneration, MiniGPT4Processor

# An output shard is held twice while it is written, as tensors and as bytes.
SHARD_BYTES = 700_000_000

# LAVIS' name -> transformers' name.
VISION_NAMES = [
    (r"^cls_token$", "vision_model.embeddings.class_embedding"),
    (r"^pos_embed$", "vision_model.embeddings.position_embedding"),
    (r"^patch_embed\.proj\.", "vision_model.embeddings.patch_embedding."),
    (r"^blocks\.(\d+)\.attn\.proj\.", r"vision_model.encoder.layers.\1.self_attn.projection."),
    (r"^blocks\.(\d+)\.attn\.", r"vision_model.encoder.layers.\1.self_attn."),
    (r"^blocks\.(\d+)\.norm([12])\.", r"vision_model.encoder.layers.\1.layer_norm\2."),
    (r"^blocks\.(\d+)\.mlp\.", r"vision_model.encoder.layers.\1.mlp."),
]
QFORMER_NAMES = [
    (r"^query_tokens$", "query_tokens"),
    (r"^ln_vision\.", "vision_model.post_layernorm."),
    (r"^Qformer\.bert\.embeddings\.LayerNorm\.", "qformer.layernorm."),
    (
        r"^Qformer\.bert\.encoder\.layer\.(\d+)\.(attention|crossattention)\.self\.",
        r"qformer.encoder.layer.\1.\2.attention.",
    ),
    (r"^Qformer\.bert\.encoder\.", "qformer.encoder."),
]
PROJECTION_NAMES = [(r"^llama_proj\.", "language_projection.")]
ADAPTER_NAMES = [
    (r"^llama_proj\.", "base_model.model.language_projection."),
    (
        r"^llama_model\.model\.layers\.(\d+)\.self_attn\.1\.(down|up)\.",
        r"base_model.model.language_model.model.layers.\1.mlp.image_adapter_\2.",
    ),
    (
        r"^llama_model\.model\.layers\.(\d+)\.post_attention_layernorm\.",
        r"base_model.model.language_model.model.layers.\1.mlp.image_adapter_norm.",
    ),
    (
        r"^llama_model\.model\.layers\.(\d+)\.input_layernorm\.",
        r"base_model.model.language_model.model.layers.\1.input_layernorm.image_adapter_norm.",
    ),
]

# What published files carry beside the weights that are wanted here. All else that has no place is an error.
# EVA's classifier and final norm: LAVIS takes the last hidden states but one, before them.
VISION_UNUSED = r"^(norm|fc_norm|head)\."
# BLIP-2's text branch, its other heads, its projection into another language model, and of that its embedding: LAVIS'
# trainer leaves out what is frozen, but only under one of the names of a weight that has several.
QFORMER_UNUSED = (
    r"^(t5_proj|opt_proj|t5_model|opt_model|vision_proj|text_proj|itm_head|Qformer\.cls)\.|^temp$"
    r"|^Qformer\.bert\.embeddings\.(position_ids|(word|position)_embeddings\.weight)$"
    r"|^Qformer\.bert\.encoder\.layer\.\d+\.(intermediate|output)\."
)
BLIP2_VISION = r"^vision_model\.(?!post_layernorm)"
BLIP2_QFORMER = (
    r"^(query_tokens$|vision_model\.post_layernorm\.|qformer\.(?!encoder\.layer\.\d+\.(intermediate|output)\.))"
)
# Old transformers saved the rotary frequencies, which follow from the config.
LLM_UNUSED = r"\.rotary_emb\.inv_freq$"


class ConversionError(ValueError):
    """The files given do not make a model; the message lists what is wrong with them."""


class Weight(NamedTuple):
    """One tensor under its name in the converted model, not read yet."""

    name: str
    shape: torch.Size
    read: Callable[[], torch.Tensor]
    file: str


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m artgpt4.convert", description="Convert published weights to a base and an adapter folder."
    )
    parser.add_argument("--vision", required=True, help="eva_vit_g.pth, or a BLIP-2 folder or Hub id")
    parser.add_argument("--qformer", required=True, help="blip2_pretrained_*.pth, or a BLIP-2 folder or Hub id")
    parser.add_argument("--llm", required=True, help="folder or Hub id of the language model")
    parser.add_argument("--delta", help="folder or Hub id of Vicuna's delta; --llm is then the original LLaMA")
    parser.add_argument("--projection", help="pretrained_minigpt4.pth: MiniGPT-4's own projection for the base")
    parser.add_argument("--adapter", help="ArtGPT-4.pth")
    parser.add_argument("--dims", help="json file with sizes, where they are not the published ones")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"], help="of the base")
    parser.add_argument("--out", required=True, help="folder to write minigpt4/ and artgpt4/ into")
    try:
        convert(**vars(parser.parse_args(arguments)))
    except ConversionError as error:
        sys.exit(f"Not converted. {error}")


def convert(
    vision: str,
    qformer: str,
    llm: str,
    out: str | Path,
    delta: str | None = None,
    projection: str | None = None,
    adapter: str | None = None,
    dims: str | Path | None = None,
    dtype: str = "bfloat16",
) -> None:
    """Writes `out`/minigpt4 and, given an adapter, `out`/artgpt4. Arguments as on the command line.

    Without `projection` the base takes the adapter's: there is no other. The adapter keeps its published dtype.

    Raises:
        ConversionError: if something is missing, unexpected, of another shape, or no plain weights; or if the folders
            exist. Nothing is written then.
    """
    out = Path(out)
    folders = [out / "minigpt4"] + ([out / "artgpt4"] if adapter else [])
    if existing := [str(folder) for folder in folders if folder.exists()]:
        raise ConversionError(f"{' and '.join(existing)} exist already. Remove them or give another --out.")
    if projection is None and adapter is None:
        raise ConversionError("The base needs a projection into the language model: give --projection or --adapter.")
    vision_path, qformer_path, llm_path = find(vision), find(qformer), find(llm)
    delta_path = find(delta) if delta else None
    projection_path = find(projection) if projection else None
    adapter_path = find(adapter) if adapter else None

    sizes = json.loads(Path(dims).read_text()) if dims else {}
    # A delta comes with the tokenizer of the model that it makes (Vicuna v0 has a padding token more than LLaMA).
    tokenizer = llama_tokenizer(delta_path or llm_path)
    config = model_config(sizes, qformer_path, delta_path or llm_path, tokenizer)
    adapter_config = None
    if adapter:
        adapter_config = ImageAdapterConfig(
            **adapter_sizes(sizes), modules_to_save=["language_projection"], base_model_name_or_path="../minigpt4"
        )
        adapter_config.inference_mode = True

    def base_weights() -> Iterator[Weight]:
        yield from vision_weights(vision_path, config)
        yield from qformer_weights(qformer_path)
        yield from llm_weights(llm_path, delta_path)
        if projection_path:
            yield from renamed(projection_path, PROJECTION_NAMES, f"^(?!{PROJECTION_NAMES[0][0][1:]})")
        else:
            yield from renamed(adapter_path, PROJECTION_NAMES, r"^llama_model\.")

    def adapter_weights() -> Iterator[Weight]:
        yield from renamed(adapter_path, ADAPTER_NAMES)

    wrong = compare(base_weights(), base_shapes(config))
    if adapter:
        wrong += compare(adapter_weights(), adapter_shapes(config, adapter_config))
    if wrong:
        raise ConversionError("\n".join(["The weights do not fit the model:", *dict.fromkeys(wrong)]))

    out.mkdir(parents=True, exist_ok=True)
    # Written beside and renamed when whole: a conversion that is interrupted leaves no half of a model.
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=out))
    try:
        write_base(unfinished / "minigpt4", config, tokenizer, base_weights(), getattr(torch, dtype))
        if adapter:
            (unfinished / "artgpt4").mkdir()
            adapter_config.save_pretrained(unfinished / "artgpt4")
            # Its own file is the largest thing in memory here: half of a billion parameters.
            state = {weight.name: weight.read().contiguous() for weight in adapter_weights()}
            save_file(state, unfinished / "artgpt4" / "adapter_model.safetensors", metadata={"format": "pt"})
        for folder in folders:
            (unfinished / folder.name).rename(folder)
    finally:
        shutil.rmtree(unfinished)


# Where the files are


def find(source: str) -> Path:
    """A local path, hf://owner/name/file or a Hub id -> the file or folder on this machine, downloaded if need be.

    Raises:
        ConversionError: if there is no such thing.
    """
    if Path(source).exists():
        return Path(source)
    try:
        if source.startswith("hf://"):
            owner, name, file = source.removeprefix("hf://").split("/", 2)
            return Path(hf_hub_download(f"{owner}/{name}", file))
        if re.fullmatch(r"[\w.-]+/[\w.-]+", source) and not source.endswith((".pth", ".bin", ".safetensors")):
            # Many repositories hold the same weights twice; the pickled ones are taken where there are no others.
            safe = any(file.endswith(".safetensors") for file in list_repo_files(source))
            weights = "*.safetensors" if safe else "*.bin"
            return Path(snapshot_download(source, allow_patterns=["*.json", "*.model", weights]))
    except (OSError, ValueError) as error:
        raise ConversionError(f"{source} could not be fetched from the Hub: {error}") from error
    raise ConversionError(f"{source} is no file, no folder and no Hub id (owner/name or hf://owner/name/file).")


def weight_files(path: Path) -> list[Path]:
    """The file itself, or the weight files of a folder in transformers' format, in order.

    Raises:
        ConversionError: if a folder has none.
    """
    if path.is_file():
        return [path]
    files = sorted(path.glob("model*.safetensors")) or sorted(path.glob("pytorch_model*.bin"))
    if not files:
        raise ConversionError(f"{path} holds neither model*.safetensors nor pytorch_model*.bin.")
    return files


def read(file: Path) -> dict[str, torch.Tensor]:
    """The weights in a file, memory-mapped: none is in memory until it is used. Optimiser state is not looked at.

    Raises:
        ConversionError: if the file holds anything but weights. A pickle can run code when it is opened, so what
            `weights_only=True` refuses is not opened in any other way.
    """
    if file.suffix == ".safetensors":
        return load_file(file)
    try:
        # torch's format before 1.6 is no zip archive and cannot be mapped.
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ConversionError(
            f"{file} holds something other than weights, or is damaged; it was not opened. torch says: {error}"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ConversionError(f"{file} is not a checkpoint: it should map names to tensors, by itself or as 'model'.")
    return state


# What is in them


def renamed(file: Path, names: list[tuple[str, str]], unused: str = "(?!)") -> Iterator[Weight]:
    """The weights of a LAVIS or MiniGPT-4 checkpoint under their new names; a name that is not known stays."""
    for old, tensor in read(file).items():
        if re.search(unused, old):
            continue
        new = next((re.sub(pattern, name, old) for pattern, name in names if re.search(pattern, old)), old)
        yield Weight(new, tensor.shape, lambda tensor=tensor: tensor, str(file))


def stored(path: Path, wanted: str) -> Iterator[Weight]:
    """The weights in transformers' format whose names match `wanted`."""
    for file in weight_files(path):
        for name, tensor in read(file).items():
            if re.search(wanted, name):
                yield Weight(name, tensor.shape, lambda tensor=tensor: tensor, str(file))


def vision_weights(path: Path, config: MiniGPT4Config) -> Iterator[Weight]:
    if path.is_dir():
        yield from stored(path, BLIP2_VISION)
        return
    # EVA's published file may hold the layers that LAVIS leaves out at the end.
    unused = rf"{VISION_UNUSED}|^blocks\.{config.vision_config.num_hidden_layers}\."
    biases = {}
    for weight in renamed(path, VISION_NAMES, unused):
        layer, _, kind = weight.name.rpartition(".self_attn.")
        if kind not in ("q_bias", "v_bias"):
            yield weight
            continue
        # EVA's keys have no bias; transformers holds one bias for queries, keys and values together.
        biases.setdefault(layer, {})[kind] = weight
        if len(biases[layer]) == 2:
            q, v = biases[layer]["q_bias"].read(), biases[layer]["v_bias"].read()
            bias = torch.cat([q, torch.zeros_like(v), v])
            yield Weight(f"{layer}.self_attn.qkv.bias", bias.shape, lambda bias=bias: bias, weight.file)


def qformer_weights(path: Path) -> Iterator[Weight]:
    if path.is_dir():
        yield from stored(path, BLIP2_QFORMER)
        return
    if any(name.startswith("visual_encoder.") for name in read(path)):
        raise ConversionError(
            f"{path} was fine-tuned together with its vision tower, which it holds; with another its Q-Former is worth "
            f"little. Give one that was trained on the frozen tower: blip2_pretrained_*.pth."
        )
    yield from renamed(path, QFORMER_NAMES, QFORMER_UNUSED)


def llm_weights(path: Path, delta: Path | None) -> Iterator[Weight]:
    """The language model's weights; with a delta, the sum of the two, as FastChat's apply_delta makes Vicuna."""
    read_delta = lru_cache(maxsize=1)(read)
    delta_files = {name: file for file in weight_files(delta) for name in read(file)} if delta else {}

    def add(tensor: torch.Tensor, name: str) -> torch.Tensor:
        difference = read_delta(delta_files[name])[name]
        # A token that the delta adds has no row in LLaMA: it starts from zero.
        total = difference.to(torch.float32, copy=True)
        total[: len(tensor)] += tensor
        return total

    for name, shape, tensor, file in stored(path, f"^(?!.*{LLM_UNUSED})"):
        target = f"language_model.{name}"
        if delta is None:
            yield Weight(target, shape, tensor, file)
        elif name in delta_files:
            new_shape = read_delta(delta_files[name])[name].shape
            if new_shape[0] < shape[0] or new_shape[1:] != shape[1:]:
                raise ConversionError(f"{name} is {list(shape)} in {file} and {list(new_shape)} in the delta.")
            yield Weight(target, new_shape, lambda tensor=tensor, name=name: add(tensor(), name), file)
    # A weight that the delta has not got is missing from the sum; one that only the delta has is unexpected.
    base = {name for file in weight_files(path) for name in read(file)} if delta else set()
    for name in delta_files.keys() - base:
        if not re.search(LLM_UNUSED, name):
            yield Weight(name, read_delta(delta_files[name])[name].shape, lambda: None, str(delta_files[name]))


# What should be in them


def model_config(sizes: dict, qformer: Path, llm: Path, tokenizer: PreTrainedTokenizerFast) -> MiniGPT4Config:
    """The config of the base. Sizes that are not given are the published ones (EVA ViT-g, 32 queries)."""
    vision = dict(sizes.get("vision", {}))
    if "mlp_ratio" in vision:
        vision.setdefault("intermediate_size", int(vision["hidden_size"] * vision["mlp_ratio"]))
    vision = {key: value for key, value in vision.items() if key not in ("mlp_ratio", "ln_vision_eps")}
    qformer_sizes = dict(sizes.get("qformer", {}))
    num_query_tokens = qformer_sizes.pop("num_query_tokens", 32)
    # The feed-forward width follows from the weights and is not among the sizes.
    for weight in qformer_weights(qformer):
        if weight.name == "qformer.encoder.layer.0.intermediate_query.dense.weight":
            qformer_sizes.setdefault("intermediate_size", weight.shape[0])
    text = AutoConfig.from_pretrained(llm).to_diff_dict()
    # LLaMA's first conversions carry wrong ids in their config; the tokenizer's are right. MiniGPT-4 pads with the end.
    text |= {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text["pad_token_id"] = tokenizer.eos_token_id
    for of_the_source in ("_name_or_path", "architectures", "dtype", "transformers_version"):
        text.pop(of_the_source, None)
    return MiniGPT4Config(
        vision_config=vision,
        qformer_config=qformer_sizes,
        text_config=text,
        num_query_tokens=num_query_tokens,
    )


def adapter_sizes(sizes: dict) -> dict:
    """dims.json's account of the adapter in the words of `ImageAdapterConfig`."""
    adapter = sizes.get("adapter", {})

    # dims.json explains its choices: "even layers (0, 2, 4, ...)".
    def choice(value):
        return value.split()[0] if isinstance(value, str) else value

    return {
        "reduction_factor": adapter.get("reduction", 4),
        "layers": choice(adapter.get("layers", "all")),
        "input_layernorm": choice(adapter.get("tuned_input_layernorm", "even")),
        "post_attention_layernorm": choice(adapter.get("tuned_post_attention_layernorm", "all")),
    }


def base_shapes(config: MiniGPT4Config) -> dict[str, torch.Size]:
    with torch.device("meta"):
        model = MiniGPT4ForConditionalGeneration(config)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    if config.text_config.tie_word_embeddings:
        del shapes["language_model.lm_head.weight"]
    return shapes


def adapter_shapes(config: MiniGPT4Config, adapter: ImageAdapterConfig) -> dict[str, torch.Size]:
    text, prefix = config.text_config, "base_model.model.language_model.model.layers"
    hidden, width = text.hidden_size, text.hidden_size // adapter.reduction_factor
    shapes = {
        "base_model.model.language_projection.weight": torch.Size([hidden, config.qformer_config.hidden_size]),
        "base_model.model.language_projection.bias": torch.Size([hidden]),
    }
    for layer in adapter.chosen("layers", text.num_hidden_layers):
        shapes[f"{prefix}.{layer}.mlp.image_adapter_down.weight"] = torch.Size([width, hidden])
        shapes[f"{prefix}.{layer}.mlp.image_adapter_down.bias"] = torch.Size([width])
        shapes[f"{prefix}.{layer}.mlp.image_adapter_up.weight"] = torch.Size([hidden, width])
        shapes[f"{prefix}.{layer}.mlp.image_adapter_up.bias"] = torch.Size([hidden])
    for layer in adapter.chosen("post_attention_layernorm", text.num_hidden_layers):
        shapes[f"{prefix}.{layer}.mlp.image_adapter_norm.weight"] = torch.Size([hidden])
    for layer in adapter.chosen("input_layernorm", text.num_hidden_layers):
        shapes[f"{prefix}.{layer}.input_layernorm.image_adapter_norm.weight"] = torch.Size([hidden])
    return shapes


def compare(weights: Iterator[Weight], shapes: dict[str, torch.Size]) -> list[str]:
    """What is missing, unexpected or of another shape, a line for each."""
    missing, wrong = dict(shapes), []
    for name, shape, _, file in weights:
        if name not in shapes:
            wrong.append(f"  unexpected  {name} {list(shape)} in {file}")
        elif missing.pop(name, None) is None:
            wrong.append(f"  twice       {name}, again in {file}")
        elif shape != shapes[name]:
            wrong.append(f"  misshapen   {name}: {list(shape)} in {file}, should be {list(shapes[name])}")
    return wrong + [f"  missing     {name} {list(shape)}" for name, shape in missing.items()]


# What is written


def write_base(
    folder: Path,
    config: MiniGPT4Config,
    tokenizer: PreTrainedTokenizerFast,
    weights: Iterator[Weight],
    dtype: torch.dtype,
) -> None:
    """Config, processor and weights in transformers' format."""
    folder.mkdir()
    config.architectures = [MiniGPT4ForConditionalGeneration.__name__]
    config.dtype = dtype
    config.save_pretrained(folder)
    GenerationConfig.from_model_config(config.text_config).save_pretrained(folder)
    size = config.vision_config.image_size
    image_processor = BlipImageProcessorPil(size={"height": size, "width": size})
    MiniGPT4Processor(image_processor, tokenizer, config.num_query_tokens).save_pretrained(folder)
    write_weights(folder, base_shapes(config), weights, dtype)


def write_weights(folder: Path, shapes: dict[str, torch.Size], weights: Iterator[Weight], dtype: torch.dtype) -> None:
    """The weights in shards of at most `SHARD_BYTES` (or one tensor), with their index."""
    total = sum(shape.numel() for shape in shapes.values()) * dtype.itemsize
    shards, shard, shard_bytes = [], {}, 0
    with tqdm(total=total, desc=folder.name, unit="B", unit_scale=True) as progress:
        for name, shape, read_tensor, _ in weights:
            size = shape.numel() * dtype.itemsize
            if shard and shard_bytes + size > SHARD_BYTES:
                shards.append(write_shard(folder, len(shards), shard))
                shard, shard_bytes = {}, 0
            # A copy of its own: a view into a mapped file would keep the whole file.
            shard[name] = torch.empty(shape, dtype=dtype).copy_(read_tensor())
            shard_bytes += size
            progress.update(size)
        shards.append(write_shard(folder, len(shards), shard))

    weight_map = {}
    for number, names in enumerate(shards):
        file = f"model-{number + 1:05}-of-{len(shards):05}.safetensors"
        (folder / f"{number}.safetensors").rename(folder / file)
        weight_map |= dict.fromkeys(names, file)
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2, sort_keys=True))


def write_shard(folder: Path, number: int, shard: dict[str, torch.Tensor]) -> list[str]:
    save_file(shard, folder / f"{number}.safetensors", metadata={"format": "pt"})
    return list(shard)


def llama_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """LLaMA's tokenizer with sentencepiece's own ids for every text.

    transformers' LlamaTokenizer differs from sentencepiece on three counts. It leaves out the dummy space in front of a
    text that begins with a space, which is how every answer in the prompt begins; it puts one behind every symbol that
    the vocabulary's maker defined (such as "###"); and it merges "<", "s" and ">" into the control token of that name
    where the vocabulary has the parts. All are put right in its serialised form, which a `PreTrainedTokenizerFast`
    keeps as it is. One text remains that differs: a defined symbol all alone has no dummy space in front.
    """
    serialised = json.loads(LlamaTokenizer.from_pretrained(folder).backend_tokenizer.to_str())
    special = {token["content"] for token in serialised["added_tokens"] if token["special"]}
    symbols = [token["content"] for token in serialised["added_tokens"] if not token["special"]]
    for token in serialised["added_tokens"]:
        # Cut out after normalisation, so that the dummy space is set once and not for every part of the text.
        token["normalized"] = token["content"] in symbols
    # The symbols are normalised too before they are looked for: they must come out as they went in.
    alone = "|".join(map(re.escape, symbols))
    dummy_space = r"\A(?=[\s\S])" + (rf"(?!(?:{alone})\z)" if symbols else "")
    serialised["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "Replace", "pattern": {"Regex": dummy_space}, "content": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ],
    }
    serialised["pre_tokenizer"] = None
    serialised["post_processor"] = None
    byte = re.compile(r"<0x[0-9A-F]{2}>")
    serialised["model"]["merges"] = [
        merge
        for merge in serialised["model"]["merges"]
        if (piece := "".join(merge)) not in special and not byte.fullmatch(piece)
    ]
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(serialised)),
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        clean_up_tokenization_spaces=False,
    )


if __name__ == "__main__":
    main()
