"""Training data: what to download from where, and whether what lies on the disk is complete.

    python -m train.prepare laion|cc_sbu|cc_sbu_align|llava|paintingform|artemis [--folder data/NAME]

Says how to get the data set if its folder is not there, and counts what is in it if it is. It downloads nothing itself:
the sets have terms of their own to accept, and the large ones take days. Exit status 1 if something is missing.
"""

import argparse
import csv
import sys
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from train.data import read_artemis, read_cc_sbu_align, read_llava_instruct, read_paintingform

IMG2DATASET = """\
    img2dataset has needs of its own; give it an environment of its own:
        python -m venv img2dataset && img2dataset/bin/pip install img2dataset"""

HOW = {
    "laion": f"""\
LAION-aesthetic, for stage 1. The paper took the first 0.52M pairs (about 200 GB), 302 shards in the original's config.
    The lists of addresses and captions (parquet) are LAION's, on the Hugging Face Hub: laion2B-en-aesthetic or what
    took its place; accept its terms there. Then
        img2dataset --input_format parquet --url_list LISTS --url_col URL --caption_col TEXT \\
            --output_format webdataset --output_folder {{folder}} --image_size 384 --resize_mode keep_ratio \\
            --resize_only_if_bigger True --processes_count 16 --thread_count 128
{IMG2DATASET}
    Train with shards={{folder}}/*.tar""",
    "cc_sbu": f"""\
CC3M, CC12M and SBU with BLIP's filtered captions: MiniGPT-4's stage 1, the half beside LAION.
    https://storage.googleapis.com/sfr-vision-language-research/BLIP/datasets/ccs_synthetic_filtered_large.json
    It is a list of {{{{"url": ..., "caption": ...}}}} and img2dataset reads it as it is:
        img2dataset --input_format json --url_list ccs_synthetic_filtered_large.json --url_col url \\
            --caption_col caption --output_format webdataset --output_folder {{folder}} --image_size 224 \\
            --processes_count 16 --thread_count 128
{IMG2DATASET}
    Train with shards={{folder}}/*.tar""",
    "cc_sbu_align": """\
MiniGPT-4's stage 2: about 3,500 pictures with long descriptions.
    The archive is linked in dataset/README_2_STAGE.md of https://github.com/Vision-CAIR/MiniGPT-4. Unpack it:
        {folder}/filter_cap.json
        {folder}/image/2.jpg ...
    Train with cc_sbu_align={folder}""",
    "llava": """\
LLaVA-Instruct: dialogues about COCO pictures.
    https://huggingface.co/datasets/liuhaotian/LLaVA-Instruct-150K (llava_instruct_150k.json) to {folder}
    http://images.cocodataset.org/zips/train2017.zip, unpacked to {folder}/train2017
    Train with llava={folder}/llava_instruct_150k.json images={folder}/train2017""",
    "paintingform": """\
PaintingForm (GalleryGPT): formal analyses of 19,000 paintings.
    https://huggingface.co/datasets/steven16/Painting-Form: train_samples_tuning.json and art_images_data.zip (10 GB),
    unpacked so that the pictures lie where the records say:
        {folder}/train_samples_tuning.json
        {folder}/images/0.png ...
    Train with paintingform={folder}""",
    "artemis": """\
ArtEmis and ArtEmis v2.0: emotions that paintings evoke, and why.
    https://www.artemisdataset.org and https://www.artemisdataset-v2.org (a form each) to {folder}:
        {folder}/artemis_dataset_release_v0.csv     ArtEmis
        {folder}/Contrastive.csv                    the new part of v2.0
        {folder}/combined_artemis.csv               v2.0, made of both by its own combine.py
    WikiArt's pictures, linked in https://github.com/cs-chan/ArtGAN (WikiArt Dataset), to {folder}/wikiart:
        {folder}/wikiart/Impressionism/claude-monet_....jpg
    Train with artemis={folder}/artemis_dataset_release_v0.csv wikiart={folder}/wikiart""",
}

#: (what was counted, what is missing), a line each
Found = tuple[list[str], list[str]]


