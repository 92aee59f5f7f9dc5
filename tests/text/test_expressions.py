"""What an expression means: the same as the Python formula, on Tensors."""

import math
import pickle

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ExpressionError
from gradtape.text import number, parse
from gradtape.text.names import free
from gradtape.text.vocabulary import functions

X = np.array([-2.0, -0.5, 0.25, 3.0])

MEANINGS = [
    ("x", X),
    ("+x", X),
    ("-x**2", -(X**2)),
    ("(-x)**2", X**2),
    ("2*x + 1", 2 * X + 1),
    ("x - 1 - 2", X - 3),
    ("x - (1 - 2)", X + 1),
    ("2/x/4", 2 / X / 4),
    ("x**2**3", X**8),
    ("x**-1", 1 / X),
    ("2**-x", 2**-X),
    ("x % 2", X % 2),
    ("x // 2", X // 2),
    ("1_000*x", 1000 * X),
    ("sin(x)**2", np.sin(X) ** 2),
    ("1/(1 + exp(-x))", 1 / (1 + np.exp(-X))),
    ("pi*x + e", np.pi * X + np.e),
    ("π*x", np.pi * X),
    ("sqrt(2)*x", math.sqrt(2) * X),
    ("hypot(x, 3)", np.hypot(X, 3)),
    ("maximum(x, 0) + minimum(x, 0)", X),
    ("atan2(x, 1)", np.arctan(X)),
    ("pow(x, 3)", X**3),
    ("leaky_relu(x)", np.where(X > 0, X, 0.2 * X)),
    ("leaky_relu(x, 1/8)", np.where(X > 0, X, X / 8)),
    ("where(x > 0, 1/3, 0)", np.where(X > 0, 1 / 3, 0)),
    ("where(0 < x and not x > 1 or x == -2, x, 0)", np.array([-2, 0, 0.25, 0])),
    ("where((x > 0) & (x < 1) | ~(x < 3), x, 0)", np.array([0, 0, 0.25, 3])),
    ("where(1 < 2, x, 0)", X),
    ("where(exp(0) > 2, x, 1)", np.ones(4)),
    ("  x\n + \t1 ", X + 1),
    ("3", np.full(4, 3.0)),
    ("1/0", np.full(4, np.inf)),
    ("(-8)**(1/3)", np.full(4, np.nan)),
    ("+".join("x" * 400), 400 * X),
]


@pytest.mark.parametrize(("text", "expected"), MEANINGS, ids=[text[:40] for text, _ in MEANINGS])
def test_means_what_python_means(text, expected):
    np.testing.assert_allclose(parse(text)(X), expected, rtol=1e-14)


@pytest.mark.parametrize("text", [text for text, _ in MEANINGS if len(text) < 100])
def test_its_tidy_form_means_the_same(text):
    tidy = str(parse(text))
    assert str(parse(tidy)) == tidy
    np.testing.assert_array_equal(parse(tidy)(X), parse(text)(X))


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("1 / (1+exp(- x))", "1/(1 + exp(-x))"),
        ("((x))", "x"),
        ("x-(1-x)", "x - (1 - x)"),
        ("(x**2)**3", "(x**2)**3"),
        ("x**(2**3)", "x**2**3"),
        ("x**(1/3)", "x**(1/3)"),
        ("-(-x)", "-(-x)"),
        ("where(x<1 and(x>0 or x==3),π,x)", "where(x < 1 and (x > 0 or x == 3), pi, x)"),
        ("2*pi*0.10*x", "2*pi*0.10*x"),
    ],
)
def test_is_shown_tidily(text, tidy):
    assert str(parse(text)) == tidy


def test_has_the_type_and_shape_of_its_argument():
    f = parse("where(x > 0, 1/3, sqrt(2)) + 3")
    for dtype in ("float32", "float64"):
        assert f(np.zeros((2, 3), dtype)).dtype.name == dtype
        assert tuple(parse("3")(np.zeros((2, 3), dtype)).shape) == (2, 3)
    assert f(1).dtype.name == f([1, 2]).dtype.name == "float32"
    assert parse("x/3")(tf.constant(1.0, tf.float64)).numpy() == 1 / 3
    with pytest.raises(DTypeError, match="x has type int32"):
        f(tf.constant(1))


