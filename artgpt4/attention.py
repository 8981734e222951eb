"""Where the model looked: the attention of an answer's tokens, led back through the Q-Former onto the picture.

The language model never sees the picture, only the Q-Former's queries. What a token took from each query (its attention
over them, the mean of all layers and heads) is composed with what that query took from each patch (its cross-attention,
the mean likewise), as attention is rolled out in Abnar and Zuidema (2020, arXiv:2005.00928), without the residuals.
It tells where the model looked, and not why it said what it said (Jain and Wallace, 2019, arXiv:1902.10186).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from artgpt4.chat import ChatError, Conversation
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration
from artgpt4.neutralise import neutralise


@dataclass(frozen=True)
class AnswerAttention:
    """Where a model looked while it said an answer.

    Attributes:
        text: the answer.
        ends: [T] for each token of it, where in `text` it ends; it begins where the one before it ends.
        maps: [T, rows, columns] share of its attention that each token gave to each patch; every map sums to 1.
    """

    text: str
    ends: list[int]
    maps: torch.Tensor

    def over(self, start: int = 0, end: int | None = None) -> torch.Tensor:
        """[rows, columns] mean map of the tokens that have a part in `text[start:end]`.

        Raises:
            ValueError: no token has.
        """
        end = len(self.text) if end is None else end
        starts = [0, *self.ends[:-1]]
        spans = zip(starts, self.ends, strict=True)
        inside = [i for i, (first, last) in enumerate(spans) if first < end and start < last]
        if not inside:
            raise ValueError(f"Nothing was said from character {start} to {end} of an answer of {len(self.text)}.")
        return self.maps[inside].mean(0)


def answer_attention(conversation: Conversation, index: int = -1) -> AnswerAttention:
    """Where the model looked while it said the answer of round `index` (from 0; -1: the last).

    It takes one more pass over the picture and one over the dialogue up to that answer.

    Raises:
        ChatError: the conversation is closed, there is no such round or nothing was answered in it, the model is no
            MiniGPT-4, or there is not enough memory.
    """
    model, rounds = conversation.model, conversation.rounds
    if not isinstance(model.base, MiniGPT4ForConditionalGeneration):
        raise ChatError("no_attention", "Where the model looked can be told of MiniGPT-4 models only, not of this one.")
    queries = conversation.query_output
    if not -len(rounds) <= index < len(rounds) or not rounds[index].answer:
        raise ChatError("no_round", "There is no answer yet to look at. Ask a question first.")
    index %= len(rounds)
    asked = rounds[rounds[index].left_out : index + 1]
    dialogue = [(round.question, neutralise(round.answer).strip()) for round in asked]
    prompt, text = model.processor.chat_prompt(dialogue, [round.pictures for round in asked]), dialogue[-1][1]
    before = len(prompt) - len(model.processor.end) - len(text)
    ids, ends = model.processor.tokenize_with_ends(prompt)
    said = [place for place, end in enumerate(ends) if before <= end < before + len(text)]
    pixel_values = model.processor.pixel_values([conversation.picture]).to(model.device, model.dtype)

    def compute() -> torch.Tensor:
        over_patches = query_attention(model.base, pixel_values)[0]
        over_queries = token_attention(model.base, ids, queries[: asked[-1].pictures], said)
        over_queries = over_queries[:, : over_patches.shape[0]]  # of further pictures it says nothing
        return over_queries @ over_patches.flatten(1)

    with model.lock:
        maps = model.with_memory(compute).cpu()
    rows = round(maps.shape[1] ** 0.5)
    return AnswerAttention(text, [ends[place] + 1 - before for place in said], maps.view(len(said), rows, -1))


@torch.inference_mode()
def query_attention(base: PreTrainedModel, pixel_values: torch.Tensor) -> torch.Tensor:
    """[B, 3, S, S] pixel values -> [B, queries, rows, columns]: the share of each patch in what each query took in.

    The mean of all cross-attention layers and heads. The tower's class token is no place in the picture: it is left
    out, and the rest is scaled to sum to 1.
    """
    hidden_states = base.vision_model(pixel_values=pixel_values).last_hidden_state
    queries = base.query_tokens.expand(len(pixel_values), -1, -1)
    with _showing_attention(base.qformer):
        layers = base.qformer(
            query_embeds=queries, encoder_hidden_states=hidden_states, output_attentions=True
        ).cross_attentions
    patches = torch.stack([layer.float() for layer in layers]).mean((0, 2))[..., 1:]
    side = base.config.vision_config.image_size // base.config.vision_config.patch_size
    return (patches / patches.sum(-1, keepdim=True)).unflatten(-1, (side, side))


@torch.inference_mode()
def token_attention(
    base: PreTrainedModel, ids: list[int], query_output: torch.Tensor, places: list[int]
) -> torch.Tensor:
    """[len(places), queries]: the share of each query in what the tokens at `places` took from the picture.

    A token is chosen at the place before its own: it is that place's attention. The mean of all layers and heads, over
    the picture's queries alone, scaled to sum to 1.

    Args:
        ids: a prompt with one picture, and behind it what was said.
        query_output: [1, queries, qformer hidden] from `encode_picture`.
    """
    tokens = torch.tensor([ids], device=query_output.device)
    is_query = (tokens[0] == base.config.image_token_id).nonzero()[:, 0]
    chosen_at = torch.tensor(places, device=tokens.device) - 1
    layers: list[torch.Tensor] = []

    def keep(module, arguments, output) -> None:  # all layers' whole maps at once would be as large as a KV cache
        layers.append(output[1][0].float().mean(0)[chosen_at][:, is_query])

    hooks = [layer.self_attn.register_forward_hook(keep) for layer in base.language_model.model.layers]
    try:
        with _showing_attention(base.language_model):
            base.language_model(inputs_embeds=base.embed(tokens, query_output), use_cache=False, logits_to_keep=1)
    finally:
        for hook in hooks:
            hook.remove()
    shares = torch.stack(layers).mean(0)
    return shares / shares.sum(-1, keepdim=True)


@contextmanager
def _showing_attention(model: PreTrainedModel) -> Iterator[None]:
    """Fused attention never holds its weights: within this block the model computes them one by one."""
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(usual)
