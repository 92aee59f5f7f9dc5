"""ForwardAccumulator: forward mode as a block, as TensorFlow has it.

Like a tape it records what is done in the block. A tangent is asked for later, but is made as if it had been computed
along with the value: recordings that were open around the block see it. So accumulators and tapes nest in each other.
"""

from __future__ import annotations

from typing import Any

from gradtape.errors import ArgumentError, DTypeError, ShapeError, TapeError
from gradtape.graph.handles import Handle, as_node, need_tensor, wrap
from gradtape.graph.node import Node, Recording, recordings
from gradtape.modes import nest
from gradtape.modes.cotangents import wants_zero
from gradtape.modes.forward import push_forward
from gradtape.ops.arithmetic import plus
from gradtape.ops.shaping import full
from gradtape.rewrite.recorded import recorded


class ForwardAccumulator:
    """Computes the products of Jacobians with vectors, in forward mode.

    primals     a Tensor or Variable, or a nest of them: what the tangents belong to
    tangents    the same structure, shapes and types

    What is computed from the primals in the block has a tangent. Raises DTypeError for primals that are not floats,
    ShapeError or DTypeError for tangents that do not fit, TapeError if it is entered while it is open. A block that was
    left may be entered again, and goes on.

    >>> import gradtape as tf
    >>> x = tf.constant([1., 2.])
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1., 0.])) as acc:
    ...     y = tf.reduce_sum(x**3)
    >>> acc.jvp(y).numpy()
    np.float32(3.0)

    For the derivative of a gradient (the product of a Hessian with a vector) a tape goes inside:

    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1., 1.])) as acc:
    ...     with tf.GradientTape() as tape:
    ...         tape.watch(x)
    ...         y = tf.reduce_sum(x**3)
    ...     gradient = tape.gradient(y, x)
    >>> acc.jvp(gradient).numpy()
    array([ 6., 12.], dtype=float32)
    """

    def __init__(self, primals: Any, tangents: Any):
        flat, directions = nest.flatten(primals), nest.flatten(tangents)
        if len(flat) != len(directions):
            raise ShapeError(f"{len(flat)} primals were given, but {len(directions)} tangents")
        self._primals = flat
        self._directions = [_tangent(x, t) for x, t in zip(flat, directions, strict=True)]
        self._recording = Recording(accessed=False)
        self._tangents: dict[Node, Node] = {}
        self._around: tuple[Recording, ...] | None = None
        self._open = False

    def __enter__(self) -> ForwardAccumulator:
        if self._open:
            raise TapeError("this accumulator is already recording; leave its `with` block before entering it again")
        if self._around is None:
            for x, t in zip(self._primals, self._directions, strict=True):
                node = x.leaf if x.assignable else x.node
                self._recording.watch(node)
                self._tangents[node] = plus(self._tangents[node], t) if node in self._tangents else t
        else:  # for what is open around the block now, the tangents so far are constants
            self._tangents = self._pushed(list(self._recording.made), self._around)
        self._around = recordings.get()
        recordings.set((*self._around, self._recording))
        self._open = True
        return self

    def __exit__(self, *exception: Any) -> None:
        recordings.set(tuple([one for one in recordings.get() if one is not self._recording]))
        self._open = False

    def jvp(self, primals: Any, unconnected_gradients: Any = "none") -> Any:
        """The tangents of what was computed in the block, in the structure of `primals`.

        unconnected_gradients   what stands for something that does not depend on the primals of the accumulator:
                                "none" → None, "zero" → zeros
        """
        zero = wants_zero(unconnected_gradients)
        if self._around is None:
            raise TapeError("a ForwardAccumulator knows tangents of what is computed in its `with` block")
        targets = []
        for one in nest.flatten(primals):
            if one is None:
                raise ArgumentError("there is no tangent of None")
            targets.append(one.leaf if getattr(one, "assignable", False) else need_tensor(one, "what has a tangent"))
        inside = [one for one in recordings.get() if one is not self._recording and one not in self._around]
        found = self._pushed(targets, (*self._around, *inside))
        tangents = [found.get(y) for y in targets]
        if zero:
            tangents = [full(y.shape, 0, y.dtype) if t is None else t for y, t in zip(targets, tangents, strict=True)]
        return nest.pack(primals, [None if t is None else wrap(t) for t in tangents])

    def _pushed(self, targets: list[Node], seen_by: tuple[Recording, ...]) -> dict[Node, Node]:
        """The tangents so far and those of the targets, as these recordings see them."""
        token = recordings.set(seen_by)
        try:
            return push_forward(recorded(self._recording.made, {}).made, self._tangents, targets)
        finally:
            recordings.reset(token)


def _tangent(primal: Any, tangent: Any) -> Node:
    node = need_tensor(primal, "a primal of a ForwardAccumulator")
    if not node.dtype.is_floating:
        raise DTypeError(f"a primal has type {node.dtype.name}, which has no derivative; make it float32 or float64")
    along = as_node(tangent, None if isinstance(tangent, Handle) else node.dtype)
    if along.shape != node.shape:
        raise ShapeError(f"a tangent must have the shape {node.shape} of its primal, but has {along.shape}")
    if along.dtype is not node.dtype:
        raise DTypeError(f"a tangent must have the type {node.dtype.name} of its primal, but has {along.dtype.name}")
    return along
