"""How sure p(emotion | picture) may be: a temperature, fitted on painted pictures of seeds that nothing else uses.

    python -m train.calibrate --model FOLDER [--count 300]

A model trained on pictures whose emotion is certain is surer than it is right. Dividing all log-probabilities by one
number mends most of that and changes no ranking (Guo et al., 2017, arXiv:1706.04599). `train.embed_mini` writes it into
the base's config, where `artgpt4.emotions` finds it.
"""

import argparse

import numpy as np
from tqdm import tqdm

import artgpt4
from artgpt4.emotions import EMOTIONS, emotion_probabilities
from train.evaluate_mini import FIRST_SEED, calibration_error, unseen


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """[N, classes], each row's logarithms divided by the temperature, rows summing to 1 again."""
    scaled = np.maximum(probabilities, 1e-12) ** (1 / temperature)
    return scaled / scaled.sum(axis=1, keepdims=True)


def fit(probabilities: np.ndarray, true: np.ndarray) -> float:
    """The temperature from 0.5 to 5 under which what is true, [N] class numbers, is likeliest; in steps of 2 %."""
    candidates = np.geomspace(0.5, 5, 117)
    rows = np.arange(len(true))
    losses = [-np.log(tempered(probabilities, t)[rows, true]).mean() for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--count", type=int, default=300)
    given = parser.parse_args()
    chat_model = artgpt4.load(given.model)
    chat_model.emotion_temperature = 1.0  # as it speaks, whatever was fitted before
    pictures, facts = unseen(given.count, FIRST_SEED + 5_000_000)
    told = [emotion_probabilities(chat_model, picture) for picture in tqdm(pictures, "likelihoods", leave=False)]
    probabilities = np.array([[of[emotion] for emotion in EMOTIONS] for of in told])
    true = np.array([EMOTIONS.index(of_picture.emotion) for of_picture in facts])
    temperature = fit(probabilities, true)
    right = list(probabilities.argmax(1) == true)
    for name, of in (("as it speaks", probabilities), ("tempered", tempered(probabilities, temperature))):
        print(f"{name}: calibration error {calibration_error(list(of.max(1)), right):.3f}, right {np.mean(right):.3f}")
    print(f"--emotion-temperature {temperature:.2f}")


if __name__ == "__main__":
    main()
