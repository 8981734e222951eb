import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor, Blip2Config, LlamaForCausalLM

import artgpt4
from artgpt4 import convert as convert_module
from artgpt4.convert import ConversionError, convert, find, main, model_config
from artgpt4.minigpt4 import chat_prompt, stage2_prompt
from tests.tiny import tiny_config

REFERENCE = Path(__file__).parent / "reference"
EXPECTED = json.loads((REFERENCE / "expected.json").read_text())
TENSORS = load_file(REFERENCE / "expected.safetensors")
PICTURES = TENSORS["pixel_values"]
FILES = {
    "vision": str(REFERENCE / "eva_vit_g.pth"),
    "qformer": str(REFERENCE / "blip2_pretrained_flant5xxl.pth"),
    "llm": str(REFERENCE / "vicuna"),
    "adapter": str(REFERENCE / "ArtGPT-4.pth"),
    "dims": str(REFERENCE / "dims.json"),
    "dtype": "float32",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    convert(**FILES, out=folder)
    return folder


@pytest.fixture(scope="module")
def chat(folder):
    return artgpt4.load(str(folder / "artgpt4"), device="cpu", dtype="float32")


def close(actual: torch.Tensor, name: str) -> None:
    torch.testing.assert_close(actual, TENSORS[name], rtol=0, atol=1e-5)


def base_of(folder: Path) -> dict[str, torch.Tensor]:
    weights = {}
    for file in (folder / "minigpt4").glob("*.safetensors"):
        weights |= load_file(file)
    return weights


def same_base(folder: Path, other: Path) -> bool:
    ours, theirs = base_of(folder), base_of(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


# The original's numbers


def test_vision_hidden_states_are_the_originals(chat):
    with torch.no_grad():
        close(chat.model.vision_model(PICTURES).last_hidden_state, "vision_hidden")


def test_projected_queries_are_the_originals(chat):
    with torch.no_grad():
        close(chat.model.language_projection(chat.model.encode_picture(PICTURES)), "image_embeds")


@pytest.mark.parametrize("turn", [1, 2])
def test_chat_round_is_the_originals(chat, turn):
    expected = EXPECTED["turns"][turn - 1]
    prompt = chat_prompt(list(zip(EXPECTED["questions"], [*EXPECTED["answers"][: turn - 1], None], strict=False)))
    assert prompt == expected["prompt"]
    batch = chat.processor(images=[], text=prompt) | {"pixel_values": PICTURES[:1]}
    embeds = chat.model.embed(batch["input_ids"], chat.model.encode_picture(PICTURES[:1]))
    assert embeds.shape[1] == expected["n_prompt_embeds"]
    with torch.no_grad():
        close(embeds[0].sum(-1), f"turn{turn}_embeds_sum")
        close(chat.model(**batch).logits[0, -1], f"turn{turn}_last_logits")
    # The original's generate puts a BOS in front of the answer.
    greedy = chat.model.generate(**batch, do_sample=False, max_new_tokens=24)
    assert greedy[0].tolist() == expected["greedy_ids"][1:]
    beam = chat.model.generate(**batch, do_sample=False, num_beams=3, max_new_tokens=len(expected["beam3_ids"]) - 1)
    assert beam[0].tolist() == expected["beam3_ids"][1:]


def training_batch(processor, prompt: list[int]) -> dict[str, torch.Tensor]:
    answers = [
        processor.tokenizer(answer + "###", add_special_tokens=False)["input_ids"] for answer in EXPECTED["answers"]
    ]
    length = len(prompt) + max(map(len, answers))
    rows = [(prompt + answer, [-100] * len(prompt) + answer) for answer in answers]
    return {
        "pixel_values": PICTURES,
        "input_ids": torch.tensor([ids + [2] * (length - len(ids)) for ids, _ in rows]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (length - len(ids)) for ids, _ in rows]),
        "labels": torch.tensor([labels + [-100] * (length - len(labels)) for _, labels in rows]),
    }


def test_stage1_loss_is_the_originals(chat):
    prompt = [chat.processor.tokenizer.bos_token_id] + [chat.processor.image_token_id] * 8
    with torch.no_grad():
        close(chat.model(**training_batch(chat.processor, prompt)).loss, "stage1_loss")


def test_stage2_loss_and_gradients_are_the_originals(folder):
    processor = AutoProcessor.from_pretrained(folder / "minigpt4")
    base = AutoModelForImageTextToText.from_pretrained(folder / "minigpt4")
    model = PeftModel.from_pretrained(base, folder / "artgpt4", is_trainable=True).eval()
    assert model.get_nb_trainable_parameters()[0] == EXPECTED["trainable_parameters"] == 13264
    prompt = processor.tokenize(stage2_prompt("Describe this image in detail."))
    loss = model(**training_batch(processor, prompt)).loss
    close(loss.detach(), "stage2_loss")
    loss.backward()
    norms = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            for ours, theirs in (
                ("base_model.model.", ""),
                ("language_model.", "llama_model."),
                ("language_projection.modules_to_save.", "llama_proj."),
                ("mlp.image_adapter_norm", "post_attention_layernorm"),
                ("input_layernorm.image_adapter_norm", "input_layernorm"),
                ("mlp.image_adapter_", "self_attn.1."),
                (".default", ""),
                ("llama_proj.default", "llama_proj"),
            ):
                name = name.replace(ours, theirs)
            norms[name] = parameter.grad.norm().item()
    assert norms == pytest.approx(EXPECTED["grad_norms"], rel=1e-4)


def test_disable_adapter_gives_the_published_vicuna(chat):
    vicuna = LlamaForCausalLM.from_pretrained(REFERENCE / "vicuna").eval()
    input_ids = torch.tensor([chat.processor.tokenize("What is this?")])
    with torch.no_grad():
        expected = vicuna(input_ids).logits
        assert not torch.allclose(chat.model(input_ids).logits, expected, atol=1e-2)
        with chat.model.disable_adapter():
            assert torch.equal(chat.model(input_ids).logits, expected)


def test_base_folder_is_the_published_vicuna(chat, folder):
    base = artgpt4.load(str(folder / "minigpt4"), device="cpu", dtype="float32").model
    batch = chat.processor(images=[], text=chat_prompt([("Why?", None)])) | {"pixel_values": PICTURES[:1]}
    with torch.no_grad(), chat.model.disable_adapter():
        assert torch.equal(chat.model(**batch).logits, base(**batch).logits)


# Layouts


def save(weights: dict, file: Path, **kwargs) -> str:
    torch.save(weights, file, **kwargs)
    return str(file)


def blip2_folder(folder: Path, base: Path) -> str:
    """The reference's vision tower and Q-Former as transformers stores a BLIP-2, another language model behind them."""
    folder.mkdir()
    weights = {name: w for name, w in base_of(base).items() if not name.startswith("language_")}
    weights["language_model.model.decoder.embed_tokens.weight"] = torch.zeros(3, 2)
    weights["language_projection.weight"] = torch.zeros(7, 32)
    names = sorted(weights)
    for number, part in enumerate((names[::2], names[1::2]), 1):
        save_file({name: weights[name] for name in part}, folder / f"model-0000{number}-of-00002.safetensors")
    return str(folder)


def test_blip2_in_transformers_format_gives_the_same_base(folder, tmp_path):
    blip2 = blip2_folder(tmp_path / "blip2", folder)
    convert(**FILES | {"vision": blip2, "qformer": blip2}, out=tmp_path / "both")
    assert same_base(tmp_path / "both", folder)
    convert(**FILES | {"vision": blip2}, out=tmp_path / "vision")
    assert same_base(tmp_path / "vision", folder)
    convert(**FILES | {"qformer": blip2}, out=tmp_path / "qformer")
    assert same_base(tmp_path / "qformer", folder)


def test_what_published_files_carry_besides_is_left_out(folder, tmp_path):
    eva = torch.load(FILES["vision"], weights_only=True)
    eva |= {"norm.weight": torch.ones(48), "head.weight": torch.ones(10, 48), "blocks.4.norm1.weight": torch.ones(48)}
    blip2 = torch.load(FILES["qformer"], weights_only=True)["model"]
    blip2 |= {
        "t5_proj.weight": torch.ones(7, 32),
        "Qformer.cls.predictions.bias": torch.ones(5),
        "Qformer.bert.embeddings.word_embeddings.weight": torch.ones(5, 32),
        "Qformer.bert.encoder.layer.0.intermediate.dense.weight": torch.ones(64, 32),
    }
    vicuna = tmp_path / "vicuna"
    shutil.copytree(FILES["llm"], vicuna)
    llm = torch.load(vicuna / "pytorch_model.bin", weights_only=True)
    save(llm | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(8)}, vicuna / "pytorch_model.bin")
    files = {
        "vision": save(eva, tmp_path / "eva.pth"),
        "qformer": save({"model": blip2}, tmp_path / "blip2.pth"),
        "llm": str(vicuna),
    }
    convert(**FILES | files, out=tmp_path / "out")
    assert same_base(tmp_path / "out", folder)


