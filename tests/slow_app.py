"""The real app with the embedded model, which takes its time here, and never ends an answer of its own accord.

The browser tests run it in place of app.py where something has to happen while an answer is being written: however slow
or busy the machine is, there are then seconds to do it in. An answer still ends at the greatest length allowed.
"""

import time
from concurrent.futures import Future

import app
import artgpt4

SECONDS_PER_TOKEN = 0.1


def slow_model():
    model = artgpt4.load("mini")
    vocabulary = model.processor.tokenizer.get_vocab()
    ends = sorted(model.end_ids | {number for piece, number in vocabulary.items() if "#" in piece})

    def slow_down(module, arguments, logits):
        time.sleep(SECONDS_PER_TOKEN)
        return logits.index_fill(-1, logits.new_tensor(ends).long(), float("-inf"))

    model.base.language_model.lm_head.register_forward_hook(slow_down)
    return model


if __name__ == "__main__":
    future = Future()
    future.set_result(slow_model())
    app.open_page(future, app.parse_arguments()).block_thread()
