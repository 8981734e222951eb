"""BLIP-2's vision tower and Q-Former from LAVIS' model zoo, as the files that `artgpt4.convert` reads.

    python -m train.lavis.environment .venv-lavis
    .venv-lavis/bin/python -m train.lavis.export --out FOLDER

writes FOLDER/eva_vit_g.pth (39 blocks of EVA ViT-g) and FOLDER/blip2_pretrained_flant5xxl.pth (Q-Former, its queries,
and the norm between the two), after LAVIS' own modules have taken them in and every weight of theirs has been found in
the zoo. LAVIS downloads 2.4 GB and keeps them in ~/.cache/torch/hub/checkpoints ($TORCH_HOME/hub/checkpoints). The
language model that BLIP-2 was trained with is neither loaded nor downloaded. It takes 7 GB of memory.
"""

import argparse
import pickle
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import yaml
from tqdm import tqdm
from transformers import BertConfig

from train.lavis.modules import LAVIS_FOLDER, blip2

ZOO_CONFIG = Path(LAVIS_FOLDER, "configs", "models", "blip2", "blip2_pretrain_flant5xxl.yaml")


class ExportError(RuntimeError):
    """Nothing was written; the message says why and what to do."""


class VisionAndQformer(blip2.Blip2Base):
    """LAVIS' `Blip2T5` up to what its T5 gets: made of the same modules under the same names.

    Args:
        vision: EVA's transformer, [B, 3, 224, 224] -> [B, 257, 1408].
        ln_vision: the norm after it.
        num_query_tokens: how many queries there are.
    """

    def __init__(self, vision: torch.nn.Module, ln_vision: torch.nn.Module, num_query_tokens: int):
        super().__init__()
        self.visual_encoder, self.ln_vision = vision, ln_vision
        # `Blip2Base.init_Qformer` first loads BERT, whose weights BLIP-2's then replace. These are BERT's sizes.
        config = BertConfig()
        config.encoder_width = vision.num_features
        config.add_cross_attention = True
        config.cross_attention_freq = 2
        config.query_length = num_query_tokens
        self.Qformer = blip2.BertLMHeadModel(config)
        self.query_tokens = torch.nn.Parameter(torch.zeros(1, num_query_tokens, config.hidden_size))
        # Its branch for text, which BLIP-2 leaves out from its second stage on.
        self.Qformer.cls = None
        self.Qformer.bert.embeddings.word_embeddings = self.Qformer.bert.embeddings.position_embeddings = None
        for layer in self.Qformer.bert.encoder.layer:
            layer.intermediate = layer.output = None


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m train.lavis.export", description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=Path, help="folder to write the two files into")
    out = parser.parse_args(arguments).out
    try:
        vision, qformer = export(out)
    except ExportError as error:
        sys.exit(f"Not exported. {error}")
    print(f"Next: python -m artgpt4.convert --vision {vision} --qformer {qformer} --llm ... --out ...")


def export(out: Path) -> tuple[Path, Path]:
    """Writes the two files into `out`, both or neither -> where they are. Weights keep the zoo's dtypes.

    Raises:
        ExportError: if the files exist, if the zoo's cannot be had, lack a weight or have it in another shape, or if
            they cannot be written.
    """
    config = yaml.safe_load(ZOO_CONFIG.read_text())["model"]
    zoo, _, qformer_name = config["pretrained"].rpartition("/")
    names = ("eva_vit_g.pth", qformer_name)
    if existing := [str(out / name) for name in names if (out / name).exists()]:
        raise ExportError(f"{' and '.join(existing)} exist already. Remove them or give another --out.")
    vision_file, qformer_file = [download(f"{zoo}/{name}") for name in names]

    vision_dtypes, qformer_dtypes = dtypes(vision_file), dtypes(qformer_file)

    print("Loading them into LAVIS' modules ...")
    # In full precision, whatever the zoo's: narrowed again, every weight is the zoo's to the bit.
    with named(vision_file):
        parts = VisionAndQformer.init_vision_encoder("eva_clip_g", config["image_size"], 0, False, "fp32")
    vision = complete(parts[0], vision_dtypes, vision_file)
    model = VisionAndQformer(*parts, config["num_query_token"])
    with named(qformer_file):
        model.load_from_pretrained(config["pretrained"])
    del model.visual_encoder  # it is in the other file
    qformer = complete(model, qformer_dtypes, qformer_file)
    return write(out, {names[0]: vision, names[1]: {"model": qformer}})


