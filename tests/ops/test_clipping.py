"""Gradients that are too long become shorter; others stay as they are, bit for bit."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1.0, 1e30, 1e-30])
def test_clip_by_norm(dtype, size):
    x = (np.random.default_rng(0).standard_normal((3, 4)) * size).astype(dtype)
    exact = x.astype(np.longdouble)
    norm = np.sqrt(np.sum(exact**2))
    eps = np.finfo(dtype).eps
    for axes, length in ((None, norm), (1, np.sqrt(np.sum(exact**2, axis=1, keepdims=True)))):
        limit = float(norm) / 4
        clipped = tf.clip_by_norm(x, limit, axes).numpy()
        true = exact * np.minimum(1, limit / length)
        assert clipped.dtype == dtype
        assert (np.abs(clipped - true) <= 2 * eps * np.abs(true)).all()  # the factor and the product are rounded
    assert tf.clip_by_norm(x, float(norm) * 1.01).numpy().tobytes() == x.tobytes()
    assert (tf.clip_by_norm(np.zeros(3, dtype), 1.0).numpy() == 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1.0, 1e30, 1e-30, 1e200, 1e-200])
def test_clip_by_global_norm(dtype, size):
    if dtype == "float32" and not 1e-40 < size < 1e38:
        pytest.skip("float32 has no such numbers")
    rng = np.random.default_rng(0)
    xs = [(rng.standard_normal(shape) * size).astype(dtype) for shape in ((3, 4), (), (5,))]
    exact = [x.astype(np.longdouble) for x in xs]
    norm = np.sqrt(sum(np.sum(x**2) for x in exact))
    eps = np.finfo(dtype).eps
    found = tf.linalg.global_norm([xs[0], None, *xs[1:]]).numpy()
    assert found.dtype == dtype
    assert abs(found - norm) <= 4 * eps * norm  # one rounding for float32; sums of 18 squares in lanes for float64
    limit = float(norm) / 4
    clipped, shown = tf.clip_by_global_norm([xs[0], None, *xs[1:]], limit)
    assert clipped.pop(1) is None
    assert shown.numpy() == found
    for one, x in zip(clipped, exact, strict=True):
        assert (np.abs(one.numpy() - x / 4) <= 4 * eps * np.abs(x / 4)).all()
    unchanged, _ = tf.clip_by_global_norm(xs, float(norm) * 1.01)
    assert [one.numpy().tobytes() for one in unchanged] == [x.tobytes() for x in xs]
    known, _ = tf.clip_by_global_norm(xs, 1.0, use_norm=2.0)
    assert (known[0].numpy() == xs[0] / 2).all()


def test_a_norm_that_is_not_finite_is_noticed():
    for bad in (np.inf, np.nan):
        clipped, norm = tf.clip_by_global_norm([[1.0, bad], [2.0]], 1.0)
        assert not np.isfinite(norm.numpy())
        assert all(np.isnan(one.numpy()).all() for one in clipped)


def test_derivatives_go_through_clipping():
    """d/dt t·c/|t| = c/|t|·(1 - t·tᵀ/|t|²); of a vector at right angles to t nothing is lost."""
    t = tf.Variable([3.0, 4.0])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.clip_by_norm(t, 1.0) * [-4.0, 3.0])
    assert tape.gradient(y, t).numpy() == pytest.approx([-0.8, 0.6], rel=1e-6)
    with tf.GradientTape() as tape:
        y = tf.linalg.global_norm([t, [0.0]])
    assert tape.gradient(y, t).numpy() == pytest.approx([0.6, 0.8], rel=1e-6)
    zero = tf.Variable([0.0, 0.0])
    with tf.GradientTape() as tape:
        y = tf.linalg.global_norm([zero, zero])
    assert tape.gradient(y, zero).numpy().tolist() == [0, 0]


def test_what_cannot_be_clipped():
    with pytest.raises(DTypeError):
        tf.clip_by_norm([1, 2], 1.0)
    with pytest.raises(ArgumentError, match="one number"):
        tf.clip_by_norm([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ArgumentError, match="list"):
        tf.clip_by_global_norm(tf.constant([1.0]), 1.0)
    with pytest.raises(ArgumentError, match="None"):
        tf.linalg.global_norm([None])
