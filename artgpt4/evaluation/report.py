"""Reads runs and writes them up: Markdown, HTML, CSV and bar plots, with the published rows beside them."""

import base64
import csv
import io
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np
from markdown_it import MarkdownIt

from artgpt4.emotions import EMOTIONS
from artgpt4.evaluation import published
from artgpt4.evaluation.benchmarks import DataError
from artgpt4.evaluation.metrics import METRICS, interval, resample, score
from artgpt4.evaluation.published import markdown_table
from artgpt4.evaluation.scoring import Run, Table
from artgpt4.images import PictureError, open_picture

CONTROLS = {
    "constant": "control: one cheerful sentence for every picture",
    "shuffled": "control: captions of {} dealt to other pictures",
    "human": "control: a person left out",
    "commonest": "control: the commonest label for every picture",
}

#: Which of our metrics each published column is, by benchmark.
_PUBLISHED_COLUMNS = {
    "artemis": {"vader_v1": "vader_paper_absdiff", "textblob_v1": "textblob_paper_absdiff", "bert_v1": "cosine_mean"},
    "artemis-v2": {
        "vader_v2": "vader_paper_absdiff",
        "textblob_v2": "textblob_paper_absdiff",
        "bert_v2": "cosine_mean",
    },
}

#: What a run says about itself that has a place of its own in the report.
_OWN_PLACE = ("benchmark", "system", "notes", "errors", "examples", "emotion_confusion")

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem }}
article {{ margin: 3rem 0 }} img {{ max-width: 100%; border-radius: 4px }} h2 {{ font-size: 1rem }}
.asked {{ font-style: italic }} .people {{ border-left: 3px solid #8a8f98; padding-left: .8rem }}
</style>
<h1>{title}</h1>
<p>Beside a grey line stand the benchmark's references.</p>
{notes}
{blocks}
</html>
"""

#: Wide tables scroll in their own place, not the page.
_REPORT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem }}
p, ul {{ max-width: 46rem; overflow-wrap: anywhere }} img {{ max-width: 100%; border-radius: 4px }}
table {{ display: block; overflow-x: auto; border-collapse: collapse; font-size: .875rem; margin: 1rem 0 }}
th, td {{ border-bottom: 1px solid #8a8f9866; padding: .3rem .8rem; text-align: left; vertical-align: top }}
th, td.figure {{ white-space: nowrap }} td:first-child {{ min-width: 9rem }}
th:first-child, td:first-child {{ position: sticky; left: 0; background: Canvas; padding-left: 0 }}
p:has(img) {{ display: inline-block; width: min(100%, 37rem); margin: 0 1rem 1rem 0; vertical-align: top }}
</style>
{body}
</html>
"""


def write_report(runs: Sequence[Run], folder: str | Path) -> Path:
    """Writes `report.md`, the same as `report.html`, `scores.csv` and one plot for each metric.

    Args:
        runs: of one benchmark; the first is compared with each of the others.
        folder: made if it is not there.

    Returns:
        The path of `report.md`.

    Raises:
        DataError: the runs are of several benchmarks, or two have the same system name.
    """
    folder = Path(folder)
    benchmarks = {run.about["benchmark"] for run in runs}
    if len(benchmarks) != 1:
        raise DataError(folder, None, f"one report is of one benchmark; these runs are of {sorted(benchmarks)}")
    systems = [run.about["system"] for run in runs]
    if len(set(systems)) != len(systems):
        raise DataError(folder, None, f"each system may be there once; these are: {', '.join(systems)}")
    benchmark = benchmarks.pop()
    lines = _lines(runs)
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(lines, folder / "scores.csv")
    plots = _write_plots(lines, folder)
    parts = [f"# {benchmark}: {', '.join(systems)}", *_about(runs), "## Scores"]
    parts.append(
        "In brackets the middle 95 % of 1,000 bootstrap samples of the pictures. An arrow says which way is better; "
        "columns without one only describe."
    )
    parts += _score_tables(lines)
    parts += ["## What the columns are", markdown_table(["metric", "better", "meaning"], _meanings(lines))]
    if len(runs) > 1:
        parts += ["## Compared", *(_comparison(runs[0], other) for other in runs[1:])]
    parts += _published(benchmark, runs)
    parts += ["## Plots", *(f"![{name}]({name}.png)" for name in plots)]
    confused = [name for number, run in enumerate(runs) if (name := _write_confusion(run, number, folder))]
    if confused:
        parts += ["## Emotions: what annotators chose, and what was answered", _CONFUSION]
        parts += [f"![{name}]({name}.png)" for name in confused]
    parts += ["## Examples", *_examples(runs)]
    path = folder / "report.md"
    text = "\n\n".join(parts) + "\n"
    path.write_text(text, encoding="utf-8")
    title = escape(f"{benchmark}: {', '.join(systems)}")
    body = MarkdownIt("js-default").render(text)  # a preset that shows HTML in the text as text
    body = re.sub(r"<td>(-?[\d\[][^<]*\][^<]*)</td>", r'<td class="figure">\1</td>', body)  # a value and its interval
    path.with_suffix(".html").write_text(_REPORT.format(title=title, body=body), encoding="utf-8")
    return path


_CONFUSION = (
    "Pictures that have a dominant emotion, by that emotion (rows) and by the system's own label or likeliest emotion, "
    "or, where it gives neither, the one that its caption names first (columns). Shading is the share of the row."
)

#: One row of the table: what it is, of which run, and its figures (score, interval) by metric.
_Line = tuple[str, str, int, dict[str, tuple[float, tuple[float, float] | None]]]


def write_examples(runs: Sequence[Run], pictures: str | Path, path: str | Path) -> Path:
    """Writes a page that needs no other file: pictures, what the systems answered, and the references.

    Args:
        runs: of one benchmark; the first one's examples are shown.
        pictures: the benchmark's picture folder. A picture that cannot be opened is said to be so in its place.
        path: of the page.
    """
    path = Path(path)
    blocks = []
    for example in runs[0].about["examples"]:
        said = [f"<h2>{escape(example['id'])}</h2>", _thumbnail(Path(pictures) / example["picture"])]
        said += [f"<p class=asked>{escape(question)}</p>" for question in example["rounds"]]
        for run in runs:
            answers = next((of["answers"] for of in run.about["examples"] if of["id"] == example["id"]), [])
            said += [f"<p><b>{escape(run.about['system'])}</b> {escape(answer)}</p>" for answer in answers]
        said += [f"<p class=people>{escape(reference)}</p>" for reference in example["references"]]
        blocks.append("<article>" + "\n".join(said) + "</article>")
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in runs[0].about["notes"])
    title = escape(f"{runs[0].about['benchmark']}: " + ", ".join(run.about["system"] for run in runs))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_PAGE.format(title=title, notes=notes, blocks="\n".join(blocks)), encoding="utf-8")
    return path


