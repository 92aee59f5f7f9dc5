"""Functions that move, join, reduce or select: their gradients against directional differences, to second order."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.graph.trace import trace

RNG = np.random.default_rng(7)
A = RNG.standard_normal((3, 4))
B = RNG.standard_normal((4, 2))
C = RNG.standard_normal((2, 3, 4))

# name: (function of one array, the array)
FUNCTIONS = {
    "reshape": (lambda x: tf.reshape(x, (2, -1)) ** 3, A),
    "transpose": (lambda x: tf.transpose(x) ** 2 * tf.constant(A.T), A),
    "transpose with perm": (lambda x: tf.transpose(x, [1, 2, 0]) ** 3, C),
    "broadcast_to": (lambda x: tf.broadcast_to(x, (5, 3, 4)) ** 2, A),
    "broadcasting": (lambda x: x * tf.constant(A) + tf.sin(x) / tf.constant(C), A[0]),
    "broadcasting a column": (lambda x: x * tf.constant(A) ** 2 * x, A[:, :1]),
    "expand_dims": (lambda x: tf.expand_dims(x, 1) * tf.expand_dims(x, 0), A),
    "squeeze": (lambda x: tf.squeeze(tf.expand_dims(x, 1), 1) ** 3, A),
    "concat": (lambda x: tf.concat([x, x**2, 2.0 * x], axis=1) ** 2, A),
    "stack": (lambda x: tf.stack([x, tf.sin(x)], axis=1) ** 2, A),
    "index": (lambda x: x[1] ** 3, A),
    "slices": (lambda x: x[::-2, 1:] ** 3 * x[1, 2], A),
    "new axes and dots": (lambda x: x[..., None, 1] * x[None, 1] ** 2, C),
    "negative step": (lambda x: x[::-1] * x**2, A),
    "matmul": (lambda x: tf.matmul(x, tf.constant(B)) ** 2, A),
    "matmul on the right": (lambda x: (tf.constant(A) @ x) ** 3, B),
    "matmul of itself": (lambda x: tf.matmul(x, x, transpose_b=True) ** 2, A),
    "matmul of batches": (lambda x: tf.matmul(tf.constant(C), x) ** 2, B),
    "reduce_sum": (lambda x: tf.reduce_sum(x**2), C),
    "reduce_sum over an axis": (lambda x: tf.reduce_sum(x**2, axis=1) ** 2, C),
    "reduce_sum over two axes": (lambda x: tf.reduce_sum(x**3, axis=[0, 2], keepdims=True) ** 2, C),
    "reduce_mean": (lambda x: tf.reduce_mean(tf.exp(x), axis=-1) ** 2, C),
    "reduce_max": (lambda x: tf.reduce_max(x**2, axis=1) ** 2, C),
    "reduce_min": (lambda x: tf.reduce_min(tf.sin(x), axis=[0, 1]) ** 2, C),
    "reduce_prod": (lambda x: tf.reduce_prod(x, axis=1) ** 2, C),
    "reduce_prod of all": (lambda x: tf.reduce_prod(x), A),
    "where": (lambda x: tf.where(x > 0, x**3, tf.exp(x)), A),
    "maximum": (lambda x: tf.maximum(x, 0.3 * x**2) ** 2, A),
    "minimum of neighbours": (lambda x: tf.minimum(x[1:], x[:-1]) ** 2, A),
    "relu": (lambda x: tf.nn.relu(x) ** 2, A),
    "leaky_relu": (lambda x: tf.nn.leaky_relu(x, alpha=0.2) ** 2, A),
    "abs": (lambda x: tf.abs(x) ** 3, A),
    "floormod": (lambda x: (x % 0.7) ** 2, A),
    "cast": (lambda x: tf.cast(tf.cast(x, tf.float64) ** 2, tf.float64), A),
    "pow of tensors": (lambda x: (0.5 + tf.abs(x)) ** tf.sin(x), A),
    "gather": (lambda x: tf.gather(x, [2, 0, 2], axis=0) ** 3, A),
    "gather of batches": (lambda x: tf.gather(x, [[0, 1], [3, 3], [2, 1]], batch_dims=1) ** 2, A),
    "gather_nd": (lambda x: tf.gather_nd(x**2, [[1, 2], [0, 0], [1, 2]]) * tf.sin(x[0, :3]), A),
    "scatter_nd": (lambda x: tf.scatter_nd([[1], [0], [1]], x**2, [2, 4]) ** 2, A),
    "tensor_scatter_nd_add": (lambda x: tf.tensor_scatter_nd_add(x, [[1], [1]], x[:2] ** 2) ** 2, A),
    "tensor_scatter_nd_update": (lambda x: tf.tensor_scatter_nd_update(x, [[1], [1]], x[:2] ** 2) ** 2, A),
    "unsorted_segment_sum": (lambda x: tf.math.unsorted_segment_sum(x**2, [1, -1, 1], 2) ** 2, A),
    "boolean_mask": (lambda x: tf.boolean_mask(x**3, A > 0) ** 2, A),
    "arrays as indices": (lambda x: x[[0, 1, 1], :, [1, 0, 1]] ** 3, C),
    "sort": (lambda x: tf.sort(x**2, axis=0) ** 2, A),
    "top_k": (lambda x: tf.math.top_k(tf.sin(x), 2).values ** 2, A),
    "cumsum": (lambda x: tf.cumsum(x**2, axis=1, reverse=True) ** 2, C),
    "cumprod": (lambda x: tf.math.cumprod(x, axis=1, exclusive=True) ** 2, C),
    "reverse and roll": (lambda x: tf.reverse(x, [1]) * tf.roll(x, 1, 0) ** 2, A),
    "tile and repeat": (lambda x: tf.tile(x, [2, 1]) ** 2 * tf.repeat(x, 2, axis=0), A),
    "pad": (lambda x: tf.pad(x, [[1, 0], [0, 2]], "REFLECT") ** 2 * tf.pad(x, [[1, 0], [0, 2]]), A),
    "split and unstack": (lambda x: tf.split(x, 2, axis=1)[1] ** 2 * tf.unstack(x, axis=1)[0][:, None], A),
    "softmax by hand": (lambda x: tf.exp(x) / tf.reduce_sum(tf.exp(x), axis=1, keepdims=True), A),
    "standardised": (
        lambda x: (x - tf.reduce_mean(x, 0)) / tf.sqrt(tf.reduce_mean((x - tf.reduce_mean(x, 0)) ** 2, 0)),
        A,
    ),
}


def value_and_gradient(f, x, weights):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(f(x) * weights)
    return y, tape.gradient(y, x)


def weights_for(f, x):
    return tf.constant(np.random.default_rng(1).standard_normal(f(tf.constant(x)).shape))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_is_the_slope_in_every_direction(name):
    f, x = FUNCTIONS[name]
    w = weights_for(f, x)
    gradient = value_and_gradient(f, tf.constant(x), w)[1].numpy()
    assert gradient.shape == x.shape
    for seed in range(3):
        direction = np.random.default_rng(seed).standard_normal(x.shape)
        step = 1e-5
        up, down = (float(tf.reduce_sum(f(tf.constant(x + s * direction)) * w)) for s in (step, -step))
        slope = (up - down) / (2 * step)
        assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_of_the_gradient_is_its_slope(name):
    f, x = FUNCTIONS[name]
    w = weights_for(f, x)
    direction = np.random.default_rng(5).standard_normal(x.shape)

    def sloped(point):
        return tf.reduce_sum(value_and_gradient(f, point, w)[1] * direction)

    point = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(point)
        y = sloped(point)
    second = tape.gradient(y, point, unconnected_gradients="zero").numpy()
    step = 1e-5
    up, down = (float(sloped(tf.constant(x + s * direction))) for s in (step, -step))
    assert np.sum(second * direction) == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-6)


def test_reduce_prod_has_the_right_gradient_at_zeros():
    x = tf.constant([[2.0, 0.0, 5.0], [0.0, 3.0, 0.0], [1.0, 2.0, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_prod(x, axis=1)
    assert tape.gradient(y, x).numpy().tolist() == [[0, 10, 0], [0, 0, 0], [6, 3, 2]]


def test_derivatives_of_a_quotient_grow_in_number_and_not_in_size():
    x = tf.constant([0.5, -2.0], tf.float64)
    tapes = [tf.GradientTape() for _ in range(9)]
    for tape in tapes:
        tape.__enter__()
        tape.watch(x)
    value = 1 / x
    for tape in reversed(tapes):
        tape.__exit__()
        value = tape.gradient(value, x)
    assert len(trace(value.node)[0].steps) < 30
    assert value.numpy() == pytest.approx([-362880 * 2.0**10, -362880 / 2.0**10], rel=1e-14)


def test_masks_of_nested_selections_do_not_pile_up():
    x = tf.constant([0.1, 0.5, -1.0], tf.float64)

    def relus(x):
        for _ in range(2000):
            x = tf.nn.relu(x)
        return x

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = relus(x) ** 2
    assert tape.gradient(y, x).numpy().tolist() == [0.2, 1.0, 0.0]


def test_the_gradient_of_hypot_at_the_origin_and_at_infinity():
    for x, y, slope in [(0.0, 0.0, 0.0), (np.inf, 1.0, 1.0), (-np.inf, 1.0, -1.0), (1.0, np.inf, 0.0)]:
        v = tf.Variable(x)
        with tf.GradientTape() as tape:
            z = tf.hypot(v, y)
        assert tape.gradient(z, v).numpy() == slope


def test_equal_largest_elements_share_the_gradient():
    x = tf.constant([3.0, 1.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_max(x)
    assert tape.gradient(y, x).numpy().tolist() == [0.5, 0.0, 0.5]


def test_what_is_not_selected_never_makes_nan():
    x = tf.constant([-1.0, 0.0, 4.0])
    for f, expected in [
        (lambda x: tf.where(x > 0, tf.math.log(x), -100.0), [0, 0, 0.25]),
        (lambda x: tf.where(x > 0, tf.sqrt(x), 0.0), [0, 0, 0.25]),
        (lambda x: tf.where(x > 0, 1 / x, 0.0), [0, 0, -0.0625]),
    ]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        assert tape.gradient(y, x).numpy().tolist() == expected
