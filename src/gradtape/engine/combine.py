"""How reductions combine values: which operation, from what start, in which element type, in which order.

The order follows from the shape and the axes alone: not from what is fused with a reduction, how its operand stands in
memory, the number of threads or the processor.

* **In lanes.** A row, the reduced axes as one where no axis follows them, is cut into blocks of BLOCK elements. Element
  i of a block goes into accumulator ``i % WIDTH``, from the left to the right; then the upper half of the accumulators
  is combined with the lower half until one is left.
* **In columns.** Where axes follow the reduced ones, and where there are MANY rows or more of at most SHORT_ROW
  elements: blocks of ROWS elements, from the left to the right.

If there are several blocks, their results are reduced in the same way again, rows in lanes and columns in columns. So
the error of a sum grows with the logarithm of the number of elements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradtape.engine.machine import HALVES, Machine, Value

BLOCK = 4096
WIDTH = 32
ROWS = 128
SHORT_ROW = 24
MANY = 32


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
    """The element type in which a reduction is carried out: float32 and the half types are summed and multiplied in
    float64."""
    if reduction in ("add", "mul"):
        return "float64" if "float" in dtype else dtype
    return "float32" if dtype in HALVES else dtype
