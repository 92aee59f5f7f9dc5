"""float16 and bfloat16 as people use them: names, promotion, variables, gradients, functions, settings."""

import pickle
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import DTypeError, NumericsError

NUMPYS = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}

each_type = pytest.mark.parametrize("dtype", NUMPYS)


def rounded(x, dtype):
    """What float32 gives, rounded once."""
    return np.asarray(x, np.float32).astype(NUMPYS[dtype])


def test_names_are_tensorflows():
    assert tf.half is tf.float16 is tf.as_dtype("half") is tf.as_dtype(np.float16) is tf.dtypes.float16
    assert tf.bfloat16 is tf.as_dtype("bfloat16") is tf.as_dtype(ml_dtypes.bfloat16) is tf.dtypes.bfloat16
    assert tf.bfloat16 == "bfloat16" and tf.bfloat16 == ml_dtypes.bfloat16 and tf.bfloat16 != tf.float16
    assert hash(tf.bfloat16) == hash(np.dtype(ml_dtypes.bfloat16))
    assert pickle.loads(pickle.dumps(tf.bfloat16)) is tf.bfloat16
    assert (tf.float16.size, tf.bfloat16.size) == (2, 2)
    assert tf.float16.max == 65504 and float(tf.bfloat16.max) == 2.0**128 - 2.0**120 == -float(tf.bfloat16.min)


