"""Arithmetic as people expect it: special values, integers, types, and errors where the call is."""

from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.ops.arithmetic import differentiated_as

INT32 = st.integers(-(2**31), 2**31 - 1)
SPECIAL = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-45, 3e38], np.float32)


@given(INT32, INT32)
def test_integer_division_and_remainder_are_numpys_and_never_trap(a, b):
    x, y = np.array([a], np.int32), np.array([b], np.int32)
    with np.errstate(all="ignore"):
        assert tf.constant(x).__floordiv__(tf.constant(y)).numpy() == x // y
        assert (tf.constant(x) % tf.constant(y)).numpy() == x % y


@given(st.floats(width=32), st.floats(width=32))
def test_floor_division_and_remainder_of_floats_have_the_sign_of_the_divisor(a, b):
    with np.errstate(all="ignore"):
        ours = (tf.constant(a) % tf.constant(b)).numpy()
        numpys = np.mod(np.float32(a), np.float32(b))
    assert ours == numpys or (np.isnan(ours) and np.isnan(numpys))


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "sign", "abs", "sqrt", "negative", "square", "reciprocal"])
def test_special_values_are_ieee(name):
    with np.errstate(all="ignore"):
        numpys = {"round": np.rint}.get(name, getattr(np, name))(SPECIAL)
    ours = getattr(tf, name)(SPECIAL).numpy()
    assert np.array_equal(ours, numpys, equal_nan=True)
    assert np.array_equal(np.signbit(ours)[:6], np.signbit(numpys)[:6])


def test_maximum_and_minimum_pass_nan_on():
    x, y = tf.constant([np.nan, 1.0, 2.0]), tf.constant([1.0, np.nan, 3.0])
    assert np.array_equal(tf.maximum(x, y).numpy(), [np.nan, np.nan, 3.0], equal_nan=True)
    assert np.array_equal(tf.minimum(x, y).numpy(), [np.nan, np.nan, 2.0], equal_nan=True)


def test_python_numbers_take_the_type_of_the_tensor():
    assert (tf.constant([1.0], tf.float64) * 2).dtype == tf.float64
    assert (2.5 * tf.constant([1.0])).dtype == tf.float32
    assert (tf.constant([1]) + 1).dtype == tf.int32
    assert (tf.constant([1]) * 0.5).dtype == tf.float32
    assert (tf.constant([True]) + 1).dtype == tf.int32


def test_mixed_types_promote():
    assert (tf.constant([1.0]) + tf.constant([1.0], tf.float64)).dtype == tf.float64
    assert (tf.constant([1]) + tf.constant([1], tf.int64)).dtype == tf.int64
    assert (tf.constant([1], tf.int64) + tf.constant([1.0])).dtype == tf.float32


def test_the_gradient_of_a_promoted_value_has_the_type_of_its_source():
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = x * np.array([3.0, 4.0])
    gradient = tape.gradient(y, x)
    assert y.dtype == tf.float64 and gradient.dtype == tf.float32
    assert gradient.numpy().tolist() == [3.0, 4.0]


def test_integers_divide_to_float64():
    assert (tf.constant(7) / tf.constant(2)).numpy() == 3.5
    assert (tf.constant(7) / 2).dtype == tf.float64


@pytest.mark.parametrize("base", [-2.0, -1.0, 0.0, 0.5, 3.0])
@pytest.mark.parametrize("exponent", [-3, -2, -1, 0, 1, 2, 3, 7, 2.0, 2.5, 100, -100])
def test_powers_are_those_of_numpy(base, exponent):
    for dtype in ("float32", "float64"):
        x = np.array([base], dtype)
        with np.errstate(all="ignore"):
            expected = np.power(x.astype(np.float64), float(exponent)).astype(dtype)
        for y in (tf.constant(x) ** exponent, tf.pow(tf.constant(x), tf.constant(exponent, dtype=dtype))):
            assert np.allclose(y.numpy(), expected, rtol=2e-7 if dtype == "float32" else 1e-15, atol=0, equal_nan=True)


def test_powers_of_negative_bases_have_gradients_for_integer_exponents():
    x = tf.Variable([-2.0, 3.0])
    for exponent in (3, 3.0, tf.constant(3.0)):
        with tf.GradientTape() as tape:
            y = x**exponent
        assert tape.gradient(y, x).numpy().tolist() == [12.0, 27.0]


