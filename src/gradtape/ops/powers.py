"""Quotients, squares and roots, powers with known integer exponents."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from gradtape.graph import notation
from gradtape.graph.dtypes import float64
from gradtape.graph.handles import TensorLike, wrap
from gradtape.graph.node import Node
from gradtape.ops import admit
from gradtape.ops.arithmetic import times
from gradtape.ops.closed_forms import distance
from gradtape.ops.declare import convert, elementwise, literal, pair, publish
from gradtape.ops.selection import equal, where
from gradtape.ops.series import Alike, Closed, Undone

Tensor = Any

LARGEST_STATIC_EXPONENT = 64
"""Integer exponents up to this size become part of the code (repeated squaring), others are values."""


@elementwise(
    notation=notation.infix("/", notation.PRODUCT),
    partials=[lambda x, y: reciprocal(y), lambda x, y: divided_by_power(x, y, 2, -1)],
    lowering=lambda m, x, y: x / y,
    reference=np.divide,
    domain="y ≠ 0",
    public=False,
    exact=lambda mp, x, y: x / y,
    neutral=[1],
    zeros="first",
    series=Undone(lambda q, y: q * y),
)
def real_divide(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y for floating tensors, elementwise with broadcasting; x/0 is ±inf, 0/0 is NaN."""