def test_bfloat16_is_loaded_when_it_is_used():
    code = """
import sys, gradtape as tf
(tf.constant([1.0, 2.0], tf.float16) * 2).numpy(), tf.bfloat16.name
assert "ml_dtypes" not in sys.modules
tf.constant(1.0, tf.bfloat16).numpy()
assert "ml_dtypes" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("a", "b", "result"),
    [
        ("float16", "float16", "float16"),
        ("float16", "bfloat16", "float32"),
        ("float16", "float32", "float32"),
        ("bfloat16", "float32", "float32"),
        ("float16", "float64", "float64"),
        ("bfloat16", "float64", "float64"),
        ("bfloat16", "int32", "bfloat16"),
        ("float16", "int64", "float16"),
        ("float16", "bool", "float16"),
    ],
)
def test_promotion(a, b, result):
    x, y = tf.ones(2, dtype=a), tf.ones(2, dtype=b)
    if "bool" not in (a, b):
        assert (x + y).dtype == (y * x).dtype == result
    assert tf.concat([x, y], 0).dtype == tf.concat([y, x], 0).dtype == tf.where([True, False], x, y).dtype == result


@each_type
def test_python_numbers_are_weak(dtype):
    x = tf.constant([1.0, 2.0], dtype=dtype)
    for result in (x * 2.5, 2 - x, x + True, x**2, x**0.5, tf.maximum(x, 1.5), tf.where(x > 1, x, 0.0)):
        assert result.dtype == dtype
    assert np.array_equal((x * 0.1).numpy(), rounded(rounded(0.1, dtype).astype(np.float32) * x.numpy(), dtype))


@each_type
def test_numpy_arrays_keep_their_type(dtype):
    x = np.array([1.5, -2.0], NUMPYS[dtype])
    for given in (x, x[0], [x[0], x[1]], tf.constant(x)):
        assert tf.constant(given).dtype == dtype
        assert np.asarray(tf.constant(given)).dtype == NUMPYS[dtype]
    assert tf.constant(x).numpy().tobytes() == x.tobytes()
    assert tf.constant(1.1, dtype=dtype).numpy() == NUMPYS[dtype](1.1)
    assert isinstance(tf.constant(1.1, dtype=dtype).numpy(), NUMPYS[dtype])
    assert tf.constant(x).tolist() == [1.5, -2.0] and tf.constant(x)[0].item() == 1.5


@each_type
def test_variables(dtype):
    v = tf.Variable([1.0, 2.0], dtype=dtype)
    v.assign_add([0.5, 0.25])
    v.assign_sub(np.array([0.25, 0.25]))
    assert v.dtype == dtype and v.numpy().tolist() == [1.25, 2.0]
    assert pickle.loads(pickle.dumps(v)).numpy().tobytes() == v.numpy().tobytes()
    with pytest.raises(DTypeError, match="cast the float32 value"):
        v.assign(tf.constant([1.0, 2.0]))


def test_printing():
    assert repr(tf.constant([0.1, 2], dtype="float16")) == (
        "<Tensor: shape=(2,), dtype=float16, numpy=array([0.1, 2. ], dtype=float16)>"
    )
    assert repr(tf.constant([0.1, 2], dtype="bfloat16")) == (
        "<Tensor: shape=(2,), dtype=bfloat16, numpy=array([0.100098, 2], dtype=bfloat16)>"
    )
    assert f"{tf.constant(0.1, dtype='bfloat16'):.3f}" == "0.100"


@each_type
def test_the_gradient_of_a_small_program(dtype):
    """Linear regression: every step is an operation that is rounded once, so its bits can be said with NumPy."""
    x, t = rounded([0.5, -1.25, 3.0, 0.1], dtype), rounded([1.0, 0.3, -2.0, 7.0], dtype)
    w = tf.Variable(0.3, dtype=dtype)
    with tf.GradientTape() as tape:
        error = w * x - t
        loss = tf.reduce_sum(error * error)
    f = np.float32
    e = rounded(rounded(f(w.numpy()) * f(x), dtype).astype(f) - f(t), dtype)
    assert tape.gradient(loss, w).dtype == dtype
    squares = rounded(f(e) * f(e), dtype)
    assert loss.numpy() == rounded(np.sum(squares, dtype=np.float64), dtype)
    back = rounded(f(e) + f(e), dtype)  # by both factors
    with tf.GradientTape() as tape:
        error = w * x - t
        loss = tf.reduce_sum(error * error)
    products = np.sum(f(back).astype(np.float64) * f(x).astype(np.float64))
    assert tape.gradient(loss, w).numpy() == rounded(products, dtype)


COMPOSED = {
    "elu": lambda x: tf.nn.elu(x, 1.5),
    "celu": lambda x: tf.nn.celu(x, 2.0),
    "silu": lambda x: tf.nn.silu(x, 1.7),
    "leaky_relu": tf.nn.leaky_relu,
    "softshrink": lambda x: tf.nn.softshrink(x, 0.3),
    "hard_sigmoid": tf.nn.hard_sigmoid,
    "log_sigmoid": tf.math.log_sigmoid,
    "gelu": lambda x: tf.nn.gelu(x, approximate=True),
    "mean": lambda x: tf.reduce_mean(tf.reshape(x, (256, 256)), 1),
    "cross entropy": lambda x: tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.zeros_like(x), logits=x),
}


@each_type
@pytest.mark.parametrize("name", COMPOSED)
def test_functions_of_several_operations_are_rounded_once_too(name, dtype):
    with np.errstate(all="ignore"):
        x = np.arange(1 << 16, dtype=np.uint16).view(NUMPYS[dtype])
        if name == "mean":
            x = np.where(np.isfinite(x.astype(np.float32)), x, NUMPYS[dtype](0))
        ours, wide = COMPOSED[name](tf.constant(x)), COMPOSED[name](tf.constant(x.astype(np.float32))).numpy()
        assert ours.dtype == dtype
        assert np.array_equal(ours.numpy().astype(np.float32), rounded(wide, dtype).astype(np.float32), equal_nan=True)


@each_type
def test_functions_and_control_flow(dtype):
    @tf.function
    def f(x):
        return tf.reduce_sum(tf.sin(x) * x)

    x = tf.constant([0.5, 1.0, 2.0], dtype=dtype)
    found = set()
    for _ in range(4):  # op by op, fused, replayed
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        found.add((y.numpy().tobytes(), tape.gradient(y, x).numpy().tobytes()))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.sin(x) * x)
    assert found == {(y.numpy().tobytes(), tape.gradient(y, x).numpy().tobytes())}
    (count,) = tf.while_loop(lambda i: i < 5, lambda i: [i + 1], [tf.constant(0.0, dtype=dtype)])
    assert count.dtype == dtype and count.numpy() == 5

    @tf.function(input_signature=[tf.TensorSpec([None], dtype)])
    def doubled(x):
        return x * 2

    assert doubled(x).dtype == dtype
    with pytest.raises(DTypeError, match=f"the input_signature says {dtype}"):
        doubled(tf.constant([1.0]))


@each_type
def test_kernels_come_from_disk(dtype, tmp_path):
    code = f"""
