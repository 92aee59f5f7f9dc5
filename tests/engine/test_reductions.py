"""Sums are accurate, their order is fixed, and every axis works."""

import math

import numpy as np
import pytest

import gradtape as tf

SHAPES = [(5,), (1024,), (1025,), (3000,), (2, 3), (70, 9), (9, 70), (1000, 3), (3, 1000), (130, 1100), (4, 5, 6)]
SHAPES += [(3, 70, 11), (1, 1), (1, 7, 1), (0,), (0, 3), (3, 0)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_reduction_over_every_axis_agrees_with_numpy(shape, dtype):
    x = (np.random.default_rng(1).standard_normal(shape) * 10).astype(dtype)
    t = tf.constant(x)
    for axis in [None, *range(len(shape)), -1, tuple(range(len(shape)))[-2:], (0, len(shape) - 1)[: len(shape)]]:
        if isinstance(axis, tuple) and len(set(axis)) < len(axis):
            continue
        for keepdims in (False, True):
            ours = tf.reduce_sum(t, axis=axis, keepdims=keepdims).numpy()
            exact = np.sum(x, axis=axis, keepdims=keepdims, dtype=np.float64 if dtype.startswith("f") else dtype)
            assert np.shape(ours) == np.shape(exact)
            assert np.allclose(ours, exact, rtol=1e-6, atol=1e-5)
            if 0 not in shape:
                assert np.array_equal(tf.reduce_max(t, axis, keepdims).numpy(), x.max(axis, keepdims=keepdims))
                assert np.array_equal(tf.reduce_min(t, axis, keepdims).numpy(), x.min(axis, keepdims=keepdims))


def test_a_float32_sum_is_the_rounded_exact_sum():
    x = np.random.default_rng(2).standard_normal(100_003).astype(np.float32)
    assert tf.reduce_sum(tf.constant(x)).numpy() == np.float32(math.fsum(x.tolist()))


def test_a_float64_sum_errs_by_a_few_ulps_only():
    x = np.random.default_rng(2).random(1_000_003)
    exact = math.fsum(x.tolist())
    assert abs(float(tf.reduce_sum(tf.constant(x))) - exact) <= 4 * np.spacing(exact)


def test_the_mean_of_ones_is_one():
    assert tf.reduce_mean(tf.ones(20_000_000)).numpy() == 1.0


def test_nan_and_infinity_in_reductions():
    x = tf.constant([1.0, np.nan, np.inf])
    assert np.isnan(tf.reduce_max(x).numpy()) and np.isnan(tf.reduce_sum(x).numpy())
    assert tf.reduce_max(tf.constant([1.0, np.inf])).numpy() == np.inf
    assert tf.reduce_min(tf.constant([-np.inf, 1.0])).numpy() == -np.inf


def test_reducing_nothing_gives_the_neutral_element():
    empty = tf.zeros((0,))
    assert tf.reduce_sum(empty).numpy() == 0.0
    assert tf.reduce_prod(empty).numpy() == 1.0
    assert tf.reduce_max(empty).numpy() == -np.inf
    assert np.isnan(tf.reduce_mean(empty).numpy())
    assert tf.reduce_all(tf.zeros((0,), tf.bool)).numpy()


def test_all_and_any():
    x = tf.constant([[True, False], [True, True]])
    assert tf.reduce_all(x, axis=1).numpy().tolist() == [False, True]
    assert tf.reduce_any(x, axis=0).numpy().tolist() == [True, True]
    assert not bool(tf.reduce_all(x))


def test_integer_means_are_rounded_down():
    assert tf.reduce_mean(tf.constant([1, 2, 4])).numpy() == 2
    assert tf.reduce_mean(tf.constant([-1, 0])).numpy() == -1


def test_integer_sums_wrap_around_like_numpy():
    x = np.array([2**31 - 1, 1], np.int32)
    assert tf.reduce_sum(tf.constant(x)).numpy() == np.sum(x, dtype=np.int32)


def in_lanes(row):
    """The sum of a row in the order that engine.combine states, written with NumPy's single additions."""
    sums = []
    for first in range(0, len(row), 4096):
        lanes = np.zeros(32)
        for step in range(first, min(first + 4096, len(row)), 32):
            part = row[step : min(step + 32, first + 4096)]
            lanes[: len(part)] += part
        while len(lanes) > 1:
            lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
        sums.append(lanes[0])
    return sums[0] if len(sums) == 1 else in_lanes(np.array(sums))


def in_columns(matrix):
    """The same for the sums of columns."""
    sums = []
    for first in range(0, len(matrix), 128):
        total = np.zeros(matrix.shape[1])
        for row in matrix[first : first + 128]:
            total = total + row
        sums.append(total)
    return sums[0] if len(sums) == 1 else in_columns(np.array(sums))


@pytest.mark.parametrize("shape", [(3,), (25,), (4096,), (4097,), (10_000,), (200_001,), (3, 5000), (40, 25), (31, 7)])
def test_rows_are_summed_in_lanes(shape):
    x = np.random.default_rng(3).standard_normal(shape)
    ours = tf.reduce_sum(tf.constant(x), axis=-1).numpy()
    assert np.array_equal(ours, np.apply_along_axis(in_lanes, -1, x))


@pytest.mark.parametrize("shape", [(5, 7), (128, 3), (129, 40), (20_000, 3), (300, 1100)])
def test_columns_are_summed_from_the_top(shape):
    x = np.random.default_rng(4).standard_normal(shape)
    assert np.array_equal(tf.reduce_sum(tf.constant(x), axis=0).numpy(), in_columns(x))


@pytest.mark.parametrize("shape", [(32, 24), (5000, 10), (8, 9, 3)])
def test_many_short_rows_are_summed_from_the_left(shape):
    x = np.random.default_rng(5).standard_normal(shape)
    expected = in_columns(np.moveaxis(x, -1, 0).reshape(shape[-1], -1)).reshape(shape[:-1])
    assert np.array_equal(tf.reduce_sum(tf.constant(x), axis=-1).numpy(), expected)


@pytest.mark.parametrize("make", [tf.ones, lambda n: tf.constant(np.ones(n, np.float32))], ids=["made", "stored"])
def test_many_float32_ones_are_counted_exactly(make):
    n = 10**8 if make is tf.ones else 2**25 + 3  # a float32 sum would stop at 2**24
    x = make(n)
    assert tf.reduce_mean(x).numpy() == 1.0
    assert tf.reduce_sum(x).numpy() == np.float32(n)


def test_the_error_of_a_sum_does_not_grow_with_its_length():
    """Blockwise in float64, a sum of n float32 numbers is the exact one, rounded once, or its neighbour."""
    rng = np.random.default_rng(5)
    for n in (10, 1_000, 100_000, 3_000_000):
        x = rng.standard_normal(n).astype(np.float32)
        exact = np.float32(math.fsum(x.tolist()))
        assert abs(tf.reduce_sum(tf.constant(x)).numpy() - exact) <= np.spacing(abs(exact))