def divide(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y, elementwise with broadcasting. Also the operator ``/``. Integers are divided as float64.

    >>> import gradtape as tf
    >>> tf.divide(3, 2).numpy()
    np.float64(1.5)
    """
    if type(x) is Node or type(y) is Node:
        return real_divide(x, y)
    a, b = pair(x, y)
    if not a.dtype.is_floating:
        a, b = convert(a, float64), convert(b, float64)
    return wrap(real_divide(a, b))


publish(divide, divide)


def _divided_by_power(m: Any, x: Any, y: Any, n: int, c: int) -> Any:
    """Dividing n times neither overflows nor underflows on the way where the result does not."""
    result, divisor = (m.cast(x, "float64"), m.cast(y, "float64"))
    result = result * float(c)
    for _ in range(n):
        result = result / divisor
    return m.cast(result, "float32" if x.type == "float" else "float64")


def _ratio(inputs: Sequence[notation.Text], n: int, c: int) -> notation.Text:
    below = notation.power(inputs[1], n) if n > 1 else inputs[1]
    return notation.infix("/", notation.PRODUCT)([notation.times(c, inputs[0]), below])


@elementwise(
    notation=_ratio,
    partials=[
        lambda x, y, n, c: multiple(y, -n, c),
        lambda x, y, n, c: divided_by_power(x, y, n + 1, -n * c),
    ],
    lowering=_divided_by_power,
    reference=lambda x, y, n, c: c * x / y**n,
    parameters=["n", "c"],
    admits=lambda n, c: 1 <= n <= admit.HIGHEST_ORDER,
    public=False,
    domain="y ≠ 0",
    exact=lambda mp, x, y, n, c: c * x / y**n,
    series=Alike(lambda x, y, n, c: real_divide(c * x, integer_power(y, n))),
)
def divided_by_power(x: TensorLike, y: TensorLike, n: int, c: int, name: str | None = None) -> Tensor:
    """c x / yⁿ for n ≥ 1: the derivatives of a quotient by its divisor, which so grow in number and not in size."""


def multiple(x: Node, n: int, c: int) -> Node:
    """c xⁿ for known integers, rounded once."""
    if n == 0 or c == 0:
        return literal(c, x.dtype)
    if c in (1, -1) or n == 1 or n < -LARGEST_STATIC_EXPONENT:
        return times(literal(c, x.dtype), integer_power(x, n))
    return multiple_of_power(x, n, c)


def _halved(x: Node, n: int) -> Node:
    """xⁿ from a power of about half the exponent."""
    if n < 0:
        return real_divide(1, integer_power(x, -n))
    half = square(integer_power(x, n // 2))
    return half * x if n % 2 else half


@elementwise(
    notation=lambda inputs, n, c: notation.times(c, notation.power(inputs[0], n)),
    partials=[lambda x, n, c: multiple(x, n - 1, c * n)],
    lowering="multiple_of_power",
    reference=lambda x, n, c: c * np.power(x, n),
    parameters=["n", "c"],
    admits=lambda n, c: n not in (0, 1) and abs(n) <= LARGEST_STATIC_EXPONENT,
    domain="all real x; x ≠ 0 for n < 0",
    public=False,
    exact=lambda mp, x, n, c: c * x**n,
    series=Alike(lambda x, n, c: c * integer_power(x, n)),
)
def multiple_of_power(x: TensorLike, n: int, c: int, name: str | None = None) -> Tensor:
    """c xⁿ, for integers n of size 64 at most, neither 0 nor 1."""


@elementwise(
    notation=lambda inputs, n: notation.power(inputs[0], n),
    partials=[lambda x, n: multiple(x, n - 1, n)],
    lowering="integer_pow",
    reference=lambda x, n: np.power(x, n),
    parameters=["n"],
    admits=lambda n: abs(n) <= LARGEST_STATIC_EXPONENT,
    domain="all real x; x ≠ 0 for n < 0",
    public=False,
    exact=lambda mp, x, n: x**n,
    series=Alike(lambda x, n: _halved(x, n)),
)
def integer_pow(x: TensorLike, n: int, name: str | None = None) -> Tensor:
    """x to the integer n, of size 64 at most."""


def integer_power(x: Node, n: int) -> Node:
    """x to the known integer n."""
    if n == 0:
        return literal(1, x.dtype)
    if n == 1:
        return x
    if n == 2:
        return square(x)
    if abs(n) <= LARGEST_STATIC_EXPONENT:
        return integer_pow(x, n)
    part = LARGEST_STATIC_EXPONENT if n > 0 else -LARGEST_STATIC_EXPONENT
    return integer_pow(x, part) * integer_power(x, n - part)


@elementwise(
    notation=lambda inputs: notation.power(inputs[0], 2),
    partials=[lambda x: literal(2, x.dtype) * x],
    operands="number",
    lowering=lambda m, x: x * x,
    reference=np.square,
    exact=lambda mp, x: x * x,
    series=Alike(lambda x: x * x),
)
def square(x: TensorLike, name: str | None = None) -> Tensor:
    """x², elementwise."""


@elementwise(
    notation=lambda inputs: notation.infix("/", notation.PRODUCT)([notation.Text("1"), inputs[0]]),
    partials=[lambda x: multiple(x, -2, -1)],
    lowering=lambda m, x: m.value(1.0, x.type) / x,
    reference=np.reciprocal,
    domain="x ≠ 0",
    exact=lambda mp, x: 1 / x,
    series=Alike(lambda x: real_divide(1, x)),
)
def reciprocal(x: TensorLike, name: str | None = None) -> Tensor:
    """1 / x, elementwise; 1/0 is ±inf."""


def _falling(order: int) -> float:
    """½ (½ - 1) (½ - 2) …, so many factors."""
    return prod(0.5 - i for i in range(order))


@elementwise(
    notation=lambda inputs, order, doubled: notation.derivative_of("rsqrt" if doubled else "sqrt", minus=doubled)(
        inputs, order
    ),
    partials=[lambda x, order, doubled: root_slope(x, order + 1, doubled)],
    lowering="root_slope",
    reference=lambda x, order, doubled: (
        (1 + doubled) * _falling(order) * np.power(x, 0.5 - order, dtype=np.float64)
    ).astype(x.dtype),
    parameters=["order", "doubled"],
    admits=lambda order, doubled: 1 <= order <= admit.HIGHEST_ORDER and doubled in (0, 1),
    public=False,
    domain="x > 0",
    exact=lambda mp, x, order, doubled: (1 + doubled) * _falling(order) * mp.sqrt(x) / x**order,
    series=Closed([lambda x, order, doubled: root_slope(x, order, doubled) * (0.5 - order) / x]),
)
def root_slope(x: TensorLike, order: int, doubled: int, name: str | None = None) -> Tensor:
    """The derivative of an order, at least 1, of √x, or twice that: 1/√x is twice the first."""


@elementwise(
    partials=[lambda x: root_slope(x, 1, 0)],
    lowering=lambda m, x: m.sqrt(x),
    reference=np.sqrt,
    domain="x ≥ 0",
    exact=lambda mp, x: mp.sqrt(x),
    series=Closed([lambda x: 0.5 / sqrt(x)]),
)
def sqrt(x: TensorLike, name: str | None = None) -> Tensor:
    """The square root, elementwise, correctly rounded; NaN for negative x. Its derivative at 0 is inf."""


@elementwise(
    partials=[lambda x: root_slope(x, 2, 1)],
    lowering="rsqrt",
    reference=lambda x: 1 / np.sqrt(x),
    domain="x > 0",
    exact=lambda mp, x: 1 / mp.sqrt(x),
    series=Closed([lambda x: rsqrt(x) * -0.5 / x]),
)
def rsqrt(x: TensorLike, name: str | None = None) -> Tensor:
    """1 / √x, elementwise."""


def _distance_reference(x: Any, y: Any, by_x: int, by_y: int) -> Any:
    slope = distance(by_x, by_y).at(x.astype(np.float64), y.astype(np.float64))
    return np.where((x == 0) & (y == 0), x if by_x + by_y == 1 else np.nan, slope).astype(x.dtype)


def _distance_exact(mp: Any, x: Any, y: Any, by_x: int, by_y: int) -> Any:
    if x or y:
        return distance(by_x, by_y).at(x, y)
    return x if by_x + by_y == 1 else mp.nan


def _turn(x: Node, y: Node, by_x: int, by_y: int, other: int) -> Node | None:
    """With the directions c = x/r and s = y/r the derivatives of c are s²/r and -cs/r, of s they are -cs/r and c²/r;
    nothing cancels. 0 at the origin. `other` is the variable by which is differentiated: 0 or 1."""
    if by_x + by_y > 1:
        return None
    along, across = distance_slope(x, y, by_x, by_y), distance_slope(x, y, by_y, by_x)
    product = square(across) if other == by_y else -along * across
    distance = hypot(x, y)
    return where(equal(distance, 0), 0, product / distance)


@elementwise(
    notation=notation.partial_derivative_of("hypot"),
    partials=[
        lambda x, y, by_x, by_y: distance_slope(x, y, by_x + 1, by_y),
        lambda x, y, by_x, by_y: distance_slope(x, y, by_x, by_y + 1),
    ],
    lowering="distance_slope",
    reference=_distance_reference,
    parameters=["by_x", "by_y"],
    admits=lambda by_x, by_y: min(by_x, by_y) >= 0 and 1 <= by_x + by_y <= admit.HIGHEST_ORDER,
    public=False,
    exact=_distance_exact,
    series=Closed(
        [
            lambda x, y, by_x, by_y: _turn(x, y, by_x, by_y, 0),
            lambda x, y, by_x, by_y: _turn(x, y, by_x, by_y, 1),
        ]
    ),
)
def distance_slope(x: TensorLike, y: TensorLike, by_x: int, by_y: int, name: str | None = None) -> Tensor:
    """The derivative of hypot(x, y), so many times by x and by y; the first ones are 0 at the origin, where
    there are no others."""


@elementwise(
    partials=[lambda x, y: distance_slope(x, y, 1, 0), lambda x, y: distance_slope(x, y, 0, 1)],
    lowering="hypot",
    reference=np.hypot,
    domain="all real x, y",
    exact=lambda mp, x, y: mp.hypot(x, y),
    formula=lambda sp, x, y: sp.sqrt(x**2 + y**2),
)
def hypot(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """√(x² + y²) without overflow or underflow on the way, elementwise."""