import numpy as np, gradtape as tf
tf.config.update(cache_dir={str(tmp_path)!r}, cache=True, tier="fused")
x = tf.constant(np.linspace(0, 1, 1000), dtype="{dtype}")
with tf.profile() as found:
    bits = (tf.sin(x) * x + tf.reduce_sum(x)).numpy().tobytes()
print({{kernel.code for kernel in found.kernels}}, bits[:16].hex())
"""
    first, second = (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    )
    assert "compiled" in first and "disk" in second and "compiled" not in second
    assert first.split()[-1] == second.split()[-1]


@each_type
def test_what_finds_nans(dtype):
    x = tf.constant([4.0, 0.0], dtype=dtype)
    with tf.config.override(check_numerics="record"):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.sqrt(x)
        found = tf.explain_nan(tape.gradient(y, x))
    assert (found.index, found.through, found.operands, found.derivative) == ((1,), "sqrt", (0.0,), np.inf)
    with tf.config.override(check_numerics=True), pytest.raises(NumericsError, match=f"log makes nan.*of {dtype}"):
        tf.math.log(x - 5)
    overflowed = tf.explain_nan(tf.constant([300.0, 1.0], dtype="float16") ** 2)
    assert overflowed.operation == "x**2" and overflowed.inputs == (300.0,)


@each_type
def test_what_is_shown(dtype, capsys):
    tf.show(tf.sin(tf.constant([1.0, 2.0], dtype=dtype)))
    shown = capsys.readouterr().out
    assert f"a0: {dtype}[2]" in shown and "4 B read, 4 B written" in shown


@each_type
def test_loops_in_functions_keep_the_type(dtype):
    def body(i, y):
        return [i + 1, tf.sin(y) * y + 1]

    @tf.function
    def f(x):
        return tf.while_loop(lambda i, y: i < x[0], body, [tf.cast(0.0, x.dtype), x[1]])[1]

    x = tf.constant([5.0, 0.3], dtype=dtype)
    y = x[1]
    for _ in range(5):
        (_, y) = body(0, y)
    assert f(x).dtype == dtype and f(x).numpy().tobytes() == y.numpy().tobytes()


@each_type
def test_what_moves_elements_converts_nothing(dtype, capsys):
    table = tf.constant(np.arange(40.0).reshape(10, 4), dtype=dtype)
    for moved in (tf.gather(table, [3, 3]), tf.concat([table, table], 0), tf.abs(-table), table[::-2]):
        assert moved.dtype == dtype
        tf.show(moved)
    assert "cast" not in capsys.readouterr().out
    with tf.GradientTape() as tape:
        tape.watch(table)
        y = tf.reduce_sum(tf.gather(table, [3, 3, 3]) * tf.constant([[0.001], [1.0], [0.001]], dtype=dtype))
    gradient = tape.gradient(y, table).numpy()[3]
    parts = rounded([0.001, 1.0, 0.001], dtype).astype(np.float64)
    assert (gradient == rounded(parts.sum(), dtype)).all()  # added up in float64


@each_type
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "sort", "argsort"])
def test_what_goes_along_an_axis_is_that_of_float32_rounded_once(name, dtype):
    x = rounded(np.random.default_rng(8).standard_normal((7, 90)), dtype)
    function = getattr(tf, name, None) or getattr(tf.math, name)
    ours, wide = function(tf.constant(x)).numpy(), function(tf.constant(x.astype(np.float32))).numpy()
    expected = wide if ours.dtype.kind == "i" else rounded(wide, dtype)
    assert ours.dtype == expected.dtype and ours.tobytes() == expected.tobytes()
