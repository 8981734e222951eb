"""The cache of what vision tower and Q-Former say: the same losses without them, and never from another tower."""

import json
import random
import sys

import pytest
import torch
from PIL import Image

from artgpt4.images import open_picture
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train import stage2, tokens
from train.data import Records, ShardCaptions, collate
from train.loop import learnt_in, token_loss
from train.painter.write import write_shards
from train.tokens import Tokens, chunks, make_tokens, random_crop, views_of


@pytest.fixture(scope="module")
def base(converted_reference):
    folder = converted_reference / "minigpt4"
    model = MiniGPT4ForConditionalGeneration.from_pretrained(folder).eval()
    return folder, model, MiniGPT4Processor.from_pretrained(folder)


@pytest.fixture
def align(tmp_path):
    """Six pictures in cc_sbu_align's layout; the last is none."""
    folder = tmp_path / "align"
    (folder / "image").mkdir(parents=True)
    annotations = [{"image_id": str(number), "caption": "dark " * number + "sea"} for number in range(6)]
    (folder / "filter_cap.json").write_text(json.dumps({"annotations": annotations}))
    for number in range(5):
        picture = Image.linear_gradient("L").resize((40, 30))  # not of one colour: crops would all be alike
        Image.merge(
            "RGB", (picture, picture.point(lambda value: 255 - value), Image.new("L", (40, 30), 50 * number))
        ).save(folder / "image" / f"{number}.jpg")
    (folder / "image" / "5.jpg").write_bytes(b"no picture")
    return folder


def records(align, processor) -> Records:
    return Records(stage2.read_cc_sbu_align(align), processor, 160, 0, 0, 1)


def test_cached_queries_give_the_loss_of_the_pictures_without_the_towers(base, align, tmp_path):
    _, model, processor = base
    samples = records(align, processor)
    assert make_tokens(tmp_path / "cache", samples.pictures(), model, processor) == (5, 1)
    stream = iter(samples)
    drawn = [next(stream) for _ in range(6)]
    cached = collate(drawn, processor, Tokens(tmp_path / "cache", model, processor))
    seen = collate(drawn, processor)
    assert "pixel_values" not in cached and cached["query_output"].shape == (5, 8, 32)
    assert int(cached["left_out"]) == int(seen["left_out"]) == 1
    hook = model.vision_model.register_forward_hook(lambda *args: pytest.fail("the vision tower was asked"))
    with torch.no_grad():
        loss = token_loss(model, cached)[0] / learnt_in(cached)
        hook.remove()
        expected = token_loss(model, seen)[0] / learnt_in(seen)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
        # Not by forgetting the picture: another one gives another loss.
        cached["query_output"] = cached["query_output"].roll(1, 0)
        assert (token_loss(model, cached)[0] / learnt_in(cached)).item() != pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("part", ["query_tokens", "vision_model.post_layernorm.bias", "qformer.layernorm.weight"])
def test_cache_of_another_tower_is_refused(base, align, tmp_path, part):
    folder, _, processor = base
    model = MiniGPT4ForConditionalGeneration.from_pretrained(folder)
    make_tokens(tmp_path / "cache", records(align, processor).pictures(), model, processor)
    Tokens(tmp_path / "cache", model, processor)
    with torch.no_grad():
        model.get_parameter(part).view(-1)[0] += 1
    with pytest.raises(ValueError, match="made with another vision tower"):
        Tokens(tmp_path / "cache", model, processor)


