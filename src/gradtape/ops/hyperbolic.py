"""Hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.graph.handles import TensorLike
from gradtape.ops.activations import tanh
from gradtape.ops.declare import elementwise
from gradtape.ops.powers import hypot, one_minus_square, reciprocal, rsqrt

Tensor = Any

__all__ = ["acosh", "asinh", "atanh", "cosh", "sinh", "tanh"]


@elementwise(partials=[lambda x: cosh(x)], lowering="sinh", reference=np.sinh)
def sinh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic sine, elementwise."""


@elementwise(partials=[lambda x: sinh(x)], lowering="cosh", reference=np.cosh)
def cosh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic cosine, elementwise."""


@elementwise(partials=[lambda x: reciprocal(hypot(x, 1))], lowering="asinh", reference=np.arcsinh)
def asinh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse hyperbolic sine, elementwise."""


@elementwise(partials=[lambda x: rsqrt(x - 1) * rsqrt(x + 1)], lowering="acosh", reference=np.arccosh, domain="x ≥ 1")
def acosh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse hyperbolic cosine, elementwise; NaN below 1."""


@elementwise(
    partials=[lambda x: reciprocal(one_minus_square(x))], lowering="atanh", reference=np.arctanh, domain="-1 < x < 1"
)
def atanh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse hyperbolic tangent, elementwise; ±inf at ±1, NaN outside [-1, 1]."""
