"""Short inner loops are joined with those around them: every element is read and stored where it belongs.

Multiplying and adding gives NumPy's bits, so a wrong place shows as another number.
"""

import itertools

import numpy as np
import pytest

import gradtape as tf
from gradtape import config
from gradtape.engine import kernel

LENGTHS = range(1, 34)
PATTERNS = list(itertools.product([True, False], repeat=3))
"""Along which axes an operand is broadcast."""


@pytest.fixture(autouse=True)
def fused():
    with config.override(tier="fused"):
        yield


def array(shape, dtype="float32", seed=0):
    values = np.random.default_rng((seed, *shape)).integers(-999, 999, shape)
    return values.astype(dtype) / np.dtype(dtype).type(7) if dtype.startswith("float") else values.astype(dtype)


def same(ours, numpys):
    assert ours.numpy().dtype == numpys.dtype
    np.testing.assert_array_equal(ours.numpy(), numpys, strict=True)


def operands(shape, dtype="float32"):
    """One that is broadcast along each combination of axes."""
    return [array([1 if b else k for b, k in zip(broadcast, shape, strict=True)], dtype) for broadcast in PATTERNS]


@pytest.mark.parametrize("n", LENGTHS)
def test_an_operand_may_be_broadcast_along_any_axes(n):
    for shape in [(3, 5, n), (40, 7, n), (2, 300, n)]:
        whole = array(shape, seed=1)
        for x in operands(shape):
            same(tf.constant(whole) * tf.constant(x) + 1.0, whole * x + np.float32(1))


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 31])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_operands_are_broadcast_in_several_ways_at_once(dtype, n):
    xs = operands((70, 6, n), dtype)
    total, ours = xs[0], tf.constant(xs[0])
    for x in xs[1:]:
        total, ours = total * x + x, ours * tf.constant(x) + tf.constant(x)
    same(ours, total)


@pytest.mark.parametrize("n", [2, 5, 8, 17])
def test_truths_are_read_and_stored(n):
    chosen, a, b = array((90, 1, n)) > 0, array((90, 4, n)), array((4, 1))
    same(tf.where(tf.constant(chosen), tf.constant(a), tf.constant(b)), np.where(chosen, a, b))
    same(tf.constant(a) > tf.constant(b), a > b)


@pytest.mark.parametrize("n", [1, 3, 8, 11, 32, 33])
def test_views_are_read_along_joined_loops(n):
    whole, turned, long = array((60, 5, n)), array((n, 5, 60)), array((60, 5, 2 * n))
    ours = tf.constant(whole) * tf.transpose(tf.constant(turned)) - tf.constant(long)[:, ::-1, ::2]
    same(ours, whole * turned.T - long[:, ::-1, ::2])


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (3, 0, 4), (0, 3, 4)])
def test_there_may_be_no_elements(shape):
    x, row = array(shape), array([*shape[:-1], 1])
    same(tf.constant(x) * tf.constant(row), x * row)
    same(tf.reduce_max(tf.constant(x) * tf.constant(row), axis=0) + 1.0, np.max(x * row, 0, initial=-np.inf) + 1)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_reductions_that_store_their_operand(axis, n):
    """Integers, whose sum does not depend on the order."""
    for shape in [(3, 5, n), (90, 4, n), (6, n, 7)]:
        whole = array(shape, "int64", seed=1)
        for x in operands(shape, "int64"):
            product = tf.constant(whole) * tf.constant(x)
            total = tf.reduce_sum(product, axis=axis)
            same(total, (whole * x).sum(axis))
            same(product, whole * x)


@pytest.mark.parametrize("n", [1, 2, 7, 10, 24, 25])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_sums_have_the_bits_that_they_have_alone(axis, n):
    for shape in [(90, 4, n), (6, n, 7), (200, 3, n)]:
        whole = array(shape, seed=1)
        for x in operands(shape):
            product = tf.constant(whole) * tf.constant(x)
            same(tf.reduce_sum(product, axis=axis), tf.reduce_sum(tf.constant(whole * x), axis=axis).numpy())
            same(product, whole * x)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_share_joined_loops(threads, monkeypatch):
    for limit in ("PARALLEL", "WAKING"):
        monkeypatch.setattr(kernel, limit, 0)
    whole, column, row = array((700, 9, 6)), array((700, 9, 1)), array((9, 6))
    with config.override(threads=threads):
        same(tf.constant(whole) * tf.constant(column) + tf.constant(row), whole * column + row)
        product = tf.constant(whole) * tf.constant(row)
        same(tf.reduce_max(product, axis=-1), (whole * row).max(-1))
        same(product, whole * row)
