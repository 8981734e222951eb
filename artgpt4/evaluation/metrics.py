"""Metrics of captions against several references each, as rows of statistics that can be summed and resampled.

Every metric turns each picture into a short row of numbers; a score is computed from the sum of the rows (`METRICS`).
A mean is the sum of (value, 1), and (0, 0) for a picture that has no value; BLEU's rows are its n-gram counts.

Words, where a metric counts them: lower case, letters and digits with inner apostrophes, no punctuation. ROUGE-L has
the words of the `rouge-score` package instead (stemmed).
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from artgpt4.emotions import EMOTIONS
from artgpt4.evaluation.published import ARTMM_PICTURES

#: Maps texts to embeddings, shape [texts, dimensions].
Encoder = Callable[[list[str]], np.ndarray]
Rows = dict[str, np.ndarray]

#: What an encoder may be for; neither paper names its own. The first is the cited SBERT paper's model.
PAPER_ENCODERS = ("sentence-transformers/bert-base-nli-mean-tokens", "sentence-transformers/all-MiniLM-L6-v2")

#: VADER calls a compound score within this of zero neutral.
NEUTRAL = 0.05

#: A text with one of these compares the picture to something (the list of ArtEmis's evaluation,
#: github.com/optas/artemis, artemis/evaluation/metaphors.py).
METAPHORS = (
    "could be",
    "appears to be",
    "appear to be",
    "reminds me",
    "remind me",
    "seems like",
    "looks like",
    "look like",
    "is like",
    "are like",
    "think of",
    "resembles",
    "resembling",
)

#: Words that name an emotion. "content" alone is left out: in captions it mostly means what is in the picture.
EMOTION_WORDS = {
    "amusement": r"amus(?:ement|ed|ing)|funny|humou?r(?:ous)?",
    "awe": r"awe|awed|awestruck|awe-inspiring|awesome",
    "contentment": r"contentment|contented|peaceful(?:ness)?|serenity|serene|calm(?:ness|ing)?|tranquil(?:lity|ity)?",
    "excitement": r"excite(?:ment|d)|exciting|thrill(?:ed|ing)?",
    "anger": r"anger|angry|angered|furious|rage",
    "disgust": r"disgust(?:ed|ing)?|repuls(?:ed|ive|ion)|revolting",
    "fear": r"fear(?:ful|ed)?|afraid|scar(?:ed|y)|frighten(?:ed|ing)|terror|terrified|dread",
    "sadness": r"sad(?:ness|dened|dening)?|sorrow(?:ful)?|grief|melanchol(?:y|ic)|mournful",
}
_EMOTION = re.compile(
    r"\b(?:" + "|".join(f"(?P<{emotion}>{words})" for emotion, words in EMOTION_WORDS.items()) + r")\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

CONSTANT = "This is a beautiful, wonderful painting that fills me with love, joy and happiness."


class MetricError(ValueError):
    """A metric that cannot be computed; the text says what is missing and how to get it."""


@dataclass(frozen=True)
class Metric:
    """How a metric's rows become a score.

    Attributes:
        reduce: from sums of rows [..., columns] to scores [...]; for a metric that is not `additive`, from the rows
            themselves [pictures, columns] to one score.
        better: "higher", "lower", or "neither" for a figure that only describes.
        meaning: one line for the report.
        resampled: whether a bootstrap interval says anything.
    """

    reduce: Callable[[np.ndarray], np.ndarray]
    better: str
    meaning: str
    additive: bool = True
    resampled: bool = True


def ratio(sums: np.ndarray) -> np.ndarray:
    """Column 0 by column 1, NaN where nothing was counted."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)


def bleu(order: int) -> Callable[[np.ndarray], np.ndarray]:
    """Corpus BLEU of 1- to `order`-grams without smoothing (Papineni et al., 2002), from the rows of `ngram_rows`."""

    def reduce(sums: np.ndarray) -> np.ndarray:
        length, reference_length = sums[..., 0], sums[..., 1]
        matches, totals = sums[..., 2 : 2 + order], sums[..., 6 : 6 + order]
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.exp(np.log(matches / totals).mean(axis=-1))
            brevity = np.where(length > reference_length, 1.0, np.exp(1 - reference_length / length))
        return np.where((matches > 0).all(axis=-1), brevity * precision, 0.0)

    return reduce