def test_optimiser_state_is_ignored(folder, tmp_path):
    checkpoint = torch.load(FILES["adapter"], weights_only=True)
    checkpoint |= {"optimizer": {"state": {0: {"exp_avg": torch.ones(1000)}}}, "epoch": 3, "config": {"lr": 1e-4}}
    adapter = save(checkpoint, tmp_path / "ArtGPT-4.pth")
    convert(**FILES | {"adapter": adapter}, out=tmp_path / "out")
    written = load_file(tmp_path / "out" / "artgpt4" / "adapter_model.safetensors")
    expected = load_file(folder / "artgpt4" / "adapter_model.safetensors")
    assert written.keys() == expected.keys()
    assert all(torch.equal(written[name], expected[name]) for name in expected)


def test_checkpoints_in_torchs_old_format_are_read(folder, tmp_path):
    eva = torch.load(FILES["vision"], weights_only=True)
    vision = save(eva, tmp_path / "eva.pth", _use_new_zipfile_serialization=False)
    convert(**FILES | {"vision": vision}, out=tmp_path / "out")
    assert same_base(tmp_path / "out", folder)


def test_projection_of_minigpt4_goes_into_the_base_and_not_into_the_adapter(folder, tmp_path):
    theirs = {"llama_proj.weight": torch.randn(64, 32), "llama_proj.bias": torch.randn(64)}
    projection = save({"model": theirs}, tmp_path / "pretrained_minigpt4.pth")
    convert(**FILES, projection=projection, out=tmp_path / "out")
    base = base_of(tmp_path / "out")
    assert torch.equal(base["language_projection.weight"], theirs["llama_proj.weight"])
    assert torch.equal(base["language_projection.bias"], theirs["llama_proj.bias"])
    adapter = load_file(tmp_path / "out" / "artgpt4" / "adapter_model.safetensors")
    published = torch.load(FILES["adapter"], weights_only=True)["model"]
    assert torch.equal(adapter["base_model.model.language_projection.weight"], published["llama_proj.weight"])


