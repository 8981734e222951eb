"""The trainer on the toy-sized reference: the original's losses and gradients, and that it learns what it should."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import artgpt4
from artgpt4.minigpt4 import MiniGPT4Processor
from train.args import AdapterArguments
from train.data import answer_sample, collate, instruction_sample
from train.loop import accelerator_for, adamw, learnt_in, token_loss, train, training_mode
from train.methods import load_model, save_model

REFERENCE = Path(__file__).parent / "reference"
EXPECTED = json.loads((REFERENCE / "expected.json").read_text())
PICTURE = Image.new("RGB", (56, 56))


@pytest.fixture(scope="module")
def folder(converted_reference):
    return converted_reference


@pytest.fixture(scope="module")
def processor(folder):
    return MiniGPT4Processor.from_pretrained(folder / "minigpt4")


def arguments(folder: Path, output: Path, **others) -> AdapterArguments:
    values = {"steps": 1, "mixed_precision": "no", "dtype": "float32", "adapter": str(folder / "artgpt4")} | others
    return AdapterArguments(output, base=str(folder / "minigpt4"), **values)


def recorded_batch(samples: list[dict], processor: MiniGPT4Processor) -> dict[str, torch.Tensor]:
    """The samples with the pixel values that the original was given."""
    pixel_values = load_file(REFERENCE / "expected.safetensors")["pixel_values"]
    return collate(samples, processor) | {"pixel_values": pixel_values}


def mean_loss(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return token_loss(model, batch)[0] / learnt_in(batch)


def originals_name(name: str) -> str:
    for ours, theirs in (
        ("base_model.model.language_model.", "llama_model."),
        ("base_model.model.language_projection.modules_to_save.default", "llama_proj"),
        ("mlp.image_adapter_norm", "post_attention_layernorm"),
        ("input_layernorm.image_adapter_norm", "input_layernorm"),
        ("mlp.image_adapter_", "self_attn.1."),
        (".default", ""),
    ):
        name = name.replace(ours, theirs)
    return name


def test_stage2_step_has_the_originals_loss_and_gradients(folder, processor, tmp_path):
    model = load_model(arguments(folder, tmp_path))
    training_mode(model)
    question = "Describe this image in detail."
    samples = [instruction_sample(PICTURE, question, answer, processor, 160) for answer in EXPECTED["answers"]]
    loss = mean_loss(model, recorded_batch(samples, processor))
    assert loss.item() == pytest.approx(EXPECTED["stage2_loss"], rel=1e-4)
    loss.backward()
    norms = {originals_name(n): p.grad.norm().item() for n, p in model.named_parameters() if p.requires_grad}
    assert norms == pytest.approx(EXPECTED["grad_norms"], rel=1e-4)


def test_stage1_step_has_the_originals_loss(folder, processor, tmp_path):
    model = load_model(arguments(folder, tmp_path))
    training_mode(model)
    # The recorded loss was taken with the end of stage 2, ###, where stage 1 writes a newline.
    samples = [answer_sample(PICTURE, "<ImageHere>", answer + "###", processor, 160) for answer in EXPECTED["answers"]]
    assert mean_loss(model, recorded_batch(samples, processor)).item() == pytest.approx(
        EXPECTED["stage1_loss"], rel=1e-4
    )


def fifty_steps(folder, processor, output, **others) -> tuple[list[float], set[str], set[str]]:
    """Losses on the same eight samples, and the names of the parameters that changed and that should have."""
    colours = ("red", "green", "blue", "white", "black", "yellow", "cyan", "magenta")
    words = ("awe", "fear", "anger", "joy", "calm", "grief", "pride", "hope")
    samples = [
        instruction_sample(Image.new("RGB", (56, 56), colour), "Why?", word, processor, 160)
        for colour, word in zip(colours, words, strict=True)
    ]
    args = arguments(folder, output, steps=50, batch_size=8, weight_decay=0.0, beta2=0.95, log_every=1, **others)
    model = load_model(args)
    before = {name: value.detach().clone() for name, value in model.state_dict().items()}
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    batch, optimizers = collate(samples, processor), [adamw(model, args)]
    save = partial(save_model, base=args.base)
    train(accelerator_for(args), model, [batch] * 50, optimizers, args, save)
    losses = [json.loads(row)["loss"] for row in (output / "log.jsonl").read_text().splitlines()]
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    # What was saved says the same as what was trained.
    chat = artgpt4.load(str(output / "final"), device="cpu", dtype="float32")
    with torch.no_grad():
        training_mode(model)
        assert mean_loss(chat.model, batch).item() == pytest.approx(mean_loss(model, batch).item(), rel=1e-4)
    return losses, changed, trained


def test_fifty_steps_learn_eight_samples_and_change_the_adapter_alone(folder, processor, tmp_path):
    # A third and not a tenth: head and last norm are random and stay so. Their norms, 0.70 and 8, let no logit rise
    # above 5.6, which among 512 tokens is a loss of 1.2 if the hidden state points exactly at the answer.
    losses, changed, trained = fifty_steps(folder, processor, tmp_path, init_lr=3e-2, min_lr=1e-3)
    assert losses[-1] < losses[0] / 3
    assert changed == trained
    assert all("image_adapter_" in name or "language_projection.modules_to_save" in name for name in trained)


def test_fifty_steps_of_the_whole_language_model_learn_eight_samples_by_heart(folder, processor, tmp_path):
    losses, changed, trained = fifty_steps(
        folder, processor, tmp_path, init_lr=1e-2, min_lr=1e-3, method="full", adapter=""
    )
    assert losses[-1] < losses[0] / 10
    assert changed == trained
    assert all(name.startswith(("language_model.", "language_projection.")) for name in trained)


def test_logits_are_computed_where_something_is_learnt_and_nowhere_else(folder, processor, tmp_path):
    model = load_model(arguments(folder, tmp_path)).eval()
    batch = collate(
        [instruction_sample(PICTURE, "Why?", answer, processor, 160) for answer in ("A", "So be it")], processor
    )
    shapes = []
    model.language_model.lm_head.register_forward_hook(lambda head, args, logits: shapes.append(tuple(logits.shape)))
    with torch.no_grad():
        loss = mean_loss(model, batch)
        everywhere = model(**{name: value for name, value in batch.items() if name != "left_out"}).loss
    assert shapes == [(int(learnt_in(batch)), 512), (*batch["input_ids"].shape, 512)]
    assert loss.item() == pytest.approx(everywhere.item(), rel=1e-5)


def test_frozen_towers_keep_their_dropout_off(folder, tmp_path):
    model = load_model(arguments(folder, tmp_path))
    assert model.config.qformer_config.hidden_dropout_prob > 0
    training_mode(model)
    assert not any(module.training for module in model.qformer.modules())
    assert not any(module.training for module in model.vision_model.modules())
    assert model.language_model.model.layers[0].training
