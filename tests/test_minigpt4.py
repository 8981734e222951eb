from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, DynamicCache, PreTrainedTokenizerFast
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from artgpt4.convert import llama_tokenizer
from artgpt4.minigpt4 import (
    IMAGE,
    IMAGE_TOKEN_ID,
    MiniGPT4Config,
    MiniGPT4ForConditionalGeneration,
    MiniGPT4Processor,
    chat_prompt,
    stage2_prompt,
)
from tests.tiny import tiny_batch, tiny_config, tiny_model

REFERENCE = Path(__file__).parent / "reference"
SENTENCEPIECE = sentencepiece.SentencePieceProcessor(str(REFERENCE / "vicuna" / "tokenizer.model"))
TOKENIZER = llama_tokenizer(REFERENCE / "vicuna")
PROCESSOR = MiniGPT4Processor(BlipImageProcessorPil(size={"height": 56, "width": 56}), TOKENIZER, 8)

# What users type, and what could be taken for something else.
TEXT = st.text() | st.lists(
    st.sampled_from(
        ["###", "Human:", "<s>", "</s>", "<unk>", "<Img>", "</Img>", "<0x0A>", "▁", " ", "\n", "a", "é", "漢"]
    )
).map("".join)


def ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


# Prompts


def test_prompts_are_the_originals():
    assert chat_prompt([("Why?", "So.\n"), ("And?", None)]) == (
        "Give the following image: <Img>ImageContent</Img>. "
        "You will be able to see the image once I provide it to you. Please answer my questions."
        "###Human: <Img><ImageHere></Img> Why?###Assistant: So.\n###Human: And?###Assistant:"
    )
    assert chat_prompt([("Why?", "So.")]).endswith("###Human: <Img><ImageHere></Img> Why?###Assistant: So.###")
    assert stage2_prompt("Look.") == "###Human: <Img><ImageHere></Img> Look. ###Assistant: "


def test_dialogue_without_rounds_or_with_a_hole_is_refused():
    with pytest.raises(ValueError, match="at least one round"):
        chat_prompt([])
    with pytest.raises(ValueError, match="Round 0 of 2 has no answer"):
        chat_prompt([("a", None), ("b", "c")])


# Tokens


@given(TEXT)
def test_tokens_are_sentencepieces(text):
    # sentencepiece itself reads a text up to its first NUL through this binding.
    text = text.replace("\0", "")
    assert ids(TOKENIZER, text) == SENTENCEPIECE.encode(text)


@pytest.fixture(scope="module")
def tokenizer_with_symbols(tmp_path_factory):
    """A vocabulary with user-defined symbols, and with the parts of "<s>" and "</s>" as pieces that could be merged."""
    folder = tmp_path_factory.mktemp("tokenizer")
    model = BytesIO()
    words = [
        "what is this",
        "a<s> b</s> c<unk> s> /s> <s </s",
        "the light falls on the water",
        "###Human: ###Assistant:",
    ]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words * 200),
        model_writer=model,
        model_type="bpe",
        vocab_size=340,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        user_defined_symbols=["###", "Human:"],
        minloglevel=2,
        hard_vocab_limit=False,
    )
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    return llama_tokenizer(folder), sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


@given(text=TEXT)
def test_user_defined_symbols_are_cut_as_sentencepiece_cuts_them(tokenizer_with_symbols, text):
    tokenizer, reference = tokenizer_with_symbols
    text = text.replace("\0", "")
    # The one text that differs, by the dummy space (see `llama_tokenizer`).
    expected = reference.encode(text)[1:] if text in ("###", "Human:") else reference.encode(text)
    assert ids(tokenizer, text) == expected


def test_saved_tokenizer_gives_the_same_ids(tmp_path, tokenizer_with_symbols):
    for number, tokenizer in enumerate((TOKENIZER, tokenizer_with_symbols[0])):
        processor = MiniGPT4Processor(PROCESSOR.image_processor, tokenizer, 8)
        processor.save_pretrained(tmp_path / str(number))
        loaded = AutoProcessor.from_pretrained(tmp_path / str(number))
        assert type(loaded) is MiniGPT4Processor
        assert loaded.num_query_tokens == 8
        prompt = chat_prompt([(" ###Human: a<s> <unk> é", "  b")])
        assert loaded.tokenize(prompt) == processor.tokenize(prompt)


def test_prompt_is_tokenised_in_two_pieces_around_the_picture():
    before, after = "###Human: <Img>", "</Img> What?###Assistant:"
    expected = [1, *SENTENCEPIECE.encode(before), *[IMAGE_TOKEN_ID] * 8, *SENTENCEPIECE.encode(after)]
    assert PROCESSOR.tokenize(before + IMAGE + after) == expected
    assert PROCESSOR.tokenize("What?") == [1, *SENTENCEPIECE.encode("What?")]


