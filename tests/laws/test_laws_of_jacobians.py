"""Laws of Jacobians and Hessians, dense and sparse, for every primitive of the table, and of all transforms in a traced
function."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.graph.node import TABLE
from laws.examples import OF_ROWS, differentiable
from laws.test_laws_of_transforms import close, each, random, rounding_differs, same_bits

pytest.importorskip("scipy")


def flat_parts(example):
    """The example as a function of one vector with all smooth operands, and that vector."""
    if example.name in OF_ROWS:  # their second operand is no variable of its own
        rows, ((axis,),) = example.points[0], example.params
        whole = OF_ROWS[example.name]
        return lambda v: whole(tf.reshape(v, rows.shape), axis=axis), tf.constant(rows.ravel())
    sizes = [x.size for x in example.points]
    ends = np.cumsum(sizes)

    def f(v):
        parts = [tf.reshape(v[end - n : end], x.shape) for n, end, x in zip(sizes, ends, example.points, strict=True)]
        return example.of_smooth(*parts)

    return f, tf.constant(np.concatenate([x.ravel() for x in example.points]))


def weighed(example):
    """A number that depends on all elements of the example in another way."""
    f, v = flat_parts(example)
    (weights,) = random(21, tuple(f(v).shape))

    def total(v):
        return tf.reduce_sum(tf.cast(f(v), tf.float64) * weights)

    return total, v


@each(differentiable())
def test_rows_and_columns_of_a_jacobian(example):
    """Forward and reverse mode give the same matrix; its columns are tangents and its rows are cotangents."""
    f, v = flat_parts(example)
    by_rows, by_columns = tf.jacrev(f)(v), tf.jacfwd(f)(v)
    shape = tuple(f(v).shape)
    dtype = f(v).dtype.dtype
    assert tuple(by_rows.shape) == shape + v.numpy().shape
    assert close(by_rows, by_columns, dtype=dtype)
    matrix = by_columns.numpy().reshape(-1, v.numpy().size)
    (t,) = random(22, v.numpy().shape)
    assert close(tf.jvp(f, (v,), (t,))[1].numpy().ravel(), matrix @ t, np.abs(matrix).sum(), dtype)
    (ct,) = random(23, shape)
    assert close(tf.vjp(f, v)[1](ct.astype(dtype))[0], ct.ravel() @ matrix, np.abs(matrix).sum(), dtype)


@each(differentiable())
def test_the_derivative_is_linear_in_the_function(example):
    f, v = flat_parts(example)
    value = f(v)

    def g(v):
        return tf.cast(tf.sin(tf.reduce_sum(v * v)), value.dtype) + f(v) * f(v)

    def together(v):
        return 2.0 * f(v) - 3.0 * g(v)

    one, other = tf.jacobian(f)(v).numpy(), tf.jacobian(g)(v).numpy()
    scale = np.max(np.abs(one), initial=0) + np.max(np.abs(other), initial=0)
    assert close(tf.jacobian(together)(v), 2 * one - 3 * other, 4 * scale, value.dtype.dtype)


@each(differentiable())
def test_a_sparse_jacobian_is_the_dense_one(example):
    f, v = flat_parts(example)
    dense = tf.jacobian(f)(v).numpy().reshape(-1, v.numpy().size)
    sparse = tf.jacobian(f, sparse=True)(v)
    assert sparse.shape == dense.shape
    assert close(sparse.toarray(), dense, dtype=dense.dtype)
    pattern = tf.sparsity(f, v)
    assert not dense[~_known(pattern, dense.shape)].any()


def _known(pattern, shape):
    known = np.zeros(shape, bool)
    known[pattern.rows, pattern.columns] = True
    return known


@each(differentiable())
def test_a_sparse_hessian_is_the_dense_one_and_symmetric(example):
    f, v = weighed(example)
    dense = tf.hessian(f)(v).numpy()
    assert close(dense, dense.T)
    assert close(tf.hessian(f, sparse=True)(v).toarray(), dense)
    (t,) = random(24, v.numpy().shape)
    assert close(tf.hvp(f, (v,), (t,)), dense @ t, np.abs(dense).sum())
    assert close(tf.laplacian(f)(v), np.trace(dense), np.abs(dense).sum())


@each(differentiable())
def test_all_transforms_have_the_same_bits_in_a_function(example):
    f, v = flat_parts(example)
    total, _ = weighed(example)
    (t,) = random(25, v.numpy().shape)
    t = tf.constant(t)
    transforms = {
        "grad": tf.grad(total),
        "value_and_grad": lambda v: tf.value_and_grad(total)(v)[1],
        "linearize": lambda v: tf.linearize(f, v)[1](t),
        "jacfwd": tf.jacfwd(f),
        "jacrev": tf.jacrev(f),
        "hvp": lambda v: tf.hvp(total, (v,), (t,)),
        "hessian": tf.hessian(total),
        "laplacian": tf.laplacian(total),
        "checkpoint": tf.grad(tf.checkpoint(total)),
        "jet": lambda v: tf.jet(f, (v,), ([t, 2.0 * t],))[1][1],
    }
    for name, transformed in transforms.items():
        if name in ("jacfwd", "jacrev", "hessian") and rounding_differs(example):
            continue  # products of matrices of other shapes
        eager = transformed(v)
        assert same_bits(eager, tf.function(transformed)(v)), name
        assert same_bits(eager, transformed(v)), name  # and when it is known


def test_the_table_has_no_primitive_without_these_laws():
    known = {example.name for example in differentiable()}
    smooth = {n for n, p in TABLE.items() if p.kind != "constant"}
    # what a user declares and loops have tests of their own (modes/test_custom, staging/test_loop_derivatives)
    assert smooth - known == {"ruled", "stop_gradient", "while_loop"}
