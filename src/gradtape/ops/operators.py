"""The operators of Python on whatever refers to a node: one mixin for Tensor, Variable and the nodes of rules."""

from __future__ import annotations

from typing import Any

from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node
from gradtape.ops import arithmetic, exponential, linear_algebra, powers, selection, shaping, subscripts

Tensor = Any


class Operators:
    """``+ - * / // % ** @ - abs() < <= > >= == != & | ^ ~ []``, elementwise with broadcasting."""

    __slots__ = ()
    __array_priority__ = 100.0  # so that NumPy's operators hand over to these

    def __add__(self, other: TensorLike) -> Tensor:
        return arithmetic.add(self, other)

    def __radd__(self, other: TensorLike) -> Tensor:
        return arithmetic.add(other, self)

    def __sub__(self, other: TensorLike) -> Tensor:
        return arithmetic.subtract(self, other)

    def __rsub__(self, other: TensorLike) -> Tensor:
        return arithmetic.subtract(other, self)

    def __mul__(self, other: TensorLike) -> Tensor:
        return arithmetic.multiply(self, other)

    def __rmul__(self, other: TensorLike) -> Tensor:
        return arithmetic.multiply(other, self)

    def __truediv__(self, other: TensorLike) -> Tensor:
        return powers.divide(self, other)

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return powers.divide(other, self)

    def __floordiv__(self, other: TensorLike) -> Tensor:
        return arithmetic.floordiv(self, other)

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return arithmetic.floordiv(other, self)

    def __mod__(self, other: TensorLike) -> Tensor:
        return arithmetic.floormod(self, other)

    def __rmod__(self, other: TensorLike) -> Tensor:
        return arithmetic.floormod(other, self)

    def __pow__(self, other: TensorLike) -> Tensor:
        return exponential.pow(self, other)

    def __rpow__(self, other: TensorLike) -> Tensor:
        return exponential.pow(other, self)

    def __matmul__(self, other: TensorLike) -> Tensor:
        return linear_algebra.matmul(self, other)

    def __rmatmul__(self, other: TensorLike) -> Tensor:
        return linear_algebra.matmul(other, self)

    def __neg__(self) -> Tensor:
        return arithmetic.negative(self)

    def __pos__(self) -> Tensor:
        return arithmetic.identity(self)

    def __abs__(self) -> Tensor:
        return arithmetic.abs(self)

    def __lt__(self, other: TensorLike) -> Tensor:
        return selection.less(self, other)

    def __le__(self, other: TensorLike) -> Tensor:
        return selection.less_equal(self, other)

    def __gt__(self, other: TensorLike) -> Tensor:
        return selection.greater(self, other)

    def __ge__(self, other: TensorLike) -> Tensor:
        return selection.greater_equal(self, other)

    def __and__(self, other: TensorLike) -> Tensor:
        return selection.logical_and(self, other)

    def __rand__(self, other: TensorLike) -> Tensor:
        return selection.logical_and(other, self)

    def __or__(self, other: TensorLike) -> Tensor:
        return selection.logical_or(self, other)

    def __ror__(self, other: TensorLike) -> Tensor:
        return selection.logical_or(other, self)

    def __xor__(self, other: TensorLike) -> Tensor:
        return selection.logical_xor(self, other)

    def __rxor__(self, other: TensorLike) -> Tensor:
        return selection.logical_xor(other, self)

    def __invert__(self) -> Tensor:
        return selection.logical_not(self)

    def __getitem__(self, index: Any) -> Tensor:
        if type(index) is int or type(index) is slice:
            return shaping.getitem(self, index)
        return subscripts.getitem(self, index)


for _name, _method in list(vars(Operators).items()):
    if callable(_method):
        setattr(Node, _name, _method)
