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
from gradtape.ops.declare import convert, operation
from gradtape.ops.shaping import TRANSPOSE

Tensor = Any


def _infer(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    a, b = inputs[0].shape, inputs[1].shape
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


def adjoint(x: Node) -> Node:
    """The last two axes swapped."""
    rank = len(x.shape)
    return apply(TRANSPOSE, (x,), ((*range(rank - 2), rank - 1, rank - 2),))


def product(a: Node, b: Node) -> Node:
    return apply(MATMUL, (a, b))


MATMUL = Primitive(
    "matmul",
    "bilinear",
    infer=_infer,
    rule=[lambda ct, a, b: product(ct, adjoint(b)), lambda ct, a, b: product(adjoint(a), ct)],
    reference=np.matmul,
    library="matmul",
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
    return product(adjoint(a) if transpose_a else a, adjoint(b) if transpose_b else b)
