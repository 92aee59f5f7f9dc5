"""``numpy.linalg``, as far as there are gradients of it here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradtape
from gradtape.graph.handles import TensorLike
from gradtape.numpy.reading import real

Tensor = Any


def norm(x: TensorLike, ord: Any = None, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """The norm of a row, or of all elements: Euclidean without `ord`, else the p-norm; its gradient at 0 is 0."""
    return gradtape.norm(real(x), "euclidean" if ord is None else ord, axis, keepdims)


__all__ = ["norm"]
