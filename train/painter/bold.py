"""Three manners of strong form: woodcut, cubist facets, expressionist distortion."""

import cv2
import numpy as np

from train.painter.canvas import Canvas, noise_field
from train.painter.manners import crop, finish


def _outline(canvas: Canvas, width: int) -> np.ndarray:
    """Where one thing or colour meets another, 0..1, float32 [size, size, 1]."""
    soft = cv2.bilateralFilter(canvas.image, 5, 40, 3)
    kernel = np.ones((width, width), np.uint8)
    shapes = cv2.morphologyEx(canvas.labels, cv2.MORPH_GRADIENT, kernel) > 0
    edges = cv2.morphologyEx(soft, cv2.MORPH_GRADIENT, kernel).max(2).astype(np.float32)
    return np.maximum(np.clip((edges - 46) / 50, 0, 1), shapes * np.float32(0.9))[..., None]


def woodcut(canvas: Canvas, scene, rng) -> np.ndarray:
    """Black lines carved the closer the darker the tone, over one or two flat tints."""
    size = canvas.size
    image = cv2.bilateralFilter(canvas.image, 7, 60, 5).astype(np.float32)
    grey = image @ np.float32([0.3, 0.59, 0.11])
    low, high = np.percentile(grey, (3, 97))
    tone = np.clip((grey - low) / max(high - low, 20), 0, 1)
    rows, columns = np.mgrid[:size, :size].astype(np.float32) / size
    angle = (0.0, 0.5, -0.5, 1.2)[rng.integers(4)]
    bend = crop(noise_field(size, 2), size, rng) * 0.018
    wave = np.sin((rows * np.cos(angle) + columns * np.sin(angle) + bend) * 2 * np.pi * rng.uniform(30, 40))
    carved = np.clip((wave * 0.42 + 0.46 - tone * 1.02) * 6 + 0.5, 0, 1)[..., None]
    ink = np.maximum(carved, _outline(canvas, 3 if size <= 320 else 9))
    tint = np.float32([246, 238, 220]) + (image - np.float32([246, 238, 220])) * np.float32(rng.uniform(0.25, 0.75))
    tint = 255 * (np.clip(tint, 0, 255) / 255) ** 0.75
    return finish(tint + (np.float32([26, 22, 24]) - tint) * ink * 0.93)


def cubist(canvas: Canvas, scene, rng) -> np.ndarray:
    """Facets: cells of a plane, each showing its part a little shifted and shaded towards one edge."""
    size = canvas.size
    count = 46
    points = rng.uniform(0, 1, (count, 2)).astype(np.float32)
    step = 2 if size <= 320 else 4
    grid = np.arange(0, size, step, dtype=np.float32) / size
    skew = np.float32([[1.0, rng.uniform(-0.5, 0.5)], [rng.uniform(-0.5, 0.5), 1.0]])
    place = np.stack(np.meshgrid(grid, grid), -1) @ skew
    px, py = (points @ skew).T
    distance = px**2 + py**2 - 2 * (place[..., :1] * px + place[..., 1:] * py)  # but for what all cells share
    cell = cv2.resize(distance.argmin(-1).astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST)
    shift = rng.normal(0, 0.022, (count, 2)).astype(np.float32) * size
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    calm = 1 - np.float32(0.6) * (canvas.fine > 0)
    x, y = columns + shift[cell, 0] * calm, rows + shift[cell, 1] * calm
    image = cv2.remap(canvas.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    image = cv2.bilateralFilter(image, 5, 30, 3).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    centre = points[cell]
    ramp = (columns / size - centre[..., 0]) * np.cos(angle[cell]) + (rows / size - centre[..., 1]) * np.sin(
        angle[cell]
    )
    level = rng.normal(0, 9, count).astype(np.float32)[cell]
    image = image * (1 + np.clip(ramp * 3.2, -0.38, 0.38))[..., None] + level[..., None]
    seam = (cv2.morphologyEx(cell, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0)[..., None]
    image = image * (1 - 0.5 * seam)
    return finish(image * (1 - 0.45 * _outline(canvas, 2 if size <= 320 else 5)))


def expressionist(canvas: Canvas, scene, rng) -> np.ndarray:
    """Everything sways, colours are forced and contours heavy and dark."""
    size = canvas.size
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    sway = np.float32(0.032 * size)
    dx, dy = (crop(noise_field(size, 2), size, rng) * sway for _ in range(2))
    maps = columns + dx, rows + dy
    line = cv2.remap(_outline(canvas, 3 if size <= 320 else 9)[..., 0], *maps, cv2.INTER_LINEAR)
    image = cv2.remap(canvas.image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    canvas.labels = cv2.remap(canvas.labels, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
    image = cv2.medianBlur(image, 5 if size <= 320 else 9).astype(np.float32)
    grey = image.mean(-1, keepdims=True)
    image = grey + (image - grey) * 1.5
    stripe = np.sin((rows + columns * 0.6 + dx * 4 + dy * 5) * (2 * np.pi * 26 / size))[..., None]
    image = image * (1 + 0.13 * stripe)
    return finish(image + (np.float32([22, 16, 30]) - image) * np.clip(line * 1.1, 0, 0.95)[..., None])


BOLD = {"woodcut": woodcut, "cubist": cubist, "expressionist": expressionist}
