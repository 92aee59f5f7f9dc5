"""Exponentials and logarithms, and powers.

Derivatives are written in terms of the input, never of a rounded output.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.graph import notation
from gradtape.graph.handles import TensorLike, as_node, wrap
from gradtape.graph.node import Node
from gradtape.ops import admit
from gradtape.ops.arithmetic import floor, identity
from gradtape.ops.closed_forms import falling, polynomial
from gradtape.ops.declare import elementwise, literal, pair, publish
from gradtape.ops.powers import LARGEST_STATIC_EXPONENT, integer_pow, reciprocal, square
from gradtape.ops.selection import equal, greater, greater_equal, less, logical_and, logical_or, where
from gradtape.ops.series import Branched, Closed

Tensor = Any


@elementwise(partials=[lambda x: exp(x)], lowering="exp", reference=np.exp, exact=lambda mp, x: mp.exp(x))
def exp(x: TensorLike, name: str | None = None) -> Tensor:
    """The exponential function eˣ, elementwise.

    Takes a floating tensor of any shape, returns the same shape and type. Raises DTypeError for an integer tensor.

    >>> import gradtape as tf
    >>> tf.exp([0., 1.]).numpy()
    array([1.       , 2.7182817], dtype=float32)
    """


@elementwise(partials=[lambda x: exp(x)], lowering="expm1", reference=np.expm1, exact=lambda mp, x: mp.expm1(x))
def expm1(x: TensorLike, name: str | None = None) -> Tensor:
    """eˣ - 1, elementwise, exact also where x is so small that eˣ rounds to 1."""


@elementwise(
    partials=[lambda x, order: exp2(x, order=order + 1)],
    lowering="exp2",
    reference=lambda x, order: (np.exp2(x, dtype=np.float64) * math.log(2) ** order).astype(x.dtype),
    family="order",
    exact=lambda mp, x, order: mp.exp(x * mp.ln2) * mp.ln2**order,
    formula=lambda sp, x: 2**x,
    series=Closed([lambda x, order: exp2(x, order=order) * math.log(2)]),
)
def exp2(x: TensorLike, name: str | None = None) -> Tensor:
    """2ˣ, elementwise."""


@elementwise(
    partials=[lambda x: reciprocal(x)], lowering="log", reference=np.log, domain="x > 0", exact=lambda mp, x: mp.log(x)
)
def log(x: TensorLike, name: str | None = None) -> Tensor:
    """The natural logarithm, elementwise; log(0) is -inf, NaN for negative x."""


def _log1p_reference(x: Any, order: int) -> Any:
    if not order:
        return np.log1p(x)
    return ((-1) ** (order - 1) * math.factorial(order - 1) / (1 + x.astype(np.float64)) ** order).astype(x.dtype)


@elementwise(
    partials=[lambda x, order: log1p(x, order=order + 1)],
    lowering="log1p",
    reference=_log1p_reference,
    family="order",
    domain="x > -1",
    exact=lambda mp, x, order: (
        (-1) ** (order - 1) * mp.factorial(order - 1) / (1 + x) ** order if order else mp.log1p(x)
    ),
    series=Closed([lambda x, order: log1p(x, order=order) * -order / (1 + x) if order else reciprocal(1 + x)]),
)
def log1p(x: TensorLike, name: str | None = None) -> Tensor:
    """log(1 + x), elementwise, exact also where x is so small that 1 + x rounds to 1."""


def _logarithm_slope(logarithm: Any, x: Any, order: int) -> Any:
    return (-1) ** (order - 1) * math.factorial(order - 1) / (logarithm * x**order)


@elementwise(
    notation=lambda inputs, order, base: notation.derivative_of(f"log{base}")(inputs, order),
    partials=[lambda x, order, base: logarithm_slope(x, order + 1, base)],
    lowering="logarithm_slope",
    reference=lambda x, order, base: _logarithm_slope(math.log(base), x.astype(np.float64), order).astype(x.dtype),
    parameters=["order", "base"],
    admits=lambda order, base: 1 <= order <= admit.HIGHEST_ORDER and base in (2, 10),
    public=False,
    domain="x ≠ 0",
    exact=lambda mp, x, order, base: _logarithm_slope(mp.log(base), x, order),
    series=Closed([lambda x, order, base: logarithm_slope(x, order, base) * -order / x]),
)
def logarithm_slope(x: TensorLike, order: int, base: int, name: str | None = None) -> Tensor:
    """The derivative of an order, at least 1, of the logarithm to base 2 or 10."""


@elementwise(
    partials=[lambda x: logarithm_slope(x, 1, 2)],
    lowering="log2",
    reference=np.log2,
    domain="x > 0",
    exact=lambda mp, x: mp.log(x) / mp.ln2,
)
def log2(x: TensorLike, name: str | None = None) -> Tensor:
    """The logarithm to base 2, elementwise."""


@elementwise(
    partials=[lambda x: logarithm_slope(x, 1, 10)],
    lowering="log10",
    reference=np.log10,
    domain="x > 0",
    exact=lambda mp, x: mp.log(x) / mp.ln10,
)
def log10(x: TensorLike, name: str | None = None) -> Tensor:
    """The logarithm to base 10, elementwise."""


# -- powers ---------------------------------------------------------------------------------------------------


def _slope_sum(x: Any, y: Any, log: Any, by_x: int, by_y: int) -> Any:
    """The derivative of x to the power y of these orders, over x to the power y - by_x."""
    orders = range(min(by_x, by_y) + 1)
    return sum(math.comb(by_y, k) * polynomial(falling(by_x, k), y) * log ** (by_y - k) for k in orders)


def _slope_reference(x: Any, y: Any, by_x: int, by_y: int) -> Any:
    wide, high = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(all="ignore"):
        log = np.log(np.where(wide > 0, wide, 1)) if by_y else 0
        value = np.power(wide, high - by_x) * _slope_sum(wide, high, log, by_x, by_y)
    return np.where(wide <= 0 if by_y else high == 0, 0, value).astype(x.dtype)


def _slope_exact(mp: Any, x: Any, y: Any, by_x: int, by_y: int) -> Any:
    if x <= 0 if by_y else y == 0:
        return mp.zero
    factor = _slope_sum(x, y, mp.log(x) if by_y else mp.zero, by_x, by_y)
    return factor * x ** (y - by_x) if factor else mp.zero


WHOLE_BITS = 6
"""Whole exponents of so many bits are powers of series by squaring, which divides by nothing."""


def _whole(y: Node) -> Node:
    """Whether an exponent is a whole number of so many bits."""
    return logical_and(logical_and(greater_equal(y, 0), less(y, 2**WHOLE_BITS)), equal(y, floor(y)))


def _by_squaring(x: Node, y: Node, by_x: int = 0, by_y: int = 0) -> Node:
    """The derivative of x to the power y for a whole power that is left of it; 0 for others."""
    rest = y - by_x if by_x else y
    whole, result, power = _whole(rest), literal(1, y.dtype), x
    for i in range(by_x):
        result = result * (y - i)
    for _ in range(WHOLE_BITS):
        half = floor(rest * 0.5)
        result = result * where(greater(rest, 2 * half), power, 1)
        rest, power = half, square(power)
    return literal(0, y.dtype) if by_y else where(whole, result, 0)


def _squared_where(k: int, fixed: bool, x: Node, y: Node, by_x: int = 0, by_y: int = 0) -> Node:
    """Where a coefficient is taken `_by_squaring`: for whole exponents, and where x is 0 for those that are above its
    order, which have none yet. By the exponent there is no derivative at 0."""
    none_yet = greater(y - by_x if by_x else y, k)
    at_zero = logical_and(equal(x, 0), logical_or(_whole(y), none_yet))
    return logical_or(at_zero, _whole(y)) if fixed and not by_y else at_zero


def _series_slope_by_x(x: Node, y: Node, by_x: int, by_y: int) -> Node | None:
    if by_x and by_y:
        return None
    slope = pow_slope(x, y, by_x, by_y)
    if not by_y:
        return (y - by_x) * slope / x
    return (y * slope + by_y * (pow_slope(x, y, 0, by_y - 1) if by_y > 1 else real_pow(x, y))) / x


def _series_slope_by_y(x: Node, y: Node, by_x: int, by_y: int) -> Node | None:
    return None if by_x else where(x > 0, pow_slope(x, y, by_x, by_y) * log(x), 0)


@elementwise(
    notation=notation.partial_derivative_of("pow"),
    partials=[
        lambda x, y, by_x, by_y: pow_slope(x, y, by_x + 1, by_y),
        lambda x, y, by_x, by_y: pow_slope(x, y, by_x, by_y + 1),
    ],
    lowering="pow_slope",
    reference=_slope_reference,
    parameters=["by_x", "by_y"],
    admits=lambda by_x, by_y: min(by_x, by_y) >= 0 and 1 <= by_x + by_y <= admit.HIGHEST_ORDER,
    public=False,
    domain="x > 0",
    exact=_slope_exact,
    series=Branched([_series_slope_by_x, _series_slope_by_y], _by_squaring, _squared_where),
)
def pow_slope(x: TensorLike, y: TensorLike, by_x: int, by_y: int, name: str | None = None) -> Tensor:
    """The derivative of x to the power y, so many times by x and by y; 0 where it is by y and x ≤ 0."""


@elementwise(
    notation=notation.infix("**", notation.POWER),
    partials=[lambda x, y: pow_slope(x, y, 1, 0), lambda x, y: pow_slope(x, y, 0, 1)],
    lowering="pow",
    reference=np.power,
    public=False,
    domain="x > 0, or x < 0 and integer y",
    exact=lambda mp, x, y: x**y,
    series=Branched(
        [
            lambda x, y: y * real_pow(x, y) / x,
            lambda x, y: where(x > 0, real_pow(x, y) * log(x), 0),
        ],
        _by_squaring,
        _squared_where,
    ),
)
def real_pow(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x to the power y."""


