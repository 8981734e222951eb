"""Which emotion a picture evokes, by rule from what can be seen in it.

Colour moves pleasure and arousal as Valdez and Mehrabian measured it (1994, J. Exp. Psychol. Gen. 123, 394-409):
pleasure is .69 brightness + .22 saturation, arousal -.31 brightness + .60 saturation, in standard scores. What is shown
moves them further, by amounts of our own choosing. The nine answers of ArtEmis (Achlioptas et al., 2021,
arXiv:2101.07396) have places on the plane of pleasure and arousal (Russell, 1980, doi:10.1037/h0077714); the nearest
is the picture's emotion. That plane does not part awe from amusement, nor disgust from fear, so some contents also draw
towards one emotion by name.
"""

from dataclasses import replace

from artgpt4.emotions import EMOTIONS
from train.painter.facts import Facts

#: Mean and standard deviation over the painter's pictures.
STANDARD: dict[str, tuple[float, float]] = {
    "brightness": (0.58, 0.19),
    "saturation": (0.3, 0.21),
    "density": (0.286, 0.096),
}

#: Place of each emotion: pleasure, arousal.
PLACES: dict[str, tuple[float, float]] = {
    "amusement": (1.3, 0.35),
    "awe": (0.6, 0.3),
    "contentment": (0.9, -1.0),
    "excitement": (0.7, 1.3),
    "anger": (-0.8, 1.3),
    "disgust": (-1.0, -0.1),
    "fear": (-1.2, 0.5),
    "sadness": (-0.8, -1.2),
    "something else": (0.0, 0.0),
}

#: What is shown, as it moves pleasure and arousal.
_SHIFTS: dict[str, tuple[float, float]] = {
    "light:day": (0.25, 0.0),
    "light:sunset": (0.35, 0.3),
    "light:night": (-0.25, 0.1),
    "light:storm": (-0.7, 0.7),
    "light:snow": (0.1, -0.5),
    "light:fog": (-0.35, -0.6),
    "people:happy": (1.1, 0.5),
    "people:sad": (-1.0, -0.8),
    "people:angry": (-1.1, 1.1),
    "people:calm": (0.3, -0.6),
    "things:lightning": (-0.3, 0.5),
    "things:rain": (-0.4, -0.2),
    "things:flowers": (0.4, 0.0),
    "things:waves": (0.0, 0.2),
    "things:bird": (0.15, 0.05),
    "things:lit window": (0.2, -0.1),
    "things:drips": (-0.3, 0.2),
    "subject:splatter": (-0.2, 0.5),
    "subject:geometric": (0.1, 0.25),
    "subject:city": (0.0, 0.3),
    "subject:river": (0.2, -0.25),
    "subject:cabin": (0.1, -0.2),
    "manner:impasto": (0.0, 0.25),
    "manner:pointillist": (0.15, 0.1),
    "manner:watercolour": (0.1, -0.25),
    "manner:soft": (0.1, -0.3),
    "manner:ink": (-0.15, -0.1),
    "manner:chiaroscuro": (-0.15, 0.15),
}

#: What draws towards one emotion beyond the plane.
_DRAWS: dict[str, dict[str, float]] = {
    "subject:mountains": {"awe": 0.5},
    "subject:sea": {"awe": 0.3},
    "subject:portrait": {"awe": -0.6},
    "subject:fruit": {"amusement": 0.2, "awe": -0.4, "fear": -0.3},
    "subject:flowers": {"contentment": 0.1, "fear": -0.3},
    "subject:splatter": {"disgust": 0.5, "excitement": 0.2, "contentment": -0.2},
    "subject:geometric": {"amusement": 0.3, "something else": 0.1, "awe": -0.3},
    "subject:forest": {"fear": 0.2},
    "light:sunset": {"awe": 0.5},
    "light:night": {"fear": 0.4, "awe": 0.3},
    "light:storm": {"fear": 0.4, "anger": 0.2},
    "light:fog": {"sadness": 0.2},
    "things:stars": {"awe": 0.8},
    "things:moon": {"awe": 0.2},
    "things:sun": {"awe": 0.2},
    "things:lightning": {"fear": 0.3},
    "things:hat": {"amusement": 0.3},
    "things:fruit": {"amusement": 0.1},
    "things:circle": {"amusement": 0.2},
    "things:drips": {"disgust": 0.5},
    "people:happy": {"amusement": 0.6},
    "people:angry": {"anger": 0.8},
    "people:sad": {"sadness": 0.6},
    "colours:red": {"anger": 0.5, "excitement": 0.2},
    "colours:orange": {"excitement": 0.2},
    "colours:black": {"fear": 0.4},
    "colours:green": {"disgust": 0.1},
    "colours:brown": {"disgust": 0.5},
    "colours:yellow": {"amusement": 0.3},
    "colours:pink": {"amusement": 0.2},
    "colours:blue": {"awe": 0.2},
    "colours:grey": {"sadness": 0.3},
    "colours:dark grey": {"sadness": 0.2, "fear": 0.2},
}

