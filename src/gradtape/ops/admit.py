"""What inputs and parameters a primitive may have: the field `admits` of the table.

Whoever builds a graph with gradtape's functions has valid ones. They are asked for where a graph comes from outside, as
from a file, because kernels do not look whether a slice lies within its array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradtape.graph.node import Node
from gradtape.graph.shapes import broadcast, size

Test = Callable[[tuple[Node, ...], tuple], bool]

HIGHEST_ORDER = 256
"""The highest order of a derivative that one primitive stands for, and the highest power of a divisor."""


def operands(number: int, test: Callable[..., bool] | None = None, parameters: int = 0) -> Test:
    """So many inputs of one element type, and so many whole numbers as parameters that `test` holds for."""

    def admits(inputs: tuple[Node, ...], params: tuple) -> bool:
        return (
            len(inputs) == number
            and all(x.dtype is inputs[0].dtype for x in inputs)
            and len(params) == parameters
            and all(type(one) is int and abs(one) <= 10**300 for one in params)
            and (test is None or test(*params))
        )

    return admits


def order(n: int) -> bool:
    return 0 <= n <= HIGHEST_ORDER


def lengths(value: Any) -> bool:
    """Whether a parameter is a shape."""
    return type(value) is tuple and all(type(n) is int and n >= 0 for n in value)


def one_input(test: Callable[..., bool]) -> Test:
    """One input, whose shape and parameters `test` holds for."""
    return lambda inputs, params: len(inputs) == 1 and test(inputs[0].shape, *params)


def reshaped(shape: Sequence[int], target: Any) -> bool:
    return lengths(target) and size(target) == size(tuple(shape))


def permuted(shape: Sequence[int], perm: Any) -> bool:
    return lengths(perm) and sorted(perm) == list(range(len(shape)))


def repeated(shape: tuple[int, ...], target: Any) -> bool:
    return lengths(target) and broadcast(shape, target) == target


def reduction(kind: Callable[[Any], bool]) -> Test:
    """One input of the kinds of element types that reductions work on, and a run of its axes."""

    def admits(inputs: tuple[Node, ...], params: tuple) -> bool:
        if len(inputs) != 1 or len(params) != 1 or not kind(inputs[0].dtype) or not lengths(params[0]):
            return False
        axes = params[0]
        return bool(axes) and axes == tuple(range(axes[0], axes[-1] + 1)) and axes[-1] < len(inputs[0].shape)

    return admits


def of_rows(inputs: tuple[Node, ...], params: tuple) -> bool:
    """Floats, what a function of rows made of them, and the axes of the rows."""
    if len(inputs) != 2 or len(params) != 1 or not all(x.dtype.is_floating for x in inputs) or not lengths(params[0]):
        return False
    return inputs[1].shape == inputs[0].shape and _are_axes(params[0], inputs[0].shape)


def reduced_rows(inputs: tuple[Node, ...], params: tuple) -> bool:
    """The same, where there is one number for each row."""
    if len(inputs) != 2 or len(params) != 1 or not all(x.dtype.is_floating for x in inputs) or not lengths(params[0]):
        return False
    axes, shape = params[0], inputs[0].shape
    return _are_axes(axes, shape) and inputs[1].shape == tuple([n for i, n in enumerate(shape) if i not in axes])


def _are_axes(axes: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return list(axes) == sorted(set(axes)) and all(i < len(shape) for i in axes)


def sliced(shape: Sequence[int], slices: Any) -> bool:
    """Whether (start, number, step) for each axis lie within a shape."""
    if type(slices) is not tuple or len(slices) != len(shape):
        return False
    for n, one in zip(shape, slices, strict=True):
        if type(one) is not tuple or len(one) != 3 or not all(type(v) is int for v in one):
            return False
        start, number, step = one
        if number < 0 or not step or not 0 <= start <= n:
            return False
        if number and not (start < n and 0 <= start + (number - 1) * step < n):
            return False
    return True


def put(shape: Sequence[int], target: Any, slices: Any) -> bool:
    return lengths(target) and sliced(target, slices) and tuple(number for _, number, _ in slices) == tuple(shape)


def joined(inputs: tuple[Node, ...], params: tuple) -> bool:
    """One input or several of one element type, and an axis of theirs."""
    return (
        bool(inputs)
        and all(x.dtype is inputs[0].dtype for x in inputs)
        and len(params) == 1
        and type(params[0]) is int
        and 0 <= params[0] < len(inputs[0].shape)
    )


def chosen(inputs: tuple[Node, ...], params: tuple) -> bool:
    """A condition and two inputs of one element type."""
    return len(inputs) == 3 and inputs[1].dtype is inputs[2].dtype and not params


def along_axis(*kinds: type) -> Test:
    """One input, an axis of it, and further parameters of these types."""

    def admits(inputs: tuple[Node, ...], params: tuple) -> bool:
        return (
            len(inputs) == 1
            and tuple(map(type, params)) == (int, *kinds)
            and 0 <= params[0] < len(inputs[0].shape)
            and not inputs[0].dtype.is_bool
        )

    return admits


def places(test: Callable[..., bool]) -> Test:
    """A tensor and whole numbers, and whole numbers as parameters, for which with both shapes `test` holds."""

    def admits(inputs: tuple[Node, ...], params: tuple) -> bool:
        return (
            len(inputs) == 2
            and inputs[1].dtype.is_integer
            and all(type(one) is int and one >= 0 for one in params)
            and test(inputs[0].shape, inputs[1].shape, *params)
        )

    return admits


def matrices(inputs: tuple[Node, ...], params: tuple) -> bool:
    """Two inputs of one number type, and for each whether it is transposed."""
    return (
        len(inputs) == 2
        and inputs[0].dtype is inputs[1].dtype
        and not inputs[0].dtype.is_bool
        and len(params) == 2
        and all(type(one) is bool for one in params)
    )
