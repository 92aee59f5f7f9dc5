"""Activation functions, logit, sinc and cbrt as users call them: values, nested tapes, corners and other spellings."""

import math

import mpmath as mp
import numpy as np
import pytest

import gradtape as tf
import gradtape.compat.torch as torch
import gradtape.compat.torch.nn.functional as F
from gradtape.errors import ArgumentError
from gradtape.graph.node import TABLE
from gradtape.text import parse

mp.mp.dps = 60

SCALE, ALPHA = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")
EVERYWHERE = [-20.0, -6.0, -2.4, -1.5, -1.0, -0.3, -1e-3, 1e-3, 0.3, 1.0, 2.5, 9.0, 30.0]
INSIDE = [1e-9, 1e-3, 0.2, 0.499, 0.51, 0.7, 0.99, 0.9999]


def sided(below, above):
    return lambda x: above(x) if x > 0 else below(x)


# name: (function, its definition, where)
SMOOTH = {
    "silu": (tf.nn.silu, lambda x: x / (1 + mp.exp(-x)), EVERYWHERE),
    "mish": (tf.nn.mish, lambda x: x * mp.tanh(mp.log1p(mp.exp(x))), EVERYWHERE),
    "softsign": (tf.nn.softsign, lambda x: x / (1 + abs(x)), EVERYWHERE),
    "tanhshrink": (tf.nn.tanhshrink, lambda x: x - mp.tanh(x), EVERYWHERE),
    "log_sigmoid": (tf.math.log_sigmoid, lambda x: -mp.log1p(mp.exp(-x)), EVERYWHERE),
    "elu": (tf.nn.elu, sided(mp.expm1, lambda x: x), EVERYWHERE),
    "selu": (tf.nn.selu, sided(lambda x: SCALE * ALPHA * mp.expm1(x), lambda x: SCALE * x), EVERYWHERE),
    "logit": (tf.math.logit, lambda x: mp.log(x / (1 - x)), INSIDE),
    "sinc": (tf.math.sinc, mp.sincpi, [*EVERYWHERE, 0.4999, 0.5001, 1.43]),
    "cbrt": (tf.math.cbrt, lambda x: mp.sign(x) * mp.cbrt(abs(x)), EVERYWHERE),
}


def nested(f, x, order):
    """The values of f, f', …, by nested tapes."""
    if order == 0:
        return [f(x)]
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = nested(f, x, order - 1)
    return [*values, tape.gradient(values[-1], x, unconnected_gradients="zero")]


def slopes(f, points, order=1):
    return nested(f, tf.constant(points), order)[order].numpy().tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SMOOTH)
def test_value_and_three_derivatives(name, dtype):
    """Within one ulp, next to a zero of a derivative in terms of what half an ulp of x moves it."""
    f, exact, where = SMOOTH[name]
    points = np.array(where, dtype)
    values = [v.numpy() for v in nested(f, tf.constant(points), 3)]
    for i, x in enumerate(points):
        at = mp.mpf(float(x))
        with mp.workdps(120):
            truth = [exact(at), *[mp.diff(exact, at, n) for n in range(1, 5)]]
        for order in range(4):
            true = truth[order]
            unit = mp.mpf(float(np.spacing(np.abs(np.array(float(true), dtype)))))
            moved = abs(truth[order + 1]) * mp.mpf(float(np.spacing(np.abs(x)))) / 2 if order else 0
            assert abs(mp.mpf(float(values[order][i])) - true) <= unit + moved, (order, x)


FAMILIES = ["sigmoid_weighted", "mish", "softsign", "tanhshrink", "logit", "sinc", "cbrt", "sigmoid", "tanh"]


@pytest.mark.parametrize("name", FAMILIES)
def test_each_order_of_a_family_is_the_derivative_of_the_one_before(name):
    exact = TABLE[name].exact
    for x in [
        mp.mpf("0.003"),
        mp.mpf("0.3"),
        mp.mpf("0.71"),
        *([] if name == "logit" else [mp.mpf("-1.9"), mp.mpf(4)]),
    ]:
        for order in range(6):
            slope = mp.diff(lambda at, order=order: exact(mp.mp, at, order), x)
            assert mp.almosteq(exact(mp.mp, x, order + 1), slope, rel_eps=mp.mpf(10) ** -20), (x, order)


