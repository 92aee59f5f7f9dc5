"""Derivatives beside difference quotients, as `tf.test` has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.graph.handles import as_node, wrap
from gradtape.modes.jacobians import jacrev

Matrices = tuple[np.ndarray, ...]


def compute_gradient(f: Callable[..., Any], x: Sequence[Any], delta: float | None = None) -> tuple[Matrices, Matrices]:
    """The Jacobians of f as it is differentiated, and by difference quotients.

    f       returns one floating tensor
    x       the list or tuple of its arguments: floating tensors, numbers or arrays
    delta   how far an element is moved to either side; 1/1024 if not given

    Two tuples with a matrix for each argument: a row for each element of the result, a column for each of the argument.
    A difference quotient is off by about f'''·delta²/6, and by the rounding of f / delta. Raises ArgumentError (a
    ValueError) if x is no list or tuple.

    >>> import gradtape as tf
    >>> theory, practice = tf.test.compute_gradient(lambda x: x * x, [1.0])
    >>> theory, practice
    ((array([[2.]], dtype=float32),), (array([[2.]], dtype=float32),))
    """
    if not isinstance(x, (list, tuple)):
        raise ArgumentError(f"x must be the list or tuple of the arguments of f, but a {type(x).__name__} was given")
    arguments = [wrap(as_node(one)) for one in x]
    y = f(*arguments)
    slopes = jacrev(f, argnums=tuple(range(len(arguments))))(*arguments)
    theory = [np.asarray(slope).reshape(y.size, one.size) for slope, one in zip(slopes, arguments, strict=True)]
    step = 1 / 1024 if delta is None else delta
    return tuple(theory), tuple([_quotients(f, arguments, i, y, step) for i in range(len(arguments))])


def max_error(grad1: Sequence[np.ndarray], grad2: Sequence[np.ndarray]) -> float:
    """The largest difference between elements of two tuples of matrices.

    >>> max_error(*compute_gradient(lambda x: 3.0 * x, [1.0]))
    0.0
    """
    return max([float(np.abs(a - b).max()) for a, b in zip(grad1, grad2, strict=True) if a.size], default=0.0)


def _quotients(f: Callable[..., Any], arguments: list[Any], i: int, y: Any, delta: float) -> np.ndarray:
    at = np.array(arguments[i])
    matrix = np.zeros((y.size, at.size), at.dtype)
    for column, index in enumerate(np.ndindex(at.shape)):
        values = []
        for side in (delta, -delta):
            moved = at.copy()
            moved[index] += side
            values.append(np.asarray(f(*arguments[:i], wrap(as_node(moved)), *arguments[i + 1 :])))
        matrix[:, column] = ((values[0] - values[1]) / values[0].dtype.type(2 * delta)).ravel()
    return matrix
