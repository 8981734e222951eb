"""Pictures at the border of two words: where it is hardest to say how bright or how warm a picture is."""

import cv2
import numpy as np

from train.painter.manners import finish
from train.painter.measure import BORDERS, EDGE, measure_pixels

#: How far from the border, on the measure's scale from 0 to 1, pictures come to lie (standard deviation).
_NEAR = 0.02
#: How far a picture is moved at most; what lies further from any border is left as it is.
_FARTHEST: dict[str, float] = {"brightness": 0.15, "warmth": 0.07}


def _changed(image: np.ndarray, name: str, strength: float) -> np.ndarray:
    """The picture brighter or warmer (`strength` above 0), as a longer exposure or another white balance makes it."""
    if name == "brightness":
        return cv2.LUT(image, (255 * (np.arange(256) / 255) ** np.exp(-strength)).astype(np.uint8))
    return finish(image * np.exp(0.3 * strength * np.float32([1, 0.1, -1])))


def near_a_border(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture with its brightness or its warmth moved to the nearest border of two words.

    Of paintings one in eleven is so near to a border of brightness (.012) that only a good eye tells its word; of the
    real pictures of `train.evaluate_real`, one in five.

    Args:
        image: uint8 RGB [size, size, 3].

    Returns:
        The same size and type; the same picture where that would change it much.
    """
    name = str(rng.choice(tuple(_FARTHEST)))
    small = cv2.resize(np.ascontiguousarray(image), (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    now = measure_pixels(small)["measures"][name]
    border = min(BORDERS[name], key=lambda value: abs(value - now))
    wanted = border + rng.normal(0, _NEAR)
    if abs(wanted - now) > _FARTHEST[name]:
        return image
    low, high = -1.0, 1.0
    for _ in range(9):
        middle = (low + high) / 2
        too_little = measure_pixels(_changed(small, name, middle))["measures"][name] < wanted
        low, high = (middle, high) if too_little else (low, middle)
    return _changed(np.ascontiguousarray(image), name, (low + high) / 2)
