"""Functions of an unrounded difference, and products with a logarithm, against mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from mpmath import mp, mpf

from . import oracle
from .harness import DTYPES, evaluate
from .samples import arguments

KINDS = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
INF, NAN = math.inf, math.nan
BOUND = {4: 0.51, 8: 0.76}
"""ulps, by the size of the type; doubles come near theirs only where they are subnormal."""


def pairs(dtype: np.dtype, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Unrelated arguments, and such whose difference is of ordinary size."""
    x, y = arguments(dtype, count, seed=1), arguments(dtype, count, seed=2)
    number = min(len(x), len(y))
    rng = np.random.default_rng(3)
    x, y = rng.permutation(x)[:number], rng.permutation(y)[:number]
    half, quarter = number // 2, number // 4
    x[:quarter] = rng.uniform(-20, 20, quarter)
    with np.errstate(over="ignore"):
        y[:half] = (x[:half] + rng.uniform(-1, 1, half) * rng.choice([1e-3, 1, 20, 100, 700], half)).astype(dtype)
    keep = np.isfinite(y)
    return x[keep], y[keep]


def worst(
    name: str, true: Callable, x: np.ndarray, y: np.ndarray, slope: Callable | None = None, **parameters
) -> float:
    """The largest error in ulps, or with a slope in units of ulp(result) + |slope| (ulp(x) + ulp(y)) / 2."""
    largest = 0.0
    with mp.workprec(oracle.PRECISION):
        for result, a, b in zip(evaluate(name, x, y, **parameters), x, y, strict=True):
            exact = mpf(float(a)), mpf(float(b))
            t = true(*exact)
            error = oracle.ulps(float(result), t, x.dtype)
            if slope is not None and error:
                moved = abs(slope(*exact)) * (oracle.unit(exact[0], x.dtype) + oracle.unit(exact[1], x.dtype)) / 2
                error /= float(1 + moved / oracle.unit(t, x.dtype))
            largest = max(largest, error)
    return largest


def limited(x: mpf) -> mpf:
    return max(min(x, mpf(3000)), mpf(-3000))


@KINDS
def test_logaddexp(dtype: np.dtype) -> None:
    x, y = pairs(dtype, 600)
    assert worst("logaddexp", lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))), x, y) <= BOUND[dtype.itemsize]


@KINDS
def test_logaddexp_next_to_zero(dtype: np.dtype) -> None:
    """Where exp(x) + exp(y) is next to 1 the result is known as well as the arguments are."""
    x = -np.exp(np.random.default_rng(1).uniform(-40, 4, 200))
    y = np.log(-np.expm1(x)).astype(dtype)
    x, y = x[y < 0].astype(dtype), y[y < 0]
    error = worst("logaddexp", lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))), x, y, lambda x, y: mpf(0.5))
    assert error <= BOUND[dtype.itemsize]
    if dtype.itemsize == 4:
        assert worst("logaddexp", lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))), x, y) <= BOUND[4]


@KINDS
def test_exp_of_a_difference(dtype: np.dtype) -> None:
    x, y = pairs(dtype, 600)
    assert worst("exp_difference", lambda x, y: mp.exp(limited(x - y)), x, y) <= BOUND[dtype.itemsize]


@KINDS
@pytest.mark.parametrize("order", range(4))
def test_derivatives_of_the_logistic_function_at_a_difference(order: int, dtype: np.dtype) -> None:
    x, y = pairs(dtype, 300)
    error = worst(
        "sigmoid_difference",
        lambda x, y: oracle.sigmoid(limited(x - y), order),
        x,
        y,
        lambda x, y: oracle.sigmoid(limited(x - y), order + 1),
        order=order,
    )
    assert error <= BOUND[dtype.itemsize]


@KINDS
@pytest.mark.parametrize("short", [0, 1])
def test_equal_infinities_differ_by_zero(short: int, dtype: np.dtype) -> None:
    if short and dtype.itemsize == 4:
        pytest.skip("short is a word for doubles")
    x = np.array([INF, -INF, -INF, 1.0, NAN, INF], dtype)
    y = np.array([INF, -INF, 0.0, INF, 0.0, NAN], dtype)
    assert str(evaluate("exp_difference", x, y, short=short).tolist()) == "[1.0, 1.0, 0.0, 0.0, nan, nan]"


def test_short_results_have_the_digits_of_a_float() -> None:
    x = -np.exp(np.random.default_rng(2).uniform(-30, 6, 300))
    y = np.zeros_like(x)
    assert worst("exp_difference", lambda x, y: mp.exp(x), x, y, short=1) <= 2.0**20
    results = evaluate("log_excess", -1 / x, short=1)
    assert np.allclose(results, np.log1p(-1 / x), rtol=2.0**-32, atol=0)


SPECIAL = np.array([0.0, 1.0, -2.0, INF, -INF, NAN])


@KINDS
def test_special_values(dtype: np.dtype) -> None:
    x, y = (a.ravel().astype(dtype) for a in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(invalid="ignore"):
        assert np.allclose(evaluate("logaddexp", x, y), np.logaddexp(x, y), equal_nan=True)
    for order, expected in [(0, 0.5), (1, 0.25), (2, 0.0)]:
        same = np.array([INF, -INF, 3.0], dtype)
        assert evaluate("sigmoid_difference", same, same, order=order).tolist() == [expected] * 3
    with np.errstate(all="ignore"):
        for name, expected in [("xlogy", x * np.log(y)), ("xlog1py", x * np.log1p(y))]:
            assert np.allclose(evaluate(name, x, y), np.where(x == 0, 0, expected), equal_nan=True), name


@KINDS
@pytest.mark.parametrize("name", ["xlogy", "xlog1py"])
def test_products_with_a_logarithm(name: str, dtype: np.dtype) -> None:
    x, y = pairs(dtype, 400)
    y = np.abs(y)
    y[y == 0] = 1
    logarithm = mp.log if name == "xlogy" else mp.log1p
    assert worst(name, lambda x, y: x * logarithm(y), x, y) <= BOUND[dtype.itemsize]
    if name == "xlog1py":
        y = np.minimum(y, 0.9).astype(dtype) * -1
        assert worst(name, lambda x, y: x * logarithm(y), x, y) <= BOUND[dtype.itemsize]


@KINDS
@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_their_derivatives(order: int, shift: int, dtype: np.dtype) -> None:
    x, y = pairs(dtype, 300)
    y = np.abs(y)
    y[y == 0] = 1
    factor = (-1) ** (order - 1) * math.factorial(order - 1)
    error = worst("xlogy_slope", lambda x, y: factor * x / (y + shift) ** order, x, y, order=order, shift=shift)
    assert error <= BOUND[dtype.itemsize]
