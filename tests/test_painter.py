"""The painter: equal seeds give equal pictures, and what its facts say is true of the pixels."""

import io
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import webdataset
from PIL import Image

from artgpt4.emotions import EMOTIONS
from train.painter import sample_painting
from train.painter.borders import near_a_border
from train.painter.emotion import feel
from train.painter.examples import EXAMPLES
from train.painter.facts import Facts
from train.painter.language.grammar import opening
from train.painter.measure import BORDERS, LOCAL, measure, measure_patches, measure_pixels
from train.painter.paint import paint
from train.painter.scene import OUTDOOR, PALETTES, Scene, held_out, sample_scene
from train.painter.unknown import harsh_view
from train.painter.vocabulary import (
    BRIGHTNESS,
    COLOURS,
    CONTRAST,
    DENSITY,
    HORIZONS,
    LIGHTS,
    MANNERS,
    PEOPLE,
    SATURATION,
    SIDES,
    SUBJECTS,
    THINGS,
    UNKNOWN,
    WARMTH,
)
from train.painter.write import DIALOGUES, compose, varied_painting, write_cc_sbu_align, write_shards

COUNT = 320


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@cache
def gallery() -> tuple[tuple[np.ndarray, Facts], ...]:
    return tuple(sample_painting(seed) for seed in range(COUNT))


def boat(**changes) -> Scene:
    scene = Scene("boat", "flat", "natural", "day", 0.4, 0.25, 0.0, frozenset(), None, 0.0, 1.0, 0.0)
    return replace(scene, **changes)


def test_a_seed_gives_the_same_picture_in_every_process():
    program = (
        "import hashlib\nfrom train.painter import sample_painting\n"
        "for seed in range(3):\n image, facts = sample_painting(seed)\n"
        " print(hashlib.sha256(image.tobytes()).hexdigest(), facts.to_dict())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": salt}, capture_output=True, text=True, check=True
        ).stdout
        for salt in ("1", "2")
    }
    assert len(runs) == 1
    assert all(str(sample_painting(seed)[1].to_dict()) in next(iter(runs)) for seed in range(3))


def test_seeds_differ():
    assert len({image.tobytes() for image, _ in gallery()[:50]}) == 50


def test_pictures_are_uint8_rgb_and_readable():
    for image, facts in gallery():
        assert image.shape == (224, 224, 3) and image.dtype == np.uint8
        assert image.mean() > 20, f"near black: {facts}"
        assert image.std() > 4, f"empty: {facts}"


