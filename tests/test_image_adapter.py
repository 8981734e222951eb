import json

import pytest
import torch
from peft import PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    LlamaConfig,
    LlamaForCausalLM,
)

from artgpt4.image_adapter import ImageAdapterConfig, ImageAdapterMLP, ImageAdapterNorm
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration
from tests.tiny import shake, tiny_batch, tiny_config, tiny_model

BATCH = tiny_batch()


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(**BATCH).logits


def adapted(config: ImageAdapterConfig | None = None, **kwargs) -> PeftModel:
    return get_peft_model(tiny_model(), config or ImageAdapterConfig(), **kwargs).eval()


def trained(**kwargs) -> PeftModel:
    model = adapted(**kwargs)
    shake(model)
    return model


# What it computes


def test_zero_init_adapter_is_identity():
    assert torch.equal(logits(adapted()), logits(tiny_model()))


def test_fresh_up_projection_is_zero_and_down_is_not():
    model = adapted()
    ups = [module for name, module in model.named_modules() if name.endswith("image_adapter_up.default")]
    downs = [module for name, module in model.named_modules() if name.endswith("image_adapter_down.default")]
    assert len(ups) == len(downs) == 3
    assert not any(parameter.any() for up in ups for parameter in up.parameters())
    assert all(down.weight.any() for down in downs)


def test_layer_computes_the_papers_formula():
    model = trained()
    layer = model.get_base_model().language_model.model.layers[0]
    wrapped = layer.mlp
    h = torch.randn(2, 5, 64)
    down, up = wrapped.image_adapter_down["default"], wrapped.image_adapter_up["default"]
    adapted_h = h + up(torch.nn.functional.gelu(down(h)))
    expected = adapted_h + wrapped.base_layer[1](wrapped.image_adapter_norm["default"](adapted_h))
    torch.testing.assert_close(h + wrapped(layer.post_attention_layernorm(h)), expected)


def test_disable_adapter_gives_the_base_to_the_bit_and_comes_back():
    model = trained()
    with_adapter = logits(model)
    assert not torch.allclose(with_adapter, logits(tiny_model()), atol=1e-2)
    with model.disable_adapter():
        assert torch.equal(logits(model), logits(tiny_model()))
    assert torch.equal(logits(model), with_adapter)


def test_training_touches_adapters_norms_and_projection_alone():
    model = adapted().train()
    shake(model)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    model(**BATCH).loss.backward()
    optimizer.step()
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    layers = "base_model.model.language_model.model.layers"
    expected = {f"base_model.model.language_projection.modules_to_save.default.{kind}" for kind in ("weight", "bias")}
    for layer in range(3):
        expected |= {
            f"{layers}.{layer}.mlp.image_adapter_{part}.default.{kind}"
            for part in ("down", "up")
            for kind in ("weight", "bias")
        }
        expected.add(f"{layers}.{layer}.mlp.image_adapter_norm.default.weight")
    expected |= {f"{layers}.{layer}.input_layernorm.image_adapter_norm.default.weight" for layer in (0, 2)}
    assert moved == expected == {name for name, p in model.named_parameters() if p.requires_grad}


def test_forward_rebinds_no_parameter():
    model = adapted().train().to(torch.bfloat16)
    before = {name: id(parameter) for name, parameter in model.named_parameters()}
    model(**BATCH).loss.backward()
    assert {name: id(parameter) for name, parameter in model.named_parameters()} == before


def test_activation_checkpointing_changes_no_gradient():
    def gradients(checkpointing: bool) -> dict[str, torch.Tensor]:
        model = adapted().train()
        shake(model)
        if checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            assert model.get_base_model().language_model.model.layers[0].gradient_checkpointing
        model(**BATCH, use_cache=False).loss.backward()
        return {name: p.grad for name, p in model.named_parameters() if p.requires_grad}

    plain, checkpointed = gradients(False), gradients(True)
    assert all(torch.equal(plain[name], checkpointed[name]) for name in plain)


