"""Derivatives of the inverse functions, of tan, log1p, powers and polar coordinates: half an ulp everywhere.

The closed forms themselves are held against numerical differentiation by mpmath in tests/laws/test_derivatives.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf

from gradtape.graph.node import TABLE
from gradtape.ops.closed_forms import angle, distance, inverse, polynomial, tangent

from . import oracle
from .harness import DTYPES, evaluate
from .samples import arguments

KINDS = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())


def exact(name: str, x: mpf, order: int) -> mpf:
    if name == "tan":
        return polynomial(tangent(order), mp.tan(x))
    if name == "log1p":
        return (-1) ** (order - 1) * mp.factorial(order - 1) / (1 + x) ** order
    return inverse(name, order).at(x)


def inside(name: str, x: np.ndarray) -> np.ndarray:
    x = x[x != 0]
    match name:
        case "asin" | "acos" | "atanh":
            return x[np.abs(x) < 1]
        case "acosh":
            x = np.where(np.abs(x) <= 1, 1 + np.abs(x), np.abs(x))
            return x[x > 1]
        case "log1p":
            return x[x > -1]
    return x


@KINDS
@pytest.mark.parametrize("order", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("name", ["tan", "asin", "acos", "atan", "asinh", "acosh", "atanh", "log1p"])
def test_derivatives_of_one_argument(name: str, order: int, dtype: np.dtype) -> None:
    """In units of ulp(result) + |slope| ulp(x) / 2."""
    x = inside(name, arguments(dtype, 100, seed=order))
    worst, place = 0.0, 0.0
    with mp.workprec(400):
        for at, result in zip(x, evaluate(name, x, order=order), strict=True):
            true = exact(name, mpf(float(at)), order)
            slope = abs(exact(name, mpf(float(at)), order + 1))
            unit = 1 + slope * oracle.unit(mpf(float(at)), dtype) / 2 / oracle.unit(true, dtype)
            error = float(oracle.ulps(float(result), true, dtype) / unit)
            if not error <= worst:
                worst, place = error, float(at)
    assert worst <= 0.76, place


@KINDS
@pytest.mark.parametrize("orders", [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3), (4, 3)])
@pytest.mark.parametrize("name", ["angle_slope", "distance_slope"])
def test_derivatives_of_polar_coordinates(name: str, orders: tuple[int, int], dtype: np.dtype) -> None:
    """In units of ulp(result) + what half an ulp of either argument moves it."""
    rng = np.random.default_rng(sum(orders))
    x, y = rng.permutation(arguments(dtype, 60, seed=1)), rng.permutation(arguments(dtype, 60, seed=2))
    count = min(len(x), len(y))
    x, y = x[:count], y[:count]
    half = count // 2
    with np.errstate(over="ignore", under="ignore"):
        y[:half] = (x[:half] * rng.uniform(-2, 2, half)).astype(dtype)
    keep = np.isfinite(y) & (x != 0) & (y != 0)
    keep &= np.abs(np.frexp(x)[1] - np.frexp(y)[1]) < 450  # the square of the ratio must exist
    x, y = x[keep], y[keep]
    i, j = orders
    closed = angle if name == "angle_slope" else distance
    names = ("by_y", "by_x") if name == "angle_slope" else ("by_x", "by_y")
    columns = (y, x) if name == "angle_slope" else (x, y)
    results = evaluate(name, *columns, **dict(zip(names, orders, strict=True)))
    with mp.workprec(400):
        for a, b, result in zip(x, y, results, strict=True):
            u, v = mpf(float(a)), mpf(float(b))
            true = closed(i, j).at(u, v)
            first, second = (closed(i + 1, j).at(u, v), closed(i, j + 1).at(u, v))
            by_x, by_y = (second, first) if name == "angle_slope" else (first, second)
            moved = abs(by_x) * oracle.unit(u, dtype) / 2 + abs(by_y) * oracle.unit(v, dtype) / 2
            error = oracle.ulps(float(result), true, dtype) / (1 + moved / oracle.unit(true, dtype))
            assert error <= 0.76, (float(a), float(b), float(result), mp.nstr(true, 20))


@KINDS
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_derivatives_of_powers_by_the_exponent(n: int, dtype: np.dtype) -> None:
    rng = np.random.default_rng(n)
    x = np.abs(arguments(dtype, 60, seed=n))
    x = x[(x != 0) & (x != 1)]
    y = (rng.uniform(-1, 1, len(x)) * (104 if dtype.itemsize == 4 else 745) / np.log(x.astype(float))).astype(dtype)
    keep = np.isfinite(y) & (y != 0)
    x, y = x[keep], y[keep]
    with mp.workprec(400):
        for a, b, result in zip(x, y, evaluate("pow_slope", x, y, by_x=0, by_y=n), strict=True):
            true = mpf(float(a)) ** mpf(float(b)) * mp.log(mpf(float(a))) ** n
            assert oracle.ulps(float(result), true, dtype) <= 0.76, (float(a), float(b), float(result))


@KINDS
def test_ends_of_the_domain_and_what_lies_outside(dtype: np.dtype) -> None:
    def at(name: str, *points: float, order: int = 1) -> list[float]:
        return evaluate(name, np.array(points, dtype), order=order).tolist()

    inf = float("inf")
    assert at("asin", 1, -1) == [inf, inf] and at("acos", 1) == [-inf] and at("asin", -1, order=2) == [-inf]
    assert at("atanh", 1, -1) == [inf, inf] and at("atanh", -1, order=2) == [-inf]
    assert at("acosh", 1) == [inf] and at("acosh", inf) == [0.0] and np.isnan(at("acosh", 0.5, -2.0)).all()
    assert np.isnan(at("asin", 1.5, float("nan"))).all()
    assert at("atan", inf, -inf) == [0.0, 0.0] and at("atan", 0, order=2) == [0.0]
    assert at("log1p", -1, inf) == [inf, 0.0] and at("log1p", -1, order=2) == [-inf]
    assert at("tan", 0) == [1.0] and at("tan", 0, order=2) == [0.0]
    assert np.isnan(at("tan", inf)).all()


@KINDS
def test_polar_coordinates_at_the_origin_and_far_out(dtype: np.dtype) -> None:
    inf = float("inf")
    x, y = np.array([0, inf, -inf, 3, inf], dtype), np.array([0, 3, 3, inf, inf], dtype)
    slopes = evaluate("distance_slope", x, y, by_x=1, by_y=0)
    assert slopes[:4].tolist() == [0.0, 1.0, -1.0, 0.0] and np.isnan(slopes[4])
    turns = evaluate("angle_slope", y, x, by_y=1, by_x=0)
    assert np.isnan(turns[0]) and turns[1:].tolist() == [0.0] * 4


@KINDS
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *[("exp2", {"order": order}) for order in (1, 2, 3, 7)],
        *[("root_slope", {"order": order, "doubled": doubled}) for order in (1, 2, 3, 4) for doubled in (0, 1)],
        *[("logarithm_slope", {"order": order, "base": base}) for order in (1, 2, 3) for base in (2, 10)],
    ],
)
def test_derivatives_of_roots_logarithms_and_powers_of_two(
    name: str, parameters: dict[str, int], dtype: np.dtype
) -> None:
    """In plain ulps: none of them has a zero."""
    x = arguments(dtype, 100, seed=5)
    x = x[np.abs(x) < 2000] if name == "exp2" else np.abs(x[x != 0])
    with mp.workprec(300):
        for at, result in zip(x, evaluate(name, x, **parameters), strict=True):
            true = TABLE[name].exact(mp, mpf(float(at)), *parameters.values())
            assert oracle.ulps(float(result), true, dtype) <= 0.76, float(at)


@KINDS
def test_roots_and_logarithms_at_zero_and_beyond(dtype: np.dtype) -> None:
    x, inf = np.array([0.0, -1.0, np.inf, np.nan], dtype), float("inf")
    first, second = (evaluate("root_slope", x, order=order, doubled=0) for order in (1, 2))
    assert first[0] == inf and second[0] == -inf and first[2] == 0 and np.isnan([first[1], first[3]]).all()
    assert evaluate("logarithm_slope", x, order=2, base=2)[0] == -inf
