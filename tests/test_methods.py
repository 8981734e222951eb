"""What each method trains: the parameter counts of the paper, and that `artgpt4.load` opens every result."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import artgpt4
from artgpt4.minigpt4 import MiniGPT4Config, MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from tests.tiny import tiny_config
from train import stage1, stage2
from train.args import AdapterArguments, ArgumentErrors, layer_choice, parse
from train.data import Records
from train.loop import Muon, accelerator_for, optimizers_for
from train.methods import load_model, with_method
from train.stage1 import Stage1Arguments, train_stage
from train.stage2 import Stage2Arguments

VICUNA = {
    "7B": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32},
    "13B": {"hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "num_attention_heads": 40},
}


def trained(size: str, **values) -> int:
    """How many parameters are trained on a base of this size, which is there without its weights."""
    config = MiniGPT4Config(
        vision_config=tiny_config().vision_config.to_dict(),
        text_config={"model_type": "llama", "vocab_size": 32000} | VICUNA[size],
    )
    with torch.device("meta"):
        base = MiniGPT4ForConditionalGeneration(config)
        model = with_method(base, AdapterArguments(Path("."), steps=1, **values))
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@pytest.mark.parametrize(
    ("size", "values", "printed", "count"),
    [
        ("13B", {}, 0.52, 528_788_480),
        ("7B", {}, 0.26, 271_945_728),
        ("13B", {"input_layernorm": "none"}, 0.52, 528_686_080),
        ("13B", {"input_layernorm": "all"}, 0.52, 528_890_880),
        ("13B", {"post_attention_layernorm": "none"}, 0.52, 528_583_680),
        ("13B", {"layers": "none"}, 0.0004, 4_244_480),
        ("13B", {"layers": "even"}, 0.26, 266_516_480),
        ("13B", {"layers": "0,4,8,12,16,20,24,28,32,36"}, 0.14, 135_380_480),
        ("13B", {"reduction_factor": 8 / 3}, 0.78, 790_958_080),
        ("13B", {"reduction_factor": 3.2}, 0.65, 659_873_280),
        ("13B", {"method": "projection"}, 0.003, 3_937_280),
        ("7B", {"method": "projection"}, 0.003, 3_149_824),
        ("13B", {"method": "top_layers"}, 1.58, 1_589_959_680),
        ("7B", {"method": "top_layers"}, 1.01, 1_015_066_624),
        ("13B", {"method": "full"}, 13, 13_019_801_600),
        ("7B", {"method": "full"}, 7, 6_741_565_440),
    ],
)
def test_trained_parameters_are_the_papers(size, values, printed, count):
    """To the parameter, and in billions to 5 % of what the paper prints, where that fits.

    They count adapters and leave out norms (0.0003) and projection (0.004), or cut digits off. Where they do not fit:

    - no adapters at all, 0.0004B, is norms alone: 80 of 5120 are 0.0004, the 60 that are trained 0.0003. With the
      projection, which is trained as well, it is 0.0042.
    - "Remove 1/4", 0.14B, is what a quarter of the adapters has, with the projection: three quarters are removed. A
      quarter removed would leave 0.40B.
    - "Add 1/2" and "Add 1/4", 0.78B and 0.65B, are 0.52 times 1.5 and 1.25. 40 layers have no place for more than 40
      adapters, and the paper does not say where the others are; ours are wider in proportion.
    - MiniGPT-4's projection, 0.003B for both sizes, has 0.0031B at 7B and 0.0039B at 13B.
    """
    assert trained(size, **values) == count
    billions = count / 1e9
    if values == {"layers": "none"}:
        assert billions == pytest.approx(printed + 0.0039, abs=0.0001)
    elif values == {"method": "projection"} and size == "13B":
        assert billions == pytest.approx(0.0039, abs=0.0001)
    else:
        assert billions == pytest.approx(printed, rel=0.05)


def test_lora_is_on_every_linear_layer_of_the_language_model():
    # r (in + out) for q, k, v, o (5120, 5120), gate, up and down (5120, 13824), in 40 layers; and the projection.
    per_layer = 128 * (4 * (5120 + 5120) + 3 * (5120 + 13824))
    assert trained("13B", method="lora") == 40 * per_layer + 3_937_280


def test_more_layers_than_there_are_is_refused():
    with pytest.raises(ValueError, match="top_layers=41 is more than the language model's 40 layers"):
        trained("13B", method="top_layers", top_layers=41)


@pytest.mark.parametrize(("method", "of_layers"), [("image_adapter", True), ("lora", True), ("projection", False)])
def test_muon_takes_the_matrices_of_layers_and_adamw_all_else(converted_reference, tmp_path, method, of_layers):
    args = AdapterArguments(tmp_path, 1, base=str(converted_reference / "minigpt4"), method=method, lora_rank=4)
    model = load_model(args)
    wanted = {id(parameter): name for name, parameter in model.named_parameters() if parameter.requires_grad}

    def taken(optimizer) -> set[str]:
        return {wanted[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]}

    (alone,) = optimizers_for(model, args)
    assert taken(alone) == set(wanted.values())
    adamw, *muon = optimizers_for(model, replace(args, muon_lr=1e-3))
    by_muon = {name for optimizer in muon for name in taken(optimizer)}
    assert bool(by_muon) == of_layers and taken(adamw) == set(wanted.values()) - by_muon
    assert all(".layers." in name and "norm" not in name for name in by_muon)
    assert any("language_projection" in name for name in taken(adamw))


def test_muon_moves_as_pytorchs_does_but_in_float32():
    torch.manual_seed(0)
    gradient, moved = torch.randn(24, 60), []
    for kind in (Muon, torch.optim.Muon):
        matrix = torch.nn.Parameter(torch.zeros(24, 60))
        matrix.grad = gradient.clone()
        kind([matrix], lr=1.0, weight_decay=0.0).step()
        moved.append(-matrix.detach())
    ours, theirs = moved
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0.02)
    assert not torch.equal(ours.bfloat16().float(), ours), "computed in bfloat16"
    # An odd polynomial of a matrix has its singular vectors.
    u, _, v = torch.linalg.svd(gradient, full_matrices=False)
    inside = u.T @ ours @ v.T
    torch.testing.assert_close(inside, inside.diagonal().diag(), rtol=0, atol=1e-5)
    assert inside.diagonal().min() > 0.5 and inside.diagonal().max() < 1.5


@pytest.mark.parametrize("method", ["image_adapter", "projection", "lora", "top_layers", "full"])
def test_what_a_method_trained_is_what_load_opens(converted_reference, tmp_path, method):
    base = converted_reference / "minigpt4"
    processor = MiniGPT4Processor.from_pretrained(base)
    Image.new("RGB", (56, 56), "teal").save(tmp_path / "sea.png")
    values = {"batch_size": 2, "init_lr": 1e-2, "mixed_precision": "no", "dtype": "float32", "log_every": 1}
    args = AdapterArguments(
        tmp_path / "run", steps=2, base=str(base), method=method, lora_rank=4, top_layers=2, **values
    )
    samples = Records([(tmp_path / "sea.png", [(None, "A sea.")])], processor, 160, 0, 0, 1)
    train_stage(accelerator_for(args), args, samples, processor)
    ids = {"input_ids": torch.tensor([processor.tokenize("What is this?")])}
    with torch.no_grad():
        before = artgpt4.load(str(base), device="cpu", dtype="float32").model(**ids).logits
        after = artgpt4.load(str(tmp_path / "run" / "final"), device="cpu", dtype="float32").model(**ids).logits
    # Without a picture the projection has no say.
    assert torch.equal(before, after) == (method == "projection")


@pytest.mark.parametrize(("quantization", "method"), [("4bit", "image_adapter"), ("8bit", "lora")])
def test_quantised_base_trains_what_the_whole_one_trains_and_stays(
    converted_reference, tmp_path, monkeypatch, quantization, method
):
    base, data = converted_reference / "minigpt4", tmp_path / "align"
    (data / "image").mkdir(parents=True)
    annotations = [{"image_id": colour, "caption": f"A {colour} sea."} for colour in ("teal", "navy")]
    (data / "filter_cap.json").write_text(json.dumps({"annotations": annotations}))
    for colour in ("teal", "navy"):
        Image.new("RGB", (56, 56), colour).save(data / "image" / f"{colour}.jpg")
    words = [f"base={base}", f"cc_sbu_align={data}", f"method={method}", "lora_rank=4", "steps=6", "batch_size=2"]
    words += ["init_lr=1e-2", "min_lr=1e-2", "dtype=float32", "mixed_precision=no", "log_every=1"]
    losses, frozen = {}, []

    def frozen_weights(model):
        return {name: value.clone() for name, value in model.named_parameters() if not value.requires_grad}

    def load_and_keep(args):
        model = load_model(args)
        frozen.append((model, frozen_weights(model)))
        return model

    monkeypatch.setattr(stage1, "load_model", load_and_keep)
    for name in ("none", quantization):
        monkeypatch.setattr(sys, "argv", ["stage2", *words, f"quantization={name}", f"output={tmp_path / name}"])
        stage2.main()
        losses[name] = [json.loads(row)["loss"] for row in (tmp_path / name / "log.jsonl").read_text().splitlines()]
    assert losses[quantization][0] == pytest.approx(losses["none"][0], rel=0.02)
    assert losses[quantization][-1] < 0.95 * losses[quantization][0]
    model, before = frozen[1]
    after = frozen_weights(model)
    layer = "language_model.model.layers.0.mlp." + ("base_layer.1." if method == "image_adapter" else "")
    quantised = [name for name in before if layer in name and not before[name].is_floating_point()]
    assert quantised and all(torch.equal(before[name], after[name]) for name in before)
    saved = [load_file(tmp_path / name / "final" / "adapter_model.safetensors") for name in losses]
    assert saved[0].keys() == saved[1].keys()
    # On the whole base the adapter is worth what it was trained for.
    ids = {"input_ids": torch.tensor([MiniGPT4Processor.from_pretrained(base).tokenize("A teal sea.###")])}
    chat = artgpt4.load(str(tmp_path / quantization / "final"), device="cpu", dtype="float32")
    with torch.no_grad():
        with_adapter = chat.model(**ids, labels=ids["input_ids"]).loss
        with chat.model.disable_adapter():
            without = chat.model(**ids, labels=ids["input_ids"]).loss
    assert with_adapter < without


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["quantization=2bit"], "quantization=2bit is none of none, 8bit, 4bit"),
        (["quantization=4bit", "method=full"], "method=full trains the base's own weights"),
        (["tracker=wandb"], "tracker=wandb is none of none, tensorboard, trackio"),
        (["token_crops=4"], "token_crops=4 needs token_cache="),
    ],
)
def test_options_that_do_not_go_together_are_named(words, message):
    with pytest.raises(ArgumentErrors, match=message):
        parse(Stage1Arguments, ["output=x", "steps=1", "base=b", "shards=s", *words])


@pytest.mark.parametrize(("word", "package"), [("quantization=8bit", "bitsandbytes"), ("tracker=trackio", "trackio")])
def test_optional_package_that_is_missing_is_named_with_its_command(word, package, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find_spec(name))
    with pytest.raises(ArgumentErrors, match=f"python -m pip install {package}"):
        parse(Stage1Arguments, ["output=x", "steps=1", "base=b", "shards=s", word])


def test_layer_numbers_are_read_as_yaml_and_words_give_them():
    assert layer_choice("0,4,8") == layer_choice("[0, 4, 8]") == [0, 4, 8]
    assert layer_choice("even") == "even"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("method=adapter", "method=adapter is none of image_adapter, projection"),
        ("layers=odd", "layers=odd is none of all, even, none"),
        ("resume=yes", "resume=yes is neither no nor auto"),
        ("reduction_factor=0.5", "reduction_factor=0.5 must be at least 1"),
        ("lora_dropout=1", "lora_dropout=1.0 must be at least 0 and below 1"),
    ],
)
def test_bad_method_arguments_are_named(word, message):
    with pytest.raises(ArgumentErrors, match=message):
        parse(Stage1Arguments, ["output=x", "steps=1", "base=b", "shards=s", word])


def test_whole_models_take_no_adapter():
    with pytest.raises(ArgumentErrors, match="name the folder that stage 1 wrote as base="):
        parse(Stage2Arguments, ["output=x", "steps=1", "base=b", "adapter=a", "method=full"])


CONFIGS = Path(__file__).parents[1] / "train" / "configs"


@pytest.mark.parametrize(
    "recipe", sorted([*CONFIGS.glob("*stage*.yaml"), *CONFIGS.glob("*llava*.yaml"), CONFIGS / "mini_real.yaml"])
)
def test_recipes_are_free_of_bad_arguments_but_for_data_that_is_not_here(recipe):
    kind = Stage1Arguments if "stage1" in recipe.name else Stage2Arguments
    try:
        parse(kind, ["--config", str(recipe)])
    except ArgumentErrors as errors:
        problems = str(errors).splitlines()[1:]
        assert problems and all("does not exist" in problem for problem in problems), errors
