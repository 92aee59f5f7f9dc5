"""`cond` and `while_loop` do the same in Python and in a traced function."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, ControlFlowError, ShapeError

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "traced"])


@BOTH
def test_cond_picks_a_branch(wrap):
    f = wrap(lambda x: tf.cond(x > 0.0, lambda: x * 2.0, lambda: -x))
    assert f(tf.constant(3.0)).numpy() == 6.0 and f(tf.constant(-3.0)).numpy() == 3.0
    g = wrap(lambda n: tf.cond(n, lambda: 1.0, lambda: 2.0))
    assert g(tf.constant(5)).numpy() == 1.0 if wrap is tf.function else True


@BOTH
def test_the_derivative_is_that_of_the_branch_picked(wrap):
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cond(x > 0.0, lambda: tf.sqrt(x), lambda: x * x)
        return tape.gradient(y, x)

    f = wrap(slope)
    assert f(tf.constant(4.0)).numpy() == 0.25
    assert f(tf.constant(-3.0)).numpy() == -6.0  # no NaN from the branch that was not picked


@BOTH
def test_branches_return_nests_and_assign_variables(wrap):
    v, w = tf.Variable(0.0), tf.Variable(0.0)

    def up():
        v.assign_add(1.0)
        return {"a": tf.constant(1.0), "b": None}

    def down():
        w.assign_sub(1.0)
        return {"a": tf.constant(-1.0), "b": None}

    f = wrap(lambda x: tf.cond(x > 0.0, up, down))
    assert f(tf.constant(1.0))["a"].numpy() == 1.0 and (v.numpy(), w.numpy()) == (1.0, 0.0)
    assert f(tf.constant(-1.0))["a"].numpy() == -1.0 and (v.numpy(), w.numpy()) == (1.0, -1.0)


def test_branches_that_differ_are_refused():
    def f(second):
        return tf.function(lambda x: tf.cond(x > 0.0, lambda: x, lambda: second(x)))

    for second in (lambda x: tf.ones(2), lambda x: tf.constant(1), lambda x: (x, x), lambda x: None):
        with pytest.raises(ArgumentError, match="branch"):
            f(second)(tf.constant(1.0))
    with pytest.raises(ArgumentError, match="two functions"):
        tf.cond(True, 1.0, 2.0)
    with pytest.raises(ShapeError, match="one branch"):
        tf.cond(tf.constant([True, False]), lambda: 1.0, lambda: 2.0)


@BOTH
def test_a_loop_runs_as_long_as_its_condition_holds(wrap):
    def collatz(n):
        return tf.while_loop(
            lambda n, k: n != 1, lambda n, k: (tf.where(n % 2 == 0, n // 2, 3 * n + 1), k + 1), (n, 0)
        )[1]

    f = wrap(collatz)
    assert [int(f(tf.constant(n))) for n in (1, 6, 27)] == [0, 8, 111]


@BOTH
def test_loops_on_arrays_nests_and_outer_values(wrap):
    matrix = tf.constant([[2.0, 1.0], [1.0, 3.0]])

    def largest_eigenvalue(x):
        def step(state, k):
            y = tf.linalg.matvec(matrix, state["x"]) if hasattr(tf.linalg, "matvec") else matrix @ state["x"]
            return {"x": y / tf.sqrt(tf.reduce_sum(y * y))}, k + 1

        state, k = tf.while_loop(lambda s, k: k < 50, step, [{"x": x}, 0])
        return tf.reduce_sum(state["x"] * (matrix @ state["x"])), k

    value, k = wrap(largest_eigenvalue)(tf.constant([[1.0], [0.0]]))
    assert np.isclose(value.numpy(), (5 + 5**0.5) / 2, rtol=1e-6) and int(k) == 50


@BOTH
def test_a_loop_can_be_bounded(wrap):
    f = wrap(lambda x: tf.while_loop(lambda x: x > 0.0, lambda x: (x + 1.0,), (x,), maximum_iterations=7)[0])
    assert f(tf.constant(1.0)).numpy() == 8.0


def test_a_tape_outside_differentiates_a_loop():
    f = tf.function(lambda x: tf.while_loop(lambda y, k: k < 3, lambda y, k: (y * x, k + 1), (x, 0))[0])
    x = tf.Variable(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = f(x)
        slope = inner.gradient(y, x)
    assert (y.numpy(), slope.numpy(), outer.gradient(slope, x).numpy()) == (16.0, 32.0, 48.0)


def test_a_tape_inside_says_what_to_do():
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            (y,) = tf.while_loop(lambda y: y < 10.0, lambda y: (y * 2.0,), (x,))
        return tape.gradient(y, x)

    with pytest.raises(ControlFlowError, match=r"outside of gradtape\.function"):
        f(tf.constant(1.0))


@BOTH
def test_loop_variables_keep_shape_type_and_number(wrap):
    for body, error in (
        (lambda x: (tf.ones(2),), ShapeError),
        (lambda x: (tf.cast(x, tf.float64),), ShapeError),
        (lambda x: (x, x), ArgumentError),
    ):
        with pytest.raises(error, match="loop"):
            wrap(lambda x, body=body: tf.while_loop(lambda x: x < 3.0, body, (x,)))(tf.constant(1.0))
    with pytest.raises(ArgumentError, match="two functions"):
        tf.while_loop(1, 2, [3])


def test_variables_are_read_but_not_assigned_in_the_body_of_a_traced_loop():
    v = tf.Variable(2.0)
    f = tf.function(lambda x: tf.while_loop(lambda x: x < 10.0, lambda x: (x * v,), (x,))[0])
    assert f(tf.constant(1.0)).numpy() == 16.0
    v.assign(3.0)
    assert f(tf.constant(1.0)).numpy() == 27.0
    with pytest.raises(ControlFlowError, match="loop variable"):
        tf.function(lambda x: tf.while_loop(lambda x: x < 3.0, lambda x: (v.assign(x) * 1.0,), (x,)))(tf.constant(1.0))


def test_all_results_of_a_loop_come_from_one_run():
    runs = []
    original = tf.staging.loop.WHILE.reference

    def counted(*arguments):
        runs.append(1)
        return original(*arguments)

    f = tf.function(lambda x: tf.while_loop(lambda x, y: x < 10.0, lambda x, y: (x * 2.0, y + 1.0), (x, x)))
    tf.staging.loop.WHILE.reference = counted
    try:
        assert [t.numpy() for t in f(tf.constant(1.0))] == [16.0, 5.0]
    finally:
        tf.staging.loop.WHILE.reference = original
    assert len(runs) == 1
