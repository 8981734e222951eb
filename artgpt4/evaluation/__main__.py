"""Lets systems answer, scores predictions, writes reports, prints the published tables.

See `python -m artgpt4.evaluation COMMAND --help`.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from artgpt4.evaluation import benchmarks, published
from artgpt4.evaluation.artemis_v2 import artemis_v2_split, read_combined
from artgpt4.evaluation.benchmarks import DataError, Item, Prediction
from artgpt4.evaluation.judge import Judge, JudgeError
from artgpt4.evaluation.metrics import PAPER_ENCODERS, MetricError, load_encoder
from artgpt4.evaluation.report import write_examples, write_report
from artgpt4.evaluation.scoring import (
    Run,
    about_run,
    read_ratings,
    read_run,
    score_judged,
    score_pairs,
    score_texts,
    write_run,
)
from artgpt4.images import PictureError

BENCHMARKS = ("artemis", "artemis-v2", "artmm", "painting-form")


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (DataError, MetricError, JudgeError, PictureError) as error:
        sys.exit(str(error))


def _with_models(run: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    """A command that runs models: what it raises is known only where torch is imported, as the others do not."""

    def command(options: argparse.Namespace) -> None:
        from artgpt4.evaluation.systems import SystemUnavailable
        from artgpt4.loading import LoadError

        try:
            run(options)
        except (LoadError, SystemUnavailable) as error:
            sys.exit(str(error))

    return command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m artgpt4.evaluation", description="Scores systems on art.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    answer = commands.add_parser("generate", help="write a system's answers; goes on with a file that is there")
    answer.set_defaults(run=_with_models(_generate))
    answer.add_argument("benchmark", choices=BENCHMARKS)
    answer.add_argument("--data", type=Path, required=True, help="the benchmark's file, or ArtMM's Evaluation folder")
    answer.add_argument("--pictures", type=Path, required=True, help="folder of the pictures")
    answer.add_argument("--out", type=Path, required=True, help="predictions JSONL")
    answer.add_argument("--ids", type=Path, help="list of ids to answer, for instance a split's test.txt")
    answer.add_argument("--system", default="artgpt4", metavar="NAME", help="see the command systems")
    answer.add_argument("--model", help="mini, a folder, a Hub id or a server's name of it; default: the system's own")
    answer.add_argument(
        "--url", help="OpenAI-compatible endpoint of a system behind one; its key is read from ARTGPT4_ENDPOINT_KEY"
    )
    answer.add_argument("--emotions", action="store_true", help="write p(emotion | picture) too (our models)")
    answer.add_argument("--device", default="auto")
    answer.add_argument("--batch-size", type=int, default=32)
    answer.add_argument("--max-new-tokens", type=int, default=300)

    shown = commands.add_parser("systems", help="the systems that can be named, and what was published of each")
    shown.set_defaults(run=_systems)

    score = commands.add_parser("score", help="score a predictions JSONL against a benchmark")
    score.set_defaults(run=_score)
    score.add_argument("benchmark", choices=BENCHMARKS)
    score.add_argument("--data", type=Path, required=True, help="the benchmark's file, or ArtMM's Evaluation folder")
    score.add_argument("--predictions", type=Path, help='lines of {"id": ..., "answers": [...]}')
    score.add_argument("--system", required=True, help="the system's name in the report")
    score.add_argument("--out", type=Path, required=True, help="folder for this run")
    score.add_argument("--ids", type=Path, help="list of ids to score, for instance a split's test.txt; default: all")
    score.add_argument("--encoder", help=f"sentence-transformers model, for instance {PAPER_ENCODERS[0]}")
    score.add_argument("--seed", type=int, default=0, help="of the controls")
    score.add_argument("--pictures", type=Path, help="folder of the pictures; ArtMM's judge needs them")
    score.add_argument("--published-answers", action="store_true", help="ArtMM folder: score its own A: or M: answers")
    score.add_argument("--judge", help="name of the judging model (ArtMM)")
    score.add_argument("--judge-url", help="OpenAI-compatible endpoint; its key is read from ARTGPT4_JUDGE_KEY")
    score.add_argument("--judge-record", type=Path, help="JSONL of the judge's replies; default: judge.jsonl in --out")
    score.add_argument("--repeats", type=int, default=3, help="verdicts for each answer")
    score.add_argument("--people", type=Path, help="people's scores, JSONL or CSV (ArtMM): see read_ratings")

    compare = commands.add_parser("compare", help="a judge prefers one of two systems' ArtMM answers, in both orders")
    compare.set_defaults(run=_compare)
    compare.add_argument("--data", type=Path, required=True, help="ArtMM's JSONL, or its Evaluation folder")
    compare.add_argument("--pictures", type=Path, required=True, help="folder of the pictures")
    compare.add_argument("--predictions", type=Path, nargs=2, required=True, metavar=("OURS", "THEIRS"))
    compare.add_argument("--systems", nargs=2, required=True, metavar=("OURS", "THEIRS"), help="names in the report")
    compare.add_argument("--out", type=Path, required=True, help="folder for this run")
    compare.add_argument("--ids", type=Path, help="list of ids; default: all")
    compare.add_argument("--judge", required=True, help="name of the judging model")
    compare.add_argument("--judge-url", help="OpenAI-compatible endpoint; its key is read from ARTGPT4_JUDGE_KEY")
    compare.add_argument(
        "--judge-record", type=Path, help="JSONL of the judge's replies; default: judge.jsonl in --out"
    )
    compare.add_argument("--repeats", type=int, default=3, help="verdicts for each pair in each order")

    sort = commands.add_parser("classify", help="zero-shot style, genre or emotion, by likelihood of the labels")
    sort.set_defaults(run=_with_models(_classify))
    sort.add_argument("kind", choices=("style", "genre", "emotion"))
    sort.add_argument("--data", type=Path, required=True, help="CSV with the columns picture and label")
    sort.add_argument("--pictures", type=Path, required=True, help="folder of the pictures")
    sort.add_argument("--model", default="mini", help="mini, a folder or a Hub id")
    sort.add_argument("--system", help="its name in the report; default: the model's")
    sort.add_argument("--device", default="auto")
    sort.add_argument("--out", type=Path, required=True, help="folder for this run; goes on with one that is there")

    report = commands.add_parser("report", help="write runs up, side by side")
    report.set_defaults(run=_report)
    report.add_argument("runs", type=Path, nargs="+", help="folders that score wrote; the first is compared with each")
    report.add_argument("--out", type=Path, required=True, help="folder for report.md and .html, scores.csv and plots")
    report.add_argument("--pictures", type=Path, help="the picture folder; adds examples.html with the pictures in it")

    shown = commands.add_parser("published", help="the papers' tables and our corrections, as Markdown")
    shown.set_defaults(run=lambda options: print(published.markdown(), end=""))

    split = commands.add_parser("split", help="ArtEmis's official splits, as lists of ids")
    split.set_defaults(run=_split)
    split.add_argument("data", type=Path, help="artemis_dataset_release_v0.csv; of v2 combined_artemis.csv")
    split.add_argument("--recipe", choices=("v1", "v2"), default="v1", help="of which release (default: v1)")
    split.add_argument("--out", type=Path, required=True, help="folder for train.txt, val.txt and so on")

    shown = commands.add_parser("demo", help="every offline step on the embedded model and our own pictures")
    shown.set_defaults(run=_with_models(_demo))
    shown.add_argument("--out", type=Path, required=True, help="folder for everything that the demo writes")
    return parser


def _systems(options: argparse.Namespace) -> None:
    from artgpt4.evaluation.systems import systems_table

    print(systems_table())


def _demo(options: argparse.Namespace) -> None:
    from artgpt4.evaluation.demo import demo

    print(*demo(options.out), sep="\n")


def _generate(options: argparse.Namespace) -> None:
    from artgpt4.evaluation.generate import generate, joined_processes
    from artgpt4.evaluation.systems import SystemUnavailable, open_system

    items, _ = _read(options)
    files = benchmarks.picture_files(items, options.pictures, options.data)
    joined_processes()
    system = open_system(options.system, options.model, options.device, options.max_new_tokens, options.url)
    if options.emotions and not hasattr(system, "emotions"):
        raise SystemUnavailable(f"--emotions needs a model's likelihoods, which {options.system} does not give here.")
    written = generate(items, files, system, options.out, options.batch_size, options.emotions)
    print(f"{options.out}: {written} lines written by this process")


def _score(options: argparse.Namespace) -> None:
    items, published_answers = _read(options)
    answers = _predictions(options, items, published_answers)
    pairs = benchmarks.match(items, answers, options.predictions or options.data)
    files = benchmarks.picture_files(items, options.pictures, options.data) if options.pictures else None
    how = {"data": options.data.name, "predictions": options.predictions.name if options.predictions else "published"}
    if options.benchmark == "artmm":
        judge = _judge(options, files)
        people = read_ratings(options.people, options.system, items) if options.people else {}
        if judge is None and not people:
            raise DataError(
                options.data, None, "ArtMM is scored by a judge (--judge) or by people (--people); name one"
            )
        tables, notes = score_judged(pairs, files, judge, people, options.repeats)
        how |= {"judge": judge.model} if judge else {}
    else:
        if all(prediction.error is not None for _, prediction in pairs):
            raise DataError(options.predictions, None, "every line has an error, so there is nothing to score")
        encode = load_encoder(options.encoder) if options.encoder else None
        tables, notes = score_texts(pairs, encode, options.seed)
        how |= {"encoder": options.encoder or "none", "seed": options.seed}
    write_run(Run(about_run(options.benchmark, options.system, pairs, notes, **how), tables), options.out)
    print(f"{options.out}: {len(pairs)} pictures. Next: python -m artgpt4.evaluation report {options.out} --out REPORT")


def _compare(options: argparse.Namespace) -> None:
    options.benchmark = "artmm"
    items, _ = _read(options)
    ours, theirs = (benchmarks.match(items, benchmarks.read_predictions(path), path) for path in options.predictions)
    files = benchmarks.picture_files(items, options.pictures, options.data)
    tables, notes = score_pairs(ours, theirs, files, _judge(options, files), options.repeats)
    system = " against ".join(options.systems)
    how = {"data": options.data.name, "predictions": " and ".join(path.name for path in options.predictions)}
    write_run(Run(about_run("artmm-pairs", system, ours, notes, **how), tables), options.out)
    print(f"{options.out}: {len(ours)} pairs. Next: python -m artgpt4.evaluation report {options.out} --out REPORT")


def _classify(options: argparse.Namespace) -> None:
    from artgpt4.evaluation.classify import classification_tables, classify, read_labels
    from artgpt4.loading import load

    items = read_labels(options.data, options.kind)
    files = benchmarks.picture_files(items, options.pictures, options.data)
    model = load(options.model, device=options.device)
    records = classify(items, files, model, options.kind, options.out / "classified.jsonl")
    if all("error" in record for record in records):
        raise DataError(options.out / "classified.jsonl", None, "every line has an error, so there is nothing to score")
    answered = [
        (item, Prediction(item.id, (_likeliest(record),), error=record.get("error")))
        for item, record in zip(items, records, strict=True)
    ]
    about = about_run(f"zero-shot {options.kind}", options.system or model.name, answered, [], data=options.data.name)
    write_run(Run(about, classification_tables(records)), options.out)
    print(f"{options.out}: {len(items)} pictures. Next: python -m artgpt4.evaluation report {options.out} --out REPORT")


def _likeliest(record: dict) -> str:
    probabilities = record.get("probabilities") or {}
    return max(probabilities, key=probabilities.get, default="")


def _read(options: argparse.Namespace) -> tuple[list[Item], dict[str, list[Prediction]]]:
    """The benchmark's items, and answers that are published with them."""
    answers = {}
    if options.benchmark == "painting-form":
        items = benchmarks.read_painting_form(options.data)
    elif options.benchmark == "artmm" and options.data.is_dir():
        items, answers = benchmarks.read_artmm_folder(options.data)
    elif options.benchmark == "artmm":
        items = benchmarks.read_artmm_jsonl(options.data)
    else:
        items = benchmarks.artemis_items(benchmarks.read_annotations(options.data))
    if options.ids:
        items = benchmarks.select(items, benchmarks.read_ids(options.ids), options.ids)
    return items, answers


