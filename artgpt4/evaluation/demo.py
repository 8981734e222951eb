"""Every offline step on the embedded model and the repository's own pictures: generate, score, judge, compare, report.

`demo.csv` has ArtEmis's form. Its sentences were written for this demo: they are nobody's survey. The judge of the
dialogues in ArtMM's form is a rule (`demo_judge`). No figure here says anything about a model but that the steps work.
"""

import dataclasses
from pathlib import Path

import artgpt4
from artgpt4.evaluation import benchmarks, published
from artgpt4.evaluation.benchmarks import ARTMM_QUESTIONS, Item
from artgpt4.evaluation.demo_judge import NAME, RULE, rule_judge
from artgpt4.evaluation.generate import OurModel, generate
from artgpt4.evaluation.judge import Judge
from artgpt4.evaluation.report import write_examples, write_report
from artgpt4.evaluation.scoring import Run, about_run, score_judged, score_pairs, score_texts, write_run

_PACKAGE = Path(artgpt4.__file__).parent
#: The embedded model with its adapter, and without, which is MiniGPT-4.
_SYSTEMS = {"ArtGPT-4 mini": "mini", "MiniGPT-4 mini": str(_PACKAGE / "checkpoints" / "artgpt4-mini" / "minigpt4")}
_QUESTION = "What does this picture make you feel?"
_NOTE = "Demo: the references were written for it and are no survey. These figures compare nothing."


_JUDGED = ("starry-village", "storm-at-sea", "woman-with-a-red-hat")
_ROUNDS = ARTMM_QUESTIONS | {"MDIUC": ("What is in this picture?", "How does it make you feel, and why?")}
_JUDGE_NOTE = f"Demo: the judge is a rule and no model: {RULE}. Its scores compare nothing with the published ones."


def demo(folder: str | Path) -> list[Path]:
    """Runs the steps and leaves all files in `folder`.

    Returns:
        The paths of the reports for a browser: on texts, by the judge, and on pairs.

    Raises:
        DataError: the example pictures are not beside the package.
        LoadError: the embedded model is not there.
    """
    folder = Path(folder)
    systems = {name: OurModel(artgpt4.load(path, device="cpu"), 80) for name, path in _SYSTEMS.items()}
    (folder / "artmm").mkdir(parents=True, exist_ok=True)
    (folder / "published.md").write_text(published.markdown(), encoding="utf-8")
    reports = [_texts(folder, systems), *_judged(folder / "artmm", systems)]
    return [path.with_suffix(".html") for path in reports]


def _texts(folder: Path, systems: dict[str, OurModel]) -> Path:
    data, pictures = Path(__file__).parent / "demo.csv", _PACKAGE.parent
    items = benchmarks.artemis_items(benchmarks.read_annotations(data))
    items = [dataclasses.replace(item, rounds=(_QUESTION,)) for item in items]
    files = benchmarks.picture_files(items, pictures, data)
    runs = []
    for name, system in systems.items():
        into = folder / _slug(name)
        generate(items, files, system, into / "predictions.jsonl", emotions=True)
        pairs = benchmarks.match(items, benchmarks.read_predictions(into / "predictions.jsonl"), into)
        tables, notes = score_texts(pairs)
        runs.append(Run(about_run("artemis", name, pairs, [_NOTE, *notes], data=data.name, seed=0), tables))
        write_run(runs[-1], into)
    write_examples(runs, pictures, folder / "report" / "examples.html")
    return write_report(runs, folder / "report")


def _judged(folder: Path, systems: dict[str, OurModel]) -> list[Path]:
    """As `_texts` on a few dialogues, scored by the judge and then once more from its record, and compared in pairs."""
    data, pictures = folder / "artmm.jsonl", _PACKAGE.parent / "examples"
    items = [
        Item(f"{axis}/{picture}", f"{picture}.jpg", (asked,) if isinstance(asked, str) else asked, axis=axis)
        for axis, asked in _ROUNDS.items()
        for picture in _JUDGED
    ]
    benchmarks.write_artmm_jsonl(items, data)
    files = benchmarks.picture_files(items, pictures, data)
    record = folder / "judge.jsonl"
    runs, answered = [], []
    with rule_judge() as url:
        for name, system in systems.items():
            into = folder / _slug(name)
            generate(items, files, system, into / "predictions.jsonl")
            answered.append(benchmarks.match(items, benchmarks.read_predictions(into / "predictions.jsonl"), into))
            score_judged(answered[-1], files, Judge(NAME, record, url), {}, repeats=1)
        score_pairs(*answered, files, Judge(NAME, record, url), repeats=1)
    # What is reported comes from the record: the server is gone.
    for name, pairs in zip(systems, answered, strict=True):
        tables, notes = score_judged(pairs, files, Judge(NAME, record), {}, repeats=1)
        runs.append(Run(about_run("artmm", name, pairs, [_JUDGE_NOTE, *notes], data=data.name, judge=NAME), tables))
        write_run(runs[-1], folder / _slug(name))
    tables, notes = score_pairs(*answered, files, Judge(NAME, record), repeats=1)
    about = about_run("artmm-pairs", " against ".join(systems), answered[0], [_JUDGE_NOTE, *notes], data=data.name)
    write_run(Run(about, tables), folder / "pairs")
    write_examples(runs, pictures, folder / "report" / "examples.html")
    return [write_report(runs, folder / "report"), write_report([Run(about, tables)], folder / "report-pairs")]


def _slug(system: str) -> str:
    return system.replace(" ", "-").lower()
