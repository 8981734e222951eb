"""A model as judge of ArtMM: any OpenAI-compatible endpoint, shown the picture, the rubric and one anonymous answer.

Every reply is recorded as it came, so that a run can be replayed without the endpoint and gives the same scores and the
same counts. The published judge saw the answers only, both at once and always in the same order; this one does not.
"""

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from artgpt4.evaluation.benchmarks import DataError
from artgpt4.evaluation.endpoint import EndpointError, complete
from artgpt4.evaluation.rubrics import RUBRICS, Rubric

_TYPES = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp", ".gif": "gif"}

_SCORE = (
    "You score what was said about the picture, by this rubric:\n\n{rubric}\n\n{dialogue}\n\n"
    'Reply with one JSON object and nothing else: {{"score": 0 to 5, a whole number, "reason": "one sentence"}}'
)
_COMPARE = (
    "You compare two answers about the picture, by this rubric:\n\n{rubric}\n\nFirst answer\n{first}\n\n"
    "Second answer\n{second}\n\nReply with one JSON object and nothing else: "
    '{{"better": "first", "second" or "same", "reason": "one sentence"}}'
)


class JudgeError(RuntimeError):
    """The judge cannot be asked; the text says why and what to do."""


@dataclass(frozen=True)
class Verdict:
    """What the judge said: a score from 0 to 5, or None when no attempt gave one."""

    score: int | None
    reason: str


