"""``torch.nn``: its functions."""

from gradtape.compat.torch.nn import functional

__all__ = ["functional"]
