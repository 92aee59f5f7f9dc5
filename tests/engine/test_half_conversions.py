"""float16 and bfloat16 in the engine: conversions, what is rounded and when, and the same bits whoever computes."""

import platform
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import gradtape as tf
from gradtape import config
from gradtape.engine import compile as compiler
from gradtape.engine import kernel
from gradtape.engine import threads as sharing
from gradtape.engine.cache import Cache
from gradtape.engine.executable import Executable
from gradtape.engine.reference import interpret
from gradtape.engine.tiers import OneByOne
from gradtape.graph.dtypes import converted
from gradtape.graph.node import Buffer
from gradtape.graph.program import Program

TYPES = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
ALL = {name: np.arange(1 << 16, dtype=np.uint16).view(dtype) for name, dtype in TYPES.items()}

each_type = pytest.mark.parametrize("dtype", TYPES)


def finite(dtype):
    """All finite numbers of a type in float64, ascending."""
    with np.errstate(all="ignore"):
        x = ALL[dtype].astype(np.float64)
    return np.unique(x[np.isfinite(x)]) + 0.0  # which of the zeros is kept is up to the sorting


def same(a, b):
    """Whether bits agree; one NaN is as good as another."""
    assert a.dtype == b.dtype and a.shape == b.shape
    with np.errstate(invalid="ignore"):  # signalling NaNs
        nan = np.isnan(a)
        return np.array_equal(nan, np.isnan(b)) and a[~nan].tobytes() == b[~nan].tobytes()


def rounded(x, dtype):
    """Numbers of float64 as Python's exact fractions say: the nearest of the type, of two the one with even bits."""
    line = finite(dtype)
    step = line[-1] - line[-2]
    edges = [*line.tolist(), line[-1] + step]  # the largest, and the power of two that stands for infinity
    after = np.searchsorted(line, x).clip(1, len(line))
    low, high = np.array(edges)[after - 1], np.array(edges)[after]
    result = []
    for v, a, b in zip(x.tolist(), low.tolist(), high.tolist(), strict=True):
        to_a, to_b = abs(Fraction(v) - Fraction(a)), abs(Fraction(b) - Fraction(v))
        even = int(np.float64(a).astype(TYPES[dtype]).view(np.uint16)) % 2 == 0
        result.append(a if to_a < to_b or (to_a == to_b and even) else b)
    with np.errstate(over="ignore"):
        return np.array(result).astype(TYPES[dtype])


# -- conversions ----------------------------------------------------------------------------------------------


@each_type
@pytest.mark.parametrize("wide", ["float32", "float64"])
def test_every_half_is_widened_to_what_it_is(dtype, wide):
    with np.errstate(invalid="ignore"):
        assert same(tf.cast(tf.constant(ALL[dtype]), wide).numpy(), ALL[dtype].astype(wide))


@each_type
@pytest.mark.parametrize("wide", ["float32", "float64"])
def test_every_half_comes_back(dtype, wide):
    with np.errstate(invalid="ignore"):
        x = tf.constant(ALL[dtype].astype(wide))
    assert same(tf.cast(x, dtype).numpy(), ALL[dtype])


@each_type
def test_every_tie_goes_to_even_and_its_neighbours_to_the_nearest(dtype):
    line = finite(dtype)
    ties = np.concatenate([(line[1:] + line[:-1]) / 2, [1.5 * line[-1] - line[-2] / 2]])
    ties = np.concatenate([ties, -ties])
    for wide in (np.float32, np.float64):
        at = ties.astype(wide)
        x = np.concatenate([at, np.nextafter(at, wide(np.inf)), np.nextafter(at, wide(-np.inf))])
        with np.errstate(over="ignore"):  # ml_dtypes rounds a float64 twice, NumPy once
            theirs = wide is np.float32 or dtype == "float16"
            expected = x.astype(TYPES[dtype]) if theirs else converted(x, tf.as_dtype(dtype))
        assert same(tf.cast(tf.constant(x), dtype).numpy(), expected)


