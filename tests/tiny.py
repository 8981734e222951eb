"""A MiniGPT-4 of toy size with random weights."""

import torch

from artgpt4.minigpt4 import IMAGE_TOKEN_ID, MiniGPT4Config, MiniGPT4ForConditionalGeneration


def tiny_config(**text) -> MiniGPT4Config:
    text = {
        "model_type": "llama",
        "vocab_size": 100,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
    } | text
    return MiniGPT4Config(
        vision_config={
            "hidden_size": 48,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 56,
            "patch_size": 14,
            "initializer_range": 0.02,
        },
        qformer_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        text_config=text,
        num_query_tokens=8,
    )


def tiny_model(**text) -> MiniGPT4ForConditionalGeneration:
    torch.manual_seed(0)
    return MiniGPT4ForConditionalGeneration(tiny_config(**text)).eval()


def tiny_batch() -> dict[str, torch.Tensor]:
    """Two pictures with a prompt each; labels on what follows the picture."""
    generator = torch.Generator().manual_seed(1)
    input_ids = torch.randint(3, 100, (2, 20), generator=generator)
    input_ids[:, 4:12] = IMAGE_TOKEN_ID
    labels = input_ids.clone()
    labels[:, :12] = -100
    pixel_values = torch.randn(2, 3, 56, 56, generator=generator)
    return {"input_ids": input_ids, "pixel_values": pixel_values, "labels": labels}


def shake(model: torch.nn.Module, scale: float = 0.05, seed: int = 2) -> None:
    """Moves every trainable parameter, as training would."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += scale * torch.randn(parameter.shape, generator=generator).to(parameter)
