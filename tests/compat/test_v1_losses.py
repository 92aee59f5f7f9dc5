"""``tf.losses`` of TensorFlow 1."""

import numpy as np
import pytest

import gradtape.compat.v1 as tf
from gradtape.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)
TRUE, PRED = RNG.standard_normal((2, 4, 3))
YES, HOT, CLASSES = (TRUE > 0).astype(float), np.eye(3)[[2, 0, 1, 2]], np.array([2, 0, 1, 2])
LOG_SHARES = PRED - np.log(np.exp(PRED).sum(axis=1, keepdims=True))
HUBER = np.where(np.abs(PRED - TRUE) <= 0.5, (PRED - TRUE) ** 2 / 2, 0.5 * (np.abs(PRED - TRUE) - 0.25))
CASES = [
    ("mean_squared_error", TRUE, {}, (PRED - TRUE) ** 2),
    ("absolute_difference", TRUE, {}, np.abs(PRED - TRUE)),
    ("huber_loss", TRUE, {"delta": 0.5}, HUBER),
    ("sigmoid_cross_entropy", YES, {}, np.logaddexp(0, PRED) - YES * PRED),
    ("sigmoid_cross_entropy", YES, {"label_smoothing": 0.5}, np.logaddexp(0, PRED) - (YES / 2 + 0.25) * PRED),
    ("softmax_cross_entropy", HOT, {}, -(HOT * LOG_SHARES).sum(axis=1)),
    ("sparse_softmax_cross_entropy", CLASSES, {}, -(HOT * LOG_SHARES).sum(axis=1)),
]


@pytest.mark.parametrize(("name", "true", "given", "losses"), CASES, ids=[f"{n}-{'-'.join(g)}" for n, _, g, _ in CASES])
def test_a_loss_and_its_reductions(name, true, given, losses):
    weights = np.array([0.0, 1.0, 2.0, 0.5]).reshape(4, *[1] * (losses.ndim - 1))
    wide = np.broadcast_to(weights, losses.shape)
    weighted, kind = losses * weights, tf.losses.Reduction
    for weight, reduction, expected in [
        (1.0, kind.SUM_BY_NONZERO_WEIGHTS, losses.mean()),
        (weights, kind.SUM_BY_NONZERO_WEIGHTS, weighted.sum() / (wide != 0).sum()),
        (weights, kind.MEAN, weighted.sum() / wide.sum()),
        (weights, kind.SUM, weighted.sum()),
        (weights, kind.SUM_OVER_BATCH_SIZE, weighted.mean()),
        (weights, kind.NONE, weighted),
        (0.0, kind.SUM_BY_NONZERO_WEIGHTS, 0.0),
    ]:
        found = getattr(tf.losses, name)(true, tf.constant(PRED), weights=weight, reduction=reduction, **given)
        assert found.numpy() == pytest.approx(expected, rel=1e-13, abs=1e-15), reduction  # sums of twelve terms


def test_what_cannot_be():
    with pytest.raises(ShapeError):
        tf.losses.mean_squared_error(TRUE, PRED[:2])
    with pytest.raises(ShapeError):
        tf.losses.mean_squared_error(TRUE[0], PRED[0], weights=np.ones((4, 3)))
    with pytest.raises(ArgumentError, match="Reduction"):
        tf.losses.mean_squared_error(TRUE, PRED, reduction="median")
