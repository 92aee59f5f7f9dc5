"""Sparse Jacobians and Hessians: patterns that miss nothing, few passes, and the elements of the dense matrix."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path += [str(Path(__file__).parents[1] / "laws"), str(Path(__file__).parents[1] / "portable")]

from table_cases import NAMES, cases
from test_structure import FUNCTIONS

import gradtape as tf
from gradtape.engine.tiers import execute
from gradtape.errors import ArgumentError, DTypeError, MissingPackageError, ShapeError
from gradtape.graph.node import Buffer, held
from gradtape.graph.program import rebuild
from gradtape.modes.colouring import UNCOLOURED, coloured, star
from gradtape.modes.sparsity import dependences

pytest.importorskip("scipy.sparse")


def dense_jacobian(f, x):
    """By reverse mode, a row at a time."""
    y, pull_back = tf.vjp(f, tf.constant(x))
    number = int(np.prod(y.shape))
    rows = [pull_back(tf.constant(np.eye(number)[i].reshape(y.shape)))[0].numpy().ravel() for i in range(number)]
    return np.array(rows).reshape(number, x.size)


def pattern_matrix(pattern):
    return pattern.matrix().toarray()


# -- patterns -------------------------------------------------------------------------------------------------


def values(program, arrays):
    (result,) = execute(program, [held(array.copy()) for array in arrays])
    return np.asarray(result.array if isinstance(result, Buffer) else result)


@pytest.mark.parametrize("name", NAMES)
def test_what_changes_is_in_the_pattern_of_every_primitive(name):
    """Elements of the result that move when one element of an input moves depend on it."""
    for program, arrays in cases(name):
        leaves, nodes = rebuild(program)
        for leaf, array in zip(leaves, arrays, strict=True):
            leaf.value = held(array.copy())
        made = {node: node.op for node in nodes}
        before = values(program, arrays)
        for i, array in enumerate(arrays):
            if array.dtype.kind != "f" or not nodes[-1].dtype.is_floating:
                continue
            found = dependences(made, leaves[i]).get(nodes[-1])
            for j in np.random.default_rng(0).permutation(array.size)[:4]:
                moved = array.copy()
                moved.flat[j] += 0.25
                after = values(program, [*arrays[:i], moved, *arrays[i + 1 :]])
                changed = np.flatnonzero((before != after) & ~(np.isnan(before) & np.isnan(after)))
                if found is None:
                    assert name == "stop_gradient" or not changed.size or nodes[-1].op[0].kind == "constant"
                    continue
                rows, columns = found.pairs()
                assert np.isin(changed, rows[columns == j]).all(), (program, i, j)


EXACT = {
    "neighbours": (lambda x: x[1:] * x[:-1], "××··· ·××·· ··××· ···××"),
    "reversed": (lambda x: x[::-1] * 2.0, "····× ···×· ··×·· ·×··· ×····"),
    "strided": (lambda x: x[::2], "×···· ··×·· ····×"),
    "one by all": (lambda x: x * x[2], "×·×·· ·××·· ··×·· ··××· ··×·×"),
    "sum": (lambda x: tf.reduce_sum(x[1:4]), "·×××·"),
    "joined": (lambda x: tf.concat([x[:1], x[3:]], 0), "×···· ···×· ····×"),
    "stacked": (lambda x: tf.stack([x[:2], x[1:3]]), "×···· ·×··· ·×··· ··×··"),
    "matrix": (lambda x: tf.matmul(tf.reshape(x[:4], (2, 2)), np.ones((2, 1))), "××··· ··××·"),
    "matrix on the right": (lambda x: np.ones((1, 2)) @ tf.reshape(x[:4], (2, 2)), "×·×·· ·×·×·"),
    "transposed": (lambda x: tf.transpose(tf.reshape(x[:4], (2, 2))), "×···· ··×·· ·×··· ···×·"),
    "gathered": (lambda x: tf.gather(x, [3, 0, 3]), "···×· ×···· ···×·"),
    "scattered": (lambda x: tf.math.unsorted_segment_sum(x, [1, 0, 1, 1, 0], 3), "·×··× ×·××· ·····"),
    "selected": (lambda x: tf.where(x[:2] > 0.0, x[1:3], x[3:]), "·×·×· ··×·×"),
    "largest": (lambda x: tf.reduce_max(tf.reshape(x[:4], (2, 2)), 1), "××··· ··××·"),
    "stopped": (lambda x: tf.stop_gradient(x) * x[0], "×···· ×···· ×···· ×···· ×····"),
    "constant": (lambda x: tf.round(x) + 1.0, "····· ····· ····· ····· ·····"),
    "without x": (lambda x: tf.ones([2]), "····· ·····"),
    "softmax of rows": (lambda x: tf.nn.softmax(tf.reshape(x[:4], (2, 2))), "××··· ××··· ··××· ··××·"),
    "softmax of columns": (lambda x: tf.nn.log_softmax(tf.reshape(x[:4], (2, 2)), 0), "×·×·· ·×·×· ×·×·· ·×·×·"),
    "logsumexp": (lambda x: tf.reduce_logsumexp(tf.reshape(x[:4], (2, 2)), 1), "××··· ··××·"),
    "logsumexp in float32": (lambda x: tf.reduce_logsumexp(tf.cast([x[:2], x[2:4]], "float32"), 1), "××··· ··××·"),
    "running sum": (lambda x: tf.cumsum(x[:2]), "××··· ××···"),
    "half types": (lambda x: tf.cast(x[:2], "float16") ** 2, "×···· ·×···"),
}


@pytest.mark.parametrize("name", EXACT)
def test_patterns_are_as_small_as_the_structure(name):
    f, picture = EXACT[name]
    assert str(tf.sparsity(f, tf.constant(np.linspace(-1, 1, 5)))).split() == picture.split()


def test_a_declared_derivative_may_depend_on_everything():
    @tf.custom_gradient
    def f(x):
        return x * 2.0, lambda dy: dy[::-1]

    assert tf.sparsity(f, tf.ones([3])).nnz == 9


def test_patterns_count_elements_of_tensors_of_any_shape():
    x = tf.ones([2, 3])
    pattern = tf.sparsity(lambda x: tf.reduce_sum(x**2, axis=0), x)
    assert pattern.shape == (3, 6)
    assert str(pattern).split() == ["×··×··", "·×··×·", "··×··×"]


def test_a_dense_matrix_of_a_million_variables_is_refused():
    x = tf.ones([1_000_000])
    with pytest.raises(ShapeError, match="up to 1000000000000 elements"):
        tf.sparsity(lambda x: x / tf.reduce_sum(x), x)
    assert tf.sparsity(lambda x: tf.reduce_sum(x / tf.reduce_sum(x)), x).nnz == 1_000_000  # dense in between


# -- colours --------------------------------------------------------------------------------------------------

MATRICES = st.integers(1, 12).flatmap(
    lambda n: st.integers(1, 12).flatmap(
        lambda m: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=m, max_size=m).map(np.array)
    )
)


@given(MATRICES)
@settings(max_examples=300, deadline=None)
def test_each_element_stands_alone_in_its_pass(there):
    rows, columns = np.nonzero(there)
    colouring = coloured(rows, columns, there.shape)
    for i, j in zip(rows, columns, strict=True):
        if colouring.rows[i] == UNCOLOURED:
            alike = np.flatnonzero(colouring.columns == colouring.columns[j])
            assert colouring.columns[j] != UNCOLOURED and there[i, alike].sum() == 1
        else:
            alike = np.flatnonzero(colouring.rows == colouring.rows[i])
            assert there[alike, j].sum() == 1
    assert colouring.passes <= min(there.shape)


@given(MATRICES)
@settings(max_examples=300, deadline=None)
def test_each_element_of_a_symmetric_matrix_stands_alone_on_one_side(there):
    n = min(there.shape)
    there = there[:n, :n] | there[:n, :n].T
    rows, columns = np.nonzero(there)
    colours = star(rows, columns, n).columns
    for i, j in zip(rows, columns, strict=True):
        here = there[i, colours == colours[j]].sum() == 1
        across = there[j, colours == colours[i]].sum() == 1
        assert here or across


# -- matrices -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sparse_is_dense_for_every_kind_of_function(name):
    f, x = FUNCTIONS[name]
    found = tf.jacobian(f, sparse=True)(x).toarray()
    expected = dense_jacobian(f, x)
    # A seed adds zeros to what one column is: sums round differently, no more than a few times
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13 * max(1.0, np.abs(expected).max()))
    assert pattern_matrix(tf.sparsity(f, x))[expected != 0].all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sparse_hessians_are_dense_ones(name):
    f, x = FUNCTIONS[name]

    def g(x):
        return tf.reduce_sum(f(x) ** 2)

    expected = dense_jacobian(tf.grad(g), x)
    found = tf.hessian(g, sparse=True)(x).toarray()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(expected).max()))


def rosenbrock(x):
    return tf.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def laplace(x):
    inner = x[2:] - 2.0 * x[1:-1] + x[:-2]
    return tf.concat([x[:1], inner * x[1:-1], x[-1:]], 0)


def arrow(x):
    return tf.concat([tf.reshape(tf.reduce_sum(x**2), [1]), x[1:] ** 3 * x[0]], 0)


def arrow_energy(x):
    return tf.reduce_sum(x[1:] ** 2 * x[0]) + x[0] ** 3


def blocks(x):
    rows = tf.reshape(x, (-1, 3))
    return tf.reshape(rows * tf.reduce_sum(rows**2, axis=1, keepdims=True), [-1])


CAMERAS, POINTS, SEEN = 4, 9, np.array([(c, p) for p in range(9) for c in range(4) if (c + p) % 3])


def bundle(x):
    """Residuals of points (3 numbers) as cameras (4 numbers: place and scale) see them (2 numbers)."""
    cameras, points = tf.reshape(x[: 4 * CAMERAS], (CAMERAS, 4)), tf.reshape(x[4 * CAMERAS :], (POINTS, 3))
    camera, point = tf.gather(cameras, SEEN[:, 0]), tf.gather(points, SEEN[:, 1])
    seen = (point[:, :2] - camera[:, :2]) / (5.0 + point[:, 2:] - camera[:, 2:3])
    return tf.reshape(seen * camera[:, 3:], [-1])


JACOBIANS = {
    "tridiagonal": (laplace, 30, 3),
    "arrow": (arrow, 30, 3),  # the full row in reverse, the full column and the diagonal forward
    "full row": (lambda x: tf.concat([tf.reshape(tf.reduce_sum(x), [1]), x[1:] ** 2], 0), 30, 2),
    "full column": (lambda x: x * x[0], 30, 2),
    "block-diagonal": (blocks, 30, 3),
    "bundle adjustment": (bundle, 4 * CAMERAS + 3 * POINTS, 5),
    "diagonal": (lambda x: tf.sin(x), 30, 1),
    "nothing": (lambda x: tf.round(x), 30, 0),
    "dense": (lambda x: tf.reduce_sum(x) * x, 5, 5),
}


@pytest.mark.parametrize("name", JACOBIANS)
def test_the_known_patterns_need_few_passes(name):
    f, number, passes = JACOBIANS[name]
    x = np.random.default_rng(1).uniform(0.5, 2, number)
    found = tf.jacobian(f, sparse=True)(x)
    expected = dense_jacobian(f, x)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-13, atol=1e-13 * np.abs(expected).max())
    assert tf.sparsity(f, x).passes == passes


HESSIANS = {
    "tridiagonal": (rosenbrock, 30, 3),
    "arrow": (arrow_energy, 30, 2),
    "block-diagonal": (lambda x: tf.reduce_sum(tf.reduce_sum(tf.reshape(x, (-1, 3)), 1) ** 4), 30, 3),
    "softmax of rows": (lambda x: tf.reduce_sum(tf.nn.softmax(tf.reshape(x, (-1, 3))) ** 2), 30, 3),
    "log_softmax of rows": (lambda x: tf.reduce_sum(tf.nn.log_softmax(tf.reshape(x, (-1, 3)))), 30, 3),
    "logsumexp of rows": (lambda x: tf.reduce_sum(tf.reduce_logsumexp(tf.reshape(x, (-1, 3)), axis=1)), 30, 3),
    "bundle adjustment": (lambda x: tf.reduce_sum(bundle(x) ** 2), 4 * CAMERAS + 3 * POINTS, 20),
    "diagonal": (lambda x: tf.reduce_sum(tf.sin(x)), 30, 1),
    "nothing": (lambda x: tf.reduce_sum(x * 3.0), 30, 0),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians_use_their_symmetry(name):
    f, number, passes = HESSIANS[name]
    x = np.random.default_rng(1).uniform(0.5, 2, number)
    found = tf.hessian(f, sparse=True)(x)
    expected = dense_jacobian(tf.grad(f), x)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    assert tf.sparsity(f, x, order=2).passes <= passes


def test_a_tridiagonal_matrix_of_a_hundred_thousand_variables_has_three_passes():
    x = np.linspace(-1, 1, 100_000)
    pattern = tf.sparsity(rosenbrock, x, order=2)
    assert (pattern.nnz, pattern.passes) == (299_998, 3)
    found = tf.hessian(rosenbrock, sparse=pattern)(x)
    inner = 1200 * x[1:-1] ** 2 - 400 * x[2:] + 202
    np.testing.assert_allclose(found.diagonal()[1:-1], inner, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(found.diagonal(1), -400 * x[:-1], rtol=1e-12)
    np.testing.assert_allclose(found.diagonal(-1), -400 * x[:-1], rtol=1e-12)


def test_at_once_is_the_same():
    x = np.linspace(1, 2, 8)
    pattern = tf.sparsity(laplace, x)
    for sparse in (True, pattern):
        at_once = tf.jacobian(laplace, x, sparse=sparse)
        np.testing.assert_array_equal(at_once.toarray(), tf.jacobian(laplace, sparse=True)(x).toarray())
        assert type(at_once).__name__ == "csr_array"
    at_once = tf.hessian(rosenbrock, tf.constant(x), sparse=True)
    np.testing.assert_array_equal(at_once.toarray(), tf.hessian(rosenbrock, sparse=True)(x).toarray())


def test_a_pattern_is_used_again():
    x = np.linspace(1, 2, 8)
    pattern = tf.sparsity(laplace, x)
    again = tf.jacobian(laplace, sparse=pattern)(x + 1.0)
    np.testing.assert_array_equal(again.toarray(), tf.jacobian(laplace, sparse=True)(x + 1.0).toarray())
    with pytest.raises(ShapeError, match="pattern is that of a Jacobian of shape"):
        tf.jacobian(laplace, sparse=pattern)(x[:5])
    with pytest.raises(ShapeError, match="the Hessian has the shape"):
        tf.hessian(rosenbrock, sparse=pattern)(x)


def test_another_argument_and_types_of_elements():
    def f(a, x, scale=1.0):
        return a * x[1:] * x[:-1] * scale

    x = np.linspace(1, 2, 4).astype(np.float32)
    found = tf.jacobian(f, argnums=1, sparse=True)(2.0, x, scale=3.0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.toarray(), dense_jacobian(lambda x: f(2.0, x, 3.0), x.astype(float)), rtol=1e-6)
    assert tf.jacobian(f, argnames="x", sparse=True)(2.0, tf.cast(x, "bfloat16")).dtype == np.float32


def test_without_scipy_patterns_are_arrays_and_matrices_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    pattern = tf.sparsity(laplace, tf.ones([5]))
    assert len(pattern.rows) == len(pattern.columns) == pattern.nnz == 11
    with pytest.raises(MissingPackageError, match=r"pip install 'gradtape\[sparse\]'") as error:
        tf.jacobian(laplace, sparse=True)(tf.ones([5]))
    assert isinstance(error.value, ImportError)


def test_what_cannot_be_done_is_said():
    with pytest.raises(ArgumentError, match="returns a tensor, but <lambda> returned"):
        tf.sparsity(lambda x: [x], 1.0)
    with pytest.raises(ArgumentError, match="argnums has 1, but the call has 1"):
        tf.sparsity(laplace, tf.ones([3]), argnums=1)
    with pytest.raises(ArgumentError, match="by one argument, but 2 were named"):
        tf.jacobian(lambda x, y: x * y, (0, 1), sparse=True)(1.0, 2.0)
    with pytest.raises(ArgumentError, match="neither has_aux nor a mode"):
        tf.jacobian(laplace, mode="forward", sparse=True)
    with pytest.raises(ArgumentError, match=r"True, False or what gradtape\.sparsity returned"):
        tf.hessian(laplace, sparse="yes")
    with pytest.raises(DTypeError, match="int32, which has no derivative"):
        tf.sparsity(laplace, [1, 2, 3])
    with pytest.raises(ArgumentError, match="order of a pattern"):
        tf.sparsity(laplace, tf.ones([3]), order=3)
    with pytest.raises(ShapeError, match="returned the shape"):
        tf.hessian(laplace, sparse=True)(tf.ones([5]))
