"""Metrics against values computed by hand and against the reference libraries."""

import math

import numpy as np
import pytest
import sacrebleu
from nltk.translate.gleu_score import corpus_gleu
from rouge_score.rouge_scorer import RougeScorer
from scipy.stats import spearmanr
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from artgpt4.evaluation import metrics

WORDS = "the storm over dark water makes me feel afraid and small running waves like mountains".split()


@pytest.fixture(scope="module")
def corpus():
    """60 captions with one to five references each, some of them empty or equal."""
    rng = np.random.default_rng(7)

    def text() -> str:
        return " ".join(rng.choice(WORDS, size=rng.integers(0, 18)))

    captions = [text() for _ in range(60)]
    references = [[text() or "storm" for _ in range(rng.integers(1, 6))] for _ in captions]
    captions[3], references[4][0] = "", captions[4] or "water"
    return captions, references


@pytest.fixture
def polarities(monkeypatch):
    """Sentiment scores that a test sets by hand."""
    table = {}
    monkeypatch.setattr(metrics, "vader", table.__getitem__)
    monkeypatch.setattr(metrics, "textblob", table.__getitem__)
    return table


def test_vader_and_textblob_are_the_libraries_own():
    text = "I love this gloomy, terrible sea."
    assert metrics.vader(text) == SentimentIntensityAnalyzer().polarity_scores(text)["compound"]
    assert metrics.textblob("good") == 0.7  # the polarity of "good" in TextBlob's lexicon
    assert metrics.textblob("a table") == 0.0


def test_paper_absdiff_and_similarity_by_hand(polarities):
    polarities |= {"a": 0.9, "b": -0.5, "x": 0.1, "y": -0.3, "z": 0.5}
    rows = metrics.sentiment_rows(["a", "b"], [["x", "y"], ["z"]])
    # |.9-.1| = .8, |.9+.3| = 1.2, |-.5-.5| = 1: each pair counts once
    assert metrics.score("vader_paper_absdiff", rows["vader_paper_absdiff"]) == pytest.approx(3.0 / 3)
    assert metrics.score("vader_similarity", rows["vader_similarity"]) == pytest.approx((0.6 + 0.4 + 0.5) / 3)
    assert metrics.score("textblob_paper_absdiff", rows["textblob_paper_absdiff"]) == pytest.approx(1.0)


def test_sign_counts_neutral_as_a_side_of_its_own(polarities):
    polarities |= {"glad": 0.6, "flat": 0.04, "sad": -0.6}
    rows = metrics.sentiment_rows(["glad", "flat", "flat", "sad"], [["glad"], ["flat"], ["sad"], ["glad", "sad"]])
    assert rows["vader_sign"][:, 0].tolist() == [1, 1, 0, 0]


def test_a_perfect_answer_is_worst_by_the_papers_distance(polarities):
    polarities |= {"joy": 0.9, "grief": -0.9}
    same = metrics.sentiment_rows(["joy", "grief"], [["joy"], ["grief"]])
    opposite = metrics.sentiment_rows(["grief", "joy"], [["joy"], ["grief"]])
    assert metrics.score("vader_paper_absdiff", same["vader_paper_absdiff"]) == 0
    assert metrics.score("vader_paper_absdiff", opposite["vader_paper_absdiff"]) == pytest.approx(1.8)
    assert metrics.score("vader_similarity", same["vader_similarity"]) == 1
    assert metrics.score("vader_similarity", opposite["vader_similarity"]) == pytest.approx(0.1)


def test_spearman_is_scipys(polarities):
    rng = np.random.default_rng(1)
    values = rng.integers(-4, 5, size=80) / 4  # with ties
    polarities |= {str(index): value for index, value in enumerate(values)}
    captions, references = [str(i) for i in range(40)], [[str(i), str(i + 20)] for i in range(20, 60)]
    rows = metrics.sentiment_rows(captions, references)["vader_spearman"]
    expected = spearmanr(values[:40], (values[20:60] + values[40:80]) / 2).statistic
    assert metrics.score("vader_spearman", rows) == pytest.approx(expected)


def test_spearman_of_a_constant_is_undefined(polarities):
    polarities |= {"same": 0.5, "x": 0.1, "y": 0.2}
    rows = metrics.sentiment_rows(["same", "same"], [["x"], ["y"]])
    assert math.isnan(metrics.score("vader_spearman", rows["vader_spearman"]))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_bleu_is_sacrebleus(corpus, order):
    captions, references = corpus
    most = max(map(len, references))
    streams = [[of[i] if i < len(of) else None for of in references] for i in range(most)]
    scorer = sacrebleu.BLEU(max_ngram_order=order, tokenize="none", smooth_method="none")
    rows = metrics.ngram_rows(captions, references)[f"bleu_{order}"]
    assert 100 * metrics.score(f"bleu_{order}", rows) == pytest.approx(scorer.corpus_score(captions, streams).score)