def test_decoder_compiles_into_one_graph():
    model = trained()
    decoder = model.get_base_model().language_model.model
    embeds = torch.randn(1, 6, 64)
    compiled = torch.compile(decoder, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        expected = decoder(inputs_embeds=embeds, use_cache=False).last_hidden_state
        torch.testing.assert_close(compiled(inputs_embeds=embeds, use_cache=False).last_hidden_state, expected)


# Numbers of parameters


@pytest.mark.parametrize(
    ("layers", "hidden_size", "intermediate_size", "heads", "adapters", "norms", "projection"),
    [
        pytest.param(40, 5120, 13824, 40, 524_544_000, 307_200, 3_937_280, id="13B"),
        pytest.param(32, 4096, 11008, 32, 268_599_296, 196_608, 3_149_824, id="7B"),
    ],
)
def test_trainable_counts_are_the_papers(layers, hidden_size, intermediate_size, heads, adapters, norms, projection):
    text = {"num_hidden_layers": layers, "hidden_size": hidden_size, "intermediate_size": intermediate_size}
    config = tiny_config(**text, num_attention_heads=heads, num_key_value_heads=heads, vocab_size=32000)
    config.qformer_config.hidden_size, config.qformer_config.num_attention_heads = 768, 12
    with torch.device("meta"):
        model = get_peft_model(MiniGPT4ForConditionalGeneration(config), ImageAdapterConfig())
    counts = {"adapters": 0, "norms": 0, "projection": 0}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kind = "norms" if "norm" in name else "projection" if "projection" in name else "adapters"
            counts[kind] += parameter.numel()
    assert counts == {"adapters": adapters, "norms": norms, "projection": projection}
    assert model.get_nb_trainable_parameters()[0] == adapters + norms + projection


def test_print_trainable_parameters_says_the_count(capsys):
    adapted().print_trainable_parameters()
    # 3 bottlenecks of 64 -> 16 -> 64, 3 + 2 norms, the projection 32 -> 64.
    assert f"trainable params: {3 * (64 * 16 * 2 + 16 + 64) + 5 * 64 + 33 * 64:,} " in capsys.readouterr().out


# Which layers


@pytest.mark.parametrize(
    ("config", "down", "post", "input_"),
    [
        (ImageAdapterConfig(), [0, 1, 2], [0, 1, 2], [0, 2]),
        (ImageAdapterConfig(layers=[1]), [1], [0, 1, 2], [0, 2]),
        (ImageAdapterConfig(layers="even", input_layernorm="none", post_attention_layernorm=[2]), [0, 2], [2], []),
        (ImageAdapterConfig(layers="none", input_layernorm="all"), [], [0, 1, 2], [0, 1, 2]),
    ],
)
def test_config_chooses_layers(config, down, post, input_):
    model = adapted(config)
    assert torch.equal(logits(model), logits(tiny_model()))
    found = {"down": [], "post": [], "input": []}
    for number, layer in enumerate(model.get_base_model().language_model.model.layers):
        if isinstance(layer.mlp, ImageAdapterMLP):
            found["down"] += [number] * len(layer.mlp.image_adapter_down)
            found["post"] += [number] * len(layer.mlp.image_adapter_norm)
        if isinstance(layer.input_layernorm, ImageAdapterNorm):
            found["input"].append(number)
    assert found == {"down": down, "post": post, "input": input_}


def test_vision_tower_and_qformer_carry_no_adapter():
    # Their layers have an `mlp` too.
    model = adapted().get_base_model()
    for part in (model.vision_model, model.qformer):
        assert not any(isinstance(module, (ImageAdapterMLP, ImageAdapterNorm)) for module in part.modules())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reduction_factor": 0}, "reduction_factor is 0"),
        ({"reduction_factor": 0.5}, "reduction_factor is 0.5"),
        ({"activation": "glue"}, "activation is 'glue'; give one of .*gelu"),
        ({"layers": "odd"}, "layers is 'odd'; give 'all', 'even', 'none' or a list"),
        ({"input_layernorm": [-1]}, r"input_layernorm is \[-1\]"),
        ({"layers": None}, "layers is None"),
        ({"target_modules": ["mlp"]}, "choose among them with `layers`"),
        ({"layers": "none", "input_layernorm": [], "post_attention_layernorm": "none"}, "nothing would be trained"),
    ],
)
def test_config_refuses_what_it_cannot_do(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageAdapterConfig(**arguments)


def test_layer_that_the_model_has_not_got_is_refused():
    with pytest.raises(ValueError, match="layers asks for layer 7; this model has layers 0 to 2"):
        adapted(ImageAdapterConfig(layers=[0, 7]))


def test_reduction_beyond_the_hidden_size_is_refused():
    with pytest.raises(ValueError, match="reduction_factor is 128, more than the model's hidden size 64"):
        adapted(ImageAdapterConfig(reduction_factor=128))


# Saving, several adapters, leaving


def test_saved_keys_are_exactly_the_trainable_ones(tmp_path):
    model = trained()
    model.save_pretrained(tmp_path)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    names = {name.replace(".modules_to_save.default", "").replace(".default", ""): name for name in trainable}
    assert saved.keys() == names.keys()
    assert all(torch.equal(saved[short], trainable[name]) for short, name in names.items())
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["peft_type"] == "IMAGE_ADAPTER"
    assert config["modules_to_save"] == ["language_projection"]


@pytest.mark.parametrize("low_cpu_mem_usage", [False, True])
def test_save_and_load_round_trip_is_exact(tmp_path, low_cpu_mem_usage):
    model = trained()
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(tiny_model(), tmp_path, low_cpu_mem_usage=low_cpu_mem_usage).eval()
    assert torch.equal(logits(loaded), logits(model))
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_loaded_adapter_can_be_trained_on(tmp_path):
    model = trained()
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(tiny_model(), tmp_path, is_trainable=True)
    assert {n for n, p in loaded.named_parameters() if p.requires_grad} == {
        n for n, p in model.named_parameters() if p.requires_grad
    }


def test_several_adapters_switch():
    model = trained(adapter_name="stage1")
    stage1 = logits(model)
    model.add_adapter("stage2", ImageAdapterConfig(layers=[1], input_layernorm="all"))
    assert torch.equal(logits(model), stage1)
    model.set_adapter("stage2")
    assert torch.equal(logits(model), logits(tiny_model()))
    shake(model, seed=3)
    stage2 = logits(model)
    assert not torch.allclose(stage2, stage1, atol=1e-2)
    model.set_adapter("stage1")
    assert torch.equal(logits(model), stage1)
    model.delete_adapter("stage1")
    assert torch.equal(logits(model), stage2)


def test_two_active_adapters_are_refused():
    model = adapted(ImageAdapterConfig(modules_to_save=[]))
    model.add_adapter("other", ImageAdapterConfig(modules_to_save=[]))
    with pytest.raises(ValueError, match="One image adapter can be active at a time"):
        model.base_model.set_adapter(["default", "other"])


def test_unload_leaves_the_base_as_it_was():
    base = trained().unload()
    assert type(base) is MiniGPT4ForConditionalGeneration
    assert base.state_dict().keys() == tiny_model().state_dict().keys()
    assert torch.equal(logits(base), logits(tiny_model()))


@pytest.mark.parametrize("method", ["merge_and_unload", "merge_adapter"])
def test_merging_is_refused_and_breaks_nothing(method):
    model = trained()
    before = logits(model)
    with pytest.raises(NotImplementedError, match="no base weight to merge it into. Use `unload"):  # for good
        getattr(model, method)()
    assert torch.equal(logits(model), before)


# dtypes


def test_trainable_parameters_are_fp32_and_frozen_ones_keep_the_load_dtype():
    model = get_peft_model(tiny_model().to(torch.bfloat16), ImageAdapterConfig())
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}
    assert {p.dtype for p in model.parameters() if not p.requires_grad} == {torch.bfloat16}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_dtypes_train_under_autocast(dtype):
    model = get_peft_model(tiny_model().to(dtype), ImageAdapterConfig()).train()
    shake(model)
    with torch.autocast("cpu", dtype=dtype):
        loss = model(**BATCH).loss
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.requires_grad]
    assert all(gradient.dtype == torch.float32 and gradient.any() for gradient in gradients)
    exact = trained().train()(**BATCH).loss
    torch.testing.assert_close(loss, exact, rtol=0.02, atol=0)


