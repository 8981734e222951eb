"""The nine emotions that ArtEmis asks its annotators to choose from (Achlioptas et al., 2021, arXiv:2101.07396)."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # this module is for everyone; only p(emotion | picture) needs torch
    from PIL import Image

    from artgpt4.chat import ChatModel, Conversation

#: ArtEmis's order: four positive, four negative, and "something else".
EMOTIONS: tuple[str, ...] = (
    "amusement",
    "awe",
    "contentment",
    "excitement",
    "anger",
    "disgust",
    "fear",
    "sadness",
    "something else",
)

#: What the emotion is asked with: answers that begin with the emotion's name come naturally.
EMOTION_QUESTION = "What does this picture make you feel?"

#: How an answer to it may begin; none of these tells one emotion from another. The first three are the embedded model's
#: own. Each counts by how likely the model is to begin like that: what it never says weighs nothing. Measured on 150
#: painted pictures of unseen seeds: right in 83.3 % (greedy answer 80.0 %); on the 100 by which they were chosen, 89 %.
EMOTION_ANSWERS: tuple[str, ...] = (
    "What it stirs most is {}",
    "What I feel most is {}",
    "What it stirs in me is {}",
    "This picture evokes {}",
    "This picture makes me feel {}",
    "I feel {}",
    "{}",
)


def emotion_probabilities(
    model: "ChatModel | Conversation", picture: "bytes | str | os.PathLike | Image.Image | None" = None
) -> dict[str, float]:
    """p(emotion | picture) over the nine, by how likely the model is to answer with each: see `likelihood`.

    The logarithms are divided by the model's `emotion_temperature`, which is 1 unless `train.calibrate` found another.

    Args:
        model: the model; or a conversation, for its (first) picture, which is not encoded again.
        picture: None with a conversation.

    Returns:
        Probabilities that sum to 1, in ArtEmis's order.

    Raises:
        PictureError: the picture cannot be used.
        ChatError: the conversation is closed, or there is not enough memory.
    """
    from artgpt4.likelihood import candidate_probabilities

    phrasings = {
        emotion: [answer.format(emotion) for answer in EMOTION_ANSWERS] + [emotion.capitalize()] for emotion in EMOTIONS
    }
    found = candidate_probabilities(model, picture, EMOTION_QUESTION, phrasings)
    temperature = getattr(model.model if picture is None else model, "emotion_temperature", 1.0)
    weights = {emotion: p ** (1 / temperature) for emotion, p in found.items()}
    total = sum(weights.values())
    return {emotion: weight / total for emotion, weight in weights.items()}
