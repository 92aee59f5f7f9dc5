"""Sparse Jacobians and Hessians: the pattern from the graph, colours for it, and one derivative for each colour.

pattern ──coloured──► seeds: the sum of the columns of one colour ──linearize, vmap──► all passes in one evaluation
                                                                  ◄──read── the elements of the matrix
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph.handles import Handle, as_node, wrap
from gradtape.graph.node import Recording, recordings
from gradtape.modes.arguments import Argnames, Argnums, name_of, places
from gradtape.modes.functional import grad, linearize, vjp
from gradtape.modes.sparsity import Sparsity
from gradtape.modes.sparsity import pattern as pattern_of
from gradtape.modes.transformed import transform
from gradtape.modes.vmap import vmap

Function = Callable[..., Any]


def sparsity(
    f: Function, *args: Any, argnums: Argnums = None, argnames: Argnames = None, order: int = 1, **kwargs: Any
) -> Sparsity:
    """Where the Jacobian of f may be different from zero; with `order=2`, where the Hessian of f may.

    f                   returns a tensor; for order 2 one number
    args, kwargs        its arguments. f is called with them, as the pattern is that of the operations that it chose,
                        and what is gathered may depend on values
    argnums, argnames   the position or name of the argument, a tensor of any shape, by which is differentiated

    Elements of tensors count from the first to the last. A pattern never has too few elements. It has too many where
    derivatives vanish for other reasons than structure (x - x), and where a primitive does not say how its elements
    depend on each other. It can be given to `jacobian` and `hessian` as `sparse=`, which then look for none.

    >>> import gradtape as tf
    >>> def rosenbrock(x):
    ...     return tf.reduce_sum(100. * (x[1:] - x[:-1]**2)**2 + (1. - x[:-1])**2)
    >>> print(tf.sparsity(rosenbrock, tf.ones([5]), order=2))
    ××···
    ×××··
    ·×××·
    ··×××
    ···××
    """
    if order not in (1, 2):
        raise ArgumentError(f"the order of a pattern is 1 for a Jacobian or 2 for a Hessian, not {order!r}")
    derivative = f if order == 1 else grad(f, argnums, argnames=argnames)
    g, x = _of_one(f, derivative, args, kwargs, argnums, argnames)
    _, y, made = _recorded(g, x)
    return pattern_of(made, x.node, y.node, symmetric=order == 2)


@transform
def sparse_jacobian(
    f: Function, argnums: Argnums = None, pattern: Sparsity | None = None, *, argnames: Argnames = None
) -> Function:
    """The function that returns the Jacobian of f by an argument as a `scipy.sparse.csr_array` of shape (elements of
    the value, elements of the argument), for a `pattern` that is known or found in each call."""

    def jacobian(*args: Any, **kwargs: Any) -> Any:
        g, x = _of_one(f, f, args, kwargs, argnums, argnames)
        push, y, made = _recorded(g, x)
        found = _fitting(pattern, (_size(y), _size(x)), False) or pattern_of(made, x.node, y.node)
        found.matrix()  # that SciPy is missing is said before anything is computed
        passes = _passes(push, found, False, x)
        if found.colouring.reverse:
            pull = vjp(g, x)[1]
            passes += _passes(lambda ct: pull(ct)[0], found, True, y)
        return _read(found, passes, y)

    return jacobian


@transform
def sparse_hessian(
    f: Function, argnums: Argnums = None, pattern: Sparsity | None = None, *, argnames: Argnames = None
) -> Function:
    """The function that returns the Hessian of f, which returns one number, by an argument as a
    `scipy.sparse.csr_array`, for a `pattern` that is known or found in each call."""

    def hessian(*args: Any, **kwargs: Any) -> Any:
        slope, x = _of_one(f, grad(f, argnums, argnames=argnames), args, kwargs, argnums, argnames)
        push, y, made = _recorded(slope, x)
        found = _fitting(pattern, (_size(x), _size(x)), True) or pattern_of(made, x.node, y.node, symmetric=True)
        found.matrix()
        return _read(found, _passes(push, found, False, x), y)

    return hessian


def _of_one(
    f: Function, derivative: Function, args: Sequence[Any], kwargs: dict[str, Any], argnums: Argnums, argnames: Argnames
) -> tuple[Function, Any]:
    """f, or its derivative, as a function of the one argument, and that as a tensor of its own."""
    found = places(f, args, kwargs, 0 if argnums is None and argnames is None else argnums, argnames)
    if len(found) != 1:
        raise ArgumentError(f"sparse derivatives are by one argument, but {len(found)} were named")
    place = found[0]

    def g(x: Any) -> Any:
        given, named = list(args), dict(kwargs)
        holder: Any = given if isinstance(place, int) else named
        holder[place] = x
        value = derivative(*given, **named)
        if not isinstance(value, Handle):
            raise ArgumentError(
                f"a sparse matrix of derivatives needs a function that returns a tensor, but {name_of(f)} returned "
                f"{value!r:.60}; put several tensors into one with concat"
            )
        return value

    return g, _point(args[place] if isinstance(place, int) else kwargs[place])


def _point(value: Any) -> Any:
    """The argument as a tensor of its own."""
    node = as_node(value)
    if not node.dtype.is_floating:
        raise DTypeError(f"the argument is {node.dtype.name}, which has no derivative; make it float32 or float64")
    return wrap(node)


def _recorded(g: Function, x: Any) -> tuple[Callable[[Any], Any], Any, dict]:
    """The derivative of g at x as a linear function, the value, and the operations between."""
    recording = Recording(accessed=False)
    recording.watch(x.node)
    token = recordings.set((*recordings.get(), recording))
    try:
        y, push = linearize(g, x)
    finally:
        recordings.reset(token)
    return push, y, recording.made


def _fitting(known: Sparsity | None, shape: tuple[int, int], symmetric: bool) -> Sparsity | None:
    if known is None:
        return None
    if known.shape != shape or known.symmetric is not symmetric:
        kind = "Hessian" if symmetric else "Jacobian"
        raise ShapeError(
            f"the {kind} has the shape {shape}, but the pattern is that of a "
            f"{'Hessian' if known.symmetric else 'Jacobian'} of shape {known.shape}"
        )
    return known


def _passes(linear: Callable[[Any], Any], found: Sparsity, reverse: bool, like: Any) -> list[np.ndarray]:
    """What a linear function makes of the sums of the unit vectors of each colour."""
    passes = []
    for seeds in found.seeds(reverse, like.node.dtype.dtype):
        made = vmap(linear)(wrap(as_node(seeds.reshape(len(seeds), *like.node.shape))))
        passes.append(np.asarray(made.numpy()).ravel())
    return passes


def _read(found: Sparsity, passes: list[np.ndarray], y: Any) -> Any:
    """The matrix of the elements that stand in the passes."""
    whole = passes[0] if len(passes) == 1 else np.concatenate([np.empty(0), *passes])
    return found.matrix(whole[found.found_in].astype(_matrix_type(y), copy=False))


def _size(tensor: Any) -> int:
    return int(np.prod(tensor.node.shape, dtype=np.int64))


def _matrix_type(y: Any) -> np.dtype:
    """The element type of the matrix: SciPy has none of 16 bits."""
    return np.dtype(np.float64 if y.node.dtype.name == "float64" else np.float32)
