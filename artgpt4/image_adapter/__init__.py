"""The image adapter of ArtGPT-4 (Yuan et al. 2023, https://arxiv.org/abs/2305.07490) as a PEFT method."""

from peft import mapping

from artgpt4.image_adapter.config import ImageAdapterConfig
from artgpt4.image_adapter.layer import ImageAdapterMLP, ImageAdapterNorm
from artgpt4.image_adapter.model import ImageAdapterModel

__all__ = ["ImageAdapterConfig", "ImageAdapterMLP", "ImageAdapterModel", "ImageAdapterNorm"]

# `peft.utils.register_peft_method` only takes the names of PEFT's own enum, so the tables it fills are filled here.
mapping.PEFT_TYPE_TO_CONFIG_MAPPING["IMAGE_ADAPTER"] = ImageAdapterConfig
mapping.PEFT_TYPE_TO_TUNER_MAPPING["IMAGE_ADAPTER"] = ImageAdapterModel
mapping.PEFT_TYPE_TO_PREFIX_MAPPING["IMAGE_ADAPTER"] = ImageAdapterModel.prefix