def hue_family(name: str, r: np.ndarray, g: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A looser rule for a colour name than the painter's own, from the order of the channels alone."""
    spread = np.maximum(np.maximum(r, g), b) - np.minimum(np.minimum(r, g), b)
    return {
        "red": (r >= g) & (r >= b) & (spread > 20),
        "orange": (r > g) & (g > b),
        "yellow": (r > b) & (g > b),
        "green": (g > b) | (g > r),
        "teal": (g > r) & (b > r),
        "blue": (b > r) & (b >= g - 8),
        "purple": (b > g) & (r > g - 25),
        "pink": (r > g) & (r > 110),
        "brown": (r >= g) & (g >= b - 12) & (r < 205),
        "beige": (r > 120) & (r >= b) & (spread < 110),
        "black": (r < 75) & (g < 75) & (b < 75),
        "dark grey": (r < 130) & (g < 130) & (b < 130) & (spread < 60),
        "grey": (spread < 60) & (r > 55) & (r < 235),
        "white": (r > 180) & (g > 180) & (b > 180),
    }[name]


def test_named_colours_cover_their_share_of_the_pixels():
    for image, facts in gallery():
        r, g, b = cv2.GaussianBlur(image, (0, 0), 2).astype(int).transpose(2, 0, 1)
        for name in facts.colours:
            assert hue_family(name, r, g, b).mean() > 0.1, (name, facts)


@pytest.mark.parametrize(
    ("name", "rgb"),
    [
        ("red", (205, 30, 35)),
        ("orange", (240, 140, 30)),
        ("yellow", (250, 215, 50)),
        ("green", (60, 150, 60)),
        ("teal", (30, 150, 150)),
        ("blue", (40, 90, 200)),
        ("purple", (115, 60, 170)),
        ("pink", (245, 160, 190)),
        ("brown", (110, 70, 40)),
        ("beige", (225, 205, 170)),
        ("black", (12, 12, 14)),
        ("dark grey", (70, 70, 72)),
        ("grey", (150, 150, 150)),
        ("white", (250, 250, 250)),
    ],
)
def test_plain_colours_have_their_names(name, rgb):
    assert measure_pixels(np.full((40, 60, 3), rgb, np.uint8))["colours"] == [name]


def test_measures_follow_the_pixels():
    ramp = np.tile(np.linspace(60, 200, 200).astype(np.uint8)[None, :, None], (200, 1, 3))
    grey, light = measure_pixels(ramp), measure_pixels(ramp + 40)
    assert light["measures"]["brightness"] > grey["measures"]["brightness"]
    assert measure_pixels(ramp // 2 + 60)["measures"]["contrast"] < grey["measures"]["contrast"]
    warm, cool = ramp.copy(), ramp.copy()
    warm[..., 2] //= 2
    cool[..., 0] //= 2
    warm, cool = measure_pixels(warm)["measures"], measure_pixels(cool)["measures"]
    assert warm["warmth"] > grey["measures"]["warmth"] > cool["warmth"]
    assert warm["saturation"] > grey["measures"]["saturation"]


def test_patches_add_up_to_the_picture():
    for number in range(5):
        image, _ = sample_painting(number)
        whole = measure_pixels(image)
        shares, tones = measure_patches(image, 8)
        assert shares.shape == (64, len(COLOURS)) and tones.shape == (64, len(LOCAL))
        assert np.allclose(shares.sum(1), 1)
        order = np.argsort(-shares.mean(0), kind="stable")
        assert [COLOURS[i] for i in order[: len(whole["colours"])]] == whole["colours"]
        for name in ("brightness", "saturation", "warmth"):
            assert tones.mean(0)[LOCAL.index(name)] == pytest.approx(whole["measures"][name], abs=1e-4)
    image = np.zeros((112, 112, 3), np.uint8)
    image[:56, 56:] = (255, 0, 0)
    shares, _ = measure_patches(image, 4)
    red = shares[:, COLOURS.index("red")].reshape(4, 4)
    assert (red[:1, 3:] == 1).all() and (red[2:, :] < 0.2).all() and (red[:, :2] < 0.2).all()


def test_what_hangs_by_a_hair_is_measured():
    image = np.zeros((100, 100, 3), np.uint8)  # 52 of 100 rows black, 48 white
    image[:48] = 255
    measures = measure_pixels(image)
    assert measures["lead"] == pytest.approx(0.04, abs=0.02) and measures["second"] > 0.3
    image[:13] = (255, 0, 0)  # a third colour that is just listed
    measures = measure_pixels(image)
    assert measures["colours"] == ["black", "white", "red"] and 0 <= measures["last"] < 0.03


def test_measure_pixels_says_what_it_takes():
    with pytest.raises(ValueError, match="uint8 RGB"):
        measure_pixels(np.zeros((4, 4), np.uint8))


def test_facts_agree_with_measuring_the_picture_again():
    for image, facts in gallery()[::8]:
        again = measure_pixels(image)
        assert again["colours"] == facts.colours
        assert (again["brightness"], again["saturation"]) == (facts.brightness, facts.saturation)


def test_the_boat_is_where_the_facts_say():
    for centre, side in ((0.2, "left"), (0.5, "centre"), (0.8, "right")):
        scene = boat(centre=centre)
        facts = measure(paint(scene, np.random.default_rng(0)), scene)
        assert facts.side == side
        assert {thing.name: thing.side for thing in facts.things}["boat"] == side


def test_a_thing_painted_over_is_not_in_the_facts():
    scene = boat()
    painting = paint(scene, np.random.default_rng(0))
    assert "boat" in [thing.name for thing in measure(painting, scene).things]
    painting.image[:] = painting.image.mean((0, 1))
    assert measure(painting, scene).things == []


def test_pixels_of_a_listed_thing_differ_when_it_is_left_out():
    with_waves, without = boat(details=frozenset({"waves"})), boat()
    a, b = (paint(scene, np.random.default_rng(3)) for scene in (with_waves, without))
    changed = (np.abs(a.image.astype(int) - b.image).max(-1) > 12)[a.masks["waves"]]
    assert "waves" in [thing.name for thing in measure(a, with_waves).things]
    assert "waves" not in [thing.name for thing in measure(b, without).things]
    assert changed.mean() > 0.6


def test_listed_things_cover_pixels_and_come_once():
    for _, facts in gallery():
        names = [thing.name for thing in facts.things]
        assert len(names) == len(set(names)) and set(names) <= set(THINGS)
        assert all(0.001 < thing.area <= 1 for thing in facts.things)
        assert [thing.area for thing in facts.things] == sorted((thing.area for thing in facts.things), reverse=True)


def test_lights_and_people_are_told_only_where_there_are_any():
    for _, facts in gallery():
        assert (facts.light is None) == (facts.subject not in OUTDOOR)
        assert facts.people is None or facts.subject in ("portrait", "crowd", "figure", "pair")


def test_a_picture_nobody_can_name_tells_colours_and_light_alone():
    unknown = [facts for _, facts in gallery() if facts.subject == UNKNOWN]
    assert 0.04 < len(unknown) / COUNT < 0.13
    for facts in unknown:
        assert (facts.manner, facts.light, facts.horizon, facts.side, facts.people) == (None,) * 5
        assert facts.things == [] and facts.unclear == [] and facts.colours


def nearest(pixels: dict, name: str) -> float:
    return min(abs(pixels["measures"][name] - border) for border in BORDERS[name])


def test_stage_2s_pictures_are_more_often_at_a_border_and_their_facts_are_their_own():
    made, plain = [varied_painting(number) for number in range(120)], gallery()[:120]
    near = {
        kind: sum(
            min(nearest(measure_pixels(image), name) for name in ("brightness", "warmth")) < 0.01 for image, _ in of
        )
        for kind, of in (("made", made), ("plain", plain))
    }
    assert near["made"] >= near["plain"] + 10
    for image, facts in made:
        measured = measure_pixels(image)
        assert all(getattr(facts, name) == measured[name] for name in ("colours", "brightness", "warmth"))
    assert 5 <= sum(facts.subject == UNKNOWN for _, facts in made) - sum(f.subject == UNKNOWN for _, f in plain) <= 24


def test_a_picture_near_a_border_is_another_exposure_or_white_balance_of_it():
    rng, moved = np.random.default_rng(0), 0
    for image, _ in gallery()[:60]:
        near = near_a_border(image, rng)
        assert near.shape == image.shape and near.dtype == np.uint8
        if not np.array_equal(near, image):
            moved += 1
            before, after = measure_pixels(image)["measures"], measure_pixels(near)["measures"]
            assert abs(after["brightness"] - before["brightness"]) < 0.17
            assert abs(after["warmth"] - before["warmth"]) < 0.2
            assert min(nearest(measure_pixels(near), name) for name in ("brightness", "warmth")) < 0.08
    assert moved >= 20


def test_harsh_views_reach_black_white_and_grey():
    rng = np.random.default_rng(0)
    views = [harsh_view(image, rng) for image, _ in gallery()[:60]]
    assert all(view.shape == (224, 224, 3) and view.dtype == np.uint8 for view in views)
    for black_or_white in (0, 255):
        assert sum((view == black_or_white).all(2).mean() > 0.3 for view in views) >= 5
    assert 8 <= sum((view[..., :1] == view).all() for view in views) <= 32


def test_a_thing_is_never_both_listed_and_unclear():
    for _, facts in gallery():
        assert set(facts.unclear) <= set(THINGS) - {thing.name for thing in facts.things}


def test_held_out_combinations_are_painted_only_when_asked_for():
    pairs = [(subject, palette) for subject in SUBJECTS for palette in PALETTES]
    held = [pair for pair in pairs if held_out(*pair)]
    assert 0.07 < len(held) / len(pairs) < 0.13
    assert {subject for subject, _ in held} == set(SUBJECTS) and {palette for _, palette in held} == set(PALETTES)
    rng = np.random.default_rng(2)
    for combinations in ("seen", "unseen"):
        for _ in range(300):
            scene = sample_scene(rng, combinations=combinations)
            assert held_out(scene.subject, scene.palette) == (combinations == "unseen")
    with pytest.raises(ValueError, match="unseen"):
        sample_scene(rng, combinations="all")


def test_every_class_occurs():
    facts = [facts for _, facts in gallery()]
    for field, names in (
        ("subject", SUBJECTS),
        ("manner", MANNERS),
        ("light", LIGHTS),
        ("brightness", BRIGHTNESS),
        ("saturation", SATURATION),
        ("warmth", WARMTH),
        ("contrast", CONTRAST),
        ("density", DENSITY),
        ("horizon", HORIZONS),
        ("side", SIDES),
        ("people", PEOPLE),
        ("emotion", EMOTIONS),
    ):
        assert {getattr(fact, field) for fact in facts} >= set(names), field
    assert {fact.colours[0] for fact in facts} == set(COLOURS)
    assert {thing.name for fact in facts for thing in fact.things} == set(THINGS)


def test_classes_are_balanced():
    facts = [facts for _, facts in gallery()]
    emotions = Counter(fact.emotion for fact in facts)
    for name in EMOTIONS:
        # Views that nobody can name are a twelfth of the pictures, and mostly evoke something else.
        low, high = (0.01, 0.12) if name == "something else" else (0.06, 0.19)
        assert low <= emotions[name] / COUNT <= high, (name, emotions)
    assert all(0.015 < n / COUNT < 0.12 for n in Counter(fact.subject for fact in facts).values())
    for field in ("brightness", "saturation", "warmth", "contrast", "density"):
        counts = Counter(getattr(fact, field) for fact in facts)
        assert all(0.2 < n / COUNT < 0.5 for n in counts.values()), (field, counts)


def test_valence_rises_with_brightness_and_arousal_with_saturation():
    for _, facts in gallery()[::20]:
        measures = facts.measures
        light, dark = ({**measures, "brightness": v} for v in (0.8, 0.3))
        vivid, dull = ({**measures, "saturation": v} for v in (0.6, 0.1))
        assert feel(replace(facts, measures=light)).valence > feel(replace(facts, measures=dark)).valence
        assert feel(replace(facts, measures=light)).arousal < feel(replace(facts, measures=dark)).arousal
        assert feel(replace(facts, measures=vivid)).arousal > feel(replace(facts, measures=dull)).arousal


def test_reasons_are_facts_that_push_towards_the_emotion():
    for _, facts in gallery():
        assert facts.second_emotion != facts.emotion
        assert len(set(facts.reasons)) == len(facts.reasons)
        for reason in facts.reasons:
            if reason.startswith("things:"):
                assert reason.removeprefix("things:") in [thing.name for thing in facts.things]
            else:
                assert getattr(facts, reason) is not None
        if facts.emotion == "sadness" and "brightness" in facts.reasons:
            assert facts.measures["brightness"] < 0.58


def test_facts_survive_json():
    for _, facts in gallery()[:40]:
        assert Facts.from_dict(json.loads(json.dumps(facts.to_dict()))) == facts


def test_every_subject_can_be_painted_in_every_manner_and_size():
    rng = np.random.default_rng(1)
    for i, subject in enumerate(SUBJECTS):
        for size in (64, 96):
            scene = sample_scene(rng, subject, MANNERS[i % len(MANNERS)])
            assert (scene.subject, scene.manner) == (subject, MANNERS[i % len(MANNERS)])
            assert paint(scene, rng, size).image.shape == (size, size, 3)


def test_shards_are_what_webdataset_reads_and_do_not_depend_on_the_workers(tmp_path):
    write_shards(tmp_path / "one", 4, seed=5)
    write_shards(tmp_path / "two", 4, seed=5, workers=2)
    shard = tmp_path / "one" / "00000.tar"
    assert shard.read_bytes() == (tmp_path / "two" / "00000.tar").read_bytes()
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False).decode("pil").to_tuple("jpg", "txt", "json"))
    assert len(samples) == 4
    for picture, text, record in samples:
        assert picture.size == (224, 224) and picture.mode == "RGB"
        assert record["caption"] == text and text
        assert Facts.from_dict(record["facts"]).subject in (*SUBJECTS, UNKNOWN)


