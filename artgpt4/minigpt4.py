"""MiniGPT-4 (Zhu et al. 2023, https://arxiv.org/abs/2304.10592) on transformers' own BLIP-2, and its prompts.

BLIP-2's vision tower and Q-Former in front of a LLaMA: `Blip2ForConditionalGeneration` has all of it. Here is what
differs: one epsilon, where the picture's tokens stand in the prompt, and how the prompt is cut into tokens.
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    AutoProcessor,
    BatchFeature,
    Blip2Config,
    Blip2ForConditionalGeneration,
    ProcessorMixin,
)
from transformers import initialization as init
from transformers.configuration_utils import SubConfigSpec
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.blip_2.configuration_blip_2 import Blip2QFormerConfig, Blip2VisionConfig

from artgpt4.dialogue import DialogueProcessor, check_rounds

IMAGE = "<ImageHere>"
END = "###"

# The picture's placeholder among the ids. It lies outside every vocabulary: no text that a user types can give it, and
# the 32000 tokens of Vicuna stay as they are: neither embedding nor head gets a row more. LLaVA has the same number.
IMAGE_TOKEN_ID = -200

SYSTEM = (
    "Give the following image: <Img>ImageContent</Img>. "
    "You will be able to see the image once I provide it to you. Please answer my questions."
)


def chat_prompt(rounds: Sequence[tuple[str, str | None]], pictures: Sequence[int] | None = None) -> str:
    """The dialogue as MiniGPT-4's chat writes it; see `DialogueProcessor.chat_prompt`."""
    return "".join(text for text, _ in chat_parts(rounds, pictures))


def chat_parts(
    rounds: Sequence[tuple[str, str | None]], pictures: Sequence[int] | None = None
) -> list[tuple[str, bool]]:
    """See `DialogueProcessor.chat_parts`. Several pictures in a row are turns of their own but for the last."""
    check_rounds(rounds)
    pictures = [1] * len(rounds) if pictures is None else pictures
    parts, shown = [(SYSTEM + END if any(pictures) else END, False)], 0
    for number, (question, answer) in enumerate(rounds):
        images = [f"<Img>{IMAGE}</Img>"] * (pictures[number] - shown)
        shown = max(shown, pictures[number])
        asked = "".join(f"Human: {image}{END}" for image in images[:-1])
        asked += f"Human: {''.join(f'{image} ' for image in images[-1:])}{question}{END}Assistant:"
        parts.append((asked, False))
        if answer is not None:
            parts.append((f" {answer}{END}", True))
    return parts


def stage2_prompt(instruction: str) -> str:
    """The prompt of stage-2 training, with the original's spaces around the instruction."""
    return f"{END}Human: <Img>{IMAGE}</Img> {instruction} {END}Assistant: "


class MiniGPT4Config(Blip2Config):
    """BLIP-2's config with a LLaMA behind it."""

    model_type = "minigpt4"
    sub_configs_defaults = {
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="llama"),
        "vision_config": Blip2VisionConfig,
        "qformer_config": Blip2QFormerConfig,
    }

    def __post_init__(self, **kwargs):
        super().__post_init__(**kwargs)
        self.image_token_index = IMAGE_TOKEN_ID


