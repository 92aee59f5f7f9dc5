"""The contract at true values from Arb, by the code of the sweep, at a small sample; and that code against mpmath."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

flint = pytest.importorskip("flint")

from sweeping import binary, oracle, zeros  # noqa: E402
from sweeping.balls import parts  # noqa: E402
from sweeping.errors import Errors  # noqa: E402
from sweeping.functions import CONTRACT, HIGH_CONTRACT, HIGH_FUNCTIONS  # noqa: E402

BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
SAMPLE = 300
"""Of each kind of input; with all exponents and neighbourhoods it is some thousands."""


@BOTH
@pytest.mark.parametrize("order", [4, 7, 10])
@pytest.mark.parametrize("name", HIGH_FUNCTIONS)
def test_orders_above_the_third(name: str, order: int, dtype: str) -> None:
    tally = oracle.measured(name, [order], SAMPLE, dtype)[order]
    assert tally.inputs > 1000
    assert not tally.over and tally.counted <= HIGH_CONTRACT, tally


@pytest.mark.parametrize(("name", "order"), [("gelu", 1), ("lgamma", 0), ("lgamma", 1), ("digamma", 0), ("mish", 1)])
def test_double_results_next_to_zeros(name: str, order: int) -> None:
    tally = oracle.measured(name, [order], SAMPLE)[order]
    assert not tally.over and tally.counted <= CONTRACT[order], tally


def test_the_first_derivative_of_sinc_is_right_in_any_distance_from_its_zeros() -> None:
    tally = zeros.measured("sinc", 1, 10 * SAMPLE, "float64")
    assert tally.inputs > 2000 and tally.ulps <= 0.51 and not tally.wrong, tally


@pytest.mark.parametrize("name", ["acos", "sqrt"])
def test_a_value_at_the_end_of_a_domain_is_measured_where_derivatives_are_left_out(name: str) -> None:
    found = oracle.measured(name, [0, 1], SAMPLE)
    assert not found[0].over and not found[1].over
    assert found[0].inputs > found[1].inputs > 1000


@BOTH
@pytest.mark.parametrize(("name", "order"), list(binary.names()))
def test_functions_of_two_variables(name: str, order: int, dtype: str) -> None:
    tally = binary.measured(name, SAMPLE, dtype)
    assert tally.inputs > 500
    assert not tally.over and tally.counted <= CONTRACT[order], tally


@pytest.mark.parametrize(("function", "name"), [("pow", "power"), ("hypot", "hypot"), ("atan2", "atan2")])
def test_true_values_of_two_variables_are_those_of_mpmath(function: str, name: str) -> None:
    rng = np.random.default_rng(1)
    wanted = [(i, j) for i in range(4) for j in range(4 - i)]
    for x, y in rng.uniform(0.1, 3, (8, 2)).tolist():
        found = binary.truth(function, x, y, wanted)
        with mp.workprec(300):
            for (i, j), ball in zip(wanted, found, strict=True):
                expected = mp.diff(getattr(mp, name), (mpf(x), mpf(y)), (i, j))
                high = float(ball)
                assert abs(mpf(high) + mpf(float(ball - high)) - expected) <= abs(expected) * 2.0**-60


@pytest.mark.parametrize(("name", "order"), [("tanh", 3), ("mish", 2), ("erf", 1), ("digamma", 0), ("expm1", 0)])
def test_true_values_are_those_of_mpmath(name: str, order: int) -> None:
    by_series = oracle.by_series(name, order + 1)
    assert by_series is not None
    by_mpmath = oracle.by_mpmath(name, order + 1)
    for x in np.random.default_rng(order).normal(0, 3, 20).tolist():
        for ball, exact in zip(by_series(x), by_mpmath(x), strict=True):
            if ball is not None and exact is not None:
                high = float(ball)
                with mp.workprec(500):
                    expected = mp.ldexp(mpf(exact[0]), exact[1])
                    assert abs(mpf(high) + mpf(float(ball - high)) - expected) <= abs(expected) * 2.0**-68


@BOTH
def test_errors_of_two_doubles_are_those_of_integers(dtype: str) -> None:
    rng = np.random.default_rng(0)
    kind = np.dtype(dtype)
    numbers = np.concatenate([rng.normal(0, 1, 100), 2.0 ** rng.integers(-20, 20, 100)]).astype(kind)
    moved = [
        flint.arb(float(n)) * (1 + flint.arb(f) * 2**-30) for n, f in zip(numbers, rng.normal(0, 1, 200), strict=True)
    ]
    x = rng.normal(0, 1, 200).astype(kind)
    fast, slow = Errors(kind, numbers), Errors(kind, numbers)
    for i, true in enumerate(moved):
        fast.add(i, true, flint.arb(3))
        slow.unusual[i] = parts(true), ((3, 0),)
    one, other = (errors.tally(x, [errors.spacing(x)], 2) for errors in (fast, slow))
    assert not fast.unusual and (one.inputs, one.over, one.ulps_at) == (other.inputs, other.over, other.ulps_at)
    np.testing.assert_allclose(fast.ulps, slow.ulps, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(fast.allowances, slow.allowances, rtol=1e-9)


@BOTH
def test_results_are_broken_where_they_overflow_or_vanish_alone(dtype: str) -> None:
    info = np.finfo(dtype)
    largest, smallest = flint.arb(float(info.max)), flint.arb(float(info.smallest_subnormal))
    cases = [
        (math.inf, largest * 2, False),
        (float(info.max), largest * 2, True),
        (math.inf, largest * flint.arb(0.9), True),
        (0.0, smallest * flint.arb(0.4), False),
        (0.0, smallest * flint.arb(0.6), True),
        (math.nan, flint.arb(1), True),
    ]
    errors = Errors(np.dtype(dtype), np.array([result for result, _, _ in cases]))
    for i, (_, true, _) in enumerate(cases):
        errors.add(i, true, None)
    x = np.ones(len(cases), dtype)
    tally = errors.tally(x, [errors.spacing(x)], 0)
    assert errors.broken.tolist() == [expected for _, _, expected in cases] and tally.wrong == 4