def mean_of_axes(sums: np.ndarray) -> np.ndarray:
    """Equal weight for ArtMM's four axes; NaN where one was not scored. Columns: score and count of each axis."""
    return np.mean([ratio(sums[..., column : column + 2]) for column in range(0, 8, 2)], axis=0)


def spearman(rows: np.ndarray) -> float:
    """Rank correlation of column 0 with column 1 (ties share their mean rank); NaN where either never varies."""
    from scipy.stats import rankdata  # slow to import, and needed only here

    left, right = (rankdata(rows[:, column]) for column in (0, 1))
    left, right = left - left.mean(), right - right.mean()
    scale = np.sqrt((left**2).sum() * (right**2).sum())
    return float((left * right).sum() / scale) if scale > 0 else float("nan")


METRICS: dict[str, Metric] = {
    "vader_paper_absdiff": Metric(
        ratio, "neither", "mean |a-b| of VADER compounds, as published: a distance that the paper calls a similarity"
    ),
    "textblob_paper_absdiff": Metric(
        ratio,
        "neither",
        "mean |a-b| of TextBlob polarities, as published: a distance that the paper calls a similarity",
    ),
    "vader_similarity": Metric(
        ratio,
        "higher",
        "1 - |a-b|/2 of VADER compounds; a text without sentiment does well on it: read it beside the rank correlation",
    ),
    "textblob_similarity": Metric(ratio, "higher", "1 - |a-b|/2 of TextBlob polarities; the same holds"),
    "vader_spearman": Metric(
        spearman, "higher", "rank correlation of the caption's compound with the picture's mean", additive=False
    ),
    "textblob_spearman": Metric(
        spearman, "higher", "rank correlation of the caption's polarity with the picture's mean", additive=False
    ),
    "vader_sign": Metric(
        ratio, "higher", f"compound positive, neutral (within {NEUTRAL}) or negative as the picture's mean is"
    ),
    "cosine_max": Metric(ratio, "higher", "cosine of sentence embeddings, nearest reference"),
    "cosine_mean": Metric(ratio, "higher", "cosine of sentence embeddings, mean over references (the paper's BERT)"),
    "bleu_1": Metric(bleu(1), "higher", "corpus BLEU-1, unsmoothed, all references"),
    "bleu_2": Metric(bleu(2), "higher", "corpus BLEU-2, unsmoothed, all references"),
    "bleu_3": Metric(bleu(3), "higher", "corpus BLEU-3, unsmoothed, all references"),
    "bleu_4": Metric(bleu(4), "higher", "corpus BLEU-4, unsmoothed, all references"),
    "rouge_l": Metric(ratio, "higher", "ROUGE-L F, stemmed, best reference"),
    "meteor": Metric(ratio, "higher", "METEOR (NLTK), best reference"),
    "gleu": Metric(ratio, "higher", "corpus GLEU of 1- to 4-grams, best reference"),
    "emotion_named": Metric(ratio, "neither", "share of captions that name an emotion"),
    "emotion_named_share": Metric(
        ratio, "higher", "share of the picture's annotators who chose the emotion that the caption names first"
    ),
    "emotion_named_accuracy": Metric(
        ratio,
        "higher",
        "caption names the dominant emotion first; pictures that have one (half the annotators, no tie)",
    ),
    "emotion_accuracy": Metric(
        ratio, "higher", "the system's own emotion label is the dominant one; pictures that have one"
    ),
    "emotion_cross_entropy": Metric(
        ratio, "lower", "cross-entropy in nats from the annotators' histogram to the system's p(emotion | picture)"
    ),
    "label_accuracy": Metric(ratio, "higher", "the likeliest label is the picture's"),
    "label_cross_entropy": Metric(ratio, "lower", "mean of -log p(the picture's label) in nats"),
    "distinct": Metric(ratio, "neither", "distinct captions by captions", resampled=False),
    "mode_share": Metric(ratio, "neither", "share of the most frequent caption", resampled=False),
    "length": Metric(ratio, "neither", "words per caption"),
    "metaphor": Metric(ratio, "neither", "share of captions with a comparison (in ArtEmis's human ones: 0.209)"),
}
for _who in ("judge", "people"):
    for _axis in ARTMM_PICTURES:
        METRICS[f"{_who}_{_axis}"] = Metric(ratio, "higher", f"{_axis}, 0 to 5, scored by {_who}")
    METRICS[f"{_who}_total"] = Metric(mean_of_axes, "higher", f"mean of the four axes, scored by {_who}")
