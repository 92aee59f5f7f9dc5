"""Zeros, infinities, NaN, ends of the domain, overflow and underflow: as in C99 and Python's math module."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mpmath import mpf

from . import oracle
from .harness import DTYPES, evaluate

INF, NAN = math.inf, math.nan
KINDS = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())


def same(a: float, b: float) -> bool:
    """Equal, with the sign of zero; NaN equals NaN."""
    return (
        math.isnan(a) and math.isnan(b)
        if math.isnan(a) or math.isnan(b)
        else a == b and math.copysign(1, a) == math.copysign(1, b)
    )


HALF_PI = math.pi / 2
AT: dict[str, list[tuple[float, float]]] = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e30, INF), (-1e30, 0.0)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (-1e30, -1.0), (1e30, INF)],
    "exp2": [(0.0, 1.0), (10.0, 1024.0), (-149.0, 2.0**-149), (INF, INF), (-INF, 0.0), (-1e30, 0.0)],
    "log": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (-INF, NAN)],
    "log2": [(1.0, 0.0), (8.0, 3.0), (2.0**-149, -149.0), (0.0, -INF), (INF, INF), (-1.0, NAN)],
    "log10": [(1.0, 0.0), (1000.0, 3.0), (0.0, -INF), (INF, INF), (-1.0, NAN)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (-2.0, NAN), (INF, INF), (-INF, NAN)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)],
    "tan": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)],
    "asin": [(0.0, 0.0), (-0.0, -0.0), (1.0, HALF_PI), (-1.0, -HALF_PI), (1.5, NAN), (-2.0, NAN), (INF, NAN)],
    "acos": [(1.0, 0.0), (-1.0, math.pi), (0.0, HALF_PI), (1.5, NAN), (-2.0, NAN), (INF, NAN)],
    "atan": [(0.0, 0.0), (-0.0, -0.0), (INF, HALF_PI), (-INF, -HALF_PI), (1e30, HALF_PI)],
    "sinh": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (1e30, INF)],
    "cosh": [(0.0, 1.0), (INF, INF), (-INF, INF), (-1e30, INF)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e30, 1.0), (20.0, 1.0)],
    "asinh": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF)],
    "acosh": [(1.0, 0.0), (0.5, NAN), (0.0, NAN), (-2.0, NAN), (INF, INF), (-INF, NAN)],
    "atanh": [(0.0, 0.0), (-0.0, -0.0), (1.0, INF), (-1.0, -INF), (2.0, NAN), (-INF, NAN)],
    "sigmoid": [(0.0, 0.5), (INF, 1.0), (-INF, 0.0), (1e30, 1.0), (-1e30, 0.0)],
    "softplus": [(INF, INF), (-INF, 0.0), (1e30, 1e30), (-1e30, 0.0)],
    "rsqrt": [(4.0, 0.5), (0.0, INF), (-0.0, -INF), (INF, 0.0), (-1.0, NAN), (-INF, NAN)],
}


@KINDS
@pytest.mark.parametrize("name", AT)
def test_function_of_one_argument(name: str, dtype: np.dtype) -> None:
    arguments, expected = np.array([*AT[name], (NAN, NAN)]).T.astype(dtype)
    results = evaluate(name, arguments)
    assert all(same(float(r), float(t)) for r, t in zip(results, expected, strict=True)), results


@KINDS
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
@pytest.mark.parametrize("order", range(1, 13))
def test_derivatives_of_the_logistic_family(name: str, order: int, dtype: np.dtype) -> None:
    at_zero, *far, at_nan = evaluate(
        name, np.array([0.0, INF, -INF, 1e30, -1e30, 900.0, -900.0, NAN], dtype), order=order
    )
    assert (at_zero == 0) == (order % 2 == 0)
    assert not np.any(far)
    assert math.isnan(at_nan)


SPECIAL = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    1.5,
    -1.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    2.0**24 - 1,
    2.0**30,
    -(2.0**30),
    INF,
    -INF,
    NAN,
]


def reference_pow(x: float, y: float) -> float:
    try:
        return math.pow(x, y)
    except OverflowError:
        return math.copysign(INF, x) if y == math.floor(y) and y % 2 else INF
    except ValueError:  # a pole or a negative number to a fraction
        if x == 0:
            return math.copysign(INF, x) if y == math.floor(y) and y % 2 else INF
        return NAN


REFERENCES = {"pow": reference_pow, "atan2": math.atan2, "hypot": math.hypot}


@KINDS
@pytest.mark.parametrize("name", REFERENCES)
def test_function_of_two_arguments(name: str, dtype: np.dtype) -> None:
    x, y = (a.ravel() for a in np.meshgrid(np.array(SPECIAL, dtype), np.array(SPECIAL, dtype)))
    results = evaluate(name, x, y)
    wrong = []
    for a, b, r in zip(x, y, results, strict=True):
        with np.errstate(over="ignore"):
            t = dtype.type(REFERENCES[name](float(a), float(b)))
        close = np.isfinite(t) and t != 0 and abs(r - t) <= np.spacing(abs(t))
        if not (close or same(float(r), float(t))):
            wrong.append((a, b, r, t))
    assert not wrong


@KINDS
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 64, -1, -2, -3, -64])
def test_integer_pow(n: int, dtype: np.dtype) -> None:
    x = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, INF, -INF, NAN], dtype)
    results = evaluate("integer_pow", x, n=n)
    assert all(same(float(r), reference_pow(float(a), n)) for a, r in zip(x, results, strict=True))


@pytest.mark.parametrize("n", [65, -65])
def test_integer_pow_says_its_range(n: int) -> None:
    with pytest.raises(ValueError, match="from -64 to 64"):
        evaluate("integer_pow", np.ones(8), n=n)


@KINDS
def test_tails_are_not_lost(dtype: np.dtype) -> None:
    """What naive formulas lose: 1/(1+exp(-x)) at -100, s(1-s) at 17, 1-t² at 8, log(1+exp(x)) at -80."""

    def at(name: str, x: float, **parameters: int) -> float:
        return float(evaluate(name, np.array([x], dtype), **parameters)[0])

    def true(name: str, x: float, **parameters: int) -> float:
        return dtype.type(float(oracle.FUNCTIONS[name](mpf(x), **parameters)))

    assert at("sigmoid", -100.0) == true("sigmoid", -100.0) > 0
    assert at("sigmoid", 17.0, order=1) == true("sigmoid", 17.0, order=1)
    assert at("tanh", 8.0, order=1) == true("tanh", 8.0, order=1)
    assert at("softplus", -80.0) == true("softplus", -80.0)
    tiny = np.finfo(dtype).smallest_subnormal
    for name in ("sinh", "tanh", "asinh", "atanh", "sin", "tan", "asin", "atan", "expm1", "log1p"):
        assert at(name, float(tiny)) == tiny
