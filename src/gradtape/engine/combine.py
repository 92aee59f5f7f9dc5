"""How reductions combine values: which operation, from what start, in which element type, in blocks of which size.

Blocks have a fixed size and their results are combined by reducing them again, so the order of all operations follows
from the shape alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradtape.engine.machine import Machine, Value

BLOCK = 1024
"""Elements of the innermost axis in a unit; how many are combined before partial results are combined."""

ROWS = 64
"""The same for a reduced axis that is not the innermost one."""


@dataclass(frozen=True)
class Combine:
    """How a reduction combines two values, and what it starts from."""

    function: Callable[[Machine, Value, Value], Value]
    start: Callable[[str], float | int | bool]


def _least(type: str) -> float | int:
    return float("-inf") if type in ("float", "double") else -(1 << (31 if type == "i32" else 63))


def _largest(type: str) -> float | int:
    return float("inf") if type in ("float", "double") else (1 << (31 if type == "i32" else 63)) - 1


COMBINE = {
    "add": Combine(lambda m, a, b: a + b, lambda type: 0),
    "mul": Combine(lambda m, a, b: a * b, lambda type: 1),
    "max": Combine(lambda m, a, b: m.maximum(a, b), _least),
    "min": Combine(lambda m, a, b: m.minimum(a, b), _largest),
    "and": Combine(lambda m, a, b: a & b, lambda type: True),
    "or": Combine(lambda m, a, b: a | b, lambda type: False),
}


def accumulator(dtype: str, reduction: str) -> str:
    """The element type in which a reduction is carried out: float32 is summed and multiplied in float64."""
    return "float64" if dtype == "float32" and reduction in ("add", "mul") else dtype
