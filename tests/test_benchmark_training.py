"""The training benchmark: that what it compares is the same work, and that its full sizes are the paper's."""

import re

import pytest
import torch

from benchmarks import training
from tests.tiny import tiny_config
from train.args import AdapterArguments
from train.loop import token_loss


def arguments(folder, **values) -> AdapterArguments:
    # All tests of a session share the precision that accelerate is first started with.
    steps = training.WARM_UP + training.STEPS + 1
    return AdapterArguments(
        folder / "run", steps, **{"batch_size": 2, "dtype": "float32", "mixed_precision": "no"} | values
    )


def test_both_loops_compute_the_same_loss(tmp_path):
    """Towers and all logits on one side, their recorded answer and the needed logits on the other."""
    model = training.full_size_model(tiny_config(), arguments(tmp_path), "cpu").float().eval()
    batch = training.full_size_batch(model.config, 2)
    batch["query_output"] = model.encode_picture(batch["pixel_values"]).detach()
    cached = {name: value for name, value in batch.items() if name != "pixel_values"}
    ours, plain = token_loss(model, cached)[0], training.full_logits_loss(model, batch)[0]
    torch.testing.assert_close(ours, plain)


def test_turns_of_both_loops_have_the_same_samples(converted_reference, tmp_path):
    args = arguments(tmp_path, base=str(converted_reference / "minigpt4"))
    loops = training.mini_loops(args, tmp_path / "data", pictures=4)

    def learnt(loop):
        batches = training.islice(loop.batches(3), training.STEPS)
        return sorted(row[row != -100].tolist() for batch in batches for row in batch["labels"])

    assert learnt(loops["ours"]) == learnt(loops["plain"])


@pytest.mark.parametrize(("size", "trained", "total"), [("7b", 271_945_728, 7.9e9), ("13b", 528_788_480, 14.5e9)])
def test_full_sizes_are_the_papers(size, trained, total, tmp_path):
    config = training.full_size_config(size)
    model = training.full_size_model(config, arguments(tmp_path), "meta")
    of_trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert sum(parameter.numel() for parameter in of_trained) == trained
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(total, rel=0.03)
    assert {parameter.dtype for parameter in of_trained} == {torch.float32}
    assert {parameter.dtype for parameter in model.parameters() if not parameter.requires_grad} == {torch.bfloat16}
    assert training.full_size_batch(config, 32)["input_ids"].shape == (32, 65)


def test_full_size_loops_run_to_a_table(tmp_path, capsys):
    args = arguments(tmp_path)
    training.compare(training.full_size_loops(args, tiny_config(), "cpu"), args, rounds=1)
    printed = capsys.readouterr().out
    assert re.search(r"^ours loop +[\d.]+ +\d+%", printed, re.MULTILINE)
    assert re.search(r"^ours / plain: [\d.]+ x", printed, re.MULTILINE)


def test_full_sizes_are_refused_without_a_cuda_device(monkeypatch):
    monkeypatch.setattr(training.torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="--size 13b needs a CUDA device, and torch finds none here"):
        training.main(["--size", "13b"])
