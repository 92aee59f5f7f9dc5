"""Derivatives at points, against mpmath with many digits."""

import mpmath
import numpy as np
import pytest

import gradtape as tf
from gradtape import study
from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.study.derive import nested

POINTS = [-2.3, -0.7, 0.4, 1.9]

FUNCTIONS = {
    "sigmoid(x)": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh(x)": mpmath.tanh,
    "sin(x)**2": lambda x: mpmath.sin(x) ** 2,
    "exp(-x**2)": lambda x: mpmath.exp(-(x**2)),
    "x**5 - 3*x": lambda x: x**5 - 3 * x,
    "1/(1 + x**2)": lambda x: 1 / (1 + x**2),
}


@pytest.mark.parametrize("text", FUNCTIONS)
def test_derivatives_are_the_true_ones(text):
    found = study.derivatives(tf_function(text), np.array(POINTS), order=4)
    with mpmath.workdps(60):
        true = [[float(mpmath.diff(FUNCTIONS[text], mpmath.mpf(x), n)) for x in POINTS] for n in range(5)]
    for n, (ours, theirs) in enumerate(zip(found, true, strict=True)):
        scale = np.abs(theirs).max()
        # Sums of a few dozen terms, each right to a few ulp of the largest.
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=100 * np.finfo(float).eps * scale, err_msg=f"order {n}")


def tf_function(text):
    from gradtape.text import parse

    return parse(text)


def test_a_tail_keeps_its_digits():
    _, slope = study.derivatives(tf.sigmoid, 17.0)
    assert abs(slope.numpy() - 4.1399375e-8) <= 1e-14


@pytest.mark.parametrize(
    "f", [lambda x: 3, lambda x: 3.0, lambda x: tf.constant(3.0), lambda x: tf.stop_gradient(x) * 0 + 3]
)
def test_a_constant_has_the_derivative_zero(f):
    y, slope, curvature = study.derivatives(f, [1.0, 2.0], order=2)
    assert y.numpy().tolist() == [3, 3]
    assert slope.numpy().tolist() == curvature.numpy().tolist() == [0, 0]


def test_works_on_numbers_arrays_tensors_and_variables():
    for x in (2.0, np.float64(2), [2.0], np.array([2.0]), tf.constant([2.0]), tf.Variable(2.0)):
        assert float(study.derivatives(tf.square, x)[1]) == 4


def test_says_what_is_wrong_with_a_function():
    with pytest.raises(ArgumentError, match="returned None"):
        study.derivatives(lambda x: None, 1.0)
    with pytest.raises(ArgumentError, match="compute with gradtape's functions"):
        study.derivatives(lambda x: np.sin(np.asarray(x)), [1.0])
    with pytest.raises(ShapeError, match="element by element"):
        study.derivatives(tf.reduce_sum, [1.0, 2.0])
    for order in (-1, 31, 1.0, True):
        with pytest.raises(ArgumentError, match="0 to 30"):
            study.derivatives(tf.sin, 1.0, order)
    with pytest.raises(DTypeError):
        study.derivatives(tf.square, tf.constant(3))


def test_a_nested_derivative_that_explodes_is_refused_in_time():
    with pytest.raises(ArgumentError, match="too large an expression to compute; the highest order that works here"):
        nested(lambda x: x ** (x**x), 1.5, order=12)


def test_the_same_function_has_high_orders_in_taylor_mode():
    found = study.derivatives(lambda x: x ** (x**x), np.array([1.5]), order=12)
    with mpmath.workdps(60):
        true = [float(mpmath.diff(lambda x: x ** (x**x), mpmath.mpf(1.5), n)) for n in range(13)]
    for n, (ours, theirs) in enumerate(zip(found, true, strict=True)):
        # All terms are positive here, and each goes through some n products for each of three powers.
        assert abs(ours.numpy()[0] - theirs) <= 8 * (3 * n + 3) * np.finfo(float).eps * abs(theirs), n
