"""Making, joining and reshaping tensors."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, GradtapeError, ShapeError

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


def test_makers():
    assert tf.zeros((2, 3)).numpy().tolist() == np.zeros((2, 3)).tolist()
    assert tf.ones([2], dtype=tf.int64).numpy().dtype == np.int64
    assert tf.fill([2, 2], 7.0).numpy().tolist() == [[7, 7], [7, 7]]
    assert tf.eye(2, 3).numpy().tolist() == [[1, 0, 0], [0, 1, 0]]
    assert tf.zeros_like(tf.constant([1, 2])).dtype == tf.int32
    assert tf.ones_like(tf.constant([1, 2]), dtype="float64").numpy().tolist() == [1.0, 1.0]
    assert tf.range(2, 10, 3).numpy().tolist() == [2, 5, 8]
    assert tf.range(5, 0, -2).numpy().tolist() == [5, 3, 1]
    assert tf.range(0.0, 1.0, 0.25).numpy().tolist() == [0, 0.25, 0.5, 0.75]
    assert tf.range(3, dtype=tf.float64).dtype == tf.float64


def test_linspace_is_the_rounded_exact_grid():
    points = tf.linspace(-10.0, 10.0, 10).numpy()
    assert points.dtype == np.float32
    assert np.array_equal(points, np.array([-10 + 20 * i / 9 for i in range(10)], np.float32))
    assert tf.linspace(0, 1, 3).numpy().tolist() == [0.0, 0.5, 1.0]
    assert tf.linspace(2.0, 3.0, 1).numpy().tolist() == [2.0]
    with pytest.raises(ArgumentError):
        tf.linspace(0.0, 1.0, 0)


def test_constants():
    assert tf.constant(3).dtype == tf.int32
    assert tf.constant(3.0).dtype == tf.float32
    assert tf.constant(True).dtype == tf.bool
    assert tf.constant(2**40).dtype == tf.int64
    assert tf.constant(np.float64(3)).dtype == tf.float64
    assert tf.constant([1, 2], shape=(2, 1)).shape == (2, 1)
    assert tf.constant(5.0, shape=(2, 2)).numpy().tolist() == [[5, 5], [5, 5]]
    assert tf.constant([[1, 2], [3, 4]], dtype="float64").numpy().dtype == np.float64
    assert tf.convert_to_tensor(1, dtype_hint=tf.float64).dtype == tf.float64
    assert tf.convert_to_tensor(1.5, dtype_hint=tf.int32).dtype == tf.float32, "a hint that does not fit is no error"
    assert tf.convert_to_tensor([tf.constant(1.0), 2.0]).numpy().tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        ("text", DTypeError, "text"),
        (["a", "b"], DTypeError, "numbers"),
        ([[1.0], [2.0, 3.0]], ShapeError, "same length"),
        (1j, DTypeError, "complex"),
        (None, DTypeError, "None"),
        (2**70, DTypeError, "fit"),
        (np.zeros(2, np.uint8), DTypeError, "uint8"),
    ],
)
def test_what_is_no_tensor_is_refused_in_one_sentence(value, error, says):
    with pytest.raises(error, match=says) as caught:
        tf.constant(value)
    assert isinstance(caught.value, GradtapeError)


def test_reshape():
    x = tf.constant(X)
    assert tf.reshape(x, (4, -1)).shape == (4, 6)
    assert tf.reshape(x, [-1]).numpy().tolist() == X.ravel().tolist()
    assert tf.reshape(x, -1).shape == (24,)
    assert tf.reshape(tf.constant(3.0), [1, 1]).shape == (1, 1)
    for shape in [(5, 5), (-1, -1), (-1, 5), (0, -1)]:
        with pytest.raises(ShapeError):
            tf.reshape(x, shape)


def test_transpose_expand_and_squeeze():
    x = tf.constant(X)
    assert np.array_equal(tf.transpose(x).numpy(), X.T)
    assert np.array_equal(tf.transpose(x, [1, 0, 2]).numpy(), X.transpose(1, 0, 2))
    assert tf.expand_dims(x, -1).shape == (2, 3, 4, 1)
    assert tf.expand_dims(x, 1).shape == (2, 1, 3, 4)
    assert tf.squeeze(tf.expand_dims(x, 1)).shape == (2, 3, 4)
    with pytest.raises(ShapeError):
        tf.squeeze(x, 1)
    with pytest.raises(ShapeError):
        tf.transpose(x, [0, 0, 1])
    with pytest.raises(ShapeError):
        tf.expand_dims(x, 9)


def test_concat_and_stack():
    a, b = tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])
    assert tf.concat([a, b], 0).numpy().tolist() == [[1, 2], [3, 4]]
    assert tf.concat([a, b], -1).numpy().tolist() == [[1, 2, 3, 4]]
    assert tf.stack([a, b]).shape == (2, 1, 2)
    assert tf.stack([a, b], axis=-1).numpy().tolist() == [[[1, 3], [2, 4]]]
    assert tf.stack([1.0, tf.constant(2.0)]).numpy().tolist() == [1.0, 2.0]
    with pytest.raises(ShapeError):
        tf.concat([a, tf.constant([[1.0, 2.0, 3.0]])], 0)
    with pytest.raises(ShapeError):
        tf.stack([a, tf.constant([1.0])])
    with pytest.raises(ShapeError):
        tf.concat([], 0)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        (1, 2),
        (1, 2, 3),
        slice(None),
        slice(1, None),
        (slice(None), slice(None, None, -1)),
        (slice(None), slice(2, 0, -1), 0),
        (..., 1),
        (0, ..., None),
        None,
        (None, 1, None, slice(0, 2)),
        (slice(5, 9),),
        (slice(None), slice(None), slice(3, None, -2)),
    ],
)
def test_basic_indexing_is_numpys(index):
    ours = tf.constant(X)[index].numpy()
    assert np.shape(ours) == X[index].shape
    assert np.array_equal(ours, X[index])


def test_indices_that_do_not_work_say_why():
    x = tf.constant(X)
    with pytest.raises(ShapeError, match="out of range"):
        x[2]
    with pytest.raises(ShapeError, match="4 indices"):
        x[0, 0, 0, 0]
    with pytest.raises(DTypeError, match="where"):
        x[1.5]
    with pytest.raises(DTypeError, match="where"):
        x[True]


def test_matmul():
    a, b = X[0], X[1]
    assert np.allclose(tf.matmul(a, b, transpose_b=True).numpy(), a @ b.T)
    assert np.allclose(tf.matmul(a, b, transpose_a=True).numpy(), a.T @ b)
    assert np.allclose((tf.constant(X) @ tf.constant(a.T)).numpy(), X @ a.T)
    with pytest.raises(ShapeError, match="columns"):
        tf.matmul(a, b)
    with pytest.raises(ShapeError, match="expand_dims"):
        tf.matmul(a, b[0])


def test_axes_that_do_not_exist_are_named():
    with pytest.raises(ShapeError, match="axis 3"):
        tf.reduce_sum(tf.constant(X), axis=3)
    with pytest.raises(ShapeError, match="twice"):
        tf.reduce_sum(tf.constant(X), axis=[0, 0])


def test_names_of_tensorflow():
    x = tf.constant([0.5])
    assert tf.math.exp(x).numpy() == tf.exp(x).numpy()
    assert tf.pow(x=x, y=4).numpy() == np.float32(0.0625)
    assert tf.nn.relu(features=x).numpy() == np.float32(0.5)
    assert tf.Variable(initial_value=3.0).numpy() == 3.0
    assert tf.math.atan2(y=1.0, x=1.0).numpy() == np.float32(np.pi / 4)
    assert tf.linalg.matmul([[1.0]], [[2.0]]).numpy() == 2.0
    assert tf.reduce_sum(input_tensor=[1.0, 2.0], axis=0, keepdims=True).numpy().tolist() == [3.0]
    assert tf.cast(x=1.5, dtype=tf.int32).numpy() == 1
