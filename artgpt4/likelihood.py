"""How likely a model finds each of some answers: zero-shot classification by likelihood."""

import copy
import os
from collections.abc import Mapping, Sequence

import torch
from PIL import Image
from transformers import DynamicCache

from artgpt4.chat import ChatModel, Conversation
from artgpt4.images import open_picture
from artgpt4.neutralise import neutralise

#: Answers scored in one pass: each has its own copy of the prompt's KV cache.
_BATCH = 32


def candidate_probabilities(
    model: ChatModel | Conversation,
    picture: bytes | str | os.PathLike | Image.Image | None,
    question: str,
    candidates: Sequence[str] | Mapping[str, Sequence[str]],
) -> dict[str, float]:
    """p(candidate | picture, question) among the candidates given, by what the model would answer.

    A candidate's weight is the probability that the model's answer begins with it; with several phrasings, the sum of
    theirs. It is not divided by length: beginnings that exclude each other are disjoint events, so that their
    probabilities add up and compare as they are. (No phrasing should be the beginning of another candidate's.)

    The picture is encoded once, the prompt is read once, and the phrasings are scored in batches behind it.

    Args:
        model: the model; or a conversation, whose (first) encoded picture is used. What was said in it plays no part;
            `Conversation.about` gives one for another of its pictures.
        picture: None with a conversation.
        question: what the model is asked.
        candidates: texts that an answer may begin with; or for each label its phrasings.

    Returns:
        Probabilities that sum to 1, in the order of the candidates.

    Raises:
        PictureError: the picture cannot be used.
        ChatError: the conversation is closed, or there is not enough memory.
        ValueError: there are fewer than two candidates, one has no text, or prompt and answer are longer than the model
            reads; or a picture was given with a conversation, or none without.
    """
    phrasings = candidates if isinstance(candidates, Mapping) else {text: (text,) for text in candidates}
    if len(phrasings) < 2:
        raise ValueError(f"There must be two different candidates at least to choose between; got {list(phrasings)}.")
    for label, texts in phrasings.items():
        if not texts or not all(text.strip() for text in texts):
            raise ValueError(f"Candidate {label!r} must have a text, and none that is empty; got {list(texts)!r}.")
    elsewhere = getattr(model, "candidate_probabilities", None)
    if elsewhere:  # it does not run in this process
        return elsewhere(picture, question, phrasings)
    if isinstance(model, Conversation) != (picture is None):
        raise ValueError("Give a conversation alone, or a model and a picture.")
    labels = [label for label, texts in phrasings.items() for _ in texts]
    scores = _log_likelihoods(model, picture, question, [text for texts in phrasings.values() for text in texts])
    weights = torch.stack(
        [torch.logsumexp(scores[[index for index, of in enumerate(labels) if of == label]], 0) for label in phrasings]
    )
    return dict(zip(phrasings, weights.softmax(0).tolist(), strict=True))


@torch.inference_mode()
def _log_likelihoods(model, picture, question: str, texts: Sequence[str]) -> torch.Tensor:
    """[number of texts] log-probability in nats that the answer begins with each text, in float64 on the CPU."""
    chat_model = model.model if isinstance(model, Conversation) else model
    prompt = chat_model.processor.chat_prompt([(neutralise(question).strip(), None)])
    tokenize, base = chat_model.processor.tokenize, chat_model.base
    prefix = tokenize(prompt)
    rows = [tokenize(f"{prompt} {text.strip()}") for text in texts]
    if any(row[: len(prefix)] != prefix for row in rows):
        raise ValueError("The tokenizer joins the prompt's last piece and an answer's first; it cannot be scored.")
    longest = max(map(len, rows))
    if longest > chat_model.max_length:
        raise ValueError(
            f"Question and answer come to {longest} tokens, and the model reads {chat_model.max_length}. Shorten them."
        )
    query_output = None
    if isinstance(model, Conversation):
        query_output = model.query_output[:1]  # a conversation may have further pictures
    else:
        pixel_values = chat_model.processor.pixel_values([open_picture(picture)])
        pixel_values = pixel_values.to(chat_model.device, chat_model.dtype)

    def score() -> torch.Tensor:
        queries = base.encode_picture(pixel_values) if query_output is None else query_output
        cache = DynamicCache(config=base.config.text_config)
        ids = torch.tensor([prefix[:-1]], device=chat_model.device)
        base(inputs_embeds=base.embed(ids, queries), past_key_values=cache, logits_to_keep=1)
        parts = []
        for start in range(0, len(rows), _BATCH):
            answers = [torch.tensor(row[len(prefix) - 1 :]) for row in rows[start : start + _BATCH]]
            # What follows an answer is never looked back at, so that its padding may be anything.
            tokens = torch.nn.utils.rnn.pad_sequence(answers, batch_first=True).to(chat_model.device)
            copied = copy.deepcopy(cache)
            copied.batch_repeat_interleave(len(answers))
            logits = base(inputs_embeds=base.embed(tokens[:, :-1]), past_key_values=copied).logits
            of_tokens = logits.double().log_softmax(-1).gather(-1, tokens[:, 1:, None])[..., 0].cpu()
            lengths = torch.tensor([len(answer) - 1 for answer in answers])
            is_answer = torch.arange(of_tokens.shape[1]) < lengths[:, None]
            parts.append(of_tokens.masked_fill(~is_answer, 0).sum(1))
        return torch.cat(parts)

    with chat_model.lock:
        return chat_model.with_memory(score)
