"""Where the model looked, against transformers' own `output_attentions` on the toy-sized reference."""

from pathlib import Path

import pytest
import torch

from artgpt4.attention import AnswerAttention, answer_attention, importance, query_attention, token_attention
from artgpt4.chat import ChatError
from artgpt4.loading import load
from artgpt4.minigpt4 import chat_prompt

PICTURE = Path(__file__).parent / "reference" / "picture.png"
QUESTIONS = ["What is in this picture?", "And what does it make you feel?"]


@pytest.fixture(scope="module")
def model(converted_reference):
    return load(str(converted_reference), device="cpu")


@pytest.fixture
def conversation(model):
    conversation = model.start(PICTURE)
    for question in QUESTIONS:
        list(conversation.ask(question, temperature=0, max_new_tokens=12))
    yield conversation
    conversation.close()


@pytest.fixture
def eager(converted_reference):
    """The same model as transformers runs it when asked for its attention from the start."""
    model = load(str(converted_reference), device="cpu").base
    model.set_attn_implementation("eager")
    return model


def test_every_map_sums_to_one(conversation):
    attention = answer_attention(conversation)
    assert attention.maps.shape[1:] == (4, 4) and len(attention.maps) == len(attention.ends)
    torch.testing.assert_close(attention.maps.sum((1, 2)), torch.ones(len(attention.maps)))
    torch.testing.assert_close(attention.over().sum(), torch.tensor(1.0))
    assert (attention.maps >= 0).all()


@torch.inference_mode()
def test_queries_look_where_output_attentions_says(model, eager, conversation):
    pixel_values = model.processor.pixel_values([conversation.picture])
    layers = eager.qformer(
        query_embeds=eager.query_tokens,
        encoder_hidden_states=eager.vision_model(pixel_values=pixel_values).last_hidden_state,
        output_attentions=True,
    ).cross_attentions
    assert len(layers) == 2  # every second layer of four
    patches = sum(layer[0].mean(0) for layer in layers)[:, 1:]
    expected = patches / patches.sum(-1, keepdim=True)
    torch.testing.assert_close(query_attention(model.base, pixel_values)[0].flatten(1), expected)


@torch.inference_mode()
def test_tokens_look_at_the_queries_as_output_attentions_says(model, eager, conversation):
    rounds = [(round.question, round.answer) for round in conversation.rounds]
    ids = model.processor.tokenize(chat_prompt(rounds))
    places = [len(ids) - 9, len(ids) - 6]
    found = token_attention(model.base, ids, conversation.query_output, places)
    embeds = eager.embed(torch.tensor([ids]), conversation.query_output)
    layers = eager.language_model(inputs_embeds=embeds, output_attentions=True).attentions
    mean = torch.stack(layers).mean((0, 2))[0]
    is_query = torch.tensor(ids) == model.base.config.image_token_id
    for row, place in zip(found, places, strict=True):
        expected = mean[place - 1][is_query]
        torch.testing.assert_close(row, expected / expected.sum())


def test_an_answers_map_is_the_two_composed(model, conversation):
    attention = answer_attention(conversation, 1)
    dialogue = [(round.question, round.answer) for round in conversation.rounds]
    ids = model.processor.tokenize(chat_prompt(dialogue))
    end = len(ids)
    while "#" in model.processor.tokenizer.decode(ids[end - 1]):  # what ends the answer is no part of it
        end -= 1
    pixel_values = model.processor.pixel_values([conversation.picture])
    over_patches = query_attention(model.base, pixel_values)[0]
    for place in (end - 1, end - 3):
        (over_queries,) = token_attention(model.base, ids, conversation.query_output, [place])
        expected = torch.einsum("q,qrc->rc", over_queries, over_patches)
        torch.testing.assert_close(attention.maps[place - end], expected)


def test_importance_is_the_gradient_through_the_whole_model(model, conversation):
    attention = answer_attention(conversation, 1)
    found = importance(conversation, 1, 0, attention.ends[1])  # the first two tokens
    ids = model.processor.tokenize(chat_prompt([(round.question, round.answer) for round in conversation.rounds]))
    end = len(ids)
    while "#" in model.processor.tokenizer.decode(ids[end - 1]):
        end -= 1
    first = end - len(attention.ends)
    towers = []

    def keep(module, arguments, output):
        towers.append(output.last_hidden_state.requires_grad_())

    hook = model.base.vision_model.register_forward_hook(keep)
    pixel_values = model.processor.pixel_values([conversation.picture])
    logits = model.model(input_ids=torch.tensor([ids]), pixel_values=pixel_values).logits[0].log_softmax(-1)
    hook.remove()
    said = logits[first - 1, ids[first]] + logits[first, ids[first + 1]]
    (gradient,) = torch.autograd.grad(said, towers)
    torch.testing.assert_close(found.flatten(), gradient[0, 1:].norm(dim=-1), rtol=1e-3, atol=1e-7)
    assert not torch.allclose(found, importance(conversation, 1, 0, attention.ends[0]))
    with pytest.raises(ValueError, match="Nothing was said"):
        importance(conversation, 1, len(attention.text), len(attention.text))


def test_looking_changes_nothing_in_what_is_said_next(model, conversation):
    other = model.start(PICTURE)
    for question in QUESTIONS:
        list(other.ask(question, temperature=0, max_new_tokens=12))
    answer_attention(conversation)
    importance(conversation, 1, 0, 4)
    assert model.base.language_model.config._attn_implementation != "eager"
    said = [list(one.ask("Why?", temperature=0, max_new_tokens=12)) for one in (conversation, other)]
    assert said[0] == said[1]


def test_tokens_cover_the_answer_and_a_word_has_its_own_map(conversation):
    attention = answer_attention(conversation, 0)
    assert attention.text == conversation.rounds[0].answer
    assert attention.ends == sorted(attention.ends) and attention.ends[-1] == len(attention.text)
    first = attention.over(0, attention.ends[0])
    torch.testing.assert_close(first, attention.maps[0])
    assert not torch.allclose(first, attention.over())


def test_a_span_takes_every_token_that_has_a_part_in_it():
    maps = torch.eye(3).view(3, 1, 3)
    attention = AnswerAttention("red sun", [3, 5, 7], maps)
    torch.testing.assert_close(attention.over(4, 7), torch.tensor([[0, 0.5, 0.5]]))
    torch.testing.assert_close(attention.over(0, 1), torch.tensor([[1.0, 0, 0]]))
    with pytest.raises(ValueError, match="Nothing was said"):
        attention.over(7, 7)


def test_without_an_answer_there_is_nothing_to_look_at(model, conversation):
    for index in (2, -3):
        with pytest.raises(ChatError, match="no answer yet"):
            answer_attention(conversation, index)
    conversation.close()
    with pytest.raises(ChatError, match="closed"):
        answer_attention(conversation)
