"""Trigonometric functions and their inverses. Arguments and results of inverses are in radians."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node
from gradtape.ops.declare import elementwise
from gradtape.ops.powers import one_minus_square, reciprocal, rsqrt, square

Tensor = Any


@elementwise(partials=[lambda x: cos(x)], lowering="sin", reference=np.sin)
def sin(x: TensorLike, name: str | None = None) -> Tensor:
    """The sine, elementwise, right for arguments of any size.

    >>> import gradtape as tf
    >>> tf.sin([0., 1e6]).numpy()
    array([ 0.       , -0.3499935], dtype=float32)
    """


@elementwise(partials=[lambda x: -sin(x)], lowering="cos", reference=np.cos)
def cos(x: TensorLike, name: str | None = None) -> Tensor:
    """The cosine, elementwise, right for arguments of any size."""


@elementwise(partials=[lambda x: square(tan(x)) + 1], lowering="tan", reference=np.tan, domain="cos x ≠ 0")
def tan(x: TensorLike, name: str | None = None) -> Tensor:
    """The tangent, elementwise."""


def _root(x: Node) -> Node:
    """1/√(1 - x²)."""
    return rsqrt(one_minus_square(x))


@elementwise(partials=[_root], lowering="asin", reference=np.arcsin, domain="-1 ≤ x ≤ 1")
def asin(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse sine, elementwise, from -π/2 to π/2; NaN outside [-1, 1]."""


@elementwise(partials=[lambda x: -_root(x)], lowering="acos", reference=np.arccos, domain="-1 ≤ x ≤ 1")
def acos(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse cosine, elementwise, from 0 to π; NaN outside [-1, 1]."""


@elementwise(partials=[lambda x: reciprocal(square(x) + 1)], lowering="atan", reference=np.arctan)
def atan(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse tangent, elementwise, from -π/2 to π/2."""


@elementwise(
    partials=[
        lambda y, x: x / (square(x) + square(y)),
        lambda y, x: -y / (square(x) + square(y)),
    ],
    lowering="atan2",
    reference=np.arctan2,
    domain="(x, y) ≠ (0, 0)",
)
def atan2(y: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The angle of the point (x, y), elementwise with broadcasting, from -π to π. Note the order: y first."""
