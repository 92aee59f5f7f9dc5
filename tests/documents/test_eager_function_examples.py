"""Worked example 4: functions that give functions, in the style of TensorFlow 1's eager mode."""

import matplotlib
import mpmath
import numpy as np
import pytest
from truth import true

import gradtape.compat.v1 as tf

matplotlib.use("Agg")
import matplotlib.pyplot as plt

tf.enable_eager_execution()
tfe = tf.contrib.eager

PI = float(np.pi)


def f(x):
    return tf.square(tf.sin(x))


def grad(f):
    return lambda x: tfe.gradients_function(f)(x)[0]


ORDERS = [grad(f), grad(grad(f)), grad(grad(grad(f)))]
TRUE = [
    lambda x: 2 * mpmath.sin(x) * mpmath.cos(x),
    lambda x: 2 * mpmath.cos(2 * x),
    lambda x: -4 * mpmath.sin(2 * x),
]


def test_at_pi_half_the_function_is_1_and_flat():
    assert f(PI / 2).numpy() == 1.0
    assert abs(grad(f)(PI / 2).numpy()) < 1e-7


@pytest.mark.parametrize(("order", "value"), [(0, 0.0), (1, 2.0), (2, 0.0)])
def test_derivatives_at_0(order, value):
    assert ORDERS[order](0.0).numpy() == value


@pytest.mark.parametrize(
    "x", [tf.lin_space(-2 * PI, 2 * PI, 100), np.linspace(-2 * PI, 2 * PI, 100)], ids=["float32", "float64"]
)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_derivatives_on_100_points(order, x):
    values = ORDERS[order](x)
    assert values.shape == (100,)
    truth = np.array([float(t) for t in true(TRUE[order], x)])
    # sums of products of sines: rounding is relative to the largest term, 2**order, not to a sum that cancels
    np.testing.assert_allclose(values.numpy(), truth, rtol=0, atol=3 * 2**order * np.finfo(values.numpy().dtype).eps)


def test_the_function_and_three_derivatives_in_one_picture(tmp_path):
    x = tf.lin_space(-2 * PI, 2 * PI, 100)
    fig, ax = plt.subplots()
    ax.plot(x, f(x), label="f")
    for name, derivative in zip(["first", "second", "third"], ORDERS, strict=True):
        ax.plot(x, derivative(x), label=f"{name} derivative")
    ax.set(title="sin²x and its derivatives", xlabel="x", ylabel="value")
    ax.legend()
    ax.grid(True)
    fig.savefig(tmp_path / "derivatives.svg")

    lines = ax.get_lines()
    assert [line.get_label() for line in lines] == ["f", "first derivative", "second derivative", "third derivative"]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [line.get_label() for line in lines]
    np.testing.assert_allclose(lines[3].get_ydata(), -4 * np.sin(2 * np.float64(x)), atol=5e-6)
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("sin²x and its derivatives", "x", "value")
    assert ax.yaxis.get_gridlines()[0].get_visible()
    assert "<svg" in (tmp_path / "derivatives.svg").read_text(encoding="utf-8")
    plt.close(fig)


class TestControlFlow:
    """A power by a Python loop: the gradient is that of the path that was taken."""

    @staticmethod
    def power(x, y):
        output = 1
        for _ in range(y):
            output = tf.multiply(output, x)
        return output

    def slope(self, x, y):
        return tfe.gradients_function(self.power)(x, y)[0]

    @pytest.mark.parametrize(("x", "y", "value", "slope"), [(3.0, 2, 9.0, 6.0), (4.0, 3, 64.0, 48.0)])
    def test_value_and_gradient(self, x, y, value, slope):
        assert self.power(x, y).numpy() == value
        assert self.slope(x, y).numpy() == slope

    def test_the_number_of_rounds_has_no_gradient(self):
        assert tfe.gradients_function(self.power)(3.0, 2)[1] is None
