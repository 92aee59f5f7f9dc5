"""Formulas with sums and maxima over axes: found in every spelling, and nowhere worse than as they are written."""

import numpy as np
import pytest
from mpmath import mp, mpf
from spellings import differentiated, results, rewritten

import gradtape as tf
from gradtape import config

exp, log, total, top = tf.exp, tf.math.log, tf.reduce_sum, tf.reduce_max
AXES = [None, 0, 1, -1, 2, (0, 1), (1, 2), (0, 2), [0, -1], (0, 1, 2)]
X = np.random.default_rng(5).standard_normal((2, 3, 4)) * 3
INF = np.inf


def shifted(x, axis):
    return x - top(x, axis, keepdims=True)


def shifted_by_a_constant(x, axis):
    return x - tf.stop_gradient(top(x, axis, keepdims=True))


LOG_SOFTMAX = {
    "called": lambda x, axis: x - tf.reduce_logsumexp(x, axis, keepdims=True),
    "called from math": lambda x, axis: tf.subtract(x, tf.math.reduce_logsumexp(x, axis=axis, keepdims=True)),
    "by hand": lambda x, axis: x - log(total(exp(x), axis, keepdims=True)),
    "stable by hand": lambda x, axis: shifted(x, axis) - log(total(exp(shifted(x, axis)), axis, keepdims=True)),
    "of softmax by hand": lambda x, axis: log(exp(x) / total(exp(x), axis, keepdims=True)),
}
SOFTMAX = {
    "called": lambda x, axis: exp(x - tf.reduce_logsumexp(x, axis, keepdims=True)),
    "by hand": lambda x, axis: exp(x) / total(exp(x), axis, keepdims=True),
    "stable by hand": lambda x, axis: exp(shifted(x, axis)) / total(exp(shifted(x, axis)), axis, keepdims=True),
    "with a constant": lambda x, axis: (
        exp(shifted_by_a_constant(x, axis)) / total(exp(shifted_by_a_constant(x, axis)), axis, keepdims=True)
    ),
}
LOGSUMEXP = {
    "by hand": lambda x, axis: log(total(exp(x), axis)),
    "stable by hand": lambda x, axis: top(x, axis) + log(total(exp(shifted(x, axis)), axis)),
    "with a constant": lambda x, axis: log(total(exp(shifted_by_a_constant(x, axis)), axis)) + top(x, axis),
}
WIDE = [("log_softmax", name, f) for name, f in LOG_SOFTMAX.items()] + [("softmax", n, f) for n, f in SOFTMAX.items()]
IDS = [f"{row} {name}" for row, name, _ in WIDE]


def exact(row, x, axis):
    if row == "logsumexp":
        return tf.reduce_logsumexp(x, axis)
    axes = tuple(range(3)) if axis is None else axis
    return getattr(tf.nn, row)(x, axes)


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize(("row", "name", "f"), WIDE, ids=IDS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_it_is_found_over_all_axes(row, name, f, axis, dtype):
    x, weights = tf.cast(X, dtype), tf.cast(X[::-1], dtype)
    assert rewritten(f(x, axis)) == f"{row} ×1"
    assert np.array_equal(f(x, axis).numpy(), exact(row, x, axis).numpy())
    slope = differentiated(lambda x: f(x, axis) * weights, x, 1).numpy()
    assert np.array_equal(slope, differentiated(lambda x: exact(row, x, axis) * weights, x, 1).numpy())


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", LOGSUMEXP)
def test_logsumexp_is_found_over_all_axes(name, axis):
    f, x = LOGSUMEXP[name], tf.constant(X)
    assert rewritten(f(x, axis)) == "logsumexp ×1"
    assert np.array_equal(f(x, axis).numpy(), exact("logsumexp", x, axis).numpy())
    for order in (1, 2):
        slope = differentiated(lambda x: f(x, axis), x, order).numpy()
        assert np.array_equal(slope, differentiated(lambda x: exact("logsumexp", x, axis), x, order).numpy())


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x - tf.reduce_logsumexp(x),
        lambda x: x - tf.reduce_logsumexp(x, 0),
        lambda x: x - tf.reshape(tf.reduce_logsumexp(x, 1), [2, 1, 4]),
        lambda x: x - tf.reduce_logsumexp(x, 2)[:, :, None],
        lambda x: x - tf.expand_dims(log(total(exp(x), -1)), -1),
        lambda x: x - tf.broadcast_to(log(total(exp(x), -1, keepdims=True)), x.shape),
    ],
)
def test_it_does_not_matter_how_the_axes_come_back(f):
    x = tf.constant(X)
    assert rewritten(f(x)) == "log_softmax ×1"
    with config.override(stabilise=False):
        expected = f(x).numpy()
    assert np.allclose(f(x).numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x - tf.reduce_logsumexp(x, 0, keepdims=True) * 2,
        lambda x: x - tf.reduce_logsumexp(x, 1),
        lambda x: x - tf.transpose(tf.reduce_logsumexp(x, 0, keepdims=True)),
        lambda x: x - tf.reduce_logsumexp(2 * x, 1, keepdims=True),
        lambda x: exp(x) / total(exp(x), 1),
        lambda x: log(tf.broadcast_to(total(exp(x), 1, keepdims=True), x.shape)),
        lambda x: exp(x) / total(exp(-x), 0),
        lambda x: exp(x - top(x, 0)) / total(exp(x), 0),
        lambda x: exp(x - top(x, 1)) / total(exp(x - top(x, 1)), 0, keepdims=True),
        lambda x: x - tf.reduce_max(x, 0) - log(total(exp(x - top(x, 0)), 1)),
        lambda x: top(x, 0) + log(total(exp(x - top(x, 0)), 0, keepdims=True)) * tf.ones((3, 3)),
    ],
)
def test_what_is_joined_along_another_axis_is_something_else(f):
    x = tf.constant(X[0, :, :3])
    with config.override(stabilise=False):
        expected, slope = f(x).numpy(), differentiated(f, x, 1).numpy()
    assert np.allclose(f(x).numpy(), expected, rtol=1e-12)
    assert np.allclose(differentiated(f, x, 1).numpy(), slope, rtol=1e-9, atol=1e-12)


