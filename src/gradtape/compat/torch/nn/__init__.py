"""``torch.nn``: its functions, and Parameter."""

from gradtape.compat.torch.nn import functional
from gradtape.compat.torch.nn.parameter import Parameter

__all__ = ["Parameter", "functional"]
