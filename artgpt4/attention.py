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
        inside = _inside(self.ends, start, len(self.text) if end is None else end)
        return self.maps[inside].mean(0)


def answer_attention(conversation: Conversation, index: int = -1) -> AnswerAttention:
    """Where the model looked while it said the answer of round `index` (from 0; -1: the last).

    It takes one more pass over the picture and one over the dialogue up to that answer.

    Raises:
        ChatError: the conversation is closed, there is no such round or nothing was answered in it, the model is no
            MiniGPT-4, or there is not enough memory.
    """
    read = _reread(conversation, index)
    model, queries = conversation.model, conversation.query_output[: read.pictures]

    def compute() -> torch.Tensor:
        over_patches = query_attention(model.base, read.pixel_values)[0]
        over_queries = token_attention(model.base, read.ids, queries, read.places)
        over_queries = over_queries[:, : over_patches.shape[0]]  # of further pictures it says nothing
        return over_queries @ over_patches.flatten(1)

    with model.lock:
        maps = model.with_memory(compute).cpu()
    return AnswerAttention(read.text, read.ends, maps.view(len(maps), *_grid(model.base)))


def importance(conversation: Conversation, index: int, start: int, end: int) -> torch.Tensor:
    """How much each part of the (first) picture mattered for `text[start:end]` of an answer, as [rows, columns].

    The length of the gradient of those tokens' log-probability with respect to what the tower made of each patch
    (Simonyan, Vedaldi and Zisserman, 2014, arXiv:1312.6034, there of pixels). The attention of single words hardly
    differs from the whole answer's; this does, see `benchmarks.attention`.

    Args:
        index: of the round, from 0.

    Raises:
        ChatError: as `answer_attention` does.
        ValueError: nothing was said there.
    """
    read, base = _reread(conversation, index), conversation.model.base
    others = conversation.query_output[1 : read.pictures]
    chosen = _inside(read.ends, start, end)
    places = torch.tensor([read.places[i] for i in chosen], device=conversation.model.device)

    def compute() -> torch.Tensor:
        with torch.no_grad():
            patches = base.vision_model(pixel_values=read.pixel_values).last_hidden_state
        with torch.enable_grad():
            patches.requires_grad_()
            queries = base.query_tokens.expand(1, -1, -1)
            queries = base.qformer(query_embeds=queries, encoder_hidden_states=patches).last_hidden_state
            queries = torch.cat([queries.to(others.dtype), others.clone()])
            tokens = torch.tensor([read.ids], device=places.device)
            logits = base.language_model(
                inputs_embeds=base.embed(tokens, queries), use_cache=False, logits_to_keep=places - 1
            ).logits[0]
            said = logits.float().log_softmax(-1).gather(-1, tokens[0, places, None]).sum()
        return torch.autograd.grad(said, patches)[0][0, 1:].float().norm(dim=-1)

    with conversation.model.lock:
        return conversation.model.with_memory(compute).cpu().view(_grid(base))


@dataclass(frozen=True)
class _Reread:
    """An answer as the model gave it: the prompt with all up to it as `ids`, and in `places` its own tokens."""

    text: str
    ids: list[int]
    places: list[int]
    ends: list[int]  # in the text, of each of its tokens
    pictures: int
    pixel_values: torch.Tensor


def _reread(conversation: Conversation, index: int) -> _Reread:
    model, rounds = conversation.model, conversation.rounds
    conversation.query_output  # noqa: B018 raises, if it is closed or the model runs elsewhere
    if not isinstance(model.base, MiniGPT4ForConditionalGeneration):
        raise ChatError("no_attention", "Where the model looked can be told of MiniGPT-4 models only, not of this one.")
    if not -len(rounds) <= index < len(rounds) or not rounds[index].answer:
        raise ChatError("no_round", "There is no answer yet to look at. Ask a question first.")
    index %= len(rounds)
    asked = rounds[rounds[index].left_out : index + 1]
    dialogue = [(round.question, neutralise(round.answer).strip()) for round in asked]
    prompt, text = model.processor.chat_prompt(dialogue, [round.pictures for round in asked]), dialogue[-1][1]
    before = len(prompt) - len(model.processor.end) - len(text)
    ids, ends = model.processor.tokenize_with_ends(prompt)
    places = [place for place, end in enumerate(ends) if before <= end < before + len(text)]
    pixel_values = model.processor.pixel_values([conversation.picture]).to(model.device, model.dtype)
    return _Reread(text, ids, places, [ends[p] + 1 - before for p in places], asked[-1].pictures, pixel_values)


def _grid(base: PreTrainedModel) -> tuple[int, int]:
    side = base.config.vision_config.image_size // base.config.vision_config.patch_size
    return side, side


def _inside(ends: list[int], start: int, end: int) -> list[int]:
    """Which tokens, by where they end, have a part in the text from `start` to `end`. Raises ValueError: none has."""
    spans = zip([0, *ends[:-1]], ends, strict=True)
    inside = [i for i, (first, last) in enumerate(spans) if first < end and start < last]
    if not inside:
        raise ValueError(f"Nothing was said from character {start} to {end} of an answer of {ends[-1]}.")
    return inside


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
    return (patches / patches.sum(-1, keepdim=True)).unflatten(-1, _grid(base))


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
