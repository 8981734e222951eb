"""Random secrets for links, sessions and resuming: given out once, kept as hashes only.

A plain SHA-256 is enough for what is drawn at random: there is nothing to guess from.
"""

import hashlib
import hmac
import secrets

#: Crockford's base 32: no letter that is taken for a digit.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_token() -> str:
    """256 random bits for a link or a session, fit for a URL."""
    return secrets.token_urlsafe(32)


def new_resume_code() -> str:
    """80 random bits that a person can write down: `4F7K-9QXT-M2RD-8HWA`."""
    return _spelled([secrets.randbelow(32) for _ in range(16)])


def hash_token(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def hash_resume_code(code: str) -> str:
    """What is kept of a resume code, however it is typed: in capitals or not, with dashes, spaces or neither."""
    return hash_token("".join(code.split()).replace("-", "").upper().translate(_READ_AS))


def resume_code_of(session: str) -> str:
    """The resume code that goes with a session's token: entering twice with one token gives one code."""
    digest = hmac.digest(session.encode(), b"resume code", "sha256")
    return _spelled([digest[index] % 32 for index in range(16)])


def _spelled(numbers: list[int]) -> str:
    letters = "".join(_ALPHABET[number] for number in numbers)
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))
