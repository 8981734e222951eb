"""Every offline step on the embedded model and the repository's own pictures: generate, score, compare, report.

`demo.csv` has ArtEmis's form. Its sentences were written for this demo: they are nobody's survey, and no figure here
says anything about a model but that the steps work.
"""

import dataclasses
from pathlib import Path

import artgpt4
from artgpt4.evaluation import benchmarks, published
from artgpt4.evaluation.generate import OurModel, generate
from artgpt4.evaluation.report import write_examples, write_report
from artgpt4.evaluation.scoring import Run, about_run, score_texts, write_run

_PACKAGE = Path(artgpt4.__file__).parent
#: The embedded model with its adapter, and without, which is MiniGPT-4.
_SYSTEMS = {"ArtGPT-4 mini": "mini", "MiniGPT-4 mini": str(_PACKAGE / "checkpoints" / "artgpt4-mini" / "minigpt4")}
_QUESTION = "What does this picture make you feel?"
_NOTE = "Demo: the references were written for it and are no survey. These figures compare nothing."


def demo(folder: str | Path) -> Path:
    """Runs the steps and leaves all files in `folder`.

    Returns:
        The path of the report.

    Raises:
        DataError: the example pictures are not beside the package.
        LoadError: the embedded model is not there.
    """
    folder, data = Path(folder), Path(__file__).parent / "demo.csv"
    pictures = _PACKAGE.parent
    items = benchmarks.artemis_items(benchmarks.read_annotations(data))
    items = [dataclasses.replace(item, rounds=(_QUESTION,)) for item in items]
    files = benchmarks.picture_files(items, pictures, data)
    runs = []
    for system, name in _SYSTEMS.items():
        into = folder / system.replace(" ", "-").lower()
        into.mkdir(parents=True, exist_ok=True)
        model = OurModel(artgpt4.load(name, device="cpu"), 80)
        generate(items, files, model, into / "predictions.jsonl", emotions=True)
        pairs = benchmarks.match(items, benchmarks.read_predictions(into / "predictions.jsonl"), into)
        tables, notes = score_texts(pairs)
        runs.append(Run(about_run("artemis", system, pairs, [_NOTE, *notes], data=data.name, seed=0), tables))
        write_run(runs[-1], into)
    (folder / "published.md").write_text(published.markdown(), encoding="utf-8")
    write_examples(runs, pictures, folder / "report" / "examples.html")
    return write_report(runs, folder / "report")
