"""ArtGPT-4: talk with a vision-language model about a picture and the emotions it evokes.

Importing the package enters the image adapter among PEFT's methods, so that `get_peft_model` and
`PeftModel.from_pretrained` know `peft_type: IMAGE_ADAPTER`, and the MiniGPT-4 classes among transformers' Auto classes.
"""

from artgpt4 import image_adapter, minigpt4

__all__ = ["image_adapter", "load", "minigpt4"]


def __getattr__(name: str):
    # `artgpt4.load` is resolved when first asked for: training and conversion need none of the chat.
    if name == "load":
        from artgpt4.loading import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
