"""`gradients` without a tape, and `test.compute_gradient`."""

import math

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError


def numbers(found):
    return [None if g is None else g.numpy().tolist() for g in found]


class TestGradients:
    """The examples of TensorFlow's documentation, and what it says of the arguments."""

    def test_what_goes_through_and_what_stops(self):
        a = tf.constant(0.0)
        b = 2.0 * a
        assert numbers(tf.gradients(a + b, [a, b])) == [3.0, 1.0]
        assert numbers(tf.gradients(a + b, [a, b], stop_gradients=[a, b])) == [1.0, 1.0]
        assert numbers(tf.gradients(a + b, [a, b], stop_gradients=b)) == [1.0, 1.0]

    def test_one_or_many_ys_and_xs(self):
        x, w = tf.Variable([1.0, 2.0]), tf.Variable(3.0)
        y, z = w * x, x * x
        assert numbers(tf.gradients(y, w)) == [3.0]
        assert numbers(tf.gradients([y, z], [x, w])) == [[5.0, 7.0], 3.0]
        assert numbers(tf.gradients([y, z], [x, w], grad_ys=[None, [1.0, 10.0]])) == [[5.0, 43.0], 3.0]
        assert numbers(tf.gradients(x, x)) == [[1.0, 1.0]]

    def test_no_dependence(self):
        x, other = tf.constant(2.0), tf.constant([1.0, 2.0])
        y = x * x
        assert numbers(tf.gradients(y, [other, x])) == [None, 4.0]
        assert numbers(tf.gradients(y, other, unconnected_gradients="zero")) == [[0.0, 0.0]]
        assert numbers(tf.gradients(tf.stop_gradient(y), x)) == [None]

    def test_of_gradients(self):
        x = tf.constant(np.float64(0.5))
        y, found = tf.sin(x), []
        for _ in range(4):
            (y,) = tf.gradients(y, x)
            found.append(y)
        exact = [math.cos(0.5), -math.sin(0.5), -math.cos(0.5), math.sin(0.5)]
        assert numbers(found) == pytest.approx(exact, rel=2 * 2.0**-53)

    def test_formulas_are_stabilised_and_their_parts_can_be_sources(self):
        x = tf.constant(-100.0)
        e = tf.exp(-x)
        y = 1.0 / (1.0 + e)
        (slope,) = tf.gradients(y, x)
        assert float(slope) == pytest.approx(math.exp(-100.0), rel=1e-6)
        assert tf.gradients(1.0 / (1.0 + tf.exp(-tf.constant(0.0))), e) == [None]

    def test_a_part_of_a_formula(self):
        e = tf.exp(-tf.constant(0.0))
        assert numbers(tf.gradients(1.0 / (1.0 + e), e)) == [-0.25]

    def test_in_a_traced_function_and_with_declared_gradients(self):
        double = tf.custom_gradient(lambda x: (2.0 * x, lambda dy: 7.0 * dy))

        @tf.function
        def f(x, v):
            y = double(x) * v
            return tf.gradients(y, [x, v])

        for _ in range(2):
            assert numbers(f(tf.constant(3.0), tf.constant(5.0))) == [35.0, 6.0]

    def test_deep_graphs(self):
        x = tf.Variable(1.0)
        with tf.config.override(pending_limit=100_000):
            y = x * 1.0
            for _ in range(20_000):
                y = -y
            assert numbers(tf.gradients(y, x)) == [1.0]

    def test_a_value_that_forgot_is_an_error_and_a_tape_remembers(self):
        x = tf.Variable(2.0)
        y = x * x
        y.numpy()
        with pytest.raises(ArgumentError, match="GradientTape"):
            tf.gradients(y, x)
        with tf.GradientTape():
            y = x * x
            y.numpy()
            assert numbers(tf.gradients(y, x)) == [4.0]

    def test_what_does_not_fit(self):
        x = tf.constant([1.0, 2.0])
        y = x * x
        with pytest.raises(ArgumentError, match="one of xs"):
            tf.gradients(y, 3.0)
        with pytest.raises(ArgumentError, match="one of ys"):
            tf.gradients(np.ones(2), x)
        with pytest.raises(DTypeError, match="int32"):
            tf.gradients(y, tf.constant(1))
        with pytest.raises(ShapeError, match="1 ys"):
            tf.gradients(y, x, grad_ys=[None, None])
        with pytest.raises(ShapeError, match=r"\(2,\)"):
            tf.gradients(y, x, grad_ys=tf.ones(3))
        with pytest.raises(ValueError, match="nil"):
            tf.gradients(y, x, unconnected_gradients="nil")

    def test_under_tensorflow_1_s_name(self):
        import gradtape.compat.v1 as v1

        x = v1.constant(3.0)
        assert numbers(v1.gradients(x * x, [x], None, "gradients", colocate_gradients_with_ops=True)) == [6.0]
        f = v1.contrib.eager.custom_gradient(lambda x: (x * 2.0, lambda dy: dy * 7.0))
        assert numbers(v1.contrib.eager.gradients_function(f)(1.0)) == [7.0]


class TestComputeGradient:
    def test_rows_for_results_and_columns_for_elements(self):
        def f(x, a):
            return tf.reduce_sum(x * x, axis=1) * a  # 2 × 3 → 2

        x, a = np.arange(6.0).reshape(2, 3) + 1.0, np.float64(2.0)
        theory, practice = tf.test.compute_gradient(f, [x, a])
        by_x = np.zeros((2, 6))
        by_x[0, :3], by_x[1, 3:] = 4.0 * x[0], 4.0 * x[1]
        assert [m.shape for m in theory] == [m.shape for m in practice] == [(2, 6), (2, 1)]
        assert theory[0].tolist() == by_x.tolist() and theory[1].ravel().tolist() == (x**2).sum(1).tolist()
        # of second order in x, of first in a: difference quotients are exact but for rounding of f / delta
        assert tf.test.max_error(theory, practice) < 1024 * 2.0**-53 * 77 * 2 * 4

    def test_the_error_of_a_difference_quotient_is_that_of_the_third_derivative(self):
        theory, practice = tf.test.compute_gradient(tf.exp, [np.float64(0.5)], delta=0.01)
        assert tf.test.max_error(theory, practice) == pytest.approx(math.exp(0.5) * 1e-4 / 6, rel=1e-4)

    def test_a_wrong_declared_gradient_is_seen(self):
        wrong = tf.custom_gradient(lambda x: (x * x, lambda dy: dy * x))
        theory, practice = tf.test.compute_gradient(wrong, [[3.0]])
        assert theory[0].tolist() == [[3.0]] and practice[0].tolist() == [[6.0]]

    def test_arguments_that_are_not_used_and_no_list(self):
        theory, practice = tf.test.compute_gradient(lambda x, y: 2.0 * x, [1.0, [1.0, 2.0]])
        assert theory[1].tolist() == practice[1].tolist() == [[0.0, 0.0]]
        with pytest.raises(ValueError, match="list or tuple"):
            tf.test.compute_gradient(tf.exp, 1.0)

    def test_a_traced_function(self):
        f = tf.function(lambda x: x * x)
        (theory,), (practice,) = tf.test.compute_gradient(f, [3.0])
        assert theory.tolist() == practice.tolist() == [[6.0]]
