"""What is fused: how many passes over memory a Program takes, and what they read and write."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.engine.plan import plan
from gradtape.engine.steps import CallStep, KernelStep
from gradtape.graph.trace import trace
from gradtape.rewrite import rewrite

X = np.linspace(-1, 1, 60, dtype=np.float32).reshape(12, 5)


def steps_of(*tensors):
    return plan(rewrite(trace(tensors[0].node, [t.node for t in tensors[1:]])[0])).steps


def kernels(steps):
    return [step for step in steps if isinstance(step, KernelStep)]


def test_an_elementwise_chain_is_one_kernel_that_stores_only_the_result():
    x = tf.constant(X)
    (step,) = steps_of(tf.exp(tf.sin(x) * 2.0 + x) / 3.0)
    assert isinstance(step, KernelStep) and len(step.outputs) == 1
    assert step.lengths == (1, 60), "axes that all operands run through together are one loop"


def test_a_value_and_its_gradients_are_one_kernel():
    x = tf.constant(X)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.sin(x) ** 2
        first = inner.gradient(y, x)
    second = outer.gradient(first, x)
    (step,) = steps_of(y, first, second)
    assert len(step.outputs) == 3 and len(step.inputs) == 1


def test_a_reduction_is_part_of_the_kernel_that_makes_its_operand():
    x, y = tf.constant(X), tf.constant(X + 1)
    (step,) = steps_of(tf.reduce_sum(tf.square(x - y)))
    assert step.spec.reduces == "inner" and step.shapes == [()]


def test_a_loss_and_all_its_gradients_are_one_pass_over_the_data():
    w, b = tf.Variable(0.5), tf.Variable(0.1)
    x, y = tf.constant(X[:, 0]), tf.constant(X[:, 1])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(w * x + b - y))
    dw, db = tape.gradient(loss, [w, b])
    (step,) = steps_of(loss, dw, db)
    assert len(step.outputs) == 3


def test_reductions_over_the_first_middle_and_last_axis():
    cube = tf.constant(np.zeros((4, 5, 6), np.float32))
    for axis, reduces, lengths in [(0, "middle", (4, 30)), (1, "middle", (5, 24)), (2, "inner", (20, 1, 6))]:
        (step,) = steps_of(tf.reduce_sum(cube * 2.0, axis=axis))
        assert (step.spec.reduces, step.lengths) == (reduces, lengths)


def test_many_short_rows_are_reduced_side_by_side():
    (step,) = steps_of(tf.reduce_sum(tf.constant(np.zeros((1000, 20), np.float32)) * 2.0, axis=1))
    assert (step.spec.reduces, step.lengths) == ("middle", (20, 1000))


def test_what_differs_in_axes_of_length_one_is_one_pass():
    x = tf.constant(np.ones((60, 1), np.float32))
    (step,) = steps_of(tf.reduce_sum(x * 2.0), tf.reduce_sum(x * 3.0, axis=0))
    assert step.shapes == [(), (1,)]
    (step,) = steps_of(tf.reduce_sum(x * 2.0), tf.reshape(x, [60]) + 1.0, tf.transpose(tf.exp(x)))
    assert step.shapes == [(), (60,), (1, 60)] and step.lengths == (1, 60)


def test_what_a_reduction_result_is_used_for_is_another_kernel():
    x = tf.constant(X)
    steps = steps_of(tf.exp(x) / tf.reduce_sum(tf.exp(x)))
    assert len(kernels(steps)) == 2


def test_broadcasting_reads_with_stride_zero_and_expands_nothing():
    wide = np.zeros((40, 50), np.float32)
    (step,) = steps_of(tf.constant(wide) + tf.constant(wide[0]) * tf.constant(wide[:, :1]))
    assert step.lengths == (40, 1, 50) and list(step.copied) == [None, None, None]
    access = {access for _, access in step.spec.operands}
    assert access == {"step", "row"}


def test_a_short_inner_loop_is_joined_with_those_around_it():
    (step,) = steps_of(tf.constant(np.zeros((1000, 3), np.float32)) * tf.constant([1.0, 2.0, 3.0]))
    assert step.lengths == (1, 3000) and list(step.copied) == [None, None]
    assert step.spec.operands == (("float32", "step"), ("float32", "listed")) and step.spec.stores == ("step",)


def test_no_more_loops_are_joined_than_make_a_long_one():
    whole, row = tf.constant(np.zeros((50, 40, 10), np.float32)), tf.constant(np.zeros((40, 1), np.float32))
    (step,) = steps_of(whole * row)
    assert step.lengths == (50, 1, 400) and step.sizes == (1, 400)


def test_short_reductions_of_broadcast_operands_alone_go_along_the_longest_loop():
    rows, columns = tf.constant(np.zeros((500, 1, 18), np.float32)), tf.constant(np.zeros((20, 18), np.float32))
    whole = tf.constant(np.zeros((500, 20, 18), np.float32))
    (step,) = steps_of(tf.reduce_sum(rows * columns, axis=2))
    assert step.lengths == (20, 18, 500)
    (step,) = steps_of(tf.reduce_sum(whole * columns, axis=2))
    assert step.lengths == (18, 10_000), "memory is walked through in its order"
    (step,) = steps_of(tf.reduce_sum(rows * columns, axis=2), rows * columns)
    assert step.lengths == (18, 10_000)


def test_a_dear_function_of_a_row_is_not_computed_for_every_row():
    row, matrix = tf.constant(np.zeros(50, np.float32)), tf.constant(np.zeros((40, 50), np.float32))
    assert len(kernels(steps_of(tf.exp(row) * matrix))) == 2
    assert len(kernels(steps_of((row + 1.0) * matrix))) == 1


def test_matrix_products_are_calls_between_kernels():
    x = tf.constant(X)
    steps = steps_of(tf.nn.relu(tf.matmul(tf.sin(x), x, transpose_b=True)))
    assert [type(step) for step in steps] == [KernelStep, CallStep, KernelStep]


def test_another_length_needs_no_other_kernel():
    specs = {
        kernels(steps_of(tf.reduce_mean(tf.sin(tf.constant(np.zeros(n, np.float32))))))[0].spec for n in (7, 800, 5000)
    }
    assert len(specs) == 1


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_one_number_in_any_shape(shape):
    x = tf.constant(np.full(shape, 2.0, np.float32))
    assert tf.reduce_sum(x * x).numpy() == 4.0
    assert (x * 3.0).numpy().shape == shape


def test_a_number_that_became_an_array_of_one_element_is_an_array():
    x = tf.constant(3.0)
    y = tf.reshape(x * 2.0, [1, 1]) + 1.0
    assert y.numpy().tolist() == [[7.0]]
    assert tf.transpose(y).numpy().tolist() == [[7.0]]
    assert tf.concat([tf.reshape(x * 2.0, [1]) + 1.0, [1.0]], axis=0).numpy().tolist() == [7.0, 1.0]