for _axis in ARTMM_PICTURES:
    METRICS[f"preferred_{_axis}"] = Metric(ratio, "higher", f"{_axis}: share preferred by the judge, a tie one half")
METRICS["preferred_total"] = Metric(mean_of_axes, "higher", "mean of the four axes' shares; 0.5 is no preference")


def words(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=1)
def _vader_analyzer():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


@lru_cache(maxsize=1 << 20)
def vader(text: str) -> float:
    """VADER's compound score, from -1 to 1 (Hutto and Gilbert, 2014)."""
    return _vader_analyzer().polarity_scores(text)["compound"]


@lru_cache(maxsize=1 << 20)
def textblob(text: str) -> float:
    """TextBlob's polarity, from -1 to 1."""
    from textblob import TextBlob

    return TextBlob(text).sentiment.polarity


def load_encoder(model_id: str) -> Encoder:
    """A sentence-transformers model as encoder.

    Raises:
        MetricError: sentence-transformers is not installed.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MetricError(
            f"The encoder {model_id!r} needs the package sentence-transformers: python -m pip install "
            "sentence-transformers, or leave --encoder out."
        ) from error
    model = SentenceTransformer(model_id)
    return lambda texts: model.encode(texts, batch_size=256, show_progress_bar=True)


def load_wordnet():
    """NLTK's WordNet, which METEOR matches synonyms with.

    Raises:
        MetricError: it is not on this machine.
    """
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError as error:
        raise MetricError(
            "METEOR is not computed: NLTK's WordNet is not here. Get it with: python -m nltk.downloader wordnet"
        ) from error
    return wordnet


def text_rows(
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
    encode: Encoder | None = None,
    wordnet=None,
) -> Rows:
    """Everything that is computed from captions and references alone.

    Args:
        captions: one for each picture.
        references: at least one for each picture.
        encode: for the cosines; without it they are left out.
        wordnet: for METEOR (`load_wordnet`); without it METEOR is left out.

    Returns:
        For each metric its rows, [pictures, columns].

    Raises:
        ValueError: captions and references are not equally many, or a picture has no reference.
    """
    if len(captions) != len(references):
        raise ValueError(f"{len(captions)} captions were given for {len(references)} pictures")
    bare = [index for index, of_picture in enumerate(references) if not of_picture]
    if bare:
        raise ValueError(f"every picture needs at least one reference; number {bare[0]} has none")
    rows = sentiment_rows(captions, references) | ngram_rows(captions, references) | style_rows(captions)
    rows["rouge_l"] = _valued([_rouge_l(*pair) for pair in zip(captions, references, strict=True)])
    if encode is not None:
        rows |= cosine_rows(captions, references, encode)
    if wordnet is not None:
        rows["meteor"] = meteor_rows(captions, references, wordnet)
    return rows


def sentiment_rows(captions: Sequence[str], references: Sequence[Sequence[str]]) -> Rows:
    """Sentiment distances and agreements. Every pair of a caption and a reference counts once."""
    rows = {}
    for name, polarity in (("vader", vader), ("textblob", textblob)):
        ours = np.array([polarity(caption) for caption in captions])
        theirs = [np.array([polarity(text) for text in of_picture]) for of_picture in references]
        distance = np.array([np.abs(a - b).sum() for a, b in zip(ours, theirs, strict=True)])
        count = np.array([len(b) for b in theirs], dtype=float)
        mean = np.array([b.mean() for b in theirs])
        rows[f"{name}_paper_absdiff"] = np.stack([distance, count], axis=1)
        rows[f"{name}_similarity"] = np.stack([count - distance / 2, count], axis=1)
        rows[f"{name}_spearman"] = np.stack([ours, mean], axis=1)
        if name == "vader":
            rows["vader_sign"] = _valued(_sign(ours) == _sign(mean))
    return rows


def cosine_rows(captions: Sequence[str], references: Sequence[Sequence[str]], encode: Encoder) -> Rows:
    """Cosines of embeddings; every distinct text is encoded once."""
    texts = list(dict.fromkeys([*captions, *(text for of_picture in references for text in of_picture)]))
    embeddings = np.asarray(encode(texts), dtype=float)
    if embeddings.shape[:1] != (len(texts),) or embeddings.ndim != 2:
        raise ValueError(f"the encoder gave shape {embeddings.shape} for {len(texts)} texts; expected [texts, dims]")
    embeddings /= np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    number = {text: index for index, text in enumerate(texts)}
    cosines = [
        embeddings[[number[text] for text in of_picture]] @ embeddings[number[caption]]
        for caption, of_picture in zip(captions, references, strict=True)
    ]
    return {
        "cosine_max": _valued([of_picture.max() for of_picture in cosines]),
        "cosine_mean": _valued([of_picture.mean() for of_picture in cosines]),
    }


def ngram_rows(captions: Sequence[str], references: Sequence[Sequence[str]]) -> Rows:
    """BLEU's rows (length, closest reference's length, clipped matches of 1- to 4-grams, n-grams) and GLEU's."""
    for_bleu, for_gleu = np.zeros((len(captions), 10)), np.zeros((len(captions), 2))
    for index, (caption, of_picture) in enumerate(zip(captions, references, strict=True)):
        ours, length = _ngrams(caption)
        theirs = [_ngrams(reference) for reference in of_picture]
        total, best_gleu, most = sum(ours.values()), -1.0, {}
        for counts, _ in theirs:
            common = {ngram: min(count, ours[ngram]) for ngram, count in counts.items() if ngram in ours}
            for ngram, count in common.items():
                most[ngram] = max(most.get(ngram, 0), count)
            matched, counted = sum(common.values()), max(total, sum(counts.values()))
            if counted and matched / counted > best_gleu:
                best_gleu, for_gleu[index] = matched / counted, (matched, counted)
        closest = min((of_reference for _, of_reference in theirs), key=lambda other: (abs(other - length), other))
        for_bleu[index, :2] = length, closest
        for ngram, count in most.items():
            for_bleu[index, 1 + len(ngram)] += count
        for_bleu[index, 6:] = [max(0, length - order) for order in range(4)]
    return {f"bleu_{order}": for_bleu for order in range(1, 5)} | {"gleu": for_gleu}


