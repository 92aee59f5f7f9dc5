"""NumPy's names give NumPy's shapes, types and numbers; gradients go through them."""

import numpy
import pytest

import gradtape as tf
import gradtape.numpy as np
from gradtape.errors import ArgumentError

R = numpy.random.default_rng(0)
A, B, V, W = R.normal(size=(3, 4)), R.normal(size=(4, 2)), R.normal(size=5), R.normal(size=5)
INTS, BOOLS = numpy.arange(-3, 3), numpy.array([True, False, True])
SPECIAL = numpy.array([0.0, numpy.nan, numpy.inf, -numpy.inf, -2.5, 2.5])

UNARY = [
    "sin",
    "cos",
    "tan",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "exp",
    "exp2",
    "expm1",
    "cbrt",
    "sinc",
    "fabs",
    "absolute",
    "abs",
    "negative",
    "positive",
    "square",
    "sign",
    "isnan",
    "isfinite",
    "logical_not",
    "floor",
    "ceil",
    "rint",
    "deg2rad",
    "rad2deg",
    "round",
    "nan_to_num",
]
INSIDE = ["arcsin", "arccos", "arctanh", "sqrt", "log", "log2", "log10", "log1p", "reciprocal"]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "floor_divide",
    "mod",
    "remainder",
    "maximum",
    "minimum",
    "arctan2",
    "hypot",
    "logaddexp",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "fmod",
]
CALLS = {
    "power": [(abs(V), W), (V, 3), (2.0, V)],
    "arccosh": [(1 + abs(V),)],
    "heaviside": [(SPECIAL[[0, 4, 5]], 0.5)],
    "clip": [(V, -0.5, 0.5), (INTS, -1, None), (V, None, W)],
    "where": [(V > 0, V, W), (V > 0, V, 0.0), (INTS, 1.0, V[0])],
    "sum": [(A,), (A, 1), (A, (0, 1)), (INTS,), (BOOLS,), ([1, 2.5],)],
    "prod": [(A, 0), (V,)],
    "mean": [(A,), (A, 0), (INTS,), ([1, 2],)],
    "average": [(A,), (A, 0), (V, None, abs(W)), (A, 1, [1.0, 2.0, 3.0, 4.0])],
    "var": [(A,), (A, 1)],
    "std": [(A, 0)],
    "max": [(A,), (A, 0), (INTS,)],
    "min": [(A, -1)],
    "amax": [(V,)],
    "amin": [(V,)],
    "any": [(BOOLS,), (A > 0, 0), (INTS,)],
    "all": [(BOOLS,), (A > -9, 1)],
    "argmax": [(A,), (A, 1)],
    "argmin": [(A,), (A, 0)],
    "cumsum": [(A,), (A, 0), (A, -1)],
    "cumprod": [(V,), (A, 1)],
    "median": [(V,), (A,), (A, 0), (A, -1), (SPECIAL,)],
    "reshape": [(A, (2, 6)), (A, -1), (A, (4, -1))],
    "ravel": [(A,), (2.0,)],
    "transpose": [(A,), (A[None], (2, 0, 1))],
    "swapaxes": [(A[None], 0, 2), (A, -1, 0)],
    "moveaxis": [(A[None], 0, -1), (A[None], (0, 1), (2, 0))],
    "expand_dims": [(A, 0), (A, (0, -1)), (V, (1, 2))],
    "squeeze": [(A[None],), (A[None, :, None], 0)],
    "broadcast_to": [(V, (2, 5)), (1.0, 3)],
    "concatenate": [([A, A],), ([A, B.T], 0), ([A, A], 1), ([A, V], None)],
    "stack": [([V, W],), ([V, W], -1)],
    "vstack": [([V, W],), ([A, A],)],
    "hstack": [([V, W],), ([A, A],)],
    "column_stack": [([V, W],), ([A, A],)],
    "tile": [(V, 2), (A, (2, 1)), (V, (2, 3)), (A, 2)],
    "repeat": [(V, 2), (A, 2, 1), (V, [1, 0, 2, 1, 1])],
    "roll": [(V, 2), (A, -1, 1), (A, 5)],
    "flip": [(A,), (A, 0), (A, (0, 1))],
    "flipud": [(A,)],
    "fliplr": [(A,)],
    "pad": [(V, 2), (A, ((1, 0), (2, 1))), (V, (1, 2), "reflect"), (V, 1, "symmetric")],
    "take": [(V, [0, -1, 2]), (A, [[0, 1]], 1), (A, 5)],
    "sort": [(A,), (A, 0), (A, None)],
    "argsort": [(A,), (V,)],
    "diff": [(V,), (A, 2), (A, 1, 0)],
    "matmul": [(A, B), (V, W), (A, B[:, 0]), (A[:, 0], A), (R.normal(size=(2, 3, 4)), B)],
    "dot": [(A, B), (V, W), (2.0, V), (R.normal(size=(2, 3, 4)), R.normal(size=(5, 4, 2)))],
    "vdot": [(A, A)],
    "inner": [(A, A), (V, W), (V, 2.0)],
    "outer": [(V, W), (A, V)],
    "trace": [(A,)],
    "tensordot": [(A, B, 1), (A, A, 2), (A, A, ([0], [0])), (A, B, (1, 0)), (V, W, 0)],
    "einsum": [
        *(("ij,jk->ik", A, B), ("ij,jk", A, B), ("ij->ji", A), ("ij->", A), ("ii->i", A[:, :3]), ("ii", A[:, :3])),
        *(("ij,ij->i", A, A), ("i,i,i->", V, W, V), ("i,j->ij", V, W), ("ij,jk,kl->il", A, B, B.T), ("ij->j", A)),
        *(
            ("bij,bjk->bik", R.normal(size=(2, 3, 4)), R.normal(size=(2, 4, 5))),
            ("iij,j->i", R.normal(size=(3, 3, 4)), A[0]),
        ),
    ],
    "zeros": [(3,), ((2, 3),)],
    "ones": [((2, 3), "float32")],
    "full": [((2, 2), 7), (3, 0.5)],
    "zeros_like": [(A,), (INTS,)],
    "ones_like": [(BOOLS,)],
    "full_like": [(A, 3), (INTS, 2.7)],
    "arange": [(5,), (1, 4), (0.0, 1.0, 0.25)],
    "linspace": [(0, 1, 5), (0.0, 1.0), (0, 1, 4, False)],
    "logspace": [(0, 2, 5)],
    "eye": [(3,), (2, 3, 1)],
    "identity": [(2,)],
    "diag": [(V,), (V, 2), (V, -1), (A,), (A, 1), (A, -2), (A, 9)],
    "tril": [(A,), (A, 1)],
    "triu": [(A,), (A, -1)],
    "array": [([1, 2],), ([1.0, 2],), (1.5,), ([[True]],)],
    "asarray": [(A,)],
}