def _predictions(
    options: argparse.Namespace, items: list[Item], published_answers: dict[str, list[Prediction]]
) -> list[Prediction]:
    if options.predictions:
        return benchmarks.read_predictions(options.predictions)
    if not options.published_answers:
        raise DataError(options.data, None, "there are no predictions; name a JSONL file with --predictions")
    if options.system not in published_answers:
        names = ", ".join(published_answers) or "of none"
        raise DataError(options.data, None, f"no answers of {options.system!r} are published in it; there are: {names}")
    scored = {item.id for item in items}
    return [prediction for prediction in published_answers[options.system] if prediction.id in scored]


def _judge(options: argparse.Namespace, files: list[Path] | None) -> Judge | None:
    if not options.judge:
        return None
    if files is None:
        raise DataError(options.data, None, "the judge is shown the pictures; name their folder with --pictures")
    record = options.judge_record or options.out / "judge.jsonl"
    return Judge(options.judge, record, options.judge_url, os.environ.get("ARTGPT4_JUDGE_KEY"))


def _report(options: argparse.Namespace) -> None:
    runs = [read_run(folder) for folder in options.runs]
    path = write_report(runs, options.out)
    print(path, path.with_suffix(".html"), sep="\n")
    if options.pictures:
        print(write_examples(runs, options.pictures, options.out / "examples.html"))


def _split(options: argparse.Namespace) -> None:
    if options.recipe == "v2":
        split = artemis_v2_split(read_combined(options.data))
    else:
        split = benchmarks.artemis_split(benchmarks.read_annotations(options.data))
    benchmarks.write_split(split, options.out)
    print(", ".join(f"{part} {len(ids)}" for part, ids in split.items()))


if __name__ == "__main__":
    main()
