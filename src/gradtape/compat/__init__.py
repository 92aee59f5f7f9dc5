"""Other spellings of the same functions: TensorFlow 1 (`v1`) and PyTorch (`torch`). The last stop of the flow."""

from gradtape.compat import torch, v1

__all__ = ["torch", "v1"]
