"""A Program made ready to run: rewritten, planned, its kernels compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.engine import profile
from gradtape.engine.describe import Work, works
from gradtape.engine.donate import chosen, given, overwritable
from gradtape.engine.kernel import bound, dense, gather
from gradtape.engine.library import ROUTINES
from gradtape.engine.plan import SMALLER, plan
from gradtape.engine.steps import CallStep
from gradtape.graph.node import Buffer, held
from gradtape.graph.program import Program
from gradtape.rewrite import rewrite


class Executable:
    """A Program's plan with its kernels."""

    def __init__(self, program: Program):
        self.program = program
        self.plan = made = plan(rewrite(program))
        self.steps: list[Any] = []
        calls: dict[tuple, _Call] = {}
        for step in made.steps:
            if not isinstance(step, CallStep):
                self.steps.append(bound(step))
            elif step.op[0].several:  # one call for all its results
                key = (step.op[0], tuple(step.inputs), step.op[2][:-1])
                if key not in calls:
                    calls[key] = _Call(step)
                    self.steps.append(calls[key])
                calls[key].places.append((step.op[2][-1], step.output))
            else:
                self.steps.append(_Call(step))
        self._runs = [step.run for step in self.steps]
        self._empty = [None] * (made.slots - len(program.leaves))
        self._outputs = gather(made.outputs)
        only = self.steps[0] if len(self.steps) == 1 else None
        self._only = only if only is not None and not isinstance(only, _Call) and only.outputs == made.outputs else None
        self._overwrites: dict[Any, list[tuple[int, list[int]]]] | None = (
            None  # asked for by the first run that may use it
        )

    def __call__(self, values: list[Any]) -> Sequence[Any]:
        if given and not profile.collecting.get():
            return self._overwriting(values)
        if self._only is not None and not profile.collecting.get():  # the shortest way
            return self._only.results(values)
        slots = values + self._empty
        if profiles := profile.collecting.get():
            profile.run(self, slots, profiles)
        else:
            for run in self._runs:
                run(slots)
        return self._outputs(slots)

    def _overwriting(self, values: list[Any]) -> Sequence[Any]:
        """Run, some results in the memory of leaves that were given away."""
        if self._overwrites is None:
            kernels = [step for step in self.plan.steps if not isinstance(step, CallStep)]
            found = overwritable(kernels, self.plan, len(self.program.leaves))
            with_code = [step for step in self.steps if not isinstance(step, _Call)]
            self._overwrites = {with_code[number]: places for number, places in found.items()}
        slots = values + self._empty
        for step in self.steps:
            places = self._overwrites.get(step)
            if places:
                results = step.results(slots, chosen(places, slots, step.step.shapes))
                for slot, value in zip(step.outputs, results, strict=True):
                    slots[slot] = value
            else:
                step.run(slots)
        return self._outputs(slots)

    def works(self) -> list[Work]:
        """What each step is and costs."""
        return works(self.program, self.plan)


class _Call:
    """A primitive that runs as NumPy's function."""

    def __init__(self, step: CallStep):
        self.step = step
        self.dense = step.op[0].library in ROUTINES
        self.function = ROUTINES.get(step.op[0].library, step.op[0].reference)
        self.places: list[tuple[int, int]] = []  # of several results: which one belongs to which slot

    def run(self, slots: list[Any]) -> None:
        _, inputs, params = self.step.op
        arrays = []
        for i, x in zip(self.step.inputs, inputs, strict=True):
            value = slots[i]
            if type(value) is not Buffer:
                arrays.append(np.asarray(value, x.dtype.dtype))
            else:
                arrays.append(dense(value) if self.dense else value.array)
        if self.places:
            results = self.function(*arrays, *params[:-1])
            for index, slot in self.places:
                slots[slot] = held(results[index])
        else:
            result = np.asarray(self.function(*arrays, *params))
            slots[self.step.output] = held(_without_rest(result) if self.step.view else result)


def _without_rest(array: np.ndarray) -> np.ndarray:
    """A view, copied if it would keep much more memory alive than it shows."""
    whole = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    return array.copy() if SMALLER * array.nbytes <= whole.nbytes else array
