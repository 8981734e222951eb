"""What the embedded model is taught to say: true to the facts, various, readable back, tokenised without loss."""

import random
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sentencepiece
from torch.nn.functional import cosine_similarity
from transformers import AutoTokenizer, LlamaTokenizer

import artgpt4
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration
from artgpt4.presets import PRESETS
from train.painter import vocabulary
from train.painter.emotion import feel, scores
from train.painter.facts import NONE, Facts, Thing
from train.painter.language import (
    ANSWER,
    QUESTIONS,
    UNANSWERABLE,
    answer,
    balance,
    caption,
    checks,
    contradictions,
    dialogue,
    feelings,
    fits_unanswerable,
    parse,
    random_facts,
    reasons,
    statements,
    text_only,
    things,
    words,
)
from train.painter.language.balance import HARDER, balanced
from train.painter.language.dialogue import LIKELY, candidates
from train.painter.language.dialogue import _inventory as drill
from train.painter.language.parse import claims, holds
from train.painter.language.unanswerable import KINDS, unanswerable
from train.painter.measure import BORDERS
from train.painter.tokenizer import SYMBOLS, texts, train_tokenizer
from train.sight import VALUES

#: The key of `parse` that each canonical question is about.
KEY = {
    "leading colour": "colours",
    "palette": "colours",
    "short description": "subject",
    "description": "subject",
    "content": "subject",
    "why": "emotion",
    "change": "emotion",
    "second emotion": "second_emotion",
    "emotional description": "emotion",
    "title": "subject",
    "formal": "colours",
}


def facts_of(number: int) -> list[tuple[Facts, random.Random]]:
    rng = random.Random(number)
    return [(random_facts(rng), rng) for _ in range(number)]


def leading_told(text: str) -> str:
    """The first colour that is claimed of the picture, be it as the leading one or as one of much."""
    key, value = next(claim for claim in claims(text) if claim[0] in ("colours", "among colours", "colour"))
    return value if key == "colour" else value[0]


def test_nothing_is_said_that_is_not_so():
    for facts, rng in facts_of(200):
        said = [caption(facts, rng, True), caption(facts, rng, False)]
        said += [reply for emotional in (True, False) for _, reply in dialogue(facts, rng, emotional)]
        said += [answer(kind, facts, rng) for kind in ANSWER]
        for text in said:
            assert contradictions(text, facts) == [], (text, facts)


@pytest.mark.parametrize("kind", sorted(set(QUESTIONS) - {"page"}))
def test_an_answer_states_the_fact_it_was_asked_for(kind):
    key = KEY.get(kind, kind)
    for facts, rng in facts_of(100):
        said = parse(answer(kind, facts, rng))
        expected = getattr(facts, key)
        if kind == "palette":
            assert said["colours"] == expected
        elif kind == "formal":
            assert leading_told(answer(kind, facts, rng)) == expected[0]
        elif kind == "leading colour":
            assert said["colours"][0] == expected[0]
        elif kind == "people" and expected is None:
            assert said["people"] in (None, "unread")
        else:
            assert said[key] == expected


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        ("subject", "subject", (*vocabulary.SUBJECTS, vocabulary.UNKNOWN)),
        ("manner", "manner", (*vocabulary.MANNERS, None)),
        ("light", "light", (*vocabulary.LIGHTS, None)),
        ("brightness", "brightness", vocabulary.BRIGHTNESS),
        ("saturation", "saturation", vocabulary.SATURATION),
        ("warmth", "warmth", vocabulary.WARMTH),
        ("contrast", "contrast", vocabulary.CONTRAST),
        ("density", "density", vocabulary.DENSITY),
        ("horizon", "horizon", (*vocabulary.HORIZONS, None)),
        ("side", "side", (*vocabulary.SIDES, None)),
    ],
)
def test_of_other_facts_the_same_answer_is_untrue(kind, name, values):
    for facts, rng in facts_of(40):
        if kind == "light":
            facts = replace(facts, light=rng.choice(vocabulary.LIGHTS))
        text = answer(kind, facts, rng)
        for value in values:
            if value != getattr(facts, name):
                assert contradictions(text, replace(facts, **{name: value})), (text, value)


