"""Dialogues about a painting: what is asked in which order, and how long it may get."""

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

from train.painter import vocabulary
from train.painter.facts import Facts
from train.painter.language import checks, clear, describe, feel, feelings, make, things, words
from train.painter.language.frames import FRAMES
from train.painter.language.grammar import lead, paragraph, say
from train.painter.language.questions import ASK, QUESTIONS, it
from train.painter.language.statements import either, state
from train.painter.language.unanswerable import KINDS, unanswerable

Answer = Callable[[Facts, random.Random], str]
Rounds = list[tuple[str, str]]

#: How readily each thing is asked for where it is visible and where it is not; see `balance`.
WEIGHTS: dict[str, list[float]] = json.loads(Path(__file__).with_name("balance.json").read_text(encoding="utf-8"))


def _stated(*kinds: str, some: tuple[str, ...] = ()) -> Answer:
    """Statements of these kinds, then mostly one more of `some`."""

    def answer(facts: Facts, rng: random.Random) -> str:
        more = (rng.choice(some),) if some and rng.random() < 0.45 else ()
        first, *rest = (*kinds, *more)
        return paragraph([lead(rng, state(first, facts, rng)), *(state(kind, facts, rng) for kind in rest)])

    return answer


#: The answer to each kind of question that needs nothing but the facts.
ANSWER: dict[str, Answer] = {
    "subject": lambda facts, rng: _subject(facts, rng),
    "manner": _stated("manner", some=("contrast", "colours")),
    "light": _stated("light", some=("tones", "colours")),
    "leading colour": _stated("leading", some=("tones", "thing")),
    "palette": lambda facts, rng: _palette(facts, rng),
    "brightness": lambda facts, rng: _tone("brightness", facts, rng),
    "saturation": lambda facts, rng: _tone("saturation", facts, rng),
    "warmth": lambda facts, rng: _tone("warmth", facts, rng),
    "contrast": _stated("contrast", some=("tones", "thing")),
    "density": _stated("density", some=("tones", "things")),
    "horizon": _stated("horizon", some=("subject", "tones")),
    "side": _stated("side", some=("tones", "thing")),
    "short description": lambda facts, rng: describe.description(facts, rng, False, "short"),
    "description": lambda facts, rng: describe.description(facts, rng, False, "long"),
    "content": describe.things_in_it,
    "colours and light": describe.colours_and_light,
    "formal": describe.formal,
    "page": make.page,
    "title": make.title,
    "emotion": lambda facts, rng: feel.feeling(facts, rng, rng.choice(("medium", "long"))),
    "why": feel.why,
    "second emotion": feel.second_emotion,
    "people": feel.people,
    "both sides": feel.both_sides,
    "which colour": feel.which_colour,
    "emotional description": lambda facts, rng: describe.description(facts, rng, True, "long"),
    "change": feel.change,
    "curator": lambda facts, rng: describe.curator(facts, rng, True),
    "neutral curator": lambda facts, rng: describe.curator(facts, rng, False),
    "poetic alone": lambda facts, rng: describe.poetic(facts, rng, False),
}


def _subject(facts: Facts, rng: random.Random) -> str:
    """What it shows, at times with things or tones; where that cannot be told, its colours."""
    if facts.subject == vocabulary.UNKNOWN:
        return _stated("sight", "colours", some=("tones",))(facts, rng)
    return rng.choice((_stated("subject"), _stated("sight", some=("things", "tones"))))(facts, rng)


def _palette(facts: Facts, rng: random.Random) -> str:
    """Its colours; of several, where that is clear, the one that leads, else at times tones or a thing."""
    if len(facts.colours) == 1 or not clear.leading(facts):
        return _stated("palette", some=("tones", "thing"))(facts, rng)
    leads = say(rng, FRAMES["leading"]["plain"], lead=facts.colours[0], rest="")
    return paragraph([lead(rng, state("palette", facts, rng)), leads])