def test_without_an_adapter_only_the_base_is_written(tmp_path):
    projection = save({"llama_proj.weight": torch.ones(64, 32), "llama_proj.bias": torch.ones(64)}, tmp_path / "p.pth")
    convert(**FILES | {"adapter": None, "projection": projection}, out=tmp_path / "out")
    assert os.listdir(tmp_path / "out") == ["minigpt4"]


@pytest.mark.parametrize("added_tokens", [0, 1])
def test_delta_is_added_to_llama(folder, tmp_path, added_tokens):
    # Vicuna v0's delta has a row more than LLaMA, for its padding token; FastChat adds it to zeros.
    vicuna = torch.load(REFERENCE / "vicuna" / "pytorch_model.bin", weights_only=True)
    torch.manual_seed(0)
    delta = {name: torch.randint(-8, 8, tensor.shape).float() for name, tensor in vicuna.items()}
    llama = {name: tensor - delta[name] for name, tensor in vicuna.items()}
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        llama[name] = llama[name][: 512 - added_tokens].clone()
        delta[name][512 - added_tokens :] = vicuna[name][512 - added_tokens :]
    names = sorted(vicuna)
    for kind, weights, parts in (("llama", llama, 2), ("delta", delta, 3)):
        shutil.copytree(REFERENCE / "vicuna", tmp_path / kind)
        (tmp_path / kind / "pytorch_model.bin").unlink()
        for number in range(parts):
            file = tmp_path / kind / f"pytorch_model-0000{number + 1}-of-0000{parts}.bin"
            save({name: weights[name] for name in names[number::parts]}, file)
    convert(**FILES | {"llm": str(tmp_path / "llama")}, delta=str(tmp_path / "delta"), out=tmp_path / "out")
    written, expected = base_of(tmp_path / "out"), base_of(folder)
    assert written.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(written[name], expected[name], rtol=0, atol=2e-6)