def test_what_lies_between_two_classes_is_told_only_when_asked():
    for facts, rng in facts_of(60):
        facts = replace(facts, measures={"brightness": 0.5, "saturation": 0.9, "density": 0.331, "contrast": 0.1})
        for kind in ("description", "emotional description", "formal", "curator", "colours and light"):
            said = parse(answer(kind, facts, rng))
            cited = facts.brightness if "brightness" in facts.reasons else None
            assert said.get("brightness", cited) == cited
            assert "density" not in said or "density" in facts.reasons
        assert parse(answer("brightness", facts, rng))["brightness"] == facts.brightness
        assert parse(answer("density", facts, rng))["density"] == facts.density


def half_seen(facts: Facts, rng: random.Random) -> Facts:
    """The facts as a tower might see them that is sure of some, and takes the others for something else as readily."""
    values = {name: getattr(facts, name) for name in VALUES if hasattr(facts, name)} | {"leading": facts.colours[0]}
    sight = {name: rng.choice((0.5, 0.99)) for name in (*VALUES, *(f"colour {name}" for name in facts.colours))}
    for thing in facts.things:
        sight |= {f"thing {thing.name}": rng.choice((0.5, 0.99))}
        sight |= {f"{thing.name} {name}": rng.choice((0.5, 0.99)) for name in ("side", "height", "colour")}
    others = {name: [other for other in VALUES[name] if other != value] for name, value in values.items()}
    rivals = {name: rng.choice(of) or NONE for name, of in others.items()}
    return replace(facts, sight=sight, rivals=rivals)


def test_of_two_values_that_are_left_open_one_is_so():
    for facts, rng in facts_of(150):
        facts = half_seen(facts, rng)
        said = [caption(facts, rng, True), *(reply for _, reply in dialogue(facts, rng, True))]
        said += [answer(kind, facts, rng) for kind in ANSWER]
        for text in said:
            assert contradictions(text, facts) == [], (text, facts)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(name, name) for name in ("manner", "light", "brightness", "saturation", "warmth", "contrast", "density", "side")]
    + [("leading colour", "leading"), ("emotion", "emotion"), ("why", "emotion"), ("horizon", "horizon")],
)
def test_what_is_hard_to_see_is_left_open_when_asked(kind, name):
    key = "colours" if name == "leading" else name
    for facts, rng in facts_of(60):
        if kind in ("horizon", "light") and getattr(facts, name) is None or kind == "why" and not facts.reasons:
            continue
        true = facts.colours[0] if name == "leading" else getattr(facts, name)
        rival = next(value for value in VALUES[name] if value not in (true, None))
        likelier = rng.choice((true, rival))
        of_rival = 0.4 if likelier == true else 0.6
        facts = replace(facts, sight={name: 0.5, f"rival {name}": of_rival}, rivals={name: rival})
        text = answer(kind, facts, rng)
        assert any(key == "either" for key, _ in claims(text)), text
        told = parse(text)[key]  # the likelier one comes first, of a measure the true one
        first = true if name in BORDERS else likelier
        assert (told[0] if key == "colours" else told) == first, text
        other = {"colours": [rival]} if name == "leading" else {name: rival}
        assert not contradictions(text, replace(facts, **other)) or kind in ("emotion", "why"), text
        third = next(value for value in VALUES[name] if value not in (true, rival, None))
        other = {"colours": [third]} if name == "leading" else {name: third}
        assert contradictions(text, replace(facts, **other)), text


