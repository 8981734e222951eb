"""The paper's ablations in miniature: what each way of training the same base on the same data buys.

    python -m train.ablation --config train/configs/mini_ablation.yaml [key=value ...]

Every row of the paper's Tables 3 and 4 (Yuan et al., 2023), and four of our own, is a stage-2 run on the embedded
model's base: what it has never been told, which emotion a picture evokes and why, one round for each of stage 2's
pictures, in the same order for each seed, for the same steps. Afterwards every run answers about the same unseen
painted pictures, whose facts are known: which emotion (what it was taught), and what is there (what it must not
forget). Runs that `output` holds already are not made again; the table and the plot are made from all of them.
"""

import dataclasses
import json
import random
import resource
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import artgpt4
from artgpt4.evaluation.benchmarks import Item, Prediction
from artgpt4.evaluation.metrics import load_encoder, score
from artgpt4.evaluation.scoring import score_texts
from artgpt4.image_adapter.layer import ImageAdapterMLP
from artgpt4.minigpt4 import MiniGPT4Processor
from train import stage2
from train.args import missing_paths, parse_or_exit
from train.evaluate_mini import answers, unseen
from train.loop import accelerator_for
from train.methods import load_model, save_model
from train.painter import language
from train.painter.facts import Facts
from train.stage1 import train_stage


@dataclasses.dataclass
class Row:
    """One way to train. `settings` are `Stage2Arguments`; None trains nothing."""

    name: str
    settings: dict[str, object] | None
    paper: str = ""  # what the paper's Tables 3 and 4 say of it, for Vicuna-13B on ArtEmis: VADER, TextBlob, BERT
    random_up: bool = False  # adapters that start as noise, not as the identity


ROWS: tuple[Row, ...] = (
    Row("base alone (MiniGPT-4)", None),
    Row("projection only", {"method": "projection"}, ".746 .242 .692"),
    Row("top 2 of 6 layers", {"method": "top_layers", "top_layers": 2, "rate": 0.25}, ".750 .242 .681"),
    Row("whole language model", {"method": "full", "rate": 0.25}, ".815 .250 .693"),
    Row("image adapter", {}, ".813 .247 .693"),
    Row("norms alone, no adapter", {"layers": "none"}, ".746 .242 .693"),
    Row("a quarter of the adapters", {"layers": "2"}, ".747 .240 .688"),
    Row("half the adapters", {"layers": "even"}, ".771 .243 .689"),
    Row("a quarter more in each", {"reduction_factor": 3.2}, ".813 .247 .693"),
    Row("half more in each", {"reduction_factor": 2.6667}, ".820 .247 .694"),
    Row("four times as much in each", {"reduction_factor": 1}),  # as the embedded model has it
    Row("input norms frozen", {"input_layernorm": "none"}, ".801 .239 .690"),
    Row("all input norms trained", {"input_layernorm": "all"}, ".813 .247 .693"),
    Row("post norms frozen", {"post_attention_layernorm": "none"}, "(vanishing gradient)"),
    Row("random start", {}, random_up=True),
    Row("LoRA of the adapters' size", {"method": "lora", "lora_rank": 8, "lora_alpha": 16}),
)


@dataclasses.dataclass
class AblationArguments(stage2.Stage2Arguments):
    """Stage 2's, for all runs together; `encoder` is a sentence-transformers model for the paper's BERT column.

    `cc_sbu_align` is the folder that `train.painter cc_sbu_align` wrote: pictures, and what is in them.
    """

    seeds: int = 3
    pictures: int = 200
    processes: int = 2
    encoder: str = ""

    def problems(self) -> list[str]:
        """See `TrainingArguments.problems`."""
        found = super().problems() + missing_paths(token_cache=self.token_cache)
        if self.cc_sbu_align is None:
            found.append("cc_sbu_align= is missing: the folder that `python -m train.painter cc_sbu_align` wrote")
        for name in ("seeds", "pictures", "processes"):
            if getattr(self, name) < 1:
                found.append(f"{name}={getattr(self, name)} must be at least 1")
        return found

    def settings(self) -> dict[str, object]:
        """What runs must have in common to stand in one table."""
        return {name: getattr(self, name) for name in ("base", "steps", "batch_size", "init_lr", "pictures")}


def made_already(args: AblationArguments) -> list[dict]:
    """The runs that `output` holds.

    Raises:
        SystemExit: some have other settings than these.
    """
    paths = sorted((args.output / "runs").glob("*.json"))
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    others = [path.name for path, of in zip(paths, runs, strict=True) if of.get("settings") != args.settings()]
    if others:
        raise SystemExit(
            f"{args.output / 'runs'} holds runs of other settings than {args.settings()}: {', '.join(others)}. "
            "Name another output=, or remove them."
        )
    return runs


