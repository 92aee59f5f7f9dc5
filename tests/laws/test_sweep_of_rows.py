"""softmax and other functions of rows: the contract at true values from Arb, and these against mpmath."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

flint = pytest.importorskip("flint")

from sweeping import rows  # noqa: E402
from sweeping.functions import CONTRACT  # noqa: E402

READERS = {
    "softmax": lambda x: [mp.exp(v) / sum(map(mp.exp, x)) for v in x],
    "log_softmax": lambda x: [v - mp.log(sum(map(mp.exp, x))) for v in x],
    "reduce_logsumexp": lambda x: [mp.log(sum(map(mp.exp, x)))],
    "norm": lambda x: [mp.sqrt(sum(v * v for v in x))],
}


CASES = [("float32", *row) for row in rows.names()]
CASES += [("float64", "norm", 0), ("float64", "norm entries", 1), ("float64", "norm vjp", 1)]


@pytest.mark.parametrize(("dtype", "name", "order"), CASES)
def test_the_contract(name: str, order: int, dtype: str) -> None:
    tally = rows.measured(name, 130, dtype)
    assert tally.inputs > 100
    assert not tally.over and tally.counted <= CONTRACT[order], tally


def test_products_with_the_jacobian_of_softmax_in_float64() -> None:
    tally = rows.measured("softmax vjp", 130, "float64")
    assert tally.counted <= CONTRACT[1]
    assert tally.over == tally.wrong <= 4  # where a share is below the smallest number and its product is not


def derivative(name: str, x: list, ct: list, i: int, of: int = -1) -> mpf:
    """∂/∂xᵢ of Σ ct·f by differences with 300 bits, or the derivative of that by the x of this number."""

    def total(*point: mpf) -> mpf:
        return sum(c * v for c, v in zip(ct, READERS[name](point), strict=True))

    orders = [0] * len(x)
    orders[i] += 1
    if of >= 0:
        orders[of] += 1
    return mp.diff(total, tuple(x), tuple(orders))


@pytest.mark.parametrize("name", READERS)
def test_true_values_and_allowances_are_those_of_mpmath(name: str) -> None:
    rng = np.random.default_rng(3)
    for length in (1, 2, 4):
        x, ct = rng.normal(0, 2, length).tolist(), rng.normal(0, 1, length).tolist()
        with mp.workprec(300):
            exact, given = list(map(mpf, x)), list(map(mpf, ct[: len(READERS[name](x))]))
            ball = [mpf(v.mid().str(60, radius=False)) for v in rows.truth(name, x, None)]
            for found, expected in zip(ball, READERS[name](exact), strict=True):
                assert abs(found - expected) <= abs(expected) * mpf(2) ** -66
            gradient = [mpf(v.mid().str(60, radius=False)) for v in rows.truth(name, x, ct)]
            of_x = rng.uniform(1, 2, length)
            of_ct = rng.uniform(1, 2, len(given))
            allowed = rows.allowances(name, np.array(x), np.array(ct[: len(given)]), of_x, of_ct)
            for i, value in enumerate(gradient):
                assert abs(value - derivative(name, exact, given, i)) <= abs(value) * mpf(2) ** -66 + mpf(2) ** -200
                expected = sum(abs(derivative(name, exact, given, i, j)) * of_x[j] for j in range(length))
                for k in range(len(given)):
                    one = [mpf(k == j) for j in range(len(given))]
                    expected += abs(derivative(name, exact, one, i)) * of_ct[k]
                assert allowed[i] == pytest.approx(float(expected), rel=1e-9, abs=1e-12)