def _tone(name: str, facts: Facts, rng: random.Random, alone: bool = False) -> str:
    """Brightness, saturation or warmth on its own, at times with the leading colour."""
    of = words.TONE[name] | (words.TONE_OPEN.get(name, {}) if clear.rival(facts, name) else {})
    adjective, _ = either(facts, name, of.__getitem__)
    first = say(
        rng,
        "[overall it is|as a whole it is|taken together it is|it is, on the whole,|all in all it is|on balance it is|"
        "I find it|it looks|the picture is|this picture is|the whole is|the painting is|I see it as|seen as one it is] {x}",  # noqa: E501
        x=adjective,
    )
    more = state(rng.choice(("colours", "leading")), facts, rng) if not alone and rng.random() < 0.4 else ""
    return paragraph([lead(rng, first), more])


def answer(kind: str, facts: Facts, rng: random.Random) -> str:
    """What is answered to `QUESTIONS[kind]`; raises `KeyError` for a kind that is not one of `ANSWER`."""
    return ANSWER[kind](facts, rng)


NEUTRAL: dict[str, float] = {
    "subject": 2, "manner": 2, "light": 1.5, "leading colour": 1.3, "palette": 1.5, "brightness": 0.6,
    "saturation": 0.6, "warmth": 0.6, "contrast": 0.6, "density": 0.6, "horizon": 0.6, "side": 0.6,
    "short description": 1.3, "description": 2, "content": 1.5, "colours and light": 1, "formal": 1.5, "page": 1.2,
    "title": 1.5, "people": 0.8, "neutral curator": 0.5, "poetic alone": 0.5, "place": 1, "thing": 6,
    "subject check": 0.9, "light check": 0.7, "colour check": 0.7, "manner check": 0.6, "tone check": 0.6,
    "people check": 0.4, "absent colour": 0.7, "unanswerable": 4, "follow": 2.5,
}  # fmt: skip
EMOTIONAL: dict[str, float] = {
    "emotion": 5, "mood check": 1.2, "people": 1.2, "both sides": 1.7, "emotional description": 3, "title": 2,
    "change": 1.5, "curator": 0.8, "why": 0.7, "second emotion": 0.5, "premise": 1, "view": 1, "formal": 0.6,
    "page": 0.8, "follow": 1.5, "neutral": 5,
}  # fmt: skip
#: What is likely to be asked once the emotion has been named.
AFTER_EMOTION: dict[str, float] = {
    "why": 5, "second emotion": 0.8, "which colour": 1.5, "people": 1, "change": 1, "view": 1.5, "follow": 1.5,
    "premise": 0.5,
}  # fmt: skip
_FELT = frozenset(
    "emotion,why,second emotion,both sides,which colour,emotional description,change,curator,mood check,premise,"
    "view".split(",")
)
#: Kinds that may come again in a dialogue.
_AGAIN = frozenset({"thing", "unanswerable", "follow", "neutral", "view"})


def _draw(weights: dict[str, float], rng: random.Random, without: Iterable[str] = ()) -> str:
    left = [name for name in weights if name not in without]
    return rng.choices(left, [weights[name] for name in left])[0]


def _typed(question: str, rng: random.Random) -> str:
    """As somebody might type it: sometimes without capital or closing mark, or with a slip of the finger."""
    chance = rng.random()
    if chance < 0.07:
        question = question.lower().rstrip("?.!")
    elif chance < 0.12:
        question = question[0].lower() + question[1:]
    elif chance < 0.16:
        question = question.rstrip("?.!")
    if rng.random() < 0.04 and len(question) > 12:
        at = rng.randrange(1, len(question) - 2)
        if question[at].isalpha() and question[at + 1].isalpha():
            swapped = question[at + 1] + question[at]
            question = question[:at] + rng.choice((swapped, question[at], question[at] * 2)) + question[at + 2 :]
    return question


def ask(kind: str, rng: random.Random, **slots: str) -> str:
    """A question of that kind as somebody might type it; `slots` are what it asks about.

    Raises:
        KeyError: a kind that is not one of `questions.ASK`.
    """
    if kind in QUESTIONS and rng.random() < 0.15:
        return QUESTIONS[kind]
    question = say(rng, it(rng.choice(ASK[kind])), **slots)
    question = question[0].upper() + question[1:]
    return question if kind == "both sides" else _typed(question, rng)


