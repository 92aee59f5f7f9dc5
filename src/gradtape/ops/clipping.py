"""Gradients that became too long, made shorter: by the norm of each, or by that of all together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import float64, promote
from gradtape.graph.handles import Handle, TensorLike, as_node, wrap
from gradtape.graph.node import Node
from gradtape.graph.shapes import normalize_axes
from gradtape.ops.arithmetic import maximum, stop_gradient
from gradtape.ops.declare import convert, literal, operation
from gradtape.ops.logits import real
from gradtape.ops.normalised import LARGE, SMALL, STEP, euclidean
from gradtape.ops.powers import reciprocal, sqrt, square
from gradtape.ops.reductions import Axis
from gradtape.ops.selection import equal, is_finite, where
from gradtape.ops.shaping import spread

Tensor = Any


def norm_of_all(xs: Sequence[Node]) -> Node:
    """√Σx² over all elements of all `xs`, in float64; 0, with the gradient 0, where all are 0."""
    norms = [euclidean(x, tuple(range(len(x.shape)))) for x in xs]
    if len(norms) == 1:
        return norms[0]
    factor = None
    if any(x.dtype is float64 for x in xs):  # the squares of floats do not leave the range of a double
        top = norms[0]
        for one in norms[1:]:
            top = maximum(top, one)
        top = stop_gradient(top)
        factor = where(top > LARGE, literal(1 / STEP, float64), where(top < SMALL, literal(STEP, float64), 1))
        norms = [one * factor for one in norms]
    total = square(norms[0])
    for one in norms[1:]:
        total = total + square(one)
    zero = equal(total, 0)
    root = where(zero, 0, sqrt(where(zero, 1, total)))
    return root if factor is None else root * reciprocal(factor)


def shortened(x: Node, norm: Node, limit: Node) -> Node:
    """`x` times limit / norm where the norm is larger than the limit, else as it is, bit for bit."""
    return x * convert(where(norm > limit, limit / norm, 1), x.dtype)


def shortened_together(xs: Sequence[Node], norm: Node, limit: Node) -> list[Node]:
    """All of `xs`, which have this norm together, shortened by one factor; NaN if the norm is no finite number."""
    known = where(is_finite(norm), norm, float("nan"))
    factor = where(norm > limit, limit / known, where(is_finite(norm), literal(1, float64), float("nan")))
    return [x * convert(factor, x.dtype) for x in xs]


def _limit(limit: TensorLike) -> Node:
    node = as_node(limit)
    if node.shape != ():
        raise ArgumentError(f"clip_norm must be one number, but a tensor of shape {node.shape} was given")
    return convert(as_node(float(limit), float64) if isinstance(limit, (int, float)) else node, float64)


@operation("t")
def clip_by_norm(t: TensorLike, clip_norm: TensorLike, axes: Axis = None, name: str | None = None) -> Tensor:
    """`t` scaled so that its norm √Σt² over `axes` (None: of all elements) is at most `clip_norm`.

    What is short enough is returned unchanged, bit for bit. Floating tensors of any shape. Raises DTypeError for
    integers, ArgumentError if `clip_norm` is not one number.

    >>> import gradtape as tf
    >>> tf.clip_by_norm([3., 4.], 1.).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    real("clip_by_norm", t)
    along = normalize_axes(axes, len(t.shape))
    return shortened(t, spread(euclidean(t, along), along, t.shape), _limit(clip_norm))


def global_norm(t_list: Sequence[TensorLike | None], name: str | None = None) -> Tensor:
    """√Σt² over all elements of all tensors in a list, as one number of the widest of their types. None is left out.

    Nothing overflows on the way. Raises DTypeError for integers, ArgumentError if there is no tensor in the list.

    >>> import gradtape as tf
    >>> tf.linalg.global_norm([[3e30], None, [[4e30]]]).numpy()
    np.float32(5e+30)
    """
    xs = _tensors("global_norm", t_list)
    return wrap(convert(norm_of_all(xs), _widest(xs)))


def clip_by_global_norm(
    t_list: Sequence[TensorLike | None],
    clip_norm: TensorLike,
    use_norm: TensorLike | None = None,
    name: str | None = None,
) -> tuple[list[Tensor | None], Tensor]:
    """The tensors of a list scaled by one factor, so that their `global_norm` is at most `clip_norm`; and that norm.

    `use_norm` is the norm if it is known already. None stays None. If the norm is not finite, all become NaN, so that
    it is noticed. Raises DTypeError for integers, ArgumentError if there is no tensor in the list.

    >>> import gradtape as tf
    >>> (a, b), norm = tf.clip_by_global_norm([[3.], [4.]], 1.)
    >>> a.numpy(), b.numpy(), norm.numpy()
    (array([0.6], dtype=float32), array([0.8], dtype=float32), np.float32(5.0))
    """
    xs = _tensors("clip_by_global_norm", t_list)
    norm = norm_of_all(xs) if use_norm is None else convert(as_node(use_norm), float64)
    short = iter(shortened_together(xs, norm, _limit(clip_norm)))
    shown = wrap(convert(norm, _widest(xs))) if use_norm is None else use_norm
    return [None if t is None else wrap(next(short)) for t in t_list], shown


def _tensors(name: str, t_list: Sequence[TensorLike | None]) -> list[Node]:
    if isinstance(t_list, Handle) or not isinstance(t_list, (list, tuple)):
        raise ArgumentError(f"{name} takes a list of tensors, but a {type(t_list).__name__} was given; write [t]")
    xs = [real(name, as_node(t)) for t in t_list if t is not None]
    if not xs:
        raise ArgumentError(f"{name} needs at least one tensor, but all of the list are None")
    return xs


def _widest(xs: Sequence[Node]) -> Any:
    return reduce(promote, [x.dtype for x in xs])