# -- never worse ----------------------------------------------------------------------------------------------


def shares(row):
    """The exact softmax of a row, and its logarithms."""
    x = [mpf(float(v)) for v in row]
    terms = [mp.exp(v - max(x)) for v in x]
    whole = mp.fsum(terms)
    rest = mp.fsum(sorted(terms)[:-1])
    return [e / whole for e in terms], [v - max(x) - mp.log1p(rest) for v in x]


def ulp(t, dtype):
    return mpf(float(np.spacing(np.abs(dtype(float(t))))))


ROWS = [
    [20.0, 0.0, -20.0],
    [104.0, 0.0, -104.0],
    [88.8, 88.7, -90.0],
    [1e4, 9.9e3, -1e4],
    [-200.0, -201.0, -210.0],
    [0.1, 0.2, 0.3],
    [3e38, 1e38, 0.0],
    [40.0, 39.999, -3.0],
    [1000.5, 1000.25, 999.0],
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("row", "name", "f"), WIDE, ids=IDS)
def test_no_logit_gets_worse(row, name, f, dtype):
    x = np.array(ROWS + [list(r) for r in np.random.default_rng(1).standard_normal((40, 3)) * 30], dtype)
    with_rows, without = (results(lambda x: f(x, 1), x, 0, on) for on in (True, False))
    with mp.workdps(60):
        for a, b, logits in zip(with_rows, without, x, strict=True):
            for r, w, t in zip(a, b, shares(logits)[row == "log_softmax"], strict=True):
                error = abs(mpf(float(r)) - t) / ulp(t, dtype)
                if error > (0.51 if dtype is np.float32 else 3):
                    assert np.isfinite(w) and error <= abs(mpf(float(w)) - t) / ulp(t, dtype), (logits, r, w)


@pytest.mark.parametrize(("row", "name", "f"), WIDE, ids=IDS)
def test_infinite_logits_are_no_worse_and_nan_stays_nan(row, name, f):
    x = np.array([[INF, 0, 1], [-INF, 0, 1], [INF, INF, 2], [-INF, -INF, -INF], [INF, -INF, 3], [np.nan, 0, 1]])
    with_rows, without = (results(lambda x: f(x, 1), x, 0, on) for on in (True, False))
    usable = np.isfinite(without) | np.isinf(without)
    assert np.allclose(with_rows[usable], without[usable], rtol=1e-14)
    assert np.isnan(with_rows[5]).all() and not np.isnan(with_rows[:5]).any()
    slope, before = (results(lambda x: f(x, 1)[:, 1], x, 1, on) for on in (True, False))
    usable = np.isfinite(before)
    assert np.allclose(slope[usable], before[usable], rtol=1e-14)


@pytest.mark.parametrize(("row", "name", "f"), WIDE, ids=IDS)
def test_large_logits_have_the_gradient_that_is_meant(row, name, f):
    x, weights = tf.constant(np.array(ROWS[:5])), tf.constant([[1.0, -2.0, 0.5]], tf.float64)
    slope = differentiated(lambda x: f(x, 1) * weights, x, 1).numpy()
    with mp.workdps(60):
        for result, logits in zip(slope, ROWS, strict=False):
            p = shares(logits)[0]
            w = [mpf(1), mpf(-2), mpf("0.5")]
            if row == "softmax":
                true = [pi * (wi - mp.fdot(p, w)) for pi, wi in zip(p, w, strict=True)]
            else:
                true = [wi - pi * mp.fsum(w) for pi, wi in zip(p, w, strict=True)]
            assert result == pytest.approx([float(t) for t in true], rel=1e-12, abs=1e-300)


def test_logsumexp_of_nothing_but_minus_infinity():
    x = tf.constant([-INF, -INF])
    assert log(total(exp(x))).numpy() == -INF
    assert log(total(exp(tf.constant([0.0, INF])))).numpy() == INF
    assert np.isnan(log(total(exp(tf.constant([0.0, np.nan])))).numpy())


def test_a_logarithm_below_a_maximum_is_left_alone():
    x = tf.constant([[1000.0, 5.0], [7.0, 8.0]])
    assert not rewritten(log(total(exp(x - top(x, axis=1, keepdims=True)), axis=1)))


@pytest.mark.parametrize(("row", "name", "f"), WIDE, ids=IDS)
def test_it_is_found_inside_of_a_function_and_by_nested_tapes(row, name, f):
    x, weights = tf.constant(X), tf.constant(X[::-1])

    def loss(g):
        return lambda x: total(g(x, 1) * weights)

    found = tf.function(lambda x: differentiated(loss(f), x, 2))(x).numpy()
    expected = differentiated(loss(lambda x, axis: exact(row, x, axis)), x, 2).numpy()
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert np.array_equal(found, differentiated(loss(f), x, 2).numpy())
