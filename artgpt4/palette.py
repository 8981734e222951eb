"""The colours that an answer speaks of, as the picture has them."""

import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

#: For each basic colour name the shades that it is the nearest name of. Berlin and Kay's eleven (1969), and three that
#: descriptions of pictures cannot do without; dark grey apart from grey, as the embedded model tells them.
SHADES: dict[str, tuple[str, ...]] = {
    "red": ("#d01c1c", "#8e1616", "#e2574c"),
    "orange": ("#f08020", "#e2a04c", "#c8641e"),
    "yellow": ("#f5d72a", "#fff0a0", "#c9a90f"),
    "green": ("#2f9a37", "#1c5426", "#9ccc65", "#6b7a2c"),
    "teal": ("#12908e", "#0b5555", "#5cc9c4"),
    "blue": ("#2457c5", "#16305e", "#7aa7dc", "#4d7096"),
    "purple": ("#7a35a8", "#43205f", "#a987cf"),
    "pink": ("#f08cb4", "#f6c3d0", "#d4428c"),
    "brown": ("#7b4a21", "#4a2c17", "#9c7450"),
    "beige": ("#dcc9a3", "#efe3cb", "#bda988"),
    "black": ("#050505", "#1a1817"),
    "dark grey": ("#3c3c3d", "#555557"),
    "grey": ("#808080", "#b0b0b0"),
    "white": ("#ffffff", "#eeeeee"),
}
#: Other words for them.
SYNONYMS: dict[str, str] = {
    "crimson": "red",
    "scarlet": "red",
    "ochre": "orange",
    "gold": "yellow",
    "golden": "yellow",
    "turquoise": "teal",
    "cyan": "teal",
    "navy": "blue",
    "azure": "blue",
    "violet": "purple",
    "lilac": "purple",
    "cream": "beige",
    "dark gray": "dark grey",
    "gray": "grey",
    "silver": "grey",
}
#: Where a picture has nothing of a name, what else may be called so.
_ALSO = {"grey": "dark grey"}
_WORD = re.compile(rf"\b({'|'.join([*SHADES, *SYNONYMS])})s?\b", re.IGNORECASE)
_COLOURS = 12  # that a picture is reduced to


@dataclass(frozen=True)
class Swatch:
    """A colour word of a text, and the colour of the picture that bears the name.

    Attributes:
        word: as it stands in the text, in lower case.
        hex: the largest patch of that name, "#rrggbb"; None if the picture has none.
        share: of the pixels that have that name, from 0 to 1.
    """

    word: str
    hex: str | None
    share: float


def spoken_palette(text: str, picture: Image.Image) -> list[Swatch]:
    """The colour words of `text` in their order, each once, with what the pixels of an RGB picture have of them."""
    names = list(dict.fromkeys(word.lower() for word in _WORD.findall(text)))
    if not names:
        return []
    colours = picture_colours(picture)
    swatches, seen = [], set()
    for word in names:
        name = SYNONYMS.get(word, word)
        if name not in seen:
            seen.add(name)
            shares = colours_named(name, colours) or colours_named(_ALSO.get(name), colours)
            largest = max(shares, key=shares.__getitem__, default=None)
            swatches.append(Swatch(word, largest, sum(shares.values())))
    return swatches


def colours_named(name: str | None, colours: dict[str, float]) -> dict[str, float]:
    """Those of a picture's colours that bear the name."""
    return {colour: share for colour, share in colours.items() if colour_name(colour) == name}


def picture_colours(picture: Image.Image) -> dict[str, float]:
    """The few colours that stand for a picture best, "#rrggbb" -> share of its pixels."""
    small = picture.resize((96, 96), Image.Resampling.BOX).quantize(_COLOURS, Image.Quantize.MEDIANCUT, kmeans=3)
    colours = np.array(small.getpalette()).reshape(-1, 3)
    shares: dict[str, float] = {}
    for count, index in small.getcolors():
        colour = "#{:02x}{:02x}{:02x}".format(*colours[index])
        shares[colour] = shares.get(colour, 0) + count / (96 * 96)
    return shares


def colour_name(colour: str) -> str:
    """The name in `SHADES` whose nearest shade is nearest to "#rrggbb" in CIELAB."""
    lab = _lab(colour)
    return min(SHADES, key=lambda name: min(np.linalg.norm(lab - _lab(shade)) for shade in SHADES[name]))


def _lab(colour: str) -> np.ndarray:
    """CIELAB of an sRGB colour, for the white point D65 (IEC 61966-2-1)."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
