"""Losses of training: values and gradients against mpmath, reductions, and what is sure stays exact from logits."""

import mpmath as mp
import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError

mp.mp.dps = 50
RNG = np.random.default_rng(0)
TRUE = RNG.standard_normal((4, 3))
PRED = RNG.standard_normal((4, 3)) * 2
YES = RNG.integers(0, 2, (4, 3)).astype(float)
SHARES = RNG.random((4, 3))
SHARES /= SHARES.sum(axis=1, keepdims=True)
CLASSES = np.array([2, 0, 1, 2])
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0])


def exactly(f, *arrays):
    """f of numbers, one for each element of the arrays, at 50 digits."""
    return np.array(
        [[f(*map(mp.mpf, numbers)) for numbers in zip(*rows, strict=True)] for rows in zip(*arrays, strict=True)]
    )


def huber(y, x):
    e, delta = abs(x - y), mp.mpf(1.5)
    return e**2 / 2 if e <= delta else delta * (e - delta / 2)


def binary(y, x):
    return -y * mp.log(1 / (1 + mp.exp(-x))) - (1 - y) * mp.log(1 / (1 + mp.exp(x)))


def binary_of_share(y, p):
    return -y * mp.log(p) - (1 - y) * mp.log(1 - p)


def softmax(logits):
    powers = np.array([[mp.exp(x) for x in row] for row in logits])
    return powers / powers.sum(axis=1, keepdims=True)


def categorical(labels, shares):
    return -(labels * np.array([[mp.log(p) for p in row] for row in shares])).sum(axis=1)


HOT = np.eye(3)[CLASSES]
SMOOTH = YES * 0.75 + 0.125
LOSSES = [
    (tf.losses.MeanSquaredError, {}, TRUE, PRED, exactly(lambda y, x: (x - y) ** 2, TRUE, PRED).mean(axis=1)),
    (tf.losses.MeanAbsoluteError, {}, TRUE, PRED, exactly(lambda y, x: abs(x - y), TRUE, PRED).mean(axis=1)),
    (tf.losses.Huber, {"delta": 1.5}, TRUE, PRED, exactly(huber, TRUE, PRED).mean(axis=1)),
    (tf.losses.BinaryCrossentropy, {"from_logits": True}, YES, PRED, exactly(binary, YES, PRED).mean(axis=1)),
    (tf.losses.BinaryCrossentropy, {}, YES, SHARES, exactly(binary_of_share, YES, SHARES).mean(axis=1)),
    (
        tf.losses.BinaryCrossentropy,
        {"from_logits": True, "label_smoothing": 0.25},
        YES,
        PRED,
        exactly(binary, SMOOTH, PRED).mean(axis=1),
    ),
    (tf.losses.CategoricalCrossentropy, {"from_logits": True}, SHARES, PRED, categorical(SHARES, softmax(PRED))),
    (tf.losses.CategoricalCrossentropy, {}, HOT, SHARES * 2, categorical(HOT, SHARES)),
    (
        tf.losses.CategoricalCrossentropy,
        {"label_smoothing": 0.375},
        HOT,
        SHARES,
        categorical(HOT * 0.625 + 0.125, SHARES),
    ),
    (tf.losses.SparseCategoricalCrossentropy, {"from_logits": True}, CLASSES, PRED, categorical(HOT, softmax(PRED))),
    (tf.losses.SparseCategoricalCrossentropy, {}, CLASSES, SHARES, categorical(HOT, SHARES)),
]
each = pytest.mark.parametrize(
    ("kind", "given", "true", "pred", "rows"), LOSSES, ids=[f"{k.__name__}-{'-'.join(g)}" for k, g, *_ in LOSSES]
)
U = {"float64": 2.0**-53, "float32": 2.0**-24}
OPERATIONS = 16
"""Roundings on the way to one loss, each on terms that are no larger than the loss and the logits of its row."""


