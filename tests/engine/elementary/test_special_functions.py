"""The special functions against mpmath: derivatives by its numerical differentiation at high precision.

Errors are in ulps for values, where the function has no zero between the floating-point numbers, else in units of
``ulp(result) + |slope| ulp(x) / 2``, as half an ulp of x is as much as anybody knows about x.
"""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from mpmath import mp, mpf

from gradtape.engine.elementary.coefficients import LGAMMA_TABLE, PSI_TABLE

from . import oracle
from .harness import DTYPES, evaluate
from .samples import arguments

KINDS = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
COUNT = int(os.environ.get("ELEMENTARY_SAMPLES", "24"))
"""Arguments of each kind per function and order."""
BOUND = {4: 0.52, 8: 0.76}
"""Ulps by the size of the type; for doubles 0.6, where the result is not subnormal (then it is rounded twice)."""
BITS = 260
"""Precision of the truth, which loses half of it where the value nearly vanishes."""
INF, NAN = math.inf, math.nan


def tanh_form(x: mpf) -> mpf:
    return x / (1 + mp.exp(-mp.sqrt(8 / mp.pi) * (x + mpf(44715) / 10**6 * x**3)))


TRUTH = {
    "erf": mp.erf,
    "erfc": mp.erfc,
    "gelu_erf": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "gelu_tanh": tanh_form,
    "lgamma": lambda x: mp.re(mp.loggamma(x)),
}


def derivative(name: str, x: mpf, order: int) -> mpf:
    """That of the part that decays far out; what is left differs from it by 1, 2 or x."""
    function = TRUTH[name]
    if not order:
        return function(x)
    if name.startswith("erf"):
        sign = -1 if x > 0 else 1
        return mp.diff(lambda t: mp.erfc(-sign * t), x, order) * (sign if name == "erf" else -sign)
    return mp.diff(lambda t: function(-t), x, order) + (order == 1) if x > 0 else mp.diff(function, x, order)


EDGE = {
    ("erf", 4): 10.6, ("erfc", 4): 10.6, ("gelu_erf", 4): 15.0, ("gelu_tanh", 4): 11.5,
    ("erf", 8): 28.0, ("erfc", 8): 28.0, ("gelu_erf", 8): 39.5, ("gelu_tanh", 8): 22.0,
}  # fmt: skip
"""Beyond these the derivatives are zero."""
SEAMS = {
    "erf": [0.5],
    "erfc": [0.5, 3.0, 10.5, 26.54],
    "gelu_erf": [0.7517915246935645, 1.4142135623730951],
    "gelu_tanh": [0.7524614220710162, 1.4184511],
    "lgamma": [1.0, 1.4616321449683623, 2.0, 3.0, 1e-21],
    "digamma": [1.0, 1.2116321449683623, 1.4616321449683623, 1.7116321449683623, 2.0, 8.0, 9.0, 16.0, 17.0, 1e-21],
}
"""Where methods change or results vanish."""


def error(name: str, order: int, x: np.ndarray, mixed: bool) -> tuple[float, float]:
    """The largest error, and where."""
    parameters = {} if name == "lgamma" else {"order": order}
    results = evaluate(name, x, **parameters)
    worst = (0.0, 0.0)
    with mp.workprec(BITS):
        for at, result in zip(x, results, strict=True):
            exact = mpf(float(at))
            if name == "digamma":
                true, slope = mp.psi(order, exact), mp.psi(order + 1, exact)
            elif name == "lgamma":
                true, slope = TRUTH[name](exact), mp.psi(0, exact)
            else:
                true = derivative(name, exact, order)
                slope = derivative(name, exact, order + 1) if mixed else mp.zero
            found = oracle.ulps(float(result), true, x.dtype)
            if mixed:
                found /= float(1 + abs(slope) * oracle.unit(exact, x.dtype) / 2 / oracle.unit(true, x.dtype))
            if not found <= worst[0]:
                worst = (found, float(at))
    return worst


def near(name: str, dtype: np.dtype) -> np.ndarray:
    """The neighbours of the seams, and points in other distances."""
    centre = np.array(SEAMS[name], dtype)
    steps = np.arange(-2, 3).astype(dtype)[:, None] * np.spacing(centre)
    return np.concatenate([(centre + steps).ravel(), centre * dtype.type(1 - 1e-4), centre * dtype.type(1 + 1e-6)])


