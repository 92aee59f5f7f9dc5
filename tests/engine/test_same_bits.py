"""The same bits, whoever computes: op by op, fused, on one lane or many, in one thread or several.

Where NumPy rounds correctly, it gives these bits too.
"""

import ml_dtypes  # noqa: F401  (NumPy then knows bfloat16 by name)
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradtape import config
from gradtape.engine import kernel
from gradtape.engine import threads as sharing
from gradtape.engine.executable import Executable
from gradtape.engine.reference import interpret
from gradtape.engine.tiers import OneByOne
from gradtape.graph.node import TABLE, Buffer
from gradtape.graph.program import Program, rebuild

EXACT = ["add", "subtract", "multiply", "real_divide", "negative", "abs", "square", "sqrt", "reciprocal", "maximum"]
EXACT += ["minimum", "floor", "ceil", "round", "sign", "relu"]
REAL = ["exp", "sin", "cos", "tan", "atan", "expm1", "asinh", "softplus", "log", "sinh", "cosh"]
SHAPES = [(), (1,), (5,), (3, 5), (3, 1), (2, 3, 5), (40,), (40, 40), (1, 1), (0,), (3, 0)]


def bits(values):
    return [(np.asarray(v).dtype.str, np.asarray(v).shape, np.asarray(v).tobytes()) for v in values]


def typed(program, values):
    """Results as arrays of their type, so that bits can be compared."""
    leaves, nodes = rebuild(program)
    dtypes = [(nodes[i] if i >= 0 else leaves[-1 - i]).dtype.dtype for i in program.outputs]
    return [np.asarray(v, t) for v, t in zip(plain(values), dtypes, strict=True)]


def plain(values):
    return [v.array if isinstance(v, Buffer) else v for v in values]


def leaf_values(program, seed):
    rng = np.random.default_rng(seed)
    values = []
    for dtype, shape in program.leaves:
        array = (rng.standard_normal(shape) * 3).astype(dtype)
        if shape == ():
            values.append(array.item())
        else:
            values.append(Buffer(array))
    return values


@st.composite
def programs(draw, names, reductions=True):
    """A random Program of elementwise operations, broadcasts, reductions and views."""
    dtype = draw(st.sampled_from(["float16", "bfloat16", "float32", "float64"]))
    leaves = [(dtype, draw(st.sampled_from(SHAPES))) for _ in range(draw(st.integers(1, 3)))]
    shapes = {-1 - i: shape for i, (_, shape) in enumerate(leaves)}
    steps = []
    for _ in range(draw(st.integers(1, 9))):
        known = sorted(shapes)
        i = draw(st.sampled_from(known))
        kind = draw(st.sampled_from(["map", "map", "map", "reduce", "view", "where"]))
        if kind == "reduce" and reductions and shapes[i]:
            rank = len(shapes[i])
            first = draw(st.integers(0, rank - 1))
            last = draw(st.integers(first, rank - 1))
            steps.append((draw(st.sampled_from(["sum", "max", "min", "prod"])), (tuple(range(first, last + 1)),), (i,)))
        elif kind == "view" and len(shapes[i]) == 2:
            steps.append(("transpose", ((1, 0),), (i,)))
        elif kind == "where":
            fitting = [j for j in known if fits(shapes[i], shapes[j])]
            j = draw(st.sampled_from(fitting))
            steps.append(("greater", (), (i, j)))
            shapes[len(steps) - 1] = ()
            program = Program(tuple(leaves), tuple(steps), ())
            shapes[len(steps) - 1] = rebuild(program)[1][-1].shape
            steps.append(("where", (), (len(steps) - 1, i, j)))
            del shapes[len(steps) - 2]
        else:
            name = draw(st.sampled_from(names))
            arity = 2 if name in ("add", "subtract", "multiply", "real_divide", "maximum", "minimum") else 1
            inputs = [i]
            if arity == 2:
                inputs.append(draw(st.sampled_from([j for j in known if fits(shapes[i], shapes[j])])))
            steps.append((name, first_of_a_family(name), tuple(inputs)))
        nodes = rebuild(Program(tuple(leaves), tuple(steps), ()))[1]
        shapes[len(steps) - 1] = nodes[-1].shape
    made = [i for i in shapes if i >= 0]
    outputs = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3, unique=True))
    return Program(tuple(leaves), tuple(steps), tuple(outputs))


def first_of_a_family(name):
    """The parameters of a function itself, if the primitive has all its derivatives; of its first, if only these."""
    return (int(name.endswith("_slope")),) * len(TABLE[name].parameters)


