"""A step: the operations of an Update on the present values, remembered, so that Python makes them but once."""

from __future__ import annotations

from collections.abc import Sequence

from gradtape.graph.dtypes import float64
from gradtape.graph.node import Node
from gradtape.graph.remember import remembered
from gradtape.ops.arithmetic import floor
from gradtape.ops.declare import convert
from gradtape.optimizers.update import Update
from gradtape.variable import Variable


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