def around_zero(name: str, dtype: np.dtype, seed: int) -> np.ndarray:
    """Arguments of both signs for erf and gelu: where there is a tail, and moderate ones of all sizes."""
    edge = EDGE[name, dtype.itemsize]
    rng = np.random.default_rng([seed, dtype.itemsize])
    parts = [rng.uniform(-edge, edge, COUNT), rng.uniform(-1.5, 1.5, COUNT), [edge - 0.5, 0.5 - edge, 2e-5, -3e-7]]
    seams = near(name, dtype)
    return np.concatenate([*parts, seams, -seams]).astype(dtype)


@KINDS
@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["erf", "erfc", "gelu_erf", "gelu_tanh"])
def test_value_and_derivatives(name: str, order: int, dtype: np.dtype) -> None:
    found, at = error(name, order, around_zero(name, dtype, order), mixed=order > 0)
    assert found <= BOUND[dtype.itemsize], at


@KINDS
@pytest.mark.parametrize("order", [5, 10])
@pytest.mark.parametrize("name", ["erf", "gelu_erf", "gelu_tanh"])
def test_high_orders(name: str, order: int, dtype: np.dtype) -> None:
    found, at = error(name, order, around_zero(name, dtype, order)[::6], mixed=True)
    assert found <= BOUND[dtype.itemsize], at


@KINDS
@pytest.mark.parametrize("name", ["erf", "gelu_erf", "gelu_tanh"])
def test_all_sizes(name: str, dtype: np.dtype) -> None:
    """Down to the smallest numbers, where a double loses half an ulp more."""
    x = arguments(dtype, COUNT)
    x = x[np.abs(x) < 2.0**-10]
    found, at = error(name, 0, x, mixed=False)
    assert found <= BOUND[dtype.itemsize], at


@KINDS
@pytest.mark.parametrize("name, order, factor", [
    ("erf", 2, "-4/sqrt(pi)"), ("gelu_erf", 3, "-4/sqrt(2*pi)"),
    ("gelu_tanh", 3, "12*sqrt(2/pi)*mpf('0.044715') - 4*sqrt(2/pi)**3"),
])  # fmt: skip
def test_odd_derivatives_are_relatively_exact_at_zero(name: str, order: int, factor: str, dtype: np.dtype) -> None:
    x = np.array([1e-12, -3e-20, 7e-30, 1.2e-36], dtype)
    with mp.workprec(BITS):
        slope = eval(factor, {"pi": mp.pi, "sqrt": mp.sqrt, "mpf": mpf})
        for at, result in zip(x, evaluate(name, x, order=order), strict=True):
            assert oracle.ulps(float(result), slope * mpf(float(at)), dtype) <= 0.6


@KINDS
def test_the_tail_of_erfc_ends_where_it_rounds_to_zero(dtype: np.dtype) -> None:
    x = np.linspace(*((9.0, 10.3) if dtype.itemsize == 4 else (26.4, 27.4)), 4 * COUNT).astype(dtype)
    found, at = error("erfc", 0, x, mixed=False)
    assert found <= BOUND[dtype.itemsize], at
    results = evaluate("erfc", x, order=0)
    assert np.any((results > 0) & (results < np.finfo(dtype).smallest_normal))
    assert results[-1] == 0


def positive(dtype: np.dtype, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, dtype.itemsize])
    parts = [np.abs(arguments(dtype, COUNT, seed)), rng.uniform(0, 4, COUNT), rng.uniform(0, 30, COUNT)]
    return np.concatenate(parts).astype(dtype)


def negative(dtype: np.dtype, seed: int) -> np.ndarray:
    """All sizes, the range with visible zeros, and next to poles."""
    rng = np.random.default_rng([seed, dtype.itemsize])
    parts = [
        -np.exp(rng.uniform(-60, math.log(3000), COUNT)),
        rng.uniform(-5, 0, COUNT),
        rng.integers(-30, 0, COUNT) + np.exp(rng.uniform(-20, -1, COUNT)),
    ]
    x = np.concatenate(parts).astype(dtype)
    return x[x != np.floor(x)]


@KINDS
def test_lgamma(dtype: np.dtype) -> None:
    x = np.concatenate([positive(dtype, 0), near("lgamma", dtype)])
    found, at = error("lgamma", 0, x[x > 0], mixed=False)  # zero and one of the samples beyond the largest number
    assert found <= 0.53, at
    found, at = error("lgamma", 0, negative(dtype, 0), mixed=False)
    assert found <= 0.6, at


