"""Tapes that give Jacobians, and ForwardAccumulator, as TensorFlow documents them."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError, TapeError
from gradtape.graph.node import recordings

Accumulator = tf.autodiff.ForwardAccumulator


@pytest.fixture(autouse=True)
def nothing_stays_open():
    yield
    assert recordings.get() == ()


def recorded(f, *sources, persistent=False):
    with tf.GradientTape(persistent) as tape:
        tape.watch(sources)
        y = f(*sources)
    return tape, y


class TestTapeJacobian:
    def test_shape_is_that_of_the_target_and_of_the_source(self):
        x = tf.constant(np.arange(6.0).reshape(2, 3))
        tape, y = recorded(lambda x: tf.sin(x[:, :2]), x)
        found = tape.jacobian(y, x).numpy()
        true = np.zeros((2, 2, 2, 3))
        for i, j in np.ndindex(2, 2):
            true[i, j, i, j] = np.cos(x.numpy()[i, j])
        assert found == pytest.approx(true, rel=1e-15)

    def test_nests_of_sources_and_targets_keep_their_structure(self):
        x, y = tf.constant([1.0, 2.0]), tf.constant(3.0)
        tape, (a, b) = recorded(lambda x, y: (x * y, tf.reduce_sum(x)), x, y)
        found = tape.jacobian({"a": a, "b": b}, [x, {"y": y}])
        assert found["a"][0].numpy().tolist() == [[3.0, 0.0], [0.0, 3.0]]
        assert found["a"][1]["y"].numpy().tolist() == [1.0, 2.0]
        assert found["b"][0].numpy().tolist() == [1.0, 1.0] and found["b"][1]["y"] is None

    def test_row_by_row_has_the_same_bits(self):
        x = tf.constant(np.linspace(0.1, 1, 5))
        tape, y = recorded(lambda x: tf.exp(x) * tf.reduce_sum(x**3), x, persistent=True)
        rows = tape.jacobian(y, x, experimental_use_pfor=False, parallel_iterations=2)
        assert rows.numpy().tobytes() == tape.jacobian(y, x).numpy().tobytes()

    def test_unconnected(self):
        x, z = tf.constant([1.0, 2.0]), tf.constant([3.0])
        tape, y = recorded(lambda x, z: x**2, x, z, persistent=True)
        assert tape.jacobian(y, z) is None
        assert tape.jacobian(y, z, unconnected_gradients="zero").numpy().tolist() == [[0.0], [0.0]]
        with pytest.raises(ArgumentError):
            tape.jacobian(y, x, unconnected_gradients="nought")

    def test_a_variable_and_a_tape_that_answers_once(self):
        v = tf.Variable([1.0, 2.0])
        with tf.GradientTape() as tape:
            y = v * v
        assert tape.jacobian(y, v).numpy().tolist() == [[2.0, 0.0], [0.0, 4.0]]
        with pytest.raises(TapeError):
            tape.jacobian(y, v)

    def test_an_outer_tape_differentiates_a_jacobian(self):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as outer:
            outer.watch(x)
            tape, y = recorded(lambda x: x**3, x)
            diagonal = tf.reduce_sum(tape.jacobian(y, x))
        assert outer.gradient(diagonal, x).numpy().tolist() == [6.0, 12.0]

    def test_inside_of_a_function(self):
        @tf.function
        def rows(x):
            tape, y = recorded(lambda x: x**2 * x[0], x)
            return tape.jacobian(y, x)

        assert rows(tf.constant([2.0, 3.0])).numpy().tolist() == [[12.0, 0.0], [9.0, 12.0]]


class TestBatchJacobian:
    def test_one_matrix_for_each_example(self):
        x = tf.constant(np.arange(6.0).reshape(2, 3))
        tape, y = recorded(lambda x: x[:, :2] * x[:, 1:] ** 2, x, persistent=True)
        found = tape.batch_jacobian(y, x)
        all_of_them = tape.jacobian(y, x).numpy()
        assert found.shape == (2, 2, 3)
        assert found.numpy().tolist() == [all_of_them[i, :, i].tolist() for i in range(2)]
        assert tape.batch_jacobian(y, x, experimental_use_pfor=False).numpy().tolist() == found.numpy().tolist()

    def test_of_nothing(self):
        tape, y = recorded(lambda x: 2.0 * x, tf.zeros((1, 0)))
        x = tape._recording.watched[0]
        assert tape.batch_jacobian(y, tf.Tensor(x)).shape == (1, 0, 0)

    @pytest.mark.parametrize("shapes", [((2,), (2, 3)), ((2, 3), (2,)), ((2, 3), (3, 3))])
    def test_shapes_that_do_not_belong_together(self, shapes):
        target, source = (tf.ones(shape) for shape in shapes)
        with pytest.raises(ShapeError, match="two axes or more and equal first lengths"):
            tf.GradientTape().batch_jacobian(target, source)

    def test_unconnected(self):
        x, z = tf.ones((2, 3)), tf.ones((2, 4))
        tape, y = recorded(lambda x, z: x * 2.0, x, z, persistent=True)
        assert tape.batch_jacobian(y, z) is None
        assert tape.batch_jacobian(y, z, unconnected_gradients="zero").shape == (2, 3, 4)


def test_hessians_follow_the_graph_in_a_function():
    @tf.function
    def both(x, y):
        return tf.hessians([tf.reduce_sum(x**3), x[0] * y**2], [x, y])

    by_x, by_y = both(tf.constant([1.0, 2.0]), tf.constant(3.0))
    assert by_x.numpy().tolist() == [[6.0, 0.0], [0.0, 12.0]] and by_y.numpy() == 2.0


def test_hessians_of_what_was_computed_is_an_error():
    x = tf.constant(2.0)
    y = x**2
    y.numpy()
    with pytest.raises(ArgumentError, match="ask for gradients before its value is read"):
        tf.hessians(y, x)


class TestForwardAccumulator:
    def test_the_product_of_a_jacobian_with_a_vector(self):
        x = tf.constant([[2.0, 3.0], [1.0, 4.0]])
        targets = tf.constant([[1.0], [-1.0]])
        dense = tf.Variable([[0.5], [2.0]])
        with Accumulator(dense, tf.constant([[1.0], [0.0]])) as acc:
            loss = tf.reduce_sum((x @ dense - targets) ** 2)
        residual = x.numpy() @ dense.numpy() - targets.numpy()
        assert acc.jvp(loss).numpy() == 2 * float(residual[:, 0] @ x.numpy()[:, 0])

    def test_nests_and_what_is_not_connected(self):
        x, y = tf.constant(2.0), tf.constant(3.0)
        with Accumulator([x, {"y": y}], [tf.constant(1.0), {"y": tf.constant(10.0)}]) as acc:
            z, w = x * y, tf.constant(1.0) * 2.0
        assert acc.jvp(z).numpy() == 23.0
        assert acc.jvp({"w": w, "z": z})["w"] is None
        assert acc.jvp(w, unconnected_gradients="zero").numpy() == 0.0
        assert acc.jvp(x).numpy() == 1.0

    def test_a_block_that_is_entered_again_goes_on(self):
        x = tf.constant(2.0)
        acc = Accumulator(x, tf.constant(1.0))
        with acc:
            y = x**2
        assert acc.jvp(y).numpy() == 4.0
        outside = x * y
        with tf.GradientTape() as tape:
            tape.watch(x)
            with acc:
                z = x * y
            slope = acc.jvp(z)
        assert slope.numpy() == 12.0 and acc.jvp(outside) is None
        assert tape.gradient(slope, x).numpy() == 4.0  # y and its tangent were there before the tape

    def test_tangents_may_be_asked_for_inside_of_the_block(self):
        x = tf.constant(2.0)
        with Accumulator(x, tf.constant(1.0)) as acc:
            y = x**3
            inside = acc.jvp(y)
        assert inside.numpy() == acc.jvp(y).numpy() == 12.0

    @pytest.mark.parametrize("late", [False, True])
    def test_nesting_gives_true_higher_derivatives(self, late):
        """TensorFlow 2.21 says 5 instead of 12 here."""
        x, one = tf.constant(2.0), tf.constant(1.0)
        with Accumulator(x, one) as outer:
            with Accumulator(x, one) as inner:
                m = tf.identity(x)
                y = (m * m) * m
            first = None if late else inner.jvp(y)
        first = inner.jvp(y) if late else first
        assert (first.numpy(), outer.jvp(first).numpy()) == (12.0, 12.0)

    def test_third_derivative(self):
        x, one = tf.constant(2.0), tf.constant(1.0)
        with Accumulator(x, one) as a, Accumulator(x, one) as b, Accumulator(x, one) as c:
            y = x**4
        assert a.jvp(b.jvp(c.jvp(y))).numpy() == 48.0

    def test_a_tape_inside_and_outside(self):
        x, v = tf.constant([1.0, 2.0]), tf.constant([1.0, 10.0])
        with Accumulator(x, v) as acc:
            tape, y = recorded(lambda x: tf.reduce_sum(x**3), x)
            gradient = tape.gradient(y, x)
        assert acc.jvp(gradient).numpy().tolist() == [6.0, 120.0]
        with tf.GradientTape() as tape:
            tape.watch(x)
            with Accumulator(x, v) as acc:
                y = tf.reduce_sum(x**3)
            tangent = acc.jvp(y)
        assert tape.gradient(tangent, x).numpy().tolist() == [6.0, 120.0]

    def test_wrong_use(self):
        x = tf.constant([1.0, 2.0])
        with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
            Accumulator(x, tf.ones(3))
        with pytest.raises(ShapeError, match=r"1 primals.*2 tangents"):
            Accumulator(x, [x, x])
        with pytest.raises(DTypeError):
            Accumulator(x, tf.ones(2, tf.float64))
        with pytest.raises(DTypeError):
            Accumulator(tf.constant(1), tf.constant(1))
        with pytest.raises(ArgumentError):
            Accumulator(1.0, 1.0)
        acc = Accumulator(x, x)
        with pytest.raises(TapeError):
            acc.jvp(x)
        with acc, pytest.raises(TapeError), acc:
            pass
