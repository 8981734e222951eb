"""What is kept of talks on the server, each under a random token that only whoever holds it knows.

On disk a token stands as its SHA-256 alone: who reads the folder, or a backup of it, cannot open a link with that.
Everything has an end: it is gone when its days are over, or when its maker takes it back.
"""

import base64
import hashlib
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

#: Of one talk with its pictures, and of all that a folder keeps.
MAX_BYTES, MAX_TOTAL = 4 * 2**20, 2**30
DAYS = 30
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


class KeepError(Exception):
    """Something that cannot be kept. Its text is a sentence for the visitor."""


def new_token() -> str:
    """192 random bits, as 32 characters that any address may hold."""
    return secrets.token_urlsafe(24)


def reading_token(secret: str) -> str:
    """The token under which a link is read, from the one with which its maker can withdraw it; there is no way back."""
    digest = hashlib.sha256(b"artgpt4 link " + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


class Kept:
    """Texts under tokens, as files in a folder.

    Args:
        folder: made when it is first needed.
        clock: seconds since 1970, for tests.
        max_total: bytes in all; beyond that nothing more is taken.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time, max_total: int = MAX_TOTAL):
        self.folder, self.clock, self.max_total = Path(folder), clock, max_total
        self._writing = threading.Lock()

    def put(self, token: str, text: str) -> None:
        """Keeps the text for `DAYS` days, in the place of what was there.

        Raises:
            KeepError: it is too large, or the folder is full or cannot be written to. What was there is still there.
            ValueError: the token is none of `new_token`'s kind.
        """
        content = text.encode()
        if len(content) > MAX_BYTES:
            raise KeepError(f"This talk is larger than the {MAX_BYTES // 2**20} MB that can be kept. Download it.")
        end = f"{int(self.clock()) + DAYS * 86400}\n".encode()
        path = self._path(token)
        try:
            with self._writing:
                self.folder.mkdir(parents=True, exist_ok=True)
                if self._sweep() + len(content) > self.max_total:
                    raise KeepError("There is no room left on the server to keep talks. Download this one instead.")
                _write(path, end + content)
        except OSError as error:
            raise KeepError("The server cannot keep talks just now. Download this one instead.") from error

    def get(self, token: str) -> str | None:
        """The text; None if there is none under this token, or no longer."""
        if not _TOKEN.fullmatch(token):
            return None
        try:
            end, _, content = self._path(token).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        return content.decode() if int(end) > self.clock() else None

    def drop(self, token: str) -> bool:
        """Forgets the text; whether there was one."""
        if not _TOKEN.fullmatch(token):
            return False
        try:
            self._path(token).unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, token: str) -> Path:
        if not _TOKEN.fullmatch(token):
            raise ValueError("A token has 32 characters out of A-Z, a-z, 0-9, _ and -; make one with new_token().")
        return self.folder / f"{hashlib.sha256(token.encode()).hexdigest()}.txt"

    def _sweep(self) -> int:
        """Deletes what is over, and returns the bytes that are left."""
        total = 0
        for path in self.folder.glob("*.txt"):
            try:
                with path.open("rb") as file:
                    is_over = int(file.readline()) <= self.clock()
                if is_over:
                    path.unlink()
                else:
                    total += path.stat().st_size
            except FileNotFoundError:  # taken back meanwhile
                continue
        return total


def _write(path: Path, content: bytes) -> None:
    """Writes the file as a whole or not at all, for its owner's eyes."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