def test_missing_cache_names_the_command(base, tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m train.tokens"):
        Tokens(tmp_path / "none", *base[1:])


def test_cached_crops_are_what_the_towers_say_of_the_same_crops(base, align, tmp_path):
    _, model, processor = base
    samples = records(align, processor)
    assert make_tokens(tmp_path / "cache", samples.pictures(), model, processor, crops=3) == (5, 1)
    cache, stream = Tokens(tmp_path / "cache", model, processor, crops=3), iter(samples)
    drawn = [next(stream) for _ in range(24)]
    drawn = [sample for sample in drawn if sample["picture"].name != "5.jpg"]
    crops = [views_of(s["name"], open_picture(s["picture"]), 3)[s["draw"] % 3] for s in drawn]
    with torch.no_grad():
        cached = token_loss(model, collate(drawn, processor, cache))[0]
        uncached = collate([s | {"picture": crop} for s, crop in zip(drawn, crops, strict=True)], processor)
        assert cached.item() == pytest.approx(token_loss(model, uncached)[0].item(), rel=1e-4)
    # Every epoch draws anew; the three crops of a picture differ from each other and from the whole.
    assert len({(s["name"], s["draw"] % 3) for s in drawn}) > 5
    views = [cache.get(drawn[0]["name"], number) for number in range(3)]
    assert not torch.equal(views[0], views[1]) and not torch.equal(views[1], views[2])


@pytest.mark.parametrize("size", [(400, 300), (30, 40), (900, 100), (7, 5)])
def test_crops_lie_inside_and_have_the_published_size_and_shape(size):
    picture, rng = Image.new("RGB", size), random.Random(1)
    for _ in range(200):
        width, height = random_crop(picture, rng).size
        assert width <= size[0] and height <= size[1] and width > 0 and height > 0
        if size == (400, 300):
            assert 0.49 < width * height / (400 * 300) <= 1 and 0.74 < width / height < 1.35


@pytest.mark.parametrize(("made", "asked"), [(0, 2), (2, 0), (2, 3)])
def test_cache_of_another_number_of_crops_is_refused(base, align, tmp_path, made, asked):
    _, model, processor = base
    make_tokens(tmp_path / "cache", records(align, processor).pictures(), model, processor, made)
    with pytest.raises(ValueError, match=f"made with token_crops={made}, this run has {asked}"):
        Tokens(tmp_path / "cache", model, processor, asked)


def test_stage2_trains_on_the_cache_as_on_the_pictures(base, align, tmp_path, monkeypatch, capsys):
    common = [f"base={base[0]}", f"cc_sbu_align={align}", "steps=3", "batch_size=2", "log_every=1", "init_lr=1e-2"]
    common += ["mixed_precision=no", "dtype=float32"]
    cache = f"token_cache={tmp_path / 'cache'}"
    tokens.main(["stage2", *common, f"output={tmp_path}", cache])
    assert "5 pictures in" in capsys.readouterr().out
    losses = []
    for name, words in (("cached", [cache]), ("seen", [])):
        monkeypatch.setattr(sys, "argv", ["stage2", *common, f"output={tmp_path / name}", *words])
        stage2.main()
        rows = (tmp_path / name / "log.jsonl").read_text().splitlines()
        losses.append([json.loads(row)["loss"] for row in rows])
    assert len(losses[0]) == 3 and losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_shards_are_cached_under_the_names_that_samples_carry(base, tmp_path):
    _, model, processor = base
    write_shards(tmp_path / "shards", 5, seed=3)
    samples = ShardCaptions(str(tmp_path / "shards" / "*.tar"), processor, 32, 0, 0, 1)
    assert make_tokens(tmp_path / "cache", samples.pictures(), model, processor) == (5, 0)
    cache, stream = Tokens(tmp_path / "cache", model, processor), iter(samples)
    drawn = [next(stream) for _ in range(8)]
    assert all(cache.get(sample["name"]) is not None for sample in drawn)
    with torch.no_grad():
        expected = model.encode_picture(collate(drawn[:1], processor)["pixel_values"])[0]
    torch.testing.assert_close(cache.get(drawn[0]["name"]), expected, rtol=1e-3, atol=1e-3)


def test_tokens_command_wants_a_stage_and_a_folder(tmp_path, base):
    with pytest.raises(SystemExit, match="stage1 or stage2"):
        tokens.main(["stage3"])
    with pytest.raises(SystemExit, match="token_cache= is missing"):
        tokens.main(["stage1", f"base={base[0]}", "shards=x", "steps=1", f"output={tmp_path}"])


def test_chunks_keep_everything():
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
