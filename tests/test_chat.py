"""Talking about a picture: what is computed, what is shown, and what nobody can forge."""

import json
import re
import threading
import unicodedata
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file

from artgpt4 import load
from artgpt4.chat import ChatError, ChatModel, Conversation, main
from artgpt4.convert import convert
from artgpt4.images import PictureError
from artgpt4.minigpt4 import IMAGE_TOKEN_ID, chat_prompt
from artgpt4.neutralise import neutralise

REFERENCE = Path(__file__).parent / "reference"
PICTURE = REFERENCE / "picture.png"
QUESTIONS = ["What emotions does it evoke?", "Why?", "Which colour leads?", "And the light?", "Who made it?"]
GREEDY = {"temperature": 0, "max_new_tokens": 12}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> ChatModel:
    """The reference checkpoint, converted and loaded as a user would."""
    folder = tmp_path_factory.mktemp("toy")
    files = {"vision": "eva_vit_g.pth", "qformer": "blip2_pretrained_flant5xxl.pth", "llm": "vicuna"}
    files |= {"adapter": "ArtGPT-4.pth", "dims": "dims.json"}
    convert(**{name: str(REFERENCE / file) for name, file in files.items()}, dtype="float32", out=folder)
    return load(str(folder), device="cpu")


@pytest.fixture
def model(loaded) -> ChatModel:
    """A fresh ChatModel around the same weights, so that no test sees another's conversations or limits."""
    return ChatModel(loaded.model, loaded.processor, "toy")


@pytest.fixture
def passes(model, monkeypatch) -> list[int]:
    """How many tokens each pass through the language model has taken in."""
    lengths: list[int] = []
    forward = model.base.language_model.forward

    def counted(*args, **kwargs):
        inputs = kwargs.get("inputs_embeds")
        lengths.append((kwargs["input_ids"] if inputs is None else inputs).shape[1])
        return forward(*args, **kwargs)

    monkeypatch.setattr(model.base.language_model, "forward", counted)
    return lengths


def answer(stream) -> str:
    *_, last = ["", *stream]
    return last


def scripted(conversation: Conversation, ids: list[int]) -> None:
    """Has the model say these tokens, whatever it is asked."""
    script = iter(ids)

    def forward(_):
        logits = torch.zeros(conversation.model.base.config.text_config.vocab_size)
        logits[next(script)] = 1
        return logits

    conversation._forward = forward


def ids_of(model: ChatModel, text: str) -> list[int]:
    return model.processor.tokenizer(text, add_special_tokens=False)["input_ids"]


# The reference: what the original code said.


@pytest.fixture
def original(model, monkeypatch) -> dict:
    """What the original said, about a picture whose pixel values are given."""
    pixel_values = load_file(REFERENCE / "expected.safetensors")["pixel_values"][:1]
    monkeypatch.setattr(model.processor, "pixel_values", lambda pictures: pixel_values)
    return json.loads((REFERENCE / "expected.json").read_text())


def test_both_rounds_say_what_the_original_said(model, original):
    conversation = model.start(PICTURE)
    for turn, question, said in zip(original["turns"], original["questions"], original["answers"], strict=True):
        text = answer(conversation.ask(question, temperature=0, max_new_tokens=24))
        ids = [token for token in turn["greedy_ids"] if token not in (1, 2)]
        assert text == model.processor.tokenizer.decode(ids).strip()
        conversation.rounds[-1].answer = said  # the original's second round is asked after this answer


def test_beams_say_what_the_original_said(model, original):
    ids = [token for token in original["turns"][0]["beam3_ids"] if token not in (1, 2)]
    question = original["questions"][0]
    texts = list(model.start(PICTURE).ask(question, temperature=0, num_beams=3, max_new_tokens=len(ids)))
    assert texts == [model.processor.tokenizer.decode(ids).strip()]