@each_type
def test_a_float64_is_rounded_once(dtype):
    rng = np.random.default_rng(1)
    line = finite(dtype)
    ties = rng.choice((line[1:] + line[:-1]) / 2, 2000)
    x = np.concatenate([ties * (1 + s * 2.0**-e) for e in (30, 40, 52) for s in (-1, 0, 1)])  # float32 cannot tell
    expected = rounded(np.abs(x), dtype)
    ours = tf.cast(tf.constant(np.abs(x)), dtype).numpy()
    assert same(ours, expected)
    assert same(converted(np.abs(x), tf.as_dtype(dtype)), expected)
    assert same(tf.constant(np.abs(x).tolist()[:50], dtype=dtype).numpy(), expected[:50])
    for number, wanted in zip(np.abs(x).tolist()[:20], expected, strict=False):
        assert float(tf.constant(number, dtype=dtype)) == float(tf.constant(number, dtype=dtype) * 1) == float(wanted)


@each_type
def test_what_is_out_of_range_is_infinite_and_nan_stays(dtype):
    x = np.array([1e300, -1e300, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 3.4e38 if dtype == "float16" else 3.4e39])
    ours = tf.cast(tf.constant(x), dtype).numpy().astype(np.float64)
    assert np.array_equal(ours, [np.inf, -np.inf, np.inf, -np.inf, np.nan, 0, 0, np.inf], equal_nan=True)
    assert np.signbit(ours[6]) and not np.signbit(ours[5])


@each_type
def test_integers_and_bools(dtype):
    rng = np.random.default_rng(2)
    x = rng.integers(-(2**62), 2**62, 4000) >> rng.integers(9, 62, 4000)  # of 53 bits, so exact in float64
    assert same(tf.cast(tf.constant(x), dtype).numpy(), converted(x.astype(np.float64), tf.as_dtype(dtype)))
    assert tf.cast(tf.constant([True, False]), dtype).numpy().tolist() == [1.0, 0.0]
    back = tf.cast(tf.constant([1.5, -1.5, np.inf, np.nan], dtype=dtype), tf.int32).numpy().tolist()
    assert back == [1, -1, 2**31 - 1, 0]


# -- what is rounded, and when --------------------------------------------------------------------------------

BINARY = ["add", "subtract", "multiply", "real_divide", "maximum", "minimum", "floordiv", "floormod", "atan2", "hypot"]
BINARY += ["logaddexp", "xlogy", "real_pow"]


@each_type
@pytest.mark.parametrize("name", BINARY)
def test_an_operation_on_two_is_that_of_float32_rounded_once(name, dtype):
    rng = np.random.default_rng(3)
    with np.errstate(all="ignore"):
        x, y = (rng.permutation(ALL[dtype]) for _ in range(2))
        half = Executable(Program(((dtype, x.shape),) * 2, ((name, (), (-1, -2)),), (0,)))
        single = Executable(Program((("float32", x.shape),) * 2, ((name, (), (-1, -2)),), (0,)))
        (ours,) = half([Buffer(x.copy()), Buffer(y.copy())])
        (wide,) = single([Buffer(v.astype(np.float32)) for v in (x, y)])
        assert same(ours.array, wide.array.astype(TYPES[dtype]))


@each_type
def test_each_operation_of_a_fused_kernel_is_rounded(dtype):
    x = tf.constant(np.linspace(0.1, 3, 1000), dtype=dtype)

    def step(v):
        return converted(v, tf.as_dtype(dtype)).astype(np.float32)

    with np.errstate(all="ignore"):
        v = x.numpy().astype(np.float32)
        expected = step(step(step(v * v) + v) / step(v + np.float32(1)))
    assert np.array_equal(((x * x + x) / (x + 1)).numpy().astype(np.float32), expected)


def exact_sum(x):
    """The sum of finite halves, exactly."""
    return sum((Fraction(v) for v in x.astype(np.float64).ravel().tolist()), Fraction(0))


