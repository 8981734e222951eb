"""Our own models' answers: the chat's, batched or not, written as they come and gone on with."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import artgpt4
from artgpt4.evaluation.__main__ import main
from artgpt4.evaluation.benchmarks import DataError, Item, read_predictions, write_artmm_jsonl
from artgpt4.evaluation.generate import OurModel, generate
from artgpt4.images import open_picture

PICTURES = sorted((Path(__file__).parents[1] / "examples").glob("*.jpg"))[:3]
ROUNDS = (
    ("What is in this picture?", "Why does it feel like that?"),
    ("Give it a title.",),
    ("What is in it, please?",),
)


@pytest.fixture(scope="module")
def system():
    return OurModel(artgpt4.load("mini", device="cpu"), max_new_tokens=12)


@pytest.fixture
def items():
    return [Item(path.stem, path.name, rounds) for path, rounds in zip(PICTURES, ROUNDS, strict=True)]


def test_a_batch_is_answered_as_each_dialogue_alone(system):
    pictures = [open_picture(path) for path in PICTURES]
    together = system.answer(pictures, ROUNDS)
    alone = [system.answer([picture], [rounds])[0] for picture, rounds in zip(pictures, ROUNDS, strict=True)]
    assert together == alone
    assert [len(answers) for answers in together] == [2, 1, 1]


def test_answers_are_the_chats(system):
    conversation = system.chat_model.start(PICTURES[0])
    for question in ROUNDS[0]:
        for _ in conversation.ask(question, temperature=0, max_new_tokens=12):
            pass
    assert system.answer([open_picture(PICTURES[0])], [ROUNDS[0]]) == [[round.answer for round in conversation.rounds]]


def test_a_line_says_what_made_it(system, items, tmp_path):
    assert generate(items, PICTURES, system, tmp_path / "p.jsonl", batch_size=2) == 3
    records = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [record["id"] for record in records] == [item.id for item in items]
    assert records[0]["rounds"] == list(ROUNDS[0])
    assert records[0]["model"] == "mini" and records[0]["adapter"] is True
    assert records[0]["parameters"] == {"do_sample": False, "max_new_tokens": 12}
    assert records[0]["versions"].keys() == {"python", "torch", "transformers", "peft"}
    assert [len(prediction.answers) for prediction in read_predictions(tmp_path / "p.jsonl")] == [2, 1, 1]


def test_an_interrupted_run_goes_on_where_it_was(system, items, tmp_path):
    path = tmp_path / "p.jsonl"
    generate(items, PICTURES, system, path)
    whole = [json.loads(line)["answers"] for line in path.read_text().splitlines()]
    first = path.read_text().splitlines(keepends=True)[0]
    path.write_text(first + '{"id": "' + items[1].id[:3])
    assert generate(items, PICTURES, system, path) == 2
    assert path.read_text().startswith(first)
    assert [json.loads(line)["answers"] for line in path.read_text().splitlines()] == whole


class Feeling:
    """Answers with what it is asked, and counts both kinds of questions."""

    def __init__(self):
        self.asked, self.felt = [], 0

    def about(self):
        return {"model": "feeling"}

    def answer(self, pictures, rounds):
        self.asked += rounds
        return [list(questions) for questions in rounds]

    def emotions(self, pictures):
        self.felt += len(pictures)
        return [{"awe": 0.75, "fear": 0.25} for _ in pictures]


def test_emotions_are_added_to_answers_that_have_none(items, tmp_path):
    path, broken = tmp_path / "p.jsonl", tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    files = [PICTURES[0], broken, PICTURES[2]]
    generate(items[:2], files[:2], Feeling(), path)
    before = [json.loads(line) for line in path.read_text().splitlines()]
    later = Feeling()
    assert generate(items, files, later, path, batch_size=2, emotions=True) == 2  # one to feel, one to answer too
    assert later.asked == [items[2].rounds] and later.felt == 2
    after = [json.loads(line) for line in path.read_text().splitlines()]
    assert after[:2] == [before[0] | {"emotion": {"awe": 0.75, "fear": 0.25}}, before[1]]
    assert after[2]["emotion"] == {"awe": 0.75, "fear": 0.25}
    assert generate(items, files, Feeling(), path, emotions=True) == 0
    assert sorted(tmp_path.iterdir()) == [broken, path]


def test_emotions_of_an_interrupted_run_are_kept(items, tmp_path):
    path = tmp_path / "p.jsonl"
    generate(items, PICTURES, Feeling(), path)
    record = json.loads(path.read_text().splitlines()[1])
    (tmp_path / "p.jsonl.part0").write_text(json.dumps(record | {"emotion": "fear"}) + '\n{"id": "')
    later = Feeling()
    assert generate(items, PICTURES, later, path, emotions=True) == 2
    assert later.asked == []
    assert [type(prediction.emotion) for prediction in read_predictions(path)] == [dict, str, dict]


def test_a_broken_picture_is_a_line_with_an_error(system, items, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    generate(items, [PICTURES[0], broken, PICTURES[2]], system, tmp_path / "p.jsonl")
    written = read_predictions(tmp_path / "p.jsonl")
    assert [prediction.error is None for prediction in written] == [True, False, True]
    assert "not a JPEG" in written[1].error


def test_a_file_of_something_else_is_not_written_to(system, items, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n")
    with pytest.raises(DataError, match="line 1: this is not whole JSON"):
        generate(items, PICTURES, system, path)
    assert path.read_text() == "my notes\n"


def test_the_command_answers_a_benchmark_and_misses_pictures_before_it_starts(tmp_path):
    items = [Item(path.stem, path.name, ("Describe it.",), axis="IDC") for path in PICTURES]
    write_artmm_jsonl(items, tmp_path / "artmm.jsonl")
    arguments = ["generate", "artmm", "--data", str(tmp_path / "artmm.jsonl"), "--out", str(tmp_path / "p.jsonl")]
    arguments += ["--device", "cpu", "--max-new-tokens", "4", "--pictures"]
    with pytest.raises(SystemExit, match=r"artmm\.jsonl, line 1: 3 pictures are not in"):
        main([*arguments, str(tmp_path)])
    assert not (tmp_path / "p.jsonl").exists()
    main([*arguments, str(PICTURES[0].parent)])
    assert [prediction.id for prediction in read_predictions(tmp_path / "p.jsonl")] == [item.id for item in items]


_PROCESS = """
import sys
from pathlib import Path
from artgpt4.evaluation.benchmarks import Item
from artgpt4.evaluation.generate import generate