def write_emotions(facts: Path, out: Path) -> None:
    """Writes LLaVA-Instruct JSON from the facts of pictures: asked for the emotion, it is named, with reasons.

    One emotion is named, however well the tower sees it (`Facts.sight`): a right answer and a wrong one shall differ.
    """
    records = []
    for name, of_picture in json.loads(facts.read_text(encoding="utf-8")).items():
        told = dataclasses.replace(Facts.from_dict(of_picture), sight={}, rivals={})
        answer = language.answer("emotion", told, random.Random(f"emotion {name}"))
        turns = [("human", f"<image>\n{language.QUESTIONS['emotion']}"), ("gpt", answer)]
        conversations = [{"from": who, "value": text} for who, text in turns]
        records.append({"id": name, "image": f"{name}.jpg", "conversations": conversations})
    out.write_text(json.dumps(records), encoding="utf-8")


def arguments_of(row: Row, seed: int, args: AblationArguments, output: Path) -> stage2.Stage2Arguments:
    """Stage 2's arguments for one run. `rate` in a row's settings is a factor on all learning rates."""
    fields = {field.name for field in dataclasses.fields(stage2.Stage2Arguments)}
    values = {name: value for name, value in dataclasses.asdict(args).items() if name in fields}
    values |= {"cc_sbu_align": None, "llava": args.output / "emotions.json", "images": args.cc_sbu_align / "image"}
    settings = dict(row.settings or {})
    rate = settings.pop("rate", 1.0)
    rates = {name: values[name] * rate for name in ("init_lr", "min_lr", "warmup_lr")}
    return stage2.Stage2Arguments(**values | rates | settings | {"output": output, "seed": seed})


