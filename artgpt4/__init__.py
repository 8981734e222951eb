"""ArtGPT-4: talk with a vision-language model about a picture and the emotions it evokes.

Importing the package enters the image adapter among PEFT's methods, so that `get_peft_model` and
`PeftModel.from_pretrained` know `peft_type: IMAGE_ADAPTER`, and the MiniGPT-4 classes among transformers' Auto classes.
Where PEFT or transformers has not been imported yet this is done as soon as it is: scoring and reading need neither.
"""

import importlib
import importlib.abc
import importlib.util
import sys

__all__ = ["image_adapter", "load", "minigpt4"]

#: What enters our classes there, by the library that has to be imported.
_ENTERED_BY = {"transformers": "artgpt4.minigpt4", "peft": "artgpt4.image_adapter"}


def __getattr__(name: str):
    # Resolved when first asked for: training and conversion need none of the chat, scoring needs no torch.
    if name == "load":
        from artgpt4.loading import load

        return load
    if name in __all__:
        return importlib.import_module(f"artgpt4.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _EnterAfterImport(importlib.abc.MetaPathFinder):
    """Imports the module that enters our classes in a library, after the library itself."""

    def __init__(self, library: str):
        self.library = library

    def find_spec(self, name: str, path=None, target=None):
        if name != self.library:
            return None
        sys.meta_path.remove(self)  # once; and what follows must find the library's own spec
        spec = importlib.util.find_spec(name)
        if spec is not None:
            run = spec.loader.exec_module

            def run_and_enter(module) -> None:
                run(module)
                importlib.import_module(_ENTERED_BY[name])

            spec.loader.exec_module = run_and_enter
        return spec


for _library, _module in _ENTERED_BY.items():
    if _library in sys.modules:
        importlib.import_module(_module)
    else:
        sys.meta_path.insert(0, _EnterAfterImport(_library))
