"""A calculation as a file: the same when it is read again, refused when it is not what it should be, never executed."""

import copy
import hashlib
import io
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_cases import NAMES, cases

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, FormatError, GradtapeError, OutputError, ShapeError
from gradtape.graph.node import TABLE
from gradtape.portable.calculation import Calculation
from gradtape.portable.file import HEAD, MAGIC, VERSION


def exported(f, *args, **kwargs):
    file = io.BytesIO()
    tf.export(f, file, *args, **kwargs)
    return file.getvalue()


def packed(header, data, version=VERSION):
    """A file with a right checksum, whatever it holds."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return HEAD.pack(MAGIC, version, len(text), len(data), hashlib.sha256(text + data).digest()) + text + data


def unpacked(content):
    _, _, length, _, _ = HEAD.unpack_from(content)
    return json.loads(content[HEAD.size : HEAD.size + length]), content[HEAD.size + length :]


def loss(x, weights, power=2):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.nn.softmax(x * weights["w"]) ** power) + tf.reduce_max(
            x[1:] * np.arange(2.0, dtype="float32")
        )
    return {"value": y, "slope": (tape.gradient(y, x), None)}


X, W = np.array([0.5, -1.0, 2.0], np.float32), {"w": 3.0}


def looped(x):
    return tf.while_loop(lambda a, n: n < 5, lambda a, n: (a * x, n + 1), (x, tf.constant(0)))[0]


FILES = {
    "a derivative": exported(loss, X, W, power=2),
    "a loop": exported(looped, X),
    "matrices": exported(
        lambda a: tf.matmul(tf.transpose(a)[::-1], tf.concat([a, a * 2.0], 1)), np.ones((2, 3), "float32")
    ),
    "special functions": exported(lambda x: tf.math.erf(x) + tf.tan(x) / x**3 + tf.cast(x > 0.0, "float32"), X),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_primitive_is_read_as_it_was_written(name):
    for program, _ in cases(name):
        assert tf.load(exported(program)).program == program


def test_every_primitive_says_what_it_admits():
    """Without the field `admits`, see gradtape.ops.admit, a file with the primitive is refused."""
    assert [name for name in NAMES if TABLE[name].admits is None] == []


def test_what_is_loaded_is_equal_and_computes_the_same_bits():
    again = tf.load(FILES["a derivative"])
    assert again == tf.load(exported(again))
    theirs, mine = again(X, W, power=2), loss(tf.constant(X), {"w": tf.constant(3.0)})
    assert theirs["value"].numpy() == mine["value"].numpy() and theirs["slope"][1] is None
    np.testing.assert_array_equal(theirs["slope"][0].numpy(), mine["slope"][0].numpy())


def test_equal_calculations_are_equal_files():
    assert exported(loss, X, W, power=2) == FILES["a derivative"]
    assert exported(loss, 2 * X, W, power=2) == FILES["a derivative"]
    assert exported(loss, X, W, power=3) != FILES["a derivative"]


def test_another_process_reads_a_file_without_the_function(tmp_path):
    file = tmp_path / "slope.gradtape"
    tf.export(loss, file, X, W)
    code = "import sys, gradtape as tf; print(tf.load(sys.argv[1])([0.5, -1.0, 2.0], {'w': 3.0})['value'].item().hex())"
    shown = subprocess.run([sys.executable, "-c", code, file], check=True, capture_output=True, text=True).stdout
    assert float.fromhex(shown.strip()) == float(loss(tf.constant(X), {"w": tf.constant(3.0)})["value"])


def test_tapes_and_traced_functions_see_the_operations():
    cube = tf.load(exported(lambda x: x**3, tf.TensorSpec([])))
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.function(cube)(x)
    assert tape.gradient(y, x).numpy() == 12.0


def test_variables_are_written_with_their_values():
    w = tf.Variable([1.0, 2.0])
    f = tf.load(exported(lambda x: x * w, 3.0))
    w.assign([5.0, 5.0])
    assert f(3.0).numpy().tolist() == [3.0, 6.0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int32", "int64", "bool"])
def test_constants_of_every_type(dtype):
    array = tf.cast(np.arange(6).reshape(2, 3) % 2, dtype)
    f = tf.load(exported(lambda x: (array, x), tf.TensorSpec([])))
    assert f(1.0)[0].dtype == dtype and (f(1.0)[0].numpy() == array.numpy()).all()


def test_a_call_that_does_not_fit_is_refused():
    f = tf.load(FILES["a derivative"])
    with pytest.raises(ShapeError, match=r"takes float32\[3\] .* shape \(2,\)"):
        f(X[:2], W, power=2)
    with pytest.raises(DTypeError, match="float64 was given"):
        f(X.astype(float), W, power=2)
    with pytest.raises(ArgumentError, match=r"made for 2 .* but 3 was given"):
        f(X, W, power=3)
    with pytest.raises(ArgumentError, match="takes 2 of the positional arguments"):
        f(X, power=2)
    with pytest.raises(ArgumentError, match="takes w in"):
        f(X, {"v": 1.0}, power=2)


def test_a_damaged_file_is_refused_wherever_it_is_damaged():
    content = FILES["a derivative"]
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        with pytest.raises(FormatError):
            tf.load(bytes(damaged))


def test_a_truncated_or_longer_file_is_refused(tmp_path):
    content = FILES["a derivative"]
    for length in [*range(HEAD.size + 9), *range(HEAD.size + 9, len(content), 37)]:
        with pytest.raises(FormatError):
            tf.load(content[:length])
    file = tmp_path / "longer"
    file.write_bytes(content + b"\0")
    with pytest.raises(FormatError, match="bytes, but should have"):
        tf.load(file)


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path):
    made = tmp_path / "made"

    class Hostile:
        def __reduce__(self):
            return open, (str(made), "w")

    pickled = pickle.dumps(Hostile())
    content = FILES["a derivative"]
    for data in (pickled, content[: HEAD.size] + pickled, content + pickled, packed(unpacked(content)[0], pickled)):
        with pytest.raises(FormatError):
            tf.load(data)
    assert not made.exists()
    pickle.loads(pickled).close()
    assert made.exists()  # it is hostile


def test_foreign_and_oversized_files_are_refused_before_they_are_read(tmp_path):
    with pytest.raises(FormatError, match=r"no file that gradtape\.export wrote"):
        tf.load(b"\x80\x04\x95" + bytes(100))
    with pytest.raises(FormatError, match="version 2 of the format"):
        tf.load(packed(unpacked(FILES["a loop"])[0], b"", version=2))
    huge = tmp_path / "huge"
    huge.write_bytes(HEAD.pack(MAGIC, VERSION, 100, 1 << 50, bytes(32)))
    with pytest.raises(FormatError, match="bytes, but should have"):
        tf.load(huge)
    with pytest.raises(FormatError, match="refused"):
        tf.load(HEAD.pack(MAGIC, VERSION, 1 << 31, 0, bytes(32)))


def one_step(name, params, *leaves, refs=None):
    """A file of one operation."""
    refs = list(range(-1, -1 - len(leaves), -1)) if refs is None else refs
    arguments = [{"tuple": [{"leaf": i} for i in range(len(leaves))]}, {"dict": []}]
    return packed(
        {
            "name": "f",
            "parameters": [f"a{i}" for i in range(len(leaves))],
            "arguments": arguments,
            "result": {"leaf": 0},
            "inputs": leaves,
            "program": {"leaves": leaves, "steps": [[name, params, refs]], "outputs": [0]},
            "leaves": list(range(len(leaves))),
        },
        b"",
    )


V, M, I = ["float32", [4]], ["float32", [3, 4]], ["int32", [4]]
HOSTILE = {
    "unknown operation": ("os.system", ["ls"], V),
    "declared derivative": ("ruled", [1, 0], ["int32", []], V),
    "reading before the array": ("slice", [[[-1, 1, -1]]], V),
    "reading behind the array": ("slice", [[[3, 2, 1]]], V),
    "far behind": ("slice", [[[1 << 40, 1, 1]]], V),
    "stride out of the array": ("slice", [[[0, 2, 1 << 40]]], V),
    "step of zero": ("slice", [[[0, 2, 0]]], V),
    "negative number": ("slice", [[[0, -2, 1]]], V),
    "bools as numbers": ("slice", [[[True, True, True]]], V),
    "slices of another rank": ("slice", [[[0, 1, 1]]], M),
    "writing behind the array": ("put_slice", [[4], [[1, 4, 1]]], V),
    "reshaping to more": ("reshape", [[1 << 20]], V),
    "reshaping with overflow": ("reshape", [[1 << 62, 4, 1 << 62]], V),
    "axis twice": ("transpose", [[0, 0]], M),
    "repeating to a shape that does not fit": ("broadcast_to", [[5]], V),
    "repeating beyond all bounds": ("broadcast_to", [[1 << 50, 4]], V),
    "too many axes": ("broadcast_to", [[1] * 60 + [4]], V),
    "axis that is not there": ("sum", [[7]], V),
    "axes with a gap": ("max", [[0, 2]], ["float32", [2, 3, 4]]),
    "sum of bools": ("sum", [[0]], ["bool", [4]]),
    "joining different types": ("concat", [0], V, I),
    "joining along a far axis": ("concat", [9], V, V),
    "adding different types": ("add", [], V, I),
    "one input too many": ("sin", [], V, V),
    "one input too few": ("add", [], V),
    "one parameter too many": ("sin", [1], V),
    "order below zero": ("sigmoid", [-1], V),
    "order beyond all bounds": ("tanh", [1 << 60], V),
    "order that is no number": ("tanh", ["1"], V),
    "exponent beyond all bounds": ("integer_pow", [1 << 30], V),
    "literal that does not fit": ("literal", [1 << 40, "int32"]),
    "literal of a foreign type": ("literal", ["0x1p0", "complex64"]),
    "cast to a foreign type": ("cast", ["object"], V),
    "matrices that do not fit": ("matmul", [False, False], M, M),
    "a loop over nothing": ("while_loop", [[None, []], [None, []], 1, 0], V),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_operation_that_no_function_makes_is_refused(name):
    operation, params, *leaves = HOSTILE[name]
    with pytest.raises(FormatError):
        tf.load(one_step(operation, params, *leaves))


def test_the_files_of_these_tests_are_read_if_they_are_right():
    assert tf.load(one_step("slice", [[[3, 2, -1]]], V))([1.0, 2.0, 3.0, 4.0]).numpy().tolist() == [4.0, 3.0]


@pytest.mark.parametrize("refs", [[0], [1], [-2], [-1 << 70], [True], ["-1"], [None], -1])
def test_references_to_what_does_not_come_before_are_refused(refs):
    with pytest.raises(FormatError):
        tf.load(one_step("sin", [], V, refs=refs))


def test_nesting_beyond_all_bounds_is_refused():
    deep = b'{"list":[' * 100_000 + b"]}" * 100_000
    with pytest.raises(FormatError):
        tf.load(packed(deep, b""))


def test_what_cannot_be_written_is_said():
    with pytest.raises(ArgumentError, match="cannot be written to a file"):
        exported(lambda x, y: x, 1.0, {1, 2})
    with pytest.raises(OutputError, match="cannot be written"):
        tf.export(tf.sin, "/nowhere/at/all", 1.0)


def places(value, path=()):
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


ANYTHING = st.one_of(
    st.integers(-3, 12),
    st.sampled_from([1 << 31, 1 << 40, 1 << 63, -(1 << 63), 10**400]),
    st.sampled_from([None, True, "", "sin", "float32", "float64", "int64", "bool", "0x1p+0", [], {}, [0], [[0, 1, 1]]]),
    st.text(max_size=3),
)


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_file_with_a_right_checksum_is_refused_or_runs(name, data):
    """Whatever it says, nothing but FormatError comes from reading it, and what is accepted computes something."""
    header, arrays = unpacked(FILES[name])
    changed = copy.deepcopy(header)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from([path for path in places(changed) if path]))
        inside = changed
        for key in path[:-1]:
            inside = inside[key]
        others = st.sampled_from(list(places(changed))).map(lambda path: _at(changed, path))
        inside[path[-1]] = copy.deepcopy(data.draw(st.one_of(ANYTHING, others)))
    try:
        found = tf.load(packed(changed, arrays))
    except FormatError:
        return
    assert isinstance(found, Calculation)
    if all(np.prod(shape, dtype=float) < 1e4 for _, shape in found.inputs) and "while_loop" not in str(found.program):
        made = [np.zeros(shape, "float32" if dtype == "bfloat16" else dtype) for dtype, shape in found.inputs]
        try:
            [np.asarray(one) for one in tf.load(exported(found.program))(*made)]
        except (GradtapeError, MemoryError):  # too large, or a type that cannot be computed with
            return


def _at(value, path):
    for key in path:
        value = value[key]
    return value


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(noise):
    for content in (noise, MAGIC + noise, packed(noise, b""), packed(b"{}", noise)):
        with pytest.raises(FormatError):
            tf.load(content)