class Echo:
    def about(self):
        return {"model": "echo"}
    def answer(self, pictures, rounds):
        return [list(questions) for questions in rounds]

items = [Item(f"item {number}", "p.jpg", (f"question {number}",)) for number in range(7)]
generate(items, [Path(sys.argv[1])] * 7, Echo(), sys.argv[2], batch_size=2)
"""


def test_two_processes_write_one_file_without_doubles_and_go_on_with_what_others_left(tmp_path):
    path = tmp_path / "p.jsonl"
    lines = [json.dumps({"id": f"item {number}", "answers": [f"question {number}"]}) for number in range(7)]
    path.write_text(lines[3] + "\n")
    # An earlier run of more processes was killed: one part has a line that is merged already, one is half written.
    (tmp_path / "p.jsonl.part0").write_text(f"{lines[3]}\n{lines[5]}\n")
    (tmp_path / "p.jsonl.part2").write_text(f"{lines[0]}\n{lines[1][:9]}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    # What `accelerate launch` and `torchrun` set for each process.
    where = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    where |= {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(PICTURES[0]), str(path)],
            env=os.environ | where | {"RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    written = read_predictions(path)  # raises on doubles
    assert sorted(prediction.id for prediction in written) == [f"item {number}" for number in range(7)]
    assert all(prediction.answers == (prediction.id.replace("item", "question"),) for prediction in written)
    assert not list(tmp_path.glob("*.part*"))