def test_bleu_by_hand():
    # 3 of 4 words, 2 of 3 pairs; four words against five: brevity exp(1 - 5/4)
    rows = metrics.ngram_rows(["The storm, over sea!"], [["the storm over dark water"]])
    assert metrics.score("bleu_1", rows["bleu_1"]) == pytest.approx(math.exp(-0.25) * 0.75)
    assert metrics.score("bleu_2", rows["bleu_2"]) == pytest.approx(math.exp(-0.25) * math.sqrt(0.75 * 2 / 3))


def test_gleu_is_nltks(corpus):
    captions, references = corpus
    expected = corpus_gleu([[text.split() for text in of] for of in references], [text.split() for text in captions])
    assert metrics.score("gleu", metrics.ngram_rows(captions, references)["gleu"]) == pytest.approx(expected)


def test_rouge_l_is_rouge_scores(corpus):
    captions, references = corpus
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    expected = [scorer.score_multi(of, caption)["rougeL"].fmeasure for caption, of in zip(*corpus, strict=True)]
    rows = metrics.text_rows(captions, references)["rouge_l"]
    assert rows[:, 0] == pytest.approx(expected)


def test_rouge_l_stems():
    rows = metrics.text_rows(["running horses"], [["a horse runs", "horse"]])["rouge_l"]
    assert rows[0, 0] == pytest.approx(2 / 3)  # "hors" alone: 2 * 1 / (2 + 1); in the longer, 2 * 1 / (2 + 3)


def test_meteor_by_hand():
    class NoSynonyms:
        @staticmethod
        def synsets(word):
            return []

    # Four words in one chunk: F 1, penalty .5 * (1/4)^3. With a gap: three matches in two chunks.
    rows = metrics.meteor_rows(["dark sea at night", "dark sea at night"], [["dark sea at night"]] * 2, NoSynonyms)
    assert rows[:, 0] == pytest.approx([1 - 0.5 / 64] * 2)
    rows = metrics.meteor_rows(["dark sea by night"], [["dark sea at night"]], NoSynonyms)
    assert rows[0, 0] == pytest.approx(0.75 * (1 - 0.5 * (2 / 3) ** 3))


def test_meteor_without_wordnet_says_how_to_get_it(monkeypatch):
    import nltk.corpus

    class Missing:
        @staticmethod
        def ensure_loaded():
            raise LookupError("no such resource")

    monkeypatch.setattr(nltk.corpus, "wordnet", Missing)
    with pytest.raises(metrics.MetricError, match="python -m nltk.downloader wordnet"):
        metrics.load_wordnet()


def test_cosines_by_hand_and_each_text_encoded_once():
    vectors = {"c": [2, 0], "same": [1, 0], "across": [0, 3], "half": [1, 1]}
    asked = []

    def encode(texts):
        asked.extend(texts)
        return np.array([vectors[text] for text in texts])

    rows = metrics.cosine_rows(["c", "c"], [["same", "across"], ["half", "across"]], encode)
    assert rows["cosine_max"][:, 0] == pytest.approx([1, math.sqrt(0.5)])
    assert rows["cosine_mean"][:, 0] == pytest.approx([0.5, math.sqrt(0.5) / 2])
    assert sorted(asked) == sorted(vectors)


@pytest.mark.parametrize(
    "caption, emotion",
    [
        ("The content of the picture is a boat.", None),
        ("I feel contentment, not fear.", "contentment"),
        ("It fills me with AWE.", "awe"),
        ("Awestruck by it", "awe"),
        ("An awful lot of paint", None),
        ("It saddens nobody; it is frightening", "fear"),
    ],
)
def test_the_first_emotion_that_a_caption_names(caption, emotion):
    assert metrics.named_emotion(caption) == emotion


def test_dominant_emotion_needs_half_and_no_tie():
    assert metrics.dominant_emotion(["awe", "awe", "fear", "sadness"]) == "awe"
    assert metrics.dominant_emotion(["awe", "awe", "fear", "fear"]) is None
    assert metrics.dominant_emotion(["awe", "fear", "sadness"]) is None
    assert metrics.dominant_emotion(["awe", "awe", "fear", "sadness", "anger"]) is None


