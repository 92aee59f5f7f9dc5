"""Derivatives of a `while_loop` inside a traced function are those of the same loop in Python."""

import mpmath
import numpy as np
import pytest

import gradtape as tf

EPS = np.finfo(np.float64).eps


def newton(a):
    """The square root, by as many steps as it needs."""
    return tf.while_loop(lambda x, last: x != last, lambda x, last: ((x + a / x) / 2.0, x), (a, 0.0 * a))[0]


def counted(x):
    """A float that counts does not depend on x."""
    return tf.while_loop(lambda y, n: n < 5.0, lambda y, n: (tf.sin(y) * n + y, n + 1.0), (x, tf.zeros([], x.dtype)))[0]


def started_late(x):
    """The second variable depends on x from the second step on, the third from the third step on."""

    def body(i, a, b, c):
        return i + 1, a * 0.5, tf.tanh(a) + 0.25 * b, b * c + 1.0

    zero = tf.zeros_like(x)
    return tf.while_loop(lambda i, *_: i < 4, body, (0, x, zero, zero + 1.0))[3]


def as_long_as(x):
    """How often it runs depends on x."""
    return tf.while_loop(lambda y: tf.reduce_max(y) < 20.0, lambda y: (y * x + 1.0,), (x,))[0]


def nested(x):
    def inner(y):
        return tf.while_loop(lambda z, j: j < 2, lambda z, j: (z * tf.cos(z) + x, j + 1), (y, 0))[0]

    return tf.while_loop(lambda y, i: i < 3, lambda y, i: (inner(y), i + 1), (x, 0))[0]


def chosen(x):
    def body(y, i):
        return tf.where(y > 1.0, tf.math.log(y), tf.nn.relu(y) * y + x), i + 1

    return tf.while_loop(lambda y, i: i < 4, body, (x * x, 0))[0]


LOOPS = [newton, counted, started_late, as_long_as, nested, chosen]
every_loop = pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)


def values(tensors):
    return [t.numpy() for t in tensors]


def alike(found, wanted, units, dtype="float64"):
    """Each order to so many roundings of the largest number of all points, in float64, and one in the result's type."""
    unit = np.finfo(dtype).eps / 2
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.dtype == theirs.dtype == dtype and ours.shape == theirs.shape
        largest = np.abs(theirs.astype(np.float64)).max()
        assert np.abs(ours.astype(np.float64) - theirs).max() <= (units * EPS + unit) * largest


@every_loop
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_taylor_mode(f, dtype):
    x = tf.constant(2.5 if f is newton else 1.6, dtype)
    staged = tf.function(lambda x: tf.derivatives(f, x, 10))
    alike(values(staged(x)), values(tf.derivatives(f, x, 10)), 1000, dtype)


@pytest.mark.parametrize("f", LOOPS[1:], ids=lambda f: f.__name__)
def test_taylor_mode_of_arrays_and_in_directions(f):
    x = tf.constant(np.array([[1.5, 1.25], [1.75, 2.0]]))
    series = [np.full((2, 2), 0.5), np.array([[1.0, -1.0], [0.25, 0.0]]), np.zeros((2, 2))]
    one, other = (transform(lambda x: tf.jet(f, (x,), (series,)))(x) for transform in (tf.function, lambda f: f))
    alike(values([one[0], *one[1]]), values([other[0], *other[1]]), 1000)


def test_newtons_method_has_the_derivatives_of_the_root():
    """Each step doubles the orders that are right: seven steps more than the value needs make 2⁷ of them."""

    def root(a):
        x = tf.stop_gradient(newton(a))
        return tf.while_loop(lambda x, i: i < 5, lambda x, i: ((x + a / x) / 2.0, i + 1), (x, 0))[0]

    found = values(tf.function(lambda a: tf.derivatives(root, a, 20))(tf.constant(np.array(2.0))))
    with mpmath.workdps(50):
        for n, c in enumerate(mpmath.taylor(mpmath.sqrt, 2, 20)):
            true = c * mpmath.factorial(n)
            assert abs(found[n] - true) <= 2000 * EPS * abs(true), n


@every_loop
def test_forward_over_forward_and_over_taylor(f):
    x, one = tf.constant(np.array(1.6)), np.array(1.0)
    wanted = values(tf.derivatives(f, x, 2))

    def slope(x):
        return tf.jvp(f, (x,), (one,))[1]

    alike([tf.function(lambda x: tf.jvp(slope, (x,), (one,))[1])(x).numpy()], wanted[2:], 1000)
    through = tf.function(lambda x: tf.jvp(lambda x: tf.derivatives(f, x, 1)[1], (x,), (one,))[1])
    alike([through(x).numpy()], wanted[2:], 1000)


def test_laplacian():
    x = tf.constant(np.array([0.5, 1.25, 0.75]))

    def f(x):
        return tf.reduce_sum(tf.while_loop(lambda y, i: i < 3, lambda y, i: (tf.sin(y) * x[0] + y, i + 1), (x, 0))[0])

    alike([tf.function(tf.laplacian(f))(x).numpy()], [tf.laplacian(f)(x).numpy()], 1000)


def test_what_is_known_from_outside_and_changes_nothing():
    matrix = tf.constant(np.array([[0.5, 0.25], [-0.25, 0.5]]))

    def f(x):
        return tf.while_loop(lambda y, i: i < 3, lambda y, i: (tf.linalg.matmul(matrix, y * x) + y, i + 1), (x, 0))[0]

    x, series = tf.constant(np.array([[1.0], [2.0]])), [np.ones((2, 1)), np.zeros((2, 1)), np.zeros((2, 1))]
    one, other = (transform(lambda x: tf.jet(f, (x,), (series,)))(x) for transform in (tf.function, lambda f: f))
    alike(values(one[1]), values(other[1]), 1000)
