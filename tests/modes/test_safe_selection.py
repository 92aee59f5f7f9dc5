"""What a selection did not choose has a gradient that is zero by structure: finite and right at every input.

Comments say what TensorFlow 2.21 and JAX 0.10 gave at the first element where it was measured to be wrong.
"""

import numpy as np
import pytest

import gradtape as tf
from gradtape import config
from gradtape.graph.trace import thread


def log(x):
    return [1 / x, -1 / x**2, 2 / x**3]


def root(x):
    return [0.5 * x**-0.5, -0.25 * x**-1.5, 0.375 * x**-2.5]


def inverse(x):
    return [-(x**-2.0), 2 * x**-3.0, -6 * x**-4.0]


def exponential(x):
    return [np.exp(x)] * 3


X = [0.0, 1.0, 4.0]
FLAGS = tf.constant([False, False])

# name: (function, its derivatives where something was chosen, where that is, the inputs)
CASES = {
    "where log": (lambda x: tf.where(x > 0, tf.math.log(x), -100.0), log, [0, 1, 1], X),  # both: nan
    "where sqrt": (lambda x: tf.where(x > 0, tf.sqrt(x), 0.0), root, [0, 1, 1], X),  # JAX: nan
    "where sqrt of negative": (lambda x: tf.where(x > 0, tf.sqrt(x), 0.0), root, [0, 1, 1], [-1.0, 1.0, 4.0]),
    "where not zero": (lambda x: tf.where(x != 0, 1.0 / x, 0.0), inverse, [0, 1, 1], X),
    "an overflow": (lambda x: tf.where(x < 50, tf.exp(x), 0.0), exponential, [0, 1, 1], [1000.0, 1.0, 4.0]),
    "minimum": (lambda x: tf.minimum(1.0 / x, 2.0), inverse, [0, 1, 1], X),  # both: nan
    "maximum": (lambda x: tf.maximum(tf.math.log(x), -5.0), log, [0, 1, 1], X),
    "clip_by_value": (lambda x: tf.clip_by_value(tf.math.log(x), -5.0, 5.0), log, [0, 1, 1], X),  # both: nan
    "selections in a row": (
        lambda x: tf.where(x < 3, tf.maximum(tf.where(x > 0, tf.math.log(x), -9.0), -5.0), 0.0),
        log,
        [0, 1, 0],
        X,
    ),
    "a slice": (lambda x: tf.math.log(x)[1:], log, [0, 1, 1], X),
    "slices that are summed": (lambda x: tf.math.log(x)[1:2] + tf.math.log(x)[2:], log, [0, 1, 1], X),
    "through reshape": (
        lambda x: tf.where(tf.reshape(x, [3, 1]) > 0, tf.reshape(tf.math.log(x), [3, 1]), 0.0),
        log,
        [0, 1, 1],
        X,
    ),
    "through transpose": (
        lambda x: tf.where(tf.reshape(x, [1, 3]) > 0, tf.transpose(tf.math.log(tf.reshape(x, [3, 1]))), 0.0),
        log,
        [0, 1, 1],
        X,
    ),
    "through casts": (
        lambda x: tf.where(x > 0, tf.cast(tf.cast(tf.math.log(x), tf.float64), x.dtype), 0.0),
        log,
        [0, 1, 1],
        X,
    ),
    "through concat": (lambda x: tf.concat([tf.math.log(x), x], 0)[1:3], log, [0, 1, 1], X),
    "through stack": (lambda x: tf.stack([tf.math.log(x), x])[0, 1:], log, [0, 1, 1], X),
    "through a sign": (lambda x: -tf.where(x > 0, -tf.math.log(x), 0.0), log, [0, 1, 1], X),
    "through a sum": (lambda x: tf.where(x > 0, (tf.math.log(x) + x) - x, 0.0), log, [0, 1, 1], X),
    "through broadcasting": (
        lambda x: tf.where(tf.stack([x > 0, x < 0]), tf.broadcast_to(tf.math.log(x), [2, 3]), 0.0),
        log,
        [0, 1, 1],
        X,
    ),
    "through reduce_max": (
        lambda x: tf.where(x > 0, tf.reduce_max(tf.reshape(tf.math.log(x), [3, 1]), 1), 0.0),
        log,
        [0, 1, 1],
        X,
    ),
    "through reduce_prod": (
        lambda x: tf.where(x > 0, tf.reduce_prod(tf.reshape(tf.math.log(x), [3, 1]), 1), 0.0),
        log,
        [0, 1, 1],
        X,
    ),
    "chosen nowhere": (lambda x: tf.where(FLAGS, tf.math.log(x)[0], 0.0), log, [0, 0, 0], X),
}


def wanted(case, order):
    _, derivatives, chosen, x = case
    chosen = np.array(chosen, bool)
    result = np.zeros(len(x))
    result[chosen] = derivatives(np.array(x)[chosen])[order - 1]
    return result


def by_tapes(f, x, order, persistent=False):
    tapes = [tf.GradientTape(persistent=persistent) for _ in range(order)]
    for tape in tapes:
        tape.__enter__()
        tape.watch(x)
    y = f(x)
    for tape in reversed(tapes):
        tape.__exit__()
        y = tape.gradient(y, x, unconnected_gradients="zero")
    return y