@each_type
@pytest.mark.parametrize("shape", [(7,), (1000,), (4097,), (70_001,), (3, 500), (500, 3), (40, 20, 3)])
def test_a_sum_is_the_exact_one_rounded_once(shape, dtype):
    x = np.random.default_rng(4).integers(-2000, 2000, shape) / 64  # so a float64 holds the sum of any of them
    x = x.astype(TYPES[dtype])
    for axis in [None, *range(len(shape))]:
        exact = np.sum(x.astype(np.float64), axis=axis)
        assert same(tf.reduce_sum(tf.constant(x), axis).numpy(), converted(np.asarray(exact), tf.as_dtype(dtype))[()])
    assert exact_sum(x) == Fraction(float(np.sum(x.astype(np.float64))))


@each_type
def test_a_mean_does_not_overflow_on_the_way(dtype):
    x = tf.fill((100_000,), tf.constant(40_000.0, dtype=dtype))
    assert tf.reduce_mean(x).numpy() == tf.constant(40_000.0, dtype=dtype).numpy()
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_mean(x)
    assert tape.gradient(y, x).numpy()[0] == converted(np.asarray(1e-5), tf.as_dtype(dtype))


@each_type
@pytest.mark.parametrize("shape", [(1,), (37,), (5000,), (33, 7), (7, 300)])
def test_other_reductions_agree_with_float32_rounded_once(shape, dtype):
    x = (np.random.default_rng(5).standard_normal(shape)).astype(TYPES[dtype])
    half, single = tf.constant(x), tf.constant(x.astype(np.float32))
    for f in (tf.reduce_max, tf.reduce_min):
        assert np.array_equal(f(half, -1).numpy().astype(np.float32), f(single, -1).numpy())
    for f in (tf.nn.softmax, tf.nn.log_softmax, tf.reduce_logsumexp, tf.norm, tf.math.l2_normalize):
        wide = f(tf.cast(single, tf.float64), axis=-1).numpy()  # beside a tie the float32 result may have lost the side
        ours = f(half, axis=-1).numpy()
        assert ours.dtype == TYPES[dtype]
        near = [converted(np.asarray(wide * (1 + s)), tf.as_dtype(dtype)) for s in (-(2.0**-23), 2.0**-23)]
        assert ((near[0] == ours) | (near[1] == ours)).all()


@each_type
@pytest.mark.parametrize("shape", [(3, 5, 4), (1, 9, 1), (60, 50, 70), (300, 400, 200)])
def test_a_matrix_product_is_that_of_float32_rounded_once(shape, dtype):
    m, k, n = shape
    rng = np.random.default_rng(6)
    a, b = (rng.standard_normal(s).astype(TYPES[dtype]) for s in ((m, k), (k, n)))
    wide = tf.matmul(a.astype(np.float32), b.astype(np.float32)).numpy()
    assert same(tf.matmul(a, b).numpy(), converted(wide, tf.as_dtype(dtype)))


# -- the same bits --------------------------------------------------------------------------------------------

STEPS = (
    ("sin", (), (-1,)),
    ("multiply", (), (0, -2)),
    ("tanh", (1,), (1,)),
    ("transpose", ((1, 0),), (2,)),
    ("greater", (), (1, -1)),
    ("where", (), (4, 2, 1)),
    ("sum", ((0, 1),), (1,)),
    ("sum", ((0,),), (1,)),
    ("sum", ((1,),), (2,)),
    ("max", ((0,),), (2,)),
    ("prod", ((1,),), (0,)),
    ("cast", ("float64",), (8,)),
    ("matmul", (False, False), (2, 3)),
)


def bits(values):
    arrays = [np.asarray(v.array if isinstance(v, Buffer) else v) for v in values]
    return [(a.shape, a.tobytes()) for a in arrays]