def check_shards(folder: Path) -> Found:
    """Counts the samples of img2dataset's shards by reading the names in every tar."""
    shards = sorted(folder.glob("*.tar"))
    if not shards:
        return [], [f"{folder} holds no .tar"]
    samples, problems = 0, []
    for shard in shards:
        kinds: dict[str, set[str]] = {}
        try:
            with tarfile.open(shard) as tar:
                for name in tar.getnames():
                    key, _, kind = name.partition(".")
                    kinds.setdefault(key, set()).add(kind)
        except (tarfile.TarError, OSError, EOFError) as error:
            problems.append(f"{shard.name} is broken: {error}")
            continue
        whole = [
            key for key, of_key in kinds.items() if of_key & {"jpg", "jpeg", "png", "webp"} and of_key & {"txt", "json"}
        ]
        samples += len(whole)
        if len(whole) < len(kinds):
            problems.append(f"{shard.name}: {len(kinds) - len(whole)} of {len(kinds)} samples lack picture or caption")
    return [f"{len(shards)} shards, {samples} samples"], problems


def check_cc_sbu_align(folder: Path) -> Found:
    """Counts captions and their pictures."""
    return _check_records([folder / "filter_cap.json"], lambda: read_cc_sbu_align(folder))


def check_llava(folder: Path) -> Found:
    """Counts dialogues and their pictures."""
    path = folder / "llava_instruct_150k.json"
    return _check_records([path, folder / "train2017"], lambda: read_llava_instruct(path, folder / "train2017"))


def check_paintingform(folder: Path) -> Found:
    """Counts analyses and their pictures."""
    return _check_records([folder / "train_samples_tuning.json"], lambda: read_paintingform(folder))


def check_artemis(folder: Path) -> Found:
    """Counts the annotations of every file that is there, and those whose painting is."""
    names = ("artemis_dataset_release_v0.csv", "Contrastive.csv", "combined_artemis.csv")
    paths = [folder / name for name in names if (folder / name).is_file()]
    counted, problems = [], [] if paths else [f"{folder} holds none of {', '.join(names)}"]
    if not (folder / "wikiart").is_dir():
        return counted, [*problems, f"{folder / 'wikiart'} is missing"]
    for path in paths:
        with open(path, encoding="utf-8", newline="") as lines:
            rows = sum(1 for _ in csv.DictReader(lines))
        try:
            records = read_artemis(path, folder / "wikiart")
        except ValueError as error:
            problems.append(str(error))
            continue
        emotions = Counter(rounds[0][1].partition(":")[0].lower() for _, rounds in records)
        paintings = len({picture for picture, _ in records})
        counted.append(f"{path.name}: {rows} annotations, {len(records)} to train on, of {paintings} paintings")
        counted.append("    " + ", ".join(f"{emotion} {number}" for emotion, number in emotions.most_common()))
        if len(records) < rows:
            problems.append(
                f"{path.name}: {rows - len(records)} annotations are of another split or lack their painting"
            )
    return counted, problems


def _check_records(needed: list[Path], read: Callable[[], list]) -> Found:
    missing = [f"{path} is missing" for path in needed if not path.exists()]
    if missing:
        return [], missing
    try:
        records = read()
    except (ValueError, KeyError) as error:
        return [], [f"{needed[0].name} is not in the published form: {error!r}"]
    pictures = {picture for picture, _ in records if picture is not None}
    text_only = sum(picture is None for picture, _ in records)
    rounds = sum(len(of_record) for _, of_record in records)
    absent = sorted(str(picture) for picture in pictures if not picture.is_file())
    counted = [f"{len(records)} records, {rounds} answers, {len(pictures)} pictures, {text_only} records of text alone"]
    return counted, [f"{len(absent)} pictures are missing, {absent[0]} for one"] if absent else []


CHECKS: dict[str, Callable[[Path], Found]] = {
    "laion": check_shards,
    "cc_sbu": check_shards,
    "cc_sbu_align": check_cc_sbu_align,
    "llava": check_llava,
    "paintingform": check_paintingform,
    "artemis": check_artemis,
}


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(HOW))
    parser.add_argument("--folder", type=Path, help="where it lies or shall lie; data/NAME unless told")
    given = parser.parse_args(argv)
    folder = given.folder or Path("data") / given.name
    if not folder.is_dir():
        print(HOW[given.name].format(folder=folder))
        print(f"\n{folder} is not there yet. When it is, the same command counts what lies in it.")
        return 1
    counted, problems = CHECKS[given.name](folder)
    print("\n".join([f"{given.name} in {folder}", *counted, *(f"MISSING: {problem}" for problem in problems)]))
    if not problems:
        print("complete")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
