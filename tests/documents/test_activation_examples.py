"""Worked examples 1 to 3: activation functions and their derivatives, as tutorials for TensorFlow, NumPy and PyTorch
write them. The printed numbers are the true ones, also where a tutorial shows the rounding errors of its library."""

import matplotlib
import mpmath
import numpy as np
import pytest
from truth import sigmoid, true, ulps

import gradtape as tf
import gradtape.compat.torch as torch

matplotlib.use("Agg")
import matplotlib.pyplot as plt


class TestExample1:
    """A sigmoid written by hand."""

    def test_its_gradient_is_taken_inside_the_block(self):
        x = tf.Variable(initial_value=[-10.0, 10.0])
        with tf.GradientTape() as tape:
            y = 1 / (1 + tf.math.exp(-x))
            dy_dx = tape.gradient(y, x)
        assert dy_dx.shape == (2,) and dy_dx.dtype == tf.float32
        assert ulps(dy_dx, true(sigmoid, x, 1)) <= 4  # exp, a sum, a quotient, a product: half an ulp or one each
        assert f"{dy_dx.numpy()[0]:.5e}" == "4.53958e-05"


class TestExample2:
    """Activation functions of the library on ten points."""

    def test_sigmoid(self):
        x = tf.linspace(-10.0, 10.0, 10)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.sigmoid(x)
        (slopes,) = tape.gradient(y, [x])
        assert ulps(y, true(sigmoid, x)) <= 1
        assert ulps(slopes, true(sigmoid, x, 1)) <= 1
        np.testing.assert_array_equal(slopes.numpy(), slopes.numpy()[::-1])
        for end in slopes.numpy()[[0, -1]]:
            assert f"{end:.6e}" == "4.539581e-05"

    def test_tanh(self):
        x = tf.linspace(-5.0, 5.0, 10)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.tanh(x)
        slopes = tape.gradient(y, x)
        assert ulps(y, true(mpmath.tanh, x)) <= 1
        assert ulps(slopes, true(mpmath.tanh, x, 1)) <= 2

    @pytest.mark.parametrize(
        ("function", "below"), [(tf.nn.relu, 0.0), (lambda x: tf.nn.leaky_relu(x, alpha=0.2), np.float32(0.2))]
    )
    def test_relu_and_leaky_relu_have_two_slopes_and_the_left_one_at_0(self, function, below):
        x = tf.concat([tf.linspace(-1.0, 1.0, 10), [0.0]], axis=0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        points = x.numpy()
        np.testing.assert_array_equal(y.numpy(), np.where(points > 0, points, below * points))
        np.testing.assert_array_equal(tape.gradient(y, x).numpy(), np.where(points > 0, 1, below))

    def test_the_default_slope_of_leaky_relu(self):
        assert tf.nn.leaky_relu([-1.0]).numpy() == np.float32(-0.2)


class TestExample3:
    """NumPy-style code, its picture, and PyTorch's `out`."""

    x = np.arange(-10, 10, 0.01)

    def test_numpy_functions_take_tensors(self):
        t = tf.constant(self.x)
        s = 1 / (1 + np.exp(-t))
        np.testing.assert_allclose(np.asarray(s), 1 / (1 + np.exp(-self.x)), rtol=1e-15)
        np.testing.assert_array_equal(np.maximum(t, 0), np.maximum(self.x, 0))
        assert np.sum(t) == np.sum(self.x) and np.mean(t) == np.mean(self.x)

    def test_gradtape_functions_take_arrays(self):
        s = tf.sigmoid(self.x)
        assert s.dtype == tf.float64 and s.shape == (2000,)
        assert ulps(s, true(sigmoid, self.x)) <= 1

    def test_the_derivative_over_the_range(self):
        x = tf.constant(self.x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            s = tf.sigmoid(x)
        ds = tape.gradient(s, x)
        some = slice(None, None, 37)
        assert ulps(ds.numpy()[some], true(sigmoid, self.x[some], 1)) <= 2
        np.testing.assert_allclose(ds.numpy(), s.numpy() * (1 - s.numpy()), atol=1e-16)

    def test_both_curves_in_one_figure(self, tmp_path):
        x = tf.constant(self.x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            s = tf.sigmoid(x)
        ds = tape.gradient(s, x)

        fig, ax = plt.subplots(figsize=(9, 5))
        ax.plot(x, s, color="#307EC7", linewidth=3, label="sigmoid")
        ax.plot(x, ds, color="#9621E2", linewidth=3, label="derivative")
        ax.set(title="The sigmoid and its derivative", xlabel="x", ylabel="y")
        ax.legend(loc="upper right", frameon=False)
        ax.grid(True)
        fig.savefig(tmp_path / "sigmoid.png")

        curve, slope = ax.get_lines()
        np.testing.assert_array_equal(curve.get_xdata(), self.x)
        np.testing.assert_array_equal(curve.get_ydata(), s.numpy())
        np.testing.assert_array_equal(slope.get_ydata(), ds.numpy())
        assert ax.get_title() == "The sigmoid and its derivative"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["sigmoid", "derivative"]
        assert ax.xaxis.get_gridlines()[0].get_visible()
        assert (tmp_path / "sigmoid.png").read_bytes().startswith(b"\x89PNG")
        plt.close(fig)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_sigmoid_of_torch_fills_an_array(self, dtype):
        points = np.array([-2, -1, 0, 1, 2], dtype)
        out = np.empty(5, dtype)
        assert torch.sigmoid(points, out=out) is out
        assert ulps(out, true(sigmoid, points)) <= 1
        np.testing.assert_array_equal(out.round(4), np.array([0.1192, 0.2689, 0.5, 0.7311, 0.8808], dtype))

    def test_the_values_as_torch_prints_them(self):
        shown = repr(torch.sigmoid(torch.tensor([-2, -1, 0, 1, 2])))
        assert shown == "tensor([0.1192, 0.2689, 0.5000, 0.7311, 0.8808])"

    def test_the_derivative_at_the_same_points(self):
        x = tf.constant([-2.0, -1.0, 0.0, 1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            s = tf.sigmoid(x)
        ds = tape.gradient(s, x)
        assert ulps(ds, true(sigmoid, x, 1)) <= 1
        np.testing.assert_array_equal(ds.numpy().round(4), np.float32([0.105, 0.1966, 0.25, 0.1966, 0.105]))
