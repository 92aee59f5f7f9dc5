"""Matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.errors import ShapeError
from gradtape.graph.dtypes import DType, promote
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node, Primitive
from gradtape.graph.shapes import Shape, broadcast, size
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.declare import convert, operation
from gradtape.ops.shaping import TRANSPOSE, of_rank, reshaped

Tensor = Any


def _infer(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    a, b = [_turned(x.shape, turn) for x, turn in zip(inputs, params, strict=True)]
    if len(a) < 2 or len(b) < 2:
        raise ShapeError(
            f"matmul needs matrices, with two axes or more, but shapes {a} and {b} were given; "
            "make a vector a matrix with expand_dims or reshape"
        )
    if a[-1] != b[-2]:
        raise ShapeError(
            f"matmul of {a} and {b}: the first has {a[-1]} columns, the second {b[-2]} rows; they must be equal"
        )
    return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1]), inputs[0].dtype


def _turned(shape: Shape, turn: bool) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if turn and len(shape) > 1 else shape


def product(a: Node, b: Node, turn_a: bool = False, turn_b: bool = False) -> Node:
    """The matrix product, of transposed matrices where that is said: so nothing has to be moved for it."""
    return apply(MATMUL, (a, b), (turn_a, turn_b))


def _to_a(ct: Node, a: Node, b: Node, turn_a: bool, turn_b: bool) -> Node:
    return product(b, ct, turn_b, True) if turn_a else product(ct, b, False, not turn_b)


def _to_b(ct: Node, a: Node, b: Node, turn_a: bool, turn_b: bool) -> Node:
    return product(ct, a, True, turn_a) if turn_b else product(a, ct, not turn_a, False)


def _reference(a: Any, b: Any, turn_a: bool, turn_b: bool) -> Any:
    return np.matmul(np.swapaxes(a, -1, -2) if turn_a else a, np.swapaxes(b, -1, -2) if turn_b else b)


def _batch(inputs: tuple[Node, ...], batched: tuple[bool, ...], number: int, turn_a: bool, turn_b: bool) -> Node:
    """Products of the same matrix are one large product; others stand side by side."""
    a, b = inputs
    if batched == (True, False) and len(b.shape) == 2:
        return _rows_by(a, b, number, turn_a, turn_b)
    if batched == (False, True) and len(a.shape) == 2:  # (b aᵀ)ᵀ
        return _turned_node(_rows_by(b, a, number, not turn_b, not turn_a))
    rank = max(len(x.shape) - flag for x, flag in zip(inputs, batched, strict=True))
    a, b = (of_rank(x, rank) if flag else x for x, flag in zip(inputs, batched, strict=True))
    return product(a, b, turn_a, turn_b)


def _rows_by(a: Node, b: Node, number: int, turn_a: bool, turn_b: bool) -> Node:
    """The products of matrices, of which so many are side by side, by one matrix."""
    a = _turned_node(a) if turn_a else a
    rows = reshaped(a, (size(a.shape[:-1]), a.shape[-1]))
    return reshaped(product(rows, b, False, turn_b), (*a.shape[:-1], b.shape[-2] if turn_b else b.shape[-1]))


def _turned_node(x: Node) -> Node:
    """Matrices transposed."""
    shape = _turned(x.shape, True)
    if 1 in shape[-2:]:
        return reshaped(x, shape)
    rank = len(shape)
    return apply(TRANSPOSE, (x,), ((*range(rank - 2), rank - 1, rank - 2),))


def _dependence(along: Any, value: Any, shape: Shape, params: tuple) -> Any:
    """A row of the first and a column of the second."""
    found = None
    for x, turn, axis in zip(along, params, (-1, -2), strict=True):
        if x is not None:
            turned = x.moved(lambda kinds: np.swapaxes(kinds, -1, -2)) if turn else x
            line = turned.over((axis,), keepdims=True).repeated(shape)
            found = line if found is None else found.joined(line)
    return found


def _units(d: Node, i: int, inputs: tuple[Node, ...], turn_a: bool, turn_b: bool) -> Node | None:
    """A unit vector times a matrix is one of its rows, or columns."""
    matrix, turned, shape = inputs[1 - i], (turn_a, turn_b)[1 - i], _turned(d.shape, (turn_a, turn_b)[i])
    if len(d.shape) != 2 or len(matrix.shape) != 2 or shape[i] != 1:
        return None
    rows = _turned_node(matrix) if turned == (i == 0) else matrix
    number, length = rows.shape
    return reshaped(reshaped(d, (number, 1)) * rows, (number, 1, length) if i == 0 else (number, length, 1))


MATMUL = Primitive(
    "matmul",
    "bilinear",
    infer=_infer,
    rule=[_to_a, _to_b],
    batch=_batch,
    units=_units,
    reference=_reference,
    library="matmul",
    parameters=["transpose_a", "transpose_b"],
    admits=admit.matrices,
    depends=_dependence,
)


@operation("a", "b")
def matmul(
    a: TensorLike, b: TensorLike, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None
) -> Tensor:
    """The matrix product over the last two axes; the other axes broadcast. Also the operator ``@``.

    Raises ShapeError for vectors (use expand_dims) and where the inner lengths differ.

    >>> import gradtape as tf
    >>> tf.matmul([[1., 2.]], [[3.], [4.]]).numpy()
    array([[11.]], dtype=float32)
    """
    dtype = promote(a.dtype, b.dtype)
    a, b = convert(a, dtype), convert(b, dtype)
    return product(a, b, bool(transpose_a), bool(transpose_b))