def candidates(facts: Facts) -> list[tuple[str, bool]]:
    """Every thing that may be asked about, and whether it is visible."""
    found = sorted((thing.name, True) for thing in facts.things)
    return found + [(name, False) for name in things.absent(facts)]


#: How much more readily a thing is asked for that is not there but might well be. With 3, the embedded model said no to
#: a third of the bridges, suns and hills that are there.
LIKELY = 1.5


def draw_thing(facts: Facts, rng: random.Random, of: list[tuple[str, bool]]) -> tuple[str, bool]:
    """One of `candidates` to ask about.

    Over many pictures each is about as often visible as not, but for those of `balance.HARDER`.
    """
    weights = [
        WEIGHTS[name][not seen] * (LIKELY if not seen and things.likely(facts, name) else 1) for name, seen in of
    ]
    return rng.choices(of, weights)[0]


def _thing_question(name: str, rng: random.Random) -> str:
    question = ask("thing", rng, a=things.named(name))
    wrong, right = ("Is", "Are") if name in things.SEVERAL else ("Are", "Is")
    return question.replace(f"{wrong} there", f"{right} there").replace(
        f"{wrong.lower()} there", f"{right.lower()} there"
    )


def _inventory(facts: Facts, rng: random.Random) -> Rounds:
    """One thing after another, half of them there, each answered in a sentence.

    Among the words of a long answer the one "yes" or "no" teaches little: without these rounds, the embedded model said
    yes to half of what was not there.
    """
    seen = {thing.name: thing for thing in facts.things}
    asked: list[str] = []
    for are_there in rng.sample((True, False) * 4, 8):
        of = [(name, there) for name, there in candidates(facts) if there == are_there and name not in asked]
        if of and (not are_there or sum(name in seen for name in asked) < 3):
            asked.append(draw_thing(facts, rng, of)[0])
    asked = asked[: max(2, 2 * sum(name in seen for name in asked))]
    return [
        (
            _thing_question(name, rng),
            checks.thing_yes(facts, rng, seen[name], alone=True)
            if name in seen
            else checks.thing_no(facts, rng, name, alone=True),
        )
        for name in asked
    ]


#: How often each single fact is asked for in a `_quiz`: what is seen worst, most; and brightness and warmth, of which
#: one answer teaches little, for most pictures lie far from the borders.
_QUIZ: dict[str, float] = {
    "subject": 1.5, "manner": 2, "light": 1, "leading colour": 1.6, "palette": 4, "brightness": 3,
    "saturation": 1.6, "warmth": 3, "contrast": 1, "density": 2, "horizon": 1.5, "side": 2, "people": 2.5,
    "title": 2, "emotion in short": 3,
}  # fmt: skip


def _quiz(facts: Facts, rng: random.Random, emotional: bool) -> Rounds:
    """One fact after another, each told in one sentence: what teaches most with the fewest words."""
    left = dict(_QUIZ)
    for name, needless in (
        ("emotion in short", not emotional),
        ("horizon", not facts.horizon and rng.random() < 0.7),
        ("people", not facts.people and rng.random() < 0.9),
        ("manner", facts.manner is None and rng.random() < 0.7),
        ("side", facts.subject == vocabulary.UNKNOWN and rng.random() < 0.7),
    ):
        if needless:
            del left[name]
    rounds = []
    for _ in range(rng.randint(4, 7)):
        kind = _draw(left, rng)
        del left[kind]
        if kind in words.TONE:
            text = _tone(kind, facts, rng, alone=True)
        elif kind == "emotion in short":
            text = feel.feeling(facts, rng, "short")
        elif kind == "title":
            text = make.title(facts, rng)
        else:
            text = paragraph([lead(rng, state({"leading colour": "leading"}.get(kind, kind), facts, rng), 0.2)])
        rounds.append((ask(kind, rng), text))
    return rounds


def _thing_rounds(facts: Facts, rng: random.Random) -> Rounds:
    name, seen = draw_thing(facts, rng, candidates(facts))
    question = _thing_question(name, rng)
    if not seen:
        return [(question, checks.thing_no(facts, rng, name))]
    thing = next(thing for thing in facts.things if thing.name == name)
    rounds = [(question, checks.thing_yes(facts, rng, thing))]
    if rng.random() < 0.3:
        if thing.colour and name not in things.COLOURLESS and rng.random() < 0.5:
            rounds.append((ask("what colour", rng), checks.colour_of(rng, thing)))
        elif name not in things.PLACELESS:
            rounds.append((ask("where", rng, noun=things.NOUN[name]), checks.where_is(rng, thing)))
    return rounds


