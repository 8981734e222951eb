"""Training: arguments, readers, batches, and that a run changes exactly what it should."""

import json
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaTokenizer

from artgpt4.loading import load
from artgpt4.minigpt4 import IMAGE, chat_prompt
from train import base as train_base
from train import stage2
from train.args import ArgumentErrors, TrainingArguments, parse
from train.base import (
    FACT_WEIGHT,
    SHIFT,
    UNNAMED,
    Base,
    build_model,
    fact_weights,
    shown,
    varied,
    varied_or_unnamed,
    with_targets,
)
from train.checkpoints import save_whole
from train.data import (
    ShardCaptions,
    bucketed,
    caption_sample,
    collate,
    dialogue_sample,
    endless_order,
    read_cc_sbu_align,
    read_llava_instruct,
)
from train.evaluate_mini import agree, chance, named, palette_f1
from train.loop import accelerator_for, learning_rate, token_loss, train
from train.pace import Pace
from train.painter import sample_painting
from train.painter.measure import measure_pixels
from train.painter.vocabulary import UNKNOWN
from train.painter.write import DIALOGUES, write_cc_sbu_align, write_shards
from train.stage2 import Stage2Arguments


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """A few paintings in both published layouts."""
    folder = tmp_path_factory.mktemp("painted")
    write_shards(folder / "shards", 20, seed=3)
    write_cc_sbu_align(folder / "cc_sbu_align", 16, seed=4)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory, mini_folder):
    """A fresh untrained base on the embedded model's own tokenizer, and its folder."""
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    tokenizer = LlamaTokenizer.from_pretrained(mini_folder / "minigpt4")
    model, processor = build_model(tokenizer, image_size=56)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder, processor


# --- arguments ---