def test_the_gradient_of_a_power_at_zero():
    x = tf.Variable(0.0)
    for exponent, slope in [(1, 1.0), (2, 0.0), (0, None), (tf.constant(0.0), 0.0), (tf.constant(1.0), 1.0)]:
        with tf.GradientTape() as tape:
            y = x**exponent
        gradient = tape.gradient(y, x)
        assert (gradient is None and slope is None) or float(gradient or 0.0) == (slope or 0.0)


def test_the_gradient_of_a_power_by_its_exponent():
    x, y = tf.Variable([2.0, 0.0, -1.0]), tf.Variable([3.0, 2.0, 2.0])
    with tf.GradientTape() as tape:
        z = x**y
    assert tape.gradient(z, y).numpy().tolist() == pytest.approx([8 * np.log(2), 0, 0])


def test_integer_powers_of_integers_are_integers():
    assert (tf.constant([2, -3]) ** 5).numpy().tolist() == [32, -243]
    assert (tf.constant([2, -3]) ** 0).numpy().tolist() == [1, 1]
    assert tf.pow(2, 3).numpy() == 8
    assert (2 ** tf.constant([0, 1, 10, 31])).numpy().tolist() == [1, 2, 1024, -(2**31)]
    assert (tf.constant([3, -1, 1, 0, 2]) ** tf.constant([2, 3, -5, 0, -1])).numpy().tolist() == [9, -1, 1, 1, 0]
    assert (tf.constant([7], tf.int64) ** tf.constant([22], tf.int64)).numpy().tolist() == [7**22]
    with pytest.raises(ArgumentError, match="cast"):
        tf.constant([2]) ** -1


def test_shapes_that_do_not_fit_are_an_error_at_the_call():
    with pytest.raises(ShapeError, match=r"\(2,\) and \(3,\)"):
        tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0])


def test_real_functions_refuse_integer_tensors_and_say_what_to_do():
    with pytest.raises(DTypeError, match="cast"):
        tf.exp(tf.constant([1, 2]))
    assert tf.exp([0, 1]).dtype == tf.float32, "a list of Python integers is as good as floats"


def test_casts():
    assert tf.cast([1.9, -1.9], "int32").numpy().tolist() == [1, -1]
    assert tf.cast([np.nan, 1e20, -1e20], "int32").numpy().tolist() == [0, 2**31 - 1, -(2**31)]
    assert tf.cast([0.0, 0.5, np.nan], tf.bool).numpy().tolist() == [False, True, True]
    assert tf.cast([True, False], tf.float64).numpy().tolist() == [1.0, 0.0]
    assert tf.cast(tf.constant([2**40 + 5], tf.int64), tf.int32).numpy().tolist() == [5]
    with pytest.raises(DTypeError, match="float64"):
        tf.cast([1.0], "complex64")


def test_comparisons_and_logic():
    x, y = tf.constant([1.0, 2.0, np.nan]), tf.constant([2.0, 2.0, np.nan])
    assert (x < y).numpy().tolist() == [True, False, False]
    assert (x <= y).numpy().tolist() == [True, True, False]
    assert (x == y).numpy().tolist() == [False, True, False]
    assert (x != y).numpy().tolist() == [True, False, True]
    assert ((x < y) | ~(x == y)).numpy().tolist() == [True, False, True]
    assert tf.is_nan(x).numpy().tolist() == [False, False, True]
    with pytest.raises(DTypeError):
        tf.logical_and([1.0], [2.0])


def test_where_wants_a_bool_condition():
    with pytest.raises(DTypeError, match="x > 0"):
        tf.where(tf.constant([1.0]), 1.0, 2.0)


def test_what_is_differentiated_as_something_else_does_not_compute_that():
    x = tf.constant([0.5, 2.0], tf.float64)

    def f(x):
        return tf.Tensor(differentiated_as(tf.round(x).node, tf.sin(x).node))

    np.testing.assert_array_equal(f(x).numpy(), [0.0, 2.0])
    np.testing.assert_array_equal(tf.grad(lambda x: tf.reduce_sum(f(x)))(x).numpy(), tf.cos(x).numpy())
    np.testing.assert_array_equal(tf.jvp(f, (x,), (tf.ones_like(x),))[1].numpy(), tf.cos(x).numpy())
    np.testing.assert_array_equal(tf.vmap(f)(x).numpy(), f(x).numpy())
    np.testing.assert_array_equal(tf.derivatives(f, x, 2)[2].numpy(), -tf.sin(x).numpy())
    out = StringIO()
    tf.show(f(x), file=out)
    assert "sin" not in out.getvalue().split("plan:")[1]
    with pytest.raises(ShapeError, match=r"are alike, but float64\[2\] and float64\[\] were given"):
        differentiated_as(x.node, tf.reduce_sum(x).node)
