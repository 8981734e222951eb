"""What the embedded model is taught to say: true to the facts, readable back, and tokenised without loss."""

import random
from collections import Counter
from pathlib import Path

import pytest
import sentencepiece
from transformers import AutoTokenizer, LlamaTokenizer

from artgpt4.presets import PRESETS
from train.painter import vocabulary
from train.painter.facts import Facts
from train.painter.language import (
    ANSWER,
    QUESTIONS,
    answer,
    answers,
    caption,
    dialogue,
    parse,
    random_facts,
    text_only,
    words,
)
from train.painter.language.dialogue import fair_no
from train.painter.tokenizer import SYMBOLS, texts, train_tokenizer

#: The key of `parse` that each canonical question is about.
KEY = {
    "leading colour": "colours",
    "palette": "colours",
    "short description": "subject",
    "description": "subject",
    "why": "emotion",
    "second emotion": "second_emotion",
    "emotional description": "emotion",
    "title": None,
}


def facts_of(number: int) -> list[tuple[Facts, random.Random]]:
    rng = random.Random(number)
    return [(random_facts(rng), rng) for _ in range(number)]


def contradictions(text: str, facts: Facts) -> dict[str, object]:
    """What the text claims and the facts do not say."""
    said = parse(text)
    said.pop("yes", None)
    return {
        key: value
        for key, value in said.items()
        if (getattr(facts, key)[: len(value)] if key == "colours" else getattr(facts, key)) != value
    }


def test_nothing_is_said_that_is_not_so():
    for facts, rng in facts_of(200):
        said = [caption(facts, rng, True), caption(facts, rng, False)]
        said += [reply for emotional in (True, False) for _, reply in dialogue(facts, rng, emotional)]
        said += [answer(kind, facts, rng) for kind in ANSWER]
        for text in said:
            assert not contradictions(text, facts), (text, facts)


@pytest.mark.parametrize("kind", sorted(set(QUESTIONS) - {"title"}))
def test_an_answer_states_the_fact_it_was_asked_for(kind):
    key = KEY.get(kind, kind)
    for facts, rng in facts_of(100):
        said = parse(answer(kind, facts, rng))
        if kind == "people" and facts.people is None and "people" not in said:
            continue  # Somebody is in it, but shows no feeling.
        expected = getattr(facts, key)
        if kind == "palette":
            assert said["colours"] == expected
        elif kind == "leading colour":
            assert said["colours"][0] == expected[0]
        else:
            assert said[key] == expected


def test_a_thing_is_not_read_as_a_subject():
    assert "subject" not in parse("Yes, there is a boat on the left, and it is mostly brown.")
    assert "subject" not in parse("Yes, I can see a tree at the top, a mountain and flowers in the middle.")
    assert parse("It shows a boat on open water.")["subject"] == "boat"


def test_a_things_colour_is_not_read_as_the_palette():
    assert "colours" not in parse("On the left I see a red house.")
    assert "colours" not in parse("Yes, red is one of its main colours.")


def test_only_the_evoked_emotion_is_read():
    said = parse("With brighter tones, it would turn towards contentment. As it is, it evokes sadness.")
    assert said["emotion"] == "sadness"
    said = parse("No, not fear. It evokes awe. There is also a hint of excitement.")
    assert (said["emotion"], said["second_emotion"], said["yes"]) == ("awe", "excitement", False)
    assert parse("It evokes something else, a quiet indifference.")["emotion"] == "something else"
    assert parse("Hello! Ask me what you like.") == {}


def test_every_picture_without_people_says_so():
    for facts, rng in facts_of(200):
        if facts.people is None and not any(thing.name in ("person", "hat") for thing in facts.things):
            assert parse(answer("people", facts, rng))["people"] is None


def test_only_true_reasons_are_given_and_in_their_order():
    for facts, rng in facts_of(100):
        given = {name: answers.reason(facts, name) for name in facts.reasons}
        text = answer("why", facts, rng)
        found = [text.index(phrase) for name, phrase in given.items() if phrase in text]
        assert found == sorted(found)
        assert len(found) >= min(2, len(given))


