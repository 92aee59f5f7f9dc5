"""What a tape says of many directions: `jacobian` and `batch_jacobian`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gradtape.errors import ShapeError
from gradtape.graph.handles import wrap
from gradtape.graph.node import Node, Recording
from gradtape.modes import nest
from gradtape.modes.cotangents import nodes_of, pulled_back, targets_of, wants_zero
from gradtape.modes.explain import Question
from gradtape.ops.shaping import full


class TapeJacobians:
    """The part of GradientTape that makes Jacobians."""

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivatives of every element of `target` by every element of each of `sources`, in the structure of
        `sources`, each of the shape target.shape + source.shape.

        target                  a Tensor or Variable; for a nest of them the result is a nest with one of these for each
        experimental_use_pfor   False: one row after the other, as several calls of `gradient` would do it

        The other arguments are as for `gradient`; `parallel_iterations` is taken for TensorFlow's sake.

        >>> import gradtape as tf
        >>> x = tf.constant([1., 2.])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x**2
        >>> tape.jacobian(y, x).numpy()
        array([[2., 0.],
               [0., 4.]], dtype=float32)
        """
        from gradtape.modes.jacobians import directions, rows_of  # they stand on this module

        zero, recording, wanted = self._asked(sources, unconnected_gradients)
        found = []
        for one in nest.flatten(target):
            (nodes, _), shape = targets_of(recording, one, None), tuple(one.shape)
            many: list[Any] = [None] * len(wanted)
            if nodes:
                pull = _pull(recording, nodes, wanted)
                many = directions(pull, shape, nodes[0].dtype, one_by_one=not experimental_use_pfor)
            self._note_missing(recording, nodes, wanted, many)
            blocks = [
                full(shape + x[0].shape, 0, one.dtype) if rows is None and zero else rows_of(rows, shape)
                for rows, x in zip(many, wanted, strict=True)
            ]
            found.append(nest.pack(sources, [None if block is None else wrap(block) for block in blocks]))
        return nest.pack(target, found)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The Jacobian of each example: of target[i] by source[i], of shape (examples,) + target.shape[1:] +
        source.shape[1:].

        Both have two axes or more, the first for the examples, which must not depend on each other. Raises ShapeError
        if there are fewer axes, or other numbers of examples. The other arguments are as for `jacobian`.

        >>> import gradtape as tf
        >>> x = tf.constant([[1., 2.], [3., 4.]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x[:, ::-1]
        >>> tape.batch_jacobian(y, x)[1].numpy()
        array([[4., 3.],
               [4., 3.]], dtype=float32)
        """
        from gradtape.modes.jacobians import blocks_of, directions

        shape, inner = tuple(target.shape), tuple(source.shape)
        if len(shape) < 2 or len(inner) < 2 or shape[0] != inner[0]:
            raise ShapeError(
                "batch_jacobian needs a target and a source with two axes or more and equal first lengths, but their "
                f"shapes are {shape} and {inner}; use jacobian for all derivatives"
            )
        zero, recording, wanted = self._asked(source, unconnected_gradients)
        nodes, _ = targets_of(recording, target, None)
        many: list[Any] = [None]
        if nodes:
            pull = _pull(recording, nodes, wanted)
            many = directions(pull, shape, nodes[0].dtype, shape[0], not experimental_use_pfor)
        self._note_missing(recording, nodes, wanted, many)
        block = blocks_of(many[0], shape)
        if block is None:
            return wrap(full((*shape, *inner[1:]), 0, target.dtype)) if zero else None
        return wrap(block)

    def _asked(self, sources: Any, unconnected_gradients: Any) -> tuple[bool, Recording, list[Sequence[Node]]]:
        """Whether zeros are wanted, what was recorded, and the nodes of the sources."""
        zero = wants_zero(unconnected_gradients)
        recording = self._current()
        wanted = [nodes_of(recording, one) for one in nest.flatten(sources)]
        if not self._persistent:
            self._use_up(recording)
        return zero, recording, wanted

    def _note_missing(
        self, recording: Recording, targets: list[Node], wanted: list[Sequence[Node]], found: Sequence[Node | None]
    ) -> None:
        """What `none_reasons` are asked about."""
        if None in found:
            self._note(Question(recording, targets, wanted, list(found)), stacklevel=4)

    if TYPE_CHECKING:  # the rest of the tape
        _persistent: bool

        def _current(self) -> Recording: ...
        def _use_up(self, recording: Recording) -> None: ...
        def _note(self, question: Question, stacklevel: int) -> None: ...


def _pull(
    recording: Recording, nodes: list[Node], wanted: list[Sequence[Node]]
) -> Callable[[Node], Sequence[Node | None]]:
    """From a cotangent of a target to those of the sources."""
    return lambda ct: pulled_back(recording, nodes, [ct], wanted, {})[0]
