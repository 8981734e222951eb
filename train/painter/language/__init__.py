"""The language in which the embedded model learns to speak of a painting, and how its answers are read back."""

from train.painter.language.dialogue import ANSWER, answer, caption, dialogue
from train.painter.language.parse import parse
from train.painter.language.questions import QUESTIONS
from train.painter.language.sample import random_facts, text_only

__all__ = ["ANSWER", "QUESTIONS", "answer", "caption", "dialogue", "parse", "random_facts", "text_only"]
