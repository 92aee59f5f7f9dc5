"""SymPy's formula of every primitive that has one is the function that mpmath's reader computes, at every order."""

import inspect
import math

import pytest
import sympy as sp

import gradtape as tf
from gradtape.errors import ArgumentError
from gradtape.graph.node import TABLE
from gradtape.study.accuracy_truth import context
from gradtape.study.formula import Context, applied, at, derivative, formula, number, simplest

PLACES = {1: [(0.3,), (1.7,), (2.6,), (-0.4,), (-2.7,)], 2: [(0.3, 1.2), (2.4, -0.7), (1.3, 0.4)]}


def arity(primitive):
    return len(inspect.signature(primitive.exact).parameters) - 1 - len(primitive.parameters)


NUMBERS = sorted(
    name
    for name, p in TABLE.items()
    if p.exact is not None and p.parameters in ((), ("order",)) and p.kind in ("elementwise", "selection", "bilinear")
    if arity(p) in PLACES and name != "sum_of_products"
)
"""Of one number or two: functions of more are parts of others, or take a condition, as `where` does, which is tested
below."""


@pytest.mark.parametrize("name", NUMBERS)
def test_the_formula_is_the_function(name):
    primitive, mp = TABLE[name], context()
    mp.dps = 40
    count = arity(primitive)
    x = sp.symbols("x y", real=True)[:count]
    compared = 0
    for order in range(3 if primitive.parameters else 1):
        params = (order,) * len(primitive.parameters)
        written = applied(Context(sp), primitive, x, params)
        for place in PLACES[count]:
            function, truth = (primitive.exact(mp, *map(mp.mpf, place), *p) for p in ((0,) * len(params), params))
            if isinstance(function, mp.mpc) or not mp.isfinite(truth):  # outside of the domain
                continue
            exact = [sp.Rational(*p.as_integer_ratio()) for p in place]
            found = at(sp, written, dict(zip(x, exact, strict=True)))
            assert abs(mp.mpf(str(found)) - truth) <= mp.mpf(10) ** -30 * max(1, abs(truth)), (order, place)
            compared += 1
    assert compared >= 2


def test_a_function_is_read_from_its_graph():
    def f(x, y):
        return tf.where(x > y, tf.sin(x) / y, 0.1 * tf.cast(x > 0, x.dtype)) + math.pi

    points = [tf.constant(2.0, "float64"), tf.constant(3.0, "float64")]
    x, y = sp.symbols("x y", real=True)
    wanted = sp.Piecewise((sp.sin(x) / y, x > y), (sp.Piecewise((1, x > 0), (0, True)) / 10, True)) + sp.pi
    assert sp.simplify(formula(f, points, ["x", "y"]) - wanted) == 0


def test_reading_a_formula_leaves_the_value_alone():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x**3
    formula(lambda x: tf.exp(x), [x], ["x"])
    assert float(tape.gradient(y, x)) == 12


def test_what_has_no_formula_is_named():
    with pytest.raises(ArgumentError, match="no formula for round"):
        formula(lambda x: tf.round(x), [tf.constant(1.5)], ["x"])


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "1/10"), (1 / 3, "6004799503160661/18014398509481984"), (-math.pi / 2, "-pi/2"), (2, "2")]
)
def test_numbers_are_those_that_were_typed(value, text):
    assert str(number(sp, value)) == text


def test_a_jump_counts_as_flat():
    x = sp.Symbol("x", real=True)
    assert derivative(sp, sp.floor(x) * x + sp.sign(x), x) == sp.floor(x)
    assert derivative(sp, derivative(sp, sp.Abs(x), x), x) == 0


def test_a_shorter_form_has_the_same_value():
    x = sp.Symbol("x", real=True)
    wild = sp.sign(x) * sp.Abs(x) ** sp.Rational(1, 3)
    place = {x: sp.Integer(-2)}
    second = derivative(sp, derivative(sp, wild, x), x)
    truth = sp.Rational(2, 9) * sp.Integer(2) ** sp.Rational(-5, 3)
    assert abs(at(sp, simplest(sp, second, place), place) - truth) < sp.Float(10) ** -40
    assert simplest(sp, sp.sin(x) ** 2 + sp.cos(x) ** 2, place) == 1
