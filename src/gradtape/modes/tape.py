"""GradientTape: watch, compute, ask for the gradient.

The graph already knows what was computed from what. The tape adds which operations happened while it was open and
depend on what it watches: its `Recording`, which `reverse.pull_back` walks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradtape.errors import ArgumentError, DTypeError, ShapeError, TapeError
from gradtape.graph.handles import Handle, as_node, need_tensor, wrap
from gradtape.graph.node import Node, Recording, recordings, watchers
from gradtape.modes import nest
from gradtape.modes.reverse import pull_back
from gradtape.ops.declare import literal
from gradtape.ops.shaping import broadcasted, full


class GradientTape:
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

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._recording: Recording | None = Recording()
        self._reads: dict[int, tuple[Any, list[Node]]] = {}  # by id: the Variable and the leaves it was read as
        self._active = False

    # -- recording --------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self._active:
            raise TapeError("this tape is already recording; leave its `with` block before entering it again")
        if self._recording is None:
            self._recording = Recording()
        self._start()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._active:
            self._stop()

    def _start(self) -> None:
        recordings.set((*recordings.get(), self._recording))  # type: ignore[arg-type]
        if self._watch_accessed:
            watchers.set((*watchers.get(), self))
        self._active = True

    def _stop(self) -> None:
        recordings.set(tuple(r for r in recordings.get() if r is not self._recording))
        watchers.set(tuple(w for w in watchers.get() if w is not self))
        self._active = False

    def watch(self, tensor: Any) -> None:
        """Follow operations on `tensor` (a Tensor, a Variable, or a nest of them) from now on.

        Raises ArgumentError for anything else, as its copies could not be followed, and DTypeError for a tensor that is
        not floating, as it has no derivative.
        """
        if self._recording is None:
            raise TapeError("this tape was used up by gradient(); make a new one or use persistent=True")
        for one in nest.flatten(tensor):
            if isinstance(one, Handle) and one.assignable:
                self.read(one, one.leaf)
                continue
            node = need_tensor(one, "what a tape watches")
            if not node.dtype.is_floating:
                raise DTypeError(
                    f"cannot watch a tensor of type {node.dtype.name}: only floating tensors have derivatives; "
                    "cast it to float32 first"
                )
            self._recording.made.setdefault(node, None)

    def read(self, variable: Any, node: Node) -> None:
        """Note that a Variable was read as `node`."""
        recording = self._recording
        if recording is None or node in recording.made or not node.dtype.is_floating:
            return
        recording.made[node] = None
        self._reads.setdefault(id(variable), (variable, []))[1].append(node)

    def watched_variables(self) -> tuple:
        """The Variables that the tape watches, in the order in which they were first read."""
        return tuple(variable for variable, _ in self._reads.values())

    def reset(self) -> None:
        """Forget everything recorded so far; what was watched must be watched again."""
        recording = self._recording
        self._reads = {}
        if recording is not None:
            recording.made.clear()
        else:
            self._recording = Recording()

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Pause: what is computed inside the block is a constant for this tape."""
        if not self._active:
            raise TapeError("stop_recording needs a tape that is recording")
        self._stop()
        try:
            yield
        finally:
            self._start()

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
        zero = _wants_zero(unconnected_gradients)
        recording = self._recording
        if recording is None:
            raise TapeError(
                "a tape that is not persistent gives gradients once; "
                "ask for all sources in one call, or make it with GradientTape(persistent=True)"
            )
        seeds = self._seeds(target, output_gradients)
        wanted = [(one, self._nodes(one)) for one in nest.flatten(sources)]
        paused = not self._persistent and self._active
        if paused:
            self._stop()
        try:
            cotangents = pull_back(recording.made, seeds)
        finally:
            if paused:
                self._start()
        found = [_gradient(one, nodes, recording, cotangents, zero) for one, nodes in wanted]
        if not self._persistent:
            if self._active:
                self._stop()
            self._recording = None
            self._reads = {}
        return nest.pack(sources, found)

    def _nodes(self, source: Any) -> Sequence[Node]:
        """The nodes that stand for a source: a Variable was read as one or several leaves."""
        if isinstance(source, Handle) and not source.dtype.is_floating:
            raise DTypeError(
                f"a source of a gradient has type {source.dtype.name}, which has no derivative; "
                "make it float32 or float64, for instance 3.0 instead of 3"
            )
        if isinstance(source, Handle) and source.assignable:
            return self._reads.get(id(source), (None, [source.leaf]))[1]
        return [need_tensor(source, "a source of a gradient")]

    def _seeds(self, target: Any, output_gradients: Any) -> dict[Node, Node]:
        targets = nest.flatten(target)
        weights = [None] * len(targets) if output_gradients is None else nest.flatten(output_gradients)
        if len(weights) != len(targets):
            raise ShapeError(f"{len(targets)} targets were given, but {len(weights)} output_gradients")
        seeds: dict[Node, Node] = {}
        for one, weight in zip(targets, weights, strict=True):
            node = one.leaf if getattr(one, "assignable", False) else need_tensor(one, "the target of a gradient")
            if not node.dtype.is_floating:
                continue
            if weight is None:
                seed = full(node.shape, 1, node.dtype)
            else:
                seed = as_node(weight, None if isinstance(weight, Handle) else node.dtype)
                if seed.shape != node.shape:
                    raise ShapeError(
                        f"output_gradients must have the target's shape {node.shape}, but one has {seed.shape}"
                    )
            seeds[node] = seeds[node] + seed if node in seeds else seed
        return seeds


def _gradient(source: Any, nodes: Sequence[Node], recording: Recording, cotangents: dict, zero: bool) -> Any:
    """The sum of the cotangents of the nodes that stand for `source`, or what stands for no dependence."""
    total: Node | None = None
    for node in nodes:
        ct = cotangents.get(node) if node in recording.made else None
        if ct is not None:
            total = ct if total is None else total + ct
    if total is not None:
        return wrap(total)
    if zero:
        return wrap(broadcasted(literal(0, nodes[0].dtype), nodes[0].shape))
    return None


def _wants_zero(unconnected_gradients: Any) -> bool:
    name = getattr(unconnected_gradients, "value", unconnected_gradients)
    if name not in ("none", "zero"):
        raise ArgumentError(f"unconnected_gradients must be 'none' or 'zero', but {unconnected_gradients!r} was given")
    return name == "zero"


class UnconnectedGradients:
    """What `gradient` returns where the target does not depend on the source."""

    NONE = "none"
    ZERO = "zero"