def program_of(dtype, shape):
    return Program(((dtype, shape), (dtype, shape[-1:])), STEPS, tuple(range(len(STEPS))))


def leaves(dtype, shape):
    rng = np.random.default_rng(7)
    return [Buffer((rng.standard_normal(s) * 3).astype(TYPES[dtype])) for s in (shape, shape[-1:])]


@each_type
@pytest.mark.parametrize("shape", [(3, 5), (1, 40), (37, 53), (300, 20)])
def test_fused_and_op_by_op_agree_to_the_bit(shape, dtype):
    program, values = program_of(dtype, shape), leaves(dtype, shape)
    assert bits(Executable(program)(list(values))) == bits(OneByOne(program).run(values))


@each_type
def test_numpy_gives_the_same_bits_where_it_rounds_correctly(dtype):
    steps = (
        ("multiply", (), (-1, -2)),
        ("add", (), (0, -1)),
        ("real_divide", (), (1, -2)),
        ("sqrt", (), (2,)),
        ("negative", (), (3,)),
        ("maximum", (), (4, 0)),
        ("max", ((0,),), (5,)),
        ("cast", ("float64",), (5,)),
    )
    program = Program(((dtype, (60, 70)), (dtype, (70,))), steps, tuple(range(len(steps))))
    values = leaves(dtype, (60, 70))
    for ours, numpys in zip(
        Executable(program)(list(values)), interpret(program, [v.array for v in values]), strict=True
    ):
        assert same(ours.array, numpys)


@each_type
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_change_bits(threads, dtype, monkeypatch):
    program, values = program_of(dtype, (300, 400)), leaves(dtype, (300, 400))
    expected = bits(Executable(program)(list(values)))
    for limit in ("PARALLEL", "WAKING"):
        monkeypatch.setattr(kernel, limit, 1)
    with config.override(threads=threads):
        for parts in (1, 3, 8):
            monkeypatch.setattr(sharing, "PARTS", parts)
            assert bits(Executable(program)(list(values))) == expected


@each_type
@pytest.mark.parametrize("name", ["sin", "tanh", "sqrt"])
def test_a_number_alone_has_the_bits_it_has_in_an_array(name, dtype):
    x = tf.constant(np.linspace(0.01, 9, 41), dtype=dtype)
    function = getattr(tf, name)
    together = (function(x) * x).numpy()
    for i in range(41):
        alone = tf.constant(x.numpy()[i].item(), dtype=dtype)
        assert (function(alone) * alone).numpy().tobytes() == together[i].tobytes()


OLDER = {"x86_64": ["x86-64-v3", "x86-64-v2", "x86-64"], "AMD64": ["x86-64"], "arm64": ["generic"]}
OLDER["aarch64"] = OLDER["arm64"]


@each_type
@pytest.mark.parametrize("cpu", OLDER.get(platform.machine(), []))
def test_older_processors_give_the_same_bits_and_call_no_library(cpu, dtype, monkeypatch):
    program, values = program_of(dtype, (37, 53)), leaves(dtype, (37, 53))
    here = bits(Executable(program)(list(values)))
    monkeypatch.setattr(compiler, "host", lambda: (cpu, ""))
    monkeypatch.setattr(kernel, "_kernels", Cache(100))
    assert bits(Executable(program)(list(values))) == here


@each_type
def test_how_an_array_stands_does_not_matter(dtype):
    x = ALL[dtype][: 60 * 80].reshape(60, 80)[::-1, ::3]
    x = np.where(np.isfinite(x.astype(np.float32)), x, TYPES[dtype].type(1))
    t = tf.constant(x)
    straight = tf.sin(t).numpy()
    assert same(np.ascontiguousarray(tf.sin(tf.transpose(t)).numpy().T), straight)
    assert same(tf.sin(t[::2, 1::3]).numpy(), np.ascontiguousarray(straight[::2, 1::3]))
    assert same((tf.sin(t) + t[:1]).numpy()[1], (tf.sin(t[1]) + t[0]).numpy())
