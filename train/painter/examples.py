"""The example pictures: scenes chosen by hand, each with the seed under which it came out best."""

from pathlib import Path

import numpy as np

from train.painter.paint import paint
from train.painter.scene import Scene
from train.painter.write import jpeg

#: Name of the file: the fields of the scene in their order, then the seed.
EXAMPLES: dict[str, tuple[Scene, int]] = {
    name: (Scene(*fields[:7], frozenset(word.replace("_", " ") for word in fields[7].split()), *fields[8:-1]),
            fields[-1])
    for name, fields in {
        "sunset-boats": ("boat", "impasto", "rose", "sunset", 0.45, 0.35, 0.9, "sun clouds bird", None, 0.1, 1.3, 0, 4),
        "starry-village": ("village", "impressionist", "cobalt", "night", 0.45, 0.5, 0.5,
            "stars moon hill tower path lit_window", None, 0.35, 1.4, 0, 3),
        "flowers-on-a-table": ("flowers", "impressionist", "cobalt", None, 0.5, 0.5, 0.7, "vase table", None,
            0.3, 1.2, 0, 3),
        "storm-at-sea": ("sea", "impasto", "viridian", "storm", 0.4, 0.5, 0.8, "clouds lightning waves", None,
            0.0, 1.0, 0, 1),
        "misty-river": ("river", "watercolour", "natural", "fog", 0.4, 0.6, 0.4, "bridge tree hill", None, 0.2,
            0.9, 0, 5),
        "winter-cabin": ("cabin", "soft", "cobalt", "snow", 0.5, 0.6, 0.6,
            "pine mountain path flakes lit_window", None, 0.1, 1.1, 0, 2),
        "dotted-meadow": ("field", "pointillist", "spring", "day", 0.4, 0.3, 0.6,
            "flowers tree hill sun clouds", None, 0.1, 1.0, 0, 2),
        "fruit-by-candlelight": ("fruit", "chiaroscuro", "ochre", None, 0.5, 0.45, 0.6, "bowl table", None,
            0.1, 1.3, 0, 1),
        "woman-with-a-red-hat": ("portrait", "flat", "lemon", None, 0.5, 0.5, 0.5, "hat", "happy", 0.1, 1.2, 0, 1),
        "sad-man": ("portrait", "impressionist", "cobalt", None, 0.5, 0.5, 0.5, "", "sad", -0.1, 0.8, 0, 4),
        "city-lights": ("city", "impressionist", "violet", "night", 0.62, 0.45, 0.5,
            "lit_window water bridge moon", None, 0.3, 1.3, 0, 2),
        "autumn-tree": ("tree", "impressionist", "ochre", "sunset", 0.62, 0.4, 0.4, "sun hill path bird", None,
            0.1, 1.3, 0, 2),
        "shapes": ("geometric", "flat", "primary", None, 0.5, 0.5, 0.6, "circle triangle square line", None,
            0.1, 1.1, 0, 2),
        "ink-mountains": ("mountains", "ink", "grisaille", "fog", 0.5, 0.4, 0.6, "pine bird sun", None, 0.2, 0.7, 0, 3),
        "paint-splashes": ("splatter", "watercolour", "primary", None, 0.5, 0.5, 0.7, "drips", None, 0.1, 1.2, 0, 2),
        "forest-path": ("forest", "watercolour", "viridian", "day", 0.5, 0.5, 0.5, "path sun", None, 0.2, 1.1, 0, 2),
        "orange-cat": ("animal", "expressionist", "turquoise", "day", 0.5, 0.5, 0.6, "cat tree", None, 0.1, 1.2, 0, 1),
        "dancers": ("pair", "expressionist", "crimson", "sunset", 0.5, 0.5, 0.5, "", "happy", 0.1, 1.2, 0, 2),
        "facets-of-a-face": ("portrait", "cubist", "earth", None, 0.5, 0.5, 0.5, "hat", "calm", 0.1, 1.2, 0, 1),
        "bowed-by-night": ("figure", "woodcut", "grisaille", "night", 0.5, 0.5, 0.5, "moon path", "sad", 0.0,
            1.1, 0, 24),
    }.items()
}  # fmt: skip


def write_examples(out: Path, size: int = 1024, limit: int = 350_000) -> None:
    """Paint every example into `out` as a JPEG of `size` by `size` pixels and at most `limit` bytes."""
    out.mkdir(parents=True, exist_ok=True)
    for name, (scene, seed) in EXAMPLES.items():
        image = paint(scene, np.random.default_rng(seed), size).image
        for quality in range(90, 40, -4):  # thick paint is all fine grain, and that takes many bytes
            data = jpeg(image, quality)
            if len(data) <= limit:
                break
        (out / f"{name}.jpg").write_bytes(data)