def download(url: str) -> Path:
    """LAVIS' own copy of a file of its zoo, downloaded if need be.

    Raises:
        ExportError: if it cannot be had.
    """
    try:
        print(f"{url} ...")
        return Path(blip2.download_cached_file(url, check_hash=False, progress=True))
    except OSError as error:
        folder = Path(torch.hub.get_dir(), "checkpoints")
        raise ExportError(
            f"{url} could not be downloaded to {folder}: {error}. Is there a network, and room on the disk (2.4 GB for "
            f"both files)? TORCH_HOME names another place; a file that was brought there by hand is taken as it is."
        ) from error


@contextmanager
def named(file: Path) -> Iterator[None]:
    """Says of which file it was that torch could not read it or load it into the model, as an ExportError."""
    try:
        yield
    except (pickle.UnpicklingError, RuntimeError, EOFError, AttributeError, KeyError) as error:
        raise ExportError(
            f"{file} is not what LAVIS publishes, or was not downloaded whole: remove it and run this again. "
            f"torch says: {error}"
        ) from error


def dtypes(file: Path) -> dict[str, torch.dtype]:
    """The weights in a checkpoint, by name.

    Raises:
        ExportError: if the file cannot be read.
    """
    with named(file):
        # torch's format before 1.6 is no zip archive and cannot be mapped.
        stored = torch.load(file, map_location="cpu", mmap=zipfile.is_zipfile(file))
        return {name: tensor.dtype for name, tensor in stored.get("model", stored).items()}


def complete(model: torch.nn.Module, stored: dict[str, torch.dtype], file: Path) -> dict[str, torch.Tensor]:
    """The weights of a model that was loaded from `file`, in the dtypes that they have there.

    Raises:
        ExportError: if the file lacks one: LAVIS would go on with what it was initialised with.
    """
    if missing := [name for name, _ in model.named_parameters() if name not in stored]:
        raise ExportError(
            f"{file} lacks {len(missing)} of LAVIS' weights, among them {', '.join(missing[:3])}. It is not what "
            f"LAVIS publishes under this name: remove it and run this again."
        )
    weights = model.state_dict()
    if unused := sorted(stored.keys() - weights.keys()):
        print(f"{file.name}: {len(unused)} weights left out, as LAVIS does, from {unused[0]} to {unused[-1]}")
    return {name: tensor.to(stored.get(name, tensor.dtype)) for name, tensor in weights.items()}


def write(out: Path, files: dict[str, dict]) -> tuple[Path, ...]:
    """Saves every checkpoint under its name in `out`, all or none.

    Raises:
        ExportError: if there is no room, or no right to write there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        # Written beside and renamed when whole.
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=out) as unfinished:
            for name, state in files.items():
                size = sum(tensor.nbytes for tensor in state.get("model", state).values())
                with open(Path(unfinished, name), "wb") as file:
                    with tqdm.wrapattr(file, "write", total=size, desc=name) as watched:
                        torch.save(state, watched)
            for name in files:
                Path(unfinished, name).replace(out / name)
    except (OSError, RuntimeError) as error:
        # When a write fails, torch reports a wrong position in the file; what happened stands behind that.
        cause = error
        while cause.__context__:
            cause = cause.__context__
        raise ExportError(
            f"{out} could not be written: {cause}. It takes 2.4 GB: make room or give another."
        ) from error
    return tuple(out / name for name in files)


if __name__ == "__main__":
    main()