def _whole_pow(m: Any, x: Any, y: Any) -> Any:
    """Square and multiply over all bits of y, wrapping around; x to a negative power is 1/x cut to an integer."""
    one, result, base, rest = m.value(1, x.type), m.value(1, x.type), x, y
    for _ in range(31 if x.type == "i32" else 63):
        result = m.select(m.equal(rest & 1, 1), result * base, result)
        base, rest = base * base, rest >> 1
    sign = m.select(m.equal(y & 1, 1), x, one)
    inverse = m.select(m.equal(x, 1) | m.equal(x, -1), sign, m.value(0, x.type))
    return m.select(y < 0, inverse, result)


def _whole_pow_reference(x: Any, y: Any) -> Any:
    negative = np.where(np.abs(x) == 1, np.where(y % 2 == 1, x, 1), 0).astype(x.dtype)
    return np.where(y < 0, negative, np.power(x, np.maximum(y, 0)))


@elementwise(
    notation=notation.infix("**", notation.POWER),
    lowering=_whole_pow,
    reference=_whole_pow_reference,
    operands="integer",
    public=False,
    exact=lambda mp, x, y: mp.mpf(x) ** y if y >= 0 else mp.mpf(int(1 / mp.mpf(x))),
)
def whole_pow(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """An integer x to the power of an integer y."""


def power(x: Node, n: int) -> Node:
    """x to the known integer n, as a node of its own."""
    if n == 1:
        return identity(x)
    if x.dtype.is_floating:
        return integer_pow(x, n) if n != 2 else square(x)
    if n < 0:
        raise ArgumentError(f"an integer tensor to the power {n} is not an integer; cast it to a float first")
    return whole_pow(x, n) if n != 2 else square(x)


def pow(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x to the power y, elementwise with broadcasting. Also the operator ``**``.

    Integer exponents work for negative x as well; a negative x to a power that is no integer is NaN.
    The derivative by y is taken as 0 where x ≤ 0, as in TensorFlow.

    >>> import gradtape as tf
    >>> tf.pow(x=tf.constant([-2., 3.]), y=3).numpy()
    array([-8., 27.], dtype=float32)
    """
    whole = isinstance(y, (int, float)) and y == y and abs(y) <= LARGEST_STATIC_EXPONENT and y == int(y)
    if type(x) is Node:
        return power(x, int(y)) if whole else real_pow(x, y)
    if whole and not isinstance(x, (int, float)):
        node = as_node(x)
        if not (isinstance(y, float) and node.dtype.is_integer):
            return wrap(power(node, int(y)))
    a, b = pair(x, y)
    function = whole_pow if a.dtype.is_integer else real_pow
    return wrap(function(a, b))


publish(pow, pow)
