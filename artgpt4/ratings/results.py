"""What came of a study: the paper's table, how far the artists agree, and what else moved their scores.

An answer's score on an axis is the mean over the artists who scored it; an axis has the sum of these over its items
and their mean, and the total is the mean of the axes' means, as in Table 2 of the paper (arXiv:2305.07490). Hidden
repeats and calibration items count nowhere but in their own lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from artgpt4.evaluation.published import markdown_table
from artgpt4.ratings.record import Record, Score, scores

DRAWS = 1000


@dataclass(frozen=True)
class Figure:
    """A number, or None with the reason why it is undefined; with its 95 % interval where it has one."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"undefined: {self.why}"
        return f"{self.value:.2f}" + ("" if self.low is None else f" [{self.low:.2f}, {self.high:.2f}]")


@dataclass(frozen=True)
class Row:
    """One system's line of the table.

    Attributes:
        sums: by axis, of the items' scores.
        means: by axis.
        items: by axis, how many were scored.
        total: mean of the axes' means; undefined where an axis has none.
    """

    system: str
    sums: dict[str, float]
    means: dict[str, Figure]
    items: dict[str, int]
    total: Figure


@dataclass(frozen=True)
class Results:
    """All that is known of a study.

    Attributes:
        table: in score mode.
        alpha: Krippendorff's, ordinal, by axis.
        icc: two-way random, absolute agreement, of one artist (ICC(A,1)) and of the mean of all (ICC(A,k)), by axis.
        leniency: by artist, how much more than the others he or she gave to the same answers.
        position: points gained or lost over ten places of the order; in pair mode the share won by the first shown.
        consistency: by artist, the share of hidden repeats that got the same again, and their number.
        wins: in pair mode, by two systems, how often the first of them is preferred, a tie being half.
        bradley_terry: in pair mode, each system's strength in natural logarithms, their mean 0.
        counts: raters, scores, skipped tasks.
    """

    title: str
    mode: str
    axes: list[str]
    table: list[Row]
    alpha: dict[str, Figure]
    icc: dict[str, tuple[Figure, Figure]]
    leniency: dict[str, Figure]
    position: Figure
    consistency: dict[str, tuple[float, int]]
    wins: dict[tuple[str, str], Figure]
    bradley_terry: dict[str, Figure]
    counts: dict[str, int]


def results(record: Record, seed: int = 0) -> Results:
    """Everything above from one record; the same record gives the same numbers."""
    everything = scores(record)
    counted = [score for score in everything if score.repeat_of is None and not score.calibration]
    pair = record.study["mode"] == "pair"
    axes = record.axes
    matrices = {} if pair else {axis: _matrix([score for score in counted if score.axis == axis]) for axis in axes}
    return Results(
        title=record.study["title"],
        mode=record.study["mode"],
        axes=axes,
        table=[] if pair else _table(counted, record.systems, axes, seed),
        alpha={axis: alpha(matrix) for axis, matrix in matrices.items()},
        icc={axis: icc(matrix) for axis, matrix in matrices.items()},
        leniency={} if pair else _leniency(counted),
        position=_first_wins(counted) if pair else _drift(counted),
        consistency=_consistency(everything),
        wins=_wins(counted, record.systems, seed) if pair else {},
        bradley_terry=bradley_terry(counted, record.systems) if pair else {},
        counts={
            "artists": len({score.rater for score in counted}),
            "choices" if pair else "scores": len(counted),
            "skipped": sum(task["state"] == "skipped" for task in record.tables["task"]),
        },
    )


def _table(counted: Sequence[Score], systems: list[str], axes: list[str], seed: int) -> list[Row]:
    raters = sorted({score.rater for score in counted})
    items = sorted({score.item for score in counted})
    values = np.full((len(systems), len(axes), len(items), len(raters)), np.nan)
    for score in counted:
        where = systems.index(score.system), axes.index(score.axis), items.index(score.item)
        values[(*where, raters.index(score.rater))] = score.value
    if not values.size:
        nothing = Figure(None, why="nobody has scored anything yet")
        return [Row(name, dict.fromkeys(axes, 0), dict.fromkeys(axes, nothing), dict.fromkeys(axes, 0), nothing)
                for name in systems]  # fmt: skip
    mean, total, of_items = _means(values, np.ones((1, len(items))), np.ones((1, len(raters))))
    rng = np.random.default_rng(seed)
    # Artists and items are both drawn again, as others could have been: Owen's pigeonhole bootstrap (2007,
    # arXiv:0712.1111), which is on the safe side.
    drawn = [rng.multinomial(size, np.full(size, 1 / size), DRAWS).astype(float) for size in (len(items), len(raters))]
    draws, total_draws, _ = _means(values, *drawn)
    rows = []
    for number, name in enumerate(systems):
        scored = np.isfinite(of_items[0, number]).sum(-1)
        figures = {}
        for index, axis in enumerate(axes):
            enough = scored[index] > 1
            figures[axis] = _figure(mean[0, number, index], draws[:, number, index] if enough else None)
        sums = {axis: float(np.nansum(of_items[0, number, index])) for index, axis in enumerate(axes)}
        whole = _figure(total[0, number], total_draws[:, number] if (scored > 1).all() else None)
        rows.append(Row(name, sums, figures, dict(zip(axes, map(int, scored), strict=True)), whole))
    return rows