@pytest.mark.filterwarnings("ignore:Passing `repetition_penalty` with `inputs_embeds`")
def test_a_repetition_penalty_is_the_one_of_transformers(model):
    conversation = model.start(PICTURE)
    ids = torch.tensor([model.processor.tokenize(chat_prompt([("Why?", None)]))])
    new_ids = model.base.generate(
        ids, query_output=conversation._query_output, repetition_penalty=1.7, do_sample=False, max_new_tokens=12
    )
    text = answer(conversation.ask("Why?", repetition_penalty=1.7, **GREEDY))
    assert text == model.processor.tokenizer.decode(new_ids[0], skip_special_tokens=True).strip()


# The cache: it changes what is computed and never what is said.


def test_cached_round_equals_full_prefill(model):
    cached, uncached = model.start(PICTURE), model.start(PICTURE)
    for number, question in enumerate(QUESTIONS):
        parameters = {"temperature": number / 2, "seed": 7, "max_new_tokens": 12}
        uncached._drop_cache()
        assert answer(cached.ask(question, **parameters)) == answer(uncached.ask(question, **parameters))


def test_a_later_round_computes_only_what_is_new(model, passes):
    conversation = model.start(PICTURE)
    answer(conversation.ask(QUESTIONS[0], **GREEDY))
    passes.clear()
    answer(conversation.ask(QUESTIONS[1], **GREEDY))
    prompt = [(round.question, round.answer) for round in conversation.rounds[:1]] + [(QUESTIONS[1], None)]
    first, *others = passes
    assert set(others) == {1}
    new_text = f"{conversation.rounds[0].answer}###Human: {QUESTIONS[1]}###Assistant:"
    assert first <= len(ids_of(model, new_text)) + 2 < len(model.processor.tokenize(chat_prompt(prompt))) / 2


def test_the_first_round_finds_the_picture_in_the_cache(model, passes):
    conversation = model.start(PICTURE)
    passes.clear()
    answer(conversation.ask("Why?", **GREEDY))
    assert passes[0] < 25


def test_the_picture_is_encoded_once(model, monkeypatch):
    calls = []
    encode = model.base.encode_picture
    monkeypatch.setattr(model.base, "encode_picture", lambda pixels: calls.append(pixels.shape) or encode(pixels))
    conversation = model.start(PICTURE)
    for question in QUESTIONS[:3]:
        answer(conversation.ask(question, **GREEDY))
        conversation._drop_cache()
    assert len(calls) == 1


def test_undo_retry_and_edit_say_what_a_fresh_conversation_says(model):
    conversation = model.start(PICTURE)
    for question in QUESTIONS[:4]:
        answer(conversation.ask(question, **GREEDY))
    first = [(round.question, round.answer) for round in conversation.rounds]

    assert conversation.undo().question == QUESTIONS[3]
    assert answer(conversation.retry(**GREEDY)) == first[2][1]
    assert answer(conversation.edit(1, "And why not?", **GREEDY)) == conversation.rounds[1].answer
    assert [round.question for round in conversation.rounds] == [QUESTIONS[0], "And why not?"]
    answer(conversation.ask(QUESTIONS[4], **GREEDY))

    fresh = model.start(PICTURE)
    for round in conversation.rounds:
        assert answer(fresh.ask(round.question, **GREEDY)) == round.answer


def test_without_room_for_caches_the_same_is_said(model):
    roomy = model.start(PICTURE)
    expected = [answer(roomy.ask(question, **GREEDY)) for question in QUESTIONS]
    model.cache_bytes = 0
    tight = model.start(PICTURE)
    assert [answer(tight.ask(question, **GREEDY)) for question in QUESTIONS] == expected
    assert tight.cache_bytes == roomy.cache_bytes == 0


def test_beyond_the_budget_the_least_recently_used_cache_is_dropped(model):
    first, second, third = (model.start(PICTURE) for _ in range(3))
    model.cache_bytes = 5 * first.cache_bytes // 2
    answer(first.ask("Why?", temperature=0, max_new_tokens=1))
    assert first.cache_bytes and third.cache_bytes and not second.cache_bytes


def test_a_cache_dropped_in_the_middle_of_an_answer_is_rebuilt(model):
    expected = answer(model.start(PICTURE).ask("Why?", **GREEDY))
    conversation = model.start(PICTURE)
    for _ in conversation.ask("Why?", **GREEDY):
        conversation._drop_cache()
    assert conversation.rounds[-1].answer == expected