_ALIKE = (
    {"boat", "sea", "river"},
    {"city", "village", "cabin"},
    {"forest", "tree", "field", "mountains"},
    {"portrait", "crowd", "figure", "pair"},
    {"geometric", "colour field"},
)


def _check_rounds(kind: str, facts: Facts, rng: random.Random) -> Rounds:
    """Questions to be answered with yes or no, half of them each."""
    yes = rng.random() < 0.5
    if kind == "subject check":
        yes = yes and facts.subject != vocabulary.UNKNOWN
        others = [
            name
            for name in vocabulary.SUBJECTS
            if name != facts.subject and not any({name, facts.subject} <= group for group in _ALIKE)
        ]
        asked = rng.choice(words.SUBJECT[facts.subject if yes else rng.choice(others)])
        return [(ask(kind, rng, subject=asked), checks.subject_check(facts, rng, yes, asked))]
    if kind == "light check":
        yes = yes and facts.light is not None
        light = facts.light if yes else rng.choice([name for name in vocabulary.LIGHTS if name != facts.light])
        asked = rng.choice(words.LIGHT[light])
        return [(ask(kind, rng, light=asked), checks.light_check(facts, rng, yes, asked))]
    if kind == "manner check":
        yes = yes and facts.manner is not None
        manner = facts.manner if yes else rng.choice([name for name in vocabulary.MANNERS if name != facts.manner])
        asked = rng.choice(words.MANNER[manner])
        return [(ask(kind, rng, manner=asked), checks.manner_check(facts, rng, yes, asked))]
    if kind == "tone check":
        name = rng.choice(tuple(words.TONE))
        first, _, last = words.TONE[name]
        asked = getattr(facts, name) if yes else rng.choice((first, last))
        return [(ask(kind, rng, x=words.TONE[name][asked]), checks.tone_check(facts, rng, name, asked))]
    if kind == "people check":
        asked = facts.people if yes and facts.people else rng.choice(vocabulary.PEOPLE)
        return [(ask(kind, rng, x=asked), checks.people_check(facts, rng, asked == facts.people, asked))]
    if kind == "mood check":
        yes = yes and facts.emotion in feelings.FEELING
        near = (facts.emotion, facts.second_emotion)
        asked = facts.emotion if yes else rng.choice([name for name in feelings.FEELING if name not in near])
        adjective = rng.choice(feelings.MOOD[asked])
        question = ask("feeling check", rng, mood=adjective, feeling=feelings.FEELING[asked], emotion=asked)
        for start in "eu":
            question = question.replace(f" a {start}", f" an {start}")
        return [(question, checks.mood_check(facts, rng, yes, asked))]
    colours = facts.colours if yes else [n for n in vocabulary.COLOURS if n not in facts.colours and n != "grey"]
    colour = rng.choice(colours)
    return [(ask("colour check", rng, colour=colour), checks.colour_check(facts, rng, yes, colour))]


def _unanswerable(facts: Facts, rng: random.Random) -> Rounds:
    kind = _draw(KINDS, rng)
    if kind == "nonsense":
        letters = "abcdefghijklmnopqrstuvwxyz"
        found = ["".join(rng.choices(letters, k=rng.randint(2, 7))) for _ in range(rng.randint(1, 3))]
        question = " ".join(found) + rng.choice(("", "?", "!"))
    else:
        many = rng.choice(("trees", "people", "houses", "boats", "birds", "flowers", "stars", "windows", "colours"))
        question = ask(kind, rng, things=many)
    return [(question, unanswerable(kind, facts, rng))]