def test_dtype_is_the_bases_alone(tmp_path):
    convert(**FILES | {"dtype": "bfloat16"}, out=tmp_path)
    assert {tensor.dtype for tensor in base_of(tmp_path).values()} == {torch.bfloat16}
    adapter = load_file(tmp_path / "artgpt4" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in adapter.values()} == {torch.float32}
    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "minigpt4")
    assert model.dtype == torch.bfloat16


def test_shards_hold_what_one_file_would(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(convert_module, "SHARD_BYTES", 200_000)
    convert(**FILES, out=tmp_path)
    shards = sorted((tmp_path / "minigpt4").glob("*.safetensors"))
    assert len(shards) > 5
    assert all(shard.stat().st_size < 250_000 for shard in shards)
    assert same_base(tmp_path, folder)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "minigpt4")
    assert all(torch.equal(tensor, base_of(folder)[name]) for name, tensor in model.state_dict().items())


def test_sizes_default_to_the_published_ones(tmp_path):
    state = {"model": {"Qformer.bert.encoder.layer.0.intermediate_query.dense.weight": torch.zeros(3072, 768)}}
    qformer = Path(save(state, tmp_path / "blip2.pth"))
    tokenizer = convert_module.llama_tokenizer(REFERENCE / "vicuna")
    config = model_config({}, qformer, REFERENCE / "vicuna", tokenizer)
    published = Blip2Config()
    assert config.num_query_tokens == published.num_query_tokens == 32
    assert config.vision_config.to_dict() == published.vision_config.to_dict()
    assert config.qformer_config.to_dict() == published.qformer_config.to_dict()
    vision = config.vision_config
    assert (vision.hidden_size, vision.num_hidden_layers, vision.intermediate_size) == (1408, 39, 6144)


