"""Folding drops what changes nothing, and nothing else."""

import gradtape as tf
from gradtape.graph.program import Program
from gradtape.graph.trace import trace
from gradtape.rewrite import rewrite
from gradtape.rewrite.fold import fold

X = (("float32", (3,)),)
ONE = ("literal", ("0x1.0000000000000p+0", "float32"), ())
ZERO = ("literal", ("0x0.0p+0", "float32"), ())


def names(program):
    return [name for name, _, _ in program.steps]


def test_a_multiplication_by_one_is_dropped_on_either_side():
    assert fold(Program(X, (ONE, ("multiply", (), (0, -1)), ("sin", (), (1,))), (2,))).steps == (("sin", (), (-1,)),)
    assert fold(Program(X, (ONE, ("multiply", (), (-1, 0)), ("sin", (), (1,))), (2,))).steps == (("sin", (), (-1,)),)


def test_a_division_by_one_is_dropped_but_not_a_division_of_one():
    assert names(fold(Program(X, (ONE, ("real_divide", (), (-1, 0)), ("sin", (), (1,))), (2,)))) == ["sin"]
    assert "real_divide" in names(fold(Program(X, (ONE, ("real_divide", (), (0, -1))), (1,))))


def test_a_one_that_makes_the_result_larger_stays():
    steps = (ONE, ("broadcast_to", ((2, 3),), (0,)), ("multiply", (), (-1, 1)))
    assert "multiply" in names(fold(Program(X, steps, (2,))))


def test_adding_zero_stays_as_it_changes_the_sign_of_zero():
    assert "add" in names(fold(Program(X, (ZERO, ("add", (), (-1, 0))), (1,))))


def test_multiplying_by_zero_stays_as_it_keeps_nan():
    assert "multiply" in names(fold(Program(X, (ZERO, ("multiply", (), (-1, 0))), (1,))))


def test_two_negations_cancel():
    steps = (("negative", (), (-1,)), ("negative", (), (0,)), ("sin", (), (1,)))
    assert fold(Program(X, steps, (2,))).steps == (("sin", (), (-1,)),)


def test_an_output_may_turn_out_to_be_a_leaf():
    assert fold(Program(X, (("negative", (), (-1,)), ("negative", (), (0,))), (1,))).outputs == (-1,)
    x = tf.constant([1.0, -2.0])
    assert tf.negative(-x).numpy().tolist() == [1.0, -2.0]


def test_a_gradient_carries_no_multiplication_by_the_cotangent_one():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.sin(x)
    program = rewrite(trace(tape.gradient(y, x).node)[0])
    assert names(program) == ["cos"]
