"""Activation functions, logit, sinc and cbrt in the engine: against the readers of the table, at 90 digits.

Values are measured in ulps, derivatives in units of ``ulp(result) + |slope| ulp(x) / 2``. What the readers say is
held against derivatives by differences in tests/ops/test_activations.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from mpmath import mp, mpf

from gradtape.graph.node import TABLE

from . import oracle
from .harness import DTYPES, evaluate
from .samples import arguments

KINDS = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
COUNT = 150

PRIMITIVES = {"silu": "sigmoid_weighted", "elu": "exponential_linear"}
"""The rows of the table that are not called like the engine's function."""
ORDERS = {
    **dict.fromkeys(["silu", "mish", "softsign", "logit", "sinc", "cbrt", "tanhshrink"], range(4)),
    **dict.fromkeys(["elu", "selu"], range(3)),
}
ZEROS = [1.2784645427610738, 2.399357280520331, 1.1924528, 2.2563, 1.490539, 0.0879355, 0.5, 1.0, 1.4302966531242027]
"""Where a function or a derivative is zero or changes its formula."""

FLOAT_BOUND, SUBNORMAL_BOUND = 0.515, 0.76
DOUBLE_BOUNDS = {"sinc": 0.7, "elu": 0.6}
"""For the others 0.55; a subnormal double is rounded twice."""


def points(name: str, dtype: np.dtype, order: int) -> np.ndarray:
    near = np.array([*ZEROS, *(-z for z in ZEROS)], dtype)
    x = np.concatenate([arguments(dtype, COUNT, seed=order), *(near + k * np.spacing(near) for k in range(-2, 3))])
    if name == "logit":
        x = np.abs(x[np.abs(x) < 1])
        x = np.concatenate([x, 1 - x])
        return x[(x > 0) & (x < 1)]
    return x[x != 0]


def worst(name: str, dtype: np.dtype, order: int, normal: bool) -> float:
    """The largest error, among normal results or among the others."""
    exact = TABLE[PRIMITIVES.get(name, name)].exact
    x = points(name, dtype, order)
    largest = 0.0
    with mp.workprec(300):
        for at, result in zip(x, evaluate(name, x, order=order), strict=True):
            true = exact(mp, mpf(float(at)), order)
            if (abs(true) >= np.finfo(dtype).smallest_normal) != normal:
                continue
            error = oracle.ulps(float(result), true, dtype)
            if order:
                slope = abs(exact(mp, mpf(float(at)), order + 1))
                error /= float(1 + slope * oracle.unit(mpf(float(at)), dtype) / 2 / oracle.unit(true, dtype))
            largest = max(largest, error)
    return largest


@KINDS
@pytest.mark.parametrize("name, order", [(name, order) for name, orders in ORDERS.items() for order in orders])
def test_value_and_derivatives(name: str, order: int, dtype: np.dtype) -> None:
    single = dtype.itemsize == 4
    assert worst(name, dtype, order, normal=True) <= (FLOAT_BOUND if single else DOUBLE_BOUNDS.get(name, 0.55))
    assert worst(name, dtype, order, normal=False) <= (FLOAT_BOUND if single else SUBNORMAL_BOUND)


@KINDS
@pytest.mark.parametrize("name", ["silu", "mish", "sinc"])
@pytest.mark.parametrize("order", [5, 8, 17])
def test_high_orders(name: str, order: int, dtype: np.dtype) -> None:
    assert worst(name, dtype, order, normal=True) <= 1


@KINDS
def test_the_line_of_hard_sigmoid(dtype: np.dtype) -> None:
    x = np.array([-3.0, -2.9999, -1e-8, 0.0, 0.1, 1 / 3, 1.0, 2.9999999, 3.0], dtype)
    with mp.workprec(300):
        true = [(mpf(float(at)) + 3) / 6 for at in x]
    assert evaluate("hard_line", x).tolist() == [dtype.type(t) for t in map(float, true)]