def meteor_rows(captions: Sequence[str], references: Sequence[Sequence[str]], wordnet) -> np.ndarray:
    """METEOR with NLTK's defaults (Porter stems, WordNet synonyms) on our words, best reference."""
    from nltk.translate.meteor_score import meteor_score

    return _valued(
        [
            meteor_score([words(reference) for reference in of_picture], words(caption), wordnet=wordnet)
            for caption, of_picture in zip(captions, references, strict=True)
        ]
    )


def style_rows(captions: Sequence[str]) -> Rows:
    """What needs no reference: distinctness, length, comparisons."""
    plain = [" ".join(words(caption)) for caption in captions]
    seen, first = set(), []
    for caption in plain:
        first.append(caption not in seen)
        seen.add(caption)
    mode = Counter(plain).most_common(1)[0][0] if plain else None
    return {
        "distinct": _valued(first),
        "mode_share": _valued([caption == mode for caption in plain]),
        "length": _valued([len(words(caption)) for caption in captions]),
        "metaphor": _valued([any(mark in caption.lower() for mark in METAPHORS) for caption in captions]),
    }


def emotion_rows(
    captions: Sequence[str],
    chosen: Sequence[Sequence[str]],
    answered: Sequence[str | dict[str, float] | None] | None = None,
) -> Rows:
    """Agreement with the emotions that annotators chose, of the caption and of the system's own answer.

    Args:
        captions: one for each picture; the first emotion that a caption names counts (`EMOTION_WORDS`).
        chosen: the annotators' choices for each picture.
        answered: for each picture the system's label, its p(emotion | picture), or None.
    """
    named = [named_emotion(caption) for caption in captions]
    histograms = [histogram(of_picture) for of_picture in chosen]
    dominant = [dominant_emotion(of_picture) for of_picture in chosen]
    rows = {
        "emotion_named": _valued([emotion is not None for emotion in named]),
        "emotion_named_share": _valued(
            [of_picture.get(emotion, 0.0) for emotion, of_picture in zip(named, histograms, strict=True)]
        ),
        "emotion_named_accuracy": _agreement(named, dominant),
    }
    if answered is None or not any(answered):
        return rows
    labels = [max(answer, key=answer.get) if isinstance(answer, dict) else answer for answer in answered]
    rows["emotion_accuracy"] = _agreement(labels, dominant)
    if any(isinstance(answer, dict) for answer in answered):
        rows["emotion_cross_entropy"] = np.array(
            [
                (-sum(share * np.log(max(answer.get(emotion, 0.0), 1e-9)) for emotion, share in truth.items()), 1.0)
                if isinstance(answer, dict)
                else (0.0, 0.0)
                for answer, truth in zip(answered, histograms, strict=True)
            ]
        )
    return rows