@each
def test_the_loss_of_each_row_and_their_reductions(kind, given, true, pred, rows):
    scale = np.abs(pred).max() + np.array([float(r) for r in rows])
    bound = OPERATIONS * U["float64"] * scale
    found = kind(**given, reduction="none")(true, tf.constant(pred)).numpy()
    assert found.dtype == "float64"
    assert (np.abs(found - rows) <= bound).all()
    for reduction, weighted, exact in [
        ("sum_over_batch_size", None, rows.mean()),
        ("mean", None, rows.mean()),
        ("sum", None, rows.sum()),
        ("sum_over_batch_size", WEIGHTS, (rows * WEIGHTS).mean()),
        ("sum", WEIGHTS, (rows * WEIGHTS).sum()),
        ("mean_with_sample_weight", WEIGHTS, (rows * WEIGHTS).sum() / WEIGHTS.sum()),
        ("mean_with_sample_weight", None, rows.mean()),
    ]:
        value = kind(**given, reduction=reduction)(true, tf.constant(pred), sample_weight=weighted).numpy()
        assert abs(value - exact) <= 2 * bound.sum() * max(1, WEIGHTS.max()), (reduction, weighted)


@each
def test_gradients_against_differences_at_50_digits(kind, given, true, pred, rows):
    """The derivative in a direction, from the float64 values of the loss along it, by Richardson's extrapolation."""
    direction = np.random.default_rng(1).standard_normal(pred.shape)
    loss = kind(**given)
    x = tf.constant(pred)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = loss(true, x)
    slope = np.sum(tape.gradient(y, x).numpy() * direction)
    along = lambda t: float(loss(true, tf.constant(pred + t * direction)))  # noqa: E731
    central = lambda h: (along(h) - along(-h)) / (2 * h)  # noqa: E731
    h = 2.0**-8
    estimate = (64 * central(h / 4) - 20 * central(h / 2) + central(h)) / 45  # error h⁶, rounding u/h
    assert slope == pytest.approx(estimate, rel=1e-9, abs=1e-11)


@each
def test_numbers_of_float32(kind, given, true, pred, rows):
    found = kind(**given, reduction="none")(true, pred.astype(np.float32).tolist())
    assert found.dtype == "float32"
    sensitivity = 4 + np.abs(pred).max() + 1 / np.abs(pred).min()  # predictions are rounded to float32 too
    assert (np.abs(found.numpy() - rows) <= OPERATIONS * U["float32"] * sensitivity).all()
    loss, x = kind(**given), tf.constant(pred.astype(np.float32))
    assert tf.function(lambda p: loss(true, p))(x).numpy().tobytes() == loss(true, x).numpy().tobytes()


@each
def test_it_can_be_made_again_from_its_config(kind, given, true, pred, rows):
    loss = kind(**given, reduction="sum", name="mine")
    config = loss.get_config()
    assert {**given, "reduction": "sum", "name": "mine"}.items() <= config.items()
    assert kind.from_config(config)(true, pred).numpy() == loss(true, pred).numpy()


def test_a_loss_that_is_sure_and_right_keeps_its_digits_from_logits():
    for gap in (5.0, 10.0, 17.0):
        true = mp.log1p(mp.exp(-gap))
        slope = -mp.exp(-gap) / (1 + mp.exp(-gap))
        x = tf.constant([[gap, 0.0]])
        for loss, label in (
            (tf.losses.CategoricalCrossentropy(from_logits=True), [[1.0, 0.0]]),
            (tf.losses.SparseCategoricalCrossentropy(from_logits=True), [0]),
        ):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = loss(label, x)
            assert abs(y.numpy() - true) <= 2.0**-23 * true
            assert abs(tape.gradient(y, x).numpy()[0, 0] - slope) <= 2.0**-23 * abs(slope)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.losses.BinaryCrossentropy(from_logits=True, reduction="sum")([[1.0], [1.0]], tf.reshape(x, (2, 1)))
        assert abs(tape.gradient(y, x).numpy()[0, 0] - slope) <= 2.0**-23 * abs(slope)