#: Answers that would be too common or too rare without it: on 600 pictures, each was moved by its share's distance from
#: a ninth ("something else": a fourteenth), until they were even.
_BIAS: dict[str, float] = {
    "amusement": 0.05,
    "awe": -0.07,
    "contentment": -0.18,
    "excitement": 0.29,
    "anger": 0.1,
    "disgust": -0.07,
    "fear": -0.06,
    "sadness": -0.17,
    "something else": -0.08,
}


def _marks(facts: Facts) -> list[tuple[str, float]]:
    """The facts that can move an emotion, each with its weight."""
    marks = [(f"{name}:{getattr(facts, name)}", 1.0) for name in ("subject", "manner", "light", "people")]
    marks += [(f"things:{thing.name}", 1.0) for thing in facts.things]
    return [*marks, (f"colours:{facts.colours[0]}", 1.0)]  # the leading colour alone


def _moves(facts: Facts) -> dict[str, tuple[float, float, dict[str, float]]]:
    """How each fact moves pleasure, arousal and single emotions, by the name under which it can be cited."""
    z = {name: max(-2.5, min(2.5, (facts.measures[name] - mean) / sd)) for name, (mean, sd) in STANDARD.items()}
    moves: dict[str, tuple[float, float, dict[str, float]]] = {
        "brightness": (0.69 * z["brightness"], -0.31 * z["brightness"], {}),
        "saturation": (0.22 * z["saturation"], 0.60 * z["saturation"], {}),
        "density": (0.0, 0.2 * z["density"], {}),
    }
    for mark, weight in _marks(facts):
        pleasure, arousal = _SHIFTS.get(mark, (0.0, 0.0))
        draws = _DRAWS.get(mark, {})
        if mark in _SHIFTS or mark in _DRAWS:
            key = mark if mark.startswith("things:") else mark.split(":")[0]
            old = moves.get(key, (0.0, 0.0, {}))
            merged = {name: old[2].get(name, 0) + weight * draws.get(name, 0) for name in {**old[2], **draws}}
            moves[key] = (old[0] + weight * pleasure, old[1] + weight * arousal, merged)
    return moves


def scores(facts: Facts) -> dict[str, float]:
    """The score of each emotion; it falls with the squared distance of the emotion's place."""
    moves = _moves(facts).values()
    valence, arousal = sum(move[0] for move in moves), sum(move[1] for move in moves)
    return {
        name: valence * v + arousal * a - (v * v + a * a) / 2 + sum(m[2].get(name, 0) for m in moves) + _BIAS[name]
        for name, (v, a) in PLACES.items()
    }


def feel(facts: Facts) -> Facts:
    """A copy of the facts with valence, arousal, emotion, second emotion and reasons filled in.

    A score is a sum over the facts, up to a constant: what a fact adds to the emotion, beyond what it adds to the
    others on average, is its weight as a reason.
    """
    moves, score = _moves(facts), scores(facts)
    first, second = sorted(EMOTIONS, key=lambda name: -score[name])[:2]

    def adds(move: tuple[float, float, dict[str, float]], name: str) -> float:
        v, a = PLACES[name]
        return move[0] * v + move[1] * a + move[2].get(name, 0)

    others = [name for name in EMOTIONS if name != first]
    weights = {
        key: adds(move, first) - sum(adds(move, name) for name in others) / len(others) for key, move in moves.items()
    }
    reasons = sorted((key for key, weight in weights.items() if weight > 0.08), key=lambda key: -weights[key])
    return replace(
        facts,
        valence=round(sum(move[0] for move in moves.values()), 3),
        arousal=round(sum(move[1] for move in moves.values()), 3),
        emotion=first,
        second_emotion=second,
        reasons=reasons[:5],
    )
