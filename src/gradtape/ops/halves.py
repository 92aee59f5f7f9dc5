"""Formulas of several operations on the half types, which are done in float32 and rounded once.

An operation on halves is rounded once by itself. A formula is not, and what it makes on the way may leave the range of
float16, as the sum in a mean does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from gradtape.graph.dtypes import float32
from gradtape.graph.node import Node
from gradtape.ops.declare import convert

F = TypeVar("F", bound=Callable)


def rounded_once(function: F) -> F:
    """For a function of nodes that is composed of others: given halves it works in float32, and its result is rounded
    to the type of the first of them."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        half = next((x.dtype for x in given if type(x) is Node and x.dtype.is_half), None)
        if half is None:
            return function(*args, **kwargs)
        result = function(*_widened(args), **dict(zip(kwargs, _widened(tuple(kwargs.values())), strict=True)))
        return convert(result, half) if type(result) is Node and result.dtype is float32 else result

    return call  # type: ignore[return-value]


def _widened(given: tuple) -> tuple:
    """The halves among them, also inside of tuples, in float32."""
    return tuple([_widened(x) if type(x) is tuple else _wide(x) for x in given])


def _wide(x: Any) -> Any:
    return convert(x, float32) if type(x) is Node and x.dtype.is_half else x
