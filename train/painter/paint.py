"""Paints a scene: an underpainting of simple shapes, one of eight manners over it, and sometimes traces of a camera."""

from dataclasses import dataclass

import cv2
import numpy as np

from train.painter.manners import MANNER, finish, strokes_tone
from train.painter.scene import Scene
from train.painter.subjects import Underpainting
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
    painter = Underpainting(scene, rng, size)
    subject = {"boat": painter.boats, "tree": painter.lone_tree}.get(scene.subject) or getattr(painter, scene.subject)
    subject()
    painter.weather()
    canvas = painter.canvas
    image = MANNER[scene.manner](canvas, scene, rng)
    masks = {THINGS[i - 1]: canvas.labels == i for i in np.unique(canvas.labels) if i}
    for name, veil in canvas.veils.items():
        masks[name] = masks.get(name, False) | (veil > 100)
    return Painting(image, masks, painter.horizon)


def photograph(painting: Painting, rng: np.random.Generator) -> Painting:
    """On about half the pictures, traces of a camera: a closer crop, another gamma, blur, noise or JPEG."""
    if rng.random() < 0.5:
        return painting
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
    return Painting(image, masks, horizon)
