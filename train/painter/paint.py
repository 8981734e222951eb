"""Paints a scene: an underpainting of simple shapes, a manner over it, and sometimes traces of a camera."""

from dataclasses import dataclass

import cv2
import numpy as np

from train.painter.bold import BOLD
from train.painter.canvas import noise_field
from train.painter.manners import MANNER, crop, finish, strokes_tone
from train.painter.scene import Scene
from train.painter.studies import Studies
from train.painter.vocabulary import THINGS


@dataclass
class Painting:
    """A finished picture (uint8 RGB [size, size, 3]) and where each thing was not painted over (bool, likewise)."""

    image: np.ndarray
    masks: dict[str, np.ndarray]
    horizon: float | None  # height of the line between ground and sky, 0 at the top, if the picture has one


def paint(scene: Scene, rng: np.random.Generator, size: int = 224) -> Painting:
    """Paint a scene.

    Args:
        scene: what to paint.
        rng: decides shapes and strokes; equal generators give equal pictures of one size.
        size: edge of the square picture in pixels.
    """
    painter = Studies(scene, rng, size)
    own = {"boat": "boats", "tree": "lone_tree", "figure": "lone_figure", "colour field": "colour_field"}
    getattr(painter, own.get(scene.subject, scene.subject))()
    painter.weather()
    canvas = painter.canvas
    image = (MANNER | BOLD)[scene.manner](canvas, scene, rng)
    masks = {THINGS[i - 1]: canvas.labels == i for i in np.unique(canvas.labels) if i}
    for name, veil in canvas.veils.items():
        masks[name] = masks.get(name, False) | (veil > 100)
    return Painting(image, masks, painter.horizon)


def _lit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uneven light from one side, a vignette, another white balance, and surfaces that are not quite even."""
    size = image.shape[0]
    grid = np.linspace(-1, 1, size, dtype=np.float32)
    a = rng.uniform(0, 2 * np.pi)
    light = 1 + np.float32(rng.uniform(0, 0.16)) * (np.cos(a) * grid[None] + np.sin(a) * grid[:, None])
    light -= np.float32(rng.uniform(0, 0.22)) * (grid[None] ** 2 + grid[:, None] ** 2) / 2
    light += np.float32(rng.uniform(0, 0.09)) * crop(noise_field(size, int(rng.integers(2, 6))), size, rng)
    white = np.exp(np.float32([1, 0.1, -1]) * rng.normal(0, 0.045)).astype(np.float32)
    return finish(image * light[..., None] * white)


def photograph(painting: Painting, rng: np.random.Generator) -> Painting:
    """On about half the pictures, traces of a camera: tilt, crop, uneven light, gamma, blur, noise, a border, JPEG."""
    if rng.random() < 0.5:
        return painting
    image = painting.image
    if rng.random() < 0.3:
        size = image.shape[0]
        turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.uniform(-5, 5), rng.uniform(1.03, 1.12))
        turn = np.vstack([turn, [*(rng.uniform(-0.15, 0.15, 2) / size), 1]])
        masks = {
            name: cv2.warpPerspective(mask.astype(np.uint8), turn, (size, size), flags=cv2.INTER_NEAREST) > 0
            for name, mask in painting.masks.items()
        }
        image = cv2.warpPerspective(image, turn, (size, size), borderMode=cv2.BORDER_REFLECT)
        painting = Painting(image, masks, painting.horizon)
    if rng.random() < 0.6:
        painting = Painting(_lit(image, rng), painting.masks, painting.horizon)
    image, masks, horizon = painting.image, painting.masks, painting.horizon
    size = image.shape[0]
    if rng.random() < 0.4:
        part = rng.uniform(0.86, 0.97)
        edge = int(size * part)
        dy, dx = (int(v) for v in rng.integers(0, size - edge + 1, 2))
        image = cv2.resize(image[dy : dy + edge, dx : dx + edge], (size, size), interpolation=cv2.INTER_LINEAR)
        masks = {
            n: cv2.resize(
                m[dy : dy + edge, dx : dx + edge].astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST
            )
            > 0
            for n, m in masks.items()
        }
        horizon = None if horizon is None else (horizon * size - dy) / edge
    if rng.random() < 0.4:
        image = cv2.LUT(image, (255 * (np.arange(256) / 255) ** rng.uniform(0.8, 1.2)).astype(np.uint8))
    if rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9) * size / 224)
    if rng.random() < 0.3:
        noise = (strokes_tone(size)[rng.integers(0, 4096, size * size)] * rng.uniform(2, 6)).reshape(size, size, 3)
        image = finish(image + noise)
    if rng.random() < 0.3:
        image = cv2.imdecode(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 90))])[1], cv2.IMREAD_COLOR
        )
    if rng.random() < 0.12:  # the edge of the paper or a frame, as scans have them
        edge = int(size * rng.uniform(0.015, 0.05))
        tone = np.uint8([(250, 249, 245), (238, 230, 212), (24, 22, 22), (92, 64, 40)][rng.integers(4)])
        inner = np.s_[edge : size - edge, edge : size - edge]
        image, kept = image.copy(), image[inner].copy()
        image[:] = tone
        image[inner] = kept
        inside = np.zeros((size, size), bool)
        inside[inner] = True
        masks = {name: mask & inside for name, mask in masks.items()}
    return Painting(image, masks, horizon)
