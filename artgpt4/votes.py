"""Votes between two answers, one JSON object a line; nothing in them is about who voted.

A question that a visitor wrote and a picture that a visitor brought are personal: a vote has only the instruction's
label and the example's name, where the question was one of the page's own and the picture one of the examples.

    python -m artgpt4.votes [FILE]      prints who won how often, with 95 % intervals
"""

import argparse
import json
import math
import os
import secrets
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

CHOICES = ("left", "right", "tie", "both bad")

#: One process writes; its threads take turns.
_writing = threading.Lock()


@dataclass(frozen=True)
class Vote:
    """One visitor's choice between two answers.

    Attributes:
        left, right: the names of what answered there.
        choice: one of `CHOICES`.
        instruction: the label of the page's own instruction; None for a question of the visitor's.
        example: the name of the page's own picture; None for a picture of the visitor's.
        day: in UTC; no time of day.
        id: random.
    """

    left: str
    right: str
    choice: str
    instruction: str | None = None
    example: str | None = None
    day: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self):
        if self.choice not in CHOICES:
            raise ValueError(f"A vote is one of {', '.join(CHOICES)}; got {self.choice!r}.")

    @property
    def winner(self) -> str | None:
        """The name of what won; None if neither did."""
        return {"left": self.left, "right": self.right}.get(self.choice)


def add_vote(file: Path, vote: Vote) -> None:
    """Appends the vote as a whole line, and returns when it is on the disk.

    Raises:
        OSError: it could not be written; the file is then as it was, but for a line that `read_votes` leaves out.
    """
    line = json.dumps(asdict(vote), ensure_ascii=False).encode() + b"\n"
    with _writing:
        file.parent.mkdir(parents=True, exist_ok=True)
        # One write at the file's end: it is there as a whole or, on a full disk, cut off.
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if _is_cut_off(descriptor):
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError("the vote was written in part only; is the disk full?")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_votes(file: Path) -> list[Vote]:
    """The votes; a line that is cut off or of another kind is left out."""
    votes = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []:
        try:
            votes.append(Vote(**json.loads(line)))
        except (TypeError, ValueError):
            continue
    return votes


def _is_cut_off(descriptor: int) -> bool:
    """Whether a writing before this one broke off."""
    size = os.fstat(descriptor).st_size
    if not size:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"


def wilson(wins: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); from 0 to 1 where there is nothing to count."""
    if not n:
        return 0.0, 1.0
    z, share = 1.959964, wins / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def table(votes: Sequence[Vote]) -> str:
    """How often each of two won, by pair, and how often the left one did, which should be by chance."""
    lines, pairs = [], {}
    for vote in votes:
        pairs.setdefault(tuple(sorted((vote.left, vote.right))), []).append(vote)
    for (one, other), cast in sorted(pairs.items()):
        won = Counter(vote.winner for vote in cast)
        decided = won[one] + won[other]
        choices = Counter(vote.choice for vote in cast)
        lines.append(f"{one} against {other}: {len(cast)} votes, {choices['tie']} ties, {choices['both bad']} both bad")
        lines += [_share(name, won[name], decided) for name in (one, other)]
        lines.append(_share("whichever stood left", choices["left"], decided))
    return "\n".join(lines) or "No votes yet."


def _share(name: str, wins: int, n: int) -> str:
    low, high = wilson(wins, n)
    share = f"{wins / n:6.1%}" if n else "undefined"
    return f"  {name}: won {wins} of {n} decided, {share} [{low:.1%}, {high:.1%}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    from artgpt4.backup import data_folder

    parser = argparse.ArgumentParser(prog="python -m artgpt4.votes", description="Who won how often on /compare.")
    parser.add_argument("file", nargs="?", type=Path, default=data_folder() / "votes.jsonl", metavar="FILE")
    print(table(read_votes(parser.parse_args(arguments).file)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
