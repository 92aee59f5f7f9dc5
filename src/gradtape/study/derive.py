"""A function of one variable and its derivatives, at many points at once: by Taylor mode to look at, and by nested
gradient tapes to measure these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from numbers import Real
from typing import Any

import gradtape
from gradtape import config
from gradtape.errors import ArgumentError
from gradtape.graph.handles import Handle, TensorLike, wrap
from gradtape.graph.node import Node
from gradtape.ops.declare import float_operand

HIGHEST_ORDER = 30
"""The highest order of a derivative that is shown."""

HIGHEST_NESTED = 12
"""The highest order of a derivative that is taken by nested tapes."""

MOST_OPERATIONS = 40_000
"""Size of the graph of all nested derivatives at which the next order is refused: each is several times larger."""


def derivatives(f: Callable[[Any], Any], x: TensorLike, order: int = 1) -> list[Any]:
    """f(x), f'(x), …, up to the derivative of the given order: `gradtape.derivatives`, of order 30 at most.

    >>> import gradtape as tf
    >>> [d.numpy() for d in derivatives(lambda x: x**3, [1., 2.], order=2)]
    [array([1., 8.], dtype=float32), array([ 3., 12.], dtype=float32), array([ 6., 12.], dtype=float32)]
    """
    return gradtape.derivatives(f, x, check_order(order))


def nested(f: Callable[[Any], Any], x: TensorLike, order: int = 1) -> list[Any]:
    """The same by nested tapes, as their derivatives are what most programs use.

    Raises ArgumentError if f returns something else than a Tensor of x's shape or a number, or if a derivative becomes
    too large to compute.
    """
    point = x if isinstance(x, Handle) else wrap(float_operand(x))
    tapes = [gradtape.GradientTape() for _ in range(order)]
    with ExitStack() as recording:
        recording.enter_context(config.override(pending_limit=1 << 40))  # all of it stays countable
        for tape in tapes:
            recording.enter_context(tape)
            tape.watch(point)
        found = [_value(f, point)]
        for tape in reversed(tapes):
            if _operations(found) > MOST_OPERATIONS:
                order = len(found)
                found.clear()  # nobody is to compute them, as long as the error is held
                raise _too_large(f, order)
            # Summed over the elements of f, the gradient is the derivative at each element, as f mixes none.
            found.append(tape.gradient(found[-1], point, unconnected_gradients="zero"))
    return found


def check_order(order: int) -> int:
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order <= HIGHEST_ORDER:
        raise ArgumentError(f"the order of a derivative is a whole number from 0 to {HIGHEST_ORDER}, not {order!r}")
    return order


def _value(f: Callable[[Any], Any], x: Any) -> Any:
    """f(x) as a Tensor of x's shape, with floating elements."""
    y = f(x)
    if isinstance(y, Real):
        return gradtape.broadcast_to(gradtape.constant(float(y), x.dtype), x.shape)
    if not isinstance(y, Handle):
        raise ArgumentError(
            f"{_name(f)} returned a {type(y).__name__}, which no longer knows how it depends on x; "
            "compute with gradtape's functions and return their Tensor"
        )
    if not y.dtype.is_floating:
        y = gradtape.cast(y, x.dtype)
    if y.shape == x.shape:
        return y
    if y.shape == () and not _depends(f, x):
        return gradtape.broadcast_to(y, x.shape)
    raise ArgumentError(
        f"{_name(f)} must work element by element, but for x of shape {tuple(x.shape)} "
        f"it returned a tensor of shape {tuple(y.shape)}"
    )


def _depends(f: Callable[[Any], Any], x: Any) -> bool:
    with gradtape.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x) is not None


def _too_large(f: Any, order: int) -> ArgumentError:
    return ArgumentError(
        f"derivative {order} of {_name(f)} is too large an expression to compute; "
        f"the highest order that works here is {order - 1}"
    )


def _operations(tensors: Sequence[Any]) -> int:
    """How many operations it takes to compute the tensors, counted up to the limit."""
    waiting: list[Node] = [tensor.node for tensor in tensors]
    seen = set(waiting)
    while waiting and len(seen) <= MOST_OPERATIONS:
        op = waiting.pop().op
        for node in op[1] if op else ():
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return len(seen)


def _name(f: Any) -> str:
    name = getattr(f, "__name__", str(f))
    return "the function" if name == "<lambda>" else name
