"""A lock that is given out in the order of asking."""

import threading
from collections import deque


class FairLock:
    """Like `threading.Lock`, but whoever asked first has it first.

    Without that, a thread that lets go of a lock and wants it again at once mostly gets it, while others wait: one
    visitor's answer would be written to its end before another's begins.
    """

    def __init__(self):
        self._state = threading.Lock()
        self._is_held = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> "FairLock":
        with self._state:
            if not self._is_held:
                self._is_held = True
                return self
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()  # let go by whoever held the lock before, who leaves it held for us
        return self

    def __exit__(self, *_) -> None:
        with self._state:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_held = False

    def locked(self) -> bool:
        """Whether anybody holds it."""
        return self._is_held