def by_functions(f, x, order):
    for _ in range(order):
        f = slope(f)
    return f(x)


def slope(f):
    gradients = tf.compat.v1.contrib.eager.gradients_function(f)
    return lambda x: gradients(x)[0]


WAYS = {
    "tapes": by_tapes,
    "persistent tapes": lambda f, x, order: by_tapes(f, x, order, persistent=True),
    "functions": by_functions,
    "tapes inside of a function": lambda f, x, order: tf.function(lambda x: by_tapes(f, x, order))(x),
    "tapes around a function": lambda f, x, order: by_tapes(tf.function(f), x, order),
}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_finite_and_right(name, order):
    case = CASES[name]
    for dtype, tolerance in ((tf.float32, 1e-6), (tf.float64, 1e-14)):
        found = by_tapes(case[0], tf.constant(case[3], dtype), order).numpy()
        np.testing.assert_allclose(found, wanted(case, order), rtol=tolerance, atol=0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["where log", "clip_by_value", "a slice", "through transpose"])
def test_it_does_not_matter_who_asks(name, way):
    case = CASES[name]
    for order in (1, 3):
        found = WAYS[way](case[0], tf.constant(case[3]), order).numpy()
        np.testing.assert_allclose(found, wanted(case, order), rtol=1e-6, atol=0)


def test_a_gradient_that_was_read_inside_of_the_outer_tape():
    x = tf.constant(X)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.where(x > 0, tf.math.log(x), -100.0)
            y.numpy()
        first = inner.gradient(y, x)
        assert first.numpy().tolist() == [0, 1, 0.25]
    assert outer.gradient(first, x).numpy().tolist() == [0, -1, -0.0625]


def test_the_limits_of_clip_by_value_get_what_the_value_does_not():
    x = tf.constant([-2.0, -1.0, 0.5, 1.0, 3.0])
    low, high = tf.constant(-1.0), tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch([x, low, high])
        y = tf.clip_by_value(x, low, high)
    assert y.numpy().tolist() == [-1, -1, 0.5, 1, 1]
    assert [g.numpy().tolist() for g in tape.gradient(y, [x, low, high])] == [[0, 1, 1, 1, 0], 1, 1]


def test_clip_by_value_of_crossing_limits_nan_and_shapes_that_do_not_fit():
    assert tf.clip_by_value([0.0, 5.0], 2.0, 1.0).numpy().tolist() == [2, 2]
    assert np.isnan(tf.clip_by_value(float("nan"), 0.0, 1.0).numpy())
    assert tf.clip_by_value(np.array([3, 7]), 4, 5).numpy().tolist() == [4, 5]
    with pytest.raises(tf.errors.ShapeError, match=r"must broadcast to \(2,\)"):
        tf.clip_by_value([0.0, 5.0], tf.constant([[1.0], [2.0]]), 3.0)


def test_a_sum_is_zero_by_structure_only_where_all_of_its_terms_are():
    x = tf.constant([[4.0, 0.0]])
    chosen = tf.constant([[False, False], [True, False]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.where(chosen, tf.math.log(x), 0.0)
    assert tape.gradient(y, x).numpy().tolist() == [[0.25, 0]]


def test_infinity_that_was_chosen_stays():
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.where(x < 2, tf.math.log(x), 0.0)
    assert tape.gradient(y, x).numpy().tolist() == [np.inf, 1, 0]


def test_long_chains_of_linear_operations_are_followed():
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.math.log(x)
        for _ in range(3000):
            y = tf.reshape(tf.reshape(y, [3, 1]), [3])
        y = tf.where(x > 0, y, 0.0)
    assert tape.gradient(y, x).numpy().tolist() == [0, 1, 0.25]


def test_a_chain_that_is_twice_as_long_has_a_gradient_of_twice_as_many_operations():
    def operations(length):
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(length):
                y = y + tf.concat([y[:1] * 0.0, y[1:] * 1e-3], 0)
            y = tf.math.log(y)[1:]
        before = thread.trace.prefix.steps
        gradient = tape.gradient(y, x)
        after = thread.trace.prefix.steps
        np.testing.assert_allclose(gradient.numpy(), [0, 1, 0.25], rtol=1e-6)
        return after - before

    with config.override(pending_limit=100_000):
        assert operations(40) < 2.2 * operations(20)


def test_the_opt_out_gives_ieee_poisoning():
    x = tf.constant(X)

    def gradient(f):
        return by_tapes(f, x, 1).numpy().tolist()

    f, g = CASES["where log"][0], CASES["a slice"][0]
    for _ in range(3):  # what was found under one setting is not taken for the other
        assert gradient(f) == gradient(g) == [0, 1, 0.25]
        with config.override(safe_selection=False):
            np.testing.assert_equal(gradient(f), [np.nan, 1, 0.25])
            np.testing.assert_equal(gradient(g), [np.nan, 1, 0.25])
        with config.override(safe_selection=True):
            assert gradient(f) == [0, 1, 0.25]