class Judge:
    """Asks, retries, counts and records.

    Args:
        model: name of the model at the endpoint.
        record: JSONL of all replies; what is in it already is not asked again.
        url: the endpoint's base, `http://host:port/v1`; None to replay the record only.
        key: sent as bearer token where given; never recorded.
        attempts: how often a refused or malformed reply or a failed connection is tried, in all.
        temperature: for the judge's sampling.
        timeout: seconds for one reply.
        pause: seconds before trying again after a failed connection, doubled each time.

    Attributes:
        counts: asked, replayed, malformed, refused, failed, unscored.

    Raises:
        DataError: a line of the record is not whole.
        JudgeError: the address is not one of http or https.
    """

    def __init__(
        self,
        model: str,
        record: str | Path,
        url: str | None = None,
        key: str | None = None,
        attempts: int = 3,
        temperature: float = 0.0,
        timeout: float = 120.0,
        pause: float = 1.0,
    ):
        if url is not None and not url.startswith(("http://", "https://")):
            raise JudgeError(f"the judge's address must begin with http:// or https://, not {url!r}")
        self.model, self.record, self.url, self.key = model, Path(record), url, key
        self.attempts, self.temperature, self.timeout, self.pause = attempts, temperature, timeout, pause
        self.counts: Counter[str] = Counter()
        self._replies = _read_record(self.record)

    def score(self, axis: str, rounds: tuple[str, ...], answers: tuple[str, ...], picture: Path, repeat: int = 0):
        """One verdict on the answers to one picture.

        Args:
            axis: of the rubric.
            rounds: the questions.
            answers: one for each.
            picture: its file.
            repeat: number of this verdict among several on the same answers.

        Returns:
            A `Verdict`.

        Raises:
            JudgeError: the endpoint turned the request down, or there is neither a record of it nor an endpoint.
        """
        prompt = _SCORE.format(rubric=RUBRICS[axis].text(), dialogue=_dialogue(rounds, answers))
        reply = self._ask(prompt, picture, repeat, _is_score)
        return Verdict(None, "no valid reply") if reply is None else Verdict(reply["score"], reply["reason"])

    def compare(
        self,
        axis: str,
        rounds: tuple[str, ...],
        ours: tuple[str, ...],
        theirs: tuple[str, ...],
        picture: Path,
        repeat: int = 0,
    ) -> float | None:
        """Which of two systems' answers is better, asked in both orders.

        Returns:
            1 where ours is preferred in both orders, 0 where theirs is, the mean otherwise (a preference that turns
            with the order is 0.5); None where an order gave no valid reply.

        Raises:
            JudgeError: as for `score`.
        """
        rubric: Rubric = RUBRICS[axis]
        preferred = []
        for first, second, value in (
            (ours, theirs, {"first": 1.0, "second": 0.0, "same": 0.5}),
            (theirs, ours, {"first": 0.0, "second": 1.0, "same": 0.5}),
        ):
            prompt = _COMPARE.format(
                rubric=rubric.text(), first=_dialogue(rounds, first), second=_dialogue(rounds, second)
            )
            reply = self._ask(prompt, picture, repeat, _is_preference)
            preferred.append(None if reply is None else value[reply["better"]])
        return None if None in preferred else sum(preferred) / 2

    def _ask(self, prompt: str, picture: Path, repeat: int, is_valid) -> dict | None:
        content = picture.read_bytes()
        for attempt in range(self.attempts):
            about = {
                "model": self.model,
                "temperature": self.temperature,
                "prompt": prompt,
                "picture_sha256": hashlib.sha256(content).hexdigest(),
                "repeat": repeat,
                "attempt": attempt,
            }
            key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
            if key in self._replies:
                self.counts["replayed"] += 1
            else:
                text = self._send(prompt, picture, content, repeat)
                self._keep(key, about, text)
            text = self._replies[key]
            if not text:
                self.counts["refused"] += 1
                continue
            try:
                reply = json.loads(text)
            except json.JSONDecodeError:
                reply = None
            if is_valid(reply):
                return reply
            self.counts["malformed"] += 1
        self.counts["unscored"] += 1
        return None

    def _send(self, prompt: str, picture: Path, content: bytes, repeat: int) -> str:
        """The reply's text, empty for a refusal."""
        if self.url is None:
            raise JudgeError(
                f"{self.record} has no reply to this question, and no endpoint was given to ask. Name one with "
                "--judge-url, or replay with the model, pictures, answers and repeats that were recorded."
            )
        kind = _TYPES.get(picture.suffix.lower())
        if kind is None:
            raise JudgeError(f"{picture.name}: the judge can be shown {', '.join(_TYPES)}, not {picture.suffix!r}")
        shown = {"url": f"data:image/{kind};base64,{base64.b64encode(content).decode()}"}
        parts = [{"type": "image_url", "image_url": shown}, {"type": "text", "text": prompt}]
        body = {
            "model": self.model,
            "temperature": self.temperature,
            "seed": repeat,
            "messages": [{"role": "user", "content": parts}],
        }
        try:
            message = complete(
                self.url,
                self.key,
                body,
                self.attempts,
                self.pause,
                self.timeout,
                self._count_failure,
            )
        except EndpointError as error:
            raise JudgeError(
                f"the judge at {error} What it said before is in {self.record}; run again to go on from there."
            ) from error
        self.counts["asked"] += 1
        return "" if message.get("refusal") else message.get("content") or ""

    def _count_failure(self) -> None:
        self.counts["failed"] += 1

    def _keep(self, key: str, about: dict, text: str) -> None:
        self._replies[key] = text
        self.record.parent.mkdir(parents=True, exist_ok=True)
        with self.record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, **about, "reply": text}, ensure_ascii=False) + "\n")


def _dialogue(rounds: tuple[str, ...], answers: tuple[str, ...]) -> str:
    return "\n".join(
        f"Question: {question}\nAnswer: {answer}" for question, answer in zip(rounds, answers, strict=True)
    )


def _is_score(reply: object) -> bool:
    return (
        isinstance(reply, dict)
        and reply.keys() == {"score", "reason"}
        and type(reply["score"]) is int
        and 0 <= reply["score"] <= 5
        and isinstance(reply["reason"], str)
    )


def _is_preference(reply: object) -> bool:
    return (
        isinstance(reply, dict)
        and reply.keys() == {"better", "reason"}
        and reply["better"] in ("first", "second", "same")
        and isinstance(reply["reason"], str)
    )


def _read_record(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    replies = {}
    for line, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not text:
            continue
        try:
            kept = json.loads(text)
            replies[kept["key"]] = kept["reply"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise DataError(path, line, "this is no whole recorded reply; half written? Remove the line") from error
    return replies
