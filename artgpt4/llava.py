"""LLaVA-1.5 (Liu et al. 2023, https://arxiv.org/abs/2310.03744), which GalleryGPT (Bin et al. 2024,
https://arxiv.org/abs/2408.00491) fine-tunes, in dialogues.

Model and processor are transformers' own. Here is what a dialogue needs beyond them: the picture's features before the
projector, which adapters train, and the LLaVA-v1 prompt, cut into tokens as LLaVA's own code cuts it. The classes keep
their names, so that what they save says of itself that it is transformers'.
"""

from collections.abc import Sequence

import numpy as np
import torch
import transformers
from PIL import Image

from artgpt4.dialogue import DialogueProcessor, check_rounds

IMAGE = "<image>"
END = "</s>"

#: Every linear layer of the language model but its head, as LLaVA's and GalleryGPT's LoRA has it.
LORA_TARGETS = r".*language_model\.(model\.)?layers\.\d+\.(self_attn|mlp)\.\w+_proj"

SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)


class LlavaForConditionalGeneration(transformers.LlavaForConditionalGeneration):
    """LLaVA whose pictures are encoded apart from the dialogue about them."""

    def encode_picture(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """[B, 3, S, S] pixel values -> [B, tokens per picture, tower's hidden], before `multi_modal_projector`.

        Adapters train the projector but nothing before it: what this returns serves every adapter.
        """
        chosen = self.config.vision_feature_layer
        hidden_states = self.model.vision_tower(pixel_values, output_hidden_states=True).hidden_states
        layers = [chosen] if isinstance(chosen, int) else chosen
        features = torch.cat([hidden_states[layer] for layer in layers], dim=-1)
        return features[:, 1:] if self.config.vision_feature_select_strategy == "default" else features

    def embed(self, input_ids: torch.Tensor, features: torch.Tensor | None = None) -> torch.Tensor:
        """[B, T] ids and the features of their pictures, in order -> [B, T, D] the language model's input.

        Args:
            features: [number of pictures, tokens per picture, tower's hidden] from `encode_picture`; None for ids
                without a picture.

        Raises:
            ValueError: if the placeholders in `input_ids` are not as many as the features.
        """
        is_image = input_ids == self.config.image_token_id
        embeds = self.get_input_embeddings()(input_ids)
        given = 0 if features is None else features.shape[:2].numel()
        if is_image.sum() != given:
            raise ValueError(
                f"input_ids hold {int(is_image.sum())} image placeholders and there are {given} features; every "
                f"picture needs as many of each. LlavaProcessor writes them for {IMAGE!r}."
            )
        if features is None:
            return embeds
        projected = self.model.multi_modal_projector(features)
        return embeds.masked_scatter(is_image.unsqueeze(-1), projected.to(embeds.device, embeds.dtype))


class LlavaProcessor(DialogueProcessor, transformers.LlavaProcessor):
    """LLaVA's processor with the LLaVA-v1 dialogue.

    The original tokenises what stands before, between and after pictures each by itself, and sentencepiece does so with
    what stands behind every `</s>`.
    """

    end = END

    @property
    def marks(self) -> dict[str, list[int]]:
        """See `DialogueProcessor`."""
        side = self.image_processor.crop_size["height"] // self.patch_size
        tokens = side * side + self.num_additional_image_tokens - (self.vision_feature_select_strategy == "default")
        return {IMAGE: [self.image_token_id] * tokens, END: [self.tokenizer.eos_token_id]}

    def chat_parts(
        self, rounds: Sequence[tuple[str, str | None]], pictures: Sequence[int] | None = None
    ) -> list[tuple[str, bool]]:
        """See `DialogueProcessor`; several pictures in a row stand on lines of their own."""
        check_rounds(rounds)
        pictures = [1] * len(rounds) if pictures is None else pictures
        parts, shown = [(SYSTEM + " ", False)], 0
        for number, (question, answer) in enumerate(rounds):
            images = f"{IMAGE}\n" * (pictures[number] - shown)
            shown = max(shown, pictures[number])
            parts.append((f"USER: {images}{question} ASSISTANT:", False))
            if answer is not None:
                parts.append((f" {answer}{END}", True))
        return parts

    def pixel_values(self, pictures: Sequence[Image.Image | np.ndarray]) -> torch.Tensor:
        """Pictures, or uint8 RGB arrays [height, width, 3] -> [B, 3, S, S]."""
        pictures = [Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture for picture in pictures]
        pictures = [picture.convert("RGB") for picture in pictures]
        return self.image_processor(pictures, return_tensors="pt")["pixel_values"]