@pytest.mark.parametrize("autocast_adapter_dtype", [True, False])
def test_inference_needs_no_autocast(tmp_path, autocast_adapter_dtype):
    model = trained()
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(
        tiny_model().to(torch.bfloat16), tmp_path, autocast_adapter_dtype=autocast_adapter_dtype
    ).eval()
    dtypes = {torch.bfloat16, torch.float32} if autocast_adapter_dtype else {torch.bfloat16}
    assert {p.dtype for p in loaded.parameters()} == dtypes
    torch.testing.assert_close(logits(loaded).float(), logits(model), rtol=0, atol=0.05)
    with loaded.disable_adapter():
        assert torch.equal(logits(loaded), logits(tiny_model().to(torch.bfloat16)))


# Quantised bases


class Int8Linear(torch.nn.Module):
    """A weight-only 8-bit linear layer: what a quantised base looks like to an adapter, on any device."""

    def __init__(self, linear: torch.nn.Linear):
        super().__init__()
        self.register_buffer("scale", linear.weight.detach().abs().amax(dim=1, keepdim=True) / 127)
        weight = (linear.weight.detach() / self.scale).round().to(torch.int8)
        self.weight = torch.nn.Parameter(weight, requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(x, self.weight.to(x.dtype) * self.scale.to(x.dtype))


def quantise(model: MiniGPT4ForConditionalGeneration) -> MiniGPT4ForConditionalGeneration:
    for layer in model.language_model.model.layers:
        for parent in (layer.self_attn, layer.mlp):
            for name, module in parent.named_children():
                if isinstance(module, torch.nn.Linear):
                    setattr(parent, name, Int8Linear(module))
    return model


def test_adapter_goes_into_a_quantised_base_and_trains():
    model = get_peft_model(quantise(tiny_model()), ImageAdapterConfig()).eval()
    assert torch.equal(logits(model), logits(quantise(tiny_model())))
    shake(model)
    model.train()(**BATCH).loss.backward()
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert all(p.dtype == torch.float32 and p.grad.any() for p in trainable.values())
    assert trainable.keys() == {name for name, p in trained().named_parameters() if p.requires_grad}
    assert {p.dtype for name, p in model.named_parameters() if "gate_proj" in name} == {torch.int8}


def test_quantised_projection_is_refused():
    model = tiny_model()
    model.language_projection = Int8Linear(model.language_projection)
    with pytest.raises(ValueError, match=r"language_projection is quantised.*llm_int8_skip_modules"):
        get_peft_model(model, ImageAdapterConfig())


@pytest.mark.gpu
@pytest.mark.parametrize("bits", [8, 4])
def test_adapter_trains_on_a_bitsandbytes_base(tmp_path, bits):
    from transformers import BitsAndBytesConfig

    tiny_model().save_pretrained(tmp_path)
    config = BitsAndBytesConfig(
        load_in_8bit=bits == 8,
        load_in_4bit=bits == 4,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=["vision_model", "qformer", "language_projection", "lm_head"],
    )
    base = AutoModelForImageTextToText.from_pretrained(
        tmp_path, quantization_config=config, dtype=torch.bfloat16, device_map={"": 0}
    )
    batch = {name: tensor.cuda() for name, tensor in BATCH.items()}
    with torch.no_grad():
        expected = base(**batch).logits
    model = get_peft_model(base, ImageAdapterConfig())
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(**batch).logits, expected)
    shake(model)
    with torch.autocast("cuda", dtype=torch.bfloat16):
        model.train()(**batch).loss.backward()
    assert all(p.dtype == torch.float32 and p.grad.any() for p in model.parameters() if p.requires_grad)


