"""What `show` prints: the pending graph, and the plan that would compute it. It computes nothing."""

import io

import numpy as np
import pytest

import gradtape as tf
from gradtape.engine import kernel
from gradtape.engine.describe import works
from gradtape.engine.plan import plan
from gradtape.engine.show import planned
from gradtape.errors import ArgumentError
from gradtape.graph.trace import thread, trace
from gradtape.rewrite import rewrite


def shown(value, **options):
    out = io.StringIO()
    assert tf.show(value, file=out, **options) is None
    return out.getvalue()


def works_of(*tensors):
    program = rewrite(trace(tensors[0].node, [t.node for t in tensors[1:]])[0])
    return works(program, plan(program))


def vector(n=1000):
    return tf.constant(np.linspace(-3, 3, n, dtype=np.float32))


def sigmoid_and_gradient(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.sigmoid(x)
    return y, tape.gradient(y, x)


def test_a_chain_is_one_kernel_with_one_line_per_operation():
    text = shown(tf.exp(tf.sin(vector()) * 2.0) + 1.0)
    assert "pending: 4 operations" in text
    assert "plan: 1 kernel\n" in text and "loops over 1000" in text
    assert "v0: float32[1000] = sin(a0)" in text and "a1: float32[] = 2.0" in text
    assert "4 kB read, 4 kB written, 4,000 operations (2,000 of elementary functions)" in text
    assert "total: 1 pass over memory" in text and "no intermediate results stored" in text


def test_a_function_and_its_gradient_are_one_kernel_that_moves_three_arrays():
    y, gradient = sigmoid_and_gradient(vector())
    (work,) = works_of(y, gradient)
    assert len(work.writes) == 2 and work.bytes == 3 * 4000
    assert "plan: 1 kernel\n" in shown([y, gradient])
    assert "4 kB read, 8 kB written" in shown({"y": y, "gradient": (gradient,)})


def test_what_other_live_tensors_wait_for_is_part_of_what_is_shown():
    y, gradient = sigmoid_and_gradient(vector())
    assert "other live tensors wait for v1" in shown(y)
    assert "other live tensors" not in shown([y, gradient])
    del gradient
    assert "return v0\n" in shown(y)


def test_a_matrix_product_is_a_library_call_with_two_operations_per_multiplication():
    a = tf.constant(np.ones((20, 30), np.float32))
    b = tf.constant(np.ones((30, 10), np.float32))
    text = shown(a @ b + 1.0)
    assert "plan: 1 kernel, 1 library call" in text and "library call: matmul" in text
    assert f"{4 * (600 + 300) / 1000:g} kB read, 800 B written, {2 * 20 * 30 * 10:,} operations" in text
    assert "1 intermediate result stored, 800 B" in text


def test_reductions_and_what_they_read_are_counted():
    work, _ = works_of(tf.reduce_mean(tf.square(vector() - 1.0)))
    assert work.label == "x - y, x**2 → sum"
    assert (work.read, work.written) == (4000, 0), "a single number takes no memory"
    assert (work.operations, work.elementary) == (3000, 0)


def test_what_is_the_same_in_a_whole_loop_is_counted_once():
    rows = tf.constant(np.ones((40, 1), np.float32))
    (work,) = works_of(tf.constant(np.ones((40, 50), np.float32)) * tf.abs(rows) * (tf.constant(2.0) + 3.0))
    assert work.operations == 2 * 2000 + 40 + 1
    assert work.read == 4 * (2000 + 40)


def test_an_operand_that_is_read_in_two_ways_has_two_names():
    x = tf.constant(np.ones((200, 300), np.float32))
    text = shown(tf.matmul(x, tf.transpose(x)) + tf.reduce_sum(x, axis=0)[:200] + x[:, :200])
    assert "a0" in text
    square = tf.constant(np.ones((200, 200), np.float32))
    assert "a0 + a0.1" in shown(square + tf.transpose(square))


def test_showing_computes_and_changes_nothing():
    x = vector(777)
    y = tf.tan(x) * 3.0
    before, pending, kernels = thread.trace, len(thread.trace), len(kernel._kernels)
    program = trace(y.node)[0]
    shown(y, ir=True)
    assert y.node.op is not None and y.node.value is None
    assert thread.trace is before and len(thread.trace) == pending
    assert len(kernel._kernels) == kernels
    assert trace(y.node)[0] == program
    np.testing.assert_allclose(y.numpy(), 3 * np.tan(x.numpy()), rtol=1e-6)


def test_showing_a_variable_is_not_a_reading_that_tapes_see():
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        assert shown(v) == "already computed: float32[2]\n"
    assert tape.watched_variables() == ()


def test_values_that_are_known_are_said_to_be():
    y = tf.sin(vector(5))
    y.numpy()
    assert shown(y) == "already computed: float32[5]\n"
    assert shown([y, tf.cos(vector(5))]).startswith("already computed: float32[5]\npending: 1 operation\n")


def test_values_that_share_nothing_are_shown_one_after_the_other():
    assert shown([tf.sin(vector()), tf.cos(vector(7))]).count("pending:") == 2


def test_the_llvm_ir_is_there_on_request():
    y = tf.sin(vector())
    assert "define" not in shown(y)
    assert "define void @kernel" in shown(y, ir=True)


def test_equal_kernels_are_written_out_once():
    text = shown([tf.sinh(vector()), tf.sinh(vector(2000))], ir=True)
    assert text.count("define void @kernel") == 2, "two Programs"
    a, b = (tf.constant(np.ones((n, n), np.float32)) for n in (40, 50))
    total = tf.reduce_sum(tf.sin(a)) + tf.reduce_sum(tf.sin(b))
    assert "that of kernel 1" in shown(total, ir=True)


def test_how_it_will_run_follows_the_settings_and_what_ran_before():
    with tf.config.override(tier="single"):
        assert "one by one, as the setting tier='single' wants it" in shown(tf.sin(vector(3)) * 0.5)
    with tf.config.override(tier="fused"):
        first, second = (tf.asinh(vector(3)) * 0.25 - 7.0 for _ in range(2))
        assert "run: as planned\n  1 kernel to be compiled or loaded from disk\n" in shown(first)
        first.numpy()
        assert "all kernels are in memory" in shown(second)


def test_a_graph_that_takes_too_long_to_compile_is_shown_in_its_pieces():
    with tf.config.override(pending_limit=10_000):
        y = vector(4)
        for _ in range(900):
            y = tf.sin(y)
        text = shown(y)
    assert "pieces, as compiling it as a whole would take" in text
    assert "kernel 2: loops over 4\n    reads  r0: float32[4]" in text


def test_empty_arrays_and_single_numbers_can_be_shown():
    assert "kernel 1: single numbers" in shown(tf.sin(tf.constant(1.0)) + 1.0)
    assert "0 B read, 0 B written" in shown(tf.sin(tf.constant(np.zeros((0, 3), np.float32))) + 1.0)


def test_a_program_without_tensors_can_be_planned():
    program = trace((tf.sin(vector()) + 1.0).node)[0]
    assert next(planned(program)) == "plan: 1 kernel"


def test_it_prints_to_the_standard_output(capsys):
    tf.show(tf.sin(vector()))
    assert "plan: 1 kernel" in capsys.readouterr().out


@pytest.mark.parametrize("value", [3.0, None, "x", [], {}, [1.0], np.ones(3), {"a": (tf.Variable(1.0), 2)}, tf.sin])
def test_what_is_no_tensor_is_refused(value):
    with pytest.raises(ArgumentError, match="Tensor or Variable"):
        tf.show(value)


def test_a_file_that_is_none_is_refused():
    with pytest.raises(ArgumentError, match="write"):
        tf.show(tf.sin(vector()), file="plan.txt")
