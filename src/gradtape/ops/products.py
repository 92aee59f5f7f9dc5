"""Sums of products a₁b₁ + a₂b₂ + …, one operation whatever their number: what coefficients of power series are made of.

The products are added from the first to the last, each with one rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.graph import notation
from gradtape.graph.dtypes import DType
from gradtape.graph.node import Node, Primitive
from gradtape.graph.shapes import Shape, broadcast
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.arithmetic import multiply, plus
from gradtape.ops.series import Alike


def _infer(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    shape = inputs[0].shape
    for x in inputs[1:]:
        if x.shape != shape:
            shape = broadcast(shape, x.shape)
    return shape, inputs[0].dtype


def _admits(inputs: tuple[Node, ...], params: tuple) -> bool:
    number = len(inputs)
    return number > 2 and number % 2 == 0 and admit.operands(number)(inputs, params) and inputs[0].dtype.is_floating


def _lowering(m: Any, *values: Any) -> Any:
    half = len(values) // 2
    total = values[0] * values[half]
    for a, b in zip(values[1:half], values[half + 1 :], strict=True):
        total = m.fma(a, b, total)
    return total


def _reference(*arrays: Any) -> Any:
    """Not fused: the last digits differ."""
    half = len(arrays) // 2
    return np.asarray(sum(a * b for a, b in zip(arrays[:half], arrays[half:], strict=True)))


class _Partners:
    """The partial derivative by each factor is the other one."""

    def __getitem__(self, i: int) -> Callable[..., Node]:
        return lambda *factors: factors[(i + len(factors) // 2) % len(factors)]


def _written_out(*factors: Node) -> Node:
    half = len(factors) // 2
    products = [multiply(a, b) for a, b in zip(factors[:half], factors[half:], strict=True)]
    total = products[0]
    for one in products[1:]:
        total = plus(total, one)
    return total


def _notation(inputs: Sequence[notation.Text]) -> notation.Text:
    half = len(inputs) // 2
    product = notation.infix("*", notation.PRODUCT)
    terms = [product(pair).written for pair in zip(inputs[:half], inputs[half:], strict=True)]
    return notation.Text(" + ".join(terms), notation.SUM)


SUM_OF_PRODUCTS = Primitive(
    "sum_of_products",
    "elementwise",
    infer=_infer,
    rule=_Partners(),
    lowering=_lowering,
    reference=_reference,
    exact=lambda mp, *numbers: mp.fdot(zip(numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :], strict=True)),
    domain="all real numbers",
    notation=_notation,
    admits=_admits,
    series=Alike(_written_out),
)


def sum_of_products(lefts: Sequence[Node], rights: Sequence[Node]) -> Node:
    """The sum of the products of nodes at the same place of two lists of one length."""
    if len(lefts) == 1:
        return multiply(lefts[0], rights[0])
    return apply(SUM_OF_PRODUCTS, (*lefts, *rights))
