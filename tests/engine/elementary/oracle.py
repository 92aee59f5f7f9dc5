"""The same functions by mpmath, and the measure of error: units in the last place of the format at the true value."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from mpmath import mp, mpf

PRECISION = 250
"""Bits: a result may lose 53 by cancellation in a formula below and is still known to 100 more than a double."""


def sigmoid(x: mpf, order: int = 0) -> mpf:
    """From the recurrence s' = s (1 - s) as a polynomial in s, with bits to spare for its cancellation."""
    with mp.workprec(2600 if order % 2 == 0 and order else 400 + 10 * order):
        return +_sigmoid(x, order)


def _sigmoid(x: mpf, order: int) -> mpf:
    flip = x > 0 and order > 0  # even or odd, and s is small and exact for negative x
    e = mp.exp(-abs(x))
    s = 1 / (1 + e) if x > 0 and not order else e / (1 + e)
    polynomial = [0, 1]  # coefficients of s**i
    for _ in range(order):
        slope = [i * c for i, c in enumerate(polynomial)]  # p' * s (1 - s), once more by s
        polynomial = [a - b for a, b in zip([*slope, 0], [0, *slope], strict=True)]
    value = mpf(0)
    for c in reversed(polynomial):
        value = value * s + c
    return -value if flip and order % 2 == 0 else value


def tanh(x: mpf, order: int = 0) -> mpf:
    return 2 ** (order + 1) * sigmoid(2 * x, order) if order else mp.tanh(x)


def softplus(x: mpf) -> mpf:
    return max(x, mpf(0)) + mp.log1p(mp.exp(-abs(x)))


FUNCTIONS: dict[str, Callable[..., mpf]] = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "exp2": lambda x: mpf(2) ** x,
    "log": mp.log,
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x) / mp.ln2,
    "log10": lambda x: mp.log(x) / mp.ln10,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "rsqrt": lambda x: 1 / mp.sqrt(x),
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "pow": lambda x, y: x**y,
    "integer_pow": lambda x, n: x**n,
    "multiple_of_power": lambda x, n, c: c * x**n,
}


def unit(t: mpf, dtype: np.dtype) -> mpf:
    """The spacing of the format at t, which among subnormals (and at 0) is the smallest number."""
    info = np.finfo(dtype)
    smallest = info.minexp - info.nmant
    return mp.ldexp(1, smallest if t == 0 else max(mp.frexp(t)[1] - 1 - info.nmant, smallest))


def ulps(result: float, true: mpf, dtype: np.dtype) -> float:
    """|result - true| in ulps; an infinite result counts as the power of two behind the largest number."""
    if math.isnan(result):
        return math.inf
    value = mpf(result)
    if math.isinf(result):
        value = mp.sign(value) * mp.ldexp(1, int(np.finfo(dtype).maxexp))
        if abs(true) >= abs(value):
            return 0.0 if mp.sign(true) == mp.sign(value) else math.inf
    return float(abs(value - true) / unit(true, dtype))