def test_probabilities_that_are_sure_and_wrong_have_a_finite_loss():
    limit = -np.log(np.float32(1e-7))
    wrong = tf.losses.BinaryCrossentropy(reduction="none")([[1.0], [0.0]], [[0.0], [1.0]]).numpy()
    assert wrong == pytest.approx([limit, -np.log1p(-np.float64(np.float32(1 - 1e-7)))], rel=1e-6)
    assert tf.losses.CategoricalCrossentropy()([[1.0, 0.0]], [[0.0, 1.0]]).numpy() == pytest.approx(limit, rel=1e-6)
    assert np.isfinite(tf.losses.SparseCategoricalCrossentropy()([0], [[0.0, 1.0]]).numpy())


def test_an_axis_of_length_one_does_not_count():
    column, row = [[1.0], [2.0], [4.0]], [0.0, 0.0, 0.0]
    for loss in (tf.losses.MeanSquaredError(), tf.losses.MeanAbsoluteError(), tf.losses.Huber()):
        assert loss(row, column).numpy() == loss(column, row).numpy() == loss(row, [1.0, 2.0, 4.0]).numpy()
    logits = tf.losses.BinaryCrossentropy(from_logits=True)
    assert logits([1, 0], [[1.0], [2.0]]).numpy() == logits([[1], [0]], [[1.0], [2.0]]).numpy()
    sparse = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert (
        sparse([[1], [0]], PRED[:2]).numpy() == sparse([1.0, 0.0], PRED[:2]).numpy() == sparse([1, 0], PRED[:2]).numpy()
    )


def test_another_axis():
    a = tf.losses.categorical_crossentropy(SHARES, PRED, from_logits=True).numpy()
    b = tf.losses.categorical_crossentropy(SHARES.T, PRED.T, from_logits=True, axis=0).numpy()
    assert a == pytest.approx(b, rel=1e-14)  # rows and columns are summed in another order
    a = tf.losses.sparse_categorical_crossentropy(CLASSES, PRED, from_logits=True).numpy()
    b = tf.losses.sparse_categorical_crossentropy(CLASSES, PRED.T, from_logits=True, axis=0).numpy()
    assert a.tobytes() == b.tobytes()


def test_an_ignored_class_counts_in_no_mean():
    labels = np.array([2, -1, 1, -1])
    loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    kept = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert loss(labels, PRED).numpy() == kept(labels[[0, 2]], PRED[[0, 2]]).numpy()
    x = tf.constant(PRED)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = loss(labels, x)
    gradient = tape.gradient(y, x).numpy()
    assert (gradient[[1, 3]] == 0).all() and (gradient[[0, 2]] != 0).any()
    assert loss([-1, -1], PRED[:2]).numpy() == 0


def test_a_loss_of_your_own():
    class Cubed(tf.losses.Loss):
        def call(self, y_true, y_pred):
            return tf.reduce_mean(tf.abs(y_pred - y_true) ** 3, axis=-1)

    x = tf.constant([[1.0, 2.0], [3.0, 0.0]])
    assert Cubed()(0.0, x).numpy() == (4.5 + 13.5) / 2
    assert Cubed(reduction="sum")(0.0, x, sample_weight=[1.0, 0.0]).numpy() == 4.5
    assert tf.losses.MeanSquaredError(dtype="float64")([1.0], [2.0]).dtype == "float64"


def test_l2_loss():
    x = tf.constant([[3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.l2_loss(x)
    assert y.numpy() == 12.5
    assert tape.gradient(y, x).numpy().tolist() == [[3.0, 4.0]]


def test_what_cannot_be_compared():
    with pytest.raises(ArgumentError, match="reduction"):
        tf.losses.MeanSquaredError(reduction="median")
    with pytest.raises(ShapeError):
        tf.losses.MeanSquaredError()([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ShapeError):
        tf.losses.CategoricalCrossentropy()([[1.0, 0.0, 0.0]], [[1.0, 0.0]])
    with pytest.raises((DTypeError, ArgumentError)):
        tf.losses.sparse_categorical_crossentropy(0, 1.0)
