"""What can be seen on the finished pixels: colours, light, fullness, and which of the painted things still show."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from train.painter.emotion import feel
from train.painter.facts import Facts, Thing
from train.painter.paint import Painting
from train.painter.scene import Scene
from train.painter.vocabulary import (
    BRIGHTNESS,
    COLOURS,
    CONTRAST,
    DENSITY,
    HORIZONS,
    SATURATION,
    SIDES,
    UNKNOWN,
    WARMTH,
)

#: Everything is measured on a picture of this edge: what the model sees.
EDGE = 112
#: Borders between the three classes of a measure, near the thirds of the painter's own distribution.
BORDERS: dict[str, tuple[float, float]] = {
    "brightness": (0.5, 0.68),
    "saturation": (0.17, 0.34),
    "warmth": (0.5, 0.61),
    "contrast": (0.33, 0.44),
    "density": (0.25, 0.33),
}
#: Share of the pixels from which on a colour counts as one of the picture's.
LISTED = 0.12
_CLASSES = {
    "brightness": BRIGHTNESS,
    "saturation": SATURATION,
    "warmth": WARMTH,
    "contrast": CONTRAST,
    "density": DENSITY,
}
#: Thin things need not cover as much to be seen.
_THIN = ("stars", "bird", "rain", "lightning", "line", "lit window", "snow", "drips")


@lru_cache(maxsize=1)
def _name_table() -> np.ndarray:
    """The index in COLOURS of every colour of 5 bits per channel, uint8 [32, 32, 32]."""
    axis = np.arange(32, dtype=np.float32) * 8 + 4
    rgb = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 1, 3) / 255
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[:, 0]
    hue = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[:, 0, 0]
    light, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    warm = (hue < 65) | (hue >= 345)
    rules = [  # the first that holds
        ((light < 11) | ((light < 18) & (chroma < 12)), "black"),
        ((chroma < 8) & (light < 40), "dark grey"),
        ((chroma < 8) & (light < 82), "grey"),
        ((chroma < 8) | ((light > 93) & (chroma < 14)), "white"),
        ((hue >= 18) & (hue < 70) & (chroma < 30) & (light >= 62), "beige"),
        (warm & (chroma < 20) & (light < 62) & (hue < 62), "brown"),
        (((hue < 18) | (hue >= 335)) & (light >= 62) & (chroma < 62), "pink"),
        ((hue >= 12) & (hue < 50) & (light < 50), "brown"),
        ((hue >= 20) & (hue < 50) & (light < 62) & (chroma < 48), "brown"),
        ((hue < 14) | (hue >= 342), "red"),
        (hue < 42, "orange"),
        ((hue < 66) & (light >= 50), "yellow"),
        (hue < 155, "green"),
        (hue < 196, "teal"),
        (hue < 252, "blue"),
        ((hue < 300) & ~((hue > 280) & (light > 74)), "purple"),
        ((hue < 342) & (light < 45), "purple"),
    ]
    names = np.full(len(hue), COLOURS.index("pink"), np.uint8)
    for where, name in reversed(rules):
        names[where] = COLOURS.index(name)
    return names.reshape(32, 32, 32)


def colour_names(image: np.ndarray) -> np.ndarray:
    """The index in COLOURS of each pixel of a uint8 RGB array [..., 3]."""
    bins = image >> 3
    return _name_table()[bins[..., 0], bins[..., 1], bins[..., 2]]


def _small(image: np.ndarray) -> np.ndarray:
    image = cv2.resize(np.ascontiguousarray(image), (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(image, (5, 5), 0)


def _classes(measures: dict[str, float]) -> dict[str, str]:
    return {
        name: _CLASSES[name][sum(value > border for border in BORDERS[name])]
        for name, value in measures.items()
        if name in BORDERS
    }


def measure_pixels(image: np.ndarray) -> dict:
    """Measure any picture.

    Args:
        image: uint8 RGB [height, width, 3].

    Returns:
        `colours` (one to three names, heaviest first), `brightness`, `saturation`, `warmth`, `contrast` (names),
        `measures` (the same four as numbers in 0..1, and `edges`, how full of edges the picture is), `lead` (by what
        share of the pixels the first colour leads), `second` (by what share the second leads the third or `LISTED`;
        below 0 where there is none), `last` (by what share the last of them is listed) and `margin` (what share of the
        pixels would change `colours`).

    Raises:
        ValueError: the array is not a uint8 RGB picture.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f"expected a uint8 RGB array [height, width, 3], not {image.dtype} {image.shape}; convert it first"
        )
    return _measure_small(_small(image))


