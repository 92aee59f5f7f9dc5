"""Every function of the table has the derivatives that mathematics says: mpmath at 60 digits is the judge.

The measure is the error in units in the last place of the exact result, next to a zero of it in terms of what half
an ulp of the argument moves it: |r - t| <= k (ulp(t) + |t'| ulp(x)/2).
"""

import mpmath as mp
import numpy as np
import pytest

import gradtape as tf

mp.mp.dps = 60

EVERYWHERE = [-30.0, -6.0, -1.5, -0.75, -1e-3, 1e-3, 0.3, 1.0, 2.5, 9.0, 30.0]
POSITIVE = [1e-6, 0.02, 0.5, 0.99, 1.0, 1.01, 3.0, 50.0, 1e6]
INSIDE = [-0.999, -0.7, -0.3, -1e-4, 1e-4, 0.2, 0.5, 0.9, 0.9999]

# name: (function, what mpmath calls it, where, bounds in ulps for order 0, 1, 2, 3)
FUNCTIONS = {
    "square": (tf.square, lambda x: x * x, EVERYWHERE, (1, 1, 1, 1)),
    "sqrt": (tf.sqrt, mp.sqrt, POSITIVE, (0.5, 1, 1, 1)),
    "rsqrt": (tf.math.rsqrt, lambda x: 1 / mp.sqrt(x), POSITIVE, (1, 1, 1, 1)),
    "reciprocal": (tf.math.reciprocal, lambda x: 1 / x, EVERYWHERE, (0.5, 1, 1, 1)),
    "1 / x": (lambda x: 1 / x, lambda x: 1 / x, EVERYWHERE, (0.5, 1, 1, 1)),
    "exp": (tf.exp, mp.exp, EVERYWHERE, (1, 1, 1, 1)),
    "expm1": (tf.math.expm1, mp.expm1, EVERYWHERE, (1, 1, 1, 1)),
    "exp2": (tf.exp2, lambda x: mp.mpf(2) ** x, EVERYWHERE, (1, 1, 1, 1)),
    "log": (tf.math.log, mp.log, POSITIVE, (1, 1, 1, 1)),
    "log1p": (tf.math.log1p, mp.log1p, [-0.9, -0.5, *POSITIVE], (1, 1, 1, 1)),
    "log2": (tf.log2, lambda x: mp.log(x, 2), POSITIVE, (1, 1, 1, 1)),
    "log10": (tf.log10, lambda x: mp.log(x, 10), POSITIVE, (1, 1, 1, 1)),
    "sin": (tf.sin, mp.sin, EVERYWHERE, (1, 1, 1, 1)),
    "cos": (tf.cos, mp.cos, EVERYWHERE, (1, 1, 1, 1)),
    "tan": (tf.tan, mp.tan, EVERYWHERE, (1, 1, 1, 1)),
    "asin": (tf.asin, mp.asin, INSIDE, (1, 1, 1, 1)),
    "acos": (tf.acos, mp.acos, INSIDE, (1, 1, 1, 1)),
    "atan": (tf.atan, mp.atan, EVERYWHERE, (1, 1, 1, 1)),
    "sinh": (tf.sinh, mp.sinh, EVERYWHERE, (1, 1, 1, 1)),
    "cosh": (tf.cosh, mp.cosh, EVERYWHERE, (1, 1, 1, 1)),
    "tanh": (tf.tanh, mp.tanh, EVERYWHERE, (1, 2, 4, 4)),
    "asinh": (tf.asinh, mp.asinh, EVERYWHERE, (1, 1, 1, 1)),
    "acosh": (tf.acosh, mp.acosh, [1.01, 1.5, 3.0, 50.0, 1e6], (1, 1, 1, 1)),
    "atanh": (tf.atanh, mp.atanh, INSIDE, (1, 1, 1, 1)),
    "sigmoid": (tf.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), [*EVERYWHERE, -80.0, 17.0, 80.0], (1, 2, 4, 4)),
    "softplus": (tf.nn.softplus, lambda x: mp.log1p(mp.exp(x)), [*EVERYWHERE, -80.0, 17.0, 80.0], (1, 1, 2, 4)),
    "x**4": (lambda x: x**4, lambda x: x**4, EVERYWHERE, (1, 1, 1, 1)),
    "x**-3": (lambda x: x**-3, lambda x: x**-3, EVERYWHERE, (1, 1, 1, 1)),
    "x**2.5": (lambda x: x**2.5, lambda x: x ** mp.mpf("2.5"), POSITIVE, (1, 2, 3, 4)),
    "0.5**x": (lambda x: tf.pow(0.5, x), lambda x: mp.mpf("0.5") ** x, EVERYWHERE, (1, 1, 1, 1)),
    "hypot": (lambda x: tf.hypot(x, 2.0), lambda x: mp.sqrt(x * x + 4), EVERYWHERE, (1, 1, 1, 1)),
    "atan2": (lambda x: tf.atan2(x, 2.0), lambda x: mp.atan(x / 2), EVERYWHERE, (1, 1, 1, 1)),
}


def nested(f, x, order):
    """The values of f, f', …, by nested tapes."""
    if order == 0:
        return [f(x)]
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = nested(f, x, order - 1)
    return [*values, tape.gradient(values[-1], x, unconnected_gradients="zero")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_three_derivatives(name, dtype):
    f, exact, where, bounds = FUNCTIONS[name]
    points = np.array(where, dtype)
    values = nested(f, tf.constant(points), 3)
    worst = [0.0] * 4
    for i, x in enumerate(points):
        at = mp.mpf(float(x))
        truth = [exact(at), *[mp.diff(exact, at, n) for n in range(1, 5)]]
        for order in range(4):
            t, r = truth[order], values[order].numpy()[i]
            unit = mp.mpf(float(np.spacing(np.abs(np.array(float(t), dtype)))))
            moved = abs(truth[order + 1]) * mp.mpf(float(np.spacing(np.abs(x)))) / 2 if order else 0
            worst[order] = max(worst[order], float(abs(mp.mpf(float(r)) - t) / (unit + moved)))
    assert all(w <= bound for w, bound in zip(worst, bounds, strict=True)), worst


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_the_same_in_any_shape(name):
    f, _, where, _ = FUNCTIONS[name]
    line = nested(f, tf.constant(where), 2)
    for i, x in enumerate(where):
        for order, value in enumerate(nested(f, tf.constant(x), 2)):
            assert value.numpy().tobytes() == line[order].numpy()[i].tobytes()