# Other models

TEXT = {
    "vocab_size": 100,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 16,
    "pad_token_id": 0,
}


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_language_models_with_the_same_forward_are_supported(family):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **TEXT)).eval()
    input_ids = torch.arange(1, 9)[None]
    with torch.no_grad():
        expected = model(input_ids).logits
        wrapped = get_peft_model(model, ImageAdapterConfig()).eval()
        assert torch.equal(wrapped(input_ids).logits, expected)
        shake(wrapped)
        assert not torch.allclose(wrapped(input_ids).logits, expected, atol=1e-3)
    assert wrapped.peft_config["default"].modules_to_save == []


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_qwen_vision_language_models_are_supported(family):
    config = AutoConfig.for_model(family)
    config.text_config.update(TEXT | {"num_hidden_layers": 2})
    if hasattr(config.text_config, "layer_types"):
        config.text_config.layer_types = ["full_attention"] * 2
    config.vision_config.depth = 1
    with torch.device("meta"):
        model = get_peft_model(AutoModelForImageTextToText.from_config(config), ImageAdapterConfig())
    adapters = [name for name, module in model.named_modules() if isinstance(module, ImageAdapterMLP)]
    assert adapters == [f"base_model.model.model.language_model.layers.{number}.mlp" for number in range(2)]


