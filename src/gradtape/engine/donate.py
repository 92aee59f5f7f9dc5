"""Memory that results may be written over: values that nobody reads after a run, as their successors come from it.

    with donated([old m, old v]):           m ← β₁·m + …,  v ← β₂·v + …    in the memory where they stood
        run the step

A kernel reads all operands of a few elements before it stores these, so a result may stand where an operand stood, if
both are walked through alike and nobody else reads the operand. Which ones those are is known for a plan; whether a
value was given away is asked in each run. It holds for a Program that runs as a whole: one that runs op by op, or in
pieces, reads values again, and takes them back.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gradtape.graph.node import Buffer

if TYPE_CHECKING:  # kernels are loaded when the first one is needed
    from gradtape.engine.steps import KernelStep, Plan

given: dict[int, Buffer] = {}
"""What was given away, by id."""

_count = sys.getrefcount


def counts_references() -> bool:
    """Whether the interpreter knows who holds an object."""
    return sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


@contextmanager
def donated(holders: Iterable[Any]) -> Iterator[None]:
    """Within the block the values of these nodes, which the caller alone holds, may be written over.

    A value that somebody else holds, as another node has it or it left as an array, is not given away.
    """
    taken = []
    if counts_references():
        for holder in holders:
            value = holder.value
            if type(value) is Buffer and _count(value) == 3 and _count(value.array) == 2:
                taken.append(value)
                given[id(value)] = value
    try:
        yield
    finally:
        take_back(taken)


def take_back(values: Iterable[Any]) -> None:
    """These values are read again."""
    for value in values:
        given.pop(id(value), None)


def overwritable(kernels: Sequence[KernelStep], plan: Plan, leaves: int) -> dict[int, list[tuple[int, list[int]]]]:
    """For the kernels of a plan, by number: which leaves may be given away there, each with the results that can stand
    in its memory."""
    reads: dict[int, int] = {}
    for step in plan.steps:
        for slot in step.inputs:
            reads[slot] = reads.get(slot, 0) + 1
    found: dict[int, list[tuple[int, list[int]]]] = {}
    for number, kernel in enumerate(kernels):
        if kernel.spec.is_scalar or any(reduction for _, _, reduction in kernel.spec.outputs):
            continue
        for j, slot in enumerate(kernel.inputs):
            if slot < leaves and reads[slot] == 1 and slot not in plan.outputs:
                places = [k for k in range(len(kernel.shapes)) if _alike(kernel, j, k)]
                if places:
                    found.setdefault(number, []).append((slot, places))
    return found


def _alike(step: KernelStep, j: int, k: int) -> bool:
    """Whether operand j and result k are of one type and stand element by element in the same order."""
    spec = step.spec
    return (
        spec.operands[j] == (spec.outputs[k][1], "step")
        and spec.stores[k] == "step"
        and step.strides[j] == step.steps[k]
        and step.offsets[j] == 0
        and step.copied[j] is None
        and step.lists[j] is None
        and step.lists[len(step.inputs) + k] is None
    )


def chosen(places: Sequence[tuple[int, list[int]]], slots: Sequence[Any], shapes: Sequence[tuple]) -> dict[int, Buffer]:
    """The results that are to stand in the memory of leaves that were given away, with the Buffer that they become."""
    over: dict[int, Buffer] = {}
    for slot, results in places:
        value = given.get(id(slots[slot]))
        if value is not None and value.array.flags.c_contiguous:
            for k in results:
                if k not in over and value.array.shape == shapes[k]:
                    over[k] = value
                    break
    return over