def test_what_the_tower_is_not_sure_of_is_never_told_alone():
    for facts, rng in facts_of(60):
        facts = half_seen(facts, rng)
        unsure = {name: 0.9 for name in facts.sight if name.startswith("thing ")} | dict.fromkeys(VALUES, 0.5)
        facts = replace(facts, sight=facts.sight | unsure | {"subject": 1.0, "brightness": 1.0})
        for kind in ("description", "emotional description", "formal", "content", "title", "curator", "page"):
            text = answer(kind, facts, rng)
            told = {key for key, value in claims(text) if value not in (None, ("person", None, None, None))}
            # There may be much of a colour that is seen well, whichever leads; and a reason there must be.
            reasons_of = {name.split(":")[0] for name in facts.reasons}
            assert told <= {"subject", "brightness", "either", "colour", "code"} | reasons_of, text


def test_either_claims_that_one_of_two_is_so_and_nothing_more():
    facts = replace(facts_of(1)[0][0], emotion="fear", side="left", brightness="dark")
    assert claims("It evokes perhaps fear or sadness, I cannot say.") == [
        ("either", ((("emotion", "fear"),), (("emotion", "sadness"),)))
    ]
    assert not contradictions("The weight lies perhaps on the right or on the left.", facts)
    assert contradictions("The weight lies perhaps on the right or in the centre.", facts)
    assert contradictions("It is perhaps bright or of middle brightness.", facts)
    assert parse("It is perhaps bright or dark.")["brightness"] == "bright"
    # What stands beside the two is claimed as ever, and so is one beside which nothing is claimed.
    assert contradictions("The bright picture evokes perhaps fear or sadness.", facts)
    assert contradictions("It evokes perhaps anger or nothing at all.", facts)


def test_a_colour_that_is_hard_to_see_is_left_out_of_the_page_and_of_the_palette_if_it_is_hardly_seen_at_all():
    facts = replace(facts_of(1)[0][0], colours=["green", "blue", "brown"])
    sight = {"leading": 1.0, "second": 1.0, "colour blue": 0.99, "colour brown": 0.6}
    hardly = replace(facts, sight=sight | {"colour brown": 0.4})
    facts = replace(facts, sight=sight)
    for seed in range(40):
        rng = random.Random(seed)
        text = answer("palette", facts, rng)
        assert contradictions(text, facts) == [] and parse(text)["colours"] == facts.colours, text
        assert contradictions(text, replace(facts, colours=["green", "blue", "grey"])), text
        text = answer("palette", hardly, rng)
        assert contradictions(text, hardly) == [] and parse(text)["colours"] == ["green", "blue"], text
        assert {value[0] for key, value in claims(answer("page", facts, rng)) if key == "code"} == {"green", "blue"}


def test_which_colour_leads_is_told_only_when_asked_or_clear():
    orders = []
    for facts, rng in facts_of(60):
        close = replace(facts, measures={"lead": 0.03, "second": 0.2, "last": 0.2})
        clear = replace(facts, measures={"lead": 0.2, "second": 0.03, "last": 0.2})
        assert parse(answer("palette", close, rng))["colours"] == facts.colours
        for kind in ("subject", "description", "formal", "curator", "colours and light", "title", "why"):
            assert "colours" not in parse(answer(kind, close, rng))
            orders.append(parse(answer(kind, clear, rng)).get("colours", []))
            assert orders[-1] in ([], facts.colours[:1])
    assert any(orders)


def test_a_page_shows_no_colour_that_hardly_counts():
    for facts, rng in facts_of(60):
        doubtful = replace(
            facts, colours=["teal", "beige", "green"], measures={"lead": 0.2, "second": 0.1, "last": 0.01}
        )
        assert words.HEX["green"] not in answer("page", doubtful, rng)
        assert words.HEX["beige"] in answer("page", doubtful, rng)


def test_small_things_are_told_only_when_asked():
    boat = Thing("boat", "left", "bottom", 0.2, "brown")
    for facts, rng in facts_of(60):
        facts = replace(facts, subject="field", things=[boat, Thing("bird", "left", "top", 0.004, "black")], reasons=[])
        for kind in ("subject", "description", "content", "formal", "curator"):
            assert "bird" not in parse(answer(kind, facts, rng)).get("things", [])
        assert parse(checks.thing_yes(facts, rng, facts.things[1]))["things"][0] == "bird"


