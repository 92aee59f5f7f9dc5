"""A Program made ready to run: rewritten, planned, its kernels compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.engine.kernel import bound, gather
from gradtape.engine.plan import CallStep, Plan, plan
from gradtape.graph.node import Buffer, held
from gradtape.graph.program import Program
from gradtape.rewrite import rewrite


class Executable:
    """A Program's plan with its kernels."""

    def __init__(self, program: Program):
        made: Plan = plan(rewrite(program))
        self.steps = [_Call(step) if isinstance(step, CallStep) else bound(step) for step in made.steps]
        self._runs = [step.run for step in self.steps]
        self._empty = [None] * (made.slots - len(program.leaves))
        self._outputs = gather(made.outputs)

    def __call__(self, values: list[Any]) -> Sequence[Any]:
        slots = values + self._empty
        for run in self._runs:
            run(slots)
        return self._outputs(slots)


class _Call:
    """A primitive that runs as NumPy's function."""

    def __init__(self, step: CallStep):
        self.step = step

    def run(self, slots: list[Any]) -> None:
        primitive, inputs, params = self.step.op
        arrays = []
        for i, x in zip(self.step.inputs, inputs, strict=True):
            value = slots[i]
            arrays.append(value.array if type(value) is Buffer else np.asarray(value, x.dtype.dtype))
        slots[self.step.output] = held(np.asarray(primitive.reference(*arrays, *params)))