def test_each_piece_around_several_pictures_is_tokenised_by_itself():
    expected = [1, *[IMAGE_TOKEN_ID] * 8, *SENTENCEPIECE.encode(" and "), *[IMAGE_TOKEN_ID] * 8]
    assert PROCESSOR.tokenize(f"{IMAGE} and {IMAGE}") == expected


def test_pictures_stand_before_the_question_that_they_were_shown_for():
    image = f"<Img>{IMAGE}</Img>"
    first = f"Human: {image} a###Assistant: b###"
    assert chat_prompt([("a", "b"), ("c", None)], [1, 2]).endswith(f"###{first}Human: {image} c###Assistant:")
    # The original's upload_img opens a turn for each picture; its ask joins the question to the last one.
    assert chat_prompt([("a", "b")], [2]).endswith(f"###Human: {image}###{first}")
    assert chat_prompt([("a", "b"), ("c", None)], [1, 1]) == chat_prompt([("a", "b"), ("c", None)])


@given(TEXT)
def test_no_text_gives_a_special_token_or_the_placeholder(text):
    tokens = PROCESSOR.tokenize(text)
    assert tokens[0] == 1
    assert not {0, 1, 2, IMAGE_TOKEN_ID} & set(tokens[1:])


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_dialogue_with_labels_has_the_prompts_ids(rounds):
    tokens, labels = PROCESSOR.tokenize_with_answers(rounds)
    assert tokens == PROCESSOR.tokenize(chat_prompt(rounds))
    assert all(label in (token, -100) for token, label in zip(tokens, labels, strict=True))


@pytest.mark.parametrize(
    "rounds",
    [
        [("What is it?", "A boat.")],
        [("What is it?", "A boat."), ("Why?", "It floats, see: ###"), ("é 漢?", "漢字 é\nand more")],
    ],
)
def test_labels_are_the_answers_and_what_ends_them(rounds):
    tokens, labels = PROCESSOR.tokenize_with_answers(rounds)
    learnt = TOKENIZER.decode([label for label in labels if label != -100])
    # A decoded text loses the space in front; inside, every answer keeps its own.
    assert f" {learnt}" == "".join(f" {answer}###" for _, answer in rounds)
    assert labels[-1] == tokens[-1]


def test_open_dialogue_has_nothing_to_learn():
    with pytest.raises(ValueError, match="Every round needs an answer"):
        PROCESSOR.tokenize_with_answers([("Why?", None)])


# Pictures


@pytest.mark.parametrize("size", [56, 224])
def test_pixel_values_are_torchvisions(size):
    processor = MiniGPT4Processor(BlipImageProcessorPil(size={"height": size, "width": size}), TOKENIZER, 8)
    with Image.open(REFERENCE / "picture.png") as picture, np.load(REFERENCE / "picture_expected.npz") as expected:
        pixel_values = processor.pixel_values([picture.convert("RGB")])
        np.testing.assert_array_equal(pixel_values.numpy(), expected[f"pixel_values_{size}"].reshape(1, 3, size, size))


def test_image_processor_of_an_installed_torchvision_is_replaced():
    class BlipImageProcessor(BlipImageProcessorPil.__bases__[0]):
        """Stands for the class of that name, which only exists where torchvision does."""

        size = {"height": 384, "width": 384}

    processor = MiniGPT4Processor(BlipImageProcessor(size={"height": 56, "width": 56}), TOKENIZER, 8)
    assert type(processor.image_processor) is BlipImageProcessorPil
    assert processor.pixel_values([Image.new("RGB", (70, 30), "red")]).shape == (1, 3, 56, 56)


def test_batch_is_padded_on_the_left():
    picture = Image.new("RGB", (70, 30), "red")
    prompts = [chat_prompt([("Why?", None)]), chat_prompt([("What do you see here?", None)])]
    batch = PROCESSOR(images=[picture, picture], text=prompts)
    rows = [PROCESSOR.tokenize(prompt) for prompt in prompts]
    assert batch["pixel_values"].shape == (2, 3, 56, 56)
    for row, input_ids, mask in zip(rows, batch["input_ids"], batch["attention_mask"], strict=True):
        assert input_ids[mask.bool()].tolist() == row
        assert mask.tolist() == [0] * (len(mask) - len(row)) + [1] * len(row)
    alone = PROCESSOR(images=picture, text=prompts[0])
    assert alone["input_ids"].tolist() == rows[:1]
    with pytest.raises(ValueError, match="Give images, text or both"):
        PROCESSOR()


# The model


def test_auto_classes_know_it(tmp_path):
    tiny_model().save_pretrained(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path)
    assert type(config) is MiniGPT4Config
    assert config.image_token_id == IMAGE_TOKEN_ID
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert type(loaded) is MiniGPT4ForConditionalGeneration
    batch = tiny_batch()
    with torch.no_grad():
        assert torch.equal(loaded(**batch).logits, tiny_model()(**batch).logits)


