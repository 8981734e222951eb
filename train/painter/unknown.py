"""Views that nobody could name: texture, torn, jumbled and blurred pieces of pictures. They teach to say "not sure"."""

import cv2
import numpy as np

from train.painter.manners import finish


def _noise(rng: np.random.Generator, size: int, slope: float) -> np.ndarray:
    """Noise whose amplitude falls with frequency to the power of `slope`, float32 [size, size], deviation 1."""
    waves = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    waves[0, 0] = 1
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) / waves**slope, (size, size))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def _tones(image: np.ndarray, rng, count: int) -> np.ndarray:
    """Colours of a picture, float32 [count, 3]."""
    return image.reshape(-1, 3)[rng.integers(0, image.shape[0] ** 2, count)].astype(np.float32)


def _cloudy(image, rng) -> np.ndarray:
    size, (a, b, c) = image.shape[0], _tones(image, rng, 3)
    slope = rng.uniform(0.9, 1.8)
    t, u = (1 / (1 + np.exp(-1.6 * _noise(rng, size, slope)))[..., None] for _ in range(2))
    return finish((a + (b - a) * t) * (1 - 0.5 * u) + c * 0.5 * u)


def _leaves(image, rng) -> np.ndarray:
    """Dead leaves: opaque discs and blocks of all sizes, one over the other (Lee, Mumford & Huang, 2001)."""
    size = image.shape[0]
    out, tones = image.copy(), _tones(image, rng, 260)
    radii = np.sort(0.02 / rng.uniform(0.08, 1, 260))[::-1] * size
    for tone, r in zip(tones, radii, strict=True):
        x, y = (int(v) for v in rng.integers(0, size, 2))
        box = (x, y), (max(2, int(r)), max(2, int(r * rng.uniform(0.3, 1)))), float(rng.uniform(0, 180)), 0, 360
        cv2.ellipse(out, *box, tuple(map(float, tone)), -1, cv2.LINE_AA)
    return finish(out * (1 + 0.07 * _noise(rng, size, 0.9)[..., None]))


def _close_up(image, rng) -> np.ndarray:
    """A small piece, far too near."""
    size = image.shape[0]
    edge = int(size * rng.uniform(0.07, 0.16))
    y, x = (int(v) for v in rng.integers(0, size - edge, 2))
    piece = cv2.resize(image[y : y + edge, x : x + edge], (size, size), interpolation=cv2.INTER_CUBIC)
    grain = _noise(rng, size, rng.uniform(0.4, 1.1))[..., None]
    return finish(piece * (1 + rng.uniform(0.04, 0.16) * grain))


