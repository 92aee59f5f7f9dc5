"""Functions over axes that do not depend on how large the numbers are: softmax, its logarithms, and norms."""

from __future__ import annotations

from typing import Any

from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import float64
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node
from gradtape.graph.shapes import normalize_axes, reduced
from gradtape.ops.arithmetic import abs, maximum, stop_gradient
from gradtape.ops.declare import convert, literal, operation
from gradtape.ops.exponential import pow
from gradtape.ops.halves import rounded_once
from gradtape.ops.logits import real, rows
from gradtape.ops.powers import reciprocal, sqrt, square
from gradtape.ops.reductions import MAX, Axis
from gradtape.ops.selection import equal, where
from gradtape.ops.shaping import SUM, over_runs, reshaped, spread
from gradtape.ops.sums import total

Tensor = Any


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
    return kept(convert(row.logsumexp(), input_tensor.dtype), row.x.shape, row.axes, keepdims)


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
    way. x/√Σx² has no limit where several elements are infinite, so the gradient of "euclidean" by an infinite element
    is NaN, as in TensorFlow; by a finite one beside it, it is 0. Raises ArgumentError for
    another `ord`, DTypeError for integers.

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
