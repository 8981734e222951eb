"""Two models, one question: nobody can know who stands where before the vote, and a vote says nothing of the voter."""

import json
import threading
from collections import Counter
from concurrent.futures import Future

import pytest
import torch
from fake_model import FakeModel
from PIL import Image

from artgpt4 import load
from artgpt4.chat import ChatModel, WithoutAdapter
from artgpt4.compare import CompareError, Contest, contestants
from artgpt4.votes import CHOICES, Vote, add_vote, main, read_votes, table, wilson

PICTURE = Image.new("RGB", (64, 64), "teal")
GREEDY = {"temperature": 0, "max_new_tokens": 8}


@pytest.fixture
def fakes():
    one, other = FakeModel(words=lambda text, picture: ["I ", "am one"]), FakeModel(words=lambda *_: ["Other"])
    one.name, other.name = "one", "other"
    return [one, other]


@pytest.fixture
def contest():
    contest = Contest()
    contest.picture = PICTURE
    return contest


def answer(stream) -> str:
    *_, last = ["", *stream]
    return last


# The two


@pytest.fixture(scope="module")
def model(converted_reference):
    return load(str(converted_reference), device="cpu")


def test_without_its_adapter_a_model_says_what_its_base_says(model, converted_reference):
    base = load(str(converted_reference / "minigpt4"), device="cpu")
    expected, said = base.start(PICTURE), WithoutAdapter(model).start(PICTURE)
    prompt = model.processor.tokenize("###Human: <Img><ImageHere></Img> Why?###Assistant:")
    logits = said.model.with_memory(lambda: said._forward(prompt))
    assert torch.equal(logits, expected._forward(prompt))
    assert not torch.equal(logits, model.start(PICTURE)._forward(prompt))
    for question in ("What is it?", "Why?"):
        assert answer(said.ask(question, **GREEDY)) == answer(expected.ask(question, **GREEDY))