def _warped(image, rng) -> np.ndarray:
    size = image.shape[0]
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    far = np.float32(rng.uniform(0.12, 0.25) * size)
    dx, dy = _noise(rng, size, 2) * far, _noise(rng, size, 2) * far
    return cv2.remap(image, columns + dx, rows + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _jumbled(image, rng) -> np.ndarray:
    size, n = image.shape[0], int(rng.integers(5, 9))
    edge = -(-size // n)
    big = cv2.resize(image, (edge * n, edge * n))
    tiles = big.reshape(n, edge, n, edge, 3).swapaxes(1, 2).reshape(n * n, edge, edge, 3)[rng.permutation(n * n)]
    turned = np.stack([np.rot90(tile, int(k)) for tile, k in zip(tiles, rng.integers(0, 4, n * n), strict=True)])
    whole = turned.reshape(n, n, edge, edge, 3).swapaxes(1, 2).reshape(n * edge, n * edge, 3)
    return np.ascontiguousarray(whole[:size, :size])


def _strips(image, rng) -> np.ndarray:
    """A collage of upright strips, each slid and perhaps upside down."""
    size, n = image.shape[0], int(rng.integers(9, 18))
    cuts = np.linspace(0, size, n + 1).astype(int)
    out = np.empty_like(image)
    for i in rng.permutation(n):
        a, b = cuts[i], cuts[i + 1]
        start = int(rng.integers(0, size - (b - a)))
        strip = np.roll(image[:, start : start + b - a], int(rng.integers(0, size)), 0)
        out[:, a:b] = strip[::-1] if rng.random() < 0.5 else strip
    return np.ascontiguousarray(np.rot90(out)) if rng.random() < 0.5 else out


def _blurred(image, rng) -> np.ndarray:
    """A torn piece turned upside down or sideways and far out of focus."""
    size = image.shape[0]
    turned = np.ascontiguousarray(np.rot90(image, int(rng.integers(1, 4))))
    soft = cv2.GaussianBlur(turned, (0, 0), size * rng.uniform(0.05, 0.09))
    return finish(soft * (1 + 0.05 * _noise(rng, size, 0.5)[..., None]))


def _blobs(image, rng) -> np.ndarray:
    """Rounded bodies in one light, as a photograph of nothing in particular."""
    size = image.shape[0]
    field = _noise(rng, size, rng.uniform(1.9, 2.4))
    slope = np.roll(field, 3, 0) - np.roll(field, -3, 1)
    a, b = _tones(image, rng, 2)
    t = np.clip(0.5 + 1.2 * field, 0, 1)[..., None]
    light = np.clip(1 + 2.4 * slope, 0.3, 1.7)[..., None]
    return finish((a + (b - a) * t) * light + 6 * _noise(rng, size, 0.3)[..., None])


def _bodies(image, rng) -> np.ndarray:
    """A few large smooth bodies, each with light and shadow, before a shaded ground: a photograph of some object."""
    size = image.shape[0]
    rows, columns = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    a, b, *tones = _tones(image, rng, int(rng.integers(3, 9)))
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0.3, 1) * (np.cos(angle) * columns + np.sin(angle) * rows)
    out = a + (b - a) * np.clip(0.5 + slope, 0, 1)[..., None]
    for tone in tones:
        x, y = rng.uniform(-0.4, 0.4, 2)
        turn, radius, long = rng.uniform(0, np.pi), rng.uniform(0.08, 0.35), rng.uniform(0.35, 1)
        u = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
        v = ((rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)) / long
        bearing, far = np.arctan2(v, u), np.hypot(u, v)
        edge = radius * (
            1 + sum(rng.normal(0, 0.25 / k) * np.cos(k * bearing + rng.uniform(0, 7)) for k in range(2, 6))
        )
        soft = rng.uniform(0.004, 0.04)
        shadow = 1 / (1 + np.exp(-(edge * 1.15 - np.hypot(u - 0.05, v - 0.05)) / (soft * 4)))
        out = out * (1 - rng.uniform(0, 0.6) * shadow[..., None])
        inside = 1 / (1 + np.exp(-np.clip((edge - far) / soft, -30, 30)))[..., None]
        shade = 1 + rng.uniform(0.2, 1.4) * (np.cos(angle) * columns + np.sin(angle) * rows)[..., None]
        shade = shade - rng.uniform(0, 0.7) * np.clip(far / np.maximum(edge, 0.01), 0, 1)[..., None] ** 3
        out = out * (1 - inside) + tone * np.clip(shade, 0.1, 1.6) * inside
    return finish(out * (1 + rng.uniform(0, 0.08) * _noise(rng, size, rng.uniform(0.3, 1.2))[..., None]))


def _doubled(image, rng) -> np.ndarray:
    """Exposed twice: the picture under a piece of itself, turned."""
    size = image.shape[0]
    edge = int(size * rng.uniform(0.3, 0.8))
    y, x = (int(v) for v in rng.integers(0, size - edge, 2))
    piece = np.rot90(image[y : y + edge, x : x + edge], int(rng.integers(1, 4)))
    other = cv2.resize(np.ascontiguousarray(piece), (size, size), interpolation=cv2.INTER_CUBIC)
    share = 0.5 + 0.3 * np.clip(_noise(rng, size, 2), -1, 1)[..., None]
    return finish(image[::-1] * share + other * (1 - share))


def _outline(rng: np.random.Generator) -> np.ndarray:
    """A closed outline around the origin, [points, 2]: the hull or the star of a few corners, or a smooth one."""
    if rng.random() < 0.6:
        count = int(rng.integers(3, 10))
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        radii = rng.uniform(0.35 if rng.random() < 0.5 else 0.8, 1, count)
    else:
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        waves = [rng.normal(0, 0.3 / k) * np.cos(k * angles + rng.uniform(0, 7)) for k in range(2, 7)]
        radii = np.clip(0.75 + sum(waves), 0.15, 1.5)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles) * rng.uniform(0.2, 1)], 1)


