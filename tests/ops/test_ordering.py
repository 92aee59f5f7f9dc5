"""Order, running sums and products, and tensors cut up and put together: as NumPy has them, with their gradients."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(9)
X = RNG.standard_normal((3, 4, 5))
TIES = np.array([[2.0, 1.0, 2.0, 3.0], [0.0, 0.0, 0.0, -1.0]])


def gradient(f, x, weights=None):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x, output_gradients=weights).numpy()


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sorting(axis):
    assert np.array_equal(tf.sort(X, axis).numpy(), np.sort(X, axis))
    assert np.array_equal(tf.sort(X, axis, "DESCENDING").numpy(), -np.sort(-X, axis))
    assert np.array_equal(tf.argsort(X, axis).numpy(), np.argsort(X, axis))
    assert np.array_equal(tf.argsort(X, axis, "DESCENDING").numpy(), np.argsort(-X, axis))
    weights = RNG.standard_normal(X.shape)
    expected = np.empty(X.shape)
    np.put_along_axis(expected, np.argsort(X, axis), weights, axis)
    assert np.array_equal(gradient(lambda x: tf.sort(x, axis), tf.constant(X), tf.constant(weights)), expected)


def test_equal_elements_keep_their_order():
    assert tf.argsort(TIES).numpy().tolist() == [[1, 0, 2, 3], [3, 0, 1, 2]]
    assert tf.argsort(TIES, direction="DESCENDING").numpy().tolist() == [[3, 0, 2, 1], [0, 1, 2, 3]]
    values, indices = tf.math.top_k(TIES, 3)
    assert indices.numpy().tolist() == [[3, 0, 2], [0, 1, 2]] and indices.dtype == tf.int32
    assert values.numpy().tolist() == [[3, 2, 2], [0, 0, 0]]
    assert gradient(lambda x: tf.math.top_k(x, 3).values, tf.constant(TIES)).tolist() == [[1, 0, 1, 1], [1, 1, 1, 0]]


def test_integers_at_the_ends_of_their_type_and_nan():
    ends = np.array([-(2**31), 2**31 - 1, 0], np.int32)
    assert tf.sort(ends, direction="DESCENDING").numpy().tolist() == [2**31 - 1, 0, -(2**31)]
    assert np.isnan(tf.sort([np.nan, 1.0, np.inf]).numpy()[2])
    assert tf.nn.top_k([1, 5, 3]).indices.numpy().tolist() == [1]


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_where_the_largest_stands(axis):
    assert np.array_equal(tf.argmax(X, axis).numpy(), np.argmax(X, 0 if axis is None else axis))
    assert np.array_equal(tf.argmin(X, axis).numpy(), np.argmin(X, 0 if axis is None else axis))
    assert tf.argmax(X, axis).dtype == tf.int64 and tf.argmin(X, axis, output_type=tf.int32).dtype == tf.int32
    assert tf.argmax(TIES, 1).numpy().tolist() == [3, 0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tf.sort(X, direction="up"), ArgumentError, "'ASCENDING' or 'DESCENDING', but 'up'"),
        (lambda: tf.math.top_k([1.0], 2), ShapeError, "k=2 needs a last axis with at least as many elements"),
        (lambda: tf.argmax(np.zeros((0, 2))), ShapeError, "no largest or smallest element along axis 0"),
        (lambda: tf.split(X, 3, axis=1), ShapeError, "cannot cut axis 1 of length 4 into 3 equal parts"),
        (lambda: tf.split(X, [1, 1], axis=1), ShapeError, "does not make up axis 1, which has length 4"),
        (lambda: tf.unstack(X, num=2), ShapeError, "finds 3 slices along axis 0, not num=2"),
        (lambda: tf.tile(X, [2]), ShapeError, "for each axis of"),
        (lambda: tf.repeat([1, 2], [1, 2, 3]), ShapeError, "one for each of 2 elements"),
        (lambda: tf.pad(X, [[1, 1]]), ShapeError, "two numbers of at least 0 for each axis"),
        (lambda: tf.pad([1.0], [[1, 1]], "EDGE"), ArgumentError, "but 'EDGE' was given"),
        (lambda: tf.pad([1.0, 2.0], [[2, 0]], "REFLECT"), ShapeError, "adds 1 elements at most along axis 0, not 2"),
        (lambda: tf.slice(X, [0, 0, 3], [1, 1, 3]), ShapeError, "not inside of axis 2 of length 5"),
        (lambda: tf.roll(X, [1, 2], 0), ArgumentError, "a shift for each axis"),
    ],
)
def test_errors_say_what_fits(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- running sums and products --------------------------------------------------------------------------------


def running(function, start, x, axis, exclusive, reverse):
    x = np.flip(x, axis) if reverse else x
    result = function(x, axis)
    if exclusive:
        first = np.full_like(np.take(result, [0], axis), start)
        result = np.concatenate([first, np.take(result, range(x.shape[axis] - 1), axis)], axis)
    return np.flip(result, axis) if reverse else result


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("x", [X, X[:, :1, :1]], ids=["many", "one"])
def test_running_sums_and_products(x, axis, exclusive, reverse):
    for f, numpys, start in ((tf.cumsum, np.cumsum, 0), (tf.math.cumprod, np.cumprod, 1)):
        found = f(x, axis, exclusive, reverse).numpy()
        np.testing.assert_allclose(found, running(numpys, start, x, axis, exclusive, reverse), rtol=1e-14)
        weights, step = RNG.standard_normal(x.shape), 1e-6
        slope = gradient(lambda x, f=f: f(x, axis, exclusive, reverse), tf.constant(x), tf.constant(weights))
        direction = RNG.standard_normal(x.shape)
        up, down = (running(numpys, start, x + s * direction, axis, exclusive, reverse) for s in (step, -step))
        assert np.sum(slope * direction) == pytest.approx(
            np.sum(weights * (up - down)) / (2 * step), rel=1e-7, abs=1e-8
        )


def test_running_products_have_the_right_gradient_at_zeros():
    x = np.array([2.0, 0.0, 3.0, 0.0, 5.0])
    expected = [sum(np.prod(np.delete(x[: j + 1], i)) for j in range(i, 5)) for i in range(5)]
    assert gradient(tf.math.cumprod, tf.constant(x)).tolist() == expected


def test_running_sums_are_rounded_once():
    x = np.array([1.0] + [2.0**-25] * 4, np.float32)
    assert tf.cumsum(x).numpy().tolist() == [1, 1, 1, 1 + 2.0**-23, 1 + 2.0**-23]
    assert tf.cumsum([2**30, 2**30, 1]).numpy().tolist() == [2**30, -(2**31), -(2**31) + 1]  # as int32 has it


# -- arranging ------------------------------------------------------------------------------------------------

ARRANGED = {
    "reverse": (lambda x: tf.reverse(x, [0, -1]), lambda x: x[::-1, :, ::-1]),
    "reverse nothing": (lambda x: tf.reverse(x, []), lambda x: x),
    "roll": (lambda x: tf.roll(x, [1, -7], [0, 2]), lambda x: np.roll(x, [1, -7], [0, 2])),
    "roll round": (lambda x: tf.roll(x, 4, 1), lambda x: x),
    "tile": (lambda x: tf.tile(x, [2, 1, 3]), lambda x: np.tile(x, [2, 1, 3])),
    "tile to nothing": (lambda x: tf.tile(x, [1, 0, 1]), lambda x: np.tile(x, [1, 0, 1])),
    "repeat": (lambda x: tf.repeat(x, 2, axis=1), lambda x: np.repeat(x, 2, 1)),
    "repeat each": (lambda x: tf.repeat(x, [1, 0, 3], axis=0), lambda x: np.repeat(x, [1, 0, 3], 0)),
    "repeat all": (lambda x: tf.repeat(x, 3), lambda x: np.repeat(x, 3)),
    "pad": (lambda x: tf.pad(x, [[1, 2], [0, 0], [3, 0]]), lambda x: np.pad(x, [[1, 2], [0, 0], [3, 0]])),
    "pad with a number": (
        lambda x: tf.pad(x, [[1, 2], [0, 0], [3, 0]], constant_values=7.0),
        lambda x: np.pad(x, [[1, 2], [0, 0], [3, 0]], constant_values=7.0),
    ),
    "pad nothing": (lambda x: tf.pad(x, [[0, 0]] * 3), lambda x: x),
    "pad reflected": (
        lambda x: tf.pad(x, [[1, 2], [3, 0], [0, 0]], "REFLECT"),
        lambda x: np.pad(x, [[1, 2], [3, 0], [0, 0]], "reflect"),
    ),
    "pad symmetric": (
        lambda x: tf.pad(x, [[3, 2], [0, 0], [5, 5]], "SYMMETRIC"),
        lambda x: np.pad(x, [[3, 2], [0, 0], [5, 5]], "symmetric"),
    ),
    "split": (lambda x: tf.split(x, 2, axis=1)[1], lambda x: np.split(x, 2, 1)[1]),
    "split by lengths": (lambda x: tf.split(x, [1, -1, 2], axis=-1)[1], lambda x: x[:, :, 1:3]),
    "unstack": (lambda x: tf.unstack(x, axis=1)[2], lambda x: x[:, 2]),
    "slice": (lambda x: tf.slice(x, [1, 0, 2], [2, -1, 2]), lambda x: x[1:, :, 2:4]),
}


@pytest.mark.parametrize("name", ARRANGED)
def test_arranging_moves_elements_and_their_gradients(name):
    f, numpys = ARRANGED[name]
    x, expected = tf.constant(X), numpys(X)
    np.testing.assert_array_equal(f(x).numpy(), expected)
    weights = RNG.standard_normal(expected.shape)
    slope = gradient(f, x, tf.constant(weights))
    zero = numpys(np.zeros(X.shape))
    other = RNG.standard_normal(X.shape)
    assert np.sum(slope * other) == pytest.approx(np.sum(weights * (numpys(other) - zero)), rel=1e-12, abs=1e-12)


def test_the_number_that_is_padded_with_has_a_gradient():
    v = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.pad([1.0], [[1, 2]], constant_values=v)
    assert y.numpy().tolist() == [2, 1, 2, 2] and float(tape.gradient(y, v)) == 3
