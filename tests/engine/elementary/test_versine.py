"""1 - cos x and sin(x)/x with its derivatives, against the readers of the table."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf

from gradtape.graph.node import TABLE

from . import oracle
from .harness import DTYPES, evaluate
from .samples import arguments

CASES = [("versine", {}), *(("sine_ratio", {"order": order}) for order in (0, 1, 2, 3, 6))]
KINDS = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())


@KINDS
@pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)
def test_error_in_units_of_the_result_and_of_what_is_known_of_the_argument(name, parameters, dtype):
    near = np.linspace(-9, 9, 145)
    x = np.concatenate([arguments(dtype, 200), near[near != 0]]).astype(dtype)
    exact = TABLE[name].exact
    with mp.workprec(250):
        for result, point in zip(evaluate(name, x, **parameters), x, strict=True):
            at = mpf(float(point))
            true = exact(mp, at, *parameters.values())
            slope = exact(mp, at, parameters["order"] + 1) if parameters else mp.sin(at)
            allowed = oracle.unit(true, dtype) + abs(slope) * oracle.unit(at, dtype) / 2
            assert abs(mpf(float(result)) - true) <= 0.76 * allowed, point


@KINDS
def test_at_zero_and_infinity(dtype):
    zeros = np.array([0.0, -0.0], dtype)
    assert evaluate("versine", zeros).tolist() == [0.0, 0.0] and not np.signbit(evaluate("versine", zeros)).any()
    assert evaluate("sine_ratio", zeros).tolist() == [1.0, 1.0]
    assert evaluate("sine_ratio", zeros, order=1).tolist() == [0.0, 0.0]
    assert evaluate("sine_ratio", zeros, order=2) == pytest.approx([-1 / 3, -1 / 3])
    for name in ("versine", "sine_ratio"):
        assert np.isnan(evaluate(name, np.array([np.inf, -np.inf, np.nan], dtype))).all()
