"""Cross entropies from logits, one_hot, and what they are made of."""

import mpmath as mp
import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import DTypeError, ShapeError

mp.mp.dps = 60
INF, NAN = np.inf, np.nan


def value_and_gradient(f, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return y.numpy(), tape.gradient(y, x).numpy()


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((4, 6)) * 5, rng.random((4, 6))
    return logits, labels / labels.sum(axis=1, keepdims=True)


def logarithm(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def test_softmax_cross_entropy(rows):
    logits, labels = rows
    value, slope = value_and_gradient(lambda x: tf.nn.softmax_cross_entropy_with_logits(labels, x), logits)
    assert value == pytest.approx(-np.sum(labels * logarithm(logits), axis=1), rel=1e-14)
    assert slope == pytest.approx(np.exp(logarithm(logits)) - labels, rel=1e-12, abs=1e-15)
    _, by_labels = value_and_gradient(lambda y: tf.nn.softmax_cross_entropy_with_logits(y, logits), labels)
    assert by_labels == pytest.approx(-logarithm(logits), rel=1e-14)
    transposed = tf.nn.softmax_cross_entropy_with_logits(labels=labels.T, logits=logits.T, axis=0).numpy()
    assert transposed == pytest.approx(value, rel=1e-14)


def test_sparse_labels_say_the_same(rows):
    logits, _ = rows
    labels = np.array([0, 5, 2, 2])
    dense = value_and_gradient(
        lambda x: tf.nn.softmax_cross_entropy_with_logits(tf.one_hot(labels, 6, dtype=tf.float64), x), logits
    )
    for dtype in (np.int32, np.int64):
        whole = tf.constant(labels, dtype)
        sparse = value_and_gradient(
            lambda x, whole=whole: tf.nn.sparse_softmax_cross_entropy_with_logits(whole, x), logits
        )
        for a, b in zip(sparse, dense, strict=True):
            assert a == pytest.approx(b, rel=1e-14)
    assert np.isnan(tf.nn.sparse_softmax_cross_entropy_with_logits([2, -1], [[1.0, 2.0]] * 2).numpy()).all()


def test_a_sure_and_right_answer_keeps_its_small_loss_and_gradient():
    for gap in (5.0, 10.0, 17.0):
        true = mp.log1p(mp.exp(-gap))
        wrong = mp.exp(-gap) / (1 + mp.exp(-gap))
        for f in (
            lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits([0], x),
            lambda x: tf.nn.softmax_cross_entropy_with_logits([[1.0, 0.0]], x),
            lambda x: tf.nn.sigmoid_cross_entropy_with_logits([[1.0, 0.0]], x - [[0.0, 1e9]])[:, 0],
        ):
            value, slope = value_and_gradient(f, np.array([[gap, 0.0]], np.float32))
            assert value == pytest.approx([float(true)], rel=2**-23)
            assert slope[0, 0] == pytest.approx(-float(wrong), rel=2**-23)


def test_masked_logits_cost_nothing():
    logits = np.array([[0.0, -INF, 1.0], [INF, 0.0, 0.0]], np.float32)
    labels = np.array([[1, 0, 0], [1, 0, 0]], np.float32)
    for f in (
        lambda x: tf.nn.softmax_cross_entropy_with_logits(labels, x),
        lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits([0, 0], x),
    ):
        value, slope = value_and_gradient(f, logits)
        share = 1 / (1 + np.exp(-1))
        assert value == pytest.approx([-np.log(1 - share), 0], rel=1e-6)
        assert slope == pytest.approx(np.array([[-share, 0, share], [0, 0, 0]]), rel=1e-6)


def test_sigmoid_cross_entropy():
    x = np.array([-80.0, -17.0, -1.0, 0.0, 2.0, 17.0, 80.0])
    for z in (0.0, 1.0, 0.25):
        labels = np.full_like(x, z, np.float32)
        value, slope = value_and_gradient(
            lambda x, z=labels: tf.nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x), x.astype(np.float32)
        )
        true = [(1 - z) * mp.log1p(mp.exp(v)) + z * mp.log1p(mp.exp(-v)) for v in map(mp.mpf, x)]
        by_x = [(1 - z) / (1 + mp.exp(-v)) - z / (1 + mp.exp(v)) for v in map(mp.mpf, x)]
        assert value == pytest.approx([float(v) for v in true], rel=2**-22)
        assert slope == pytest.approx([float(v) for v in by_x], rel=2**-22, abs=2**-24 * z)
    value, slope = value_and_gradient(lambda x: tf.nn.sigmoid_cross_entropy_with_logits([1.0, 0.0], x), [INF, -INF])
    assert value.tolist() == slope.tolist() == [0, 0]


def test_one_hot():
    indices = np.array([[0, 2], [1, 5]])
    expected = np.eye(6)[indices][..., :3]
    assert tf.one_hot(indices, 3).numpy().tolist() == expected.tolist()
    assert tf.one_hot(indices, 3, axis=0).numpy().tolist() == np.moveaxis(expected, -1, 0).tolist()
    assert tf.one_hot(indices, 3, axis=1).numpy().tolist() == np.moveaxis(expected, -1, 1).tolist()
    assert tf.one_hot([1], 2, on_value=5, off_value=-1).numpy().tolist() == [[-1, 5]]
    assert tf.one_hot([1], 2, on_value=5).dtype == tf.int32
    assert tf.one_hot([1], 2, dtype=tf.float64).dtype == tf.float64
    assert tf.one_hot(1, 2, True, False).numpy().tolist() == [False, True]


def test_what_is_refused():
    with pytest.raises(DTypeError, match="indices must be integers"):
        tf.one_hot([1.0], 2)
    with pytest.raises(DTypeError, match="labels must be integers"):
        tf.nn.sparse_softmax_cross_entropy_with_logits([1.0], [[1.0, 2.0]])
    with pytest.raises(ShapeError, match="belong to logits"):
        tf.nn.sparse_softmax_cross_entropy_with_logits([1, 2], [[1.0, 2.0]])
    for loss in (tf.nn.softmax_cross_entropy_with_logits, tf.nn.sigmoid_cross_entropy_with_logits):
        with pytest.raises(ShapeError, match="one shape"):
            loss([1.0], [[1.0, 2.0]])


# -- logaddexp, xlogy, xlog1py, multiply_no_nan ---------------------------------------------------------------


def slopes(f, x, y):
    x, y = tf.constant(x), tf.constant(y)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = f(x, y)
    return [z.numpy().tolist(), *[slope.numpy().tolist() for slope in tape.gradient(z, [x, y])]]


def test_logaddexp_on_the_diagonal():
    for x in (INF, -INF, 2.0**127, -(2.0**127)):
        value, by_x, by_y = slopes(tf.math.logaddexp, x, x)
        assert (value, by_x, by_y) == (x, 0.5, 0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_derivatives_of_logaddexp(dtype):
    x = np.array([-30.0, -1.5, 0.1, 3.0, 20.0, 90.0], dtype)
    y = 0.3
    orders = [tf.constant(x)]
    tapes = [tf.GradientTape() for _ in range(3)]
    for tape in tapes:
        tape.__enter__()
        tape.watch(orders[0])
    value = tf.math.logaddexp(orders[0], y)
    results = [value]
    for tape in reversed(tapes):
        tape.__exit__()
        value = tape.gradient(value, orders[0])
        results.append(value)
    shift = mp.mpf(float(np.dtype(dtype).type(y)))
    for i, at in enumerate(map(float, x)):
        for order, result in enumerate(results):
            t = mp.diff(lambda v: mp.log(mp.exp(v) + mp.exp(shift)), mp.mpf(at), order)
            unit = np.spacing(np.abs(np.dtype(dtype).type(t)))
            assert abs(result.numpy()[i] - t) <= unit, (order, at)


def test_a_factor_zero_wins():
    assert slopes(tf.math.xlogy, [0.0, 0.0, 0.0, 2.0], [0.0, -1.0, 4.0, 1.0]) == [
        [0, 0, 0, 0],
        [0, 0, np.float32(np.log(4)), 0],
        [0, 0, 0, 2],
    ]
    assert slopes(tf.math.xlog1py, [0.0, 0.0, 2.0], [-1.0, -3.0, 0.0]) == [[0, 0, 0], [0, 0, 0], [0, 0, 2]]
    assert slopes(tf.math.multiply_no_nan, [INF, NAN, 3.0], [0.0, 0.0, 2.0])[:2] == [[0, 0, 6], [0, 0, 2]]