def test_a_second_feeling_is_named_only_where_it_stands_out():
    with_measures = {"brightness": 0.4, "saturation": 0.3, "warmth": 0.5, "contrast": 0.3, "density": 0.3}
    named = []
    for facts, rng in facts_of(200):
        facts = feel(replace(facts, measures=with_measures))
        _, second, third, *_ = sorted(scores(facts).values(), reverse=True)
        said = parse(answer("second emotion", facts, rng))
        named.append("second_emotion" in said)
        assert named[-1] == (second - third > 0.22)
        assert said["emotion"] == facts.emotion
        for kind in ("emotion", "both sides", "emotional description"):
            assert named[-1] or "second_emotion" not in parse(answer(kind, facts, rng))
    assert 0.2 < sum(named) / len(named) < 0.8


def test_a_reason_is_one_that_can_be_seen_well():
    for facts, rng in facts_of(60):
        bird, boat = Thing("bird", "left", "top", 0.004, "black"), Thing("boat", "left", "bottom", 0.2, "brown")
        facts = replace(facts, subject="field", things=[boat, bird], reasons=["things:bird", "things:boat"])
        assert "bird" not in parse(answer("why", facts, rng)).get("things", [])


@pytest.mark.parametrize(("seen", "given"), [(0.999, True), (0.996, False), (0.99, False)])
def test_a_further_reason_is_given_where_it_is_seen_almost_surely(seen, given):
    (facts, rng), *_ = facts_of(1)
    sight = {"emotion": 1.0, "brightness": 1.0, "saturation": seen}
    facts = replace(facts, brightness="dark", saturation="muted", reasons=["brightness", "saturation"], sight=sight)
    for _ in range(20):
        said = {key for key, _ in reasons(answer("why", facts, rng))}
        assert "brightness" in said and ("saturation" in said) == given


def test_colours_are_named_with_the_heaviest_first():
    facts = replace(random_facts(random.Random(0)), colours=["teal", "beige", "green"])
    for seed in range(20):
        assert parse(answer("palette", facts, random.Random(seed)))["colours"] == facts.colours
    assert contradictions("It is made up of teal and beige.", facts) == []
    assert contradictions("It is made up of green and teal.", facts)
    assert contradictions("It is made up of green, followed by teal.", facts)
    assert contradictions("The leading colour is teal, with beige and green beside it.", facts) == []
    assert contradictions("The leading colour is green, with teal and beige beside it.", facts)


def test_a_drill_asks_for_what_is_there_as_often_as_for_what_is_not():
    yes = no = 0
    for facts, rng in facts_of(300):
        said = [parse(reply)["yes"] for _, reply in drill(facts, rng)]
        yes, no = yes + sum(said), no + len(said) - sum(said)
        assert 2 <= len(said) <= 8
    assert 0.42 < yes / (yes + no) < 0.58


def test_things_that_are_not_there_contradict():
    facts = replace(
        random_facts(random.Random(0)), subject="portrait", things=[Thing("hat", "left", "top", 0.1, "red")]
    )
    assert contradictions("It has a hat at the top left.", facts) == []
    assert contradictions("It has a red hat at the top left.", facts) == []
    assert contradictions("It has a blue hat at the top left.", facts)
    assert contradictions("It has a hat at the bottom left.", facts)
    assert contradictions("I see a cat.", facts)
    assert contradictions("No, there is no hat in it.", facts)
    assert contradictions("No, there is no cat in it.", facts) == []


def test_only_the_evoked_emotion_is_read():
    said = parse("With brighter tones, it would turn towards contentment. As it is, it evokes sadness.")
    assert said["emotion"] == "sadness"
    said = parse("No, not fear. It evokes awe. There is also a hint of excitement.")
    assert (said["emotion"], said["second_emotion"], said["yes"]) == ("awe", "excitement", False)
    assert parse("It evokes something else, a quiet indifference.")["emotion"] == "something else"
    assert parse("Hello! Ask me what you like.") == {}