def test_a_forgotten_conversation_leaves_the_model(model):
    conversation = model.start(PICTURE)
    answer(conversation.ask("Why?", **GREEDY))
    del conversation
    assert not list(model._conversations)


# Growing and stopping.


def test_the_answer_grows_and_ends_as_the_round_has_it(model):
    conversation = model.start(PICTURE)
    texts = list(conversation.ask("Why?", **GREEDY))
    assert len(texts) > 3
    assert all(later.startswith(earlier) for earlier, later in zip(texts, texts[1:], strict=False))
    assert conversation.rounds[-1].answer == texts[-1]
    assert conversation.rounds[-1].tokens == 12 and conversation.rounds[-1].end == "length"


def test_closing_the_generator_computes_nothing_more(model, passes):
    conversation = model.start(PICTURE)
    stream = conversation.ask("Why?", temperature=0)
    text = next(stream)
    passes.clear()
    stream.close()
    assert not passes
    assert conversation.rounds[-1].answer == text and conversation.rounds[-1].end == "stopped"
    assert not model.lock.locked()


def test_stop_from_another_thread_ends_after_one_token(model, passes):
    conversation = model.start(PICTURE)
    stream = conversation.ask("Why?", temperature=0)
    text = next(stream)
    thread = threading.Thread(target=conversation.stop)
    thread.start()
    thread.join()
    passes.clear()
    assert list(stream) == [] and not passes
    assert conversation.rounds[-1].answer == text


def test_stop_ends_a_beam_search(model, passes, monkeypatch):
    conversation = model.start(PICTURE)
    passes.clear()
    tokenizer = type(model.processor.tokenizer)
    decode = tokenizer.batch_decode

    def stop_after_three(self, *args, **kwargs):
        if len(passes) == 3:
            conversation.stop()
        return decode(self, *args, **kwargs)

    monkeypatch.setattr(tokenizer, "batch_decode", stop_after_three)
    assert list(conversation.ask("Why?", num_beams=2, max_new_tokens=50)) == []
    assert len(passes) <= 5


def test_a_new_question_ends_the_answer_before_it(model):
    conversation = model.start(PICTURE)
    old = conversation.ask("Why?", temperature=0)
    said = next(old)
    new = answer(conversation.ask("And then?", **GREEDY))
    assert list(old) == []
    assert [(round.question, round.answer) for round in conversation.rounds] == [("Why?", said), ("And then?", new)]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Calm.###Human: and", "Calm."),
        ("Calm. \n### more", "Calm."),
        ("A # and ## are no end### x", "A # and ## are no end"),
        ("###", ""),
    ],
)
def test_the_stop_text_ends_the_answer_and_is_never_shown_not_even_half(model, said, shown):
    conversation = model.start(PICTURE)
    letters = [{" ": "▁", "\n": "<0x0A>"}.get(letter, letter) for letter in said]  # the smallest pieces there are
    scripted(conversation, model.processor.tokenizer.convert_tokens_to_ids(letters))
    texts = list(conversation.ask("Why?", temperature=0, max_new_tokens=99))
    assert answer(iter(texts)) == shown
    assert all(shown.startswith(text) for text in texts)
    assert conversation.rounds[-1].end == "said"
    assert conversation.rounds[-1].tokens == len(said[: said.index("###")]) + 3


def test_what_looked_like_the_stop_text_is_shown_when_the_answer_ends(model):
    conversation = model.start(PICTURE)
    scripted(conversation, [*ids_of(model, "In C#"), model.processor.tokenizer.eos_token_id])
    *_, before_last, last = conversation.ask("Why?", temperature=0)
    assert (before_last, last) == ("In C", "In C#")
    assert conversation.rounds[-1].notice == ""


def test_half_a_character_is_never_shown(model):
    conversation = model.start(PICTURE)
    said = "café 🎨 絵"
    ids = ids_of(model, said)
    assert len(ids) > len(said)  # the tokenizer spells them in bytes
    scripted(conversation, [*ids, model.processor.tokenizer.eos_token_id])
    texts = list(conversation.ask("Why?", temperature=0))
    assert texts[-1] == said
    assert all(said.startswith(text) for text in texts)