def same(found, wanted):
    found, wanted = numpy.asarray(found), numpy.asarray(wanted)
    assert found.shape == wanted.shape
    if found.dtype != wanted.dtype:  # places are int32 here
        assert found.dtype == numpy.int32 and wanted.dtype == numpy.int64
    if wanted.dtype.kind == "f":
        numpy.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-14)
    else:
        numpy.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("x", [V, SPECIAL, INTS, 0.75, 2, [1, 2.5], V.astype("float32")], ids=str)
def test_of_one_number(name, x):
    if name == "sinc" and x is SPECIAL:
        x = SPECIAL[:2]  # at infinity it is 0 here, the limit, and NaN in NumPy
    with numpy.errstate(all="ignore"):
        wanted = getattr(numpy, name)(x)
    found = getattr(np, name)(x)
    if numpy.asarray(wanted).dtype == "float32":
        numpy.testing.assert_allclose(found, wanted, rtol=1e-6)
    else:
        same(found, wanted)


@pytest.mark.parametrize("name", INSIDE)
def test_of_one_number_in_its_domain(name):
    x = abs(V) / 4 + 0.01
    same(getattr(np, name)(x), getattr(numpy, name)(x))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("x, y", [(V, W), (V, 2), (2.5, W), (A, A[0]), (2, 3), (3.0, 2)], ids=str)
def test_of_two_numbers(name, x, y):
    same(getattr(np, name)(x, y), getattr(numpy, name)(x, y))


