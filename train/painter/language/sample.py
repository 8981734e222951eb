"""Consistent facts without a picture, and text about colours, manners and emotions made from them."""

import random

from train.painter import vocabulary
from train.painter.facts import Facts, Thing
from train.painter.language import feel
from train.painter.language.describe import caption
from train.painter.language.dialogue import conversation
from train.painter.language.grammar import paragraph, say
from train.painter.language.statements import state

#: Valence and arousal of the emotions, roughly where the circumplex model (Russell, 1980) puts them.
_PLANE: dict[str, tuple[float, float]] = {
    "amusement": (0.9, 0.3),
    "awe": (0.3, 0.7),
    "contentment": (0.8, -0.7),
    "excitement": (0.8, 1.0),
    "anger": (-0.8, 0.9),
    "disgust": (-0.9, 0.2),
    "fear": (-0.5, 0.6),
    "sadness": (-0.7, -0.7),
    "something else": (0.0, 0.0),
}
_USUAL: dict[str, tuple[str, ...]] = {
    "sea": ("water", "waves", "bird", "sail", "person"),
    "mountains": ("mountain", "pine", "hill", "bird"),
    "forest": ("tree", "pine", "path"),
    "field": ("hill", "flowers", "house", "path", "tree"),
    "village": ("house", "tower", "lit window", "hill", "path"),
    "city": ("house", "tower", "lit window", "bridge"),
    "boat": ("boat", "water", "sail", "waves", "bird"),
    "cabin": ("house", "lit window", "pine", "path", "hill"),
    "river": ("water", "bridge", "tree", "hill"),
    "tree": ("tree", "hill", "bird", "path"),
    "flowers": ("flowers", "vase", "table"),
    "fruit": ("fruit", "bowl", "table"),
    "portrait": ("person", "hat"),
    "crowd": ("person", "hat", "house"),
    "figure": ("person", "hat", "tree", "path"),
    "pair": ("person", "hat", "house"),
    "interior": ("window", "door", "chair", "lamp", "table", "cat"),
    "geometric": ("circle", "triangle", "square", "line"),
    "splatter": ("drips", "circle", "line"),
    "colour field": ("square", "line"),
}
_INDOOR = frozenset({"flowers", "fruit", "portrait", "interior", "geometric", "splatter", "colour field", "unknown"})
_WEATHER: dict[str, tuple[str, ...]] = {
    "day": ("sun", "clouds"),
    "sunset": ("sun", "clouds"),
    "night": ("moon", "stars"),
    "storm": ("clouds", "lightning", "rain"),
    "snow": ("snow", "clouds"),
    "fog": ("fog",),
}


def random_facts(rng: random.Random) -> Facts:
    """Facts that could be those of a painting: the emotion follows from them, and so do its reasons."""
    subject = rng.choice((*vocabulary.SUBJECTS, vocabulary.UNKNOWN))
    indoor = subject in _INDOOR or (subject in ("figure", "pair", "animal") and rng.random() < 0.4)
    light = None if indoor else rng.choice(vocabulary.LIGHTS)
    names = [name for name in _USUAL.get(subject, ()) if rng.random() < 0.7]
    if subject == "animal":
        names.append(rng.choice(("cat", "dog", "horse", "bird", "fish")))
    names += [name for name in _WEATHER.get(light, ()) if rng.random() < 0.7]
    areas = sorted((rng.uniform(0.005, 0.3) for _ in names), reverse=True)
    rng.shuffle(names)
    heights = ("top", "middle", "bottom")
    things = [
        Thing(name, rng.choice(vocabulary.SIDES), rng.choice(heights), area, rng.choice((*vocabulary.COLOURS, None)))
        for name, area in zip(names, areas, strict=True)
    ]
    choose = {
        "brightness": vocabulary.BRIGHTNESS,
        "saturation": vocabulary.SATURATION,
        "warmth": vocabulary.WARMTH,
        "contrast": vocabulary.CONTRAST,
        "density": vocabulary.DENSITY,
    }
    chosen = {name: rng.choice(values) for name, values in choose.items()}
    level = {name: values.index(chosen[name]) - 1 for name, values in choose.items()}
    people = rng.choice(vocabulary.PEOPLE) if subject in ("portrait", "crowd", "figure", "pair") else None
    # (valence, arousal) of each fact; brightness and saturation as in Valdez & Mehrabian (1994).
    pushes = {
        "brightness": (0.69 * level["brightness"], -0.31 * level["brightness"]),
        "saturation": (0.22 * level["saturation"], 0.6 * level["saturation"]),
        "warmth": (0.1 * level["warmth"], 0.15 * level["warmth"]),
        "contrast": (0.0, 0.2 * level["contrast"]),
        "density": (0.0, 0.2 * level["density"]),
    }
    if light:
        pushes["light"] = {
            "day": (0.2, 0.0),
            "sunset": (0.25, 0.2),
            "night": (-0.15, -0.1),
            "storm": (-0.4, 0.4),
            "snow": (0.1, -0.3),
            "fog": (-0.2, -0.3),
        }[light]
    if people:
        pushes["people"] = {"happy": (0.6, 0.2), "sad": (-0.6, -0.3), "angry": (-0.6, 0.6), "calm": (0.3, -0.4)}[people]
    manner = None if subject == vocabulary.UNKNOWN or rng.random() < 0.05 else rng.choice(vocabulary.MANNERS)
    if manner:
        pushes["manner"] = (rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2))
    pushes["subject"] = (rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2))
    pushes["colours"] = (rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2))
    pushes |= {f"things:{name}": (rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2)) for name in names}
    if "lightning" in names:
        pushes["things:lightning"] = (-0.3, 0.3)
    valence = sum(push[0] for push in pushes.values())
    arousal = sum(push[1] for push in pushes.values())
    near = sorted(_PLANE, key=lambda name: (valence - _PLANE[name][0]) ** 2 + (arousal - _PLANE[name][1]) ** 2)
    x, y = _PLANE[near[0]]
    carrying = {name: x * push[0] + y * push[1] for name, push in pushes.items()}
    return Facts(
        subject=subject,
        manner=manner,
        light=light,
        things=things,
        colours=rng.sample(vocabulary.COLOURS, rng.randint(1, 3)),
        horizon=None if indoor else rng.choice(vocabulary.HORIZONS),
        side=rng.choice((*vocabulary.SIDES, None)),
        people=people,
        valence=valence,
        arousal=arousal,
        emotion=near[0],
        second_emotion=near[1],
        reasons=sorted((name for name in carrying if carrying[name] > 0.05), key=lambda name: -carrying[name]),
        **chosen,
    )


def text_only(rng: random.Random) -> list[tuple[str, str]] | str:
    """Text without a picture: a paragraph, or rounds in which the question first tells what the picture shows.

    It is made by the grammar of the answers, so the language model knows every word of the second stage before its
    weights are frozen.
    """
    facts = random_facts(rng)
    chance = rng.random()
    if chance < 0.3:
        return caption(facts, rng, emotional=True)
    if chance < 0.5:
        told = caption(facts, rng, emotional=False)
        ask = say(
            rng, "[What does such a picture make one feel|What would a viewer feel|Which emotion does that evoke]?"
        )
        return [(f"{told} {ask}", feel.feeling(facts, rng))]
    if chance < 0.6:
        return paragraph([state(kind, facts, rng) for kind in ("people", "emotion", "because", "palette")])
    return conversation(facts, rng, emotional=True)