def test_beams_stop_at_the_stop_text(model, monkeypatch):
    whole = answer(model.start(PICTURE).ask("Why?", temperature=0, num_beams=2, max_new_tokens=20))
    end = whole[4:6]
    monkeypatch.setattr(model.processor, "end", end)
    conversation = model.start(PICTURE)
    text = answer(conversation.ask("Why?", temperature=0, num_beams=2, max_new_tokens=20))
    assert end not in text and conversation.rounds[-1].end == "said"
    assert conversation.rounds[-1].tokens < 20


def test_the_same_seed_gives_the_same_answer_and_the_round_tells_it(model):
    conversation = model.start(PICTURE)
    for beams in (1, 2):
        parameters = {"temperature": 1.0, "max_new_tokens": 8, "num_beams": beams}
        first = answer(conversation.ask("Why?", **parameters))
        seed = conversation.rounds[-1].seed
        assert answer(conversation.retry(seed=seed, **parameters)) == first
        assert answer(conversation.retry(seed=seed + 1, **parameters)) != first


def test_conversations_in_different_threads_never_mix(model):
    pictures = [Image.effect_noise((56, 56), 10 + 60 * number) for number in range(4)]
    together: dict[int, list[str]] = {}

    def talk(number: int) -> list[str]:
        conversation = model.start(pictures[number])
        parameters = {"temperature": 1.0, "seed": number, "max_new_tokens": 10}
        return [answer(conversation.ask(f"{number}: {question}", **parameters)) for question in QUESTIONS[:3]]

    alone = [talk(number) for number in range(len(pictures))]
    assert len({tuple(said) for said in alone}) == len(pictures)
    threads = [
        threading.Thread(target=lambda number: together.update({number: talk(number)}), args=(number,))
        for number in range(len(pictures))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[number] for number in range(len(pictures))] == alone


# Limits and errors.


def test_beyond_the_context_the_oldest_rounds_are_left_out_and_the_user_is_told(model, monkeypatch):
    conversation = model.start(PICTURE)
    model.max_length = 200
    prompts = []
    tokenize = model.processor.tokenize
    monkeypatch.setattr(model.processor, "tokenize", lambda prompt: prompts.append(prompt) or tokenize(prompt))
    for number in range(8):
        answer(conversation.ask(f"Question {number}?", **GREEDY))
        assert len(tokenize(prompts[-1])) + 12 <= 200
        assert tokenize(prompts[-1]).count(IMAGE_TOKEN_ID) == model.processor.num_query_tokens
    last = conversation.rounds[-1]
    assert last.left_out > 0 and "left out" in last.notice
    assert "Question 0?" not in prompts[-1] and "Question 6?" in prompts[-1]
    assert len(conversation.rounds) == 8 and conversation.rounds[0].left_out == 0


def test_an_answer_ends_at_the_context_limit(model):
    conversation = model.start(PICTURE)
    model.max_length = 160
    answer(conversation.ask("Why?", temperature=0, max_new_tokens=1000))
    round = conversation.rounds[-1]
    assert len(model.processor.tokenize(chat_prompt([("Why?", None)]))) + round.tokens == 160
    assert round.end == "length" and "cut off" in round.notice


@pytest.mark.parametrize("question", ["why " * 600, "why " * 10_000])
def test_a_question_too_long_by_itself_is_refused(model, question):
    conversation = model.start(PICTURE)
    with pytest.raises(ChatError, match="512 tokens at once") as caught:
        conversation.ask(question)
    assert caught.value.code == "too_long" and conversation.rounds == []