@pytest.mark.parametrize("name, arguments", [(n, a) for n, calls in CALLS.items() for a in calls], ids=str)
def test_everything_else(name, arguments):
    with numpy.errstate(all="ignore"):
        same(getattr(np, name)(*arguments), getattr(numpy, name)(*arguments))


def test_split_and_meshgrid_give_lists():
    for arguments in ((V[:4], 2), (V, [1, 3]), (A, 2, 1), (A, [1], 1)):
        for found, wanted in zip(np.split(*arguments), numpy.split(*arguments), strict=True):
            same(found, wanted)
    for indexing in ("xy", "ij"):
        for found, wanted in zip(
            np.meshgrid(V, W[:3], V[:2], indexing=indexing),
            numpy.meshgrid(V, W[:3], V[:2], indexing=indexing),
            strict=True,
        ):
            same(found, wanted)


@pytest.mark.parametrize("options", [{"keepdims": True}, {"axis": 0, "keepdims": True}])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "var", "median", "any"])
def test_axes_are_kept_where_asked_for(name, options):
    same(getattr(np, name)(A, **options), getattr(numpy, name)(A, **options))


def test_ddof_and_types():
    same(np.var(A, ddof=1), numpy.var(A, ddof=1))
    assert np.sum(numpy.ones(3, "float32"), dtype="float64").dtype == tf.float64
    assert np.add(tf.constant([1.0]), 2.0).dtype == tf.float32 and np.add(1.0, 2.0).dtype == tf.float64


def test_every_public_name_is_tested_or_a_constant():
    tested = {*UNARY, *INSIDE, *BINARY, *CALLS, "split", "meshgrid", "atleast_1d", "atleast_2d", "linalg"}
    constants = {
        "pi",
        "e",
        "inf",
        "nan",
        "newaxis",
        "bool_",
        "bfloat16",
        "float16",
        "float32",
        "float64",
        "int32",
        "int64",
    }
    assert set(np.__all__) == tested | constants
    assert np.pi == numpy.pi and np.e == numpy.e


@pytest.mark.parametrize("name", ["sin", "arctan2", "sum", "einsum", "take"])
def test_they_are_documented(name):
    assert getattr(np, name).__doc__ and getattr(np, name).__name__ == name


def test_gradients_go_through():
    """Each of these against central differences."""
    functions = [
        lambda x: np.sum(np.outer(x, x) ** 2) / np.linalg.norm(x),
        lambda x: np.einsum("i,ij,j->", x, np.diag(x) + np.ones((5, 5)), x),
        lambda x: np.std(np.concatenate([x, np.square(x)])) * np.median(x),
        lambda x: np.sum(np.where(x > 0, np.sqrt(np.abs(x)), x) * np.arange(5)),
        lambda x: np.dot(np.tril(np.outer(x, x)), np.flip(x))[2] + np.trace(np.outer(x, np.roll(x, 1))),
        lambda x: np.sum(np.stack([x, np.cumsum(x)], axis=1)[1:3] * np.array([x[0], x[4]])),
        lambda x: np.sum(np.clip(x, -1.0, 0.3) + np.take(x, [0, 0, -1])[2] + np.diff(np.sort(x))[0]),
        lambda x: np.logaddexp(np.max(x), np.arctan2(x[0], x[1])) + np.fmod(x[2], 0.7),
    ]
    for f in functions:
        slopes = tf.grad(f)(V).numpy()
        for i in range(5):
            step = numpy.zeros(5)
            step[i] = 1e-6
            central = (float(f(V + step)) - float(f(V - step))) / 2e-6
            assert slopes[i] == pytest.approx(central, rel=2e-6, abs=2e-8)


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.einsum("ij,jk->il", A, B),
        lambda: np.einsum("ij", A, B),
        lambda: np.einsum("ij,jk", A, A),
        lambda: np.einsum("i...", A),
        lambda: np.einsum("ijk", A),
        lambda: np.tensordot(A, B, 2),
        lambda: np.matmul(2.0, A),
        lambda: np.pad(V, 1, "wrap"),
        lambda: np.moveaxis(A, (0, 1), 0),
        lambda: np.linspace(0, 1, 0),
        lambda: np.meshgrid(V, indexing="yx"),
        lambda: np.diag(A[None]),
    ],
)
def test_bad_arguments_have_clear_errors(call):
    with pytest.raises(ArgumentError):
        call()
