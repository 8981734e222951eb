"""Readers and `train.prepare` on small files in the published layouts."""

import csv
import io
import json
import tarfile
import unicodedata

import pytest
from PIL import Image
from transformers import LlamaTokenizer

from artgpt4.minigpt4 import BlipImageProcessorPil, MiniGPT4Processor
from train import prepare
from train.args import ArgumentErrors, parse
from train.data import (
    ARTEMIS_INSTRUCTIONS,
    CAPTION_INSTRUCTIONS,
    Records,
    ShardCaptions,
    collate,
    endless_order,
    loader,
    read_artemis,
    read_llava_instruct,
    read_paintingform,
)
from train.stage1 import Stage1Arguments


@pytest.fixture(scope="module")
def processor(mini_folder):
    size = {"height": 28, "width": 28}
    tokenizer = LlamaTokenizer.from_pretrained(mini_folder / "minigpt4")
    return MiniGPT4Processor(BlipImageProcessorPil(size=size), tokenizer, num_query_tokens=4)


def picture(kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(buffer, kind)
    return buffer.getvalue()


def write_shard(path, samples: list[dict[str, bytes]]) -> None:
    with tarfile.open(path, "w") as tar:
        for number, sample in enumerate(samples):
            for kind, data in sample.items():
                member = tarfile.TarInfo(f"{number:09d}.{kind}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def img2dataset_sample(caption: str, **others) -> dict[str, bytes]:
    """A sample as img2dataset writes it; its JSON has these fields."""
    record = {"caption": caption, "url": "http://a/b.jpg", "key": "000000000", "status": "success"}
    record |= {"error_message": None, "width": 30, "height": 20, "original_width": 30, "original_height": 20}
    record |= {"exif": "{}", "sha256": "0"}
    return {"jpg": picture(), "txt": caption.encode(), "json": json.dumps(record).encode()} | others


def learnt(sample: dict, processor) -> str:
    return processor.tokenizer.decode([token for token in sample["labels"] if token != -100]).strip()


# --- shards ---


def test_shards_with_and_without_txt_give_the_caption(processor, tmp_path):
    with_json_alone = img2dataset_sample("the sea")
    del with_json_alone["txt"]
    write_shard(tmp_path / "00000.tar", [img2dataset_sample("the sea"), with_json_alone])
    stream = iter(ShardCaptions(str(tmp_path / "*.tar"), processor, 32, seed=0, rank=0, world_size=1))
    for _ in range(4):
        sample = next(stream)
        assert learnt(sample, processor) == "the sea" and sample["left_out"] == 0


def test_broken_samples_are_left_out_and_counted(processor, tmp_path, caplog):
    good = img2dataset_sample("the sea")
    no_picture = {"txt": b"the sea", "json": good["json"]}
    broken_json = {"jpg": picture(), "json": b'{"caption": "the'}
    no_caption = img2dataset_sample("  ")
    unreadable = img2dataset_sample("the sea", jpg=picture()[:100])
    write_shard(tmp_path / "00000.tar", [no_picture, broken_json, no_caption, unreadable, good])
    samples = ShardCaptions(str(tmp_path / "00000.tar"), processor, 32, seed=0, rank=0, world_size=1)
    batches = iter(loader(samples, processor, 8, 0, 0))
    # A pool is 16 batches of 8 samples, half of which cannot be read; three more are left out before each pair.
    pool = [next(batches) for _ in range(16)]
    shown = sum(len(batch["input_ids"]) for batch in pool)
    assert 40 <= shown <= 90 and all(batch["pixel_values"].shape[0] == len(batch["input_ids"]) for batch in pool)
    assert sum(int(batch["left_out"]) for batch in pool) >= 128 - shown + 3 * 60
    for word in ("has no picture", "has no caption", "left out a picture: This is not a JPEG"):
        assert word in caplog.text


def test_shard_that_is_cut_off_gives_what_is_whole_in_it(processor, tmp_path):
    write_shard(tmp_path / "00000.tar", [img2dataset_sample(f"sea {number}") for number in range(20)])
    data = (tmp_path / "00000.tar").read_bytes()
    (tmp_path / "00000.tar").write_bytes(data[: len(data) // 2])
    stream = iter(ShardCaptions(str(tmp_path / "00000.tar"), processor, 32, seed=0, rank=0, world_size=1))
    samples = [next(stream) for _ in range(60)]
    assert 5 < len({learnt(sample, processor) for sample in samples}) < 20
    assert sum(sample["left_out"] for sample in samples) > 0


def test_shards_without_one_readable_sample_end_the_run(processor, tmp_path):
    write_shard(tmp_path / "00000.tar", [{"txt": b"the sea"}] * 10)
    stream = iter(ShardCaptions(str(tmp_path / "00000.tar"), processor, 32, seed=0, rank=0, world_size=1))
    with pytest.raises(ValueError, match="1000 samples in a row could not be read, the last: .* has no picture"):
        next(stream)


def test_processes_draw_other_shards(processor, tmp_path):
    write_shard(tmp_path / "00000.tar", [img2dataset_sample(f"sea {number}") for number in range(40)])
    streams = [iter(ShardCaptions(str(tmp_path / "*.tar"), processor, 32, 0, rank, 2)) for rank in (0, 1, 0)]
    texts = [[learnt(next(stream), processor) for _ in range(20)] for stream in streams]
    assert texts[0] != texts[1] and texts[0] == texts[2]


def test_sets_of_shards_come_by_their_weights_and_again_in_the_same_order(processor, tmp_path):
    for name, length in (("laion", 40), ("cc_sbu", 3)):
        (tmp_path / name).mkdir()
        write_shard(tmp_path / name / "00000.tar", [img2dataset_sample(name)] * length)
    weights = {str(tmp_path / "laion" / "*.tar"): 115, str(tmp_path / "cc_sbu" / "*.tar"): 14}
    shards = ShardCaptions(weights, processor, 32, seed=0, rank=0, world_size=1)
    stream = iter(shards)
    texts = [learnt(next(stream), processor) for _ in range(1290)]
    # Of samples and not of shards, however long these are; 140 with a deviation of 11.
    assert abs(texts.count("cc_sbu") - 140) < 45 and texts.count("cc_sbu") + texts.count("laion") == 1290
    later = shards.stream(0, 1, start=1200)
    assert [learnt(next(later), processor) for _ in range(90)] == texts[1200:]
    assert len(list(shards.pictures())) == 43


def test_weights_of_shards_are_read_from_file_and_word(tmp_path):
    common = ["output=x", "steps=1", "base=b"]
    mixed = {"laion/{00..09}.tar": 115.0, "pipe:cat a:b.tar": 14.0}
    (tmp_path / "run.yaml").write_text('shards: {"laion/{00..09}.tar": 115, "pipe:cat a:b.tar": 14}')
    assert parse(Stage1Arguments, [*common, "--config", str(tmp_path / "run.yaml")]).shards == mixed
    word = "shards={'laion/{00..09}.tar': 115, 'pipe:cat a:b.tar': 14}"
    assert parse(Stage1Arguments, [*common, word]).shards == mixed
    for pattern in ("laion/*.tar", "{a,b}/0.tar", "pipe:cat a:b.tar"):
        assert parse(Stage1Arguments, [*common, f"shards={pattern}"]).shards == {pattern: 1.0}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{a.tar: 0}", "the weight 0 of a.tar must be a positive number"),
        ("{a.tar: -2}", "the weight -2 of a.tar must be a positive number"),
        ("{a.tar: much}", "is not of type"),
        ("", "shards= is missing"),
    ],
)
def test_bad_weights_of_shards_are_named(value, message):
    with pytest.raises(ArgumentErrors, match=message):
        parse(Stage1Arguments, ["output=x", "steps=1", "base=b", f"shards={value}"])


def test_whole_batch_of_unreadable_pictures_teaches_nothing_and_holds_no_process_up(processor):
    samples = [{"picture": b"none", "input_ids": processor.tokenize("<ImageHere>a"), "labels": [-100, 5]}]
    samples[0]["labels"] = [-100] * (len(samples[0]["input_ids"]) - 1) + [5]
    batch = collate(samples, processor)
    assert batch["pixel_values"].shape == (1, 3, 28, 28) and int(batch["left_out"]) == 1
    assert (batch["labels"] == -100).all()


# --- records ---


def write_json(path, value) -> None:
    path.write_text(json.dumps(value))


def test_text_only_records_train_without_a_picture(processor, tmp_path):
    turns = [{"from": "human", "value": "What is blue?"}, {"from": "gpt", "value": "A colour."}]
    write_json(tmp_path / "a.json", [{"id": "7", "conversations": turns}])
    records = read_llava_instruct(tmp_path / "a.json", tmp_path)
    assert records == [(None, [("What is blue?", "A colour.")])]
    sample = next(iter(Records(records, processor, 160, 0, 0, 1)))
    assert sample["picture"] is None and processor.image_token_id not in sample["input_ids"]
    assert processor.tokenizer.decode(sample["input_ids"][1:]) == "###Human: What is blue?###Assistant: A colour.###"
    assert learnt(sample, processor) == "A colour.###"
    assert "pixel_values" not in collate([sample], processor)


@pytest.fixture
def paintingform(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "images" / "0.png")
    prompt = "Please construct a formal analysis paragraph of approximately 175 words.\n<image>"
    answer = "The composition leads the eye along a diagonal."
    turns = [{"from": "human", "value": prompt}, {"from": "gpt", "value": answer}]
    records = [{"id": f"identity_{n}", "image": f"images/{n}.png", "conversations": turns} for n in (0, 1)]
    write_json(tmp_path / "train_samples_tuning.json", records)
    return tmp_path


def test_paintingform_puts_the_picture_first(paintingform, processor):
    records = read_paintingform(paintingform)
    assert [file for file, _ in records] == [paintingform / "images" / f"{number}.png" for number in (0, 1)]
    assert records[0][1][0][0] == "Please construct a formal analysis paragraph of approximately 175 words."
    sample = next(iter(Records(records[:1], processor, 160, 0, 0, 1)))
    assert sample["input_ids"].count(processor.image_token_id) == processor.num_query_tokens


V1 = ("art_style", "painting", "emotion", "utterance", "repetition")
V2 = ("emotion", "utterance", "art_style", "painting", "anchor_art_style", "anchor_painting", "repetition")
ROWS = [
    {"art_style": "Impressionism", "painting": "é_sea", "emotion": "awe", "utterance": "so wide ", "repetition": 2},
    {"art_style": "Impressionism", "painting": "é_sea", "emotion": "fear", "utterance": "so, deep", "repetition": 2},
    {"art_style": "Baroque", "painting": "gone", "emotion": "anger", "utterance": "it is not here", "repetition": 1},
]


@pytest.fixture
def artemis(tmp_path):
    (tmp_path / "wikiart" / "Impressionism").mkdir(parents=True)
    name = unicodedata.normalize("NFD", "é_sea")
    Image.new("RGB", (30, 20)).save(tmp_path / "wikiart" / "Impressionism" / f"{name}.jpg")
    for file, columns in (("artemis_dataset_release_v0.csv", V1), ("Contrastive.csv", V2)):
        with open(tmp_path / file, "w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, columns, extrasaction="ignore", restval="Baroque")
            writer.writeheader()
            writer.writerows(ROWS)
    return tmp_path


@pytest.mark.parametrize("file", ["artemis_dataset_release_v0.csv", "Contrastive.csv"])
def test_artemis_gives_every_reference_of_a_painting_that_is_there(artemis, file, caplog, processor):
    records = read_artemis(artemis / file, artemis / "wikiart")
    assert [rounds[0][1] for _, rounds in records] == ["Awe: so wide", "Fear: so, deep"]
    assert all(painting.is_file() for painting, _ in records)
    assert "left out 1 of 3 annotations" in caplog.text
    stream = iter(Records(records, processor, 160, 0, 0, 1))
    samples = [next(stream) for _ in range(12)]
    asked = {processor.tokenizer.decode([token for token in sample["input_ids"] if token > 0]) for sample in samples}
    for instruction in ARTEMIS_INSTRUCTIONS:
        assert any(instruction in text for text in asked)
    assert not any(instruction in text for instruction in CAPTION_INSTRUCTIONS for text in asked)
    assert {learnt(sample, processor) for sample in samples} == {"Awe: so wide###", "Fear: so, deep###"}


def test_artemis_rows_of_other_splits_are_not_trained_on(artemis):
    rows = [row | {"split": split} for row, split in zip(ROWS, ("train", "test", "train"), strict=True)]
    with open(artemis / "artemis_preprocessed.csv", "w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, (*V1, "split"))
        writer.writeheader()
        writer.writerows(rows)
    records = read_artemis(artemis / "artemis_preprocessed.csv", artemis / "wikiart")
    assert [rounds[0][1] for _, rounds in records] == ["Awe: so wide"]


def test_file_that_is_not_artemis_is_named_with_what_it_lacks(tmp_path):
    (tmp_path / "a.csv").write_text("painting,emotion\na,b\n")
    with pytest.raises(ValueError, match="no column art_style, utterance"):
        read_artemis(tmp_path / "a.csv", tmp_path)


def test_folder_without_the_paintings_is_named(artemis, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(ValueError, match="None of the paintings"):
        read_artemis(artemis / "Contrastive.csv", tmp_path / "elsewhere")


def test_fewer_records_than_readers_are_refused():
    with pytest.raises(ValueError, match="There are 2 records for 3 readers"):
        next(endless_order(2, 0, 2, 3))


@pytest.mark.parametrize("start", [3, 4, 11])
def test_order_from_the_middle_is_the_order_from_the_start(start):
    def numbers(begin, count):
        order = endless_order(9, 5, 1, 2, begin)
        return [(index, rng.random()) for index, rng in (next(order) for _ in range(count))]

    assert numbers(start, 5) == numbers(0, start + 5)[start:]


# --- prepare ---


def prepared(capsys, name: str, folder) -> tuple[int, str]:
    status = prepare.main([name, "--folder", str(folder)])
    return status, capsys.readouterr().out


@pytest.mark.parametrize("name", list(prepare.HOW))
def test_prepare_says_where_data_come_from_when_they_are_not_there(capsys, name, tmp_path):
    status, text = prepared(capsys, name, tmp_path / "nothing")
    assert status == 1 and "https://" in text or "Hub" in text
    assert str(tmp_path / "nothing") in text and "{" not in text.replace('{"url"', "")


def test_prepare_counts_shards_and_names_what_is_broken(capsys, tmp_path):
    write_shard(tmp_path / "00000.tar", [img2dataset_sample("a sea")] * 3)
    assert prepared(capsys, "laion", tmp_path) == (0, f"laion in {tmp_path}\n1 shards, 3 samples\ncomplete\n")
    write_shard(tmp_path / "00001.tar", [img2dataset_sample("a sea"), {"txt": b"alone"}])
    (tmp_path / "00002.tar").write_bytes((tmp_path / "00000.tar").read_bytes()[:700])
    status, text = prepared(capsys, "cc_sbu", tmp_path)
    assert status == 1 and "3 shards, 4 samples" in text
    assert "00001.tar: 1 of 2 samples lack picture or caption" in text and "00002.tar is broken" in text


def test_prepare_counts_records_and_names_missing_pictures(capsys, paintingform):
    status, text = prepared(capsys, "paintingform", paintingform)
    assert status == 1 and "2 records, 2 answers, 2 pictures, 0 records of text alone" in text
    assert f"1 pictures are missing, {paintingform / 'images' / '1.png'} for one" in text
    Image.new("RGB", (30, 20)).save(paintingform / "images" / "1.png")
    assert prepared(capsys, "paintingform", paintingform)[0] == 0
    (paintingform / "train_samples_tuning.json").write_text('[{"id": 1}]')
    status, text = prepared(capsys, "paintingform", paintingform)
    assert status == 1 and "train_samples_tuning.json is not in the published form" in text


def test_prepare_counts_cc_sbu_align_and_llava(capsys, tmp_path):
    (tmp_path / "image").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "image" / "2.jpg")
    write_json(tmp_path / "filter_cap.json", {"annotations": [{"image_id": "2", "caption": "A sea."}]})
    assert prepared(capsys, "cc_sbu_align", tmp_path)[0] == 0
    status, text = prepared(capsys, "llava", tmp_path)
    assert status == 1 and "llava_instruct_150k.json is missing" in text and "train2017 is missing" in text


def test_prepare_counts_artemis_by_emotion(capsys, artemis):
    status, text = prepared(capsys, "artemis", artemis)
    assert status == 1 and "Contrastive.csv: 3 annotations, 2 to train on, of 1 paintings" in text
    assert "awe 1, fear 1" in text and "1 annotations are of another split or lack their painting" in text
