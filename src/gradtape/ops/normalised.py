"""Functions over axes that do not depend on how large the numbers are: softmax, its logarithms, and norms.

softmax and its logarithms take the largest element m out of a row: with e = exp(x - m) they are made of

    excess = Σ e - 1,    softmax = e / (1 + excess),    logsumexp = m + log1p(excess),

where the terms that are exactly 1, those of the largest elements, are counted apart from the others. So a row with one
dominant element keeps the digits of its small ones. m is a constant for every gradient: the result does not depend on
it. The arithmetic of rows is done in float64 and rounded once for the narrower types.

Derivatives of a row with one dominant share p are not computed from 1 - p, which has no digits: what all others have is
summed instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradtape.errors import ArgumentError, DTypeError
from gradtape.graph import notation
from gradtape.graph.dtypes import DType, float64
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import TABLE, Node, Primitive
from gradtape.graph.shapes import Shape, normalize_axes, reduced
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.arithmetic import abs, choose, maximum, round, stop_gradient
from gradtape.ops.declare import convert, literal, operation
from gradtape.ops.differences import difference, exp_difference, log_excess
from gradtape.ops.exponential import pow
from gradtape.ops.halves import rounded_once
from gradtape.ops.powers import reciprocal, sqrt, square
from gradtape.ops.reductions import MAX, Axis
from gradtape.ops.selection import equal, where
from gradtape.ops.shaping import SUM, broadcasted, over_runs, reshaped, spread

Tensor = Any


class Rows(NamedTuple):
    """Numbers along axes, relative to the largest one in each row, in float64."""

    x: Node
    wide: Node
    axes: tuple[int, ...]
    short: int
    top: Node
    terms: Node
    excess: Node

    def spread(self, row: Node) -> Node:
        return spread(row, self.axes, self.x.shape)

    def below(self) -> Node:
        """x - m."""
        return difference(self.wide, self.spread(self.top))

    def logarithm(self) -> Node:
        """log Σ e."""
        return log_excess(self.excess, self.short)

    def softmax(self) -> Node:
        return apply(SHARES, (self.x, self.terms / self.spread(self.excess + 1)), (self.axes,))

    def log_softmax(self) -> Node:
        return apply(LOG_SHARES, (self.x, self.below() - self.spread(self.logarithm())), (self.axes,))


def rows(name: str, x: Node, axis: Axis) -> Rows:
    """`x` along `axis` for a function of this name."""
    real(name, x)
    axes = normalize_axes(axis, len(x.shape))
    top = stop_gradient(over_runs(MAX, x, axes))
    largest = convert(equal(x, spread(top, axes, x.shape)), float64)
    wide, top = convert(x, float64), convert(top, float64)
    short = int(x.dtype is not float64)
    terms = exp_difference(wide, spread(top, axes, x.shape), short)
    rest = total(terms - largest, axes, short)
    count = round(over_runs(SUM, terms, axes) - rest)  # how many are largest; a sum of its own would be another pass
    return Rows(x, wide, axes, short, top, terms, rest + (count - 1))


SPLIT = 2.0**27


def total(x: Node, axes: tuple[int, ...], short: int) -> Node:
    """Σ x of float64, with one rounding; if `short` says that a float32 is to come of it, as it comes.

    Adding and subtracting a number that is 2**27 times as large as the sum of all sizes leaves the leading bits of each
    term: multiples of one power of two, whose sum is exact. What they lack is so small that its rounding does not
    matter (Rump, Ogita and Oishi, *Accurate floating-point summation*, SIAM Journal on Scientific Computing 31, 2008).
    """
    plain = over_runs(SUM, x, axes)
    if short:
        return plain
    large = stop_gradient(over_runs(SUM, abs(x), axes) * SPLIT)
    grid = spread(large, axes, x.shape)
    head = stop_gradient((x + grid) - grid)
    parts = over_runs(SUM, head, axes) + over_runs(SUM, x - head, axes)
    return where(large < float("inf"), parts, plain)


def _infer_second(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    _, value = inputs
    return value.shape, value.dtype


def _with_rule(name: str, rule: Callable) -> Primitive:
    """What a function of rows x is, as a second input, and the derivative by the first one."""
    return Primitive(
        name,
        "implicit",
        infer=_infer_second,
        rule=rule,
        lowering=lambda m, x, value, axes: value,
        reference=lambda x, value, axes: np.array(value),
        parameters=["axes"],
        notation=notation.stated(name),
        admits=admit.of_rows,
        exact=lambda mp, x, value, axes: value,
        batch=lambda given, flags, number, axes: _of_batches(TABLE[name], given, flags, number, axes),
    )


def _of_batches(
    primitive: Primitive, given: Sequence[Node], flags: Sequence[bool], number: int, axes: tuple[int, ...]
) -> Node:
    """For many examples along a first axis; what is the same for all is repeated."""
    many = [x if flag else broadcasted(x, (number, *x.shape)) for x, flag in zip(given, flags, strict=True)]
    return apply(primitive, tuple(many), (tuple(i + 1 for i in axes),))


def _shares_rule(ct: Node, i: int, p: Node, inputs: tuple[Node, ...], axes: tuple[int, ...]) -> Node | None:
    """pᵢ (ctᵢ - Σ p ct), with cotangents relative to that of a share above one half: to itself it adds nothing then, so
    that of its own difference from the mean, (1 - p) times something, all digits are there. In float64 they are else
    relative to their mean, so that what they have in common costs no digits; as Σ p = 1, that is no function of p."""
    if i:
        return None
    x, ct, p = inputs[0], convert(ct, float64), convert(p, float64)
    short, large = int(x.dtype is not float64), p > 0.5
    common = over_runs(SUM, choose(large, ct), axes)
    if not short:
        some = over_runs(SUM, choose(large, p), axes) > 0
        common = where(some, common, stop_gradient(over_runs(SUM, p * ct, axes)))
    relative = ct - spread(common, axes, x.shape)
    mean = total(p * relative, axes, short)
    return convert(p * (relative - spread(mean, axes, x.shape)), x.dtype)


def _log_shares_rule(ct: Node, i: int, out: Node, inputs: tuple[Node, ...], axes: tuple[int, ...]) -> Node | None:
    """ctᵢ - pᵢ Σ ct; for a share above one half (1 - p) Σ ct minus the sum of the others, where 1 - p is their sum."""
    if i:
        return None
    x, ct = inputs[0], convert(ct, float64)
    short = int(x.dtype is not float64)
    p = rows("log_softmax", x, axes).softmax()
    small = p <= 0.5
    others = total(choose(small, ct), axes, short)
    whole = others + over_runs(SUM, choose(p > 0.5, ct), axes)
    rest = total(choose(small, p), axes, short)
    usual = ct - p * spread(whole, axes, x.shape)
    return convert(where(small, usual, spread(rest * whole - others, axes, x.shape)), x.dtype)


SHARES = _with_rule("softmax", _shares_rule)
LOG_SHARES = _with_rule("log_softmax", _log_shares_rule)


def real(name: str, x: Node) -> Node:
    if not x.dtype.is_floating:
        raise DTypeError(f"{name} works on float tensors, but one of type {x.dtype.name} was given; cast it first")
    return x


def kept(x: Node, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> Node:
    return reshaped(x, reduced(shape, axes, True)) if keepdims else x


@operation("logits")
def softmax(logits: TensorLike, axis: int | None = None, name: str | None = None) -> Tensor:
    """exp(x) / Σ exp(x) over `axis`, the last one unless given.

    Large and infinite logits are no exception: infinite ones share what there is, and a row of -inf is treated as a row
    of equal numbers. Raises DTypeError for integers, ShapeError for an axis that does not exist.

    >>> import gradtape as tf
    >>> tf.nn.softmax([float("inf"), 0., 1000.]).numpy()
    array([1., 0., 0.], dtype=float32)
    """
    row = rows("softmax", logits, -1 if axis is None else axis)
    return convert(row.softmax(), logits.dtype)


@operation("logits")
def log_softmax(logits: TensorLike, axis: int | None = None, name: str | None = None) -> Tensor:
    """x - log Σ exp(x) over `axis`, the last one unless given; exact also where softmax rounds to 0 or 1.

    >>> import gradtape as tf
    >>> tf.nn.log_softmax([20., 0.]).numpy()
    array([-2.0611537e-09, -2.0000000e+01], dtype=float32)
    """
    row = rows("log_softmax", logits, -1 if axis is None else axis)
    return convert(row.log_softmax(), logits.dtype)


@operation("input_tensor")
def reduce_logsumexp(
    input_tensor: TensorLike, axis: Axis = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """log Σ exp(x) over `axis` (an integer, several, or None for all), without overflow; its gradient is softmax.

    >>> import gradtape as tf
    >>> tf.reduce_logsumexp([1000., 1000.]).numpy()
    np.float32(1000.6932)
    """
    row = rows("reduce_logsumexp", input_tensor, axis)
    return kept(convert(row.top + row.logarithm(), input_tensor.dtype), row.x.shape, row.axes, keepdims)


# -- norms ----------------------------------------------------------------------------------------------------

LARGE, SMALL = 2.0**500, 2.0**-500
STEP = 2.0**600
"""Squares of numbers of float64 that are larger or smaller than these are taken after scaling by this power of two."""


def euclidean(x: Node, axes: tuple[int, ...]) -> Node:
    """√Σx² in float64, whose gradient is x over it, and 0 where all x are 0."""
    factor = None
    wide = convert(x, float64)
    if x.dtype is float64:  # the squares of floats do not leave the range of a double
        top = stop_gradient(over_runs(MAX, abs(x), axes))
        factor = where(top > LARGE, literal(1 / STEP, float64), where(top < SMALL, literal(STEP, float64), 1))
        wide = wide * spread(factor, axes, x.shape)
    squares = total(square(wide), axes, int(x.dtype is not float64))
    zero = equal(squares, 0)
    root = where(zero, 0, sqrt(where(zero, 1, squares)))
    return root if factor is None else root * reciprocal(factor)


@operation("tensor")
@rounded_once
def norm(
    tensor: TensorLike,
    ord: str | float = "euclidean",
    axis: Axis = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """The norm of vectors along `axis` (None: of all elements), or of the matrices in two axes.

    `ord` is "euclidean" or 2 for √Σx², 1 for Σ|x|, inf for max|x|, another positive p for (Σ|x|ᵖ)^(1/p). For two axes
    (rows, columns) "euclidean" and "fro" are √Σx², 1 is the largest sum of a column and inf the largest sum of a row,
    of absolute values; 2 is not there yet. The gradient is 0 where all elements are 0, and nothing overflows on the
    way. Raises ArgumentError for another `ord`, DTypeError for integers.

    >>> import gradtape as tf
    >>> tf.norm([3e30, 4e30]).numpy()
    np.float32(5e+30)
    """
    x = real("norm", tensor)
    axes = normalize_axes(axis, len(x.shape))
    matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    if ord == "euclidean" or (ord == "fro" and matrix) or (ord == 2 and not matrix):
        return kept(convert(euclidean(x, axes), x.dtype), x.shape, axes, bool(keepdims))
    if isinstance(ord, str) or not ord > 0 or (matrix and ord not in (1, float("inf"))):
        known = "'euclidean', 'fro', 1 and inf for matrices" if matrix else "'euclidean' and positive numbers"
        raise ArgumentError(f"norm knows the orders {known}, but ord={ord!r} was given")
    size = abs(x)
    if matrix:
        row, column = (normalize_axes(i, len(x.shape))[0] for i in axis)  # type: ignore[union-attr]
        summed, other = (row, column) if ord == 1 else (column, row)
        sums = over_runs(SUM, size, (summed,))
        result = over_runs(MAX, sums, (other - (other > summed),))
    elif ord == 1:
        result = over_runs(SUM, size, axes)
    elif ord == float("inf"):
        result = over_runs(MAX, size, axes)
    else:
        result = convert(_power_norm(convert(size, float64), axes, float(ord)), x.dtype)
    return kept(result, x.shape, axes, bool(keepdims))


def _power_norm(size: Node, axes: tuple[int, ...], p: float) -> Node:
    """(Σ|x|ᵖ)^(1/p) from numbers relative to the largest one, which is a constant for the gradient: a norm is
    homogeneous."""
    top = stop_gradient(over_runs(MAX, size, axes))
    usual = (top > 0) & (top < float("inf"))
    scale = where(usual, top, 1)
    share = size / spread(scale, axes, size.shape)
    powers = over_runs(SUM, pow(share, p), axes)
    return where(usual, scale * pow(where(usual, powers, 1), 1 / p), top)


@operation("x")
def l2_normalize(x: TensorLike, axis: Axis = None, epsilon: float = 1e-12, name: str | None = None) -> Tensor:
    """x / √max(Σx², epsilon) over `axis` (an integer, several, or None for all).

    >>> import gradtape as tf
    >>> tf.math.l2_normalize([3., 4.]).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    real("l2_normalize", x)
    axes = normalize_axes(axis, len(x.shape))
    length = maximum(euclidean(x, axes), float(epsilon) ** 0.5)
    return convert(convert(x, float64) / spread(length, axes, x.shape), x.dtype)