def test_constants_are_computed_in_float64():
    third = parse("where(x > 0, sin(1)/3, 0)")(tf.constant(1.0, tf.float64))
    assert abs(third.numpy() - math.sin(1) / 3) <= math.ulp(0.25)


def test_tapes_see_through():
    x = tf.Variable([0.5, 2.0])
    with tf.GradientTape() as tape:
        y = parse("x**3 + 3")(x)
    np.testing.assert_allclose(tape.gradient(y, x), [0.75, 12])


def test_has_the_variables_it_is_given():
    f = parse("t**2 + 2*y", ("t", "y"))
    assert f(3.0, 4.0).numpy() == 17
    assert f.variables == ("t", "y")
    assert parse("e", ("e",))(7.0).numpy() == 7
    with pytest.raises(ArgumentError, match="function of t, y, but 1"):
        f(1.0)
    for bad in (("x", "x"), ("2",), ("if",)):
        with pytest.raises(ArgumentError):
            parse("1", bad)
    with pytest.raises(ArgumentError, match="is text"):
        parse(3)


def test_can_be_compared_and_pickled():
    f = parse("sin(x)")
    assert f == parse("sin(x)") != parse("cos(x)")
    assert len({f, parse("sin(x)")}) == 1
    again = pickle.loads(pickle.dumps(f))
    assert again == f and again(0.0).numpy() == 0


def test_numbers_are_expressions_without_variables():
    assert number("-2*pi") == -2 * math.pi
    assert number("sqrt(2)") == math.sqrt(2)


def test_knows_every_elementwise_function_of_the_table():
    known = set(functions())
    assert known >= {"exp", "log1p", "tanh", "sigmoid", "relu", "softplus", "abs", "sqrt", "square", "atan2", "where"}
    assert not known & {"reduce_sum", "reshape", "matmul", "cast", "zeros", "concat", "linspace"}
    for name, function in functions().items():
        if set(function.takes) == {"number"}:
            result = function.call(*[tf.constant([0.5, 0.25])] * len(function.takes))
            assert tuple(result.shape) == (2,), name
            assert result.dtype.is_bool == (function.gives == "condition"), name


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("3*x**2 + 2*y", ("x", "y")),
        ("y - x", ("x", "y")),
        ("x10*x2", ("x2", "x10")),
        ("weight*rate + bias", ("bias", "rate", "weight")),
        ("gamma*psi + π*e", ("gamma", "psi")),
        ("where(t > 0 and not u, 1, 0)", ("t", "u")),
        ("sigmoid (z)", ("z",)),
        ("2*pi", ()),
    ],
)
def test_finds_its_variables_where_nobody_names_them(text, variables):
    if "not u" not in text:
        f = parse(text, None)
        assert f.variables == variables and pickle.loads(pickle.dumps(f)) == f
    assert free(text) == variables


def test_found_variables_stand_for_their_values():
    f = parse("y - 10*x", None)
    assert f(1.0, 2.0).numpy() == -8


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("sinx", 1, "write sin(x)"),
        ("2*sigmoi + x", 3, "did you mean sigmoid"),
        ("x*y + xy", 7, "for the product write x*y"),
        ("x + x2", 5, "write x*2 or x**2"),
        ("ln", 1, "it is called log"),
        ("sin", 1, "sin is a function"),
        ("x + foos(y)", 5, "unknown name 'foos'"),
        ("x(2) + x", 1, "x is a variable"),
        ("__class__", 1, "begins with _"),
        ("x^2", 2, "for a power write **"),
    ],
)
def test_a_slip_is_no_variable(text, column, hint):
    with pytest.raises(ExpressionError) as caught:
        parse(text, None)
    assert hint in caught.value.message and caught.value.column == column