def _warmth(a, b):
    """The share of chroma that points towards orange (55 degrees in CIELAB's a and b) rather than away from it."""
    return 0.5 + (a * np.cos(0.96) + b * np.sin(0.96)) / 100


def _measure_small(small: np.ndarray) -> dict:
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light, chroma = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    shares = np.bincount(colour_names(small).ravel(), minlength=len(COLOURS)) / (EDGE * EDGE)
    order = np.argsort(-shares, kind="stable")
    colours = [COLOURS[i] for i in order[:3] if shares[i] >= LISTED] or [COLOURS[order[0]]]
    slopes = np.abs(np.diff(light, axis=0)).mean() + np.abs(np.diff(light, axis=1)).mean()
    measures = {
        "brightness": light.mean() / 100,
        "saturation": chroma.mean() / 80,
        "warmth": _warmth(lab[..., 1].mean(), lab[..., 2].mean()),
        "contrast": light.std() / 35,
        "edges": slopes / 10,
    }
    measures = {name: float(np.clip(value, 0, 1)) for name, value in measures.items()}
    lead = float(shares[order[0]] - shares[order[1]])
    # The third and fourth colour may also hang by a hair, but only where both are listed or could be.
    apart = float(np.abs(shares[order[:4]] - LISTED).min())
    if shares[order[3]] >= LISTED:
        apart = min(apart, float(shares[order[2]] - shares[order[3]]))
    second = float(shares[order[1]] - max(shares[order[2]], LISTED))
    last = float(shares[order[len(colours) - 1]] - max(shares[order[3]] if len(colours) == 3 else 0, LISTED))
    known = {"measures": measures, "lead": lead, "second": second, "last": last, "margin": apart}
    return {"colours": colours, **_classes(measures), **known}


#: What `measure_patches` tells of a patch beside its colours.
LOCAL: tuple[str, ...] = ("brightness", "saturation", "warmth", "edges")


def measure_patches(image: np.ndarray, many: int) -> tuple[np.ndarray, np.ndarray]:
    """What `measure_pixels` tells of a whole picture, of each of its patches, row by row.

    Args:
        image: uint8 RGB [height, width, 3].
        many: how many patches there are along an edge, a divisor of EDGE.

    Returns:
        The share of each of COLOURS, float32 [patches, len(COLOURS)], and `LOCAL`, float32 [patches, 4].
    """
    small = _small(image)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light = lab[..., 0]
    slopes = np.abs(np.diff(light, axis=0, append=light[-1:])) + np.abs(np.diff(light, axis=1, append=light[:, -1:]))
    warmth = _warmth(lab[..., 1], lab[..., 2])
    pixels = np.stack([light / 100, np.hypot(lab[..., 1], lab[..., 2]) / 80, warmth, slopes / 10], -1)
    patch = EDGE // many
    of_patch = pixels.reshape(many, patch, many, patch, len(LOCAL)).mean((1, 3))
    number = np.arange(EDGE) // patch
    names = (number[:, None] * many + number) * len(COLOURS) + colour_names(small)
    shares = np.bincount(names.ravel(), minlength=many * many * len(COLOURS)) / patch**2
    return shares.reshape(-1, len(COLOURS)).astype(np.float32), of_patch.reshape(-1, len(LOCAL)).astype(np.float32)


def measured_again(facts: Facts, image: np.ndarray) -> Facts:
    """The facts of a picture that was shifted or scaled a little, its colours and measures taken from its own pixels.

    What it makes one feel, and why, is left as it was.
    """
    seen = _measure_small(_small(image))
    measures = _with_density(seen, len(facts.things))
    return replace(facts, colours=seen["colours"], **_classes(measures), measures=measures)


def _with_density(seen: dict, things: int) -> dict[str, float]:
    """What a record keeps of a picture's measures: how full of edges and things it is, and how clear its colours."""
    measures = dict(seen["measures"])
    measures["density"] = float(np.clip(0.75 * measures.pop("edges") + 0.25 * things / 8, 0, 1))
    measures |= {name: seen[name] for name in ("lead", "second", "last")}
    return {name: round(value, 4) for name, value in measures.items()}


