"""Eight of the manners: each turns an underpainting into a finished picture.

Brushwork follows the idea of painterly rendering in layers, coarse strokes first and fine ones where there is detail
(Hertzmann, 1998, doi:10.1145/280814.280951); here the strokes' places are laid out once and only take on colour per
picture.
"""

from functools import lru_cache

import cv2
import numpy as np

from train.painter.canvas import Canvas, mix, noise_field


def crop(field: np.ndarray, size: int, rng) -> np.ndarray:
    """A part of `size` by `size`, perhaps mirrored, of a larger field."""
    dy, dx = rng.integers(field.shape[0] - size + 1, size=2)
    field = field[dy : dy + size, dx : dx + size]
    return field[:, ::-1] if rng.random() < 0.5 else field


@lru_cache(maxsize=64)
def _strokes(size: int, length: float, width: float, flow: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where strokes lie on a canvas of 1.25 size: for each pixel its stroke's centre (rows, columns) and the shading.

    Lengths are in pixels of a picture 224 wide. `flow`: 0 level, 1 slanting, 2 curling, 3 upright, 4 every way.
    """
    rng, edge, scale = np.random.default_rng(flow + 10), size * 5 // 4, size / 224
    length, width = length * scale, max(width * scale, 1)
    count = int(3.2 * edge * edge / (length * width))
    x, y = rng.uniform(0, edge, count), rng.uniform(0, edge, count)
    curl = noise_field(size, 1)[y.astype(int), x.astype(int)]
    angle = (0.0, -0.7, 3.0, 1.57, 0.0)[flow] * (curl if flow == 2 else 1) + rng.normal(0, 0.25, count)
    angle = rng.uniform(0, np.pi, count) if flow == 4 else angle
    owner = np.zeros((edge, edge), np.float32)
    for i in range(count):
        half, thick = length * 0.5 * rng.uniform(0.6, 1.2), max(1, round(width * rng.uniform(0.75, 1.2)))
        dx, dy = np.cos(angle[i]) * half, np.sin(angle[i]) * half
        cv2.line(owner, (int(x[i] - dx), int(y[i] - dy)), (int(x[i] + dx), int(y[i] + dy)), float(i), thick)
    owner = owner.astype(np.int32)
    rows, columns = np.mgrid[:edge, :edge].astype(np.float32)
    u = (columns - x[owner]) * np.cos(angle[owner]) + (rows - y[owner]) * np.sin(angle[owner])
    v = -(columns - x[owner]) * np.sin(angle[owner]) + (rows - y[owner]) * np.cos(angle[owner])
    bristles = rng.normal(size=4096)[(np.round(v / scale * 1.3).astype(int) + owner * 37) % 4096]
    height = (1 - (v / (width * 0.6)) ** 2) + 0.35 * bristles + 0.25 * (u / length) + rng.normal(0, 0.35, count)[owner]
    height = cv2.GaussianBlur(height.astype(np.float32), (0, 0), 0.6 * max(1.0, scale))
    slope = (np.roll(height, 1, 0) - np.roll(height, -1, 0)) + (np.roll(height, 1, 1) - np.roll(height, -1, 1))
    shade = np.clip(-slope * scale, -2.2, 2.2).astype(np.float32)
    if length < width:  # dots: not relief but the bare ground between them
        shade = np.clip((np.hypot(u, v) / (width * 0.55) - 0.85) * 3, 0, 0.75).astype(np.float32)
    return np.clip(y, 0, edge - 1).astype(np.int32)[owner], np.clip(x, 0, edge - 1).astype(np.int32)[owner], shade


def _brush(image: np.ndarray, length, width, flow, jitter, relief, rng, ground=None) -> np.ndarray:
    """The picture laid in strokes, float32 RGB."""
    size = image.shape[0]
    rows, columns, shade = _strokes(size, length, width, flow)
    dy, dx = (int(v) for v in rng.integers(rows.shape[0] - size + 1, size=2))
    part = np.s_[dy : dy + size, dx : dx + size]
    r, c = rows[part], columns[part]
    tone = strokes_tone(size)[(r * 7 + c * 13) & 4095]
    out = image[np.clip(r - dy, 0, size - 1), np.clip(c - dx, 0, size - 1)].astype(np.float32)
    out += tone * jitter
    if ground is not None:
        return out + (ground - out) * shade[part][..., None]
    out += (shade[part] * relief)[..., None]
    return out


@lru_cache(maxsize=2)
def strokes_tone(size: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return (rng.normal(size=(4096, 1)) * 0.8 + rng.normal(size=(4096, 3)) * 0.6).astype(np.float32)


def _detail(canvas: Canvas) -> np.ndarray:
    """How far, 0..1 [size, size, 1], a place needs the small brush: at edges of things and where asked for."""
    size = canvas.size
    edges = cv2.morphologyEx(canvas.labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    soft = cv2.blur(np.maximum(edges.astype(np.uint8) * 255, canvas.fine), (size // 28 | 1, size // 28 | 1))
    return np.clip(soft.astype(np.float32) * (5 / 255), 0, 1)[..., None]


def finish(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 255).astype(np.uint8)


def _layers(canvas, scene, rng, coarse, small, jitter, relief) -> np.ndarray:
    flow = int(rng.integers(5))
    wide = _brush(canvas.image, *coarse, flow, jitter, relief, rng)
    narrow = _brush(canvas.image, *small, int(rng.integers(5)), jitter * 0.55, relief * 0.6, rng)
    where = _detail(canvas)
    out = wide + (narrow - wide) * where
    keep = np.where(canvas.fine[..., None] > 0, 0.5, 0.25 * where).astype(np.float32)
    return out + (canvas.image - out) * keep


def _impressionist(canvas, scene, rng) -> np.ndarray:
    return finish(_layers(canvas, scene, rng, (9, 3.6), (5, 2.0), 13, 3))


def _impasto(canvas, scene, rng) -> np.ndarray:
    return finish(_layers(canvas, scene, rng, (22, 7.5), (9, 3.2), 9, 14))


def _pointillist(canvas, scene, rng) -> np.ndarray:
    ground = mix(canvas.image.mean((0, 1)), np.full(3, 255.0), 0.25).astype(np.float32)
    coarse = _brush(canvas.image, 1.6, 4.2, 4, 17, 0, rng, ground)
    small = _brush(canvas.image, 1.0, 2.4, 4, 11, 0, rng, ground)
    out = coarse + (small - coarse) * _detail(canvas)
    keep = np.where(canvas.fine[..., None] > 0, 0.45, 0.15).astype(np.float32)
    return finish(out + (canvas.image - out) * keep)


def _watercolour(canvas, scene, rng) -> np.ndarray:
    size = canvas.size
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    wobble = 0.012 * size
    dx, dy = crop(noise_field(size, 4), size, rng) * wobble, crop(noise_field(size, 4), size, rng) * wobble
    calm = 1 - np.float32(0.75) * (canvas.fine > 0)
    image = cv2.remap(
        canvas.image, columns + dx * calm, rows + dy * calm, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    image = cv2.bilateralFilter(image, 5, 40, 3) if size <= 320 else cv2.medianBlur(image, 5)
    wet = cv2.GaussianBlur(image, (0, 0), size / 50).astype(np.float32)
    bleed = np.clip(0.35 + 0.5 * crop(noise_field(size, 3), size, rng), 0, 0.75)[..., None] * (
        1 - 0.8 * (canvas.fine[..., None] > 0)
    )
    image = image.astype(np.float32)
    out = image + (wet - image) * bleed
    dark_edge = np.clip(cv2.GaussianBlur(out, (0, 0), size / 90) - out, 0, 40)  # pigment gathers at the rims
    out = out - 1.1 * dark_edge
    wash = (
        crop(noise_field(size, 2), size, rng)[..., None] * 0.1 + crop(noise_field(size, 6), size, rng)[..., None] * 0.05
    )
    out = 255 - (255 - out) * (0.82 + wash)  # thin paint on white paper
    rim = 0.028 * size * (1 + 0.55 * crop(noise_field(size, 4), size, rng))
    inside = np.minimum(np.minimum(rows, columns), np.minimum(size - 1 - rows, size - 1 - columns))
    cover = np.clip((inside - rim) / (0.012 * size), 0, 1)[..., None]
    out = out * (1 - 0.22 * cover * (1 - np.clip((inside - rim) / (0.03 * size), 0, 1)[..., None]))
    return finish(np.float32([250, 248, 242]) * (1 - cover) + out * cover)


def _flat(canvas, scene, rng) -> np.ndarray:
    image = cv2.medianBlur(canvas.image, 5 if canvas.size <= 320 else 9)
    image = np.where(canvas.fine[..., None] > 0, canvas.image, image)
    steps = 7
    bands = (np.round(np.arange(256) / 255 * steps) / steps * 255).astype(np.uint8)
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    hsv[..., 2] = cv2.LUT(hsv[..., 2], bands)
    hsv[..., 1] = cv2.LUT(hsv[..., 1], np.clip(bands * 1.15, 0, 255).astype(np.uint8))
    hsv[..., 0] = hsv[..., 0] // 6 * 6 + 3
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def _ink(canvas, scene, rng) -> np.ndarray:
    size = canvas.size
    image = canvas.image.astype(np.float32)
    grey = (image @ np.float32([0.3, 0.59, 0.11]))[..., None]
    paper = np.float32([(246, 240, 226), (244, 244, 240), (240, 228, 204)][rng.integers(3)])
    wet = cv2.GaussianBlur(grey, (0, 0), size / 80)[..., None]
    tone = np.clip((0.55 * grey + 0.45 * wet) / 255, 0, 1) ** 0.65
    tone = np.clip(tone + 0.09 * crop(noise_field(size, 3), size, rng)[..., None], 0.2, 1)
    out = paper * tone + (image - grey) * np.float32(0.4 * rng.random() + 0.08)
    small = cv2.GaussianBlur(canvas.image, (0, 0), max(0.8, size / 250))
    lines = cv2.Sobel(small, cv2.CV_32F, 1, 0).max(2) ** 2 + cv2.Sobel(small, cv2.CV_32F, 0, 1).max(2) ** 2
    shapes = cv2.morphologyEx(canvas.labels, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    pen = np.clip((np.sqrt(lines) * (size / 224) - 50) / 110, 0, 1)
    pen = np.maximum(pen, shapes * 0.55) * np.clip(0.75 + 0.45 * crop(noise_field(size, 5), size, rng), 0.2, 1)
    pen = (
        cv2.dilate(pen, np.ones((2, 2), np.uint8))
        if size <= 320
        else cv2.blur(cv2.dilate(pen, np.ones((4, 4), np.uint8)), (3, 3))
    )
    return finish(out + (np.float32([34, 30, 38]) - out) * (0.85 * pen)[..., None])


def _chiaroscuro(canvas, scene, rng) -> np.ndarray:
    size = canvas.size
    grid = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = scene.centre + rng.uniform(-0.1, 0.1), 0.45 + rng.uniform(-0.08, 0.08)
    light = np.exp(-((grid[None] - x) ** 2 + 0.8 * (grid[:, None] - y) ** 2) / rng.uniform(0.09, 0.16))[..., None]
    image = cv2.GaussianBlur(canvas.image, (0, 0), max(0.6, size / 300)).astype(np.float32)
    lit = 255 * (image / 255) ** 0.78 * np.float32([1.08, 1.0, 0.86])
    shade = image * np.float32([0.36, 0.31, 0.30]) + np.float32([16, 11, 9])
    grain = crop(noise_field(size, 6), size, rng)[..., None] * 5
    return finish(shade + (lit - shade) * light + grain)


def _soft(canvas, scene, rng) -> np.ndarray:
    size = canvas.size
    near = cv2.GaussianBlur(canvas.image, (0, 0), size / 110).astype(np.float32)
    far = cv2.GaussianBlur(canvas.image, (0, 0), size / 26).astype(np.float32)
    where = np.where(canvas.fine[..., None] > 0, 0.12, 0.45).astype(np.float32)
    out = near + (far - near) * where
    return finish(out + 0.16 * np.clip(far - 110, 0, None) + crop(noise_field(size, 6), size, rng)[..., None] * 3)


MANNER = {
    "impressionist": _impressionist,
    "impasto": _impasto,
    "watercolour": _watercolour,
    "pointillist": _pointillist,
    "flat": _flat,
    "ink": _ink,
    "chiaroscuro": _chiaroscuro,
    "soft": _soft,
}
