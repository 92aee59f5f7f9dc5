"""Products in which a factor zero wins over whatever the other factor is: x·y, x·log(y), x·log(1 + y)."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np

from gradtape.graph import notation
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node
from gradtape.ops import admit
from gradtape.ops.declare import elementwise, literal
from gradtape.ops.exponential import log, log1p
from gradtape.ops.powers import integer_power, reciprocal
from gradtape.ops.selection import equal, less_equal, logical_and, where
from gradtape.ops.series import Alike

Tensor = Any


@elementwise(
    kind="bilinear",
    partials=[lambda ct, x, y: multiply_no_nan(ct, y), lambda ct, x, y: multiply_no_nan(x, ct)],
    operands="number",
    lowering=lambda m, x, y: m.select(m.equal(y, 0), m.value(0, x.type), x * y),
    reference=lambda x, y: np.where(y == 0, np.zeros((), x.dtype), x * y),
    domain="all real x, y",
    exact=lambda mp, x, y: mp.zero if y == 0 else x * y,
    formula=lambda sp, x, y: x * y,
)
def multiply_no_nan(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x·y, elementwise with broadcasting, and 0 where y is 0, even if x is infinite or NaN. So is its gradient.

    >>> import gradtape as tf
    >>> tf.math.multiply_no_nan([3., float("inf")], [2., 0.]).numpy()
    array([6., 0.], dtype=float32)
    """


def _slope_reference(x: Any, y: Any, order: int, shift: int) -> Any:
    top = x * np.float64((-1) ** (order - 1) * factorial(order - 1))
    return np.where(x == 0, 0, top / (y.astype(np.float64) + shift) ** order).astype(x.dtype)


def _slope_exact(mp: Any, x: Any, y: Any, order: int, shift: int) -> Any:
    return (-1) ** (order - 1) * mp.factorial(order - 1) * x / (y + shift) ** order if x else mp.zero


def _by_factor(function: Callable[[Node], Node], x: Node, y: Node, shift: int) -> Node:
    """function(y), and 0 where x is 0 and the logarithm of shift + y has no value."""
    return where(logical_and(equal(x, 0), less_equal(y, -shift)), 0, function(y))


@elementwise(
    notation=lambda inputs, order, shift: notation.partial_derivative_of("xlog1py" if shift else "xlogy")(
        inputs, 0, order
    ),
    partials=[
        lambda x, y, order, shift: _by_factor(lambda v: xlogy_slope(literal(1, x.dtype), v, order, shift), x, y, shift),
        lambda x, y, order, shift: xlogy_slope(x, y, order + 1, shift),
    ],
    lowering="xlogy_slope",
    reference=_slope_reference,
    parameters=["order", "shift"],
    admits=lambda order, shift: 1 <= order <= admit.HIGHEST_ORDER and shift in (0, 1),
    public=False,
    domain="y > -shift",
    exact=_slope_exact,
    series=Alike(
        lambda x, y, order, shift: multiply_no_nan(
            (-1) ** (order - 1) * factorial(order - 1) * integer_power(reciprocal(y + shift), order), x
        )
    ),
)
def xlogy_slope(x: TensorLike, y: TensorLike, order: int, shift: int, name: str | None = None) -> Tensor:
    """The derivative of an order, at least 1, of x·log(shift + y) by y; 0 where x is 0."""


def _no_nan(logarithm: Callable) -> Callable:
    return lambda x, y: np.where(x == 0, np.zeros((), x.dtype), x * logarithm(y))


@elementwise(
    partials=[lambda x, y: _by_factor(log, x, y, 0), lambda x, y: xlogy_slope(x, y, 1, 0)],
    lowering="xlogy",
    reference=_no_nan(np.log),
    domain="y > 0",
    exact=lambda mp, x, y: x * mp.log(y) if x else mp.zero,
    formula=lambda sp, x, y: x * sp.log(y),
    series=Alike(lambda x, y: multiply_no_nan(log(y), x)),
)
def xlogy(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x·log(y), elementwise with broadcasting, and 0 where x is 0, whatever y is.

    The derivative by x is log(y), and 0 where x is 0 and y is not positive; by y it is x/y, and 0 where x is 0.

    >>> import gradtape as tf
    >>> tf.math.xlogy([0., 2.], [0., 1.]).numpy()
    array([0., 0.], dtype=float32)
    """


@elementwise(
    partials=[lambda x, y: _by_factor(log1p, x, y, 1), lambda x, y: xlogy_slope(x, y, 1, 1)],
    lowering="xlog1py",
    reference=_no_nan(np.log1p),
    domain="y > -1",
    exact=lambda mp, x, y: x * mp.log1p(y) if x else mp.zero,
    formula=lambda sp, x, y: x * sp.log(1 + y),
    series=Alike(lambda x, y: multiply_no_nan(log1p(y), x)),
)
def xlog1py(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x·log(1 + y), elementwise with broadcasting, exact also for small y, and 0 where x is 0, whatever y is."""
