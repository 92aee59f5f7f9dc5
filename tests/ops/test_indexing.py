"""Elements by their places: as NumPy and TensorFlow take them, with gradients that go back to where they came from."""

import threading

import numpy as np
import pytest

import gradtape as tf
from gradtape import config
from gradtape.errors import ControlFlowError, DTypeError, ShapeError

RNG = np.random.default_rng(3)
X = RNG.standard_normal((3, 4, 5))
log = tf.math.log
INF = np.inf


def gradient(f, x, weights=None):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x, output_gradients=weights).numpy()


# -- x[...] ---------------------------------------------------------------------------------------------------

MASK = X > 0
INDICES = [
    [2, 0, 2],
    np.array([[0, -1], [1, 1]]),
    (slice(None), [3, 0]),
    ([0, 2], [1, -4]),
    (np.array([[0], [2]]), np.array([1, 3])),
    (slice(None), [0, 1], [4, 2]),
    ([0, 1], slice(None), [4, 2]),
    (slice(None), 1, [4, 2]),
    ([0, 1], slice(1, 3), 2),
    (1, slice(None), [0, 1]),
    (..., [0, 4]),
    (None, [1, 0]),
    ([1, 0], None, [2, 3]),
    (slice(None), None, [2, 3], ..., None),
    (slice(None, None, -1), [1, 2], slice(0, 4, 2)),
    (np.int64(1), np.array(2)),
    [],
    MASK,
    MASK[:, :, 0],
    MASK[:, 0, 0],
    (slice(None), MASK[0]),
    (slice(None), MASK[0, :, 0], 1),
    (MASK[:, 0, 0], slice(None), [1]),
    (0, MASK[0]),
    np.zeros((3, 4, 5), bool),
    X[:, 0, 0] > 9,
]


@pytest.mark.parametrize("index", INDICES, ids=range(len(INDICES)))
def test_indexing_with_arrays_is_numpy_s(index):
    expected = X[index]
    x = tf.constant(X)
    assert x[index].shape == expected.shape
    np.testing.assert_array_equal(x[index].numpy(), expected)
    weights = RNG.standard_normal(expected.shape)
    transposed = np.zeros(X.shape)
    np.add.at(transposed, index, weights)
    np.testing.assert_allclose(gradient(lambda x: x[index], x, tf.constant(weights)), transposed, rtol=1e-15)


@pytest.mark.parametrize("index", INDICES, ids=range(len(INDICES)))
def test_indices_may_be_tensors_and_pending(index):
    items = index if isinstance(index, tuple) else (index,)
    tensors = [
        tf.constant(i) if np.asarray(i).dtype.kind == "b" else tf.constant(np.array(i, np.int64)) + 0
        for i in items
        if isinstance(i, (list, np.ndarray))
    ]
    given = iter(tensors)
    wrapped = tuple(next(given) if isinstance(i, (list, np.ndarray)) else i for i in items)
    np.testing.assert_array_equal(tf.constant(X)[wrapped].numpy(), X[index])


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([0, 3], r"indices\[1\] is 3, which is out of range: axis 0 has length 3, so indices are 0 to 2"),
        ([[0, 1], [-4, 0]], r"indices\[1, 0\] is -4, which is out of range: axis 0 has length 3"),
        ((slice(None), [4]), r"indices\[0\] is 4, which is out of range: axis 1 has length 4"),
        ((0, 1, 2, [0]), "4 indices were given, but the tensor has 3 axes"),
        ((MASK, 0), "4 indices were given"),
        (MASK[:2], r"a mask of shape \(2, 4, 5\) does not fit axes of lengths \(3, 4, 5\)"),
        ((slice(None), MASK[:, 0]), r"a mask of shape \(3, 5\) does not fit axes of lengths \(4, 5\)"),
        (([0, 1], [0, 1, 2]), "do not fit together"),
    ],
)
def test_what_is_out_of_range_is_an_error_at_once(index, message):
    with pytest.raises(ShapeError, match=message):
        tf.constant(X)[index]


def test_what_is_out_of_range_is_an_error_when_it_is_computed():
    places = tf.constant([0, 1]) * 3
    y = tf.constant(X)[places]
    for _ in range(2):
        with pytest.raises(ShapeError, match=r"indices\[1\] is 3, which is out of range: axis 0 has length 3"):
            y.numpy()


def test_floats_are_no_indices():
    for index in ([0.0], np.array([1.0]), tf.constant(1.0)):
        with pytest.raises(DTypeError, match="indexed with integers or bools, but one of type float"):
            tf.constant(X)[index]