def _means(
    values: np.ndarray, of_items: np.ndarray, of_raters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means by axis, [draws, systems, axes]; their means, [draws, systems]; and the items' own, with the items last.

    Args:
        values: [systems, axes, items, raters], NaN where there is no score.
        of_items, of_raters: how often each is in each draw, [draws, items] and [draws, raters].
    """
    there, known = np.isfinite(values), np.nan_to_num(values)
    with np.errstate(invalid="ignore"):
        weights = np.einsum("sair,dr->dsai", there.astype(float), of_raters)
        scored = np.einsum("sair,dr->dsai", known, of_raters) / weights
        weights = np.where(weights > 0, of_items[:, None, None, :], 0)
        means = (np.nan_to_num(scored) * weights).sum(-1) / weights.sum(-1)
    return means, means.mean(-1), scored


def _figure(value: float, draws: np.ndarray | None) -> Figure:
    if not np.isfinite(value):
        return Figure(None, why="not scored")
    draws = np.array([]) if draws is None else draws[np.isfinite(draws)]
    if not len(draws):
        return Figure(float(value))
    low, high = np.quantile(draws, [0.025, 0.975])
    return Figure(float(value), float(low), float(high))


def _matrix(of_axis: Sequence[Score]) -> np.ndarray:
    """Scores as [raters, answers], NaN where there is none."""
    raters = sorted({score.rater for score in of_axis})
    answers = sorted({(score.item, score.system) for score in of_axis})
    matrix = np.full((len(raters), len(answers)), np.nan)
    for score in of_axis:
        matrix[raters.index(score.rater), answers.index((score.item, score.system))] = score.value
    return matrix


def alpha(matrix: np.ndarray) -> Figure:
    """Krippendorff's alpha for ordinal scores, [raters, answers] with NaN where there is none."""
    pairable = matrix[:, np.isfinite(matrix).sum(0) > 1]
    if not pairable.size:
        return Figure(None, why="no answer has two scores")
    if len(np.unique(pairable[np.isfinite(pairable)])) == 1:
        return Figure(None, why="all scores are the same, so there is nothing to agree on")
    try:
        import krippendorff
    except ImportError:
        return Figure(None, why="the package krippendorff is not installed")
    return Figure(float(krippendorff.alpha(reliability_data=pairable, level_of_measurement="ordinal")))


def icc(matrix: np.ndarray) -> tuple[Figure, Figure]:
    """ICC(A,1) and ICC(A,k), on the answers that every artist scored; [raters, answers], NaN where there is none."""

    def undefined(why: str) -> tuple[Figure, Figure]:
        return Figure(None, why=why), Figure(None, why=why)

    whole = matrix[:, np.isfinite(matrix).all(0)]
    if whole.shape[0] < 2 or whole.shape[1] < 5:
        return undefined("needs two artists and five answers that all of them scored")
    if np.ptp(whole) == 0:
        return undefined("all scores are the same")
    try:
        import pandas
        import pingouin
    except ImportError:
        return undefined("the package pingouin is not installed")
    raters, answers = np.indices(whole.shape)
    data = pandas.DataFrame({"rater": raters.ravel(), "answer": answers.ravel(), "score": whole.ravel()})
    with np.errstate(divide="ignore", invalid="ignore"):  # artists who agree perfectly leave no error to divide by
        found = pingouin.intraclass_corr(data, targets="answer", raters="rater", ratings="score").set_index("Type")
    figures = []
    for name in ("ICC(A,1)", "ICC(A,k)"):
        value = float(found.loc[name, "ICC"])
        low, high = map(float, found.loc[name, "CI95"])
        if not np.isfinite(value):
            figures.append(Figure(None, why="the scores do not vary enough"))
        elif np.isfinite([low, high]).all():
            figures.append(Figure(value, low, high))
        else:
            figures.append(Figure(value))
    return figures[0], figures[1]


def _leniency(counted: Sequence[Score]) -> dict[str, Figure]:
    by_answer: dict[tuple, list[Score]] = {}
    for score in counted:
        by_answer.setdefault((score.item, score.system, score.axis), []).append(score)
    more: dict[str, list[float]] = {score.rater: [] for score in counted}
    for same in by_answer.values():
        for score in same:
            others = [other.value for other in same if other is not score]
            if others:
                more[score.rater].append(score.value - sum(others) / len(others))
    alone = Figure(None, why="nobody else scored the same answers")
    return {rater: Figure(float(np.mean(of_rater))) if of_rater else alone for rater, of_rater in sorted(more.items())}


def _drift(counted: Sequence[Score]) -> Figure:
    """Slope of the scores over ten places, each taken from the mean of its answer and of its artist."""
    values = np.array([score.value for score in counted], float)
    places = np.array([score.position for score in counted], float)
    for key in (lambda s: (s.item, s.system, s.axis), lambda s: s.rater):
        groups: dict[object, list[int]] = {}
        for index, score in enumerate(counted):
            groups.setdefault(key(score), []).append(index)
        for members in groups.values():
            values[members] -= values[members].mean()
    if len(counted) < 3 or len({score.rater for score in counted}) < 2 or np.ptp(places) == 0:
        return Figure(None, why="needs two artists and some scores")
    places -= places.mean()
    slope = (places * values).sum() / (places**2).sum()
    rest = values - slope * places
    error = np.sqrt((rest**2).sum() / (len(values) - 2) / (places**2).sum())
    return Figure(10 * slope, 10 * (slope - 1.96 * error), 10 * (slope + 1.96 * error))


def _first_wins(counted: Sequence[Score]) -> Figure:
    chosen = [score.value for score in counted if score.choice in ("first", "second")]
    if not chosen:
        return Figure(None, why="nobody has preferred one yet")
    share, count = float(np.mean(chosen)), len(chosen)
    # Wilson's interval: it holds for few choices, and for none of one kind.
    middle, half = (share + 1.96**2 / 2 / count), 1.96 * np.sqrt(share * (1 - share) / count + 1.96**2 / 4 / count**2)
    scale = 1 + 1.96**2 / count
    return Figure(share, (middle - half) / scale, (middle + half) / scale)


def _consistency(everything: Sequence[Score]) -> dict[str, tuple[float, int]]:
    first = {(score.rater, score.position, score.axis): score for score in everything}
    same: dict[str, list[bool]] = {}
    for score in everything:
        earlier = first.get((score.rater, score.repeat_of, score.axis))
        if score.repeat_of is not None and earlier is not None:
            # Of a pair the sides were changed.
            now = 1 - score.value if score.choice else score.value
            same.setdefault(score.rater, []).append(now == earlier.value)
    return {rater: (sum(of_rater) / len(of_rater), len(of_rater)) for rater, of_rater in sorted(same.items())}


def _wins(counted: Sequence[Score], systems: list[str], seed: int) -> dict[tuple[str, str], Figure]:
    found = {}
    for one, two in combinations(systems, 2):
        between = [score for score in counted if {score.system, score.other} == {one, two}]
        values = np.array([score.value if score.system == one else 1 - score.value for score in between])
        if not len(values):
            found[one, two] = Figure(None, why="not compared")
            continue
        weights = np.ones((DRAWS, len(values)))
        rng = np.random.default_rng(seed)
        for of in ([score.item for score in between], [score.rater for score in between]):
            names, index = np.unique(of, return_inverse=True)
            weights *= rng.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)[:, index]
        with np.errstate(invalid="ignore"):
            draws = (weights * values).sum(1) / weights.sum(1)
        found[one, two] = _figure(values.mean(), draws if len({score.item for score in between}) > 1 else None)
    return found