INF, NAN = math.inf, math.nan
AT: dict[str, list[tuple[int, float, float]]] = {
    "silu": [(0, 0.0, 0.0), (0, -0.0, -0.0), (0, INF, INF), (0, -INF, -0.0), (1, INF, 1.0), (1, -INF, -0.0)],
    "mish": [(0, 0.0, 0.0), (0, -0.0, -0.0), (0, INF, INF), (0, -INF, -0.0), (1, INF, 1.0), (1, 0.0, 0.6)],
    "elu": [(0, -0.0, -0.0), (0, INF, INF), (0, -INF, -1.0), (1, 0.0, 1.0), (1, -INF, 0.0), (2, 0.0, 0.0), (2, INF, 0)],
    "selu": [(0, -0.0, -0.0), (0, INF, INF), (0, -INF, -1.7580993408473768), (1, 0.0, 1.0507009873554805), (2, 0.0, 0)],
    "softsign": [(0, -0.0, -0.0), (0, INF, 1.0), (0, -INF, -1.0), (1, 0.0, 1.0), (2, 0.0, 0.0), (1, INF, 0.0)],
    "tanhshrink": [(0, -0.0, -0.0), (0, INF, INF), (0, -INF, -INF), (1, 0.0, 0.0), (1, INF, 1.0), (1, -INF, 1.0)],
    "logit": [
        *((0, 0.5, 0.0), (0, 0.0, -INF), (0, 1.0, INF), (0, -0.25, NAN), (0, 1.5, NAN), (0, INF, NAN)),
        *((1, 0.5, 4.0), (1, 0.0, INF), (1, 1.0, INF), (2, 0.0, -INF), (2, 1.0, INF), (2, 0.5, 0.0), (1, 1.5, NAN)),
    ],
    "sinc": [
        *((0, 0.0, 1.0), (0, -0.0, 1.0), (0, 1.0, 0.0), (0, -7.0, 0.0), (0, 2.0**60, 0.0), (0, INF, 0.0)),
        *((1, 0.0, 0.0), (1, 2.0, 0.5), (1, -2.0, -0.5), (1, 3.0, -1 / 3), (2, 0.0, -(math.pi**2) / 3), (3, 0.0, 0.0)),
    ],
    "cbrt": [
        *((0, 0.0, 0.0), (0, -0.0, -0.0), (0, 27.0, 3.0), (0, -8.0, -2.0), (0, INF, INF), (0, -INF, -INF)),
        *((1, 0.0, INF), (1, -0.0, INF), (2, 0.0, -INF), (2, -0.0, INF), (1, INF, 0.0), (1, -8.0, 1 / 12)),
    ],
}


@KINDS
@pytest.mark.parametrize("name", AT)
def test_special_values(name: str, dtype: np.dtype) -> None:
    for order, at, expected in [*AT[name], (0, NAN, NAN), (1, NAN, NAN), (2, NAN, NAN)]:
        result = evaluate(name, np.array([at], dtype), order=order)[0]
        true = dtype.type(expected)
        assert np.array_equal(result, true, equal_nan=True), (order, at)
        if not order and not np.isnan(true):
            assert np.signbit(result) == np.signbit(true), at


@KINDS
def test_half_of_a_subnormal_is_rounded_to_the_right_side(dtype: np.dtype) -> None:
    """x/2 lies in the middle of two numbers, x/2 + x²/4 does not: the smallest number does not become 0."""
    tiny = np.arange(1, 8).astype(np.dtype(f"u{dtype.itemsize}")).view(dtype)
    count = np.array([1, 1, 2, 2, 3, 3, 4]).astype(np.dtype(f"u{dtype.itemsize}"))
    assert evaluate("silu", tiny).tolist() == count.view(dtype).tolist()
    count = np.array([0, 1, 1, 2, 2, 3, 3]).astype(np.dtype(f"u{dtype.itemsize}"))
    assert evaluate("silu", -tiny).tolist() == (-count.view(dtype)).tolist()


@KINDS
def test_selu_overflows_where_the_true_value_does(dtype: np.dtype) -> None:
    largest = np.finfo(dtype).max
    below, above = largest / dtype.type(1.06), largest / dtype.type(1.04)
    assert np.isfinite(evaluate("selu", np.array([below], dtype))[0])
    assert evaluate("selu", np.array([above], dtype))[0] == INF