@pytest.mark.parametrize("name", [*FAMILIES, "selu", "exponential_linear"])
def test_the_reference_in_numpy_agrees_with_the_reader(name):
    primitive = TABLE[name]
    x = np.array([0.1, 0.4, 0.9] if name == "logit" else [-3.0, -0.7, -0.01, 0.2, 1.5, 8.0])
    for order in range(4):
        exact = [float(primitive.exact(mp.mp, mp.mpf(float(v)), order)) for v in x]
        assert primitive.reference(x, order) == pytest.approx(exact, rel=1e-10)


# -- corners --------------------------------------------------------------------------------------------------

CORNERS = {
    "relu6": (tf.nn.relu6, [-1.0, 0.0, 1.0, 6.0, 7.0], [0, 0, 1, 0, 0]),
    "hard_tanh": (tf.nn.hard_tanh, [-2.0, -1.0, 0.0, 1.0, 2.0], [0, 1, 1, 1, 0]),
    "hard_sigmoid": (tf.nn.hard_sigmoid, [-4.0, -3.0, 1.0, 3.0, 4.0], [0, 0, np.float32(1 / 6), 0, 0]),
    "softshrink": (tf.nn.softshrink, [-1.0, -0.5, 0.0, 0.5, 1.0], [1, 0, 0, 0, 1]),
    "hardshrink": (tf.nn.hardshrink, [-1.0, -0.5, 0.0, 0.5, 1.0], [1, 0, 0, 0, 1]),
    "elu": (tf.nn.elu, [0.0, 1.0], [1, 1]),
    "elu with alpha": (lambda x: tf.nn.elu(x, alpha=2.0), [0.0, 1.0], [2, 1]),
    "selu": (tf.nn.selu, [0.0, 1.0], [np.float32(SCALE), np.float32(SCALE)]),
    "celu": (lambda x: tf.nn.celu(x, alpha=2.0), [0.0, 1.0], [1, 1]),
    "softsign": (tf.nn.softsign, [0.0], [1]),
}


@pytest.mark.parametrize("name", CORNERS)
def test_the_derivative_at_a_corner_is_the_documented_one(name):
    f, points, expected = CORNERS[name]
    assert slopes(f, points) == expected


@pytest.mark.parametrize("f", [tf.nn.elu, tf.nn.selu, tf.nn.celu, tf.nn.softsign])
def test_the_second_derivative_at_0_is_0(f):
    assert slopes(f, [0.0], order=2) == [0]


@pytest.mark.parametrize("f", [tf.nn.relu6, tf.nn.hard_tanh, tf.nn.hard_sigmoid])
def test_what_is_cut_off_has_a_gradient_that_is_zero_by_structure(f):
    assert slopes(lambda x: f(tf.math.log(x)), [0.0, math.exp(-4)]) == [0, 0]


@pytest.mark.parametrize("f", [tf.nn.softshrink, tf.nn.hardshrink])
def test_what_is_shrunk_to_nothing_has_a_gradient_that_is_zero_by_structure(f):
    assert slopes(lambda x: f(tf.sqrt(x)), [0.0, 0.01]) == [0, 0]


def test_lines_in_pieces():
    x = tf.constant([-4.0, -0.75, -0.25, 0.0, 0.25, 0.75, 7.0])
    assert tf.nn.relu6(x).numpy().tolist() == [0, 0, 0, 0, 0.25, 0.75, 6]
    assert tf.nn.hard_tanh(x).numpy().tolist() == [-1, -0.75, -0.25, 0, 0.25, 0.75, 1]
    assert tf.nn.hard_sigmoid(x).numpy().tolist() == [
        0,
        0.375,
        np.float32(2.75 / 6),
        0.5,
        np.float32(3.25 / 6),
        0.625,
        1,
    ]
    assert tf.nn.softshrink(x).numpy().tolist() == [-3.5, -0.25, 0, 0, 0, 0.25, 6.5]
    assert tf.nn.hardshrink(x, lambd=0.25).numpy().tolist() == [-4, -0.75, 0, 0, 0, 0.75, 7]
    assert tf.nn.relu6(tf.constant([-3, 4, 9])).numpy().tolist() == [0, 4, 6]