def bradley_terry(counted: Sequence[Score], systems: list[str]) -> dict[str, Figure]:
    """Strengths of Bradley and Terry's model, a tie being half a win for each.

    Undefined where some systems never lost to, or were never compared with, the others: then no finite strength is the
    likeliest (Ford, 1957).
    """
    data = []
    for score in counted:
        first, second = systems.index(score.system), systems.index(score.other)
        data += {1.0: [(first, second)] * 2, 0.0: [(second, first)] * 2}.get(
            score.value, [(first, second), (second, first)]
        )
    beaten = np.eye(len(systems), dtype=bool)
    for winner, loser in data:
        beaten[winner, loser] = True
    for _ in systems:
        beaten = (beaten.astype(int) @ beaten.astype(int)) > 0
    if not beaten.all():
        why = "some systems never lost to the others, or were not compared with them"
        return {name: Figure(None, why=why) for name in systems}
    try:
        import choix
    except ImportError:
        return {name: Figure(None, why="the package choix is not installed") for name in systems}
    strengths = choix.ilsr_pairwise(len(systems), data, max_iter=10_000)
    strengths = strengths - strengths.mean()
    return {name: Figure(float(strength)) for name, strength in zip(systems, strengths, strict=True)}


def markdown(found: Results) -> str:
    """The results as a document."""
    counts = ", ".join(f"{count} {what}" for what, count in found.counts.items())
    parts = [f"# {found.title}", counts + ".", __doc__.split("\n\n", 1)[1].strip().replace("\n", " ")]
    if found.mode == "score":
        header = ["system"]
        for axis in found.axes:
            header += [f"{axis} sum", f"{axis} mean"]
        rows = [
            [row.system, *_both(row, found.axes, lambda total: f"{total:g}"), str(row.total)] for row in found.table
        ]
        parts += ["## Scores", markdown_table([*header, "total"], rows), "In brackets 95 % bootstrap intervals."]
        agreement = [[axis, str(found.alpha[axis]), *map(str, found.icc[axis])] for axis in found.axes]
        parts += ["## Agreement", markdown_table(["axis", "Krippendorff's alpha", "ICC(A,1)", "ICC(A,k)"], agreement)]
        parts += ["## Artists", "How much more each gave than the others gave to the same answers."]
        parts += [
            markdown_table(["artist", "leniency"], [[name, str(value)] for name, value in found.leniency.items()])
        ]
        parts += [f"Points gained over ten places of the order: {found.position}."]
    else:
        rows = [[one, two, str(share)] for (one, two), share in found.wins.items()]
        parts += ["## Preferences", markdown_table(["system", "over", "share"], rows)]
        rows = [[name, str(strength)] for name, strength in found.bradley_terry.items()]
        parts += ["## Bradley-Terry", markdown_table(["system", "strength"], rows)]
        parts += [f"Share won by the answer that was shown first: {found.position}."]
    rows = [[name, f"{share:.2f}", count] for name, (share, count) in found.consistency.items()]
    if rows:
        parts += ["## Hidden repeats", markdown_table(["artist", "same again", "of"], rows)]
    return "\n\n".join(parts) + "\n"