def _third(value: float, names: tuple[str, ...]) -> str:
    return names[min(int(value * 3), 2)]


def _things(painting: Painting, small: np.ndarray) -> tuple[list[Thing], list[str]]:
    """The things that cover enough and stand out enough to be seen, largest first, and the names of the others."""
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    kernel = np.ones((9, 9), np.uint8)
    things, unclear = [], []
    for name, full in painting.masks.items():
        mask = cv2.resize(full.astype(np.uint8), (EDGE, EDGE), interpolation=cv2.INTER_NEAREST)
        area = float(full.mean())
        if area < (0.002 if name in _THIN else 0.005) or mask.sum() < 8:
            if mask.any():
                unclear.append(name)
            continue
        ring = (cv2.dilate(mask, kernel) - mask).astype(bool)
        inside = mask.astype(bool)
        apart = float(np.linalg.norm(lab[inside].mean(0) - lab[ring].mean(0))) if ring.any() else 99.0
        if apart < (6 if name in ("fog", "rain", "snow") else 9):
            unclear.append(name)
            continue
        rows, columns = np.nonzero(inside)
        shares = np.bincount(colour_names(small[inside]), minlength=len(COLOURS))
        things.append(
            Thing(
                name=name,
                side=_third(columns.mean() / EDGE, SIDES),
                height=_third(rows.mean() / EDGE, ("top", "middle", "bottom")),
                area=round(area, 4),
                colour=COLOURS[int(shares.argmax())],
            )
        )
    return sorted(things, key=lambda thing: (-thing.area, thing.name)), sorted(unclear)


#: Backgrounds do not weigh on a side.
_WIDE = (
    "water",
    "waves",
    "clouds",
    "stars",
    "rain",
    "snow",
    "fog",
    "table",
    "hill",
    "mountain",
    "path",
    "flowers",
    "bird",
    "line",
)


def _side(painting: Painting, subject: str) -> str | None:
    """Where the things gather, None if they spread."""
    wide = [name for name in _WIDE if not (name == "flowers" and subject == "flowers")]
    weight = sum((mask.sum(0) for name, mask in painting.masks.items() if name not in wide), np.zeros(1))
    if weight.size == 1 or weight.sum() < 0.01 * painting.image.shape[0] ** 2:
        return None
    x = (np.arange(weight.size) + 0.5) / weight.size
    centre = float((weight * x).sum() / weight.sum())
    spread = float(np.sqrt((weight * (x - centre) ** 2).sum() / weight.sum()))
    if spread > 0.26:
        return None
    return "left" if centre < 0.42 else "right" if centre > 0.58 else "centre"


def _horizon(painting: Painting, small: np.ndarray) -> str | None:
    if painting.horizon is None or not 0.15 < painting.horizon < 0.85:
        return None
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    row = round(painting.horizon * EDGE)
    above, below = lab[row - 7 : row - 1].mean((0, 1)), lab[row + 2 : row + 8].mean((0, 1))
    if np.linalg.norm(above - below) < 9:
        return None
    return HORIZONS[2 if painting.horizon < 0.42 else 1 if painting.horizon < 0.58 else 0]


def measure(painting: Painting, scene: Scene | None) -> Facts:
    """The facts of a finished painting; only subject, manner, light and people are taken over from its plan.

    Without a scene it is a picture nobody could name, of which only what colours and light show is told.
    """
    small = _small(painting.image)
    seen = _measure_small(small)
    things, unclear = _things(painting, small)
    measures = _with_density(seen, len(things))
    people = scene.people if scene and any(thing.name == "person" for thing in things) else None
    facts = Facts(
        subject=scene.subject if scene else UNKNOWN,
        manner=scene.manner if scene else None,
        light=scene.light if scene else None,
        things=things,
        colours=seen["colours"],
        **_classes(measures),
        horizon=_horizon(painting, small),
        side=_side(painting, scene.subject) if scene else None,
        people=people,
        valence=0.0,
        arousal=0.0,
        emotion="something else",
        second_emotion="contentment",
        reasons=[],
        unclear=unclear,
        measures=measures,
    )
    return feel(facts)
