"""Taylor mode of functions as users call them, of orders 10 and 20, against mpmath: straight, where each order is the
member of a family, and along a curve. The bound is that of `laws.test_laws_of_taylor_mode`."""

from functools import cache

import mpmath
import numpy as np
import pytest

import gradtape as tf
from laws.test_laws_of_taylor_mode import DIRECTION, composed, spacing

ROUNDINGS = 8


@cache
def context():
    mp = mpmath.MPContext()
    mp.dps = 60
    return mp


def differences(f):
    """Taylor coefficients by differences, with so many digits that nothing is lost next to 0 or far away."""

    def coefficients(mp, x, order):
        with mp.workdps(60 if 1e-5 < abs(x) < 1e5 else 500):
            return [mp.re(c) for c in mp.taylor(lambda z: f(mp, z), x, order)]

    return coefficients


def piecewise(*pieces):
    """Polynomials, each up to a bound."""

    def coefficients(mp, x, order):
        terms = next(terms for bound, terms in pieces if x < bound)
        found = [sum(c * mp.binomial(i, k) * x ** (i - k) for i, c in enumerate(terms) if i >= k) for k in range(9)]
        return [*found, *[mp.zero] * order][: order + 1]

    return coefficients


def gamma(first):
    """log Γ and its derivatives, from order `first` on: polygamma functions."""

    def coefficients(mp, x, order):
        start = [mp.re(mp.loggamma(x))] if not first else []
        return start + [mp.psi(k, x) / mp.factorial(k + 1 - first) for k in range(order + first)]

    return coefficients