def _both(row: Row, axes: list[str], spelled: Callable[[float], str]) -> list[str]:
    return [cell for axis in axes for cell in (spelled(round(row.sums[axis], 4)), str(row.means[axis]))]


def write_plots(found: Results, folder: str | Path) -> list[Path]:
    """`scores.png` or `preferences.png`, with the intervals, and `artists.png`. Needs matplotlib."""
    from matplotlib.figure import Figure as Canvas  # without pyplot: no window system, nothing global

    bars: dict[str, list[tuple[str, Figure]]] = {}
    if found.mode == "score":
        bars["scores"] = [(f"{row.system}, {axis}", row.means[axis]) for axis in found.axes for row in found.table]
        bars["scores"] += [(f"{row.system}, total", row.total) for row in found.table]
        bars["artists"] = list(found.leniency.items())
    else:
        bars["preferences"] = [(f"{one} over {two}", share) for (one, two), share in found.wins.items()]
    written = []
    for name, lines in bars.items():
        lines = [(label, figure) for label, figure in lines if figure.value is not None]
        if not lines:
            continue
        canvas = Canvas(figsize=(7, 0.9 + 0.35 * len(lines)), layout="constrained")
        axes = canvas.add_subplot()
        for place, (_, figure) in enumerate(lines):
            axes.barh(place, figure.value, color="#5b5bd6")
            if figure.low is not None:
                axes.plot([figure.low, figure.high], [place, place], color="black", linewidth=1.5, marker="|")
        axes.set_yticks(range(len(lines)), [label.replace("$", r"\$") for label, _ in lines])
        axes.invert_yaxis()
        axes.set_title({"scores": "Mean scores", "artists": "Leniency", "preferences": "Preferred"}[name], fontsize=10)
        written.append(Path(folder) / f"{name}.png")
        canvas.savefig(written[-1], dpi=110)
    return written