def test_in_a_function_places_may_depend_on_arguments_and_masks_may_not():
    f = tf.function(lambda x, i: x[i])
    for i in (0, 2, -1):
        np.testing.assert_array_equal(f(tf.constant(X), tf.constant(i)).numpy(), X[i])
        np.testing.assert_array_equal(f(tf.constant(X), tf.constant([i, 1])).numpy(), X[[i, 1]])
    known = tf.function(lambda x: x[MASK])
    np.testing.assert_array_equal(known(tf.constant(X)).numpy(), X[MASK])
    for g in (lambda x: x[x > 0], lambda x: tf.boolean_mask(x, x > 0), lambda x: tf.where(x > 0)):
        with pytest.raises(ControlFlowError, match=r"how many elements a mask has chosen.*use where\(mask, x, 0\.\)"):
            tf.function(g)(tf.constant(X))


# -- gradients that are zero by structure ---------------------------------------------------------------------

PICKS = {
    "a mask": (lambda x: log(x)[x > 0], [0.0, 1.0, 4.0], [0, 1, 0.25]),
    "a mask that skips negatives": (lambda x: tf.sqrt(x)[x > 0], [-1.0, 1.0, 4.0], [0, 0.5, 0.25]),
    "boolean_mask": (lambda x: tf.boolean_mask(log(x), x > 0), [0.0, 1.0, 4.0], [0, 1, 0.25]),
    "places": (lambda x: log(x)[[1, 2]], [0.0, 1.0, 4.0], [0, 1, 0.25]),
    "places twice": (lambda x: log(x)[[1, 1]], [0.0, 1.0, 4.0], [0, 2, 0]),
    "gather": (lambda x: tf.gather(1 / x, [2]), [0.0, 1.0, 4.0], [0, 0, -0.0625]),
    "gather_nd": (lambda x: tf.gather_nd(log(x), [[1]]), [0.0, 1.0, 4.0], [0, 1, 0]),
    "gather of gather": (lambda x: tf.gather(tf.gather(log(x), [0, 1]), [1]), [0.0, 1.0, 4.0], [0, 1, 0]),
    "sorted, the largest": (lambda x: tf.sort(log(x))[1:], [0.0, 1.0, 4.0], [0, 1, 0.25]),
    "top_k": (lambda x: tf.math.top_k(log(x), 2).values, [0.0, 1.0, 4.0], [0, 1, 0.25]),
    "through a sum": (lambda x: (log(x) + x)[[1, 2]] - x[[1, 2]], [0.0, 1.0, 4.0], [0, 1, 0.25]),
    "through where": (lambda x: tf.where(x > 2, log(x), 0.0)[[0, 2]], [0.0, 1.0, 4.0], [0, 0, 0.25]),
    "replaced": (
        lambda x: tf.tensor_scatter_nd_update(log(x), [[0]], [7.0]),
        [0.0, 1.0, 4.0],
        [0, 1, 0.25],
    ),
    "an update that does not count": (
        lambda x: tf.tensor_scatter_nd_update([0.0], [[0], [0]], log(x)),
        [0.0, 4.0],
        [0, 0.25],
    ),
    "segments that are left out": (
        lambda x: tf.math.unsorted_segment_sum(log(x), [-1, 0, 0], 1),
        [0.0, 1.0, 4.0],
        [0, 1, 0.25],
    ),
    "scattered and gathered": (
        lambda x: tf.gather(tf.scatter_nd([[0], [1], [2]], log(x), [3]), [1, 2]),
        [0.0, 1.0, 4.0],
        [0, 1, 0.25],
    ),
}


@pytest.mark.parametrize("name", PICKS)
def test_what_is_not_picked_has_a_gradient_that_is_zero_by_structure(name):
    f, at, slope = PICKS[name]
    x = tf.constant(at)
    np.testing.assert_allclose(gradient(f, x), slope, rtol=1e-6)
    if "mask" not in name:  # which is computed, see above
        np.testing.assert_allclose(gradient(tf.function(f), x), slope, rtol=1e-6)
    second = gradient(lambda x: differentiated(f, x), x)
    assert np.isfinite(second).all()


