"""An expression that was read: steps in postfix order, which run on Tensors with a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gradtape
from gradtape.errors import ArgumentError, DTypeError
from gradtape.graph.handles import Handle, wrap
from gradtape.ops.declare import float_operand
from gradtape.text.vocabulary import Function


@dataclass(frozen=True)
class Constant:
    """Put a number on the stack."""

    value: float | bool


@dataclass(frozen=True)
class Load:
    """Put the variable with this position on the stack."""

    position: int


@dataclass(frozen=True)
class Call:
    """Take the arguments of a function from the stack and put its result there."""

    function: Function
    arguments: int


Step = Constant | Load | Call


@dataclass(frozen=True)
class Expression:
    """A function of its variables, read from text by `parse`.

    Called with Tensors, Variables, NumPy arrays or numbers, it returns a Tensor of their (broadcast) shape and of their
    floating type, through which tapes can differentiate. ``str`` shows it with tidy spaces.

    >>> import gradtape as tf
    >>> from gradtape.text import parse
    >>> f = parse("1 / (1+exp(- x))")
    >>> print(f)
    1/(1 + exp(-x))
    >>> f(0.).numpy()
    np.float32(0.5)
    >>> x = tf.Variable(2.)
    >>> with tf.GradientTape() as tape:
    ...     y = parse("x**3")(x)
    >>> tape.gradient(y, x).numpy()
    np.float32(12.0)
    """

    text: str
    variables: tuple[str, ...]
    formula: str = field(compare=False)
    steps: tuple[Step, ...] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.formula

    def __reduce__(self) -> tuple:
        from gradtape.text.parser import parse

        return parse, (self.text, self.variables)

    def __call__(self, *values: Any) -> Any:
        """The value at the given values. DTypeError for integer tensors, ArgumentError for too few or many values."""
        if len(values) != len(self.variables):
            wanted = ", ".join(self.variables) or "no value"
            raise ArgumentError(f"{self} is a function of {wanted}, but {len(values)} values were given")
        tensors = [_floating(value, name) for value, name in zip(values, self.variables, strict=True)]
        dtype = tensors[0].dtype if tensors else gradtape.float64
        stack: list[Any] = []
        for step in self.steps:
            match step:
                case Constant(value):
                    stack.append(value)
                case Load(position):
                    stack.append(tensors[position])
                case Call(function, arguments):
                    start = len(stack) - arguments
                    stack[start:] = [_apply(function, stack[start:], dtype)]
        (result,) = stack
        if isinstance(result, Handle):
            return result
        # A constant is a function of its variables too, and has their shape.
        shape = np.broadcast_shapes(*(tuple(tensor.shape) for tensor in tensors))
        return gradtape.broadcast_to(gradtape.constant(result, dtype), shape)


def _apply(function: Function, arguments: Sequence[Any], dtype: Any) -> Any:
    """The function's value; for constants alone a Python number, computed in float64 whatever the variables' type."""
    if any(isinstance(a, Handle) and a.dtype.is_floating for a in arguments):
        return function.call(*arguments)
    folds = not any(isinstance(a, Handle) for a in arguments)
    # Beside no floating tensor a number would become float32, as in where(x > 0, 1/3, 0).
    lifted = [
        gradtape.constant(a, gradtape.float64 if folds else dtype) if kind == "number" else a
        for kind, a in zip(function.takes, arguments, strict=False)
    ]
    result = function.call(*lifted)
    return result.numpy().item() if folds else result


def _floating(value: Any, name: str) -> Any:
    node = float_operand(value)
    if not node.dtype.is_floating:
        raise DTypeError(f"an expression takes floating numbers, but {name} has type {node.dtype.name}; cast it first")
    return value if isinstance(value, Handle) else wrap(node)