def _thumbnail(path: Path) -> str:
    try:
        picture = open_picture(path)
    except PictureError as error:
        return f"<p class=asked>{escape(str(error))}</p>"
    picture.thumbnail((360, 360))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=85)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}">'


def _rows(runs: Sequence[Run]) -> Iterator[tuple[str, str, Table]]:
    """Label, system and table of each row. A control that knows nothing of the system is there once for its items."""
    seen = set()
    for run in runs:
        system = run.about["system"]
        for name, table in run.tables.items():
            key = (name, run.about.get("seed"), run.about.get("encoder"), *table.ids)
            if name in ("constant", "human", "commonest") and key in seen:
                continue
            seen.add(key)
            yield (system if name == "system" else CONTROLS[name].format(system)), system, table


def _lines(runs: Sequence[Run]) -> list[_Line]:
    return [(label, system, len(table.ids), _figures(table)) for label, system, table in _rows(runs)]


def _figures(table: Table) -> dict[str, tuple[float, tuple[float, float] | None]]:
    strata = table.strata or None
    return {name: (score(name, rows), interval(name, rows, strata=strata)) for name, rows in table.rows.items()}


def _used(lines: Sequence[_Line]) -> list[str]:
    return [name for name in METRICS if any(name in figures for *_, figures in lines)]


def _score_tables(lines: Sequence[_Line], columns: int = 5) -> list[str]:
    used, tables = _used(lines), []
    for start in range(0, len(used), columns):
        names = used[start : start + columns]
        arrows = {"higher": " ↑", "lower": " ↓", "neither": ""}
        header = ["", "pictures", *(name + arrows[METRICS[name].better] for name in names)]
        rows = [[label, count, *(_cell(figures.get(name)) for name in names)] for label, _, count, figures in lines]
        tables.append(markdown_table(header, rows))
    return tables


