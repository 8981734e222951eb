"""What is to be painted: a scene drawn by chance, before anything is on the canvas."""

from dataclasses import dataclass

import numpy as np

from train.painter.vocabulary import LIGHTS, MANNERS, SUBJECTS

OUTDOOR = ("sea", "mountains", "forest", "field", "village", "city", "boat", "cabin", "river", "tree", "crowd")

#: Roles of colour, as hexadecimal RGB. Each palette keeps to a scheme of colour theory, named in its comment.
ROLES = ("sky", "glow", "far", "ground", "leaf", "water", "accent", "accent2", "dark", "light")
PALETTES: dict[str, str] = {
    "natural": "6fa8dc cfe4f5 7f93ab 7d9a54 4f7d3a 4a86b0 c8553d e9b44c 3b3a36 f6f1e3",  # local colour
    "ochre": "d9b57a f2dfb3 a07c4f b48a4a 8a7a35 8f9c86 a8452c e3a33b 40301f f7ebce",  # analogous, orange to yellow
    "cobalt": "2f5fae 8fb8e8 3f5c94 5a7fae 2f6a8a 1f5fa6 f0b93a ee7d38 1b2440 f2f4fa",  # complementary, blue, orange
    "viridian": "9fd3c3 d9efdf 4c8a7c 3f8f5f 1f6b4c 2f8f8a e2574c f0c05a 16352c f3f8ee",  # complementary, green, red
    "violet": "8a78c8 d2c2ec 6a5aa2 7f6aa8 5a4a92 5d6fc0 f2cf4a e88a52 2c2245 f7f0fa",  # complementary, violet, yellow
    "rose": "f0a6b8 fbd9d6 c98aa2 d89aa0 a8748a c9a0bc c83c62 f4b860 4f2c3c fff2ee",  # analogous, red to pink
    "ember": "c9452e f39a4a 8a3326 a54a28 74401f a8402f f8c63f ee6a2a 2e1512 fde6c3",  # analogous, red to orange
    "turquoise": "57c4cf b8ebe6 3b93a0 4aa890 2a8078 22a0b0 f2795a f7d65e 123c44 f1fbf8",  # near-complementary
    "primary": "4a90d9 a8d0f2 3767a8 f0c52e d9402f 2b6fc4 d9342b f5c518 202020 faf7ee",  # triad of red, yellow, blue
    "secondary": "b088d6 e0c8f0 6b55a8 5fb05a 3f9440 7a6ad0 f08a24 54b35c 2a2338 f8f4ea",  # orange, green, violet
    "earth": "b9a58c dccdb4 8a7560 7d6248 6b6040 7e8278 9c4a2f c79a5b 35291f f0e6d6",  # broken, low chroma
    "grisaille": "a9adb2 d6d8da 7d8186 8a8a86 6a6e6b 8c9299 b8b0a6 5c6066 2a2c2e f4f4f2",  # achromatic
    "murky": "9a9a62 c2bb86 6f6d42 6d6533 565d2a 6d7248 8f6a3a b0a03c 2c2a18 d9d3ac",  # analogous, olive to brown
    "crimson": "9c2b33 d4605a 5f2a35 6b2a2a 4a2f2c 74303c f0d9a8 e03a3a 1d1014 f6e0d4",  # monochrome, red
    "spring": "bfe3f2 fdf3d4 a9cfa8 a8d46a 86c25a 8fd0e0 f58fb0 fbd34d 4c5a3a fffdf2",  # split complementary, pastel
    "lemon": "f5dd6a fdf2b8 d0b84a d8c040 9fae3c a8c8a0 e8703a 7f62b8 4a4020 fffbe6",  # complementary, yellow, violet
}


@dataclass(frozen=True)
class Scene:
    """The plan of a picture; `paint` decides the shapes, `measure` what of them can be seen."""

    subject: str
    manner: str
    palette: str
    light: str | None
    horizon: float  # height of the horizon or of a table's edge, 0 at the top, 1 at the bottom
    centre: float  # where the main thing stands, 0 left, 1 right
    amount: float  # how many things, 0 few, 1 many
    details: frozenset[str]
    people: str | None
    key: float  # lightening (> 0) or darkening (< 0) of every colour, in stops of gamma
    chroma: float  # factor on every colour's distance from grey
    hue: float  # turn of every hue, in degrees