def ratio(mp, x, order):
    """sin(πx)/(πx), from its power series about 0."""
    with mp.workdps(120):
        terms = [mp.zero if i % 2 else (-1) ** (i // 2) * mp.pi**i / mp.factorial(i + 1) for i in range(200)]
        return [mp.fsum(terms[i] * mp.binomial(i, k) * x ** (i - k) for i in range(k, 200)) for k in range(order + 1)]


def cube_root(mp, x, order):
    value, found = mp.sign(x) * mp.cbrt(abs(x)), []
    for k in range(order + 1):
        found.append(value)
        value = value * (mp.mpf(1) / 3 - k) / ((k + 1) * x)
    return found


@tf.custom_jvp
def own_sine(x):
    return tf.sin(x)


@own_sine.defjvp
def _(primals, tangents):
    return own_sine(*primals), tf.cos(primals[0]) * tangents[0]


@tf.custom_vjp
def own_exponential(x):
    return tf.exp(x)


own_exponential.defvjp(lambda x: (tf.exp(x), x), lambda x, ct: (tf.exp(x) * ct,))


CASES = {
    "relu": (tf.nn.relu, piecewise((0, [0]), (mpmath.inf, [0, 1])), [-2.0, 1e-20, 3.0]),
    "relu6": (tf.nn.relu6, piecewise((0, [0]), (6, [0, 1]), (mpmath.inf, [6])), [-2.0, 3.0, 7.0]),
    "softplus": (tf.nn.softplus, differences(lambda mp, x: mp.log1p(mp.exp(x))), [-30.0, 0.0, 1e-20, 1.0, 30.0]),
    "log_sigmoid": (tf.math.log_sigmoid, differences(lambda mp, x: -mp.log1p(mp.exp(-x))), [-30.0, 1e-20, 1.0, 30.0]),
    "tan": (tf.tan, differences(lambda mp, x: mp.tan(x)), [-1.25, 1e-20, 1.0, 1.5]),
    "asin": (tf.asin, differences(lambda mp, x: mp.asin(x)), [-0.75, 1e-20, 0.5, 0.99]),
    "acos": (tf.acos, differences(lambda mp, x: mp.acos(x)), [-0.75, 1e-20, 0.5, 0.99]),
    "atan": (tf.atan, differences(lambda mp, x: mp.atan(x)), [-0.75, 1e-20, 1.0, 30.0, -1e8]),
    "cbrt": (tf.math.cbrt, cube_root, [-8.0, -0.3, 1e-5, 2.0]),
    "exp2": (tf.math.exp2, differences(lambda mp, x: mp.mpf(2) ** x), [-30.0, 1e-20, 1.5]),
    "log1p": (tf.math.log1p, differences(lambda mp, x: mp.log1p(x)), [1e-20, -0.5, 10.0]),
    "expm1": (tf.math.expm1, differences(lambda mp, x: mp.expm1(x)), [1e-20, -0.5, -30.0]),
    "tanh": (tf.tanh, differences(lambda mp, x: mp.tanh(x)), [1e-20, -0.5, 8.0]),
    "asinh": (tf.asinh, differences(lambda mp, x: mp.asinh(x)), [-1e8, 1e-20, 0.5]),
    "erfc": (tf.math.erfc, differences(lambda mp, x: mp.erfc(x)), [10.0, 1e-20, -2.0]),
    # next to its zeros 1 and 2, next to poles, between them, far away
    "lgamma": (tf.math.lgamma, gamma(0), [1e-20, -1e-3, 0.3, 1.0, 1.0625, 2.0, 2.5, 10.0, 1e8, -0.75, -1.25, -29.5]),
    "digamma": (tf.math.digamma, gamma(1), [1e-20, -1e-3, 0.3, 1.4616321449683622, 10.0, 1e8, -0.75, -1.25, -29.5]),
    "custom_jvp": (own_sine, differences(lambda mp, x: mp.sin(x)), [-2.0, 1e-20, 0.5]),
    "custom_vjp": (own_exponential, differences(lambda mp, x: mp.exp(x)), [-2.0, 1e-20, 0.5]),
    "sinc": (tf.math.sinc, ratio, [0.0, 1e-20, 1e-3, 0.5, 1.0, 1.25, -3.0, 7.75]),
}


@cache
def exact(name, x):
    """Up to order 21, as the bound needs one more."""
    return CASES[name][1](context(), context().mpf(x), 21)


@pytest.mark.parametrize("order", [10, 20])
@pytest.mark.parametrize("inner", [[1.0], DIRECTION], ids=["straight", "curved"])
@pytest.mark.parametrize("name", CASES)
def test_coefficients(name, inner, order):
    f, _, points = CASES[name]
    mp = context()
    given = [(inner[k] if k < len(inner) else 0.0) * float(mp.factorial(k + 1)) for k in range(order)]
    _, slopes = tf.jet(f, (tf.constant(np.array(points)),), (given,))
    found = np.array([one.numpy() for one in slopes]).T
    for x, ours in zip(points, found, strict=True):
        outer = exact(name, x)[: order + 2]
        wanted, sizes = composed(outer, inner), composed(outer, inner, abs)
        moved = composed([j * c for j, c in enumerate(outer)][1:], inner, abs)
        for k in range(1, order + 1):
            true = wanted[k] * mp.factorial(k)
            if not np.isfinite(float(true)):  # greater than all floats
                assert not np.isfinite(ours[k - 1])
                continue
            inside = ROUNDINGS * (k + 1) * mp.mpf(2) ** -53 * sizes[k] + spacing(x, "float64") * moved[k]
            off = abs(mp.mpf(float(ours[k - 1])) - true)
            assert off <= spacing(true, "float64") + inside * mp.factorial(k), (x, k, ours[k - 1], float(true))


@pytest.mark.parametrize("order", [10, 20])
def test_sort_moves_every_order_alike(order):
    x = np.array([1.5, -0.25, 0.75, 3.0])
    given = [np.linspace(0.5, 1.0, 4), *[np.zeros(4)] * (order - 1)]
    value, sorted_slopes = tf.jet(lambda x: tf.sort(tf.sin(x)), (x,), (given,))
    _, slopes = tf.jet(tf.sin, (x,), (given,))
    places = np.argsort(np.sin(x))
    np.testing.assert_array_equal(value.numpy(), tf.sin(x).numpy()[places])
    for ours, before in zip(sorted_slopes, slopes, strict=True):
        np.testing.assert_array_equal(ours.numpy(), before.numpy()[places])
