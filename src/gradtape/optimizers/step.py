"""A step: the operations of an Update on the present values, remembered, so that Python makes them but once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradtape import config
from gradtape.engine.donate import donated
from gradtape.graph.dtypes import float64
from gradtape.graph.node import Node
from gradtape.graph.remember import remembered
from gradtape.graph.trace import thread
from gradtape.ops.arithmetic import floor
from gradtape.ops.declare import convert
from gradtape.optimizers.update import Update
from gradtape.variable import Variable, assign_all


class Slot(Variable):
    """What an optimizer keeps for a variable from step to step. `own` says that nobody read the present value, so that
    the next one may be written over it."""

    __slots__ = ("own",)

    def __init__(self, *args: Any, **kwargs: Any):
        self.own = False
        super().__init__(*args, **kwargs)

    @property
    def leaf(self) -> Node:  # type: ignore[override]
        self.own = False
        return Variable.leaf.fget(self)  # type: ignore[attr-defined]

    def __reduce__(self) -> tuple:
        return Slot, super().__reduce__()[1]


def renew(variables: Sequence[Variable], values: Sequence[Any], own: Sequence[Slot], slots: Sequence[Slot]) -> None:
    """Set variables, among them the slots, to values that a step has made; those that nobody read since the last step
    in the memory that they have."""
    if thread.capture is not None or not config.usual():  # then values may be computed one by one
        assign_all(variables, values)
        return
    with donated([slot.held for slot in own]):
        assign_all(variables, values)
    for slot in slots:
        slot.own = True


def change(
    update: Update,
    variables: Sequence[Variable],
    gradients: Sequence[Node],
    slots: Sequence[Sequence[Variable]],
    names: tuple[str, ...],
    numbers: Sequence[Node],
    count: Variable,
) -> list[Node]:
    """The new values, pending, of each variable followed by those of its slots, and then of the count of calls.

    numbers     of the method, float64, of these names
    count       how often it was called before
    """
    inputs = [count.leaf, *numbers, *gradients, *[v.leaf for v in variables]]
    for kept in slots:
        inputs += [slot.leaf for slot in kept]

    def make() -> list[Node]:
        before, rest = inputs[0], iter(inputs[1:])
        known = {name: next(rest) for name in names}
        gs, ws = ([next(rest) for _ in variables] for _ in range(2))
        kept = [[next(rest) for _ in own] for own in slots]
        known["call"] = convert(before, float64) + 1
        known["step"] = floor((known["call"] - 1) / known["gather"]) + 1 if update.gathered else known["call"]
        return [*update(ws, gs, kept, known), before + 1]

    return remembered((update, names, len(variables), len(slots[0])), inputs, make)
