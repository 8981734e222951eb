"""The judge against a small server on loopback: strict replies, retries, order swap, and replay without it."""

import csv
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from artgpt4.evaluation.__main__ import main
from artgpt4.evaluation.benchmarks import DataError, Item, write_artmm_jsonl
from artgpt4.evaluation.judge import Judge, JudgeError, Verdict
from artgpt4.evaluation.rubrics import RUBRICS

PICTURE = Path(__file__).parents[1] / "examples" / "shapes.jpg"
ASKED = ("IDC", ("What is it?",), ("A red circle.",), PICTURE)


@pytest.fixture
def server():
    """Replies with what `replies` holds, one after another; keeps what it was asked.

    A reply is the content of the message, a whole message (dict), an HTTP status (int), or a function of the prompt.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, dict(self.headers), body))
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            if callable(reply):
                reply = reply(body["messages"][0]["content"][1]["text"])
            if isinstance(reply, int):
                self.send_error(reply, "no such model")
                return
            message = reply if isinstance(reply, dict) else {"role": "assistant", "content": reply}
            content = json.dumps({"choices": [{"message": message}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    asked, replies = [], []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    httpd.url, httpd.asked, httpd.replies = f"http://127.0.0.1:{httpd.server_port}/v1", asked, replies
    yield httpd
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def judge(server, tmp_path):
    return Judge("some-model", tmp_path / "judge.jsonl", server.url, key="secret", pause=0)


def test_the_judge_sees_picture_rubric_and_the_answer_without_its_system(judge, server):
    server.replies.append('{"score": 4, "reason": "complete"}')
    assert judge.score(*ASKED) == Verdict(4, "complete")
    path, headers, body = server.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    picture, prompt = body["messages"][0]["content"]
    assert picture["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
    for level in RUBRICS["IDC"].levels:
        assert level in prompt["text"]
    assert "What is it?" in prompt["text"] and "A red circle." in prompt["text"]
    assert "artgpt" not in json.dumps(body).lower()


@pytest.mark.parametrize(
    "malformed",
    [
        "Score: 4",
        '{"score": 4}',
        '{"score": 6, "reason": "x"}',
        '{"score": 4.5, "reason": "x"}',
        '{"score": true, "reason": "x"}',
        '{"score": 4, "reason": "x", "more": 1}',
        '```json\n{"score": 4, "reason": "x"}\n```',
    ],
)
def test_only_the_strict_form_is_taken_and_the_rest_is_asked_again_and_counted(judge, server, malformed):
    server.replies[:] = [malformed, '{"score": 2, "reason": "partial"}']
    assert judge.score(*ASKED).score == 2
    assert judge.counts == {"asked": 2, "malformed": 1}


def test_refusals_are_counted_and_end_unscored(judge, server):
    server.replies[:] = ["", {"content": None}, {"content": "no", "refusal": "I cannot look at this."}]
    assert judge.score(*ASKED).score is None
    assert judge.counts == {"asked": 3, "refused": 3, "unscored": 1}


def test_a_busy_endpoint_is_tried_again(judge, server):
    server.replies[:] = [503, 429, '{"score": 3, "reason": "complete"}']
    assert judge.score(*ASKED).score == 3
    assert judge.counts == {"failed": 2, "asked": 1}


def test_a_request_that_is_turned_down_ends_the_run_with_what_was_said(judge, server):
    server.replies[:] = [404]
    with pytest.raises(JudgeError, match="answered 404: .*no such model"):
        judge.score(*ASKED)
    assert len(server.asked) == 1


def test_an_endpoint_that_stays_away_says_how_to_go_on(tmp_path, server):
    server.replies[:] = [500]
    with pytest.raises(JudgeError, match=r"no completion in 2 attempts \(it answered 500\).*run again"):
        Judge("m", tmp_path / "r.jsonl", server.url, attempts=2, pause=0).score(*ASKED)


def test_a_record_replays_to_the_same_verdicts_without_the_endpoint(judge, server, tmp_path):
    server.replies[:] = ["nonsense", '{"score": 1, "reason": "a"}', "", '{"score": 5, "reason": "b"}']
    verdicts = [judge.score(*ASKED, repeat=repeat) for repeat in (0, 1)]
    server.shutdown()
    replay = Judge("some-model", tmp_path / "judge.jsonl")
    assert [replay.score(*ASKED, repeat=repeat) for repeat in (0, 1)] == verdicts
    assert replay.counts == {"replayed": 4, "malformed": 1, "refused": 1}
    assert "secret" not in (tmp_path / "judge.jsonl").read_text()


def test_a_replay_asks_for_nothing_that_was_not_recorded(judge, server, tmp_path):
    server.replies.append('{"score": 1, "reason": "a"}')
    judge.score(*ASKED)
    with pytest.raises(JudgeError, match="has no reply to this question, and no endpoint"):
        Judge("another-model", tmp_path / "judge.jsonl").score(*ASKED)


def test_a_half_written_record_is_named_with_its_line(tmp_path):
    path = tmp_path / "judge.jsonl"
    path.write_text('{"key": "k", "reply": "r"}\n{"key": "k2", "rep')
    with pytest.raises(DataError, match=r"judge\.jsonl, line 2: .* half written"):
        Judge("m", path)


@pytest.mark.parametrize(
    "answer, preference",
    [
        (lambda prompt: "first", 0.5),  # always the first: only the order decides
        (lambda prompt: "same", 0.5),
        (lambda prompt: "first" if prompt.index("good one") < prompt.index("bad one") else "second", 1.0),
        (lambda prompt: "second" if prompt.index("good one") < prompt.index("bad one") else "first", 0.0),
    ],
)
def test_pairs_are_asked_in_both_orders(judge, server, answer, preference):
    server.replies.append(lambda prompt: json.dumps({"better": answer(prompt), "reason": "x"}))
    assert judge.compare("IDC", ("?",), ("good one",), ("bad one",), PICTURE) == preference
    assert judge.counts["asked"] == 2


def test_an_address_that_is_no_web_address_is_refused(tmp_path):
    with pytest.raises(JudgeError, match="must begin with http"):
        Judge("m", tmp_path / "r.jsonl", "file:///etc/hosts")


def test_the_command_scores_and_replays_artmm(server, tmp_path):
    scores = {"IDC": 4, "ISAC": 2, "ICRC": 3, "MDIUC": 5}
    server.replies.append(
        lambda prompt: json.dumps(
            {"score": next(n for axis, n in scores.items() if f"({axis})" in prompt), "reason": ""}
        )
    )
    items = [Item(f"{axis}/1", PICTURE.name, ("What is it?",), axis=axis) for axis in scores]
    write_artmm_jsonl(items, tmp_path / "artmm.jsonl")
    answers = [json.dumps({"id": item.id, "answers": ["Shapes."]}) for item in items]
    (tmp_path / "p.jsonl").write_text("\n".join(answers))
    arguments = ["--data", str(tmp_path / "artmm.jsonl"), "--predictions", str(tmp_path / "p.jsonl")]
    arguments += ["--pictures", str(PICTURE.parent), "--judge", "m", "--repeats", "2"]
    for system, more in (("asked", ["--judge-url", server.url]), ("replayed", [])):
        record = ["--judge-record", str(tmp_path / "judge.jsonl")]
        main(["score", "artmm", *arguments, *record, "--system", system, "--out", str(tmp_path / system), *more])
    assert len(server.asked) == 8
    main(["report", str(tmp_path / "asked"), str(tmp_path / "replayed"), "--out", str(tmp_path / "report")])
    text = (tmp_path / "report" / "report.md").read_text()
    for system in ("asked", "replayed"):
        row = next(line for line in text.splitlines() if line.startswith(f"| **{system}**, judge"))
        figures = [cell.split()[0] for cell in row.strip("| ").split("|")[1:]]
        assert figures == ["4.00", "2.00", "3.00", "5.00", "3.50"]
        assert f"saw the picture: 8 {system}." in text
    with (tmp_path / "report" / "scores.csv").open() as file:
        rows = {(row["system"], row["metric"]): row["score"] for row in csv.DictReader(file)}
    assert rows["asked", "judge_total"] == rows["replayed", "judge_total"] == "3.5"


def test_the_command_compares_two_systems_in_both_orders(server, tmp_path):
    def better(prompt):
        return "first" if prompt.index("Shapes.") < prompt.index("Nothing.") else "second"

    server.replies.append(lambda prompt: json.dumps({"better": better(prompt), "reason": ""}))
    items = [Item(f"{axis}/1", PICTURE.name, ("What is it?",), axis=axis) for axis in ("IDC", "ISAC", "ICRC", "MDIUC")]
    write_artmm_jsonl(items, tmp_path / "artmm.jsonl")
    for name, answer in (("ours", "Shapes."), ("theirs", "Nothing.")):
        lines = [json.dumps({"id": item.id, "answers": [answer]}) for item in items]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    arguments = ["compare", "--data", str(tmp_path / "artmm.jsonl"), "--pictures", str(PICTURE.parent), "--judge", "m"]
    arguments += ["--judge-record", str(tmp_path / "judge.jsonl"), "--repeats", "1"]
    for order, more in ((("ours", "theirs"), ["--judge-url", server.url]), (("theirs", "ours"), [])):
        files = [str(tmp_path / f"{name}.jsonl") for name in order]
        out = str(tmp_path / order[0])
        main([*arguments, "--predictions", *files, "--systems", *order, "--out", out, *more])
    assert len(server.asked) == 8  # the second run asks nothing that the record does not have
    main(["report", str(tmp_path / "ours"), str(tmp_path / "theirs"), "--out", str(tmp_path / "report")])
    with (tmp_path / "report" / "scores.csv").open() as file:
        rows = {(row["system"], row["metric"]): float(row["score"]) for row in csv.DictReader(file)}
    assert rows["ours against theirs", "preferred_total"] == 1.0
    assert rows["theirs against ours", "preferred_total"] == 0.0
