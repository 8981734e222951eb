"""The language in which the embedded model learns to speak of a painting, and how its answers are read back."""

from train.painter.language.clear import as_told
from train.painter.language.describe import caption
from train.painter.language.dialogue import ANSWER, answer, dialogue
from train.painter.language.parse import contradictions, parse, reasons
from train.painter.language.questions import QUESTIONS, UNANSWERABLE, thing_question
from train.painter.language.sample import random_facts, text_only
from train.painter.language.unanswerable import fits_unanswerable

__all__ = [
    "ANSWER",
    "QUESTIONS",
    "UNANSWERABLE",
    "answer",
    "as_told",
    "caption",
    "contradictions",
    "dialogue",
    "fits_unanswerable",
    "parse",
    "random_facts",
    "reasons",
    "text_only",
    "thing_question",
]
