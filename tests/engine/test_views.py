"""Views are read in place and fuse with what they show; nothing about them changes a bit."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradtape as tf
from gradtape.engine import kernel
from gradtape.engine.executable import Executable
from gradtape.engine.layout import Layout
from gradtape.engine.plan import CallStep, KernelStep, plan
from gradtape.engine.reference import interpret
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