def test_every_bad_argument_is_reported_at_once(tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text("steps: 0\nbatch_size: many\nlerning_rate: 1\n")
    with pytest.raises(ArgumentErrors) as error:
        parse(Stage2Arguments, ["--config", str(config), f"llava={tmp_path}/none.json", "beta2=2"])
    for word in ("batch_size='many'", "lerning_rate", "output= is missing"):
        assert word in str(error.value)
    config.write_text("steps: 0\noutput: somewhere\n")
    with pytest.raises(ArgumentErrors) as error:
        parse(Stage2Arguments, ["--config", str(config), f"llava={tmp_path}/none.json", "beta2=2"])
    for word in ("steps=0", "beta2=2.0", "none.json does not exist", "base= is missing", "images= is missing"):
        assert word in str(error.value)


def test_words_override_the_file_and_take_its_types(tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text("steps: 10\noutput: a\ninit_lr: 1e-4\n")
    args = parse(TrainingArguments, ["--config", str(config), "steps=20", "min_lr=8e-7"])
    assert (args.steps, args.init_lr, args.min_lr) == (20, 1e-4, 8e-7)


def test_schedule_is_lavis_linear_warmup_then_cosine(tmp_path):
    args = TrainingArguments(tmp_path, steps=100, init_lr=1e-4, min_lr=8e-5, warmup_lr=1e-6, warmup_steps=10)
    assert learning_rate(args, 0) == pytest.approx(1e-6)
    assert learning_rate(args, 5) == pytest.approx((1e-6 + 1e-4) / 2)
    assert learning_rate(args, 50) == pytest.approx(9e-5)
    assert learning_rate(args, 100) == pytest.approx(8e-5)


# --- readers and batches ---


def test_shards_give_captions_without_a_prompt(painted, base):
    _, processor = base
    shards = ShardCaptions(str(painted / "shards" / "*.tar"), processor, 32, seed=0, rank=0, world_size=1)
    sample = next(iter(shards))
    learnt = [token for token in sample["labels"] if token != -100]
    assert 0 < len(learnt) <= 32
    picture_places = sample["input_ids"].count(processor.image_token_id)
    assert picture_places == processor.num_query_tokens
    assert len(sample["input_ids"]) == 1 + picture_places + len(learnt)


def test_missing_shards_name_the_pattern(base):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        ShardCaptions("nowhere/*.tar", base[1], 32, seed=0, rank=0, world_size=1)


def test_cc_sbu_align_and_llava_records_name_existing_pictures(painted):
    folder = painted / "cc_sbu_align"
    captions = read_cc_sbu_align(folder)
    dialogues = read_llava_instruct(folder / "dialogues.json", folder / "image")
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    unknown = sum(of_picture["subject"] == UNKNOWN for of_picture in facts.values())  # twice as much is said of these
    assert (len(captions), len(dialogues)) == (16, (16 + unknown) * DIALOGUES)
    for picture, rounds in captions + dialogues:
        assert picture.is_file()
        assert all(answer and "<image>" not in (question or "") for question, answer in rounds)


def test_llava_turns_that_do_not_alternate_are_named(tmp_path):
    turns = [{"from": "gpt", "value": "a"}, {"from": "human", "value": "b"}]
    (tmp_path / "bad.json").write_text(json.dumps([{"id": "x7", "conversations": turns}]))
    with pytest.raises(ValueError, match="x7"):
        read_llava_instruct(tmp_path / "bad.json", tmp_path)


def test_image_mark_may_stand_behind_the_text(tmp_path):
    turns = [{"from": "human", "value": "Describe it.\n<image>"}, {"from": "gpt", "value": "A sea."}]
    (tmp_path / "a.json").write_text(json.dumps([{"id": 1, "image": "1.jpg", "conversations": turns}]))
    assert read_llava_instruct(tmp_path / "a.json", tmp_path) == [(tmp_path / "1.jpg", [("Describe it.", "A sea.")])]


def test_dialogue_learns_the_answers_and_their_ends_alone(base):
    _, processor = base
    rounds = [("What does it show?", "The open sea."), ("Why?", "It is blue.")]
    sample = dialogue_sample(None, rounds, processor)
    assert sample["input_ids"] == processor.tokenize(chat_prompt(rounds))
    learnt = processor.tokenizer.decode([token for token in sample["labels"] if token != -100])
    assert learnt == "The open sea.### It is blue.###"


def test_processes_share_an_epoch_without_overlap():
    parts = [[next(order)[0] for _ in range(5)] for order in (endless_order(10, 1, part, 2) for part in (0, 1))]
    assert sorted(parts[0] + parts[1]) == list(range(10))


def test_buckets_keep_every_sample_and_group_lengths():
    samples = [{"input_ids": [0] * (i * 7 % 64)} for i in range(64)]
    batches = list(bucketed(samples, 4, seed=0))
    assert sorted(len(s["input_ids"]) for batch in batches for s in batch) == sorted(i * 7 % 64 for i in range(64))
    assert max(max(len(s["input_ids"]) for s in b) - min(len(s["input_ids"]) for s in b) for b in batches) <= 4


def test_unreadable_picture_is_left_out_and_said(base, tmp_path, caplog):
    _, processor = base
    good = tmp_path / "good.png"
    Image.new("RGB", (30, 30), "red").save(good)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    samples = [caption_sample(tmp_path / name, "Red.", processor, 32) for name in ("bad.png", "good.png")]
    batch = collate(samples, processor)
    assert len(batch["input_ids"]) == len(batch["pixel_values"]) == 1
    assert "left out" in caplog.text


def test_text_without_a_picture_trains_beside_pictures(base, tmp_path):
    folder, processor = base
    model, _ = build_model(processor.tokenizer, image_size=56)
    rounds = [("What is blue?", "A colour.")]
    with_picture = dialogue_sample(Image.new("RGB", (30, 30)), rounds, processor)
    ids = processor.tokenizer("Blue is a colour.").input_ids
    text = {"picture": None, "input_ids": ids, "labels": ids}
    together, _ = token_loss(model, collate([with_picture, text], processor))
    apart = sum(token_loss(model, collate([sample], processor))[0] for sample in (with_picture, text))
    assert together.item() == pytest.approx(apart.item(), rel=1e-4)


# --- runs ---


def run_stage2(monkeypatch, base, painted, output, *words: str) -> None:
    folder = painted / "cc_sbu_align"
    words = (f"base={base[0]}", f"llava={folder / 'dialogues.json'}", f"images={folder / 'image'}", *words)
    words = (f"output={output}", "batch_size=4", "mixed_precision=no", "dtype=float32", "log_every=1", *words)
    monkeypatch.setattr(sys, "argv", ["stage2", *words])
    stage2.main()


def test_stage2_changes_the_adapter_and_nothing_else(monkeypatch, base, painted, tmp_path):
    before = load_file(base[0] / "model.safetensors")
    run_stage2(monkeypatch, base, painted, tmp_path / "run", "steps=2", "init_lr=1e-2", "min_lr=1e-2")
    assert all(torch.equal(value, before[name]) for name, value in load_file(base[0] / "model.safetensors").items())
    saved = load_file(tmp_path / "run" / "final" / "adapter_model.safetensors")
    trained = ("image_adapter_down.", "image_adapter_up.", "image_adapter_norm.", "language_projection.")
    assert all(any(part in name for part in trained) for name in saved)
    assert all(any(part in name for name in saved) for part in trained)
    assert any(value.abs().max() > 0 for name, value in saved.items() if "image_adapter_up.weight" in name)
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert (tmp_path / "run" / "loss.png").stat().st_size > 1000


def test_accumulation_weighs_tokens_and_not_batches(base, tmp_path):
    # The two halves of the batch have other numbers of answer tokens; the step must be that of the whole batch.
    _, processor = base
    rounds = [[("What is it?", "Red.")], [("What is it?", "A tall dark tree beside a calm and silver river.")]]
    samples = [dialogue_sample(Image.new("RGB", (56, 56), "teal"), of_sample, processor) for of_sample in rounds]
    stepped = []
    for name, batches in (("whole", [samples]), ("halves", [[samples[0]], [samples[1]]])):
        args = TrainingArguments(
            tmp_path / name, steps=1, gradient_accumulation=len(batches), init_lr=0.1, mixed_precision="no"
        )
        torch.manual_seed(0)
        model, _ = build_model(processor.tokenizer, image_size=56)
        collated = [collate(batch, processor) for batch in batches]
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        train(accelerator_for(args), model, collated, [sgd], args, save=lambda model, folder: None)
        stepped.append(model.language_model.model.layers[0].mlp.up_proj.weight.detach().clone())
    torch.testing.assert_close(stepped[0], stepped[1], rtol=1e-5, atol=1e-7)


def test_pace_counts_the_operations_of_forward_and_backward(tmp_path):
    args = TrainingArguments(tmp_path, steps=10, batch_size=2, mixed_precision="no")
    pace, layer = Pace(accelerator_for(args), args, start=0), torch.nn.Linear(8, 4, bias=False)
    batch = {"input_ids": torch.zeros(2, 5)}
    for _ in range(2):
        with pace.of_batch(batch):
            layer(torch.ones(10, 8)).sum().backward()
    # Forward, and the gradient of the weights; the input needs none.
    assert pace.operations * 10 == 2 * (2 * 10 * 8 * 4)
    pace.tokens = 6
    figures = pace.figures(step=2)
    assert pace.places == 20 and figures["seconds_left"] >= 0 and figures["samples_per_s"] > 0


def test_a_broken_save_leaves_the_old_checkpoint(tmp_path):
    save_whole(lambda folder: (folder / "a").write_text("old"), tmp_path / "final")

    def break_off(folder):
        (folder / "a").write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError):
        save_whole(break_off, tmp_path / "final")
    assert (tmp_path / "final" / "a").read_text() == "old"


def test_bad_arguments_end_the_script_before_it_loads_anything():
    done = subprocess.run(
        [sys.executable, "-m", "train.stage1", "steps=-1", "output=x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "steps=-1" in done.stderr and "shards= is missing" in done.stderr and "Traceback" not in done.stderr


def test_base_is_of_the_size_it_says(base):
    model, _ = build_model(base[1].tokenizer, image_size=112)
    assert 10e6 < sum(parameter.numel() for parameter in model.parameters()) < 16e6
    assert isinstance(model.config.text_config, LlamaConfig)
    assert model.query_tokens.std() > 0.01 and model.vision_model.embeddings.patch_embedding.weight.std() > 0.001
    assert IMAGE not in base[1].tokenizer.get_vocab()


def test_base_trains_its_legs_and_goes_on_behind_those_that_are_done(monkeypatch, painted, mini_folder, tmp_path):
    words = [f"shards={painted / 'shards'}", f"tokenizer={mini_folder / 'minigpt4'}", f"output={tmp_path / 'base'}"]
    words += [
        "vision_steps=2",
        "mirrored_steps=2",
        "text_steps=2",
        "talk_steps=2",
        "steps=11",
        "batch_size=2",
        "image_size=56",
        "mixed_precision=no",
    ]
    monkeypatch.setattr(sys, "argv", ["base", *words, "mixed_precision=no", "log_every=1"])
    train_base.main()
    rows = {
        leg: [json.loads(line) for line in (tmp_path / "base" / leg / "log.jsonl").read_text().splitlines()]
        for leg in ("vision", "mirrored", "text", "captions", "talk")
    }
    assert [len(of_leg) for of_leg in rows.values()] == [2, 2, 2, 11, 2]
    assert "subject_right" in rows["vision"][0] and "text_loss" in rows["text"][0]
    # Every fifth batch with captions is text alone.
    assert ["caption_loss" in row for row in rows["captions"]] == [number not in (3, 8) for number in range(11)]
    before, after = (
        torch.load(tmp_path / "base" / leg / "final" / "base.pt", weights_only=True) for leg in ("captions", "talk")
    )
    changed = {name.split(".")[1] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"language_model", "language_projection"}
    base = load(str(tmp_path / "base" / "minigpt4"))
    learnt = after["model.language_projection.weight"].to(torch.bfloat16).float()
    assert torch.equal(base.base.language_projection.weight, learnt)
    # It sees; what it would say after two steps is anybody's guess.
    base.start(Image.new("RGB", (60, 60), "teal")).close()

    logs = {leg: (tmp_path / "base" / leg / "log.jsonl").read_bytes() for leg in rows}
    train_base.main()
    assert logs == {leg: (tmp_path / "base" / leg / "log.jsonl").read_bytes() for leg in rows}


def test_the_words_of_facts_weigh_more_than_those_around_them(mini_folder):
    tokenizer = LlamaTokenizer.from_pretrained(mini_folder / "minigpt4")
    weights = fact_weights(tokenizer)
    told = tokenizer("It is a dark picture: grey and blue, in watercolour. No", add_special_tokens=False).input_ids
    heavy = {tokenizer.decode([i]) for i in told if weights[i] == FACT_WEIGHT}
    assert heavy == {"dark", "grey", "blue", "watercolour", "No"}
    assert all(weights[i] == 1 for i in told if tokenizer.decode([i]) not in heavy)


def test_two_answers_agree_if_each_names_what_the_other_names_first():
    open_ = named("It evokes perhaps fear or sadness, I cannot say. It comes from the dark tones.", "emotion")
    assert open_ == ["fear", "sadness"] and named("It evokes fear.", "emotion") == ["fear"]
    assert agree(open_, ["sadness", "fear"]) and agree(open_, ["fear"]) and agree(["awe"], ["awe"])
    for other in (["sadness"], ["fear", "awe"][::-1], ["awe"], []):
        assert not agree(open_, other)


def test_a_text_counts_as_much_as_its_tokens_weigh(mini_folder):
    model, processor = build_model(LlamaTokenizer.from_pretrained(mini_folder / "minigpt4"), image_size=28)
    batch = collate([caption_sample(None, "It is dark and blue.", processor, max_text_tokens=20)], processor)
    picture, facts = sample_painting(3, size=28)
    batch = with_targets(batch, [picture], [facts], processor)
    weights = torch.ones(model.config.text_config.vocab_size)
    with torch.no_grad():
        loss, figures = Base(model, weights)(batch, 0.0)
        thrice, same = Base(model, 3 * weights)(batch, 0.0)
    torch.testing.assert_close(thrice, 3 * loss)
    assert same["caption_loss"] == pytest.approx(figures["caption_loss"])


def test_a_mirrored_picture_has_the_mirrored_facts():
    # The sun of the right half lies in the left half of the mirrored picture, and so do its facts.
    for number in range(40):
        image, facts = sample_painting(number)
        mirrored = facts.mirrored()
        pixels, other = measure_pixels(image), measure_pixels(np.ascontiguousarray(image[:, ::-1]))
        assert all(other[name] == pixels[name] for name in ("colours", "brightness", "warmth", "contrast"))
        for thing, turned in zip(facts.things, mirrored.things, strict=True):
            assert (thing.side, turned.side) in {("left", "right"), ("right", "left"), ("centre", "centre")}
            assert thing.name == turned.name and thing.height == turned.height
        assert mirrored.mirrored() == facts


def test_some_pictures_become_views_that_nobody_could_name():
    picture, facts = sample_painting(3, size=112)
    kinds = [varied_or_unnamed(picture, facts, random.Random(number)) for number in range(300)]
    unknown = [(view, told) for view, told in kinds if told.subject == UNKNOWN]
    assert abs(len(unknown) / 300 - UNNAMED) < 0.06
    for view, told in unknown:
        assert told.things == [] and (told.manner, told.light, told.people) == (None, None, None)
        assert measure_pixels(view)["colours"] == told.colours  # its own, not the picture's


def test_pictures_with_people_are_shown_twice():
    _, facts = sample_painting(3, size=112)
    assert shown([replace(facts, people=None), replace(facts, people="sad")]) == [0, 1, 1]


def test_a_varied_picture_is_the_same_one_but_for_a_few_pixels():
    painted = (sample_painting(number) for number in range(3, 40))
    image, facts = next((image, told) for image, told in painted if told.things != told.mirrored().things)
    picture = np.asarray(Image.fromarray(image).resize((112, 112)))
    turned = 0
    for number in range(20):
        seen, told = varied(picture, facts, random.Random(number))
        assert seen.shape == picture.shape
        assert told.colours == measure_pixels(np.ascontiguousarray(seen))["colours"]  # its own
        mirrored = told.things != facts.things
        seen = seen[:, ::-1] if mirrored else seen
        turned += mirrored
        parts = [
            np.array_equal(
                seen[SHIFT:-SHIFT, SHIFT:-SHIFT],
                picture[SHIFT + down : 112 - SHIFT + down, SHIFT + right : 112 - SHIFT + right],
            )
            for down in range(-SHIFT, SHIFT + 1)
            for right in range(-SHIFT, SHIFT + 1)
        ]
        assert any(parts)
    assert 0 < turned < 20


# --- the evaluation's own arithmetic ---


def test_chance_of_constant_answers_is_their_class_share():
    assert chance(["a"] * 4, ["a", "a", "b", "c"]) == 0.5
    assert chance(["a", "b"], ["a", "b"]) == 0.5


def test_palette_f1():
    assert palette_f1(["red", "blue"], ["blue", "red"]) == 1
    assert palette_f1(["red"], ["blue"]) == 0
    assert palette_f1(["red", "blue", "grey"], ["red"]) == 0.5
