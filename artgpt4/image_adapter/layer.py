from __future__ import annotations

from copy import deepcopy

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers.activations import ACT2FN

from artgpt4.image_adapter.config import ImageAdapterConfig


class ImageAdapterLayer(BaseTunerLayer):
    """What the two tuner layers share: one active adapter at most."""

    @property
    def current(self) -> str | None:
        """The adapter that `forward` uses, or None for the base model."""
        if self.disable_adapters or not self.active_adapters:
            return None
        return self.active_adapters[0]

    def set_adapter(self, adapter_names: str | list[str], inference_mode: bool = False) -> None:
        if not isinstance(adapter_names, str) and len(adapter_names) > 1:
            raise ValueError(f"One image adapter can be active at a time; got {adapter_names}.")
        super().set_adapter(adapter_names, inference_mode=inference_mode)


class ImageAdapterMLP(nn.Module, ImageAdapterLayer):
    """Takes the place of a decoder layer's `mlp`; the layer's own norm before it becomes `nn.Identity`.

    The adapter belongs between attention and MLP, on the residual stream h:

        h = h + up(act(down(h)));  out = h + mlp(post_attention_layernorm(h))

    The decoder layer adds h itself to whatever its `mlp` returns, so this returns

        d = up(act(down(h)));  d + mlp(post_attention_layernorm(h + d))

    `base_layer` is (post_attention_layernorm, mlp): what remains without an adapter.
    """

    adapter_layer_names = ("image_adapter_down", "image_adapter_up", "image_adapter_norm")

    def __init__(self, post_attention_layernorm: nn.Module, mlp: nn.Module):
        super().__init__()
        self.base_layer = nn.Sequential(post_attention_layernorm, mlp)
        self.image_adapter_down = nn.ModuleDict()
        self.image_adapter_up = nn.ModuleDict()
        self.image_adapter_norm = nn.ModuleDict()
        self.activation = {}  # adapter name -> function without parameters

    def update_layer(self, name: str, config: ImageAdapterConfig, has_adapter: bool, trains_norm: bool) -> None:
        """Adds the adapter `name`: the bottleneck, a copy of the norm to train, or both."""
        norm = self.base_layer[0]
        hidden_size = norm.weight.shape[0]
        if has_adapter:
            width = round(hidden_size / config.reduction_factor)
            if config.reduction_factor > hidden_size:
                raise ValueError(
                    f"reduction_factor is {config.reduction_factor}, more than the model's hidden size {hidden_size}."
                )
            place = {"device": norm.weight.device, "dtype": norm.weight.dtype}
            self.image_adapter_down[name] = nn.Linear(hidden_size, width, **place)
            self.image_adapter_up[name] = nn.Linear(width, hidden_size, **place)
            # A fresh adapter is the identity. transformers' _init_weights never sees these modules: they come after it.
            nn.init.zeros_(self.image_adapter_up[name].weight)
            nn.init.zeros_(self.image_adapter_up[name].bias)
            self.activation[name] = ACT2FN[config.activation]
        if trains_norm:
            self.image_adapter_norm[name] = deepcopy(norm)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """[B, T, D] residual stream after attention -> [B, T, D] what the decoder layer adds to it."""
        norm, mlp = self.base_layer
        name = self.current
        if name in self.image_adapter_norm:
            norm = self.image_adapter_norm[name]
        if name not in self.image_adapter_down:
            return mlp(norm(hidden_states).to(hidden_states.dtype))
        down, up = self.image_adapter_down[name], self.image_adapter_up[name]
        x = self._cast_input_dtype(hidden_states, down.weight.dtype)
        delta = up(self.activation[name](down(x))).to(hidden_states.dtype)
        # A trained norm is fp32 and would promote a half-precision stream.
        return delta + mlp(norm(hidden_states + delta).to(hidden_states.dtype))


class ImageAdapterNorm(nn.Module, ImageAdapterLayer):
    """Takes the place of a decoder layer's `input_layernorm`: a trained copy beside the frozen norm."""

    adapter_layer_names = ("image_adapter_norm",)

    def __init__(self, input_layernorm: nn.Module):
        super().__init__()
        self.base_layer = input_layernorm
        self.image_adapter_norm = nn.ModuleDict()

    def update_layer(self, name: str) -> None:
        """Adds the adapter `name`: a copy of the norm to train."""
        self.image_adapter_norm[name] = deepcopy(self.base_layer)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """[B, T, D] -> [B, T, D] in the same dtype."""
        name = self.current
        norm = self.image_adapter_norm[name] if name in self.image_adapter_norm else self.base_layer
        return norm(hidden_states).to(hidden_states.dtype)