def fits(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


@given(programs(EXACT + REAL), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_fused_and_op_by_op_agree_to_the_bit(program, seed):
    values = leaf_values(program, seed)
    fused = Executable(program)(list(values))
    single = OneByOne(program).run(values)
    assert bits(typed(program, fused)) == bits(typed(program, single))


@given(programs(EXACT, reductions=False), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_exact_operations_agree_with_numpy_to_the_bit(program, seed):
    values = leaf_values(program, seed)
    fused = typed(program, Executable(program)(list(values)))
    for ours, numpys in zip(fused, interpret(program, plain(values)), strict=True):
        # NaN has many bit patterns, and which one an operation gives is left open by IEEE 754
        assert ours.dtype == numpys.dtype and ours.shape == numpys.shape
        same = (ours == numpys) & (np.signbit(ours) == np.signbit(numpys)) | np.isnan(ours) & np.isnan(numpys)
        assert same.all()


@given(programs(EXACT + REAL), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_everything_is_near_the_reference(program, seed):
    wide = Program(tuple(("float64", s) for _, s in program.leaves), program.steps, program.outputs)
    values = leaf_values(wide, seed)
    ours = typed(wide, Executable(wide)(list(values)))
    numpys = interpret(wide, plain(values))
    shaken = interpret(wide, [np.asarray(v) * (1 + 1e-13) for v in plain(values)])
    for a, b, c in zip(ours, numpys, shaken, strict=True):
        with np.errstate(all="ignore"):
            # where a tiny change of the inputs changes NumPy's result much, the Program is ill-conditioned there
            loose = 1e-9 * np.abs(b) + 1e4 * np.abs(b - c) + 1e-12
        usable = np.isfinite(b) & np.isfinite(c) & np.isfinite(a) & (loose < 1e-3 * np.abs(b))
        assert (np.abs(a[usable] - b[usable]) <= loose[usable]).all()


@pytest.mark.parametrize("shape", [(100_000,), (7, 20_011), (20_011, 7), (300, 400), (2, 3, 40_000)])
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_do_not_change_bits(shape, threads, monkeypatch):
    rank = len(shape)
    steps = (
        ("sin", (), (-1,)),
        ("multiply", (), (0, -2)),
        ("sum", (tuple(range(rank)),), (1,)),
        ("sum", ((0,),), (1,)),
        ("sum", ((rank - 1,),), (1,)),
        ("max", ((0,),), (1,)),
    )
    program = Program((("float32", shape), ("float32", shape[-1:])), steps, (1, 2, 3, 4, 5))
    values = leaf_values(program, 1)
    expected = bits(plain(Executable(program)(list(values))))
    for limit in ("PARALLEL", "WAKING"):
        monkeypatch.setattr(kernel, limit, 1)
    with config.override(threads=threads):
        for parts in (1, 3, 8):
            monkeypatch.setattr(sharing, "PARTS", parts)
            assert bits(plain(Executable(program)(list(values)))) == expected


def test_every_lowered_primitive_runs_the_same_alone_on_one_number_and_in_an_array():
    rng = np.random.default_rng(3)
    for name, primitive in TABLE.items():
        if primitive.lowering is None or name in ("literal", "broadcast_to"):
            continue
        params = {
            "cast": ("float64",),
            "integer_pow": (5,),
            "divided_by_power": (3, -2),
            "multiple_of_power": (3, -2),
            "sigmoid": (2,),
            "tanh": (1,),
        }.get(name, first_of_a_family(name))
        inputs, arity = None, 0
        for dtype in ("float32", "int32", "bool", "float64"):
            for arity in range(1, 8):
                types = ["bool", "float32", "float32"] if name == "where" else [dtype] * arity
                try:
                    leaves = tuple((t, (9,)) for t in types)
                    program = Program(leaves, ((name, params, tuple(-1 - i for i in range(arity))),), (0,))
                    rebuild(program)
                    low, high = {"int32": (-9, 9), "bool": (0, 2)}.get(dtype, (0.0, 1.0))
                    draws = [rng.uniform(*((0, 2) if t == "bool" else (low, high)), 9) for t in types]
                    inputs = [v.astype(int if t == "bool" else t).astype(t) for v, t in zip(draws, types, strict=True)]
                    break
                except (TypeError, ValueError, IndexError):
                    continue
            if inputs is not None:
                break
        assert inputs is not None, name
        whole = typed(program, Executable(program)([Buffer(v) for v in inputs]))[0]
        scalar = Program(tuple((t, ()) for t, _ in program.leaves), program.steps, (0,))
        for j in range(9):
            (one,) = typed(scalar, Executable(scalar)([v[j].item() for v in inputs]))
            assert one.tobytes() == whole[j].tobytes(), (name, j)