def _follow(facts: Facts, rng: random.Random, emotional: bool, last: str) -> Rounds:
    """ "Shorter", "more" or "more poetically", of what was answered last."""
    felt = emotional and last in _FELT
    kind = rng.choice(("shorter", "more", "poetic"))
    if kind == "poetic":
        text = describe.poetic(facts, rng, felt)
    elif kind == "shorter":
        text = feel.feeling(facts, rng, "short") if felt else describe.description(facts, rng, False, "short")
    else:
        found = clear.in_passing(facts)
        kinds = rng.sample(("things", "manner", "thing", "tones", *found), 3)
        kinds += ["because"] if felt else []
        first, *rest = kinds
        text = paragraph([lead(rng, state(first, facts, rng)), *(state(name, facts, rng) for name in rest)])
    return [(ask(kind, rng), text)]


def _round(kind: str, facts: Facts, rng: random.Random, said: bool, emotional: bool, last: str) -> Rounds:
    if kind == "thing":
        return _thing_rounds(facts, rng)
    if kind.endswith("check"):
        return _check_rounds(kind, facts, rng)
    if kind == "unanswerable":
        return _unanswerable(facts, rng)
    if kind == "follow":
        return _follow(facts, rng, emotional, last)
    if kind == "place":
        side = rng.choice(vocabulary.SIDES)
        question = ask("place centre" if side == "centre" else "place", rng, side=side)
        return [(question, checks.at_side(facts, rng, side))]
    if kind == "absent colour":
        missing = [name for name, seen in candidates(facts) if not seen]
        name = rng.choice([name for name in missing if things.likely(facts, name)] or missing)
        question = ask(kind, rng, n=things.NOUN[name])
        if name in things.SEVERAL:
            question = question.replace(" is the", " are the").replace(" has the", " have the")
        return [(question, checks.absent(facts, rng, name))]
    if kind == "view":
        viewer = rng.choice(list(feelings.VIEWERS))
        question = ask(kind, rng, v=rng.choice(feelings.VIEWERS[viewer][0]))
        return [(question, feel.view(facts, rng, viewer))]
    if kind == "premise":
        asked = rng.choice(list(feelings.PREMISE))
        word = rng.choice(feelings.PREMISE[asked])
        return [(ask(kind, rng, w=word), feel.premise(facts, rng, asked, word))]
    if kind == "why":
        asked = rng.choice(("why", "why follow")) if said else "why alone"
        return [(ask(asked, rng, emotion=facts.emotion), answer("why", facts, rng))]
    if kind == "neutral curator":
        return [(ask("curator", rng), answer(kind, facts, rng))]
    return [(ask(kind, rng), answer(kind, facts, rng))]


def dialogue(facts: Facts, rng: random.Random, emotional: bool) -> Rounds:
    """One to eight rounds of (question, answer): a conversation, or in every second a drill of facts or of yes and no.

    Without `emotional` the emotion is never named: that is the base model's. With it, most rounds are about what the
    picture evokes and why, and the rest keep up what the base can do.
    """
    kind = rng.random()
    if kind < 0.22:
        return _inventory(facts, rng)
    if kind < 0.54:
        return _quiz(facts, rng, emotional)
    return conversation(facts, rng, emotional)


def conversation(facts: Facts, rng: random.Random, emotional: bool) -> Rounds:
    """As somebody who wants to know more: one to eight rounds, about 150 words in all and never much above 330."""
    rounds: Rounds = []
    used: set[str] = set()
    enough = rng.triangular(40, 330, 140)
    count, said, last, length = 1 + int(8 * rng.random() ** 0.8), False, "", 0
    while len(rounds) < count and length < enough:
        weights = NEUTRAL
        if emotional:
            weights = AFTER_EMOTION if said and rng.random() < 0.5 else EMOTIONAL
        barred = used if rounds else used | {"follow"}
        kind = _draw(weights, rng, barred)
        if kind == "neutral":
            kind = _draw(NEUTRAL, rng, barred | {"description"})
        new = _round(kind, facts, rng, said, emotional, last)
        if any(question == asked for question, _ in new for asked, _ in rounds):
            continue
        if kind not in _AGAIN:
            used.add(kind)
        rounds += new
        last = last if kind in ("follow", "unanswerable") else kind
        said = said or kind in _FELT
        length += sum(len(question.split()) + len(reply.split()) for question, reply in new)
    return rounds[:8]