def named_emotion(caption: str) -> str | None:
    """The first of the emotions that the caption names, or None."""
    match = _EMOTION.search(caption)
    return match.lastgroup if match else None


def histogram(chosen: Sequence[str]) -> dict[str, float]:
    """Shares of the emotions that were chosen, in ArtEmis's order."""
    counts = Counter(chosen)
    return {emotion: counts[emotion] / len(chosen) for emotion in EMOTIONS if counts[emotion]}


def dominant_emotion(chosen: Sequence[str]) -> str | None:
    """The emotion that at least half of the annotators chose, unless two are even (ArtEmis's rule)."""
    counts = Counter(chosen).most_common(2)
    if counts[0][1] * 2 < len(chosen) or len(counts) == 2 and counts[0][1] == counts[1][1]:
        return None
    return counts[0][0]


@dataclass(frozen=True)
class Control:
    """What no goal may be measured without: captions that saw nothing, or a person's.

    Attributes:
        pictures: which of the pictures take part, as indices.
        captions, references, emotions: of those pictures.
        answered: the emotion that goes with each caption, where the control has one.
    """

    pictures: list[int]
    captions: list[str]
    references: list[list[str]]
    emotions: list[list[str]]
    answered: list[str] | None = None


def controls(
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
    emotions: Sequence[Sequence[str]] | None = None,
    seed: int = 0,
) -> dict[str, Control]:
    """The same metrics for a constant sentence, for the captions dealt to other pictures, and for a person.

    `human` takes one reference of each picture that has several as the caption, and the others as its references, so
    it has one reference less than the system. Controls that the data cannot give (one picture only, one reference
    each) are not in the result.
    """
    rng = np.random.default_rng(seed)
    everything = list(range(len(captions)))
    emotions = emotions or [[] for _ in captions]
    references, emotions = [list(texts) for texts in references], [list(chosen) for chosen in emotions]
    made = {"constant": Control(everything, [CONSTANT] * len(captions), references, emotions)}
    if len(captions) > 1:
        order = rng.permutation(len(captions))
        shuffled = [""] * len(captions)
        for here, there in zip(order, np.roll(order, 1), strict=True):  # one cycle: nobody keeps its own
            shuffled[here] = captions[there]
        made["shuffled"] = Control(everything, shuffled, references, emotions)
    several = [index for index in everything if len(references[index]) > 1]
    if several:
        out = [int(rng.integers(len(references[index]))) for index in several]

        def others(values: list[list[str]]) -> list[list[str]]:
            return [values[index][:left] + values[index][left + 1 :] for index, left in zip(several, out, strict=True)]

        pairs = list(zip(several, out, strict=True))
        made["human"] = Control(
            several,
            [references[index][left] for index, left in pairs],
            others(references),
            others(emotions),
            [emotions[index][left] for index, left in pairs] if all(emotions[index] for index in several) else None,
        )
    return made


def score(name: str, rows: np.ndarray) -> float:
    """The metric `name` over all its rows [pictures, columns]."""
    metric = METRICS[name]
    return float(metric.reduce(rows.sum(axis=0)) if metric.additive else metric.reduce(rows))


