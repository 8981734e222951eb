"""What a visitor or a program is told when something has failed."""

import logging
import secrets

from artgpt4.ui.words import CHINESE, say

#: Errors whose text is a sentence for users; by name, since importing two of them would import torch before the page.
_FOR_USERS = ("PictureError", "ChatError", "CompareError", "LoadError")

_log = logging.getLogger(__name__)


def sentence(error: BaseException, language: str = "en") -> str:
    """What to tell the visitor: the error's own words if they are meant for users, else a number to find in the log."""
    kind = type(error).__name__
    if kind == "VisitorError":
        return say(str(error), language)
    told = None
    if kind in _FOR_USERS:
        told = CHINESE.get(f"{kind}.{getattr(error, 'code', '')}", str(error)) if language == "zh" else str(error)
        if kind != "LoadError" and error.code != "out_of_memory":
            return told  # the visitor's own doing, and theirs to mend
    number = secrets.token_hex(3)
    _log.error("Error %s", number, exc_info=error)
    if told:
        return f"{told} {say('(Error {number} in the log.)', language, number=number)}"
    return say(
        "Something went wrong on the server, and its log tells what (error {number}). Try again; if it stays, tell "
        "whoever runs this page that number.",
        language,
        number=number,
    )
