"""A loss in which the words that tell a picture's facts weigh more than those that tell how it is put.

Which of a dozen phrasings an answer takes is free, and no picture tells: seven eighths of the loss of stage 2 of the
embedded model come from such words. Unweighted, their noise drowns what the picture has to say, as in `train.base`.
"""

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from artgpt4.emotions import EMOTIONS
from train.base import fact_weights
from train.loop import LossFunction, token_losses
from train.painter.language import feelings, words
from train.painter.vocabulary import COLOURS

#: What a word that tells a fact weighs here. With 3, as in the base, such words made up three tenths of the loss.
TOLD_WEIGHT = 5.0


def told_weights(tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """What each token weighs, [vocabulary]: the base's words of facts, and those for emotions, `TOLD_WEIGHT`.

    "No" does only where it begins an answer. "There is [no clear|a low] horizon" is a choice between it and an "a": to
    weigh it more than that would make it likelier than it is.
    """
    moods = (mood for of_emotion in feelings.MOOD.values() for mood in of_emotion)
    told = fact_weights(tokenizer, more=[*EMOTIONS, *moods]) > 1
    weights = torch.where(told, TOLD_WEIGHT, 1.0)
    for word in ("yes", "no"):
        weights[tokenizer(word, add_special_tokens=False).input_ids] = 1.0
    return weights


def told_loss(tokenizer: PreTrainedTokenizerBase) -> LossFunction:
    """`train.loop.token_loss` with `told_weights`; the plain loss in nats per token is logged as `unweighted_loss`.

    "Perhaps" weighs what the word behind it does: "perhaps awe" stands against "awe", "perhaps in ink" against "in
    ink". Else the weights would decide how often two values are left open. What stands behind a colour weighs as much
    as the colour, whatever it is: whether a comma, an "and" or a full stop says how many the picture has. And the first
    word of a tone, "of" in "of middle brightness", weighs what "dark" does: unweighted, it was not said until it was
    five times as probable, and near the border pictures of middle brightness were called dark or bright.

    Raises:
        ValueError: the tokenizer is of another language model: it cuts "perhaps" into pieces.
    """
    weights = told_weights(tokenizer)
    pieces = tokenizer("perhaps", add_special_tokens=False).input_ids
    if len(pieces) != 1:
        raise ValueError(
            "weigh_facts=true is for the embedded model, whose tokens are words: this tokenizer cuts 'perhaps' into "
            f"{len(pieces)} pieces. Leave it out, or train on a base of `train.base`"
        )
    perhaps = pieces[0]
    is_colour = torch.zeros(len(tokenizer), dtype=torch.bool)
    for name in COLOURS:
        is_colour[tokenizer(name, add_special_tokens=False).input_ids[-1]] = True

    tones = [phrase for table in (words.TONE, words.TONE_OPEN) for of in table.values() for phrase in of.values()]
    tones = [tokenizer(phrase, add_special_tokens=False).input_ids for phrase in tones]

    def compute_loss(model: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, float]]:
        losses, tokens = token_losses(model, batch)
        of_each = weights.to(tokens.device)[tokens]
        for pieces in tones:
            begins = torch.stack([tokens.roll(-k) == piece for k, piece in enumerate(pieces)]).all(0)
            of_each = torch.where(begins, TOLD_WEIGHT, of_each)
        of_each = torch.where(tokens == perhaps, of_each.roll(-1), of_each)
        of_each = torch.where(is_colour.to(tokens.device)[tokens].roll(1), TOLD_WEIGHT, of_each)
        return (losses * of_each).sum(), {"unweighted_loss": float(losses.detach().mean())}

    return compute_loss