def run(row: Row, seed: int, args: AblationArguments) -> dict:
    """Trains one row with one seed, lets it answer, and scores the answers. Meant for a process of its own."""
    torch.set_num_threads(1)
    folder = args.output / "runs" / f"{ROWS.index(row):02d}-{seed}"
    measured = {"row": row.name, "seed": seed, "settings": args.settings()}
    measured |= {"parameters": 0, "seconds_per_1000": None, "memory_gb": None}
    if row.settings is None:
        model = artgpt4.load(args.base, device="cpu")
    else:
        run_args = arguments_of(row, seed, args, folder)
        accelerator = accelerator_for(run_args)
        processor = MiniGPT4Processor.from_pretrained(run_args.base)
        start = load_model(run_args)
        measured["parameters"] = sum(p.numel() for p in start.parameters() if p.requires_grad)
        if row.random_up:
            torch.manual_seed(seed)
            for layer in start.modules():
                if isinstance(layer, ImageAdapterMLP):
                    torch.nn.init.normal_(layer.image_adapter_up["default"].weight, std=0.02)
            save_model(start, folder / "start", run_args.base)
            run_args.adapter = str(folder / "start")
        del start
        train_stage(accelerator, run_args, stage2.read_samples(run_args, processor, 0, 1), processor)
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        measured["seconds_per_1000"] = 1000 / log[-1]["samples_per_s"]
        measured["memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        measured["loss"] = log[-1]["loss"]
        measured["grad_norms"] = [entry["grad_norm"] for entry in log]
        model = artgpt4.load(str(folder / "final"), device="cpu")
    measured |= scores(model, args)
    (folder.parent / f"{folder.name}.json").write_text(json.dumps(measured, indent=1), encoding="utf-8")
    return measured


def scores(model: artgpt4.chat.ChatModel, args: AblationArguments) -> dict[str, float]:
    """What a model's greedy answers about unseen pictures are worth."""
    pictures, facts = unseen(args.pictures)
    emotions, descriptions = (
        [text for text, _ in answers(model, pictures, [[(language.QUESTIONS[kind], None)]] * len(pictures), 40)]
        for kind in ("emotion", "description")
    )
    claimed = [language.parse(text).get("emotion") for text in emotions]
    pairs = []
    for i, (of_picture, text) in enumerate(zip(facts, emotions, strict=True)):
        references = tuple(language.answer("emotion", of_picture, random.Random(f"{i} {j}")) for j in range(5))
        item = Item(str(i), "", (language.QUESTIONS["emotion"],), references, (of_picture.emotion,) * 5)
        pairs.append((item, Prediction(str(i), (text,), emotion=claimed[i])))
    tables, _ = score_texts(pairs, load_encoder(args.encoder) if args.encoder else None)
    figures = {name: score(name, rows) for name, rows in tables["system"].rows.items()}
    right = [c == f.emotion for c, f in zip(claimed, facts, strict=True)]
    return {
        "emotion": float(np.mean(right)),
        "right": right,
        "truth": float(np.mean([not language.contradictions(t, f) for t, f in zip(descriptions, facts, strict=True)])),
        "scores": {name: value for name, value in figures.items() if not np.isnan(value)},
    }


# --- the table and the plot ---

#: Heading, how to find a run's value, how to print it.
COLUMNS = (
    ("emotion", lambda of: of["emotion"], "{:.0%}"),
    ("no contradiction", lambda of: of["truth"], "{:.0%}"),
    ("VADER (paper's)", lambda of: of["scores"]["vader_paper_absdiff"], "{:.3f}"),
    ("TextBlob (paper's)", lambda of: of["scores"]["textblob_paper_absdiff"], "{:.3f}"),
    ("BERT (paper's)", lambda of: of["scores"].get("cosine_mean"), "{:.3f}"),
    ("VADER rank correlation", lambda of: of["scores"].get("vader_spearman"), "{:.2f}"),
    ("BLEU-4", lambda of: of["scores"]["bleu_4"], "{:.3f}"),
    ("loss", lambda of: of.get("loss"), "{:.3f}"),
    ("s per 1,000", lambda of: of["seconds_per_1000"], "{:.1f}"),
    ("GB", lambda of: of["memory_gb"], "{:.2f}"),
)


def summary(values: list[float | None], form: str) -> str:
    """Mean, and in brackets the smallest and the largest; a dash where there is nothing."""
    present = [value for value in values if value is not None]
    if not present:
        return "–"
    mean, least, most = (form.format(of(present)) for of in (np.mean, min, max))
    return mean if len(present) == 1 or least == most else f"{mean} ({least}–{most})"


#: The row that the others are held against.
REFERENCE = "image adapter"


def difference(runs: list[dict], row: str, resamples: int = 2000) -> tuple[float, float, float]:
    """By how much more often a row names the emotion right than `REFERENCE`: the mean, and its 95 % interval.

    A bootstrap of pictures and seeds, the same for both rows: runs of one seed met the same samples in the same order.
    """
    rng = np.random.default_rng(0)
    rows = [np.array([of["right"] for of in runs if of["row"] == name], float) for name in (row, REFERENCE)]
    drawn = []
    for _ in range(resamples):
        seeds, pictures = (rng.integers(size, size=size) for size in rows[1].shape)
        a, b = (of[seeds % len(of)][:, pictures].mean() for of in rows)  # the base has no seeds: its one run for each
        drawn.append(a - b)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(rows[0].mean() - rows[1].mean()), float(low), float(high)


def table(runs: list[dict]) -> str:
    """All rows as Markdown: means over seeds, smallest and largest in brackets."""
    columns = [column for column in COLUMNS if any(column[1](of) is not None for of in runs)]
    headings = ["parameters", f"points of emotion against {REFERENCE} (95 %)", *(name for name, _, _ in columns)]
    lines = [
        f"| trained | {' | '.join(headings)} | paper at 13B |",
        "|---|" + "---:|" * len(headings) + "---|",
    ]
    for row in ROWS:
        of_row = [of for of in runs if of["row"] == row.name]
        if of_row:
            points = [f"{100 * of:+.1f}" for of in difference(runs, row.name)]
            against = "–" if row.name == REFERENCE else f"{points[0]} ({points[1]} to {points[2]})"
            cells = [against, *(summary([value(of) for of in of_row], form) for _, value, form in columns)]
            lines.append(f"| {row.name} | {of_row[0]['parameters']:,} | " + " | ".join(cells) + f" | {row.paper} |")
    return "\n".join(lines)


def plot(runs: list[dict], path: Path) -> None:
    """Emotion accuracy by parameters trained, every run a dot, each row's mean a line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in ROWS if any(of["row"] == row.name for of in runs)]
    figure, axes = plt.subplots(figsize=(7.5, 0.36 * len(rows) + 1), layout="constrained")
    for height, row in enumerate(reversed(rows)):
        values = [of["emotion"] for of in runs if of["row"] == row.name]
        axes.plot(values, [height] * len(values), "o", color="#b0743a", markersize=5, alpha=0.7)
        axes.plot([np.mean(values)] * 2, [height - 0.3, height + 0.3], color="#57361c", linewidth=2)
    axes.set_yticks(range(len(rows)), [row.name for row in reversed(rows)])
    axes.set(xlabel="emotion named right, unseen pictures; one dot a seed", xlim=(0, 1))
    axes.xaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1))
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Makes the runs that are missing, some at a time, then table and plot."""
    args = parse_or_exit(AblationArguments, __doc__)
    jobs = [(row, seed) for seed in range(args.seeds) for row in ROWS if row.settings is not None or seed == 0]
    done = {(of["row"], of["seed"]) for of in made_already(args)}
    missing = [(row, seed) for row, seed in jobs if (row.name, seed) not in done]
    (args.output / "runs").mkdir(parents=True, exist_ok=True)
    write_emotions(args.cc_sbu_align / "facts.json", args.output / "emotions.json")
    # A process for each run: its memory is its own, and nothing of one run reaches the next.
    with ProcessPoolExecutor(args.processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        waiting = [pool.submit(run, row, seed, args) for row, seed in missing]
        for finished in tqdm(as_completed(waiting), total=len(jobs), initial=len(jobs) - len(missing), unit="run"):
            finished.result()
    runs = made_already(args)
    (args.output / "ablation.json").write_text(json.dumps(runs, indent=1), encoding="utf-8")
    (args.output / "ablation.md").write_text(table(runs) + "\n", encoding="utf-8")
    plot(runs, args.output / "ablation.png")
    print(table(runs))


if __name__ == "__main__":
    main()