def resample(
    name: str, rows: Sequence[np.ndarray], draws: int = 1000, seed: int = 0, strata: Sequence[str] | None = None
) -> np.ndarray:
    """Scores of bootstrap samples of the pictures, the same samples for each of several runs.

    Args:
        name: the metric.
        rows: of each run, [pictures, columns], with the same pictures in the same order.
        strata: of each picture; a sample has as many of each as there are (ArtMM's axes).

    Returns:
        Scores, [runs, draws].
    """
    metric, count = METRICS[name], len(rows[0])
    strata = np.zeros(count) if strata is None else np.asarray(strata)
    rng = np.random.default_rng(seed)
    scores = np.empty((len(rows), draws))
    for start in range(0, draws, 100):  # in parts: 100 x 10,000 numbers at a time
        part = slice(start, min(start + 100, draws))
        drawn = np.empty((part.stop - part.start, count), dtype=int)
        for stratum in np.unique(strata):
            members = np.flatnonzero(strata == stratum)
            drawn[:, members] = rng.choice(members, size=(len(drawn), len(members)))
        times = np.stack([np.bincount(sample, minlength=count) for sample in drawn]).astype(float)
        for run, of_run in enumerate(rows):
            if metric.additive:
                scores[run, part] = metric.reduce(times @ of_run)
            else:
                scores[run, part] = [metric.reduce(of_run[sample]) for sample in drawn]
    return scores


def interval(
    name: str, rows: np.ndarray, draws: int = 1000, seed: int = 0, strata: Sequence[str] | None = None
) -> tuple[float, float] | None:
    """The middle 95 % of the bootstrap scores; None where resampling says nothing about the metric."""
    if not METRICS[name].resampled or len(rows) < 2:
        return None
    scores = resample(name, [rows], draws, seed, strata)[0]
    scores = scores[~np.isnan(scores)]
    return tuple(float(bound) for bound in np.quantile(scores, [0.025, 0.975])) if len(scores) else None


def _valued(values: Sequence[float]) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    return np.stack([values, np.ones_like(values)], axis=1)


def _agreement(labels: Sequence[str | None], dominant: Sequence[str | None]) -> np.ndarray:
    pairs = zip(labels, dominant, strict=True)
    return np.array([(0.0, 0.0) if truth is None else (float(label == truth), 1.0) for label, truth in pairs])


def _sign(polarity: np.ndarray) -> np.ndarray:
    return np.sign(np.where(np.abs(polarity) < NEUTRAL, 0.0, polarity))


@lru_cache(maxsize=1 << 17)
def _ngrams(text: str) -> tuple[Counter, int]:
    of_text = words(text)
    counts = Counter()
    for order in range(1, 5):
        counts.update(zip(*(of_text[start:] for start in range(order)), strict=False))
    return counts, len(of_text)


@lru_cache(maxsize=1)
def _stemmer():
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()


@lru_cache(maxsize=1 << 18)
def _stem(word: str) -> str:
    return _stemmer().stem(word) if len(word) > 3 else word  # as rouge-score: short words stay


@lru_cache(maxsize=1 << 17)
def _rouge_words(text: str) -> tuple[str, ...]:
    return tuple(_stem(word) for word in re.findall(r"[a-z0-9]+", text.lower()))


def _rouge_l(caption: str, references: Sequence[str]) -> float:
    ours, best = _rouge_words(caption), 0.0
    for reference in references:
        theirs = _rouge_words(reference)
        if ours and theirs:
            best = max(best, 2 * _common_subsequence(ours, theirs) / (len(ours) + len(theirs)))
    return best


def _common_subsequence(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence, a whole row of the table at once in the bits of an integer (Crochemore
    et al., 2001): 30 times faster than the table for captions."""
    where: dict[str, int] = {}
    for index, word in enumerate(left):
        where[word] = where.get(word, 0) | 1 << index
    full = (1 << len(left)) - 1
    row = full
    for word in right:
        hits = row & where.get(word, 0)
        row = (row + hits | row - hits) & full
    return len(left) - row.bit_count()