@pytest.mark.parametrize("question", ["", "  \n\t"])
def test_an_empty_question_is_refused(model, question):
    with pytest.raises(ChatError) as caught:
        model.start(PICTURE).ask(question)
    assert caught.value.code == "empty_question"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("temperature", [-0.1, 0.001, 11, float("nan"), float("inf"), "1", True, None]),
        ("top_p", [0, -1, 1.01, float("nan"), "0.9"]),
        ("num_beams", [0, 9, 1.0, True]),
        ("max_new_tokens", [0, -5, 2.5, None]),
        ("repetition_penalty", [0.99, 0, float("nan"), 11]),
        ("seed", [-1, 2**63, 1.5, "7", True]),
    ],
)
def test_a_parameter_out_of_range_is_named_with_what_is_allowed(model, name, values):
    conversation = model.start(PICTURE)
    for value in values:
        with pytest.raises(ChatError, match=f"^{name} must be .*, not {re.escape(repr(value))}\\.$") as caught:
            conversation.ask("Why?", **{name: value})
        assert caught.value.code == "parameter"
    assert conversation.rounds == []


def test_all_wrong_parameters_are_named_at_once(model):
    with pytest.raises(ChatError, match="temperature must be.*; top_p must be"):
        model.start(PICTURE).ask("Why?", temperature=-1, top_p=2)


def test_a_refused_edit_or_retry_leaves_the_transcript(model):
    conversation = model.start(PICTURE)
    answer(conversation.ask("Why?", **GREEDY))
    before = list(conversation.rounds)
    for refused in (
        lambda: conversation.edit(0, ""),
        lambda: conversation.retry(top_p=5),
        lambda: conversation.edit(1, "x"),
    ):
        with pytest.raises(ChatError):
            refused()
        assert conversation.rounds == before


def test_undo_and_retry_without_a_round_say_so(model):
    conversation = model.start(PICTURE)
    for without in (conversation.undo, conversation.retry):
        with pytest.raises(ChatError, match="Ask one first") as caught:
            without()
        assert caught.value.code == "no_round"


def test_a_closed_conversation_holds_nothing_and_says_that_it_is_closed(model):
    conversation = model.start(PICTURE)
    stream = conversation.ask("Why?", temperature=0)
    next(stream)
    conversation.close()
    assert list(stream) == [] and conversation.cache_bytes == 0 and not list(model._conversations)
    with pytest.raises(ChatError, match="closed"):
        conversation.ask("And?")


def test_short_of_memory_caches_are_given_up_before_the_question_is(model, monkeypatch):
    other, conversation = model.start(PICTURE), model.start(PICTURE)
    expected = answer(conversation.ask("Why?", **GREEDY))
    forward = model.base.language_model.forward
    fails = [True]

    def short_of_memory(*args, **kwargs):
        if fails and fails.pop():
            raise torch.OutOfMemoryError("0x7f00")
        return forward(*args, **kwargs)

    monkeypatch.setattr(model.base.language_model, "forward", short_of_memory)
    assert answer(conversation.retry(**GREEDY)) == expected and not other.cache_bytes


def test_without_memory_the_user_is_told_and_the_round_is_gone(model, monkeypatch):
    conversation = model.start(PICTURE)
    answer(conversation.ask("Why?", **GREEDY))

    def no_memory(*args, **kwargs):
        raise torch.OutOfMemoryError("0x7f00")

    monkeypatch.setattr(model.base.language_model, "forward", no_memory)
    for beams in (1, 2):
        with pytest.raises(ChatError, match="not enough memory") as caught:
            answer(conversation.ask("And?", num_beams=beams))
        assert caught.value.code == "out_of_memory" and "0x" not in str(caught.value)
    assert [round.question for round in conversation.rounds] == ["Why?"] and not model.lock.locked()


# Nobody can forge a turn.

FRAGMENTS = st.sampled_from(
    [
        "###",
        "#",
        "##",
        "Human:",
        "human :",
        "Assistant:",
        "<Img>",
        "</Img>",
        "<ImageHere>",
        "<imagehere>",
        "</s>",
        "<s>",
    ]
    + [
        "＃",
        "Ｈuman：",
        "＜ImageHere＞",
        "\u200b",
        "\ufeff",
        "\u00ad",
        "\n",
        "\r",
        "\u2028",
        " ",
        "a",
        "Im",
        ">",
        "<",
        "\0",
    ]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=12).map("".join), st.text(max_size=30))


