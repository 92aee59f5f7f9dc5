"""Why a gradient is what it is, or None: `explain`, and the question that a tape keeps where it found nothing.

tape.gradient ──None──► Question ──explain, none_reasons, the warning──► `lost` searches ──► an Explanation
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any
from weakref import ref

from gradtape.errors import TargetError
from gradtape.graph.handles import need_tensor
from gradtape.graph.node import Node, Op, Recording, recordings
from gradtape.modes import nest
from gradtape.modes.explanation import Explanation
from gradtape.modes.lost import UNRELATED, explained


def explain(target: Any, source: Any, tape: Any = None) -> Explanation:
    """Why there is a gradient of `target` by `source`, or none: the operations on the way, and the first cut.

    target  a Tensor or Variable, or a nest of them
    source  a Tensor or Variable
    tape    the GradientTape that was asked; else the one that last found no gradient, or one that is open

    Inside ``config.override(explain=True)`` everything is noted, with files and lines; else what is known of values
    that are pending, or were recorded by a tape that is persistent or found no gradient. Raises ArgumentError for what
    is no Tensor or Variable.

    >>> import gradtape as tf
    >>> x = tf.constant([0.5, 1.5])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = 3. * tf.floor(tf.exp(x))
    >>> tape.gradient(y, x) is None
    True
    >>> found = tf.explain(y, x)
    >>> found.cut.reason, found.cut.operation, [step.operation for step in found.steps]
    ('jump', 'floor', ['exp', 'floor', 'multiply'])
    """
    targets = [_of_target(one) for one in nest.flatten(target)]
    node = need_tensor(source, "the source of explain") if not getattr(source, "assignable", False) else source.leaf
    question = _asked(tape, targets, node)
    recording = question if isinstance(question, Recording) else question.recording if question else None
    sources = [node]
    if recording is not None and getattr(source, "assignable", False):
        sources = [*recording.reads.get(id(source), (source, []))[1], node]
    ops = question.ops if isinstance(question, Question) else {}
    return explained(recording, targets, sources, ops, source if getattr(source, "assignable", False) else None)


class Question:
    """What a tape was asked: the recording, the nodes of the targets and of each source, where it found nothing, and
    what made the targets as far as the tape did not record it, which would be forgotten with their values."""

    __slots__ = ("__weakref__", "missing", "ops", "recording", "targets", "variables", "wanted")

    def __init__(
        self,
        recording: Recording,
        targets: list[Node],
        wanted: list[Sequence[Node]],
        totals: Sequence[Node | None],
        sources: Sequence[Any] = (),
    ):
        known = [one if getattr(one, "assignable", False) else None for one in sources]
        self.variables = known or [None] * len(wanted)
        self.recording = recording
        self.targets = targets
        self.wanted = wanted
        self.missing = [total is None for total in totals]
        self.ops: dict[Node, Op] = {}
        stack = [node for node in targets if node not in recording.made] if any(self.missing) else []
        while stack:
            node = stack.pop()
            if node.op is not None and node not in self.ops and node not in recording.made:
                self.ops[node] = tuple(node.op)  # type: ignore[assignment]
                stack += node.op[1]

    def reasons(self) -> list[str | None]:
        """For each source the reason why there is no gradient; None where there is one."""
        return [
            str(explained(self.recording, self.targets, nodes, self.ops, variable).cut or UNRELATED)
            if missing
            else None
            for nodes, variable, missing in zip(self.wanted, self.variables, self.missing, strict=True)
        ]


_last: ContextVar[Any] = ContextVar("last", default=None)


def asked(question: Question) -> Question:
    """Remember what was asked last, as long as the tape does."""
    _last.set(ref(question))
    return question


def _asked(tape: Any, targets: list[Node], source: Node) -> Question | Recording | None:
    """What knows most of the way from a source to targets."""
    if tape is not None:
        return tape._question or tape._recording
    last = _last.get() and _last.get()()
    known = [*([last] if last else []), *reversed(recordings.get())]
    for one in known:
        made = (one if isinstance(one, Recording) else one.recording).made
        if source in made or any(node in made for node in targets):
            return one
    return last


def _of_target(target: Any) -> Node:
    if target is None:
        raise TargetError("the target of explain is None; if it came from a gradient, explain that one first")
    return target.leaf if getattr(target, "assignable", False) else need_tensor(target, "the target of explain")


def warning(question: Question) -> str:
    """What to say where there is no gradient."""
    reasons = [(i, reason) for i, reason in enumerate(question.reasons()) if reason]
    if len(question.wanted) == 1:
        return f"the gradient is None: {reasons[0][1]}"
    return "; ".join(f"the gradient by source {i} is None: {reason}" for i, reason in reasons)
