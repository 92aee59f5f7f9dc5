"""Views are read in place and fuse with what they show; nothing about them changes a bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradtape as tf
from gradtape.engine import kernel
from gradtape.engine.executable import Executable
from gradtape.engine.plan import plan
from gradtape.engine.reference import interpret
from gradtape.engine.steps import CallStep, KernelStep
from gradtape.graph.node import Buffer
from gradtape.graph.program import Program, rebuild
from gradtape.graph.trace import trace
from gradtape.rewrite import rewrite

RNG = np.random.default_rng(1)
X = RNG.standard_normal((40, 50)).astype(np.float32)
Y = RNG.standard_normal((50, 40)).astype(np.float32)
LENGTHS = [0, 1, 2, 3, 4, 5, 8, 9, 17, 33, 40]


def steps_of(*tensors):
    return plan(rewrite(trace(tensors[0].node, [t.node for t in tensors[1:]])[0])).steps


def result(program, values):
    """The results as arrays of their types."""
    leaves, nodes = rebuild(program)
    types = [(nodes[i] if i >= 0 else leaves[-1 - i]).dtype.dtype for i in program.outputs]
    plain = [v.array if isinstance(v, Buffer) else v for v in Executable(program)(list(values))]
    return [np.asarray(v, t) for v, t in zip(plain, types, strict=True)]


def step_by_step(program, values):
    """The results with one kernel or call for each operation, each on dense arrays."""
    known = list(values)
    types = list(program.leaves)
    leaves, nodes = rebuild(program)
    types += [(node.dtype.name, node.shape) for node in nodes]
    place = {-1 - i: i for i in range(len(leaves))} | {i: len(leaves) + i for i in range(len(nodes))}
    for name, params, inputs in program.steps:
        signature = tuple(types[place[i]] for i in inputs)
        single = Program(signature, ((name, params, tuple(range(-1, -1 - len(inputs), -1))),), (0,))
        (array,) = result(single, [known[place[i]] for i in inputs])
        known.append(array.item() if array.shape == () else Buffer(np.array(array)))
    return [known[place[i]] for i in program.outputs]


# -- random Programs ------------------------------------------------------------------------------------------


def any_slice(draw, n):
    step = draw(st.sampled_from([1, 1, 1, -1, 2, -2, 3]))
    start = draw(st.integers(0, max(n - 1, 0)))
    most = len(range(start, n, step)) if step > 0 else len(range(start, -1, step))
    number = draw(st.integers(0, most)) if draw(st.booleans()) else most
    return (start, number, step) if n else (0, 0, 1)


def any_shape(draw, elements):
    shape = []
    while elements > 1:
        n = draw(st.sampled_from([d for d in range(2, elements + 1) if elements % d == 0]))
        shape.append(n)
        elements //= n
    if not elements:
        shape = [0]
    if draw(st.booleans()):
        shape.insert(draw(st.integers(0, len(shape))), 1)
    return tuple(shape)


@st.composite
def programs(draw):
    """A random Program of views, elementwise operations and reductions."""
    rank = draw(st.integers(1, 3))
    shape = tuple(draw(st.sampled_from(LENGTHS)) for _ in range(rank))
    dtype = draw(st.sampled_from(["float32", "float64", "int32", "bool"]))
    leaves = ((dtype, shape), (dtype, shape[-1:]))
    steps, shapes = [], {-1: shape, -2: shape[-1:]}
    for _ in range(draw(st.integers(1, 8))):
        i = draw(st.sampled_from(sorted(shapes)))
        shape = shapes[i]
        kinds = ["transpose", "slice", "slice", "reshape", "broadcast", "map", "map", "map", "reduce"]
        kind = draw(st.sampled_from(kinds))
        if kind == "transpose":
            step = ("transpose", (tuple(draw(st.permutations(range(len(shape))))),), (i,))
        elif kind == "slice":
            step = ("slice", (tuple(any_slice(draw, n) for n in shape),), (i,))
        elif kind == "reshape":
            step = ("reshape", (any_shape(draw, int(np.prod(shape))),), (i,))
        elif kind == "broadcast":
            to = tuple(draw(st.sampled_from([3, 9])) if n == 1 else n for n in shape)
            step = ("broadcast_to", ((2, *to) if draw(st.booleans()) else to,), (i,))
        elif kind == "reduce" and shape:
            first = draw(st.integers(0, len(shape) - 1))
            axes = tuple(range(first, draw(st.integers(first, len(shape) - 1)) + 1))
            step = (draw(st.sampled_from(["all"] if dtype == "bool" else ["sum", "max"])), (axes,), (i,))
        else:
            fitting = [j for j in shapes if fits(shape, shapes[j])]
            names = ["logical_and"] if dtype == "bool" else ["add", "multiply", "maximum"]
            step = (draw(st.sampled_from(names)), (), (i, draw(st.sampled_from(fitting))))
            if dtype.startswith("f") and draw(st.integers(0, 3)) == 0:
                step = ("sin", (), (i,))
        made = rebuild(Program(leaves, (*steps, step), ()))[1][-1].shape
        if np.prod(made) < 20_000 and len(made) < 6:
            steps.append(step)
            shapes[len(steps) - 1] = made
    outputs = draw(st.lists(st.sampled_from(sorted(shapes)), min_size=1, max_size=4, unique=True))
    return Program(leaves, tuple(steps), tuple(outputs))


def fits(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def values_for(program, seed):
    rng = np.random.default_rng(seed)
    arrays = [(rng.standard_normal(shape) * 3).astype(dtype) for dtype, shape in program.leaves]
    return [Buffer(array) if array.shape else array.item() for array in arrays]


@given(programs(), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_fused_views_give_the_bits_of_one_step_after_the_other(program, seed):
    values = values_for(program, seed)
    fused = [(a.dtype, a.shape, a.tobytes()) for a in result(program, values)]
    single = [v.array if isinstance(v, Buffer) else v for v in step_by_step(program, values)]
    single = [np.asarray(v, a[0]) for v, a in zip(single, fused, strict=True)]
    assert fused == [(a.dtype, a.shape, a.tobytes()) for a in single]


@given(programs(), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_views_are_numpys(program, seed):
    values = values_for(program, seed)
    arrays = [v.array if isinstance(v, Buffer) else v for v in values]
    for ours, numpys in zip(result(program, values), interpret(program, arrays), strict=True):
        assert ours.shape == numpys.shape and ours.dtype == numpys.dtype
        assert np.allclose(ours, numpys, rtol=1e-4, atol=1e-4, equal_nan=True)


# -- what is fused --------------------------------------------------------------------------------------------


def test_a_view_of_a_stored_value_is_read_in_place():
    x, y = tf.constant(X), tf.constant(Y)
    (step,) = steps_of(tf.transpose(x) + y)
    assert isinstance(step, KernelStep) and step.inputs == [0, 1]
    (step,) = steps_of(x[::-1, 5:25:2] * 2.0)
    assert isinstance(step, KernelStep)
    (step,) = steps_of(tf.reduce_sum(tf.expand_dims(x[3], 1) * y))
    assert isinstance(step, KernelStep)


def test_differences_of_neighbours_are_one_pass_that_stores_nothing_else():
    x = tf.constant(X[0])
    y = 2.0 * x
    (step,) = steps_of(y[1:] - y[:-1])
    assert isinstance(step, KernelStep) and step.shapes == [(49,)]


def test_a_costly_map_that_is_viewed_once_is_not_stored():
    x, y = tf.constant(X), tf.constant(Y)
    (step,) = steps_of(tf.transpose(tf.sigmoid(x)) * y)
    assert isinstance(step, KernelStep)


def test_a_costly_map_that_is_viewed_twice_is_computed_once():
    y = tf.exp(tf.constant(X[0]))
    first, second = steps_of(y[1:] - y[:-1])
    assert first.shapes == [(50,)] and second.shapes == [(49,)]


def test_a_reshape_of_elementwise_work_is_fused():
    a, b, c = tf.constant(X), tf.constant(X + 1), tf.constant(X.ravel())
    (step,) = steps_of(tf.reshape(a * b, [-1]) + c)
    assert step.lengths == (1, 2000)


def test_what_strides_cannot_say_is_copied_once():
    first, second = steps_of(tf.reshape(tf.transpose(tf.constant(X)), [-1]) * 2.0)
    assert first.shapes == [(50, 40)] and second.shapes == [(2000,)]


def test_stencils_do_not_compute_more_and_more_for_each_element():
    x = tf.constant(np.zeros(2000, np.float32))
    for _ in range(12):
        x = x[:-2] + x[1:-1] + x[2:]
    steps = steps_of(x)
    assert all(len(step.spec.body) < 20 for step in steps) and len(steps) < 12


def test_slices_of_a_small_part_are_stored_in_place_of_the_whole():
    x = tf.constant(X)
    steps = steps_of(tf.matmul(tf.sin(x)[:5], tf.constant(Y)))
    assert [type(step) for step in steps] == [KernelStep, CallStep] and steps[0].shapes == [(5, 50)]


def test_library_calls_get_numpys_views_without_a_copy():
    x = tf.constant(X)
    steps = steps_of(tf.matmul(x, tf.transpose(x)))
    assert [step.op[0].name for step in steps] == ["transpose", "matmul"]
    steps = steps_of(tf.matmul(x, tf.transpose(tf.sin(x))))
    assert [type(step) for step in steps] == [KernelStep, CallStep, CallStep]
    assert np.allclose(tf.matmul(x, tf.transpose(x)).numpy(), X @ X.T, atol=1e-4)


def test_a_view_that_is_asked_for_shares_memory_with_what_it_shows():
    x = tf.constant(X)
    assert np.shares_memory(tf.transpose(x).numpy(), x.numpy())
    assert np.shares_memory(x[5:].numpy(), x.numpy())


def test_a_small_part_does_not_keep_the_whole_alive():
    x = tf.sin(tf.constant(np.zeros(1_000_000, np.float32)))
    part = x[:10]
    x.numpy()
    assert part.numpy().base is None
    small = tf.constant(X)[0]
    assert small.numpy().base is None


def test_a_view_that_was_asked_for_is_read_like_any_other_tensor():
    x = tf.constant(X)
    y = tf.transpose(x)
    assert np.array_equal(y.numpy(), X.T)
    assert np.array_equal((y * 2.0).numpy(), X.T * 2)
    assert np.array_equal((y[::-2] + y[::-2]).numpy(), X.T[::-2] * 2)


# -- bits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(300, 400), (3000, 5), (5, 3000), (7, 60, 50), (2, 10_000), (200, 3, 30)])
def test_reducing_a_view_gives_the_bits_of_reducing_its_copy(shape, dtype):
    x = RNG.standard_normal(shape).astype(dtype)
    perm = tuple(range(len(shape)))[::-1]
    copy = tf.constant(np.ascontiguousarray(x.transpose(perm)))
    for axis in [None, *range(len(shape)), (0, 1)]:
        view = tf.reduce_sum(tf.transpose(tf.constant(x)), axis=axis).numpy()
        fused = tf.reduce_sum(tf.transpose(tf.constant(x)) * 1.0, axis=axis).numpy()
        assert view.tobytes() == fused.tobytes() == tf.reduce_sum(copy, axis=axis).numpy().tobytes()


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_do_not_change_bits_of_views(threads, monkeypatch):
    x, y = RNG.standard_normal((600, 700)).astype(np.float32), RNG.standard_normal((700, 600)).astype(np.float32)

    def results():
        a, b = tf.constant(x), tf.constant(y)
        c = tf.transpose(a) * b
        values = [c, tf.reduce_sum(c, 0), tf.reduce_sum(c, 1), tf.reduce_sum(c), c[:, ::3] * 2.0, a[:, :3] * b[:3, 0]]
        return [value.numpy().tobytes() for value in values]

    expected = results()
    monkeypatch.setattr(kernel, "workers", lambda: threads)
    for limit in ("PARALLEL", "WAKING"):
        monkeypatch.setattr(kernel, limit, 1)
    assert results() == expected


# -- large and small ------------------------------------------------------------------------------------------


def test_more_elements_than_32_bits_count():
    try:
        large = np.zeros(2**31 + 100, bool)  # pages that nobody writes take no memory
    except MemoryError:
        pytest.skip("not enough memory")
    large[-3] = True
    value, shape = Buffer(large), large.shape
    for step, expected in [
        (("any", ((0,),), (-1,)), True),
        (("slice", (((2**31 + 90, 10, 1),),), (-1,)), [False] * 7 + [True, False, False]),
    ]:
        program = Program((("bool", shape),), (step,), (0,))
        assert np.array_equal(result(program, [value])[0], expected)
    steps = (("slice", (((2**31 + 99, 5, -1),),), (-1,)), ("logical_not", (), (0,)))
    program = Program((("bool", shape),), steps, (1,))
    assert result(program, [value])[0].tolist() == [True, True, False, True, True]


@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 5), (5, 1), (0,), (0, 5), (5, 0), (1, 0, 3)])
def test_axes_of_length_one_and_zero(shape):
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    t = tf.constant(x)
    assert np.array_equal((tf.transpose(t) * 2.0).numpy(), x.T * 2)
    assert np.array_equal((tf.reshape(t * 2.0, [-1]) + 1.0).numpy(), x.ravel() * 2 + 1)
    assert np.array_equal((t[::-1] * 2.0).numpy(), x[::-1] * 2)
    assert np.array_equal(tf.reduce_sum(tf.transpose(t), axis=0).numpy(), x.T.sum(0))
