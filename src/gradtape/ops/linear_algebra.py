"""Matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.errors import ShapeError
from gradtape.graph.dtypes import DType, promote
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node, Primitive
from gradtape.graph.shapes import Shape, broadcast
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.declare import convert, operation

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


MATMUL = Primitive(
    "matmul",
    "bilinear",
    infer=_infer,
    rule=[_to_a, _to_b],
    reference=_reference,
    library="matmul",
    parameters=["transpose_a", "transpose_b"],
    admits=admit.matrices,
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
