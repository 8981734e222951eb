"""The tables of the papers as data, recomputed from the figures that they are made of, with our corrections.

Sources: ArtGPT-4 (Yuan et al., arXiv:2305.07490), its last version's Tables 1 to 4 and its first preprint's Tables 1
to 3; the file `Evaluation/score by gpt-4.txt` published with its code; GalleryGPT (Bin et al., arXiv:2408.00491), the
README of github.com/steven640pixel/GalleryGPT.
"""

import csv
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

TABLES = Path(__file__).parent / "published_tables"

#: Pictures of each ArtMM axis: ten descriptions, ten sentiments, five contents, two dialogues.
ARTMM_PICTURES = {"IDC": 10, "ISAC": 10, "ICRC": 5, "MDIUC": 2}

NOTES = {
    "artemis": "VADER and TextBlob are printed as similarities, higher being better, but the text defines them as the "
    "absolute difference of two polarities, and their size fits only that: they are distances. A constant cheerful "
    "sentence reaches about what the best row has. Compare them with the rows `*_paper_absdiff` only. Neither the "
    "split, the prompt, the sentence encoder nor the handling of several references is published.",
    "artmm": "ICRC's sums are over five pictures and were divided by three. Corrected: divided by the number of "
    "pictures on every axis, total = mean of the four. 'Artist (human)' has the sums that the first preprint gives to "
    "GPT-4, so it is no anchor for people.",
    "first_preprint": "The averages follow from the item scores. Its text says 2.35 in total for MiniGPT-4 "
    "(recomputed: 2.30) and, in its abstract, 0.25 points below GPT-4 (recomputed, and in its section 6: 0.15).",
    "judge_log": "Items of ISAC where the published log of the judge and the printed table differ. Scores out of 15 "
    "are brought to 5.",
    "painting_form": "Scorer unreleased: neither tokenisation, n-gram order nor smoothing is known, nor which of the "
    "two reference files was used. Compare with rescored baselines, not with these.",
}


@dataclass(frozen=True)
class ArtMMRow:
    """One system of the paper's Table 2: as printed, and recomputed from its sums."""

    system: str
    sums: dict[str, int]
    printed: dict[str, float]
    printed_total: float

    @property
    def corrected(self) -> dict[str, float]:
        """Mean score of each axis: its sum divided by its number of pictures."""
        return {axis: total / ARTMM_PICTURES[axis] for axis, total in self.sums.items()}

    @property
    def corrected_total(self) -> float:
        return sum(self.corrected.values()) / 4

    @property
    def total_of_printed(self) -> float:
        """What the printed axes average to; two of the printed totals do not even follow from their own row."""
        return sum(self.printed.values()) / 4


@dataclass(frozen=True)
class PreprintRow:
    """One system on one axis in the first preprint's Tables 1 to 3."""

    axis: str
    system: str
    items: tuple[int, ...]
    printed: float

    @property
    def average(self) -> float:
        return sum(self.items) / len(self.items)


@dataclass(frozen=True)
class Difference:
    """One item whose score in the judge's log is not the one in the printed table."""

    axis: str
    item: int
    system: str
    logged: str
    out_of_five: float
    printed: int


def table(name: str) -> list[dict[str, str]]:
    """The rows of one published table as they are printed: artemis, artmm, first_preprint, judge_log, painting_form."""
    with (TABLES / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def artmm() -> list[ArtMMRow]:
    """Table 2 of the paper."""
    return [
        ArtMMRow(
            row["system"],
            {axis: int(row[f"{axis.lower()}_sum"]) for axis in ARTMM_PICTURES},
            {axis: float(row[axis.lower()]) for axis in ARTMM_PICTURES},
            float(row["total"]),
        )
        for row in table("artmm")
    ]


def first_preprint() -> list[PreprintRow]:
    """Tables 1 to 3 of the first preprint."""
    return [
        PreprintRow(row["axis"], row["system"], tuple(map(int, row["items"].split())), float(row["average"]))
        for row in table("first_preprint")
    ]


def first_preprint_totals() -> dict[str, float]:
    """Mean of the four axes for each system of the first preprint, recomputed."""
    averages: dict[str, list[float]] = {}
    for row in first_preprint():
        averages.setdefault(row.system, []).append(row.average)
    return {system: sum(of_system) / len(of_system) for system, of_system in averages.items()}


def judge_log_differences() -> list[Difference]:
    """Where the published log of the judge says something else than the table printed from it."""
    printed = {(row.axis, row.system): row.items for row in first_preprint()}
    differences = []
    for row in table("judge_log"):
        for index, logged in enumerate(row["items"].split()):
            score, scale = logged.split("/")
            out_of_five = float(Fraction(score) * 5 / int(scale))
            in_table = printed[row["axis"], row["system"]][index]
            if out_of_five != in_table:
                differences.append(Difference(row["axis"], index + 1, row["system"], logged, out_of_five, in_table))
    return differences


def markdown_table(header: list[str], rows: list[list[object]]) -> str:
    """A Markdown table; numbers are right-aligned."""
    text = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    numeric = [all(isinstance(row[column], (int, float)) for row in rows) for column in range(len(header))]
    rule = ["---:" if of_numbers else "---" for of_numbers in numeric]
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in [header, *text]]
    return "\n".join("| " + " | ".join(line) + " |" for line in [escaped[0], rule, *escaped[1:]])


def markdown() -> str:
    """All published tables with their corrections, as one document."""
    artemis, painting_form = table("artemis"), table("painting_form")
    parts = ["# Published tables", "## ArtEmis and ArtEmis v2.0 (ArtGPT-4, Tables 1, 3 and 4)", NOTES["artemis"]]
    parts += [markdown_table(list(artemis[0]), [list(row.values()) for row in artemis])]
    parts += ["## ArtMM (ArtGPT-4, Table 2)", NOTES["artmm"], artmm_table(artmm())]
    parts += ["## ArtMM, first preprint, Tables 1 to 3", NOTES["first_preprint"]]
    parts += [
        markdown_table(
            ["axis", "system", "items", "printed", "recomputed"],
            [
                [row.axis, row.system, " ".join(map(str, row.items)), row.printed, row.average]
                for row in first_preprint()
            ],
        ),
        markdown_table(["system", "total, recomputed"], [list(pair) for pair in first_preprint_totals().items()]),
        "### The judge's log against the table",
        NOTES["judge_log"],
        markdown_table(
            ["axis", "item", "system", "log", "log, out of 5", "table"],
            [[d.axis, d.item, d.system, d.logged, d.out_of_five, d.printed] for d in judge_log_differences()],
        ),
    ]
    parts += ["## PaintingForm (GalleryGPT)", NOTES["painting_form"]]
    parts += [markdown_table(list(painting_form[0]), [list(row.values()) for row in painting_form])]
    return "\n\n".join(parts) + "\n"


def artmm_table(rows: list[ArtMMRow]) -> str:
    """Printed and corrected figures of Table 2 beside each other."""
    header = ["system", *ARTMM_PICTURES, "total", "ICRC, corrected", "total of the printed axes", "total, corrected"]
    return markdown_table(
        header,
        [
            [row.system, *row.printed.values(), row.printed_total]
            + [row.corrected["ICRC"], row.total_of_printed, row.corrected_total]
            for row in rows
        ],
    )
