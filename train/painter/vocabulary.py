"""The words in which the painter, the measurement, the language and the evaluation speak of a picture."""

SUBJECTS: tuple[str, ...] = (
    "sea",
    "mountains",
    "forest",
    "field",
    "village",
    "city",
    "boat",
    "cabin",
    "river",
    "tree",
    "flowers",
    "fruit",
    "portrait",
    "crowd",
    "geometric",
    "splatter",
)
MANNERS: tuple[str, ...] = (
    "impressionist",
    "impasto",
    "watercolour",
    "pointillist",
    "flat",
    "ink",
    "chiaroscuro",
    "soft",
)
#: Light and weather of outdoor scenes; indoor and abstract subjects have none.
LIGHTS: tuple[str, ...] = ("day", "sunset", "night", "storm", "snow", "fog")

COLOURS: tuple[str, ...] = (
    "red",
    "orange",
    "yellow",
    "green",
    "teal",
    "blue",
    "purple",
    "pink",
    "brown",
    "beige",
    "black",
    "dark grey",
    "grey",
    "white",
)
BRIGHTNESS: tuple[str, ...] = ("dark", "medium", "bright")
SATURATION: tuple[str, ...] = ("muted", "moderate", "vivid")
WARMTH: tuple[str, ...] = ("cool", "neutral", "warm")
CONTRAST: tuple[str, ...] = ("soft", "moderate", "strong")
DENSITY: tuple[str, ...] = ("sparse", "balanced", "busy")
HORIZONS: tuple[str, ...] = ("low", "middle", "high")
SIDES: tuple[str, ...] = ("left", "centre", "right")
#: What the people in a picture seem to feel, from mouth, brows or posture; it may differ from the viewer's emotion.
PEOPLE: tuple[str, ...] = ("happy", "sad", "angry", "calm")

#: Things that can be seen in a picture and asked about with yes or no. Singular names; counts are not taught.
THINGS: tuple[str, ...] = (
    "sun",
    "moon",
    "stars",
    "clouds",
    "lightning",
    "rain",
    "snow",
    "fog",
    "bird",
    "boat",
    "sail",
    "waves",
    "water",
    "mountain",
    "hill",
    "tree",
    "pine",
    "house",
    "tower",
    "lit window",
    "path",
    "bridge",
    "flowers",
    "vase",
    "fruit",
    "bowl",
    "table",
    "person",
    "hat",
    "circle",
    "triangle",
    "square",
    "line",
    "drips",
)