class MiniGPT4ForConditionalGeneration(Blip2ForConditionalGeneration):
    """BLIP-2 with a LLaMA, the projected queries standing where `config.image_token_id` does."""

    config: MiniGPT4Config

    def __init__(self, config: MiniGPT4Config):
        super().__init__(config)
        # LAVIS' ln_vision has torch's default epsilon, unlike the norms inside its EVA tower (1e-6).
        self.vision_model.post_layernorm.eps = 1e-5

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if module is self:
            # BLIP-2 starts all queries at zero, alike, and only dropout could ever part them. LAVIS draws them.
            init.normal_(self.query_tokens, std=self.config.qformer_config.initializer_range)

    def encode_picture(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """[B, 3, S, S] pixel values -> [B, num_query_tokens, qformer hidden] queries, before `language_projection`.

        An image adapter trains the projection but nothing before it: what this returns serves every adapter.
        """
        hidden_states = self.vision_model(pixel_values=pixel_values).last_hidden_state
        queries = self.query_tokens.expand(len(pixel_values), -1, -1)
        query_output = self.qformer(query_embeds=queries, encoder_hidden_states=hidden_states).last_hidden_state
        return query_output.to(hidden_states.dtype)

    def embed(self, input_ids: torch.Tensor, query_output: torch.Tensor | None = None) -> torch.Tensor:
        """[B, T] ids and the queries of their pictures, in order -> [B, T, D] the language model's input.

        Args:
            query_output: [number of pictures, num_query_tokens, qformer hidden] from `encode_picture`; None for ids
                without a picture.

        Raises:
            ValueError: if the placeholders in `input_ids` are not as many as the queries.
        """
        is_image = input_ids == self.config.image_token_id
        embeds = self.get_input_embeddings()(input_ids.masked_fill(is_image, 0))
        given = 0 if query_output is None else query_output.shape[:2].numel()
        if is_image.sum() != given:
            raise ValueError(
                f"input_ids hold {int(is_image.sum())} image placeholders and there are {given} queries; every picture "
                f"needs {self.config.num_query_tokens} of each. MiniGPT4Processor writes them for {IMAGE!r}."
            )
        if query_output is None:
            return embeds
        projected = self.language_projection(query_output.to(self.language_projection.weight.dtype))
        return embeds.masked_scatter(is_image.unsqueeze(-1), projected.to(embeds.device, embeds.dtype))

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        pixel_values: torch.Tensor | None = None,
        query_output: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **kwargs,
    ):
        """What the language model returns (`CausalLMOutputWithPast`: loss, logits, past_key_values).

        Args:
            input_ids: [B, T], with placeholders where a picture stands.
            pixel_values: [number of pictures, 3, S, S]; or instead
            query_output: what `encode_picture` returned for them.
            inputs_embeds: [B, T, D] from `embed`, instead of all three.
            kwargs: the language model's (attention_mask, labels, past_key_values, ...). Labels are as long as the ids.
        """
        if inputs_embeds is None:
            inputs_embeds = self._inputs_embeds(input_ids, pixel_values, query_output)
        return self.language_model(inputs_embeds=inputs_embeds, **kwargs)

    @torch.no_grad()
    def generate(
        self,
        input_ids: torch.Tensor | None = None,
        pixel_values: torch.Tensor | None = None,
        query_output: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **kwargs,
    ) -> torch.Tensor:
        """[B, number of new tokens] ids: the answer without the prompt. Arguments as for `forward`.

        The language model sees the prompt as embeddings alone, as in the original, so that a repetition penalty counts
        the answer's words and not the question's.
        """
        if hasattr(self, "hf_device_map"):
            self._preprocess_accelerate()
        if inputs_embeds is None:
            inputs_embeds = self._inputs_embeds(input_ids, pixel_values, query_output)
        return self.language_model.generate(inputs_embeds=inputs_embeds, **kwargs)

    def _inputs_embeds(self, input_ids, pixel_values, query_output) -> torch.Tensor:
        if pixel_values is not None:
            query_output = self.encode_picture(pixel_values)
        return self.embed(input_ids, query_output)


class MiniGPT4Processor(DialogueProcessor, ProcessorMixin):
    """Pictures -> pixel values and prompts -> ids, exactly as the original's.

    Args:
        image_processor: `BlipImageProcessorPil` (bicubic resize to a square, CLIP mean and deviation).
        tokenizer: a LLaMA tokenizer.
        num_query_tokens: placeholders per picture.
    """

    end = END

    def __init__(self, image_processor, tokenizer, num_query_tokens: int = 32, **kwargs):
        self.num_query_tokens = num_query_tokens
        if not isinstance(image_processor, BlipImageProcessorPil):
            # Where torchvision is installed, transformers loads the variant whose bicubic resize gives other pixels.
            image_processor = BlipImageProcessorPil.from_dict(image_processor.to_dict())
        super().__init__(image_processor, tokenizer)

    @property
    def image_token_id(self) -> int:
        """The placeholder's id, which no text can give."""
        return IMAGE_TOKEN_ID

    @property
    def marks(self) -> dict[str, list[int]]:
        """See `DialogueProcessor`."""
        return {IMAGE: [IMAGE_TOKEN_ID] * self.num_query_tokens}

    def chat_parts(
        self, rounds: Sequence[tuple[str, str | None]], pictures: Sequence[int] | None = None
    ) -> list[tuple[str, bool]]:
        """See `DialogueProcessor`."""
        return chat_parts(rounds, pictures)

    def pixel_values(self, pictures: Sequence[Image.Image | np.ndarray]) -> torch.Tensor:
        """Pictures, or uint8 RGB arrays [height, width, 3] -> [B, 3, S, S]."""
        # Resized here, by the same call of Pillow's: the image processor would first copy each several times in full
        # size, which takes longer than all the rest.
        size = (self.image_processor.size["width"], self.image_processor.size["height"])
        pictures = [Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture for picture in pictures]
        small = [picture.convert("RGB").resize(size, self.image_processor.resample) for picture in pictures]
        return self.image_processor(small, do_resize=False, return_tensors="pt")["pixel_values"]

    def __call__(self, images=None, text: str | Sequence[str] | None = None, **kwargs) -> BatchFeature:
        """Pictures and prompts -> pixel_values [B, 3, S, S], input_ids and attention_mask [B, T], left-padded.

        Raises:
            ValueError: if neither is given.
        """
        if images is None and text is None:
            raise ValueError("Give images, text or both.")
        batch = {}
        if text is not None:
            batch |= self.padded([text] if isinstance(text, str) else text)
        if images is not None:
            batch["pixel_values"] = self.pixel_values([images] if isinstance(images, Image.Image) else images)
        return BatchFeature(batch)


AutoConfig.register("minigpt4", MiniGPT4Config)
AutoModelForImageTextToText.register(MiniGPT4Config, MiniGPT4ForConditionalGeneration)
AutoProcessor.register(MiniGPT4Config, MiniGPT4Processor)