def _cell(figure: tuple[float, tuple[float, float] | None] | None) -> str:
    if figure is None or np.isnan(figure[0]):
        return "-"
    value, bounds = figure
    return f"{value:.3f}" + (f" [{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else "")


def _meanings(lines: Sequence[_Line]) -> list[list[object]]:
    return [[name, METRICS[name].better, METRICS[name].meaning] for name in _used(lines)]


def _about(runs: Sequence[Run]) -> list[str]:
    parts = []
    for run in runs:
        about = run.about
        said = {key: about[key] for key in about if key not in _OWN_PLACE}
        versions = ", ".join(f"{name} {version}" for name, version in said.pop("versions").items() if version)
        parts.append(
            f"**{about['system']}**: " + "; ".join(f"{key} {value}" for key, value in said.items()) + f"; {versions}."
        )
        if about["errors"]:
            first = "; ".join(f"{name}: {error}" for name, error in list(about["errors"].items())[:5])
            parts.append(
                f"**Without an answer, and in no score: {len(about['errors'])} pictures**, among them {first}."
            )
        parts += [f"- {note}" for note in about["notes"]]
    return parts


def _comparison(first: Run, other: Run) -> str:
    """Differences on the pictures that both answered, with a paired bootstrap."""
    mine, theirs = first.tables["system"], other.tables["system"]
    where = {name: index for index, name in enumerate(theirs.ids)}
    shared = [index for index, name in enumerate(mine.ids) if name in where]
    title = f"{first.about['system']} minus {other.about['system']}"
    if not shared:
        return f"{title}: they have no picture in common."
    strata = [mine.strata[index] for index in shared] if mine.strata else None
    rows = []
    for name in METRICS:
        if name not in mine.rows or name not in theirs.rows or not METRICS[name].resampled:
            continue
        pair = [mine.rows[name][shared], theirs.rows[name][[where[mine.ids[index]] for index in shared]]]
        draws = resample(name, pair, strata=strata)
        differences = draws[0] - draws[1]
        differences = differences[~np.isnan(differences)]
        if not len(differences):
            continue
        low, high = np.quantile(differences, [0.025, 0.975])
        verdict = "apart" if low > 0 or high < 0 else "not told apart"
        rows.append([name, score(name, pair[0]) - score(name, pair[1]), f"[{low:.3f}, {high:.3f}]", verdict])
    header = ["metric", "difference", "95 % interval, paired", ""]
    return f"{title}, on the {len(shared)} pictures that both answered:\n\n" + markdown_table(header, rows)


def _published(benchmark: str, runs: Sequence[Run]) -> list[str]:
    if benchmark not in (*_PUBLISHED_COLUMNS, "artmm", "painting-form"):
        return []
    if benchmark in _PUBLISHED_COLUMNS:
        columns = _PUBLISHED_COLUMNS[benchmark]
        rows = [
            [f"{row['system']}, {row['language_model']}".rstrip(", "), *(row[column] for column in columns)]
            for row in published.table("artemis")
            if row["table"] == "1"
        ]
        for label, _, table in _rows(runs):
            rows.append([f"**{label}**", *(_plain(table, metric) for metric in columns.values())])
        header = ["system", *(f"{metric} ({column.split('_')[0]})" for column, metric in columns.items())]
        note = published.NOTES["artemis"]
    elif benchmark == "artmm":
        note = published.NOTES["artmm"]
        note += (
            " Of ours: mean [middle 95 % of the bootstrap samples of the items], n scored items; the total is the mean "
            "of the axis means."
        )
        header = ["system", *published.ARTMM_PICTURES, "total"]
        rows = []
        for row in published.artmm():
            rows.append([f"{row.system}, as printed", *row.printed.values(), row.printed_total])
            rows.append([f"{row.system}, corrected", *row.corrected.values(), row.corrected_total])
        for run in runs:
            for who in ("judge", "people"):
                names = [f"{who}_{axis}" for axis in (*published.ARTMM_PICTURES, "total")]
                if names[-1] in run.tables["system"].rows:
                    ours = [_with_interval(run.tables["system"], name) for name in names]
                    name = f"judge {run.about['judge']}" if who == "judge" and "judge" in run.about else who
                    rows.append([f"**{run.about['system']}**, {name}", *ours])
        rows = [[cell if isinstance(cell, str) else f"{cell:.2f}" for cell in row] for row in rows]
    else:
        note = published.NOTES["painting_form"]
        columns = {"bleu": "bleu_4", "gleu": "gleu", "meteor": "meteor", "rouge": "rouge_l"}
        header = ["system", *columns.values(), ""]
        rows = [
            [*(row[name] for name in ("system", *columns)), row["note"]] for row in published.table("painting_form")
        ]
        for run in runs:
            ours = [_plain(run.tables["system"], metric, scale=100, digits=2) for metric in columns.values()]
            rows.append([f"**{run.about['system']}**", *ours, "our scorer, x 100"])
    return ["## Beside the published table", note, markdown_table(header, rows)]


def _plain(table: Table, metric: str, scale: float = 1, digits: int = 3) -> str:
    if metric not in table.rows:
        return "-"
    value = score(metric, table.rows[metric])
    return "-" if np.isnan(value) else f"{scale * value:.{digits}f}"


def _with_interval(table: Table, metric: str) -> str:
    if metric not in table.rows:
        return "-"
    rows = table.rows[metric]
    bounds = interval(metric, rows, strata=table.strata or None)
    inside = f" [{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else ""
    return f"{score(metric, rows):.2f}{inside}, n {int(rows[:, 1::2].sum())}"


def _examples(runs: Sequence[Run]) -> list[str]:
    parts = []
    for example in runs[0].about["examples"][:5]:
        parts.append(f"**{example['id']}**")
        for run in runs:
            answers = next((of["answers"] for of in run.about["examples"] if of["id"] == example["id"]), [])
            parts += [f"{run.about['system']}: " + _quoted(answer) for answer in answers]
        parts += ["reference: " + _quoted(reference) for reference in example["references"]]
    return parts


def _quoted(text: str) -> str:
    return "“" + " ".join(text.split()).replace("<", "&lt;") + "”"


def _write_csv(lines: Sequence[_Line], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "system", "pictures", "metric", "score", "low", "high", "better"])
        for label, system, count, figures in lines:
            for name, (value, bounds) in figures.items():
                low, high = bounds or ("", "")
                writer.writerow([label, system, count, name, value, low, high, METRICS[name].better])