@pytest.mark.parametrize(
    "name", ["relu6", "hard_tanh", "hard_sigmoid", "softshrink", "hardshrink", "elu", "selu", "celu"]
)
def test_nan_stays(name):
    assert np.isnan(getattr(tf.nn, name)([math.nan]).numpy()).all()


# -- settings and spellings -----------------------------------------------------------------------------------


def test_silu_with_a_factor():
    x = np.array([-3.0, -0.5, 0.0, 2.0])
    for beta in (2.0, 0.3, 0, -1.5):
        expected = x / (1 + np.exp(-beta * x))
        assert tf.nn.silu(tf.constant(x), beta=beta).numpy() == pytest.approx(expected, rel=1e-14)
        assert tf.nn.silu(tf.constant(x), beta=tf.constant(float(beta), tf.float64)).numpy() == pytest.approx(expected)
    assert tf.nn.swish is tf.nn.silu


def test_silu_has_a_gradient_by_its_factor():
    beta = tf.Variable(0.5, dtype=tf.float64)
    with tf.GradientTape() as tape:
        y = tf.nn.silu(tf.constant(2.0, tf.float64), beta=beta)
    e = math.exp(-1)
    assert float(tape.gradient(y, beta)) == pytest.approx(4 * e / (1 + e) ** 2)


def test_elu_and_celu_with_alpha():
    x = np.array([-3.0, -0.5, 0.0, 2.0])
    below = np.minimum(x, 0)
    assert tf.nn.elu(tf.constant(x), 2.5).numpy() == pytest.approx(np.where(x > 0, x, 2.5 * np.expm1(below)), rel=1e-14)
    expected = np.where(x > 0, x, 2.5 * np.expm1(below / 2.5))
    assert tf.nn.celu(tf.constant(x), 2.5).numpy() == pytest.approx(expected, rel=1e-14)
    with pytest.raises(ArgumentError, match="alpha=0"):
        tf.nn.celu(x, alpha=0.0)


def test_exponential_is_exp():
    assert tf.nn.exponential([1.0]).numpy() == tf.exp([1.0]).numpy()


@pytest.mark.parametrize(
    "text, function",
    [
        *(
            (f"{name}(x)", getattr(tf.nn, name))
            for name in ("silu", "swish", "mish", "elu", "selu", "celu", "softsign")
        ),
        *((f"{name}(x)", getattr(tf.nn, name)) for name in ("hard_sigmoid", "hard_tanh", "relu6", "log_sigmoid")),
        *((f"{name}(x)", getattr(tf.nn, name)) for name in ("tanhshrink", "softshrink", "hardshrink")),
        *((f"{name}(x)", getattr(tf.math, name)) for name in ("logit", "sinc", "cbrt")),
        ("silu(x, 2)", lambda x: tf.nn.silu(x, 2.0)),
        ("elu(x, 1/2)", lambda x: tf.nn.elu(x, 0.5)),
        ("softshrink(x, 0.1)", lambda x: tf.nn.softshrink(x, 0.1)),
    ],
)
def test_as_text(text, function):
    x = tf.constant([0.125, 0.75])
    assert parse(text)(x).numpy().tolist() == function(x).numpy().tolist()


def test_as_torch_spells_it():
    x = torch.tensor([-2.0, -0.25, 0.5, 3.0])
    plain = tf.constant([-2.0, -0.25, 0.5, 3.0])
    same = ["silu", "mish", "elu", "selu", "celu", "softsign", "relu6", "tanhshrink", "softshrink", "hardshrink"]
    without_underscore = ["hard_tanh", "hard_sigmoid", "log_sigmoid"]
    for name in [*same, *without_underscore]:
        result = getattr(F, name.replace("_", ""))(x)
        assert isinstance(result, torch.Tensor)
        assert result.tolist() == getattr(tf.nn, name)(plain).numpy().tolist()
    assert F.hardtanh(x, -0.5, 2.0).tolist() == [-0.5, -0.25, 0.5, 2.0]
    assert torch.sinc(x).tolist() == tf.math.sinc(plain).numpy().tolist()
    assert torch.logit(torch.tensor([0.0, 0.5]), eps=0.25).tolist() == [np.float32(-math.log(3)), 0]
