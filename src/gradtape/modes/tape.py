"""GradientTape: watch, compute, ask for the gradient.

The graph already knows what was computed from what. The tape adds which operations happened while it was open and
depend on what it watches: its `Recording`, which `reverse.pull_back` walks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from types import MappingProxyType
from typing import Any

from gradtape import config
from gradtape.errors import DTypeError, TapeError, TapeWarning
from gradtape.graph.handles import Handle, need_tensor, wrap
from gradtape.graph.node import Node, Recording, recordings
from gradtape.graph.origins import order, pauses
from gradtape.graph.trace import thread
from gradtape.modes import nest
from gradtape.modes.cotangents import cotangents_of, nodes_of, targets_of, wants_zero
from gradtape.modes.explain import Question, asked, warning
from gradtape.modes.tape_jacobians import TapeJacobians
from gradtape.ops.shaping import full


class GradientTape(TapeJacobians):
    """Records operations for automatic differentiation.

    persistent                  whether `gradient` may be called more than once
    watch_accessed_variables    whether trainable Variables are watched when they are read

    >>> import gradtape as tf
    >>> x = tf.Variable(3.)
    >>> with tf.GradientTape() as tape:
    ...     y = x**4
    >>> tape.gradient(y, x).numpy()
    np.float32(108.0)

    Tapes nest to any depth; a gradient taken inside an outer tape can be differentiated again.
    """

    _paused = 0
    _warned = False
    _reads: Mapping[int, tuple[Any, list[Node]]] = MappingProxyType({})  # of the recording that was used up
    _question: Question | None = None

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._recording: Recording | None = Recording(watch_accessed_variables)
        self._trace = thread.trace.token
        self._open = False

    def __repr__(self) -> str:
        kind = "persistent " if self._persistent else ""
        if self._recording is None:
            return f"<{kind}GradientTape: used up>"
        made, watched = len(self._recording.made), len(self._recording.watched)
        state = "recording" if self._open else "finished"
        return f"<{kind}GradientTape: {state}, {watched} watched, {made - watched} operations>"

    # -- recording --------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self._open:
            raise TapeError("this tape is already recording; leave its `with` block before entering it again")
        if self._recording is None:
            self.reset()
        self._start(self._current())
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._open:
            self._stop()

    def _start(self, recording: Recording) -> None:
        recordings.set((*recordings.get(), recording))
        self._open = True

    def _stop(self) -> None:
        inner, mine = recordings.get(), self._recording
        recordings.set(inner[:-1] if inner and inner[-1] is mine else tuple([r for r in inner if r is not mine]))
        self._open = False

    def _current(self) -> Recording:
        if self._recording is None:
            raise TapeError(
                "a tape that is not persistent gives gradients once, and this one has; "
                "ask for all sources in one call, or make it with GradientTape(persistent=True)"
            )
        return self._recording

    def _use_up(self, recording: Recording) -> None:
        """A tape that is not persistent may not be asked again."""
        if self._open:
            self._stop()
        self._recording = None
        self._reads = recording.reads

    def watch(self, tensor: Any) -> None:
        """Follow operations on `tensor` (a Tensor, a Variable, or a nest of them) from now on.

        Raises ArgumentError for anything else, as its copies could not be followed, and DTypeError for a tensor that is
        not floating, as it has no derivative.
        """
        recording = self._current()
        for one in nest.flatten(tensor):
            if isinstance(one, Handle) and not one.dtype.is_floating:
                raise DTypeError(
                    f"cannot watch a tensor of type {one.dtype.name}: only floating tensors have derivatives; "
                    "cast it to float32 first"
                )
            if isinstance(one, Handle) and one.assignable:
                recording.read(one, one.leaf)
            else:
                recording.watch(need_tensor(one, "what a tape watches"))

    def watched_variables(self) -> tuple:
        """The Variables that the tape watches, in the order in which they were made."""
        reads = self._recording.reads if self._recording is not None else self._reads
        return tuple(sorted([variable for variable, _ in reads.values()], key=lambda variable: variable.number))

    def reset(self) -> None:
        """Forget everything recorded so far; what was watched must be watched again."""
        was_open = self._open
        if was_open:
            self._stop()
        self._recording = Recording(self._watch_accessed)
        self._trace = thread.trace.token
        if was_open:
            self._start(self._recording)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Pause: what is computed inside the block is a constant for this tape. Such blocks may be nested."""
        recording = self._current()
        if not self._open and not self._paused:
            raise TapeError("stop_recording needs a tape that is recording")
        if self._open:
            self._stop()
        self._paused += 1
        begin = next(order)
        try:
            yield
        finally:
            self._paused -= 1
            if config.unusual:
                pauses.setdefault(recording, []).append((begin, next(order)))
            if not self._paused and not self._open and self._recording is recording:
                self._start(recording)

    # -- differentiating --------------------------------------------------------------------------------------

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = "none",
    ) -> Any:
        """The derivative of `target` by each of `sources`, in the structure of `sources`.

        target                  a Tensor or Variable, or a nest of them; several targets, and the elements of a target,
                                are summed
        sources                 a Tensor or Variable, or a nest (list, tuple, dict) of them
        output_gradients        weights for the elements of the target, in the target's structure and shapes
        unconnected_gradients   what stands for "no dependence": "none" → None, "zero" → zeros

        Raises TapeError when a tape that is not persistent is asked twice, ArgumentError for a source that is
        no Tensor or Variable, ShapeError if `output_gradients` do not fit the target.
        """
        zero = wants_zero(unconnected_gradients)
        recording = self._current()
        alone = isinstance(sources, Handle)  # the usual case, in a hurry
        wanted = [nodes_of(recording, one) for one in ([sources] if alone else nest.flatten(sources))]
        targets, weights = targets_of(recording, target, output_gradients)
        if not self._persistent:
            self._use_up(recording)
        elif self._open and not self._warned:
            self._warned = True
            warnings.warn(
                "gradient was asked of a persistent tape inside its `with` block, so the tape records the gradient's "
                "operations too, which takes time and memory; ask after the block, unless you want to differentiate "
                "the gradient with the same tape",
                TapeWarning,
                stacklevel=2,
            )
        totals = cotangents_of(recording, self._trace, targets, weights, wanted)
        self._question = None
        if None in totals or config.unusual:
            asked_for = [_node_of(one) for one in nest.flatten(target)]
            self._note(Question(recording, asked_for, wanted, totals, [sources] if alone else nest.flatten(sources)))
        if zero:
            totals = [
                full(nodes[0].shape, 0, nodes[0].dtype) if total is None else total
                for nodes, total in zip(wanted, totals, strict=True)
            ]
        found = [None if total is None else wrap(total) for total in totals]
        return found[0] if alone else nest.pack(sources, found)

    @property
    def none_reasons(self) -> list[str | None]:
        """Why the last `gradient` found no dependence: a sentence for each source (nests are flattened), None where
        there was a gradient. `gradtape.explain` says more.

        >>> import gradtape as tf
        >>> x = tf.constant(2.)
        >>> with tf.GradientTape() as tape:
        ...     y = x**3
        >>> tape.gradient(y, x) is None
        True
        >>> tape.none_reasons[0]
        'the source was not watched when the target was computed: call tape.watch(x) first, or make it a Variable'
        """
        return self._question.reasons() if self._question else []

    def _note(self, question: Question, stacklevel: int = 3) -> None:
        """Keep what was asked, if somebody may want to know why there is no gradient."""
        explain = config.settings().explain
        if explain or any(question.missing):
            self._question = asked(question)
        if explain and any(question.missing):
            warnings.warn(warning(question), TapeWarning, stacklevel=stacklevel)


def _node_of(target: Any) -> Node:
    """The node of a target, unseen by recordings."""
    return target.leaf if target.assignable else target.node


class UnconnectedGradients(Enum):
    """What `gradient` returns where the target does not depend on the source."""

    NONE = "none"
    ZERO = "zero"