def test_llava_trains_its_own_projector():
    config = AutoConfig.for_model("llava", text_config={"model_type": "llama"} | TEXT)
    config.vision_config.num_hidden_layers = 1
    with torch.device("meta"):
        model = get_peft_model(AutoModelForImageTextToText.from_config(config), ImageAdapterConfig())
    assert model.peft_config["default"].modules_to_save == ["multi_modal_projector"]
    trainable = [name for name, p in model.named_parameters() if p.requires_grad]
    assert any("multi_modal_projector" in name for name in trainable)
    assert not any("vision_tower" in name for name in trainable)


@pytest.mark.parametrize(
    ("family", "sizes", "layer"),
    [
        ("gpt2", {"n_embd": 32, "n_layer": 1, "n_head": 2}, None),
        (
            "opt",
            {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "ffn_dim": 32},
            "OPTDecoderLayer",
        ),
        ("gemma2", TEXT, "Gemma2DecoderLayer"),
        ("phi", TEXT, "PhiDecoderLayer"),
    ],
)
def test_other_forwards_are_refused_by_name(family, sizes, layer):
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **sizes))
    before = {name: type(module) for name, module in model.named_modules()}
    with pytest.raises(ValueError, match=f"{layer or type(model).__name__}.*Llama.*Qwen2-VL"):
        get_peft_model(model, ImageAdapterConfig())
    assert {name: type(module) for name, module in model.named_modules()} == before


def test_subclass_with_another_order_of_residuals_is_refused():
    model = LlamaForCausalLM(LlamaConfig(**TEXT))

    class ParallelDecoderLayer(type(model.model.layers[0])):
        def forward(self, hidden_states, **kwargs):
            normed = self.input_layernorm(hidden_states)
            return hidden_states + self.self_attn(hidden_states=normed, **kwargs)[0] + self.mlp(normed)

    model.model.layers[1].__class__ = ParallelDecoderLayer
    with pytest.raises(ValueError, match="cannot go into ParallelDecoderLayer"):
        get_peft_model(model, ImageAdapterConfig())
