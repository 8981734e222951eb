"""From dialogues to token ids, in whichever prompt: MiniGPT-4's and LLaVA's differ in their parts and marks alone."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from transformers import BatchFeature


class DialogueProcessor(ABC):
    """What a processor does with dialogues.

    Attributes:
        end: the text that closes an answer.
        marks: what stands in a prompt for given ids: the picture's place, and whatever else the tokenizer is not asked
            about.
    """

    end: str
    marks: dict[str, list[int]]

    @abstractmethod
    def chat_parts(
        self, rounds: Sequence[tuple[str, str | None]], pictures: Sequence[int] | None = None
    ) -> list[tuple[str, bool]]:
        """The pieces of `chat_prompt` in order, each with whether the model has to say it (an answer and its end).

        Without a picture, as in some training data, nothing is said about one. Arguments and errors: `chat_prompt`.
        """

    def chat_prompt(self, rounds: Sequence[tuple[str, str | None]], pictures: Sequence[int] | None = None) -> str:
        """The dialogue as the family writes it: the picture stands before the first question.

        Args:
            rounds: questions and answers. The last answer may be None: the prompt then ends where the answer begins.
                Otherwise it ends in `end`.
            pictures: for each round how many pictures had been shown by then; None for one from the first round on. A
                picture stands before the first question after it.

        Raises:
            ValueError: if there is no round, or if an answer other than the last is None.
        """
        return "".join(text for text, _ in self.chat_parts(rounds, pictures))

    def tokenize(self, prompt: str) -> list[int]:
        """The ids of a prompt: the pieces between `marks` are tokenised each by itself, BOS in front only."""
        return self.tokenize_with_ends(prompt)[0]

    def tokenize_with_ends(self, prompt: str) -> tuple[list[int], list[int]]:
        """Ids, and for each the position in `prompt` of the last character that it stands for (-1: of none)."""
        ids, ends, start = [self.tokenizer.bos_token_id], [-1], 0
        for piece in re.split(f"({'|'.join(map(re.escape, self.marks))})", prompt):
            if piece in self.marks:
                ids += self.marks[piece]
                ends += [start + len(piece) - 1] * len(self.marks[piece])
            else:
                # What a user types is text: "</s>" or "<unk>" in it must not become the token of that name.
                encoded = self.tokenizer(
                    piece, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
                )
                ids += encoded["input_ids"]
                ends += [start + end - 1 for _, end in encoded["offset_mapping"]]
            start += len(piece)
        return ids, ends

    def tokenize_with_answers(
        self, rounds: Sequence[tuple[str, str]], has_picture: bool = True
    ) -> tuple[list[int], list[int]]:
        """Ids of a closed dialogue, and labels that are -100 but on the answers and the `end` of each.

        The ids are those of `tokenize(chat_prompt(rounds))`, so that training sees what the chat shows. A token belongs
        to an answer if its last character does.

        Raises:
            ValueError: if an answer is None.
        """
        if any(answer is None for _, answer in rounds):
            raise ValueError("Every round needs an answer to learn from; one of them is None.")
        parts = self.chat_parts(rounds, None if has_picture else [0] * len(rounds))
        is_answer = [learnt for text, learnt in parts for _ in text]
        ids, ends = self.tokenize_with_ends("".join(text for text, _ in parts))
        labels = [token if end >= 0 and is_answer[end] else -100 for token, end in zip(ids, ends, strict=True)]
        return ids, labels

    def padded(self, prompts: Sequence[str]) -> BatchFeature:
        """Prompts -> input_ids and attention_mask [B, T], left-padded."""
        rows = [self.tokenize(prompt) for prompt in prompts]
        length = max(map(len, rows))
        # Padding is masked; the end token is only there because some id must be.
        pad = self.tokenizer.eos_token_id
        return BatchFeature(
            {
                "input_ids": torch.tensor([[pad] * (length - len(row)) + row for row in rows]),
                "attention_mask": torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows]),
            }
        )


def check_rounds(rounds: Sequence[tuple[str, str | None]]) -> None:
    """Raises ValueError if there is no round, or if an answer other than the last is None."""
    if not rounds:
        raise ValueError("A dialogue needs at least one round; got none.")
    for number, (_, answer) in enumerate(rounds[:-1]):
        if answer is None:
            raise ValueError(f"Round {number} of {len(rounds)} has no answer; only the last round may be open.")