@KINDS
@pytest.mark.parametrize("order", [0, 1, 2, 3, 8])
def test_digamma_and_polygamma(order: int, dtype: np.dtype) -> None:
    x = np.concatenate([positive(dtype, order), near("digamma", dtype)])
    x = x[(x > 0) & (x < (INF if order == 0 else 1e30))]
    found, at = error("digamma", order, x, mixed=False)
    assert found <= BOUND[dtype.itemsize], at
    found, at = error("digamma", order, negative(dtype, order), mixed=order > 0)
    assert found <= 0.53, at


def neighbours(zeros: list[float], dtype: np.dtype) -> np.ndarray:
    """The numbers next to each zero, on both sides."""
    x = np.array(zeros, dtype)
    x = np.concatenate([x, np.nextafter(x, dtype.type(-INF)), np.nextafter(x, dtype.type(INF))])
    return x[x != np.floor(x)]


def zero_of_digamma(n: int) -> float:
    """That between -n - 1 and -n, by bisection."""
    low, high = -n - 1 + 1e-9, -n - 1e-9
    for _ in range(52):
        middle = (low + high) / 2
        low, high = (low, middle) if mp.digamma(middle) > 0 else (middle, high)
    return low


@KINDS
def test_values_next_to_zeros_of_lgamma(dtype: np.dtype) -> None:
    x = neighbours([row[0] for row in LGAMMA_TABLE], dtype)
    found, at = error("lgamma", 0, x, mixed=False)
    assert found <= 0.51, at


@KINDS
def test_values_next_to_zeros_of_digamma(dtype: np.dtype) -> None:
    far = [zero_of_digamma(n) for n in (*range(64, 90), 365, 4096, 99_999)]
    x = neighbours([row[0] for row in PSI_TABLE] + far, dtype)
    found, at = error("digamma", 0, x, mixed=False)
    assert found <= 0.55, at


AT: dict[tuple[str, int], list[tuple[float, float]]] = {
    ("erf", 0): [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e30, 1.0)],
    ("erf", 1): [(INF, 0.0), (-INF, 0.0), (1e30, 0.0)],
    ("erfc", 0): [(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (-1e30, 2.0)],
    ("gelu_erf", 0): [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -0.0), (1e30, 1e30), (-1e30, -0.0)],
    ("gelu_erf", 1): [(0.0, 0.5), (INF, 1.0), (1e30, 1.0)],
    ("gelu_tanh", 0): [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -0.0), (1e30, 1e30), (-1e30, -0.0)],
    ("gelu_tanh", 1): [(0.0, 0.5), (INF, 1.0), (1e30, 1.0)],
    ("lgamma", 0): [
        (1.0, 0.0),
        (2.0, 0.0),
        (0.0, INF),
        (-0.0, INF),
        (-1.0, INF),
        (-1e30, INF),
        (INF, INF),
        (-INF, INF),
    ],
    ("digamma", 0): [(0.0, -INF), (-0.0, INF), (-1.0, NAN), (-1e30, NAN), (INF, INF), (-INF, NAN)],
    ("digamma", 1): [(0.0, INF), (-0.0, INF), (-3.0, INF), (INF, 0.0)],
}


@KINDS
@pytest.mark.parametrize("name, order", AT)
def test_special_values(name: str, order: int, dtype: np.dtype) -> None:
    points, expected = np.array([*AT[name, order], (NAN, NAN)]).T.astype(dtype)
    results = evaluate(name, points, **({} if name == "lgamma" else {"order": order}))
    assert np.array_equal(results, expected, equal_nan=True)
    number = ~np.isnan(expected)
    assert np.array_equal(np.signbit(results[number]), np.signbit(expected[number]))


@KINDS
@pytest.mark.parametrize("name", ["erf", "erfc", "gelu_erf", "gelu_tanh"])
@pytest.mark.parametrize("order", [2, 3, 7])
def test_derivatives_vanish_far_out(name: str, order: int, dtype: np.dtype) -> None:
    assert not np.any(evaluate(name, np.array([INF, -INF, 1e30, -1e30, 70.0, -70.0], dtype), order=order))


def test_lgamma_overflows_where_the_true_value_does() -> None:
    x = np.array([2.559983e305, 2.559984e305])
    assert np.isfinite(evaluate("lgamma", x)).tolist() == [True, False]
    x = np.array([4.085003e36, 4.085004e36], np.float32)
    assert np.isfinite(evaluate("lgamma", x)).tolist() == [True, False]
