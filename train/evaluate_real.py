"""What the embedded model says of real pictures: paintings of ArtMM and photographs that libraries bring.

    python -m train.evaluate_real --artmm FOLDER [--model NAME]

It was trained on painted pictures alone, so nothing says beforehand what of it carries over. Colours, brightness and
warmth are held against the pixels; a subject is right if it is one of those noted here by looking, and wrong if it is
another. Saying that one is not sure is neither. Prints every answer: read them.
"""

import argparse
from pathlib import Path

import gradio
import matplotlib
import numpy as np
import skimage
import sklearn
from PIL import Image

import artgpt4
from artgpt4.chat import ChatModel
from artgpt4.images import open_picture
from train.evaluate_mini import answers, palette_f1, share
from train.painter import language
from train.painter.measure import BORDERS, measure_pixels
from train.painter.vocabulary import UNKNOWN

#: Pictures of ArtMM (Yuan et al., 2023) and the subjects, of those the painter knows, that one may see in them.
ARTMM: dict[str, tuple[str, ...]] = {
    "ICRC/3.jpg": ("animal",),
    "ICRC/4.webp": ("animal",),
    "IDC/1.jpg": ("flowers",),
    "IDC/3.jpg": ("village",),
    "IDC/4.jpg": ("sea", "mountains"),
    "IDC/8.jpg": ("cabin", "forest"),
    "IDC/10.jpg": ("fruit",),
    "ISAC/1.jpg": ("figure", "pair", "portrait", "crowd"),
    "ISAC/4.jpg": ("figure", "pair", "crowd"),
    "ISAC/5.jpg": ("crowd",),
    "ISAC/8.jpg": ("figure", "crowd"),
}
#: Photographs in the packages of scikit-image, scikit-learn, Gradio and matplotlib, likewise.
PHOTOGRAPHS: dict[str, tuple[str, ...]] = {
    "astronaut.png": ("portrait", "figure"),
    "brick.png": (),
    "camera.png": ("figure", "portrait"),
    "cheetah.jpg": ("animal",),
    "cheetah1.jpg": ("animal",),
    "chelsea.png": ("animal",),
    "china.jpg": ("city", "village"),
    "clock_motion.png": (),
    "coffee.png": (),
    "coins.png": (),
    "flower.jpg": ("flowers",),
    "grace_hopper.jpg": ("portrait", "figure"),
    "grass.png": (),
    "gravel.png": (),
    "groot.jpeg": ("portrait", "figure"),
    "horse.png": ("animal",),
    "hubble_deep_field.jpg": (),
    "ihc.png": (),
    "lion.jpg": ("animal",),
    "moon.png": (),
    "motorcycle_left.png": (),
    "page.png": (),
    "retina.jpg": (),
    "rocket.jpg": (),
    "text.png": (),
    "tower.jpg": ("city",),
}


def real_pictures(artmm: Path | None) -> dict[str, tuple[Image.Image, tuple[str, ...]]]:
    """Name, picture and the subjects that one may see in it.

    Raises:
        FileNotFoundError: `artmm` lacks a picture.
    """
    folders = [
        Path(skimage.__file__).parent / "data",
        Path(sklearn.__file__).parent / "datasets" / "images",
        Path(gradio.__file__).parent / "media_assets" / "images",
        Path(matplotlib.get_data_path()) / "sample_data",
    ]
    found = {
        name: (next(folder / name for folder in folders if (folder / name).is_file()), subjects)
        for name, subjects in PHOTOGRAPHS.items()
    }
    if artmm is not None:
        found = {name: (artmm / name, subjects) for name, subjects in ARTMM.items()} | found
    return {name: (open_picture(path), subjects) for name, (path, subjects) in found.items()}


#: Of the scale from 0 to 1: a picture whose measure is nearer to a border of two words than this bears either.
_AT_A_BORDER = 0.01


def off_the_borders(pixels: dict, name: str) -> bool:
    """Whether what `measure_pixels` found leaves no doubt which word of `name` a picture bears."""
    return all(abs(pixels["measures"][name] - border) > _AT_A_BORDER for border in BORDERS[name])


def evaluate(chat_model: ChatModel, artmm: Path | None, batch_size: int = 32) -> tuple[dict[str, float], list[dict]]:
    """Shares over all pictures, and for each what was said and what is so."""
    named = real_pictures(artmm)
    pictures = [picture for picture, _ in named.values()]
    kinds = ("subject", "palette", "leading colour", "brightness", "warmth", "emotion", "description")
    said = {}
    for kind in kinds:
        rounds = [[(language.QUESTIONS[kind], None)]] * len(pictures)
        said[kind] = [text for text, _ in answers(chat_model, pictures, rounds, batch_size)]
    rows = []
    for i, (name, (picture, subjects)) in enumerate(named.items()):
        claimed = {kind: language.parse(texts[i]) for kind, texts in said.items()}
        subject = claimed["subject"].get("subject")
        told = subject not in (None, UNKNOWN)
        rows.append(
            {
                "picture": name,
                "pixels": measure_pixels(np.asarray(picture)),
                "palette": claimed["palette"].get("colours") or [],
                "leading colour": (claimed["leading colour"].get("colours") or [None])[0],
                "brightness": claimed["brightness"].get("brightness"),
                "warmth": claimed["warmth"].get("warmth"),
                "subject": subject,
                "subject is": "not told" if not told else "right" if subject in subjects else "wrong",
                "said": {kind: texts[i] for kind, texts in said.items()},
            }
        )
    figures = {
        "brightness": share([row["brightness"] == row["pixels"]["brightness"] for row in rows]),
        "warmth": share([row["warmth"] == row["pixels"]["warmth"] for row in rows]),
        # Of so few pictures, the share that lies at a border of two words decides whether 95 % can be had.
        **{
            f"{name}, off the borders": share(
                [row[name] == row["pixels"][name] for row in rows if off_the_borders(row["pixels"], name)]
            )
            for name in ("brightness", "warmth")
        },
        "leading colour": share([row["leading colour"] == row["pixels"]["colours"][0] for row in rows]),
        "palette F1": float(np.mean([palette_f1(row["palette"], row["pixels"]["colours"]) for row in rows])),
        "subject right": share([row["subject is"] == "right" for row in rows]),
        "subject not told": share([row["subject is"] == "not told" for row in rows]),
        "subject wrong": share([row["subject is"] == "wrong" for row in rows]),
    }
    return figures, rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--artmm", type=Path, help="ArtMM's published folder; without it, the photographs alone")
    given = parser.parse_args()
    figures, rows = evaluate(artgpt4.load(given.model), given.artmm)
    for row in rows:
        pixels = row["pixels"]
        print(f"\n{row['picture']}: {', '.join(pixels['colours'])}; {pixels['brightness']}, {pixels['warmth']}")
        print(f"  subject {row['subject is']}: {row['said']['subject']}\n  {row['said']['palette']}")
        print(f"  {row['said']['brightness']} {row['said']['warmth']}")
        print(f"  {row['said']['emotion']}\n  {row['said']['description']}")
    print(f"\n{len(rows)} real pictures")
    for name, value in figures.items():
        print(f"{name}: {value:.3f}")


if __name__ == "__main__":
    main()
