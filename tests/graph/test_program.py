"""Programs: equal for equal computations, in this process and others; small, printable, free of recursion."""

import pickle
import subprocess
import sys

import gradtape as tf
from gradtape.graph.node import TABLE
from gradtape.graph.program import Program, rebuild
from gradtape.graph.trace import trace


def program_of(tensor, *others):
    return trace(tensor.node, [t.node for t in others])[0]


def example(a, b):
    return tf.reduce_sum(tf.sin(tf.constant(a)) * tf.constant(b) + 1.0)


def test_equal_computations_on_other_numbers_are_equal_programs():
    one, two = program_of(example([1.0, 2.0], 3.0)), program_of(example([5.0, 6.0], 7.0))
    assert one == two and hash(one) == hash(two)


def test_another_length_type_or_operation_is_another_program():
    base = program_of(example([1.0, 2.0], 3.0))
    assert program_of(example([1.0, 2.0, 3.0], 3.0)) != base
    assert program_of(tf.reduce_sum(tf.cos(tf.constant([1.0, 2.0])) * tf.constant(3.0) + 1.0)) != base
    assert program_of(tf.reduce_sum(tf.sin(tf.constant([1.0, 2.0], tf.float64)) * 3.0 + 1.0)) != base


def test_a_program_is_equal_after_pickling_in_another_process():
    program = program_of(example([1.0, 2.0], 3.0))
    code = (
        "import pickle, sys, gradtape as tf; from gradtape.graph.trace import trace;"
        "x = tf.reduce_sum(tf.sin(tf.constant([8., 9.])) * tf.constant(4.) + 1.);"
        "sys.stdout.buffer.write(pickle.dumps(trace(x.node)[0]))"
    )
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    assert pickle.loads(other) == program


def test_the_same_operation_on_the_same_values_is_one_step():
    x = tf.constant([1.0, 2.0])
    program = program_of(tf.sin(x) * tf.sin(x) + tf.sin(x))
    assert [name for name, _, _ in program.steps].count("sin") == 1


def test_python_numbers_are_leaves_and_not_part_of_the_program():
    x = tf.constant([1.0, 2.0])
    assert program_of(x * 0.1) == program_of(x * 0.2)


def test_rebuilding_a_program_gives_its_shapes_and_types():
    y = example([1.0, 2.0], 3.0)
    program = program_of(y)
    _, nodes = rebuild(program)
    assert nodes[program.outputs[0]].shape == y.node.shape
    assert nodes[program.outputs[0]].dtype == y.node.dtype


def test_another_value_joins_if_it_shares_a_leaf_and_only_then():
    x, z = tf.constant([1.0, 2.0]), tf.constant([3.0])
    y, related, unrelated = tf.sin(x), tf.cos(x), tf.exp(z)
    program, leaves, outputs = trace(y.node, [unrelated.node, related.node])
    assert outputs == [y.node, related.node]
    assert leaves == [x.node]
    assert [name for name, _, _ in program.steps] == ["sin", "cos"]


def test_sharing_only_a_constant_of_the_code_is_not_sharing():
    x, z = tf.constant([1.0]), tf.constant([3.0])
    y, other = x.node + 1, z.node + 1
    assert trace(y, [other])[2] == [y]


def test_a_chain_of_50_000_operations_can_be_traced_and_computed():
    x = tf.constant([0.0])
    y = x
    with tf.config.override(pending_limit=100_000):
        for _ in range(50_000):
            y = y + x
        assert len(program_of(y).steps) == 50_000


def test_the_text_of_a_program_names_each_step():
    text = str(program_of(example([1.0, 2.0], 3.0)))
    assert "v0: float32[2] = sin(a0)" in text and text.endswith("return v3")


def test_every_primitive_says_how_it_is_computed():
    for primitive in TABLE.values():
        assert callable(primitive.reference)
        assert primitive.kind in ("elementwise", "linear", "bilinear", "selection", "implicit", "constant", "custom")
        assert (primitive.rule is None) == (primitive.kind in ("constant", "custom")), primitive


def test_a_program_is_a_tuple_of_plain_values():
    assert isinstance(program_of(example([1.0, 2.0], 3.0)), Program)
