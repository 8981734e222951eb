"""The embedded model's tokenizer: a LLaMA sentencepiece BPE, trained on the language that the model is to speak.

python -m train.painter.tokenizer OUT
"""

import argparse
import random
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken
from transformers import LlamaTokenizer
from transformers.tokenization_utils_base import generate_merges

from train.painter.language import caption, dialogue, random_facts, text_only
from train.painter.language.words import HEX

#: Parts of the prompt that are one token each, wherever they stand.
SYMBOLS: tuple[str, ...] = ("###", "Human:", "Assistant:", "<Img>", "</Img>")
_SYSTEM = (
    "Give the following image: <Img>ImageContent</Img>. You will be able to see the image once I provide it to you. "
    "Please answer my questions."
)
#: Everyday English, so that what a visitor types does not fall into single letters.
_EVERYDAY: tuple[str, ...] = (
    "I would like to know more about what you can see here, please.",
    "Could you tell me what they are doing and where they are going?",
    "We think that this one was made by a very good artist a long time ago.",
    "My friend said it reminds her of home, of her mother and her father and the children.",
    "He does not like it because there is too much going on, but she loves every little part of it.",
    "What do you think about the way the light falls on the people, the animals and the trees?",
    "Is it an old painting or a new one? Is it a photo, a drawing, or something else?",
    "Do you know the name of the artist, the year, or the museum where it can be seen?",
    "How many people, dogs, cats, horses, birds, cars or houses are there?",
    "It looks like a beautiful place; I want to go there with my family one day.",
    "Why are they so happy, and why is the woman in the red dress crying next to the man?",
    "Can you explain it again in other words, more simply, and say something about the story behind it?",
    "Thanks, that was great! Now please write a short poem or a letter about this.",
    "Are there any flowers, stones, clouds, roads, walls, windows, doors, chairs or lamps in the room?",
    "Which feeling comes first when you look at it, and does it change after some time?",
    "Should I hang it in my kitchen, my bedroom, my office or the living room?",
    "Tell us what happened before and what will happen next, if you can imagine it.",
    "I don't understand. That's not right, isn't it? You're wrong, I'm sure it's something different.",
    "Their eyes, hands, hair and clothes are well drawn; the body and the head are not.",
    "Who is that girl, who is that boy, and what have they got in their hands?",
    "Look at the background and the foreground, then compare the shapes, the lines and the space.",
    "Which season is it: spring, summer, autumn or winter? Morning, noon, evening or midnight?",
    "Would people from another country feel the same about this work of art?",
    "Let me ask you another question about the first answer you gave me.",
    "It is strange, funny, boring, scary, ugly, beautiful, interesting, sad, joyful, romantic, mysterious or modern.",
    "Does the artist want us to think of love, death, war, peace, hope, loss, time, dreams, nature or god?",
    "What about the composition, the perspective, the meaning, the message, the symbols and the details?",
    "Describe the face, the expression, the gesture and the atmosphere of the whole scene for a child.",
)


def texts(seed: int) -> list[str]:
    """About 14,000 texts as the model will meet them: captions, dialogues in the chat prompt, everyday English."""
    rng = random.Random(seed)
    found = []
    for number in range(4_000):
        found.append(caption(random_facts(rng), rng, emotional=number % 2 == 0))
        rounds = dialogue(random_facts(rng), rng, emotional=number % 4 != 0)
        turns = "".join(
            f"###Human: {'<Img></Img> ' if index == 0 else ''}{question}###Assistant: {answer}"
            for index, (question, answer) in enumerate(rounds)
        )
        found.append(f"{_SYSTEM}{turns}###")
        alone = text_only(rng)
        found += [alone] if isinstance(alone, str) else [f"{question} {answer}" for question, answer in alone]
    found += [f"{name} {code}" for name, code in HEX.items() for _ in range(60)]
    return found + [text for text in _EVERYDAY for _ in range(60)]


def train_tokenizer(out: Path, vocab_size: int = 2048, seed: int = 0) -> LlamaTokenizer:
    """Trains the tokenizer and writes `tokenizer.model`, `tokenizer.json` and `tokenizer_config.json` into `out`.

    `AutoTokenizer.from_pretrained(out)` and `LlamaTokenizer.from_pretrained(out)` then put `<s>` in front and give the
    ids of sentencepiece itself, but for a text that begins with one of `SYMBOLS`: there sentencepiece has a lone space
    more. `<unk>`, `<s>`, `</s>` are 0, 1, 2; every symbol is one token.
    """
    out.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts(seed)),
        model_prefix=str(out / "tokenizer"),
        model_type="bpe",
        vocab_size=vocab_size,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        character_coverage=1.0,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        user_defined_symbols=list(SYMBOLS),
        num_threads=1,
        minloglevel=2,
    )
    (out / "tokenizer.vocab").unlink()

    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString((out / "tokenizer.model").read_bytes())
    vocab = {piece.piece: index for index, piece in enumerate(proto.pieces)}
    tokenizer = LlamaTokenizer(vocab=vocab, merges=generate_merges(vocab), add_bos_token=True, padding_side="left")
    tokenizer.add_tokens([AddedToken(symbol, normalized=False) for symbol in SYMBOLS])
    tokenizer.save_pretrained(out)
    return tokenizer


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--vocab-size", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    tokenizer = train_tokenizer(arguments.out, arguments.vocab_size, arguments.seed)
    print(f"{len(tokenizer)} pieces in {arguments.out}")


if __name__ == "__main__":
    main()
