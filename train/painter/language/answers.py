"""What is said of a painting: every sentence is made from its `Facts`, and from nothing else."""

import random
import re
from collections.abc import Iterable, Sequence

from train.painter.facts import Facts, Thing
from train.painter.language import words

_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")


def say(rng: random.Random, template: str, **slots: str) -> str:
    """Draws one of the `|`-separated alternatives in every (nested) square bracket, then fills in the `{slots}`."""
    while match := _ALTERNATIVES.search(template):
        template = template[: match.start()] + rng.choice(match[1].split("|")) + template[match.end() :]
    return template.format(**slots)


def listed(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def sentence(text: str) -> str:
    """With a capital at the start and a full stop at the end."""
    return text[0].upper() + text[1:] + ("" if text[-1] in '.!?"' else ".")


def paragraph(sentences: Iterable[str]) -> str:
    """The sentences, one after the other."""
    return " ".join(sentence(text) for text in sentences if text)


def subject(facts: Facts, rng: random.Random) -> str:
    """A noun phrase for the subject."""
    return rng.choice(words.SUBJECT[facts.subject])


def lit(facts: Facts, rng: random.Random) -> str:
    """Where and when the subject is seen, with a space before it; empty for indoor and abstract subjects."""
    return f" {rng.choice(words.LIGHT[facts.light])}" if facts.light else ""


def a(noun: str) -> str:
    """With its indefinite article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def place(thing: Thing) -> str:
    """ "on the left", "at the top right", "near the middle" ..."""
    side = "" if thing.side == "centre" else thing.side
    if thing.height == "middle":
        return f"on the {side}" if side else "in the middle"
    return f"at the {thing.height} {side}".rstrip()


def named(thing: Thing, coloured: bool, placed: bool) -> str:
    """A thing as a noun phrase, with its colour and place if wanted and worth a word."""
    noun, with_article, several = words.THING[thing.name]
    if coloured and thing.colour and thing.name not in words.COLOURLESS:
        with_article = f"{thing.colour} {noun}"
        if words.THING[thing.name][1] != noun:
            with_article = a(with_article)
    return f"{with_article} {place(thing)}" if placed and thing.name not in words.PLACELESS else with_article


def beside(facts: Facts) -> list[Thing]:
    """The visible things that the subject's name does not already say, largest first."""
    return [thing for thing in facts.things if thing.name not in words.IMPLIED.get(facts.subject, ())]


def some_things(facts: Facts, rng: random.Random, most: int = 3) -> str:
    """Up to `most` things beside the subject, largest first; empty if there are none."""
    things = beside(facts)[: rng.randint(1, most)]
    placed = rng.random() < 0.6
    return listed([named(thing, rng.random() < 0.35, placed) for thing in things]) if things else ""


def reason(facts: Facts, name: str) -> str:
    """A noun phrase for one of `facts.reasons`; raises `ValueError` for a name it has no words for."""
    if name.startswith("things:"):
        return f"the {words.THING[name.removeprefix('things:')][0]}"
    nouns = {
        "brightness": lambda: f"the {words.BRIGHTNESS_NOUN[facts.brightness]}",
        "saturation": lambda: f"the {words.SATURATION_NOUN[facts.saturation]}",
        "warmth": lambda: f"the {words.WARMTH_NOUN[facts.warmth]}",
        "contrast": lambda: f"the {words.CONTRAST_NOUN[facts.contrast]}",
        "density": lambda: f"the {words.DENSITY_NOUN[facts.density]}",
        "horizon": lambda: f"the {words.HORIZON_NOUN[facts.horizon]}",
        "light": lambda: words.LIGHT_NOUN[facts.light],
        "manner": lambda: words.MANNER_NOUN[facts.manner],
        "subject": lambda: f"the sight of {words.SUBJECT[facts.subject][0]}",
        "people": lambda: f"the {facts.people} {'face' if facts.subject == 'portrait' else 'people'}",
        "colours": lambda: f"the {facts.colours[0]} colour",
    }
    if name not in nouns:
        raise ValueError(f"no words for the reason {name!r}: use one of {sorted(nouns)} or 'things:NAME'")
    return nouns[name]()


def reasons(facts: Facts, most: int = 3) -> list[str]:
    """Up to `most` reasons for the emotion, weightiest first; not "the flowers and the sight of a bouquet"."""
    implied = {f"things:{name}" for name in words.IMPLIED.get(facts.subject, ())}
    twice = implied & set(facts.reasons)
    return [reason(facts, name) for name in facts.reasons if not (name == "subject" and twice)][:most]


def emotion(name: str, rng: random.Random) -> str:
    """An emotion by its name, "something else" with what it is."""
    return rng.choice(words.EMOTION[name])


def mood(facts: Facts, rng: random.Random) -> str:
    """An adjective for the viewer's emotion."""
    return rng.choice(words.MOOD[facts.emotion])


# Statements: one sentence each, without its capital and full stop.


def say_subject(facts: Facts, rng: random.Random, with_things: bool = True) -> str:
    things = some_things(facts, rng, 2) if with_things and rng.random() < 0.5 else ""
    return say(
        rng,
        "[[this|the] [picture|painting] shows|what I see is|it shows|the subject is|this is a picture of] "
        "{subject}{lit}{things}",
        subject=subject(facts, rng),
        lit=lit(facts, rng),
        things=f", with {things}" if things else "",
    )


def say_manner(facts: Facts, rng: random.Random) -> str:
    return say(
        rng,
        "[it is [painted|made]|the [picture|painting] is [made|done]|it looks as if painted] {manner}[: {why}|; {why}]",
        manner=rng.choice(words.MANNER[facts.manner]),
        why=words.MANNER_EXPLAINED[facts.manner],
    )


def say_light(facts: Facts, rng: random.Random) -> str:
    if facts.light is None:
        return say(
            rng,
            "[it has no time of day and no weather|there is no time of day in it]: it shows {s}",
            s=subject(facts, rng),
        )
    return say(
        rng,
        "[[the scene is set|it is shown|we see it|the scene takes place]{lit}: [it shows|what one sees is] {subject}|"
        "[this|what I see|it] is {subject}{lit}]",
        lit=lit(facts, rng),
        subject=subject(facts, rng),
    )


def say_palette(facts: Facts, rng: random.Random) -> str:
    template = (
        "[the main colours are|the colours are mainly|it is painted mostly in|its palette is] {palette}"
        if len(facts.colours) > 1
        else "[nearly everything in it is|almost the only colour is] {palette}"
    )
    return say(rng, template, palette=listed(facts.colours))


def say_leading(facts: Facts, rng: random.Random) -> str:
    if len(facts.colours) == 1:
        return say(rng, "the [leading|main] colour is {c}, and hardly another one plays a part", c=facts.colours[0])
    return say(
        rng,
        "the [leading|main] colour is {lead}, [followed by|with|together with] {rest}",
        lead=facts.colours[0],
        rest=listed(facts.colours[1:]),
    )


def say_tones(facts: Facts, rng: random.Random, least: int = 2) -> str:
    """Two or three adjectives for the whole."""
    tones = [
        words.BRIGHTNESS[facts.brightness],
        words.SATURATION[facts.saturation],
        words.WARMTH[facts.warmth],
    ]
    rng.shuffle(tones)
    tones = tones[: rng.randint(least, 3)]
    return say(rng, "[overall it is|as a whole it is|taken together it is] {tones}", tones=listed(tones))


def say_contrast(facts: Facts, rng: random.Random) -> str:
    return say(
        rng,
        "[it has|there are|we find] {contrast}[ of light and dark| between its parts|]",
        contrast=words.CONTRAST_NOUN[facts.contrast],
    )


def say_density(facts: Facts, rng: random.Random) -> str:
    more = {
        "sparse": "much room is left empty",
        "balanced": "neither empty nor crowded",
        "busy": "there is something to see almost everywhere",
    }[facts.density]
    return say(rng, "[it has|this is] {a}: {more}", a=a(words.DENSITY_NOUN[facts.density]), more=more)


def say_horizon(facts: Facts, rng: random.Random) -> str:
    if facts.horizon is None:
        return "there is no clear horizon in it"
    effect = {
        "low": "the sky takes most of the space",
        "middle": "sky and ground share the space",
        "high": "the ground takes most of the space",
    }[facts.horizon]
    return say(
        rng,
        "[it has {a}|there is {a}][: {effect}|, so that {effect}]",
        a=a(words.HORIZON_NOUN[facts.horizon]),
        effect=effect,
    )


def say_side(facts: Facts, rng: random.Random) -> str:
    if facts.side is None:
        return "the weight is spread over the whole of it, and no side is heavier"
    where = "in the centre" if facts.side == "centre" else f"on the {facts.side}"
    return say(rng, "[most of the weight lies|the heaviest part is|the eye is drawn to what is] {where}", where=where)


def say_people(facts: Facts, rng: random.Random) -> str:
    several = facts.subject != "portrait"
    if facts.people is None:
        if facts.subject in ("portrait", "crowd") or any(thing.name in ("person", "hat") for thing in facts.things):
            return say(
                rng, "there is someone in it, but [what they feel cannot be made out|no feeling can be read from them]"
            )
        return say(
            rng,
            "there are no people in it, [only {s}|so there are no faces to read|so nobody's feeling can be read]",
            s=subject(facts, rng),
        )
    return say(
        rng,
        "[the|I would say that the|it seems to me that the] {who} in it {look} {people}"
        "[, [going by|to judge by|as far as I can tell from] [the face|the posture|the face and the posture]|]",
        who="people" if several else "person",
        look="look" if several else "looks",
        people=facts.people,
    )


def say_things(facts: Facts, rng: random.Random) -> str:
    """The things beside the subject, or that there is little."""
    things = some_things(facts, rng, 4)
    if not things:
        return "little else can be made out"
    return say(rng, "[it also has|beside it I see|in it I find|one can also see] {things}", things=things)


def say_emotion(facts: Facts, rng: random.Random) -> str:
    return say(
        rng,
        "[it evokes|it mostly evokes|above all it evokes|the feeling that prevails is|what it stirs most is|"
        "it leaves me with a sense of|"
        "what a viewer would feel most is|its strongest feeling is|it makes one feel|the mood is {mood}, and it evokes|"
        "the atmosphere is {mood}; what I feel is|there is something {mood} about it: it speaks of] {emotion}",
        mood=mood(facts, rng),
        emotion=emotion(facts.emotion, rng),
    )


def say_because(facts: Facts, rng: random.Random) -> str:
    found = reasons(facts, rng.randint(2, 3))
    if not found:
        return "nothing in it pulls strongly one way, so the feeling stays mild"
    return say(
        rng,
        "[that comes from|this is the work of|it comes mainly from|behind it I see|it takes that mood from|"
        "it feels {mood} because of|the {mood} mood comes from] {reasons}",
        mood=mood(facts, rng),
        reasons=listed(found),
    )


def say_second(facts: Facts, rng: random.Random) -> str:
    return say(
        rng,
        "[there is also|it also holds|mixed into it is] a [trace|touch|hint] of {second}",
        second=facts.second_emotion,
    )


# Answers: each is what follows one kind of question.


def description(facts: Facts, rng: random.Random, emotional: bool, length: str) -> str:
    """One ("short"), two or three sentences ("medium") or more ("long") about the picture, at most 70 words."""
    things = some_things(facts, rng, 2 if length == "short" else 3)
    # The plain phrase: "in ink, with drawn outlines, with a bird" would have one "with" too many.
    plain = [phrase for phrase in words.MANNER[facts.manner] if "with" not in phrase]
    manner = rng.choice(plain) if rng.random() < (0.6 if length == "short" else 0.4) else ""
    opening = say(
        rng,
        "[[this|the] [picture|painting] shows {s}{lit}|{s}{lit}|we see {s}{lit}|it is a picture of {s}{lit}|"
        "before us we have {s}{lit}|a view of {s}{lit}|the painter shows {s}{lit}]",
        s=subject(facts, rng),
        lit=lit(facts, rng),
    )
    if facts.subject in words.INDOOR | words.ABSTRACT:
        opening = opening.replace("a view of ", "").replace("it is a picture of ", "we see ")
    if manner:
        opening += f", painted {manner}"
    if things:
        opening += f", with {things}"
    rest = [say_palette, say_tones, rng.choice((say_contrast, say_density, say_side))]
    if facts.horizon:
        rest.append(say_horizon)
    if facts.people:
        rest.append(say_people)
    if not manner:
        rest.append(say_manner)
    rng.shuffle(rest)
    if length == "short":
        closing = [say_emotion(facts, rng)] if emotional else []
        if not closing and not (manner or things):
            closing = [say_palette(facts, rng)]
        return paragraph([opening, *closing])
    middle = rest[: 1 if length == "medium" else rng.randint(2, 3) - (1 if emotional else 0)]
    sentences = [opening, *(statement(facts, rng) for statement in middle)]
    if emotional:
        sentences.append(say_emotion(facts, rng))
        if rng.random() < 0.75:
            sentences.append(say_because(facts, rng))
        elif rng.random() < 0.5:
            sentences.append(say_second(facts, rng))
    while len(paragraph(sentences).split()) > 65:
        del sentences[1 if len(middle) > 1 and len(sentences) > 3 else -1]
    return paragraph(sentences)


def feeling(facts: Facts, rng: random.Random) -> str:
    """What it makes a viewer feel, and why."""
    sentences = [say_emotion(facts, rng), say_because(facts, rng)]
    if rng.random() < 0.3:
        sentences.append(say_second(facts, rng))
    return paragraph(sentences)


def why(facts: Facts, rng: random.Random) -> str:
    """The reasons for the emotion, weightiest first, and the emotion again."""
    found = reasons(facts, rng.randint(2, 4))
    feel = mood(facts, rng)
    if not found:
        return say(
            rng, "Nothing in it pulls strongly one way, and so what remains is {e}.", e=emotion(facts.emotion, rng)
        )
    first = say(
        rng,
        "[it comes [mostly|above all|mainly] from|it is mostly because of|I would point first to|look first at|"
        "it begins with] {first}",
        first=found[0],
    )
    if len(found) > 1:
        first += say(rng, "[, helped by|, together with|, along with|, and also] {rest}", rest=listed(found[1:]))
    return paragraph(
        [
            first,
            say(
                rng,
                "[that makes it feel {mood}, and so it evokes|together this gives it {a_mood} mood and evokes|"
                "{a_mood} mood like that leads to|from this comes] {emotion}",
                mood=feel,
                a_mood=a(feel),
                emotion=emotion(facts.emotion, rng),
            ),
        ]
    )


def second_emotion(facts: Facts, rng: random.Random) -> str:
    """The weaker feeling, beside the stronger."""
    return paragraph(
        [
            say_second(facts, rng),
            say(
                rng,
                "[but the stronger feeling is|still, what prevails is|it stays behind, though, and first comes|"
                "above it, though, stands] {emotion}",
                emotion=emotion(facts.emotion, rng),
            ),
        ]
    )


def people(facts: Facts, rng: random.Random) -> str:
    """What those in it feel."""
    text = say_people(facts, rng)
    return paragraph([text, say_subject(facts, rng)] if len(text.split()) < 12 else [text])


def both_sides(facts: Facts, rng: random.Random) -> str:
    """What those in it feel, what the viewer feels, and why."""
    viewer = say(
        rng,
        "[the viewer[, looking on,|] would feel|in the viewer it stirs|for the viewer the strongest feeling is|"
        "whoever looks at it is left with] {emotion}",
        emotion=emotion(facts.emotion, rng),
    )
    return paragraph([say_people(facts, rng), viewer, say_because(facts, rng)])


def which_colour(facts: Facts, rng: random.Random) -> str:
    """The leading colour, and whether colour is a reason at all."""
    lead = say_leading(facts, rng)
    if {"warmth", "saturation", "colours"} & set(facts.reasons):
        return paragraph(
            [lead, say(rng, "[this does much to evoke|that is part of what evokes] {e}", e=emotion(facts.emotion, rng))]
        )
    if not facts.reasons:
        return paragraph([lead, "no colour decides the mood here"])
    return paragraph([lead, f"but the mood comes less from a colour than from {reasons(facts, 1)[0]}"])


def title(facts: Facts, rng: random.Random) -> str:
    """A title in quotation marks, and what it is after."""
    head = words.TITLE[facts.subject]
    adjective = mood(facts, rng).title()
    at = {
        "day": "in Daylight",
        "sunset": "at Sunset",
        "night": "at Night",
        "storm": "in a Storm",
        "snow": "in Winter",
        "fog": "in the Mist",
    }
    forms = [f"{head}, {adjective}", f"{head} in {facts.colours[0].title()}"]
    if facts.light:
        forms += [f"{head} {at[facts.light]}"] * 2
    if facts.emotion in words.FEELING:
        forms.append(f"{head} and {facts.emotion.title()}")
    return sentence(
        say(
            rng,
            '[I would call it|my title would be|it could be called|a good title is] "{title}", [for|because of] '
            "[its {mood} mood|what it shows and its {mood} mood]",
            title=rng.choice(forms),
            mood=mood(facts, rng),
        )
    )


def change(facts: Facts, rng: random.Random) -> str:
    """What would move it towards another emotion: its reasons turned round."""
    changes = []
    for name in facts.reasons:
        text = words.CHANGE.get((name, str(getattr(facts, name, None))))
        if text and text not in changes:
            changes.append(text)
    target = words.TURNED[facts.emotion]
    if not changes:
        changes = ["other tones and other weather" if facts.light else "other tones and other colouring"]
    return paragraph(
        [
            say(
                rng,
                "with {changes}, it would [move towards|come nearer to|turn towards] {target}",
                changes=listed(changes[:2]),
                target=target,
            ),
            say(
                rng,
                "[as it is, it evokes|now it evokes|as it stands, what prevails is] {e}",
                e=emotion(facts.emotion, rng),
            ),
        ]
    )


def curator(facts: Facts, rng: random.Random) -> str:
    """A wall text."""
    feel = mood(facts, rng)
    return paragraph(
        [
            say(
                rng,
                "[in this work the painter turns to|this work is devoted to|the work before us presents] {s}{lit}, "
                "[rendered|executed] {manner}",
                s=subject(facts, rng),
                lit=lit(facts, rng),
                manner=rng.choice(words.MANNER[facts.manner]),
            ),
            say_palette(facts, rng),
            say(
                rng,
                "[the whole is given {a_mood} note and evokes|its {mood} character evokes|"
                "in its {mood} way the work evokes] {e}",
                mood=feel,
                a_mood=a(feel),
                e=emotion(facts.emotion, rng),
            ),
        ]
    )


def at_side(facts: Facts, rng: random.Random, side: str) -> str:
    """The things on one side, largest first."""
    where = "in the middle" if side == "centre" else f"on the {side}"
    things = [thing for thing in facts.things if thing.side == side and thing.name not in words.PLACELESS][:3]
    if not things:
        return paragraph([f"nothing in particular stands {where}", say_subject(facts, rng, False)])
    text = listed([named(thing, rng.random() < 0.5, False) for thing in things])
    return paragraph(
        [
            say(rng, "[{where} I see|{where} one can see|I see {where}] {text}", where=where, text=text),
            say_subject(facts, rng, False) if rng.random() < 0.5 else "",
        ]
    )


def thing_yes(facts: Facts, rng: random.Random, thing: Thing) -> str:
    """Yes, with its place and colour."""
    noun, with_article, several = words.THING[thing.name]
    text = say(rng, "yes, [there {be} {a}|I can see {a}|it shows {a}]", be="are" if several else "is", a=with_article)
    placed = thing.name not in words.PLACELESS
    if placed:
        text += f" {place(thing)}"
    if thing.colour and thing.name not in words.COLOURLESS and rng.random() < 0.7:
        text += (
            f", {'mostly ' if rng.random() < 0.5 else ''}{thing.colour} in colour"
            if rng.random() < 0.5
            else f", and {'they are' if several else 'it is'} mostly {thing.colour}"
        )
    return paragraph([text, "" if len(text.split()) > 9 and rng.random() < 0.6 else say_subject(facts, rng)])


def thing_no(facts: Facts, rng: random.Random, name: str) -> str:
    """No, and what is there instead."""
    noun, _, several = words.THING[name]
    return paragraph(
        [
            say(
                rng,
                "no, [there {be} no {noun} in it|I see no {noun} in it|I cannot find {any} {noun} in it]",
                be="are" if several else "is",
                noun=noun,
                any="any" if several or name in ("rain", "snow", "fog", "water", "fruit") else "a",
            ),
            say_subject(facts, rng),
        ]
    )


def colour_of(facts: Facts, rng: random.Random, thing: Thing) -> str:
    """A thing's own colour, and where it is."""
    noun, _, several = words.THING[thing.name]
    return sentence(
        say(
            rng,
            "the {noun} {place} {be} [mostly|mainly|] {colour}[ in colour|]",
            noun=noun,
            place=place(thing),
            be="are" if several else "is",
            colour=thing.colour,
        ).replace("  ", " ")
    )


def where_is(facts: Facts, rng: random.Random, thing: Thing) -> str:
    """A thing's place."""
    noun, _, several = words.THING[thing.name]
    return sentence(
        say(
            rng,
            "the {noun} {be} {place}[ of the picture|], [as seen by the viewer|seen from here]",
            noun=noun,
            be="are" if several else "is",
            place=place(thing),
        )
    )


SMALL_TALK: dict[str, str] = {
    "who": "[I cannot tell from the picture who painted it|"
    "The picture does not tell me who made it, and I do not know]",
    "when": "[I cannot tell from the picture when it was made|"
    "The picture does not say how old it is, and I do not know]",
    "price": "[I cannot tell from the picture what it is worth|I know nothing about prices]",
    "where made": "[I cannot tell from the picture where that is|"
    "The picture does not tell me where it comes from or hangs]",
    "who is": "[I cannot tell from the picture who that is|I do not know any names, and the picture tells me none]",
    "how many": "[I have not learned to count well, so I had better not give a number|"
    "I am not good at counting and would only guess]",
    "hello": "[Hello|Good day|Welcome]! "
    "[I can tell you what I see in this picture and what it may make one feel. Ask me about it|"
    "Ask me what is in this picture, how it is made or what it makes one feel|"
    "Let us look at this picture together: ask me what you would like to know]",
    "who are you": "[I am a small model that learned to look at painted pictures|"
    "I am a small language model with eyes for pictures, not a person]. "
    "[I describe what I see and the emotions it may evoke|"
    "Ask me about the colours, the subject or the mood of this one]",
    "sure": "[I am not certain: I am a small model and can be wrong|"
    "I can be wrong, for I only know what I have learned from painted pictures]. "
    "[Trust your own eyes first|Look for yourself and tell me what you see]",
    "thanks": "[You are welcome|Thank you for looking with me|With pleasure]. "
    "[Ask me more about this picture if you like|There is more to see in this picture: just ask]",
    "off topic": "[I only know what I can see in this picture|"
    "I cannot help with that, for I only talk about pictures|I do not know about that]",
    "nonsense": "[I am not sure what you mean|I did not understand that|That makes no sense to me, I am sorry]",
}


def small_talk(kind: str, facts: Facts, rng: random.Random) -> str:
    """An honest answer to what the picture cannot answer."""
    text = say(rng, SMALL_TALK[kind])
    if kind in ("hello", "who are you", "sure", "thanks"):
        return sentence(text)
    seen = say(rng, "[I can tell you that it shows|what I can see is] {s}", s=subject(facts, rng))
    return paragraph([text, seen + lit(facts, rng)])