def test_a_reason_without_words_is_refused():
    facts = random_facts(random.Random(0))
    with pytest.raises(ValueError, match="no words for the reason 'weather'"):
        answers.reason(facts, "weather")


def test_the_base_model_is_never_taught_an_emotion():
    for facts, rng in facts_of(200):
        rounds = dialogue(facts, rng, emotional=False)
        assert not any("emotion" in parse(reply) for _, reply in rounds)
        assert "emotion" not in parse(caption(facts, rng, emotional=False))
        assert "emotion" in parse(caption(facts, rng, emotional=True))


def test_a_dialogue_names_one_emotion_only():
    for facts, rng in facts_of(200):
        named = {parse(reply).get("emotion") for _, reply in dialogue(facts, rng, True)} - {None}
        assert named <= {facts.emotion}


def test_a_thing_is_denied_only_when_nothing_like_it_is_there():
    for facts, rng in facts_of(200):
        seen = {thing.name for thing in facts.things}
        for name in vocabulary.THINGS:
            assert not (fair_no(facts, name) and name in seen)
        for question, reply in dialogue(facts, rng, False):
            if reply.startswith("No, there is no ") or reply.startswith("No, I see no "):
                denied = reply.split(" in it")[0].split(" no ")[-1]
                assert denied not in {words.THING[name][0] for name in seen}, (question, reply)


def test_yes_is_said_as_often_as_no():
    said = Counter(
        parse(reply)["yes"]
        for facts, rng in facts_of(1200)
        for _, reply in dialogue(facts, rng, emotional=False)
        if "yes" in parse(reply)
    )
    assert 0.4 < said[True] / said.total() < 0.6


#: What the page offers and only larger models can do: the embedded one was not taught it.
UNTAUGHT = {
    "Tell me more.",
    "Shorter, please.",
    "Say it more poetically.",
    "Give a formal analysis of this picture in one paragraph.",
    "How would someone in mourning see it?",
    "How would a child see it?",
    "How would someone in love see it?",
    "Make a small web page with its colours.",
}


def test_every_other_preset_is_asked_as_the_page_asks_it():
    asked = {question for facts, rng in facts_of(2500) for question, _ in dialogue(facts, rng, emotional=True)}
    offered = {preset.instruction for preset in PRESETS}
    assert offered >= UNTAUGHT and not asked & UNTAUGHT
    assert offered - UNTAUGHT <= asked


def test_lengths_stay_in_bounds():
    lengths = []
    for facts, rng in facts_of(200):
        assert len(caption(facts, rng, True).split()) <= 70
        rounds = dialogue(facts, rng, True)
        assert 1 <= len(rounds) <= 4
        assert all(3 <= len(reply.split()) <= 70 for _, reply in rounds)
        lengths.append(sum(len(f"{question} {reply}".split()) for question, reply in rounds))
    assert 55 < sum(lengths) / len(lengths) < 95


def test_no_list_repeats_itself():
    for facts, rng in facts_of(200):
        for sentence in caption(facts, rng, False).split(". "):
            for part in sentence.split(", "):
                left, joined, right = part.partition(" and ")
                assert not joined or left != right, sentence


def test_the_same_seed_says_the_same():
    assert [text_only(random.Random(seed)) for seed in range(50)] == [
        text_only(random.Random(seed)) for seed in range(50)
    ]


def test_the_text_alone_has_every_word_of_the_emotional_answers():
    def plain(text: str) -> set[str]:
        return set(text.lower().translate(str.maketrans("", "", '.,:;"?!')).split())

    rng = random.Random(1)
    known: set[str] = set()
    for _ in range(6000):
        alone = text_only(rng)
        known |= plain(alone if isinstance(alone, str) else " ".join(q + " " + reply for q, reply in alone))
    kinds = ("emotion", "why", "second emotion", "both sides", "change", "curator", "title", "emotional description")
    said = {word for facts, rng in facts_of(60) for kind in kinds for word in plain(answer(kind, facts, rng))}
    assert not said - known


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