def test_written_folders_name_no_path_of_this_machine(folder):
    for file in folder.rglob("*.json"):
        assert str(REFERENCE) not in file.read_text(), file
    adapter = json.loads((folder / "artgpt4" / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == "../minigpt4"


# Sources


def test_files_come_from_the_hub(folder, tmp_path, monkeypatch):
    asked = []

    def hf_hub_download(repo, file):
        asked.append((repo, file))
        return str(REFERENCE / file)

    def snapshot_download(repo, allow_patterns):
        asked.append((repo, allow_patterns))
        return FILES["llm"]

    monkeypatch.setattr(convert_module, "hf_hub_download", hf_hub_download)
    monkeypatch.setattr(convert_module, "snapshot_download", snapshot_download)
    monkeypatch.setattr(convert_module, "list_repo_files", lambda repo: ["config.json", "pytorch_model.bin"])
    hub = {"vision": "hf://someone/weights/eva_vit_g.pth", "llm": "lmsys/vicuna"}
    convert(**FILES | hub, out=tmp_path)
    assert same_base(tmp_path, folder)
    assert asked == [
        ("someone/weights", "eva_vit_g.pth"),
        ("lmsys/vicuna", ["*.json", "*.model", "*.bin"]),
    ]


def test_pickled_weights_are_not_fetched_where_safe_ones_are(monkeypatch):
    asked = []
    monkeypatch.setattr(convert_module, "list_repo_files", lambda repo: ["model.safetensors", "pytorch_model.bin"])
    monkeypatch.setattr(convert_module, "snapshot_download", lambda repo, allow_patterns: asked.append(allow_patterns))
    with pytest.raises(TypeError):
        find("someone/model")
    assert asked == [["*.json", "*.model", "*.safetensors"]]


@pytest.mark.parametrize("source", ["nowhere.pth", "folder/nowhere.pth", "a/b/c/d"])
def test_source_that_is_nothing_is_said(source):
    with pytest.raises(ConversionError, match=f"{source} is no file, no folder and no Hub id"):
        find(source)


def test_hub_failure_is_said(monkeypatch):
    def refuse(repo, file):
        raise OSError("401 Client Error")

    monkeypatch.setattr(convert_module, "hf_hub_download", refuse)
    with pytest.raises(ConversionError, match="hf://a/b/c.pth could not be fetched from the Hub: 401"):
        find("hf://a/b/c.pth")


# Refusals


def test_everything_that_is_wrong_is_listed_and_nothing_written(tmp_path):
    eva = torch.load(FILES["vision"], weights_only=True)
    del eva["blocks.2.attn.v_bias"]
    eva["blocks.0.attn.rel_pos"] = torch.ones(3)
    blip2 = torch.load(FILES["qformer"], weights_only=True)["model"]
    blip2["query_tokens"] = torch.ones(1, 9, 32)
    adapter = torch.load(FILES["adapter"], weights_only=True)["model"]
    del adapter["llama_model.model.layers.3.self_attn.1.up.bias"]
    adapter["llama_model.model.layers.1.input_layernorm.weight"] = torch.ones(64)
    files = {
        "vision": save(eva, tmp_path / "eva.pth"),
        "qformer": save({"model": blip2}, tmp_path / "blip2.pth"),
        "adapter": save({"model": adapter}, tmp_path / "art.pth"),
    }
    with pytest.raises(ConversionError) as caught:
        convert(**FILES | files, out=tmp_path / "out")
    lines = {" ".join(line.split()) for line in str(caught.value).splitlines()[1:]}
    layers = "base_model.model.language_model.model.layers"
    assert lines == {
        "missing vision_model.encoder.layers.2.self_attn.qkv.bias [144]",
        f"unexpected vision_model.encoder.layers.0.self_attn.rel_pos [3] in {tmp_path}/eva.pth",
        f"misshapen query_tokens: [1, 9, 32] in {tmp_path}/blip2.pth, should be [1, 8, 32]",
        f"missing {layers}.3.mlp.image_adapter_up.bias [64]",
        f"unexpected {layers}.1.input_layernorm.image_adapter_norm.weight [64] in {tmp_path}/art.pth",
    }
    assert not (tmp_path / "out").exists()


class Malicious:
    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("argument", ["vision", "qformer", "adapter", "projection"])
def test_malicious_pickle_is_refused_and_not_run(tmp_path, argument, zipped):
    mark = tmp_path / "executed"
    checkpoint = {"model": {"llama_proj.weight": Malicious(f"touch {mark}")}}
    file = save(checkpoint, tmp_path / "evil.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ConversionError, match="evil.pth holds something other than weights"):
        convert(**FILES | {argument: file}, out=tmp_path / "out")
    assert not mark.exists()
    assert not (tmp_path / "out").exists()
    # The file would have run its command had it been opened without care.
    if not zipped:
        torch.load(file, weights_only=False)
        assert mark.exists()


def test_malicious_pickle_in_the_language_model_is_refused(tmp_path):
    mark = tmp_path / "executed"
    shutil.copytree(REFERENCE / "vicuna", tmp_path / "vicuna")
    (tmp_path / "vicuna" / "pytorch_model.bin").write_bytes(pickle.dumps(Malicious(f"touch {mark}")))
    with pytest.raises(ConversionError, match="holds something other than weights"):
        convert(**FILES | {"llm": str(tmp_path / "vicuna")}, out=tmp_path / "out")
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut off"])
def test_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "eva.pth").write_bytes(content)
    with pytest.raises(ConversionError, match="eva.pth holds something other than weights, or is damaged"):
        convert(**FILES | {"vision": str(tmp_path / "eva.pth")}, out=tmp_path / "out")


def test_existing_folders_are_not_overwritten(tmp_path):
    (tmp_path / "artgpt4").mkdir()
    with pytest.raises(ConversionError, match="artgpt4 exist already. Remove them or give another --out"):
        convert(**FILES, out=tmp_path)
    assert os.listdir(tmp_path) == ["artgpt4"]


def test_base_without_a_projection_is_refused(tmp_path):
    with pytest.raises(ConversionError, match="give --projection or --adapter"):
        convert(**FILES | {"adapter": None}, out=tmp_path / "out")


def test_interrupted_conversion_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(convert_module, "write_shard", interrupt)
    with pytest.raises(KeyboardInterrupt):
        convert(**FILES, out=tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_command_line_says_what_is_wrong_in_words(tmp_path):
    arguments = [f"--{name}={value}" for name, value in FILES.items() if name != "vision"]
    with pytest.raises(SystemExit, match="^Not converted. nowhere.pth is no file"):
        main([*arguments, "--vision=nowhere.pth", f"--out={tmp_path}"])


# Memory

MEASURE = """
import sys, threading, psutil
from artgpt4 import convert
convert.SHARD_BYTES = 10_000_000
seen, done = [psutil.Process().memory_info().rss], threading.Event()

def watch():
    while not done.wait(0.002):
        seen.append(psutil.Process().memory_info().rss)

watcher = threading.Thread(target=watch)
watcher.start()
convert.convert(*sys.argv[1:5], projection=sys.argv[5], dims=sys.argv[6])
done.set()
watcher.join()
print(max(seen) - seen[0])
"""


def test_peak_memory_is_a_shard_in_and_two_out(tmp_path):
    # Ten input shards of 17 MB each; an output shard of 10 MB is held as tensors and as bytes.
    text = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 10, "vocab_size": 512}
    config = tiny_config(**text).text_config
    shutil.copytree(REFERENCE / "vicuna", tmp_path / "llm")
    (tmp_path / "llm" / "pytorch_model.bin").unlink()
    config.save_pretrained(tmp_path / "llm")
    with torch.device("meta"):
        names = LlamaForCausalLM(config).state_dict()
    for layer in range(10):
        mine = {name for name in names if f".layers.{layer}." in name or (layer == 0 and ".layers." not in name)}
        weights = {name: torch.ones(names[name].shape) for name in mine}
        save(weights, tmp_path / "llm" / f"pytorch_model-{layer + 1:05}-of-00010.bin")
    projection = {"llama_proj.weight": torch.ones(512, 32), "llama_proj.bias": torch.ones(512)}
    projection = save(projection, tmp_path / "projection.pth")
    arguments = [FILES["vision"], FILES["qformer"], str(tmp_path / "llm"), str(tmp_path / "out")]
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments, projection, FILES["dims"]],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    peak = int(measured.stdout)
    total = sum(file.stat().st_size for file in (tmp_path / "llm").glob("*.bin"))
    assert total > 165_000_000
    assert peak < 17_000_000 + 2 * 10_000_000 + 40_000_000 < total / 2
