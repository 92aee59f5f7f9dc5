"""The exact value of a graph: at any cancellation, as the numbers were typed, without touching the user's mpmath."""

import mpmath
import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError
from gradtape.study.accuracy_graph import record
from gradtape.study.accuracy_truth import Truth, overflows, rounded, rounds_to_zero, ulps, unit
from gradtape.text import parse

FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")


def truth(text, order=0, dtype=FLOAT64):
    f = parse(text) if isinstance(text, str) else text
    return Truth(record(f, order, dtype.name, "x", 0.5, False), dtype)


def value(text, x, order=0, dtype=FLOAT64):
    (found,) = truth(text, order, dtype).values(x, [order])
    return found


def close(found, wanted, bits=70):
    with mpmath.workprec(4000):
        found, wanted = mpmath.mpf(found), mpmath.mpf(wanted)
        return abs(found - wanted) <= abs(wanted) * mpmath.mpf(2) ** -bits


@pytest.mark.parametrize("x", [1e-300, 1e-30, -1e-8, 0.3, 5.0])
def test_naive_formulas_are_exact_at_any_cancellation(x):
    with mpmath.workprec(3000):
        assert close(value("exp(x) - 1", x), mpmath.expm1(x))
        assert close(value("log(1 + x)", x), mpmath.log(1 + mpmath.mpf(x)))
        assert close(value("1/(1 + exp(-x))", x, order=1), 1 / (4 * mpmath.cosh(mpmath.mpf(x) / 2) ** 2))


@pytest.mark.parametrize("x", [20.0, 200.0, 360.0, -370.0])
def test_digits_that_no_fixed_precision_has(x):
    with mpmath.workprec(3000):
        assert close(value("1 - tanh(x)**2", x), 1 / mpmath.cosh(x) ** 2)
        assert close(value("atanh(tanh(x))", x, order=1), 1)


@pytest.mark.parametrize("text", ["sin(x)*exp(-x**2)", "sigmoid(x)/(1 + x**2)", "log1p(exp(x))", "atan(x)**3", "2**x"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_are_those_of_the_function(text, order):
    exact = truth(text, order)
    f = exact.graph.program.outputs[0]
    with mpmath.workdps(200):
        slope = mpmath.diff(lambda t: mpmath.mpf(exact.at(t, 6000)[0][f]), mpmath.mpf("0.375"), order)
        assert close(exact.values(0.375, [order])[0], slope)


def test_constants_are_the_decimals_that_were_typed():
    with mpmath.workprec(200):
        assert close(value("0.1*x", 3.0, dtype=FLOAT32), mpmath.mpf(3) / 10)
    assert value(lambda x: x * np.float32(0.1), 1.0, dtype=FLOAT32) == float(np.float32(0.1))
    with mpmath.workprec(200):  # pi is the number that Python has
        assert close(value("sin(pi*x)", 1.0), mpmath.sin(mpmath.mpf(np.pi)))


def test_where_there_is_no_real_number_there_is_no_truth():
    for text, x in [("log(x)", -1.0), ("1/x", 0.0), ("sqrt(x)", -1.0), ("asin(x)", 2.0), ("x**0.5", -1.0)]:
        assert mpmath.isnan(value(text, x))
    assert value("exp(-exp(exp(x)))", 100.0) == 0  # and no time is spent on exp of 1e43 digits


def test_the_users_precision_stays():
    with mpmath.workdps(23):
        value("exp(x) - 1", 1e-300)
        assert mpmath.mp.dps == 23


def test_what_is_no_function_of_single_numbers_is_refused():
    with pytest.raises(ArgumentError, match="tensor with axes"):
        value(lambda x: x * tf.reduce_sum(tf.constant([1.0, 2.0], tf.float64)), 1.0)
    with pytest.raises(ArgumentError, match="reshape cannot be studied"):
        value(lambda x: tf.reshape(tf.reshape(x, [1]), []), 1.0)


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_the_unit_is_numpys_spacing(dtype):
    info = np.finfo(dtype)
    numbers = [1.0, 1.5, 2.0, 3.0, 0.75, info.max / 2, info.smallest_normal, info.smallest_subnormal * 5, 0.0]
    mp = truth("x").mp
    for number in numbers:
        assert unit(mp, mp.mpf(float(number)), dtype) == float(np.spacing(dtype.type(number)))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_rounding_at_the_ends_of_the_format(dtype):
    info, mp = np.finfo(dtype), truth("x").mp
    largest, smallest = mp.mpf(float(info.max)), mp.mpf(float(info.smallest_subnormal))
    half = unit(mp, largest, dtype) / 2
    with mp.workprec(2000):
        assert overflows(mp, largest + half, dtype) and not overflows(mp, largest + half * 0.99, dtype)
        assert rounded(mp, largest + half * 0.99, dtype) == float(info.max)
        assert rounded(mp, -largest * 2, dtype) == -np.inf
        assert rounds_to_zero(mp, smallest / 2, dtype) and not rounds_to_zero(mp, smallest * 0.51, dtype)
        assert rounded(mp, smallest * 0.51, dtype) == float(info.smallest_subnormal)
        assert rounded(mp, mp.mpf(1) / 3, dtype) == float(dtype.type(1) / dtype.type(3))


def test_errors_in_ulps():
    mp = truth("x").mp
    with mp.workprec(200):
        one = mp.mpf(1)
        assert ulps(mp, 1.0, one, FLOAT32) == 0
        assert ulps(mp, 1.0 + 2.0**-23, one, FLOAT32) == 1
        assert ulps(mp, 1.0, one + one / 2**24, FLOAT32) == 0.5
        assert ulps(mp, np.nan, one, FLOAT32) == ulps(mp, np.inf, one, FLOAT32) == np.inf
        beyond = mp.mpf(2) ** 200
        assert ulps(mp, np.inf, beyond, FLOAT32) == 0 and ulps(mp, -np.inf, beyond, FLOAT32) == np.inf
        assert ulps(mp, float(np.finfo("float32").max), beyond, FLOAT32) == 1
        assert ulps(mp, 0.0, mp.mpf(2) ** -149, FLOAT32) == 1
