"""A canvas that knows, for every pixel, which thing was painted there last."""

from functools import lru_cache

import cv2
import numpy as np

from train.painter.vocabulary import THINGS

LABEL = {name: i + 1 for i, name in enumerate(THINGS)}


def mix(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The colour at `t` on the way from `a` to `b`."""
    return np.asarray(a) * (1 - t) + np.asarray(b) * t


class Canvas:
    """Draws shapes in coordinates from 0 to 1 and keeps, for every pixel, which thing was painted there last."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.image = np.zeros((size, size, 3), np.uint8)
        self.labels = np.zeros((size, size), np.uint8)
        self.fine = np.zeros((size, size), np.uint8)  # where the brush must be small
        self.veils: dict[str, np.ndarray] = {}  # things that lie over others without hiding them

    def _points(self, points) -> np.ndarray:
        return np.round(np.asarray(points, float) * (self.size * 16)).astype(np.int32).reshape(-1, 1, 2)

    def poly(self, points, colour, name: str | None = None) -> None:
        points = [self._points(points)]
        cv2.fillPoly(self.image, points, tuple(map(float, colour)), cv2.LINE_AA, 4)
        cv2.fillPoly(self.labels, points, LABEL.get(name, 0), cv2.LINE_8, 4)

    def rect(self, x0, y0, x1, y1, colour, name: str | None = None) -> None:
        self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour, name)

    def ellipse(self, x, y, rx, ry, colour, name: str | None = None, angle: float = 0, start=0, end=360) -> None:
        scale = self.size * 16
        shape = (round(x * scale), round(y * scale)), (round(rx * scale), round(ry * scale)), angle, start, end
        cv2.ellipse(self.image, *shape, tuple(map(float, colour)), -1, cv2.LINE_AA, 4)
        cv2.ellipse(self.labels, *shape, LABEL.get(name, 0), -1, cv2.LINE_8, 4)

    def line(self, points, width, colour, name: str | None = None) -> None:
        points, width = [self._points(points)], max(1, round(width * self.size))
        cv2.polylines(self.image, points, False, tuple(map(float, colour)), width, cv2.LINE_AA, 4)
        cv2.polylines(self.labels, points, False, LABEL.get(name, 0), width, cv2.LINE_8, 4)

    def gradient(self, y0, y1, top, bottom, name: str | None = None) -> None:
        """Fill the rows from `y0` to `y1` with a vertical gradient."""
        a, b = round(y0 * self.size), round(y1 * self.size)
        t = np.linspace(0, 1, max(b - a, 1))[:, None, None]
        self.image[a:b] = (np.asarray(top) * (1 - t) + np.asarray(bottom) * t)[: b - a]
        self.labels[a:b] = LABEL.get(name, 0)

    def glow(self, x, y, radius, colour, strength) -> None:
        """Lay a round light over what is painted."""
        grid = (np.arange(self.size, dtype=np.float32) + 0.5) / self.size
        light = np.exp(-((grid[None] - x) ** 2 + (grid[:, None] - y) ** 2) / (radius * radius))[..., None] * strength
        self.image = (self.image + (np.asarray(colour, np.float32) - self.image) * light).astype(np.uint8)

    def blot(self, x, y, radius, colour, name, rng, rough=0.25, stretch=1.0) -> None:
        """An uneven round patch."""
        angles = np.linspace(0, 2 * np.pi, 15)[:-1]
        r = radius * (1 + rough * rng.uniform(-1, 1, 14))
        self.poly(np.stack([x + r * np.cos(angles) * stretch, y + r * np.sin(angles)], 1), colour, name)

    def need_fine(self, x, y, rx, ry) -> None:
        """Ask for small brushes in an ellipse."""
        scale = self.size
        box = (round(x * scale), round(y * scale)), (max(1, round(rx * scale)), max(1, round(ry * scale))), 0, 0, 360
        cv2.ellipse(self.fine, *box, 255, -1)


@lru_cache(maxsize=16)
def noise_field(size: int, octave: int) -> np.ndarray:
    """Smooth noise in -1..1, float32 [1.25 size, 1.25 size], of 2 to the power of `octave` waves across."""
    rng, edge = np.random.default_rng(octave), size * 5 // 4
    total = np.zeros((edge, edge), np.float32)
    for i in range(3):
        cells = min(2 ** (octave + i) + 2, edge)
        total += (
            cv2.resize(rng.normal(size=(cells, cells)).astype(np.float32), (edge, edge), interpolation=cv2.INTER_CUBIC)
            / 2**i
        )
    return np.clip(total / (1.6 * total.std()), -1, 1)
