"""What is true: a graph evaluated by mpmath, with no rounding that could be seen, and how far a result is from it.

A fixed precision is no truth: exp(x) - 1 at 1e-300 needs a thousand bits. So the precision is raised until two of them
agree, and further where an addition left nothing or a division found nothing to divide by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from gradtape.graph.dtypes import finfo
from gradtape.graph.node import TABLE
from gradtape.graph.program import Program
from gradtape.study.accuracy_graph import Graph

HIGHEST_PRECISION = 5000
"""Bits at which raising ends: some times what it takes to see the smallest float64 beside 1."""

GUARD = 20
"""Two precisions agree if they differ by less than this many bits below an ulp."""

LARGEST_ARGUMENT = 4000
"""The binary exponent from which on the argument of exp, sin and their like counts as infinite."""

TYPED_DIGITS = 15
"""A number that has no more decimal digits is the decimal as typed; one with more is the binary number it is stored as.
"""


def context() -> Any:
    """A context of mpmath of our own, which nobody else gives another precision. Arguments are bounded where results
    and effort would explode: exp(exp(1e30)) is infinite."""
    from mpmath.ctx_mp import MPContext

    mp = MPContext()
    for name in ("exp", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh"):
        setattr(mp, name, _bounded(mp, getattr(mp, name)))
    return mp


def _bounded(mp: Any, function: Callable) -> Callable:
    def call(x: Any) -> Any:
        if mp.isfinite(x) and x and mp.mag(x) > LARGEST_ARGUMENT:
            x = mp.inf if x > 0 else -mp.inf
        return function(x)

    return call


class Truth:
    """The exact values of the outputs of a graph."""

    def __init__(self, graph: Graph, dtype: np.dtype):
        self.graph, self.dtype = graph, dtype
        self.mp = context()
        self.start = 2 * finfo(dtype).nmant + 64

    def values(self, x: Any, wanted: Sequence[int]) -> list[Any]:
        """The outputs with the numbers `wanted`: mpmath's numbers, NaN where there is no real value or none that can
        be found."""
        outputs = self.graph.program.outputs
        known, _ = self.settled(x, [outputs[i] for i in wanted])
        return [known[outputs[i]] for i in wanted]

    def settled(self, x: Any, wanted: Sequence[int]) -> tuple[dict[int, Any], int]:
        """The exact value of every leaf and operation, at a precision (that in bits comes second) at which those
        wanted are settled."""
        precision = self.start
        coarse, _ = self.at(x, precision)
        while True:
            precision *= 2
            fine, vanished = self.at(x, precision)
            last = 2 * precision > HIGHEST_PRECISION
            if last or (not vanished and all(self.agree(coarse[i], fine[i]) for i in wanted)):
                if last:
                    for i in wanted:
                        if not self.agree(coarse[i], fine[i]):
                            fine[i] = self.mp.nan
                return fine, precision
            coarse = fine

    def agree(self, a: Any, b: Any) -> bool:
        if isinstance(b, bool) or not self.mp.isfinite(b):
            return a == b or (a != a and b != b)
        return self.mp.isfinite(a) and abs(a - b) <= self.mp.ldexp(unit(self.mp, b, self.dtype), -GUARD)

    def at(self, x: Any, precision: int) -> tuple[dict[int, Any], bool]:
        """Every value at a precision, and whether one vanished that may be there at a higher one."""
        mp, graph = self.mp, self.graph
        with mp.workprec(precision):
            known = {-1 - i: exact_number(mp, value) for i, value in enumerate(graph.leaves)}
            if graph.variable:
                known[graph.variable] = mp.mpf(x)
            return known, run(mp, graph.program, known)


def run(mp: Any, program: Program, known: dict[int, Any]) -> bool:
    """Add the value of every operation to those of the leaves; whether one vanished, see `Truth.at`."""
    vanished = False
    for number, (name, params, inputs) in enumerate(program.steps):
        operands = [known[i] for i in inputs]
        value, poor = apply(mp, name, operands, params)
        known[number] = value
        vanished = vanished or poor
    return vanished


def apply(mp: Any, name: str, operands: Sequence[Any], params: tuple) -> tuple[Any, bool]:
    """The value of a primitive, and whether it is 0 or undefined for what may be a lack of digits, as log(1 + 1e-300)
    is. NaN where it has no real value."""
    primitive = TABLE[name]
    assert primitive.exact is not None
    finite = all(isinstance(v, bool) or mp.isfinite(v) for v in operands)
    try:
        value = primitive.exact(mp, *operands, *params)
    except (ZeroDivisionError, ValueError):
        return mp.nan, finite
    if isinstance(value, mp.mpc):
        return mp.nan, False
    if value or not finite or primitive.kind != "elementwise":
        return value, False
    return value, any(operands) if name in ("add", "subtract") else all(operands)


def exact_number(mp: Any, value: Any) -> Any:
    """The number that a constant of the user's code stands for.

    >>> mp = context()
    >>> exact_number(mp, 0.1) == mp.mpf("0.1"), exact_number(mp, 3.141592653589793) == mp.mpf(3.141592653589793)
    (True, True)
    """
    if isinstance(value, (bool, int)) or not math.isfinite(value):
        return value if isinstance(value, bool) else mp.mpf(value)
    number = meant(value)
    return mp.mpf(number.numerator) / number.denominator


def meant(value: float) -> Fraction:
    """The same as a fraction.

    >>> meant(0.1), meant(1 / 3) == Fraction(1 / 3)
    (Fraction(1, 10), True)
    """
    digits = Decimal(repr(float(value)))
    return Fraction(digits) if len(digits.as_tuple().digits) <= TYPED_DIGITS else Fraction(value)


# -- the measure ----------------------------------------------------------------------------------------------


def unit(mp: Any, t: Any, dtype: np.dtype) -> Any:
    """The spacing of the format at t: among subnormals, and at 0, the smallest number; beyond the largest, as there."""
    info = finfo(dtype)
    smallest = int(info.minexp - info.nmant)
    if not t:
        return mp.ldexp(1, smallest)
    exponent = min(int(mp.mag(t)), int(info.maxexp))
    return mp.ldexp(1, max(exponent - 1 - int(info.nmant), smallest))


def rounds_to_zero(mp: Any, t: Any, dtype: np.dtype) -> bool:
    info = finfo(dtype)
    return abs(t) <= mp.ldexp(1, int(info.minexp - info.nmant) - 1)


def overflows(mp: Any, t: Any, dtype: np.dtype) -> bool:
    info = finfo(dtype)
    return abs(t) >= mp.ldexp(2 - mp.ldexp(1, -int(info.nmant) - 1), int(info.maxexp) - 1)


def rounded(mp: Any, t: Any, dtype: np.dtype) -> float:
    """The nearest number of the format, as a Python float."""
    if not mp.isfinite(t) or not t:
        return float(t)
    if overflows(mp, t, dtype):
        return math.inf if t > 0 else -math.inf
    with mp.workprec(3000):
        spacing = unit(mp, t, dtype)
        return float(mp.nint(t / spacing) * spacing)


def ulps(mp: Any, result: float, t: Any, dtype: np.dtype) -> float:
    """|result - t| in ulps; an infinite result, or truth, counts as the power of two behind the largest number."""
    if math.isnan(result):
        return math.inf
    end = mp.ldexp(1, int(finfo(dtype).maxexp))
    if overflows(mp, t, dtype):
        if math.isinf(result):
            return 0.0 if (result > 0) == (t > 0) else math.inf
        return float(abs(mp.mpf(result) - mp.sign(t) * end) / unit(mp, end / 2, dtype))
    if math.isinf(result):
        return math.inf
    return float(abs(mp.mpf(result) - t) / unit(mp, t, dtype))