def _things(image, rng) -> np.ndarray:
    """Sharp outlines, one joined to another, with the texture and the light of a photograph and its shadow on a floor.

    Without them, whatever had a sharp edge in a photograph was geometric abstraction.
    """
    size = image.shape[0]
    rows, columns = np.mgrid[:size, :size].astype(np.float32) / size
    wall, floor, *tones = _tones(image, rng, int(rng.integers(3, 12)))
    edge = rng.uniform(0.3, 1.1)
    ground = np.clip((rows - edge) * rng.uniform(4, 60), 0, 1)[..., None]
    out = wall + (floor - wall) * ground + rng.normal(0, 40) * (columns - 0.5)[..., None]
    out = out + rng.uniform(0, 25) * _noise(rng, size, rng.uniform(1.2, 2.5))[..., None]
    middle, reach = rng.uniform(0.25, 0.75, 2), rng.uniform(0.05, 0.3)
    light = rng.uniform(0, 2 * np.pi)
    for tone in tones:
        corners = _outline(rng) * rng.uniform(0.08, 0.5)
        turn = rng.uniform(0, 2 * np.pi)
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], dtype=np.float32)
        corners = (corners @ turned + middle + rng.normal(0, reach, 2)) * size
        mask, shadow = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
        cv2.fillPoly(mask, [np.int32(corners * 16)], 1.0, cv2.LINE_AA, 4)
        cv2.fillPoly(shadow, [np.int32((corners + rng.normal(0, 0.05, 2) * size) * 16)], 1.0, cv2.LINE_AA, 4)
        dark = cv2.GaussianBlur(shadow, (0, 0), size * rng.uniform(0.01, 0.06)) * rng.uniform(0, 0.7)
        out = out * (1 - dark[..., None])
        slope = np.cos(light) * (columns - middle[0]) + np.sin(light) * (rows - middle[1])
        shade = 1 + rng.uniform(0, 3) * slope
        if rng.random() < 0.5:
            shade = shade + rng.uniform(0, 0.3) * _noise(rng, size, rng.uniform(0.3, 1.8))
        body = tone * np.clip(shade, 0.15, 1.7)[..., None]
        if rng.random() < 0.3:  # covered with something, as cloth or print is
            small = cv2.resize(image, (int(size * rng.uniform(0.1, 0.4)),) * 2, interpolation=cv2.INTER_AREA)
            many = -(-size // small.shape[0])
            body = 0.5 * body + 0.5 * np.tile(small, (many, many, 1))[:size, :size]
        out = out * (1 - mask[..., None]) + body * mask[..., None]
    return finish(out + rng.normal(0, rng.uniform(0, 8), (size, size, 1)))


def _toned(image, rng) -> np.ndarray:
    """In other tones: grey as an old photograph, cast towards a hue, darker or lighter, flatter or harder."""
    out = image.astype(np.float32) / 255
    if rng.random() < 0.3:
        grey = out @ np.array([0.3, 0.59, 0.11], np.float32)
        out = grey[..., None] * rng.uniform(0.9, 1.0, 3) if rng.random() < 0.5 else np.repeat(grey[..., None], 3, 2)
    else:
        grey = out.mean(2, keepdims=True)
        out = np.clip(grey + (out - grey) * rng.uniform(0.3, 1.4), 0, 1) * rng.uniform(0.75, 1.15, 3)
    out = np.clip(out, 0, 1) ** rng.uniform(0.6, 1.7)
    return finish(255 * (0.5 + (out - 0.5) * rng.uniform(0.6, 1.3)))


_VIEWS = (
    _cloudy, _leaves, _close_up, _warped, _jumbled, _strips, _blurred, _blobs, _bodies, _bodies, _doubled,
    _things, _things, _things, _things,
)  # fmt: skip


def unknown_view(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture that shows nothing one could name, from the colours and pieces of another (uint8 RGB, square)."""
    view = _VIEWS[rng.integers(len(_VIEWS))](image, rng)
    return _toned(view, rng) if rng.random() < 0.5 else view


#: How far `harsh_view` raises the contrast at most.
_HARSHEST = 3.0


def harsh_view(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An unknown view whose contrast is raised about any tone, as far as black and white; one in three is grey.

    Paintings hold little black and little that is wholly white or without any colour. A tower that has met only them
    reads photographs that are full of it as too bright, by up to five times its error on paintings.

    Args:
        image: uint8 RGB [size, size, 3].

    Returns:
        The same size and type.
    """
    view = unknown_view(image, rng).astype(np.float32)
    tone, factor = rng.uniform(40, 215), rng.uniform(1, _HARSHEST)
    view = finish((view - tone) * factor + tone)
    if rng.random() < 1 / 3:
        view = np.repeat(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return view