def test_cc_sbu_align_has_a_caption_and_a_dialogue_for_every_picture(tmp_path):
    write_cc_sbu_align(tmp_path, 3, seed=6)
    annotations = json.loads((tmp_path / "filter_cap.json").read_text())["annotations"]
    dialogues = json.loads((tmp_path / "dialogues.json").read_text())
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert len(annotations) == len(facts) == 3 and len(dialogues) == 3 * DIALOGUES
    assert [dialogue["id"] for dialogue in dialogues[:3]] == ["0_0", "0_1", "1_0"]
    assert dialogues[0]["conversations"] != dialogues[1]["conversations"]
    for dialogue in dialogues:
        annotation = annotations[int(dialogue["id"].split("_")[0])]
        assert dialogue["image"] == f"{annotation['image_id']}.jpg"
        picture = (tmp_path / "image" / f"{annotation['image_id']}.jpg").read_bytes()
        assert Image.open(io.BytesIO(picture)).size == (224, 224)
        turns = dialogue["conversations"]
        assert turns[0]["value"].startswith("<image>\n")
        assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(turns) // 2)
        assert not any("<image>" in turn["value"] for turn in turns[1:])


def test_no_two_pictures_in_a_row_are_told_in_the_same_frame(tmp_path):
    alike = [sample_painting(1)[1]] * 500
    compose(tmp_path, dict(zip(map(str, range(500)), alike, strict=True)), seed=1)
    captions = [of["caption"] for of in json.loads((tmp_path / "filter_cap.json").read_text())["annotations"]]
    assert len({opening(caption) for caption in captions}) > 50
    assert not any(opening(one) == opening(next_one) for one, next_one in zip(captions, captions[1:], strict=False))


def test_the_examples_are_those_of_the_program():
    pictures = sorted((Path(__file__).parent.parent / "examples").glob("*.jpg"))
    assert [picture.stem for picture in pictures] == sorted(EXAMPLES)
    for picture in pictures:
        assert picture.stat().st_size <= 350_000
        again = paint(EXAMPLES[picture.stem][0], np.random.default_rng(EXAMPLES[picture.stem][1]), 64).image
        shown = np.asarray(Image.open(picture).resize((16, 16), Image.Resampling.BOX), float)
        again = cv2.resize(again, (16, 16), interpolation=cv2.INTER_AREA).astype(float)
        assert np.corrcoef(shown.ravel(), again.ravel())[0, 1] > 0.7, picture.stem
