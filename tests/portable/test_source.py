"""A function as NumPy code: it runs where gradtape is not, and gives the same numbers to rounding."""

import dataclasses
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from table_cases import NAMES, cases

import gradtape as tf
from gradtape.engine.tiers import execute
from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import bfloat16_reference, converted
from gradtape.graph.node import Buffer, held

ALONE = """
import importlib.abc, pickle, sys, warnings

class Only(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in ("gradtape", "scipy", "llvmlite"):
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Only())
warnings.simplefilter("error")
results = []
for text, name, args in pickle.load(sys.stdin.buffer):
    names = {}
    exec(text, names)
    results.append(names[name](*args))
sys.stdout.buffer.write(pickle.dumps(results))
"""


def run_alone(jobs):
    """The results of (text, name of the function, arguments) in a process that has NumPy alone."""
    done = subprocess.run([sys.executable, "-c", ALONE], input=pickle.dumps(jobs), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return pickle.loads(done.stdout)


def ours(program, arrays):
    values = execute(program, [held(array.copy()) for array in arrays])
    return [value.array if isinstance(value, Buffer) else np.asarray(value) for value in values]


@pytest.fixture(scope="module")
def printed():
    """For each primitive its Programs, arrays, and what the printed code makes of them."""
    found = {name: [(p, arrays, str(tf.source(p))) for p, arrays in cases(name)] for name in NAMES}
    jobs = [(text, "program", arrays) for ones in found.values() for _, arrays, text in ones]
    results = iter(run_alone(jobs))
    return {name: [(p, arrays, text, next(results)) for p, arrays, text in ones] for name, ones in found.items()}


ULPS = {"float32": 4, "float64": 64}
"""How far NumPy's code may be away: in units in the last place of the result, and of its argument through the function.
float32 is mostly computed in float64 and rounded once; exp_difference is NumPy's float32 function."""

WIDER = {"digamma": {"float32": 4, "float64": 512}}  # 64 reciprocals are added, which cancel between the poles


@pytest.mark.parametrize("name", NAMES)
def test_every_primitive_gives_the_same_numbers_with_numpy_alone(printed, name):
    for program, arrays, text, (their_value,) in printed[name]:
        (value,) = ours(program, arrays)
        theirs = np.asarray(their_value)
        assert theirs.shape == value.shape, text
        if value.dtype.kind == "f" and value.shape:
            assert theirs.dtype == value.dtype, text
        if theirs.dtype.kind != "f":
            assert (theirs == value).all(), text
            continue
        with np.errstate(all="ignore"):
            shaken = [a * (1 + np.finfo(a.dtype).eps) if a.dtype.kind == "f" else a for a in arrays]
            moved = np.abs(ours(program, shaken)[0].astype(float) - value)
            unit = np.spacing(np.abs(value)).astype(float) + moved
            distance = np.where(
                (theirs == value) | (np.isnan(theirs) & np.isnan(value)), 0, np.abs(theirs.astype(float) - value)
            )
            bound = WIDER.get(name, ULPS)[value.dtype.name]
            assert (distance <= bound * unit).all(), (np.nanmax(distance / unit), text)


def slope_of(f, order=1):
    def slope(x):
        if not order:
            return f(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = slope_of(f, order - 1)(x)
        return tape.gradient(y, x)

    return slope


def test_a_derivative_is_written_as_people_write_it():
    text = tf.source(slope_of(lambda x: tf.sin(x) ** 2), tf.TensorSpec([3], "float64"))
    assert text.splitlines()[-2:] == [
        "    x = np.asarray(x, np.float64)         # float64[3]",
        "    return 2.0 * np.sin(x) * np.cos(x)    # float64[3]",
    ]
    assert repr(text) == text


def test_a_special_function_brings_its_helper():
    text = tf.source(slope_of(tf.sigmoid), tf.TensorSpec([], "float64"))
    assert "def sigmoid_1(x):" in text and "z / (1 + z) ** 2" in text
    (value,) = run_alone([(str(text), "slope", (np.float64(40.0),))])
    assert value == pytest.approx(np.exp(-40.0), rel=1e-15)


def test_formulas_that_lose_digits_are_replaced_before_they_are_written():
    text = tf.source(slope_of(lambda x: 1 / (1 + tf.exp(-x))), tf.TensorSpec([], "float64"))
    (value,) = run_alone([(str(text), "slope", (-800.0,))])
    assert value == 0.0


def example(x, others):
    y = tf.nn.gelu(x) * tf.nn.softmax(tf.tanh(x) * others["scale"]) + others["parts"][0]
    return {"loss": tf.reduce_sum(y), "rows": (y[1:], None)}


def test_nests_of_arguments_and_results_keep_their_structure():
    x = np.linspace(-2, 2, 5)
    others = {"scale": np.float64(3.0), "parts": [np.arange(5.0)]}
    (theirs,) = run_alone([(str(tf.source(example, x, others)), "example", (x, others))])
    mine = example(tf.constant(x), {"scale": tf.constant(3.0, tf.float64), "parts": [tf.constant(np.arange(5.0))]})
    assert theirs["rows"][1] is None
    np.testing.assert_allclose(theirs["loss"], mine["loss"].numpy(), rtol=1e-14)
    np.testing.assert_allclose(theirs["rows"][0], mine["rows"][0].numpy(), rtol=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_higher_derivatives_of_a_nested_function(order, dtype):
    f = slope_of(lambda x: tf.reduce_sum(tf.tanh(tf.sin(x) * tf.exp(-(x**2)))), order)
    x = np.linspace(-1, 1, 7).astype(dtype)
    (theirs,) = run_alone([(str(tf.source(f, x)), "slope", (x,))])
    mine = f(tf.constant(x)).numpy()
    # Each of some dozens of terms is rounded by either side, and the terms of order n are up to n! as large
    bound = 100 * np.finfo(dtype).eps * np.abs(mine).max()
    assert np.abs(theirs.astype(float) - mine).max() <= bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_of_rows_with_infinite_elements(dtype):
    def of_logits(x):
        w = tf.constant([1.0, 2.0, 4.0], dtype)
        return tf.reduce_sum(tf.nn.softmax(x) * w) + tf.nn.log_softmax(x)[2] + tf.reduce_logsumexp(x)

    slope = slope_of(of_logits)
    rows = [np.array(row, dtype) for row in ([0.5, -np.inf, 1.0], [-np.inf, -np.inf, 1.0])]
    theirs = run_alone([(str(tf.source(slope, row)), "slope", (row,)) for row in rows])
    for row, there in zip(rows, theirs, strict=True):
        np.testing.assert_allclose(there, slope(tf.constant(row)).numpy(), rtol=32 * np.finfo(dtype).eps)


def test_variables_and_arrays_become_constants():
    w, table = tf.Variable([1.0, 2.0]), np.arange(600, dtype=np.float32).reshape(300, 2)
    text = str(tf.source(lambda x: tf.reduce_sum(x * w * table), tf.TensorSpec([2])))
    (value,) = run_alone([(text, "function", (np.ones(2, np.float32),))])
    assert value == (table * [1, 2]).sum()
    assert text.count("np.frombuffer") == 1 and "np.array([1.0, 2.0], np.float32)" in text


def test_an_operation_that_is_read_twice_is_written_once():
    text = tf.source(lambda x: tf.exp(x) * tf.sin(x) + tf.exp(x), tf.TensorSpec([4]))
    assert text.count("np.exp") == 1


def test_equal_helpers_are_written_once():
    text = tf.source(lambda x: tf.sigmoid(x) + tf.sigmoid(2.0 * x), tf.TensorSpec([4]))
    assert text.count("def sigmoid") == 1


def test_names_that_python_or_numpy_have_are_not_taken():
    def f(np, v0, math):
        return np * v0 + tf.math.lgamma(math) * tf.math.lgamma(math + v0)

    text = str(tf.source(f, 2.0, 3.0, 4.0))
    (value,) = run_alone([(text, "f", (np.float32(2), np.float32(3), np.float32(4)))])
    assert value == pytest.approx(f(*map(tf.constant, (2.0, 3.0, 4.0))).numpy(), rel=1e-6)


def test_a_loop_is_written_as_a_loop():
    @tf.function
    def root(a):
        return tf.while_loop(lambda x, last: x != last, lambda x, last: ((x + a / x) / 2.0, x), (a, 0.0 * a))[0]

    text = tf.source(root, tf.TensorSpec([], "float64"))
    assert "while " in text
    assert run_alone([(str(text), "root", (2.0,))]) == [pytest.approx(2**0.5, rel=1e-15)]


def test_without_examples_a_signature_or_numbers_are_taken():
    f = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([3], "float32")])
    assert "float32[3]" in tf.source(f)
    assert "float64[]" in tf.source(lambda x: x * 2.0)


def test_a_declared_derivative_is_written_as_declared():
    @tf.custom_gradient
    def clipped(x):
        return x * 2.0, lambda dy: tf.clip_by_value(dy, -1.0, 1.0)

    text = str(tf.source(slope_of(lambda x: clipped(x) ** 2), tf.TensorSpec([2], "float64")))
    (value,) = run_alone([(text, "slope", (np.array([0.1, 5.0]),))])
    np.testing.assert_allclose(value, [0.4, 1.0], rtol=1e-15)


def test_half_types_are_rounded_where_gradtape_rounds_them():
    x = np.linspace(0.1, 3, 20).astype(np.float16)
    f = slope_of(lambda x: tf.sigmoid(x) * x**3)
    (theirs,) = run_alone([(str(tf.source(f, x)), "slope", (x,))])
    assert theirs.dtype == np.float16
    np.testing.assert_array_equal(theirs, f(tf.constant(x)).numpy())


HALVES = {
    "slope": slope_of(lambda x: tf.sigmoid(x) * x**3),
    "sums": lambda x: tf.reduce_sum(x * 1.7) + tf.cumsum(x) - tf.reduce_max(x),
    "from wider": lambda x: tf.cast(tf.cast(x, "float64") * 1.01, "bfloat16"),
    "to wider": lambda x: tf.cast(x, "float32") * 1.1 + tf.cast(3, "float32"),
    "from integers": lambda x: x + tf.cast(tf.constant(np.arange(257, 277)), "bfloat16"),
    "constants": lambda x: x * tf.constant(np.linspace(0, 1, 20), "bfloat16") + tf.cast(0.1, "bfloat16"),
    "gathered": slope_of(lambda x: tf.reduce_sum(tf.gather(x, [0, 0, 0, 3, 19]) ** 2)),
}


def test_bfloat16_is_rounded_by_numpy_alone_and_held_as_float32():
    x = np.linspace(-3, 3, 20).astype(np.float32)
    x = tf.cast(x, "bfloat16")
    given = np.asarray(tf.cast(x, "float32"))
    texts = {name: str(tf.source(f, x)) for name, f in HALVES.items()}
    assert all("ml_dtypes" not in text and "np.bfloat16" not in text for text in texts.values())
    made = run_alone([(text, text.split("def ")[-1].partition("(")[0], (given,)) for text in texts.values()])
    for theirs, f in zip(made, HALVES.values(), strict=True):
        expected = f(x)
        assert theirs.dtype == np.float32
        np.testing.assert_array_equal(theirs, np.asarray(tf.cast(expected, "float32")))


def test_rounding_to_bfloat16_is_to_nearest_even():
    ends = [0.0, -0.0, np.inf, -np.inf, np.nan, 3.4e38, -3.4e38, 1e-40, -1e-45, 1 + 2**-8, 1 + 3 * 2**-8]
    bits = np.random.default_rng(3).integers(0, 2**32, 10_000, dtype=np.uint32)
    narrow = np.concatenate([np.array(ends, np.float32), bits.view(np.float32)])
    with np.errstate(all="ignore"):
        wide = [narrow.astype(np.float64), 1 + 2**-8 + np.array([2.0**-40, -(2.0**-40)]), [1e300, -1e-320]]
        for x in (narrow, np.concatenate(wide)):
            np.testing.assert_array_equal(bfloat16_reference(x), converted(x, tf.bfloat16).astype(np.float32))


@dataclasses.dataclass
class Line:
    slope: object
    offset: object
    unit: str = "m"


def test_dataclasses_are_read_by_attributes_and_returned_as_namespaces():
    line, x = Line(np.array([1.0, 2.0]), 3.0), np.array([0.5, 0.25])
    f = tf.grad(lambda line, x: tf.reduce_sum((line.slope * x + line.offset) ** 2))
    text = tf.source(f, line, x)
    assert "line_slope = np.asarray(line.slope, np.float64)" in text
    (theirs,) = run_alone([(str(text), "gradient", (SimpleNamespace(**vars(line)), x))])
    ours = f(Line(tf.constant(line.slope), tf.constant(3.0)), tf.constant(x))
    np.testing.assert_allclose(theirs.slope, ours.slope.numpy(), rtol=2**-52)
    np.testing.assert_allclose(theirs.offset, ours.offset.numpy(), rtol=2**-23)
    assert theirs.unit is None is ours.unit


def test_what_is_one_number_everywhere_is_written_as_that():
    text = tf.source(tf.grad(lambda x: tf.reduce_mean((x - 1.0) ** 2)), np.ones(4))
    assert "np.full" not in text and "broadcast" not in text and "0.25 * (2.0 * (x - 1.0))" in text
    text = tf.source(lambda x: tf.derivatives(lambda x: tf.sin(x) * tf.exp(x), x, 2), np.ones(4))
    assert "zip" not in text


def test_functions_that_cannot_be_written_say_why():
    w = tf.Variable(1.0)
    with pytest.raises(ArgumentError, match="assigns Variable"):
        tf.source(lambda x: w.assign(x), 1.0)
    with pytest.raises(ArgumentError, match="unknown lengths"):
        tf.source(tf.sin, tf.TensorSpec([None]))
    with pytest.raises(ArgumentError, match="a function or a Program"):
        tf.source(3.0)
    with pytest.raises(ArgumentError, match="cannot be written as NumPy code"):
        tf.source(lambda x: (x, object), 1.0)
