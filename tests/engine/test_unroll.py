"""Short axes that are written out: the same bits as loops, and products with vectors as exact as sums are."""

from fractions import Fraction

import numpy as np
import pytest

import gradtape as tf
from gradtape import config
from gradtape.engine import unroll
from gradtape.engine.executable import Executable
from gradtape.engine.plan import plan
from gradtape.engine.steps import CallStep, KernelStep
from gradtape.engine.unroll import THIN
from gradtape.graph.node import Buffer
from gradtape.graph.program import Program
from gradtape.graph.trace import trace
from gradtape.rewrite import rewrite

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, 3e38, -3e38]


def table(rows, columns, dtype="float32", seed=0, special=False):
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-3, 4, (rows, columns))
    if special:
        made[rng.random(made.shape) < 0.1] = rng.choice(SPECIAL, 1)
    return np.ascontiguousarray(made.astype(dtype))


def run(program, *arrays):
    results = Executable(program)([Buffer(array) for array in arrays])
    return [np.asarray(r.array if isinstance(r, Buffer) else r) for r in results]


def steps_of(value, *others):
    return plan(rewrite(trace(value.node, [other.node for other in others])[0])).steps


def both_ways(program, *arrays, monkeypatch):
    written = run(program, *arrays)
    with monkeypatch.context() as patch:
        patch.setattr(unroll, "THIN", 0)
        looped = run(program, *arrays)
    assert [a.tobytes() for a in written] == [a.tobytes() for a in looped]
    return written


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["sum", "max", "min"])
def test_reductions_of_short_rows_have_the_same_bits(dtype, reduction, monkeypatch):
    for columns in (2, 3, 8, 15, 16):
        for rows in (31, 32, 33, 5000):
            for special in (False, True):
                x = table(rows, columns, dtype, rows + columns, special)
                steps = (("multiply", (), (-1, -1)), (reduction, ((1,),), (0,)), (reduction, ((1,),), (-1,)))
                both_ways(Program(((dtype, x.shape),), steps, (1, 2)), x, monkeypatch=monkeypatch)


def test_a_sum_of_negative_zeros_is_what_it_is_in_a_loop(monkeypatch):
    x = np.full((40, 4), -0.0, np.float32)
    program = Program((("float32", x.shape),), (("sum", ((1,),), (-1,)),), (0,))
    (result,) = both_ways(program, x, monkeypatch=monkeypatch)
    assert not np.signbit(result).any()


@pytest.mark.parametrize("rows", [30, 5000, 20_001])
def test_reductions_of_columns_have_the_same_bits(rows, monkeypatch):
    x = table(rows, 7)
    steps = (
        ("transpose", ((1, 0),), (-1,)),
        ("sigmoid", (0,), (-2,)),
        ("multiply", (), (0, 1)),
        ("sum", ((1,),), (2,)),
        ("max", ((1,),), (0,)),
    )
    program = Program((("float32", x.shape), ("float32", (1, rows))), steps, (3, 4))
    found = plan(program)
    assert sum(isinstance(step, KernelStep) for step in found.steps) == 1, "one pass for all"
    both_ways(program, x, table(1, rows, seed=2), monkeypatch=monkeypatch)


def test_what_is_dear_is_not_written_out_for_every_column():
    x = tf.constant(table(1000, 10))
    (step,) = steps_of(tf.reduce_sum(tf.exp(x), axis=1))
    assert sum(name == "exp" for name, _, _ in step.spec.body) == 1


def exact(a, b):
    return np.array(
        [
            [float(sum(Fraction(float(u)) * Fraction(float(v)) for u, v in zip(row, column, strict=True)))]
            for row in a
            for column in b.T
        ]
    )


@pytest.mark.parametrize(("rows", "depth"), [(1, 1), (1, 5), (3, 1), (3, 16), (40, 1), (40, 2), (300, 16), (16, 300)])
def test_thin_products_are_right_to_the_last_digit(rows, depth):
    a, b = table(rows, depth), table(depth, 1, seed=1)
    expected = exact(a, b).astype(np.float32)
    assert (tf.matmul(a, b).numpy() == expected).all()
    assert (tf.matmul(b.T, a.T.copy()).numpy() == expected.T).all()
    assert (tf.matmul(a.T.copy(), b, transpose_a=True).numpy() == expected).all()


def test_thin_products_in_float64_are_near(monkeypatch):
    a, b = table(200, 9, "float64"), table(9, 1, "float64", 1)
    size = np.abs(a) @ np.abs(b)
    assert (np.abs(tf.matmul(a, b).numpy() - exact(a, b)) <= 9 * 2.0**-53 * size).all()


def test_an_outer_product_is_a_product():
    a, b = table(50, 1), table(1, 60, seed=1)
    (step,) = [step for step in steps_of(tf.matmul(a, b)) if isinstance(step, KernelStep)]
    assert [name for name, _, _ in step.spec.body] == ["multiply"]
    assert (tf.matmul(a, b).numpy() == a * b).all()


@pytest.mark.parametrize(
    ("a", "b"), [((100, 17), (17, 1)), ((100, 4), (4, 2)), ((2, 100, 4), (2, 4, 1)), ((9, 0), (0, 1))]
)
def test_other_products_are_calls(a, b):
    left, right = tf.constant(np.ones(a, np.float32)), tf.constant(np.ones(b, np.float32))
    assert any(isinstance(step, CallStep) for step in steps_of(tf.matmul(left, right)))
    assert (tf.matmul(left, right).numpy() == a[-1]).all()


def test_whole_numbers_stay_whole():
    a, b = np.full((40, 3), 2**30, np.int32), np.full((3, 1), 3, np.int32)
    assert (tf.matmul(a, b).numpy() == a @ b).all()


def test_a_training_step_is_one_pass():
    x, y = tf.constant(table(500, 10)), tf.constant(table(500, 1, seed=1))
    w, b = tf.constant(table(10, 1, seed=2)), tf.constant(0.5)
    with tf.GradientTape() as tape:
        tape.watch([w, b])
        loss = tf.reduce_mean(tf.nn.softplus(tf.matmul(x, w) + b) - y)
    slopes = tape.gradient(loss, [w, b])
    steps = steps_of(loss, *slopes)
    assert sum(isinstance(step, KernelStep) and step.lengths == (1, 500) for step in steps) == 1


@pytest.mark.parametrize("columns", [1, 2, 10, 16, 17])
def test_the_same_bits_in_every_tier(columns):
    x, y, w = table(3000, columns), table(3000, 1, seed=1), table(columns, 1, seed=2)

    def step(x, y, w):
        with tf.GradientTape() as tape:
            tape.watch(w)
            loss = tf.reduce_mean(tf.square(tf.tanh(tf.matmul(x, w)) - y))
        return [loss, tape.gradient(loss, w), tf.reduce_max(x * y, axis=1)]

    found = set()
    for tier in ("single", "fused", "auto"):
        with config.override(tier=tier):
            found.add(b"".join(r.numpy().tobytes() for r in step(*map(tf.constant, (x, y, w)))))
    found.add(b"".join(r.numpy().tobytes() for r in tf.function(step)(*map(tf.constant, (x, y, w)))))
    assert len(found) == 1


def test_short_axes_are_up_to_what_goes_from_the_left():
    assert THIN <= 24