def test_every_reason_given_is_a_fact_and_leads_to_the_emotion():
    given = 0
    for facts, rng in facts_of(200):
        found = reasons(answer("why", facts, rng))
        given += len(found)
        assert all(holds(claim, facts) for claim in found)
        assert len(found) >= min(2, len(statements.cited(facts)))
    assert given > 400
    assert not holds(reasons("It comes mainly from the dark tones.")[0], replace(facts, brightness="bright"))


def test_a_reason_without_words_is_refused():
    with pytest.raises(ValueError, match="no words for the reason 'weather'"):
        statements.reason(random_facts(random.Random(0)), "weather", random.Random(0))


def test_the_base_model_is_never_taught_an_emotion():
    for facts, rng in facts_of(200):
        assert not any("emotion" in parse(reply) for _, reply in dialogue(facts, rng, emotional=False))
        assert "emotion" not in parse(caption(facts, rng, emotional=False))
        assert "emotion" in parse(caption(facts, rng, emotional=True))


def test_a_dialogue_names_one_emotion_only():
    for facts, rng in facts_of(200):
        named = {parse(reply).get("emotion") for _, reply in dialogue(facts, rng, True)} - {None}
        assert named <= {facts.emotion}


def test_a_formal_analysis_has_no_word_of_feeling():
    felt = {word for of_emotion in feelings.MOOD.values() for word in of_emotion} | set(feelings.MOOD)
    for facts, rng in facts_of(200):
        said = set(answer("formal", facts, rng).lower().replace(".", " ").replace(",", " ").split())
        assert not said & felt


def test_what_nobody_can_name_is_admitted():
    for facts, rng in facts_of(60):
        facts = replace(
            facts, subject=vocabulary.UNKNOWN, manner=None, light=None, horizon=None, side=None, people=None
        )
        facts = replace(facts, things=[], reasons=[name for name in facts.reasons if name in ("brightness", "warmth")])
        said = parse(answer("subject", facts, rng))
        assert said["subject"] == vocabulary.UNKNOWN
        assert leading_told(answer("subject", facts, rng)) == facts.colours[0]
        assert '"' in answer("title", facts, rng) and "Untitled" in answer("title", facts, rng)
        for kind in ANSWER:
            assert contradictions(answer(kind, facts, rng), facts) == []
        assert dialogue(facts, rng, True) and dialogue(facts, rng, False)


def test_what_is_unclear_is_never_asked_about():
    facts = random_facts(random.Random(1))
    facts = replace(facts, subject="interior", light=None, things=[])
    assert ("chair", False) in candidates(facts)
    facts.unclear = ["chair"]
    assert ("chair", False) not in candidates(facts)


def test_a_thing_is_denied_only_when_nothing_like_it_is_there():
    for facts, rng in facts_of(200):
        for name, seen in candidates(facts):
            assert seen == (name in {thing.name for thing in facts.things})
        for question, reply in dialogue(facts, rng, False):
            for name in parse(reply).get("absent", []):
                assert things.fair_no(facts, name), (question, reply)


def asked_for(records):
    """How often each thing is asked for where it is and where it is not, one question a picture, by `balanced`."""
    weights = balanced(records)
    yes, no = Counter(), Counter()
    for facts in records:
        found = candidates(facts)
        chances = [
            weights[name][not seen] * (LIKELY if not seen and things.likely(facts, name) else 1) for name, seen in found
        ]
        for (name, seen), weight in zip(found, chances, strict=True):
            (yes if seen else no)[name] += weight / sum(chances)
    return yes, no


def test_each_thing_is_asked_for_as_often_where_it_is_as_where_it_is_not(monkeypatch):
    monkeypatch.setattr(balance, "HARDER", {})
    yes, no = asked_for([facts for facts, _ in facts_of(1500)])
    for name in yes:
        assert 0.4 < yes[name] / (yes[name] + no[name]) < 0.6, name


