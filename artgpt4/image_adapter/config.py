from __future__ import annotations

from dataclasses import dataclass, field

from peft.config import PeftConfig
from transformers.activations import ACT2FN

Layers = str | list[int] | None


@dataclass
class ImageAdapterConfig(PeftConfig):
    """Which decoder layers carry an image adapter, how narrow it is, and which norms are trained with it.

    The defaults are the paper's: an adapter in every layer, hidden size / 4 wide, every `post_attention_layernorm`, and
    the `input_layernorm` of layers 0, 2, 4, ... Layers are given as "all", "even" (0, 2, 4, ...), "none" or a list of
    layer numbers; the paper's Table 4 (a fraction of the adapters) is `layers=[...]`.

    Raises:
        ValueError: for a value that is none of these, naming the field, what was given and what is allowed.
    """

    reduction_factor: float = field(
        default=4,
        metadata={
            "help": "The adapter's inner width is the hidden size divided by this, rounded: 4 is the paper's, 3.2 a "
            "quarter more parameters, 2.6667 half more."
        },
    )
    activation: str = field(
        default="gelu", metadata={"help": "Activation between down and up, by its name in transformers.ACT2FN."}
    )
    layers: Layers = field(
        default="all",
        metadata={"help": "Layers that carry an adapter: 'all', 'even', 'none' or a list of layer numbers."},
    )
    input_layernorm: Layers = field(
        default="even",
        metadata={"help": "Layers whose input_layernorm is trained: 'all', 'even', 'none' or a list of layer numbers."},
    )
    post_attention_layernorm: Layers = field(
        default="all",
        metadata={"help": "Layers whose post_attention_layernorm is trained; values as in `layers`."},
    )
    modules_to_save: list[str] | None = field(
        default=None,
        metadata={
            "help": "Modules trained and saved whole. None takes the picture's projection into the language model "
            "where the model has one (language_projection, multi_modal_projector); [] trains none."
        },
    )
    # PEFT reads this field from every config. The decoder layers are found by the tuner, so it stays None.
    target_modules: None = field(default=None, metadata={"help": "Not used: say `layers` instead."})

    def __post_init__(self):
        super().__post_init__()
        self.peft_type = "IMAGE_ADAPTER"
        if not isinstance(self.reduction_factor, (int, float)) or not 1 <= self.reduction_factor < float("inf"):
            raise ValueError(f"reduction_factor is {self.reduction_factor!r}; give a number of at least 1.")
        if self.activation not in ACT2FN:
            raise ValueError(f"activation is {self.activation!r}; give one of {', '.join(sorted(ACT2FN))}.")
        if self.target_modules is not None:
            raise ValueError(
                f"target_modules is {self.target_modules!r}, but the image adapter finds the decoder layers itself; "
                "choose among them with `layers`."
            )
        fields = ("layers", "input_layernorm", "post_attention_layernorm")
        for name in fields:
            chosen = getattr(self, name)
            if isinstance(chosen, (list, tuple)):
                if all(type(layer) is int and layer >= 0 for layer in chosen):
                    setattr(self, name, sorted(set(chosen)))
                    continue
            elif chosen in ("all", "even", "none"):
                continue
            raise ValueError(f"{name} is {chosen!r}; give 'all', 'even', 'none' or a list of layer numbers from 0.")
        if all(getattr(self, name) in ("none", []) for name in fields):
            raise ValueError(f"{', '.join(fields)} choose no layer: nothing would be trained.")

    def chosen(self, name: str, num_layers: int) -> set[int]:
        """The layer numbers that the field `name` chooses in a model of `num_layers` layers.

        Raises:
            ValueError: if the model has not got a layer that the field names.
        """
        chosen = getattr(self, name)
        if isinstance(chosen, str):
            return set({"all": range(num_layers), "even": range(0, num_layers, 2), "none": ()}[chosen])
        if chosen and chosen[-1] >= num_layers:
            raise ValueError(f"{name} asks for layer {chosen[-1]}; this model has layers 0 to {num_layers - 1}.")
        return set(chosen)
