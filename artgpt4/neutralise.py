"""Takes the meaning out of the prompt's own marks where they stand in somebody's text.

MiniGPT-4's prompt is plain text: turns are told apart by ``###Human:`` and ``###Assistant:``, the picture's place by
``<Img><ImageHere></Img>``. In LLaVA's it is ``USER:``, ``ASSISTANT:``, ``</s>`` and ``<image>``. Whoever
could write these into a question could speak for the model or ask for a second picture. They are replaced by lookalikes
and not removed, so that everybody sees what was done.
"""

import re

# Invisible characters, which some tokenizers' normalisers drop: a mark with one inside would come back to life.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\x00-\x08\x0e-\x1f\x7f"
)
_UNSEEN = f"[{_INVISIBLE}]*"
_BLANK = f"[{_INVISIBLE}\\s]*"


def _spelled(word: str) -> str:
    """A pattern for the word in any case, in full width too, with invisible characters anywhere in it."""
    return _UNSEEN.join(f"[{letter}{chr(ord(letter) + 0xFEE0)}]" for letter in word)


_HASH = "[#\uff03\ufe5f]"
_OPEN, _CLOSE, _SLASH, _COLON = "[<\uff1c\ufe64]", "[>\uff1e\ufe65]", "[/\uff0f]", "[:\uff1a\ufe55\ufe13]"
# Three or more, or any at the end, where the prompt puts its own ### behind them.
_HASHES = re.compile(f"{_HASH}(?:{_UNSEEN}{_HASH}){{2,}}|{_HASH}(?:{_UNSEEN}{_HASH})?(?={_BLANK}\\Z)")
_WORDS = "|".join(map(_spelled, ("imagehere", "image", "img", "s")))
_TAG = re.compile(f"{_OPEN}({_UNSEEN}(?:{_SLASH}{_UNSEEN})?(?:{_WORDS}){_UNSEEN}){_CLOSE}", re.IGNORECASE)
_ROLE = re.compile(f"({_BLANK})({_spelled('human')}|{_spelled('assistant')})(?={_BLANK}{_COLON})", re.IGNORECASE)
# LLaVA's turns begin anywhere in a line, and in capitals only.
_TURN = re.compile(f"\\b({_spelled('USER')}|{_spelled('ASSISTANT')})(?={_BLANK}{_COLON})")


def neutralise(text: str) -> str:
    """Returns the text with every mark of the prompt visibly defused; what is defused already stays as it is.

    ``###`` (and any ``#`` at the end) becomes ``♯♯♯``, ``<Img>`` becomes ``‹Img›``, and ``Human:`` or ``Assistant:``
    at a line's start becomes ``“Human”:``; in any case, in full width, and with invisible characters inside as well.
    So do LLaVA's ``<image>``, ``</s>``, and ``USER:`` and ``ASSISTANT:`` in capitals anywhere. The tokenizer's other
    marks, such as ``<unk>``, are the processor's concern: it reads them as plain text.
    """
    text = text.encode("utf-8", "replace").decode(
        "utf-8"
    )  # half a surrogate pair is no text, and no tokenizer takes it
    text = _HASHES.sub(lambda run: "♯" * len(re.findall(_HASH, run[0])), text)
    text = _TAG.sub(r"‹\1›", text)
    lines = text.splitlines(keepends=True)  # line by line, so that many empty ones do not take quadratic time
    lines = [f"{role[1]}“{role[2]}”{line[role.end() :]}" if (role := _ROLE.match(line)) else line for line in lines]
    return _TURN.sub(r"“\1”", "".join(lines))