def differentiated(f, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def test_the_opt_out_gives_ieee_poisoning():
    x = tf.constant([0.0, 1.0])
    with config.override(safe_selection=False):
        assert np.isnan(gradient(lambda x: log(x)[[1]] * 1.0, x)[0])


# -- gather and scatter ---------------------------------------------------------------------------------------

GATHERS = [
    ((3, 4, 5), (2,), 0, 0),
    ((3, 4, 5), (), 1, 0),
    ((3, 4, 5), (2, 2), 2, 0),
    ((3, 4, 5), (2,), -1, 0),
    ((3, 4, 5), (3, 2), 1, 1),
    ((3, 4, 5), (3,), 1, 1),
    ((3, 4, 5), (3, 2), 2, 1),
    ((3, 4, 5), (3, 4, 2, 2), 2, 2),
    ((3, 4, 5), (3, 4, 2), None, 2),
    ((3, 4, 5), (3, 4), None, -1),
    ((3, 4, 5, 2), (3, 2, 2), 2, 1),
    ((3, 4, 5, 2), (3, 2, 2), 3, 1),
]


def gathered(x, indices, axis, batch):
    """What the documentation of TensorFlow says, element by element."""
    batch += len(indices.shape) if batch < 0 else 0
    axis = (batch if axis is None else axis) % x.ndim
    result = np.empty(x.shape[:axis] + indices.shape[batch:] + x.shape[axis + 1 :])
    for at in np.ndindex(result.shape):
        place = at[axis : axis + indices.ndim - batch]
        index = indices[(*at[:batch], *place)]
        result[at] = x[(*at[:axis], index, *at[axis + indices.ndim - batch :])]
    return result


@pytest.mark.parametrize(("shape", "of_indices", "axis", "batch"), GATHERS)
def test_gather_is_tensorflow_s(shape, of_indices, axis, batch):
    x = RNG.standard_normal(shape)
    indices = RNG.integers(0, 3 if axis is None else min(shape[axis], 4), of_indices)
    expected = gathered(x, indices, axis, batch)
    f = lambda x: tf.gather(x, indices, axis=axis, batch_dims=batch)  # noqa: E731
    np.testing.assert_array_equal(f(tf.constant(x)).numpy(), expected)
    weights = RNG.standard_normal(expected.shape)
    slope = gradient(f, tf.constant(x), tf.constant(weights))
    other = RNG.standard_normal(shape)
    assert np.sum(slope * other) == pytest.approx(np.sum(weights * gathered(other, indices, axis, batch)))


@pytest.mark.parametrize(("of_indices", "batch"), [((2, 3), 0), ((2, 2), 0), ((2, 0), 0), ((1,), 0), ((3, 2), 1)])
def test_gather_nd_is_tensorflow_s(of_indices, batch):
    indices = RNG.integers(0, 3, of_indices)
    expected = (
        [X[(*([i] if batch else []), *row)] for i, row in enumerate(indices)]
        if len(of_indices) > 1
        else X[tuple(indices)]
    )
    np.testing.assert_array_equal(tf.gather_nd(X, indices, batch_dims=batch).numpy(), np.array(expected))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tf.gather([1.0, 2.0], [0, -1]), r"indices\[1\] is -1, which is out of range: axis 0 has length 2"),
        (lambda: tf.gather([1.0, 2.0], 2), r"indices is 2, which is out of range"),
        (
            lambda: tf.gather(np.zeros((2, 3)), [[0], [3]], batch_dims=1),
            r"indices\[1, 0\] is 3, .* axis 1 has length 3",
        ),
        (lambda: tf.gather(np.zeros((0,)), [0]), "axis 0 has length 0 and no elements"),
        (lambda: tf.gather(np.zeros((2, 3)), np.zeros((3, 1), int), batch_dims=1), "needs equal shapes up to there"),
        (lambda: tf.gather_nd(X, [[0, 4]]), r"indices\[0\] is 4, which is out of range: axis 1 has length 4"),
        (lambda: tf.gather_nd(X, [[0, 0, 0, 0]]), "have 4 coordinates"),
        (lambda: tf.scatter_nd([[5]], [1.0], [5]), r"indices\[0\] is 5, which is out of range: axis 0 has length 5"),
        (lambda: tf.scatter_nd([[1]], [[1.0]], [5]), r"updates of scatter_nd must have shape \(1,\)"),
        (lambda: tf.math.unsorted_segment_sum([1.0], [2], 2), r"indices\[0\] is 2, which is out of range"),
        (lambda: tf.math.unsorted_segment_sum([1.0], [0, 1], 2), "do not belong to data"),
        (lambda: tf.boolean_mask([1.0], [True, False]), "does not fit the axes"),
    ],
)
def test_errors_name_the_index_and_the_bounds(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


def test_places_are_integers_and_masks_are_bools():
    for call in (lambda: tf.gather([1.0], [0.0]), lambda: tf.gather_nd([1.0], [[0.0]])):
        with pytest.raises(DTypeError, match="must be integers, but a tensor of type float32"):
            call()
    with pytest.raises(DTypeError, match="needs a bool mask"):
        tf.boolean_mask([1.0], [1])


def test_scatter_adds_in_order_and_in_double():
    updates = np.array([1e8, 1.0, -1e8, 1.0], np.float32)
    assert tf.scatter_nd([[0]] * 4, updates, [2]).numpy().tolist() == [2.0, 0.0]
    assert tf.scatter_nd([[1], [1]], [2**53, 1], [2]).numpy().tolist() == [0, 2**53 + 1]
    slices = RNG.standard_normal((4, 5))
    expected = np.zeros((3, 5))
    np.add.at(expected, [2, 0, 2, 1], slices)
    np.testing.assert_allclose(tf.scatter_nd([[2], [0], [2], [1]], slices, [3, 5]).numpy(), expected)
    assert tf.tensor_scatter_nd_sub([5.0, 5.0], [[0], [0]], [1.0, 2.0]).numpy().tolist() == [2, 5]


def test_the_bits_of_a_sum_do_not_depend_on_threads():
    places = RNG.integers(0, 7, (5000, 1))
    slices = RNG.standard_normal((5000, 3)) * 10.0 ** RNG.integers(-8, 8, (5000, 1))
    found = set()
    for threads in (1, 2, 5):
        with config.override(threads=threads):
            found.add(tf.scatter_nd(places, slices, [7, 3]).numpy().tobytes())
    thread = threading.Thread(target=lambda: found.add(tf.scatter_nd(places, slices, [7, 3]).numpy().tobytes()))
    thread.start()
    thread.join()
    assert len(found) == 1


def test_the_last_update_counts_and_alone_has_a_gradient():
    x, u = tf.constant([1.0, 2.0, 3.0]), tf.constant([10.0, 20.0, 30.0])
    with tf.GradientTape() as tape:
        tape.watch((x, u))
        y = tf.tensor_scatter_nd_update(x, [[1], [2], [1]], u)
    assert y.numpy().tolist() == [1, 30, 20]
    by_x, by_u = tape.gradient(y, (x, u))
    assert by_x.numpy().tolist() == [1, 0, 0] and by_u.numpy().tolist() == [0, 1, 1]


def test_updates_of_slices():
    x = np.zeros((3, 4, 5))
    expected = x.copy()
    expected[2, 1], expected[0, 3] = 1.0, 2.0
    updates = np.stack([np.full(5, 1.0), np.full(5, 2.0)])
    np.testing.assert_array_equal(tf.tensor_scatter_nd_update(x, [[2, 1], [0, 3]], updates).numpy(), expected)
    np.testing.assert_array_equal(tf.tensor_scatter_nd_add(x, [[2, 1], [0, 3]], updates).numpy(), expected)
    assert tf.tensor_scatter_nd_update(x, np.zeros((0, 2), int), np.zeros((0, 5))).shape == x.shape


@pytest.mark.parametrize("pending", [False, True])
def test_segments(pending):
    ids = tf.constant([[0, 2], [-1, 0]])
    ids = ids + 0 if pending else ids
    data = np.arange(12.0).reshape(2, 2, 3)
    expected = np.array([data[0, 0] + data[1, 1], np.zeros(3), data[0, 1]])
    np.testing.assert_array_equal(tf.math.unsorted_segment_sum(data, ids, 3).numpy(), expected)


def test_boolean_mask_of_later_axes():
    mask = np.array([True, False, True, True])
    np.testing.assert_array_equal(tf.boolean_mask(X, mask, axis=1).numpy(), X[:, mask])
    np.testing.assert_array_equal(tf.boolean_mask(X, MASK[0], axis=1).numpy(), X[:, MASK[0]])
    np.testing.assert_array_equal(tf.where(MASK).numpy(), np.argwhere(MASK))
    assert tf.where(MASK).dtype == tf.int64
    np.testing.assert_array_equal(tf.gather_nd(X, tf.where(MASK)).numpy(), X[MASK])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int32", "int64", "bool"])
def test_all_types_are_moved(dtype):
    x = tf.cast([1, 0, 1], dtype)
    assert x[[2, 1]].dtype == dtype and tf.cast(x[[2, 1]], tf.int32).numpy().tolist() == [1, 0]
    assert tf.cast(tf.scatter_nd([[1], [1]], x[:2], [2]), tf.int32).numpy().tolist() == [0, 1]


def test_all_tiers_give_the_same():
    found = set()
    for tier in ("single", "fused", "auto"):
        with config.override(tier=tier):
            x = tf.constant(X)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.sin(tf.gather(x * 2.0, [1, 1, 0], axis=1)) * 3.0
            found.add((y.numpy().tobytes(), tape.gradient(y, x).numpy().tobytes()))
    assert len(found) == 1
