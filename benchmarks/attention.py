"""Does the map of a word fall on the thing? python -m benchmarks.attention [--model mini] [--pictures 100]

The painter's pictures tell which pixels each thing has. For every word of an answer that names one of them, the AUC:
how often a patch of the thing is brighter than a patch beside it, 0.5 by chance. Of four maps: the attention of the
whole answer and of the word, their ratio, and the gradient that `artgpt4.attention.importance` gives.
"""

import argparse
import re

import numpy as np
import torch
from PIL import Image

import artgpt4
from artgpt4.attention import answer_attention, importance
from train.painter.paint import paint
from train.painter.scene import sample_scene
from train.painter.vocabulary import MANNERS, SUBJECTS

FIRST_SEED = 9_500_000
QUESTION = "What is in this picture?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--pictures", type=int, default=100)
    options = parser.parse_args()
    model = artgpt4.load(options.model, device="cpu")
    found: dict[str, list[float]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + options.pictures):
        for name, auc in of_painting(model, seed):
            found.setdefault(name, []).append(auc)
    whole = np.array(found["attention of the whole answer"])
    print(f"{len(whole)} words that name a thing, in answers about {options.pictures} pictures")
    for name, aucs in found.items():
        more = np.array(aucs) - whole
        width = 1.96 * more.std(ddof=1) / len(more) ** 0.5
        print(
            f"{name:30} AUC {np.mean(aucs):.3f}   above the whole answer's {more.mean():+.3f} ± {width:.3f}, "
            f"for {np.mean(more > 0):.0%} of the words"
        )


def of_painting(model, seed: int):
    """Yields (name of a map, AUC) for each word about one painting."""
    rng = np.random.default_rng(seed)
    scene = sample_scene(rng, str(rng.choice(SUBJECTS)), str(rng.choice(MANNERS)))
    painting = paint(scene, rng, 224)
    conversation = model.start(Image.fromarray(painting.image))
    for _ in conversation.ask(QUESTION, temperature=0, max_new_tokens=60):
        pass
    attention = answer_attention(conversation)
    whole = attention.over()
    for thing, mask in painting.masks.items():
        word = re.search(rf"\b{thing.split()[-1]}s?\b", attention.text)
        patches = torch.nn.functional.adaptive_avg_pool2d(torch.tensor(mask)[None].float(), whole.shape)[0] > 0.5
        if word is None or patches.sum() < 2 or patches.float().mean() > 0.6:  # hidden, or nearly everywhere
            continue
        of_word = attention.over(*word.span())
        yield "attention of the whole answer", auc(whole, patches)
        yield "attention of the word", auc(of_word, patches)
        yield "the word's by the whole answer's", auc(of_word / whole, patches)
        yield "gradient of the word", auc(importance(conversation, 0, *word.span()), patches)
    conversation.close()


def auc(weights: torch.Tensor, inside: torch.Tensor) -> float:
    """The probability that a weight inside is above one outside, ties by half."""
    there, elsewhere = weights[inside][:, None], weights[~inside][None]
    return float(((there > elsewhere).double() + 0.5 * (there == elsewhere)).mean())


if __name__ == "__main__":
    main()