def test_what_is_told_worst_is_asked_for_more_often_and_all_else_alike(monkeypatch):
    records = [facts for facts, _ in facts_of(1500)]
    yes, no = asked_for(records)
    monkeypatch.setattr(balance, "HARDER", {})
    yes_before, no_before = asked_for(records)
    for name in HARDER:
        assert yes[name] + no[name] > 2 * (yes_before[name] + no_before[name]), name
    for name in yes.keys() - HARDER.keys():
        assert 0.4 < yes[name] / (yes[name] + no[name]) < 0.6, name


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_unanswerable_question_gets_a_fitting_answer(kind):
    assert kind in UNANSWERABLE
    for facts, rng in facts_of(100):
        text = unanswerable(kind, facts, rng)
        assert fits_unanswerable(kind, text), text
        assert contradictions(text, facts) == []
        assert not fits_unanswerable(kind, "It shows a city at night.")


def test_every_preset_is_asked_as_the_page_asks_it():
    asked = {question for facts, rng in facts_of(2500) for question, _ in dialogue(facts, rng, emotional=True)}
    assert {preset.instruction for preset in PRESETS} <= asked


@pytest.mark.parametrize("kind", sorted(ANSWER))
def test_no_beginning_is_common(kind):
    begins = Counter(" ".join(answer(kind, facts, rng).lower().split()[:3]) for facts, rng in facts_of(400))
    assert begins.most_common(1)[0][1] / 400 <= 0.1


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.swatches: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.swatches += [value for name, value in attrs if name == "style"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(("lead", "leading"), [(0.2, 1), (0.01, 0)])
def test_which_colour_of_a_palette_leads_is_told_where_that_is_clear(lead, leading):
    (facts, rng), *_ = facts_of(1)
    facts = replace(facts, colours=["blue", "white", "brown"], measures={"lead": lead, "second": 0.2, "last": 0.1})
    other_order = replace(facts, colours=["brown", "white", "blue"])
    for _ in range(40):
        text = answer("palette", facts, rng)
        said = [claim for claim in claims(text) if claim[0] in ("colours", "among colours")]
        assert contradictions(text, facts) == [] and parse(text)["colours"] == facts.colours
        assert [len(value) for key, value in said if key == "colours"] == [1] * leading
        assert all(holds(claim, other_order) == (claim[0] == "among colours") for claim in said)


def test_a_list_of_colours_claims_their_order_unless_it_says_that_it_has_none():
    (facts, _), *_ = facts_of(1)
    facts = replace(facts, colours=["blue", "white", "brown"])
    for so in ("white and blue, in no order", "white and blue, in any order", "blue, followed by white",
               "blue and white", "blue, and with it brown and white, in no order"):  # fmt: skip
        assert contradictions(f"It is made up of {so}.", facts) == [], so
    for false in ("white, blue and red, in no order", "white and red, in any order", "white, followed by blue",
                  "white and blue", "blue, and with it brown and white", "white, and with it blue, in no order",
                  "blue, and with it red, in no order"):  # fmt: skip
        assert contradictions(f"It is made up of {false}.", facts), false
    assert contradictions("The leading colour is white, together with blue.", facts)


def test_colours_behind_the_heaviest_stand_in_one_order_for_all_pictures():
    (facts, _), *_ = facts_of(1)
    sight = {"leading": 0.5, "colour white": 0.99, "colour brown": 0.99, "colour blue": 0.99}
    for colours in (["blue", "white", "brown"], ["blue", "brown", "white"]):
        told = replace(facts, colours=colours, sight=sight)
        assert parse(statements.state("palette", told, random.Random(0)) + ".")["colours"] == ["blue", "brown", "white"]
        assert [value[0] for key, value in claims(answer("page", told, random.Random(0))) if key == "code"] == [
            "blue", "brown", "white"
        ]  # fmt: skip


def test_a_web_page_is_whole_and_has_the_palette():
    for facts, rng in facts_of(100):
        _, code = answer("page", facts, rng).split("```html\n")
        page = _Page()
        page.feed(code.removesuffix("\n```"))
        assert page.open == []
        assert page.swatches == [f"background:{words.HEX[name]}" for name in facts.colours]


def test_lengths_stay_in_bounds():
    lengths, counts = [], Counter()
    for facts, rng in facts_of(400):
        assert len(caption(facts, rng, True).split()) <= 90
        rounds = dialogue(facts, rng, True)
        counts[len(rounds)] += 1
        assert all(1 <= len(reply.split()) <= 100 for _, reply in rounds)
        lengths.append(sum(len(f"{question} {reply}".split()) for question, reply in rounds))
    assert set(range(1, 8)) <= set(counts) and max(counts) <= 8
    assert 100 < sum(lengths) / len(lengths) < 180 and max(lengths) < 420


def test_the_same_seed_says_the_same():
    assert [text_only(random.Random(seed)) for seed in range(50)] == [
        text_only(random.Random(seed)) for seed in range(50)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(out, vocab_size=2048, seed=0)
    return out


def test_the_fast_tokenizer_equals_sentencepiece(folder):
    fast, llama = AutoTokenizer.from_pretrained(folder), LlamaTokenizer.from_pretrained(folder)
    pieces = sentencepiece.SentencePieceProcessor(str(folder / "tokenizer.model"))
    for text in [*random.Random(0).sample(texts(1), 500), "a ### b###Human: c", "naïve 東京 12345\n\tx"]:
        ids = fast(text).input_ids
        assert ids == [1, *pieces.encode(text)] == llama(text).input_ids
        assert fast.decode(ids[1:]) == text


def test_special_ids_and_symbols(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.is_fast
    assert tokenizer.convert_tokens_to_ids(["<unk>", "<s>", "</s>"]) == [0, 1, 2]
    assert len(tokenizer) == 2048
    for symbol in SYMBOLS:
        assert tokenizer.convert_ids_to_tokens(tokenizer(f"a{symbol}b").input_ids)[2] == symbol


def test_a_web_page_takes_few_tokens(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for facts, rng in facts_of(100):
        page = answer("page", facts, rng)
        ids = tokenizer(page, add_special_tokens=False).input_ids
        assert len(ids) <= 200 and tokenizer.decode(ids) == page


def test_offsets_point_into_the_text(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "###Human: What is it?###Assistant: It shows a city.###"
    encoded = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
    assert "".join(text[start:end] for start, end in encoded.offset_mapping) == text


def test_a_word_is_about_one_token(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    said = [caption(facts, rng, True) for facts, rng in facts_of(100)]
    said += [reply for facts, rng in facts_of(100) for _, reply in dialogue(facts, rng, True)]
    tokens = sum(len(tokenizer.tokenize(text)) for text in said)
    marks = sum(not character.isalnum() and character != " " for text in said for character in text)
    assert tokens < 1.05 * (sum(len(text.split()) for text in said) + marks)


def test_the_answers_are_made_of_word_pieces_that_the_embedded_base_has_met():
    # Pieces that no text had, those of single bytes among them, were all pushed one way: their embeddings are alike.
    base = Path(artgpt4.__file__).parent / "checkpoints" / "artgpt4-mini" / "minigpt4"
    tokenizer = LlamaTokenizer.from_pretrained(base)
    embeddings = MiniGPT4ForConditionalGeneration.from_pretrained(base).get_input_embeddings().weight.detach().float()
    never_met = embeddings[tokenizer.convert_tokens_to_ids([f"<0x{byte:02X}>" for byte in range(128, 256)])].mean(0)
    likeness = cosine_similarity(embeddings, never_met[None])
    assert likeness[tokenizer("either", add_special_tokens=False).input_ids].max() > 0.9
    texts_with = Counter()
    for facts, rng in facts_of(200):
        said = [caption(facts, rng, True), *(reply for _, reply in dialogue(facts, rng, True))]
        for text in said:
            texts_with.update(set(tokenizer(text, add_special_tokens=False).input_ids))
    usual = [piece for piece, count in texts_with.items() if count >= 5]
    assert len(usual) > 500
    assert {tokenizer.convert_ids_to_tokens(piece) for piece in usual if likeness[piece] > 0.9} == set()