def test_emotion_alignment_by_hand():
    rows = metrics.emotion_rows(
        ["I feel awe", "so sad", "a boat"],
        [["awe", "awe", "fear"], ["awe", "awe", "fear"], ["awe", "fear"]],
        [{"awe": 0.5, "fear": 0.5}, "awe", None],
    )
    scores = {name: metrics.score(name, of_metric) for name, of_metric in rows.items()}
    assert scores["emotion_named"] == pytest.approx(2 / 3)
    assert scores["emotion_named_share"] == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert scores["emotion_named_accuracy"] == pytest.approx(1 / 2)  # the third has no dominant emotion
    assert scores["emotion_accuracy"] == pytest.approx(1)
    assert scores["emotion_cross_entropy"] == pytest.approx(math.log(2))


def test_style_by_hand():
    rows = metrics.style_rows(["A boat.", "a boat", "It looks like rain"])
    scores = {name: metrics.score(name, of_metric) for name, of_metric in rows.items()}
    assert scores == pytest.approx({"distinct": 2 / 3, "mode_share": 2 / 3, "length": 8 / 3, "metaphor": 1 / 3})


def test_controls_see_nothing_or_are_a_person():
    captions = [f"caption {index}" for index in range(30)]
    references = [[f"{index} first", f"{index} second"] for index in range(29)] + [["only one"]]
    emotions = [["awe", "fear"] for _ in range(29)] + [["awe"]]
    made = metrics.controls(captions, references, emotions)
    assert set(made["constant"].captions) == {metrics.CONSTANT}
    shuffled = made["shuffled"]
    assert sorted(shuffled.captions) == sorted(captions)
    assert not any(ours == theirs for ours, theirs in zip(captions, shuffled.captions, strict=True))
    human = made["human"]
    assert human.pictures == list(range(29))
    for index, (caption, rest) in enumerate(zip(human.captions, human.references, strict=True)):
        assert sorted([caption, *rest]) == references[index]
    chosen = zip(human.captions, human.answered, strict=True)
    assert all((emotion == "awe") == caption.endswith("first") for caption, emotion in chosen)


def test_controls_that_the_data_cannot_give_are_not_there():
    assert set(metrics.controls(["one"], [["single"]])) == {"constant"}


def test_a_constant_cheerful_sentence_beats_matching_captions_by_the_papers_distance():
    """Why `paper_absdiff` is not a goal: the constant has more of it than captions with the right sentiment."""
    references = [["I am sad and afraid", "a terrible gloom"], ["lovely and calm", "so happy"]] * 5
    captions = ["It is sad and terrible", "It is lovely and happy"] * 5
    constant = metrics.text_rows([metrics.CONSTANT] * 10, references)
    fitting = metrics.text_rows(captions, references)

    def scores(name):
        return metrics.score(name, constant[name]), metrics.score(name, fitting[name])

    assert scores("vader_paper_absdiff")[0] > scores("vader_paper_absdiff")[1]
    assert scores("vader_similarity")[0] < scores("vader_similarity")[1]


def test_bootstrap_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(3).normal(size=400)
    rows = np.stack([values, np.ones(400)], axis=1)
    draws = metrics.resample("rouge_l", [rows], draws=2000)[0]
    assert draws.mean() == pytest.approx(values.mean(), abs=0.01)
    assert draws.std() == pytest.approx(values.std() / 20, rel=0.1)
    low, high = metrics.interval("rouge_l", rows)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.15)


def test_bootstrap_pairs_its_runs():
    rows = np.stack([np.arange(50.0), np.ones(50)], axis=1)
    better = rows + [1, 0]
    draws = metrics.resample("rouge_l", [better, rows], draws=200)
    assert draws[0] - draws[1] == pytest.approx(np.ones(200))


def test_bootstrap_of_strata_keeps_their_sizes():
    rows = np.array([[0, 1]] * 8 + [[1, 1]] * 2, dtype=float)
    draws = metrics.resample("rouge_l", [rows], draws=150, strata=["IDC"] * 8 + ["MDIUC"] * 2)
    assert draws == pytest.approx(np.full((1, 150), 0.2))


def test_distinctness_has_no_interval():
    assert metrics.interval("distinct", metrics.style_rows(["a", "b", "c"])["distinct"]) is None


def test_every_metric_that_is_computed_is_described(corpus):
    captions, references = corpus
    rows = metrics.text_rows(captions, references, lambda texts: np.ones((len(texts), 2)))
    assert rows.keys() <= metrics.METRICS.keys()
    assert all(len(of_metric) == len(captions) for of_metric in rows.values())


def test_a_picture_without_reference_is_named():
    with pytest.raises(ValueError, match="number 1 has none"):
        metrics.text_rows(["a", "b"], [["x"], []])
    with pytest.raises(ValueError, match="1 captions were given for 2 pictures"):
        metrics.text_rows(["a"], [["x"], ["y"]])