def test_both_can_talk_at_the_same_time_and_neither_hears_the_other(model):
    pair = contestants(model)
    expected = [answer(m.start(PICTURE).ask("What is it?", **GREEDY)) for m in pair]
    streams = [m.start(PICTURE).ask("What is it?", **GREEDY) for m in pair]
    said = ["", ""]
    for texts in zip(*streams, strict=False):
        said = list(texts)
    assert all(whole.startswith(part) for whole, part in zip(expected, said, strict=True)) and all(said)
    results: dict[int, str] = {}

    def talk(number):
        results[number] = answer(pair[number].start(PICTURE).ask("What is it?", **GREEDY))

    threads = [threading.Thread(target=talk, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[0], results[1]] == expected


def test_the_adapter_is_on_again_after_a_failure(model, monkeypatch):
    expected = answer(model.start(PICTURE).ask("What is it?", **GREEDY))
    without = WithoutAdapter(model)

    def fail():
        raise RuntimeError("in the middle of a pass")

    with pytest.raises(RuntimeError, match="in the middle"):
        without.with_memory(fail)
    assert answer(model.start(PICTURE).ask("What is it?", **GREEDY)) == expected


def test_what_cannot_be_compared_is_named(model, fakes):
    base = ChatModel(model.base, model.processor, "a base")
    with pytest.raises(CompareError, match="a base has no adapter .* --compare"):
        contestants(base)
    with pytest.raises(CompareError, match="one cannot be compared with itself"):
        contestants(fakes[0], fakes[0])
    assert contestants(*fakes) == fakes


# The contest


def test_both_answers_grow_side_by_side(contest, fakes):
    steps = list(contest.ask(fakes, "Who?"))
    assert [set(step) for step in steps[:2]] == [{"I ", "Other"}, {"I am one", "Other"}]
    assert contest.is_open and set(contest.sides) == {"one", "other"}
    assert contest.answers[contest.sides.index("other")] == "Other"


def test_sides_are_drawn_anew_for_each_question(contest, fakes):
    sides = Counter()
    for _ in range(200):
        list(contest.ask(fakes, "Who?"))
        sides[contest.sides] += 1
    # 200 fair draws give a side fewer than 60 times in one of 10^8 runs.
    assert min(sides[("one", "other")], sides[("other", "one")]) >= 60


def test_both_get_the_same_seed_and_are_not_told_earlier_questions(contest, fakes):
    for question in ("One?", "Two?"):
        list(contest.ask(fakes, question))
    (one, other), later = fakes[0].parameters[:1] + fakes[1].parameters[:1], fakes[0].parameters[1]
    assert one == other and one["seed"] != later["seed"]
    assert [r.question for m in fakes for c in m.conversations for r in c.rounds] == ["Two?", "Two?"]
    assert [len(m.conversations) for m in fakes] == [1, 1]


@pytest.mark.parametrize(
    "said", ["I am MiniGPT-4.", "artgpt4-mini here", "As Vicuna-13B-v1.5, I", "I, LLaVA, see", "gallery gpt"]
)
def test_an_answer_that_names_its_speaker_does_not_give_it_away(contest, fakes, said):
    fakes[0].words = lambda *_: [said]
    list(contest.ask(fakes, "Who are you?"))
    shown = contest.answers[contest.sides.index("one")]
    assert "▒▒▒" in shown and not any(name in shown.lower() for name in ("gpt", "vicuna", "llava"))


def test_one_question_is_one_vote(contest, fakes):
    assert contest.close_vote() is None
    list(contest.ask(fakes, "Who?"))
    assert contest.close_vote() == contest.sides
    assert contest.close_vote() is None


def test_a_stopped_contest_ends_both_and_cannot_be_voted_on(contest, fakes):
    fakes[0].words = fakes[1].words = lambda *_: iter("endless" * 1000)
    stream = contest.ask(fakes, "Who?")
    next(stream)
    contest.stop()
    assert list(stream) == [] and contest.close_vote() is None
    assert [model.at_work for model in fakes] == [0, 0]


def test_leaving_in_the_middle_frees_both(contest, fakes):
    fakes[0].words = fakes[1].words = lambda *_: iter("endless" * 1000)
    stream = contest.ask(fakes, "Who?")
    next(stream)
    stream.close()
    assert [model.at_work for model in fakes] == [0, 0] and not contest.is_running and not contest.is_open
    contest.close()
    assert all(conversation.closed for model in fakes for conversation in model.conversations)


# Votes


def test_votes_come_back_in_their_order(tmp_path):
    file, votes = tmp_path / "data" / "votes.jsonl", [Vote("a", "b", choice) for choice in CHOICES]
    for vote in votes:
        add_vote(file, vote)
    assert read_votes(file) == votes
    assert file.stat().st_mode & 0o077 == 0


def test_a_vote_holds_nothing_about_the_voter():
    assert set(Vote.__dataclass_fields__) == {"left", "right", "choice", "instruction", "example", "day", "id"}
    assert len(Vote("a", "b", "tie").day) == len("2026-11-21")


def test_votes_of_many_threads_are_whole_lines(tmp_path):
    file = tmp_path / "votes.jsonl"

    def vote(number):
        for _ in range(20):
            add_vote(file, Vote(f"model {number} " * 50, "b", "left"))

    threads = [threading.Thread(target=vote, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = file.read_text().splitlines()
    assert len(lines) == len({json.loads(line)["id"] for line in lines}) == 80


def test_a_line_that_was_cut_off_costs_no_vote_but_its_own(tmp_path):
    file = tmp_path / "votes.jsonl"
    add_vote(file, Vote("a", "b", "left"))
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:20])
    add_vote(file, Vote("a", "b", "right"))
    assert [vote.choice for vote in read_votes(file)] == ["left", "right"]


def test_a_vote_that_is_none_is_refused():
    with pytest.raises(ValueError, match="left, right, tie, both bad; got 'both good'"):
        Vote("a", "b", "both good")


def test_the_table_counts_by_name_and_not_by_side(tmp_path, capsys):
    votes = [Vote("a", "b", "left"), Vote("b", "a", "right"), Vote("a", "b", "tie"), Vote("b", "a", "both bad")]
    lines = table(votes).splitlines()
    assert lines[0] == "a against b: 4 votes, 1 ties, 1 both bad"
    assert lines[1].startswith("  a: won 2 of 2 decided, 100.0%")
    assert lines[3].startswith("  whichever stood left: won 1 of 2 decided,  50.0%")
    assert "undefined" in table(votes[2:])
    assert main([str(tmp_path / "none.jsonl")]) == 0
    assert capsys.readouterr().out == "No votes yet.\n"


@pytest.mark.parametrize("wins, n, interval", [(0, 10, (0.0, 0.2775)), (81, 263, (0.2553, 0.3662))])
def test_intervals_are_wilsons(wins, n, interval):
    # Newcombe (1998), Statistics in Medicine 17, table I, gives the last one.
    assert wilson(wins, n) == pytest.approx(interval, abs=1e-4)


# The page


def test_a_vote_on_the_page_is_blind_until_it_is_cast(fakes, tmp_path):
    import gradio as gr

    from artgpt4.ui.compare import add_compare_page

    futures = [Future(), Future()]
    for future, model in zip(futures, fakes, strict=True):
        future.set_result(model)
    with gr.Blocks() as page:
        gr.Markdown("the other page")
    add_compare_page(page, *futures, [], tmp_path / "votes.jsonl")
    do = {}
    for function in page.fns.values():
        do.setdefault(function.name, []).append(function.fn)
    file, contest = tmp_path / "picture.png", Contest()
    PICTURE.save(file)

    *_, told = do["ask_both"][0]("Mine alone?", str(file), contest)
    assert told[2] == "Which answer is better?" and "other" not in str(told[2:]).lower().replace("another", "")
    told = do["vote_it"][0](contest)
    assert f"A was **{contest.sides[0]}**" in told[2]
    (vote,) = read_votes(tmp_path / "votes.jsonl")
    assert (vote.left, vote.right) == contest.sides and vote.instruction is vote.example is None
    assert do["vote_it"][0](contest)[2].startswith("There is nothing to vote on")
    assert "Mine alone" not in (tmp_path / "votes.jsonl").read_text()

    list(do["ask_both"][0]("Again?", str(file), contest))
    stream = do["ask_both"][0]("And now?", str(file), contest)
    next(stream)
    assert do["vote_it"][0](contest)[2].startswith("There is nothing to vote on")
    stream.close()