def test_epsilons_are_the_originals():
    model = tiny_model()
    assert model.vision_model.post_layernorm.eps == 1e-5
    assert {layer.layer_norm1.eps for layer in model.vision_model.encoder.layers} == {1e-6}


def test_fresh_queries_differ_from_each_other():
    # Alike, as BLIP-2 would start them, they would stay alike.
    queries = MiniGPT4ForConditionalGeneration(tiny_config()).query_tokens[0]
    assert len({tuple(query.tolist()) for query in queries}) == 8


def test_encoded_picture_stands_for_its_pixels():
    model, batch = tiny_model(), tiny_batch()
    with torch.no_grad():
        expected = model(**batch)
        query_output = model.encode_picture(batch.pop("pixel_values"))
        assert query_output.shape == (2, 8, 32)
        given = model(**batch, query_output=query_output)
        embeds = model.embed(batch["input_ids"], query_output)
        embedded = model(inputs_embeds=embeds, labels=batch["labels"])
    for output in (given, embedded):
        assert torch.equal(output.logits, expected.logits)
        assert torch.equal(output.loss, expected.loss)


def test_projected_queries_stand_where_the_placeholders_do():
    model, batch = tiny_model(), tiny_batch()
    with torch.no_grad():
        query_output = model.encode_picture(batch["pixel_values"])
        embeds = model.embed(batch["input_ids"], query_output)
        assert torch.equal(embeds[:, 4:12], model.language_projection(query_output))
        words = model.get_input_embeddings()(batch["input_ids"][:, 12:])
        assert torch.equal(embeds[:, 12:], words)


def test_text_without_a_picture_is_the_language_models():
    model, input_ids = tiny_model(), torch.tensor([[1, 5, 9]])
    with torch.no_grad():
        assert torch.equal(model(input_ids=input_ids).logits, model.language_model(input_ids).logits)


@pytest.mark.parametrize("pictures", [0, 1, 3])
def test_wrong_number_of_pictures_is_refused(pictures):
    batch = tiny_batch()
    pixel_values = batch["pixel_values"][:1].expand(pictures, -1, -1, -1) if pictures else None
    with pytest.raises(ValueError, match=f"16 image placeholders and there are {8 * pictures} queries"):
        tiny_model()(input_ids=batch["input_ids"], pixel_values=pixel_values)


def test_cached_round_equals_full_prefill():
    model, batch = tiny_model(), tiny_batch()
    input_ids, pixel_values = batch["input_ids"][:1], batch["pixel_values"][:1]
    with torch.no_grad():
        expected = model(input_ids=input_ids, pixel_values=pixel_values).logits[:, 14:]
        cache = DynamicCache()
        model(input_ids=input_ids[:, :14], pixel_values=pixel_values, past_key_values=cache, use_cache=True)
        later = model(input_ids=input_ids[:, 14:], past_key_values=cache, use_cache=True).logits
    torch.testing.assert_close(later, expected, rtol=0, atol=1e-5)


def test_generation_with_cache_matches_step_by_step():
    model, batch = tiny_model(), tiny_batch()
    inputs = {"input_ids": batch["input_ids"][:1], "pixel_values": batch["pixel_values"][:1]}
    generated = model.generate(**inputs, do_sample=False, max_new_tokens=6, min_new_tokens=6)
    assert generated.shape == (1, 6)
    for token in generated[0]:
        with torch.no_grad():
            scores = model(**inputs).logits[0, -1]
        scores[2] = -torch.inf  # the end token, which min_new_tokens keeps away
        assert scores.argmax() == token
        inputs["input_ids"] = torch.cat([inputs["input_ids"], token.view(1, 1)], dim=1)


def test_left_padded_rows_generate_what_they_generate_alone():
    torch.manual_seed(0)
    model = MiniGPT4ForConditionalGeneration(tiny_config(vocab_size=512)).eval()
    pictures = [Image.new("RGB", (60, 60), colour) for colour in ("red", "blue")]
    prompts = [chat_prompt([("Why?", None)]), chat_prompt([("What do you see here?", None)])]
    settings = {"do_sample": False, "max_new_tokens": 8, "min_new_tokens": 8}
    together = model.generate(**PROCESSOR(images=pictures, text=prompts), **settings)
    for picture, prompt, row in zip(pictures, prompts, together, strict=True):
        assert torch.equal(model.generate(**PROCESSOR(images=picture, text=prompt), **settings)[0], row)


def test_half_precision_needs_no_autocast():
    batch = tiny_batch()
    with torch.no_grad():
        exact = tiny_model()(**batch).logits
        for dtype in (torch.bfloat16, torch.float16):
            logits = tiny_model().to(dtype)(**batch).logits
            assert logits.dtype == dtype
            torch.testing.assert_close(logits.float(), exact, rtol=0, atol=0.05)
