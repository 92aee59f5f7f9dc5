"""The law of the half types: a result is that of float32, rounded once. At all 65536 inputs of each type."""

import ml_dtypes
import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import DTypeError
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.handles import wrap
from gradtape.graph.node import READ, TABLE, Node
from gradtape.graph.trace import apply
from laws.examples import differentiable, examples

TYPES = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
ALL = {name: np.arange(1 << 16, dtype=np.uint16).view(dtype) for name, dtype in TYPES.items()}
PARAMETERS = {"cast": ("bool",), "integer_pow": (5,), "multiple_of_power": (3, -2), "logarithm_slope": (1, 10)}
PARAMETERS |= {"root_slope": (1, 0), "log_excess": (1,)}


def unary():
    """The primitives that make one float of another, with parameters."""
    for name, primitive in sorted(TABLE.items()):
        if primitive.lowering in (None, READ) or primitive.reduction or primitive.view or name == "literal":
            continue
        params = PARAMETERS.get(name, (int(name.endswith("_slope")),) * len(primitive.parameters))
        try:
            _, dtype = primitive.infer((Node(None, None, (), tf.float32),), params)
        except (DTypeError, ValueError):
            continue
        if dtype is tf.float32:
            yield pytest.param(primitive, params, id=name)


def nested(primitive, params, x, order):
    """The values of f, f', …, by nested tapes."""
    if order == 0:
        return [wrap(apply(primitive, (x.node,), params))]
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = nested(primitive, params, x, order - 1)
    return [*values, tape.gradient(values[-1], x, unconnected_gradients="zero")]


def same(a, b):
    """Whether bits agree; one NaN is as good as another."""
    with np.errstate(invalid="ignore"):  # signalling NaNs
        nan = np.isnan(a)
        return np.array_equal(nan, np.isnan(b)) and np.array_equal(a.view(np.uint16)[~nan], b.view(np.uint16)[~nan])


@pytest.mark.parametrize("primitive, params", list(unary()))
def test_value_and_three_derivatives_are_those_of_float32_rounded_once(primitive, params):
    wide = np.concatenate([x.astype(np.float32) for x in ALL.values()])
    in_float32 = nested(primitive, params, tf.constant(wide), 3)
    for i, (name, x) in enumerate(ALL.items()):
        for ours, float32s in zip(nested(primitive, params, tf.constant(x), 3), in_float32, strict=True):
            with np.errstate(all="ignore"):
                rounded = float32s.numpy()[i << 16 : (i + 1) << 16].astype(TYPES[name])
            assert ours.dtype == name
            assert same(ours.numpy(), rounded)


# -- every primitive, at examples -----------------------------------------------------------------------------


def chosen(examples):
    """Without those of one number, which are tried at all inputs above, casts, which say a type, and what refuses
    halves."""
    several = [e for e in examples if e.smooth and (len(e.operands) > 1 or not TABLE[e.name].pointwise)]
    return [e for e in several if e.name != "cast" and takes_halves(e)]


def takes_halves(example):
    nodes = [
        Node(None, None, x.shape, tf.float16 if x.dtype.kind == "f" else as_dtype(x.dtype)) for x in example.operands
    ]
    try:
        TABLE[example.name].infer(tuple(nodes), example.params)
    except DTypeError:
        return False
    return True


def given(example, dtype):
    """Operands of an example, floats rounded to a half type: these, and what they are in float32."""
    halves = [x.astype(TYPES[dtype]) if x.dtype.kind == "f" else x for x in example.operands]
    return halves, [x.astype(np.float32) if x.dtype == TYPES[dtype] else x for x in halves]


def assert_rounded(ours, float32s, dtype):
    """That a half result is float32's rounded once; others are alike."""
    float32s = np.asarray(float32s.numpy())
    expected = float32s.astype(TYPES[dtype]) if float32s.dtype == np.float32 else float32s
    assert ours.numpy().dtype == expected.dtype and ours.numpy().tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("example", chosen(examples()), ids=str)
def test_a_result_is_that_of_float32_rounded_once(example, dtype):
    halves, floats = given(example, dtype)
    assert_rounded(example(*halves), example(*floats), dtype)


def derivatives(example, operands):
    """By each operand and of both modes, all cotangents and tangents being one."""
    smooth = [tf.constant(operands[i]) for i in example.smooth]

    def f(*smooth):
        given = list(operands)
        for i, x in zip(example.smooth, smooth, strict=True):
            given[i] = x
        return example(*given)

    with tf.GradientTape() as tape:
        tape.watch(smooth)
        y = f(*smooth)
    reverse = tape.gradient(y, smooth)
    _, forward = tf.jvp(f, smooth, [tf.ones_like(x) for x in smooth])
    return [*reverse, forward]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("example", chosen(differentiable()), ids=str)
def test_a_derivative_is_that_of_float32_rounded_once(example, dtype):
    halves, floats = given(example, dtype)
    for ours, float32s in zip(derivatives(example, halves), derivatives(example, floats), strict=True):
        if ours is not None or float32s is not None:
            assert_rounded(ours, float32s, dtype)
