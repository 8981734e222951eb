"""What a visitor or a program is told when something has failed."""

import logging
import secrets

#: Errors whose text is a sentence for users; by name, since importing two of them would import torch before the page.
_FOR_USERS = ("PictureError", "ChatError", "LoadError", "VisitorError")

_log = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """The error's own words if they are meant for users, else a number to find in the log."""
    if type(error).__name__ in _FOR_USERS:
        return str(error)
    number = secrets.token_hex(3)
    _log.error("Error %s", number, exc_info=error)
    return f"Something went wrong on the server, and its log tells what (error {number})."
