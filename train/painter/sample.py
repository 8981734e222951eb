"""One painted picture and its facts from one number."""

from dataclasses import replace

import numpy as np

from train.painter.borders import near_a_border
from train.painter.emotion import scores
from train.painter.facts import Facts
from train.painter.measure import measure, measure_pixels
from train.painter.paint import Painting, paint, photograph
from train.painter.scene import sample_scene
from train.painter.unknown import unknown_view
from train.painter.vocabulary import MANNERS, SUBJECTS

#: What must be seen for the subject to be told; the others are told by the whole.
_SIGNS: dict[str, tuple[str, ...]] = {
    "sea": ("water",),
    "mountains": ("mountain",),
    "forest": ("tree", "pine"),
    "village": ("house",),
    "city": ("tower", "house", "lit window"),
    "boat": ("boat", "sail"),
    "cabin": ("house",),
    "river": ("water",),
    "tree": ("tree",),
    "flowers": ("flowers",),
    "fruit": ("fruit",),
    "portrait": ("person",),
    "crowd": ("person",),
    "figure": ("person",),
    "pair": ("person",),
    "interior": ("window", "door", "chair", "table", "lamp"),
    "animal": ("cat", "dog", "horse", "fish", "bird"),
}


def sample_painting(
    seed: int, size: int = 224, combinations: str = "seen", at_a_border: bool = False
) -> tuple[np.ndarray, Facts]:
    """Paint the picture of a number.

    Args:
        seed: any whole number not below zero; equal seeds give equal pictures of one size.
        size: edge in pixels.
        combinations: "seen" for palettes that `scene.held_out` leaves to the subject, "unseen" for the others alone.
        at_a_border: whether its brightness or its warmth is moved to a border of two words, see `near_a_border`.

    Returns:
        The picture, uint8 RGB [size, size, 3], and what can be seen in it.
    """
    rng = np.random.default_rng(seed)
    subject, manner = str(rng.choice(SUBJECTS)), str(rng.choice(MANNERS))
    unknown = combinations == "seen" and rng.random() < 0.08
    best, least = None, np.inf
    for _ in range(3):
        scene = sample_scene(rng, subject, manner, combinations)
        painting = paint(scene, rng, size)
        if unknown:
            painting = Painting(unknown_view(painting.image, rng), {}, None)
        painting = photograph(painting, rng)
        if at_a_border:
            painting = replace(painting, image=near_a_border(painting.image, rng))
        facts = measure(painting, None if unknown else scene)
        signs = None if unknown else _SIGNS.get(subject)
        doubt = _doubt(painting.image, facts) + (signs is not None and not any(t.name in signs for t in facts.things))
        if doubt < least:
            best, least = (painting.image, facts), doubt
        if doubt < 0.1:
            break
    return best


def _doubt(image: np.ndarray, facts: Facts) -> float:
    """How much hangs by a hair: the emotion, the leading colour, which colours count, or that there is light at all."""
    first, second = sorted(scores(facts).values())[-2:][::-1]
    pixels = measure_pixels(image)
    margins = ((first - second, 0.25, 1.0), (pixels["lead"], 0.04, 0.5), (pixels["margin"], 0.025, 0.5))
    short = sum(weight * max(0.0, 1 - margin / wanted) for margin, wanted, weight in margins)
    return short + (facts.measures["brightness"] < 0.15)