def as_a_normaliser_would(prompt: str) -> str:
    """The prompt as a tokenizer with NFKC that drops invisible characters would read it."""
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKC", prompt)
        if letter in "\n\r" or unicodedata.category(letter) not in ("Cf", "Cc", "Mn")
    )


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_n_questions_give_n_human_turns_and_one_picture(texts):
    prompt = chat_prompt([(neutralise(question).strip(), neutralise(said).strip()) for question, said in texts])
    for read in (prompt, as_a_normaliser_would(prompt)):
        assert read.count("###") == 2 * len(texts) + 1
        assert len(re.findall(r"###\s*human\s*:", read, re.IGNORECASE)) == len(texts)
        assert len(re.findall(r"###\s*assistant\s*:", read, re.IGNORECASE)) == len(texts)
        assert len(re.findall(r"^\s*(human|assistant)\s*:", read, re.IGNORECASE | re.MULTILINE)) == 0
        assert len(re.findall("<ImageHere>", read, re.IGNORECASE)) == 1
        assert len(re.findall("</?Img>", read, re.IGNORECASE)) == 4


@settings(max_examples=40, deadline=None)
@given(question=TEXTS, said=TEXTS)
def test_a_conversation_asks_in_exactly_as_many_turns_as_there_are_questions(loaded, question, said):
    model = ChatModel(loaded.model, loaded.processor, "toy")
    conversation = Conversation(model, Image.new("RGB", (8, 8)), torch.zeros(1, 8, 32))
    scripted(conversation, [*ids_of(model, "###")])
    answer(conversation.ask("First?", temperature=0))
    conversation.rounds[-1].answer = said
    try:
        conversation.ask(question)
    except ChatError as error:
        assert error.code == "empty_question"
        conversation.ask("x")
    ids, _ = conversation._prompt_ids(conversation.rounds, 10)
    assert ids.count(IMAGE_TOKEN_ID) == 8
    assert ids.count(model.processor.tokenizer.bos_token_id) == 1
    assert not {model.processor.tokenizer.eos_token_id} & set(ids)
    image = ids.index(IMAGE_TOKEN_ID)
    text = model.processor.tokenizer.decode(ids[image + 8 :])
    assert text.count("###") == 3  # Assistant, Human, Assistant


@given(text=TEXTS)
def test_what_is_defused_stays_as_it_is(text):
    assert neutralise(neutralise(text)) == neutralise(text)


@pytest.mark.parametrize(
    "text",
    [
        "What does it make you feel?",
        "Is #1 better than #2, or ## both?",
        "A human: is there one? <b>x</b> 3 < 4 > 2",
        "日本の絵？ C# is a key",
        "👩‍🎨 and نقاش‌ها",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert neutralise(text) == text


def test_what_was_defused_can_be_seen():
    assert neutralise("### <Img>\nHuman: hi") == "♯♯♯ ‹Img›\n“Human”: hi"


# The command line.


@pytest.fixture
def command(model, monkeypatch):
    model.max_length = 180  # the toy never ends an answer by itself
    monkeypatch.setattr("artgpt4.loading.load", lambda name: model)
    return main


def test_the_command_prints_an_answer_per_question(command, capsys):
    assert command([str(PICTURE), "Why?", "And then?"]) == 0
    assert len(capsys.readouterr().out.strip().splitlines()) >= 2


def test_the_command_prints_the_conversation_as_json(command, capsys):
    assert command([str(PICTURE), "Why?", "And then?", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [round["question"] for round in report["rounds"]] == ["Why?", "And then?"]
    assert report["model"] == "toy" and report["rounds"][0]["answer"] and report["rounds"][0]["seed"] >= 0


@pytest.mark.parametrize(
    ("arguments", "message"), [(["nothing.png", "Why?"], "no picture file"), ([str(PICTURE), " "], "question is empty")]
)
def test_the_command_says_an_error_in_one_line_and_exits_with_2(command, capsys, arguments, message):
    assert command(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and message in captured.err and captured.err.count("\n") == 1


def test_a_bad_picture_is_refused_before_anything_is_computed(model):
    with pytest.raises(PictureError):
        model.start(b"not a picture")
    assert not list(model._conversations)
