"""A painter of simple pictures that knows what can be seen in them."""

from train.painter.sample import sample_painting

__all__ = ["sample_painting"]