#: How a scene is loaded towards an emotion, so that all of them occur: ranges of key and chroma, and choices.
_MOODS: dict[str, tuple] = {
    "amusement": (
        (0.1, 0.6),
        (1.0, 1.3),
        "day day day sunset snow",
        "happy",
        "spring primary lemon turquoise natural rose secondary",
    ),
    "awe": (
        (-0.1, 0.4),
        (0.9, 1.25),
        "night sunset sunset night day",
        "calm",
        "cobalt turquoise violet natural rose viridian",
    ),
    "contentment": (
        (0.1, 0.6),
        (0.5, 0.9),
        "day day fog snow sunset",
        "calm",
        "spring natural rose viridian ochre turquoise violet",
    ),
    "excitement": (
        (-0.1, 0.3),
        (1.2, 1.6),
        "sunset sunset day day",
        "happy",
        "primary ember cobalt secondary lemon turquoise",
    ),
    "anger": ((-0.6, -0.1), (1.0, 1.5), "storm sunset storm", "angry", "crimson ember crimson ember cobalt primary"),
    "disgust": ((-0.4, 0.0), (0.6, 1.0), "fog storm day", "angry sad", "murky murky earth murky ochre viridian"),
    "fear": (
        (-0.7, -0.2),
        (0.6, 1.1),
        "night storm night fog",
        "sad angry",
        "cobalt violet viridian grisaille crimson earth",
    ),
    "sadness": (
        (-0.4, 0.1),
        (0.15, 0.6),
        "fog storm snow night fog",
        "sad",
        "grisaille earth cobalt violet natural viridian",
    ),
    "something else": ((-0.1, 0.15), (0.5, 0.9), "day day fog", "calm", " ".join(PALETTES)),
}

_DETAILS: dict[str, str] = {
    "sea": "bird waves waves person",
    "mountains": "water pine pine cabin bird path",
    "forest": "path path person house",
    "field": "tree house hill flowers flowers path bird person",
    "village": "hill tree path tower mountain",
    "city": "bridge water bird person path",
    "boat": "bird waves mountain hill",
    "cabin": "pine pine path mountain tree",
    "river": "bridge tree tree hill mountain bird",
    "tree": "hill bird path person bare flowers",
    "flowers": "vase vase vase table table fruit",
    "fruit": "bowl bowl table table vase",
    "portrait": "hat hat window",
    "crowd": "hat hat tower house",
    "figure": "window door",
    "pair": "window",
    "interior": "window window window door door chair chair table table lamp lamp vase",
    "animal": "cat dog horse fish bird",
    "colour field": "",
    "geometric": "circle circle triangle triangle square square line line grid",
    "splatter": "drips drips line circle",
}
_SKY_DETAILS = {
    "day": "sun clouds clouds",
    "sunset": "sun sun sun clouds",
    "night": "moon moon stars stars clouds",
    "storm": "clouds clouds lightning rain rain",
    "snow": "flakes flakes clouds",
    "fog": "sun",
}


def held_out(subject: str, palette: str) -> bool:
    """Whether a subject is never painted in this palette for training, so that both together can be a test."""
    return (3 * SUBJECTS.index(subject) + 7 * list(PALETTES).index(palette)) % 10 == 0


def sample_scene(
    rng: np.random.Generator, subject: str | None = None, manner: str | None = None, combinations: str = "seen"
) -> Scene:
    """Draw a scene; every subject and manner is equally likely unless it is given.

    `combinations`: "seen" for palettes that are not `held_out` from the subject, "unseen" for those alone.
    """
    if combinations not in ("seen", "unseen"):
        raise ValueError(f'combinations are "seen" or "unseen", not {combinations!r}')
    subject = subject or str(rng.choice(SUBJECTS))
    manner = manner or str(rng.choice(MANNERS))
    mood = str(rng.choice(list(_MOODS)))
    keys, chromas, lights, people, palettes = _MOODS[mood]
    loaded = rng.random() < 0.8  # the rest is left to chance, so that no emotion owns a palette or a light
    outdoor = subject in OUTDOOR
    light = str(rng.choice(lights.split() if loaded else LIGHTS)) if outdoor else None
    allowed = [name for name in PALETTES if held_out(subject, name) == (combinations == "unseen")]
    likely = [name for name in palettes.split() if name in allowed] if loaded else allowed
    palette = str(rng.choice(likely or allowed))
    feeling = str(rng.choice(people.split() if loaded else ["happy", "sad", "angry", "calm"]))

    likely = _DETAILS[subject].split()
    details = {  # in the order of the list, for a set of strings has another order in every process
        name for name in dict.fromkeys(likely) if rng.random() < 0.3 * likely.count(name)
    }
    if subject == "animal":
        details = {str(rng.choice(likely))}
    if light:
        sky = _SKY_DETAILS[light].split()
        details |= {name for name in dict.fromkeys(sky) if rng.random() < (0.28, 0.55, 0.85)[sky.count(name) - 1]}
    if subject in ("village", "cabin", "city") and (light in ("night", "sunset", "storm") or rng.random() < 0.2):
        details.add("lit window")
    return Scene(
        subject=subject,
        manner=manner,
        palette=palette,
        light=light,
        horizon=float(rng.choice([0.3, 0.5, 0.7]) + rng.uniform(-0.06, 0.06)),
        centre=float(rng.choice([0.25, 0.5, 0.75]) + rng.uniform(-0.05, 0.05)),
        amount=float(rng.random()),
        details=frozenset(details),
        people=feeling if subject in ("portrait", "crowd", "figure", "pair") else None,
        key=float(rng.uniform(*keys)) if loaded else float(rng.uniform(-0.6, 0.6)),
        chroma=1.3 * (float(rng.uniform(*chromas)) if loaded else float(rng.uniform(0.2, 1.5))),
        hue=float(rng.normal(0, 7)),
    )
