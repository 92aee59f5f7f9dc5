"""GradientTape: watch, compute, ask for the gradient.

The graph already knows what was computed from what. The tape adds which operations happened while it was open and
depend on what it watches: its `Recording`, which `reverse.pull_back` walks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from gradtape import config
from gradtape.errors import ArgumentError, DTypeError, ShapeError, TapeError, TapeWarning, TargetError
from gradtape.graph.handles import Handle, as_node, need_tensor, wrap
from gradtape.graph.node import Node, Recording, recordings
from gradtape.graph.origins import order, pauses
from gradtape.graph.trace import between, thread
from gradtape.modes import nest
from gradtape.modes.explain import Question, asked, warning
from gradtape.modes.reverse import pull_back
from gradtape.ops.arithmetic import plus
from gradtape.ops.shaping import full
from gradtape.rewrite.recorded import NEVER, Conditions, recorded
from gradtape.rewrite.table import KEPT


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
        zero = _wants_zero(unconnected_gradients)
        recording = self._current()
        alone = isinstance(sources, Handle)  # the usual case, in a hurry
        wanted = [_nodes(recording, one) for one in ([sources] if alone else nest.flatten(sources))]
        targets, weights = _targets(recording, target, output_gradients)
        if not self._persistent:
            if self._open:
                self._stop()
            self._recording = None
            self._reads = recording.reads
        elif self._open and not self._warned:
            self._warned = True
            warnings.warn(
                "gradient was asked of a persistent tape inside its `with` block, so the tape records the gradient's "
                "operations too, which takes time and memory; ask after the block, unless you want to differentiate "
                "the gradient with the same tape",
                TapeWarning,
                stacklevel=2,
            )
        totals = _cotangents(recording, self._trace, targets, weights, wanted)
        self._question = None
        if None in totals or config.unusual:
            self._note(Question(recording, [_node_of(one) for one in nest.flatten(target)], wanted, totals))
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

    def _note(self, question: Question) -> None:
        """Keep what was asked, if somebody may want to know why there is no gradient."""
        explain = config.settings().explain
        if explain or any(question.missing):
            self._question = asked(question)
        if explain and any(question.missing):
            warnings.warn(warning(question), TapeWarning, stacklevel=3)


def _node_of(target: Any) -> Node:
    """The node of a target, unseen by recordings."""
    return target.leaf if target.assignable else target.node


def _targets(recording: Recording, target: Any, output_gradients: Any) -> tuple[list[Node], list[Node | None] | None]:
    """The nodes to differentiate, and the weights of their elements; None for ones."""
    if output_gradients is None and isinstance(target, Handle) and not target.assignable and target.dtype.is_floating:
        return [target.node], None
    targets = nest.flatten(target)
    weights = [None] * len(targets) if output_gradients is None else nest.flatten(output_gradients)
    if len(weights) != len(targets):
        raise ShapeError(f"{len(targets)} targets were given, but {len(weights)} output_gradients")
    nodes: list[Node] = []
    given: list[Node | None] = []
    for one, weight in zip(targets, weights, strict=True):
        if one is None:
            raise TargetError(
                "the target of a gradient is None; if it came from another tape's gradient, that found no "
                "dependence, and gradtape.explain or the tape's none_reasons say why"
            )
        if getattr(one, "assignable", False):
            read = recording.reads.get(id(one))
            node = read[1][-1] if read else one.leaf  # the same as a source, whatever is assigned meanwhile
        else:
            node = need_tensor(one, "the target of a gradient")
        if not node.dtype.is_floating:
            continue
        seed = None
        if weight is not None:
            seed = as_node(weight, None if isinstance(weight, Handle) else node.dtype)
            if seed.shape != node.shape:
                raise ShapeError(
                    f"output_gradients must have the target's shape {node.shape}, but one has {seed.shape}"
                )
        nodes.append(node)
        given.append(seed)
    return nodes, given


def _cotangents(
    recording: Recording,
    token: object,
    targets: list[Node],
    weights: list[Node | None] | None,
    wanted: list[Sequence[Node]],
) -> list[Node | None]:
    """The cotangent of each source.

    If all was recorded in the Trace that is still open, and the same was asked after the same operations before, then
    the walk is not made again: what it added to the Trace is known.
    """
    trace = thread.trace
    if trace.token is not token or not config.usual():
        return _pull_back(recording, targets, weights, wanted, {})[0]
    given = [*recording.made, *recording.watched, *targets]
    pattern: tuple | None = None
    if weights is not None:
        given += [weight for weight in weights if weight is not None]
        pattern = tuple([weight is None for weight in weights])
    for nodes in wanted:
        given += nodes
    lengths = (len(recording.made), len(recording.watched), *map(len, wanted))
    key = (lengths, pattern, *map(trace.__getitem__, given))
    before = trace.prefix
    known = before.known.get(key, ())
    for conditions, steps, after, places in known:
        if conditions is None or conditions.hold(trace.at, recording.made):
            return trace.replay(steps, after, places)
    totals, conditions = _pull_back(recording, targets, weights, wanted, trace)
    if conditions is NEVER:
        return totals
    places = [None if total is None else trace[total] for total in totals]
    steps = between(before, trace.prefix)
    if steps is not None:
        before.known[key] = ((conditions, steps, trace.prefix, places), *known[: KEPT - 1])
    return totals


def _pull_back(
    recording: Recording,
    targets: list[Node],
    weights: list[Node | None] | None,
    wanted: list[Sequence[Node]],
    numbers: Mapping[Node, int],
) -> tuple[list[Node | None], Conditions | None]:
    """The cotangent of each source, and on what the result rests.

    A source that lies inside of what is differentiated as another primitive needs a walk of its own.
    """
    seeds: dict[Node, Node] = {}
    for node, weight in zip(targets, weights or [None] * len(targets), strict=True):
        seed = full(node.shape, 1, node.dtype) if weight is None else weight
        seeds[node] = plus(seeds[node], seed) if node in seeds else seed
    stable = recorded(recording.made, numbers)
    cotangents = pull_back(stable.made, seeds)
    inside = [node for nodes in wanted for node in nodes if node in stable.hidden]
    if inside:
        open_there = pull_back(recorded(recording.made, numbers, apart=inside).made, seeds)
        cotangents.update({node: open_there[node] for node in inside if node in open_there})
    totals = [_gradient(nodes, cotangents) for nodes in wanted]
    by_hand = any(op is not None and op[0].kind == "custom" for op in stable.made.values())  # Python, which may change
    return totals, NEVER if inside or by_hand else stable.rests_on


def _nodes(recording: Recording, source: Any) -> Sequence[Node]:
    """The nodes that stand for a source: a Variable was read as one or several leaves."""
    if isinstance(source, Handle):
        if not source.dtype.is_floating:
            raise DTypeError(
                f"a source of a gradient has type {source.dtype.name}, which has no derivative; "
                "make it float32 or float64, for instance 3.0 instead of 3"
            )
        if source.assignable:
            known = recording.reads.get(id(source))
            return known[1] if known else [source.leaf]
    return [need_tensor(source, "a source of a gradient")]


def _gradient(nodes: Sequence[Node], cotangents: dict[Node, Node]) -> Node | None:
    """The sum of the cotangents of the nodes that stand for a source, or None if there are none."""
    total: Node | None = None
    for node in nodes:
        ct = cotangents.get(node)
        if ct is not None:
            total = ct if total is None else plus(total, ct)
    return total


def _wants_zero(unconnected_gradients: Any) -> bool:
    if unconnected_gradients == "none":
        return False
    name = getattr(unconnected_gradients, "value", unconnected_gradients)
    if name not in ("none", "zero"):
        raise ArgumentError(f"unconnected_gradients must be 'none' or 'zero', but {unconnected_gradients!r} was given")
    return name == "zero"


class UnconnectedGradients:
    """What `gradient` returns where the target does not depend on the source."""

    NONE = "none"
    ZERO = "zero"
