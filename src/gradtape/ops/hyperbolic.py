"""Hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node
from gradtape.ops.activations import tanh
from gradtape.ops.declare import elementwise
from gradtape.ops.powers import reciprocal, square
from gradtape.ops.series import Closed, member
from gradtape.ops.trigonometric import inverse_family, inverse_root_slope

Tensor = Any

__all__ = ["acosh", "asinh", "atanh", "cosh", "sinh", "tanh"]


@elementwise(partials=[lambda x: cosh(x)], lowering="sinh", reference=np.sinh, exact=lambda mp, x: mp.sinh(x))
def sinh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic sine, elementwise."""


@elementwise(partials=[lambda x: sinh(x)], lowering="cosh", reference=np.cosh, exact=lambda mp, x: mp.cosh(x))
def cosh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic cosine, elementwise."""


@elementwise(
    partials=[lambda x, order: asinh(x, order=order + 1)],
    series=Closed([lambda x, order: _asinh_slope(x, order)]),
    **inverse_family("asinh", np.arcsinh),
)
def asinh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse hyperbolic sine, elementwise."""


def _asinh_slope(x: Node, order: int) -> Node | None:
    if order > 1:
        return None
    slope = member(asinh, x, 1)
    return -x * slope / (1 + square(x)) if order else slope


@elementwise(
    partials=[lambda x, order: acosh(x, order=order + 1)],
    domain="x ≥ 1",
    series=Closed([lambda x, order: inverse_root_slope(acosh, x, order)]),
    **inverse_family("acosh", np.arccosh),
)
def acosh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse hyperbolic cosine, elementwise; NaN below 1."""


@elementwise(
    partials=[lambda x, order: atanh(x, order=order + 1)],
    domain="-1 < x < 1",
    series=Closed([lambda x, order: None if order else reciprocal((1 - x) * (1 + x))]),
    **inverse_family("atanh", np.arctanh),
)
def atanh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse hyperbolic tangent, elementwise; ±inf at ±1, NaN outside [-1, 1]."""