def _write_confusion(run: Run, number: int, folder: Path) -> str | None:
    """`emotion_confusion_<number>.png`, and its name; None where no picture has a dominant emotion."""
    counts = np.array(run.about.get("emotion_confusion") or [])
    if not counts.size:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 6), layout="constrained")
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Purples", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(EMOTIONS) + 1), [*EMOTIONS, "none named"], rotation=45, ha="right")
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_xlabel("answered")
    axes.set_ylabel("chosen by annotators")
    axes.set_title(run.about["system"], fontsize=10)
    name = f"emotion_confusion_{number + 1}"
    figure.savefig(folder / f"{name}.png", dpi=110)
    return name


def _write_plots(lines: Sequence[_Line], folder: Path) -> list[str]:
    """One bar chart for each metric, `<metric>.png`; the names of those written."""
    from matplotlib.figure import Figure  # without pyplot: no window system, nothing global

    written = []
    for name in _used(lines):
        bars = [(line[0], *line[3][name]) for line in lines if name in line[3] and not np.isnan(line[3][name][0])]
        if not bars:
            continue
        figure = Figure(figsize=(7, 0.9 + 0.4 * len(bars)), layout="constrained")
        axes = figure.add_subplot()
        for position, (label, value, bounds) in enumerate(bars):
            axes.barh(position, value, color="#8a8f98" if label.startswith("control") else "#5b5bd6")
            if bounds:
                axes.plot(bounds, [position, position], color="black", linewidth=1.5, marker="|")
        if not any(value or (bounds and any(bounds)) for _, value, bounds in bars):
            axes.set_xlim(0, 1)  # otherwise matplotlib puts a lone zero into the middle
        axes.set_yticks(range(len(bars)), [label for label, *_ in bars])
        axes.invert_yaxis()
        better = METRICS[name].better
        axes.set_title(name + ("" if better == "neither" else f" ({better} is better)"), fontsize=10)
        figure.savefig(folder / f"{name}.png", dpi=110)
        written.append(name)
    return written
