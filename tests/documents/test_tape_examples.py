"""Worked examples 5 to 8: what tutorials do with gradient tapes."""

import numpy as np
import pytest

import gradtape as tf


class TestExample5:
    """A persistent tape, asked about an intermediate value and about the input."""

    def test_all_ones(self, capsys):
        x = tf.ones((2, 2))
        with tf.GradientTape(persistent=True) as t:
            t.watch(x)
            y = tf.reduce_sum(x)
            z = tf.multiply(y, y)

        dz_dy = t.gradient(z, y)
        assert dz_dy.numpy() == 8.0

        dz_dx = t.gradient(z, x)
        assert dz_dx.shape == (2, 2)
        for i in [0, 1]:
            for j in [0, 1]:
                assert dz_dx[i][j].numpy() == 8.0
                print(dz_dx[i][j].numpy())
        assert capsys.readouterr().out == "8.0\n" * 4
        del t


class TestExample6:
    """Second derivatives, and the constant that nobody watched."""

    def test_a_constant_that_is_not_watched_has_no_gradient(self):
        x = tf.constant(2.0)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = x * x * x
            dy_dx = inner.gradient(y, x)
        assert dy_dx is None
        (reason,) = inner.none_reasons
        assert "not watched" in reason and "tape.watch(x)" in reason
        with pytest.raises(ValueError, match="none_reasons"):
            outer.gradient(dy_dx, x)

    def test_a_watched_constant(self):
        x = tf.constant(2.0)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = x * x * x
            dy_dx = inner.gradient(y, x)
        assert dy_dx.numpy() == 12.0
        assert outer.gradient(dy_dx, x).numpy() == 12.0

    @pytest.mark.parametrize("cube", [lambda x: x * x * x, lambda x: x**3, lambda x: tf.pow(x=x, y=3)])
    def test_a_variable(self, cube):
        x = tf.Variable(2.0)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = cube(x)
            dy_dx = inner.gradient(y, x)
        assert dy_dx.numpy() == 12.0
        assert outer.gradient(dy_dx, x).numpy() == 12.0


class TestExample7:
    """Powers and polynomials."""

    def test_the_fourth_power(self):
        x = tf.Variable(initial_value=3.0)
        with tf.GradientTape() as tape:
            y = tf.pow(x=x, y=4)
        assert y.numpy() == 81.0
        assert tape.gradient(y, x).numpy() == 108.0

    def test_partial_derivatives_from_a_persistent_tape(self):
        x, y = tf.Variable(2.0), tf.Variable(3.0)
        with tf.GradientTape(persistent=True) as tape:
            z = 3 * x**2 + 2 * y
        assert z.numpy() == 18.0
        assert tape.gradient(z, x).numpy() == 12.0
        assert tape.gradient(z, y).numpy() == 2.0


class TestExample8:
    """Linear regression by gradient descent."""

    X = tf.constant([1.0, 2.0, 3.0, 4.0])
    Y = tf.constant([2.0, 4.0, 6.0, 8.0])

    def loss(self, w, b):
        return tf.reduce_mean(tf.square(self.Y - (w * self.X + b)))

    def test_the_first_gradients(self):
        w, b = tf.Variable(0.5), tf.Variable(0.1)
        with tf.GradientTape() as tape:
            loss = self.loss(w, b)
        dw, db = tape.gradient(loss, [w, b])
        x, y = np.arange(1.0, 5.0), np.arange(2.0, 9.0, 2.0)
        error = 0.5 * x + np.float64(np.float32(0.1)) - y
        assert loss.numpy() == pytest.approx(np.mean(error**2), rel=2e-7)
        assert dw.numpy() == pytest.approx(np.mean(2 * error * x), rel=2e-7) == pytest.approx(-22.0)
        assert db.numpy() == pytest.approx(np.mean(2 * error), rel=2e-7) == pytest.approx(-7.3)

    def test_a_thousand_steps_find_the_line(self):
        w, b = tf.Variable(0.5), tf.Variable(0.1)
        for _ in range(1000):
            with tf.GradientTape() as tape:
                loss = self.loss(w, b)
            dw, db = tape.gradient(loss, [w, b])
            w.assign_sub(0.1 * dw)
            b.assign_sub(0.1 * db)
        assert w.numpy() == pytest.approx(2.0, abs=1e-6)
        assert b.numpy() == pytest.approx(0.0, abs=1e-6)
