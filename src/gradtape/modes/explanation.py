"""What an explanation of a gradient is: the steps from the source to the target, and the cuts among them.

It is what `explain` returns, and what `lost` finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gradtape.graph.handles import wrap
from gradtape.graph.node import Node, Op, recordings
from gradtape.graph.origins import Place
from gradtape.modes.reverse import RULES
from gradtape.ops.custom import custom_call
from gradtape.ops.shaping import full


@dataclass(frozen=True)
class Cut:
    """A place that no gradient passes.

    reason      in one word: "unwatched", "late", "before", "after", "paused", "unrecorded", "jump", "integer",
                "stopped", "decides", "rule", "assigned", "left" or "unrelated"
    operation   the operation, or ""
    what        what happened, as a sentence
    fix         what to do about it
    place       the user's file and line, if it was recorded
    """

    reason: str
    operation: str
    what: str
    fix: str
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.what}{f' (in {self.place})' if self.place else ''}: {self.fix}"


@dataclass(frozen=True)
class Step:
    """An operation on the way from the source to the target.

    operation   its name
    i           which of its inputs the way comes from
    of          element type and shape of its result
    place       the user's file and line, if it was recorded
    cut         why no gradient passes, or None
    """

    operation: str
    i: int
    of: str
    place: Place | None
    cut: Cut | None
    _made: tuple[Node, Op] | None = field(default=None, repr=False, compare=False)

    @property
    def derivative(self) -> Any:
        """The derivative of the sum of the result by that input, a Tensor; None where there is none."""
        if self._made is None or self.cut is not None:
            return None
        found = slope_of(*self._made, self.i)
        return None if found is None else wrap(found)


@dataclass(frozen=True)
class Explanation:
    """How a target depends on a source.

    connected   whether there is a gradient
    steps       the operations from the source to the target, as far as they are known
    cuts        the places that no gradient passes, the first one from the source in front
    """

    connected: bool
    steps: tuple[Step, ...]
    cuts: tuple[Cut, ...]

    @property
    def cut(self) -> Cut | None:
        """The first cut; None if there is a gradient."""
        return self.cuts[0] if self.cuts else None

    def __str__(self) -> str:
        if self.cut is None:
            head = ["the target depends on the source" + ("; from the source:" if self.steps else ": it is the source")]
        else:
            place = f" (in {self.cut.place})" if self.cut.place else ""
            head = [f"there is no gradient: {self.cut.what}{place}", f"    to do: {self.cut.fix}"]
            if self.steps:
                head.append("from the source:")
        return "\n".join([*head, *[f"    {_line(step)}" for step in self.steps]])

    __repr__ = __str__


def slope_of(node: Node, op: Op, i: int) -> Node | None:
    """The derivative of the sum of a result by the input `i`."""
    primitive, inputs, params = op
    one = full(node.shape, 1, node.dtype)
    token = recordings.set(())
    try:
        if primitive.kind != "custom":
            return RULES[primitive.kind](primitive.rule, one, i, node, inputs, params)
        rule, results, arguments, which = custom_call(op)
        place = i - (len(inputs) - len(arguments))
        if place < 0:
            return None
        results = tuple([node if j == which else y for j, y in enumerate(results)])
        cts = [one if j == which else full(y.shape, 0, y.dtype) for j, y in enumerate(results)]
        return rule.pull(arguments, results, cts)[place]
    finally:
        recordings.reset(token)


def _line(step: Step) -> str:
    """A step as people read it."""
    place = f", in {step.place}" if step.place else ""
    if step.cut is not None:
        return f"{step.operation}: no derivative{place}"
    slope = step.derivative
    if slope is None:
        return f"{step.operation}{place}"
    numbers = slope.numpy()
    shown = (
        f"{numbers:.8g}"
        if numbers.ndim == 0
        else "none"
        if not numbers.size
        else (f"{numbers.min():.8g} to {numbers.max():.8g}")
    )
    return f"{step.operation}: derivative {shown}{place}"
