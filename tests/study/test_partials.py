"""Functions of several variables at a point: numbers by the graph, formulas by SymPy, each against the other."""

import json
import math
import sys

import numpy as np
import pytest
import sympy as sp

import gradtape as tf
from gradtape.errors import ArgumentError, ExpressionError, GradtapeError, MissingPackageError
from gradtape.study import gradient

FUNCTIONS = [
    ("3*x**2 + 2*y", {"x": 2, "y": 3}),
    ("sin(x)*exp(-y**2)", {"x": 1, "y": 0.5}),
    ("log(exp(a) + exp(b))", {"a": 1, "b": 2}),
    ("gelu(x)*mish(y)", {"x": -3, "y": 0.3}),
    ("(1 - x)**2 + 100*(y - x**2)**2", {"x": 1.2, "y": 1}),
    ("where(x > y, x**3, y**2) + floor(x)*y", {"x": 2.5, "y": 1}),
    ("lgamma(x) + digamma(y)", {"x": -2.5, "y": 1.5}),
    ("x**y", {"x": 2, "y": 3}),
    ("sigmoid(w*x + b)", {"w": 0.5, "x": 2, "b": -0.1}),
    ("atan2(y, x) + hypot(x, y)", {"x": 1, "y": 2}),
    ("cbrt(x)*logaddexp(x, y)", {"x": -2, "y": 1}),
    ("1/(1 + exp(-x))", {"x": 100}),
]


@pytest.mark.parametrize(("text", "at"), FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_and_formulas_agree(text, at, dtype):
    found = gradient(text, at, dtype=dtype)
    assert found.agree, str(found)
    assert found.value.dtype == dtype
    assert all(found.hessian[a][b] == pytest.approx(found.hessian[b][a], rel=1e-5) for a in at for b in at)


def test_values_by_name_and_formulas():
    found = gradient("3*x**2 + 2*y", {"x": 2, "y": 3})
    assert (found.value, found.gradient, found.hessian["x"]) == (18, {"x": 12, "y": 2}, {"x": 6, "y": 0})
    assert str(found["x"].formula) == "6*x" and found["x", "y"].formula == 0
    assert found["x"].latex("f") == r"\frac{\partial f}{\partial x}" and found["x"].formula_latex() == "6 x"
    assert found["x", "x"].latex("f") == r"\frac{\partial^2 f}{\partial x^2}"
    with pytest.raises(ArgumentError, match="no derivative by z"):
        found["z"]


def test_a_formula_that_says_something_else_is_told():
    """At the origin the distance has no gradient; gradtape's is 0 by convention, and SymPy has none."""
    found = gradient("hypot(x, y)", {"x": 0, "y": 0})
    assert found.gradient == {"x": 0, "y": 0} and found.agree is False
    assert "no such derivative" in str(found)


def test_python_functions():
    found = gradient(lambda w, b, rate=0.1: w * tf.exp(b) * rate, (1, 2))
    assert found.title.endswith("(w, b)") and found["w"].formula == sp.exp(sp.Symbol("b", real=True)) / 10
    named = gradient(lambda w, b: w - b, {"b": 2, "w": 1})
    assert named.gradient == {"w": 1, "b": -1}

    def several(*values):
        return values[0] * values[1]

    assert gradient(several, {"p": 3, "q": 4}).gradient == {"p": 4, "q": 3}
    assert gradient(lambda x: 2.0, [1.0]).gradient == {"x": 0}


def test_without_sympy_the_numbers_are_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    found = gradient("x*y", {"x": 2, "y": 3})
    assert found.gradient == {"x": 3, "y": 2} and found.agree is None
    assert "pip install 'gradtape[formula]'" in str(found)
    assert "formulas" not in json.loads(found.to_json())
    with pytest.raises(MissingPackageError):
        gradient("x*y", {"x": 2, "y": 3}, formulas=True)


def test_a_function_without_a_formula_has_numbers():
    found = gradient("round(x)*x", {"x": 2.2})
    assert found.gradient == {"x": 2} and "no formula for round" in str(found)


def test_json_and_html():
    found = gradient("x/y", {"x": 1, "y": 0})
    whole = json.loads(found.to_json())
    assert whole["value"] == "Infinity" and whole["gradient"]["x"] == "Infinity"
    assert {tuple(part["by"]) for part in whole["formulas"]} == {
        (),
        *[("x",), ("y",)],
        *[(a, b) for a in "xy" for b in "xy"],
    }
    html = gradient("where(x < y, x, y)", {"x": 1, "y": 2})._repr_html_()
    assert "where(x &lt; y, x, y)" in html
    assert "<math><mfrac><mrow><mo>∂</mo><mi>f</mi></mrow><mrow><mo>∂</mo><mi>x</mi></mrow></mfrac></math>" in html


@pytest.mark.parametrize(
    ("f", "at", "error", "message"),
    [
        ("x*y", {"x": 1}, ArgumentError, "y has no value"),
        ("x*y", {"x": 1, "y": 2, "z": 3}, ArgumentError, "there is no z"),
        ("x*y", [1], ArgumentError, "y has no value"),
        ("x*y", {"x": 1, "y": math.inf}, ArgumentError, "y is inf"),
        ("x*y", {"x": 1, "y": "two"}, ArgumentError, "are numbers"),
        ("x*foo(y)", {"x": 1, "y": 2}, ExpressionError, "unknown name 'foo'"),
        (lambda x: tf.stack([x, x]), [1], ArgumentError, r"shape \(2,\)"),
        (3, [1], ArgumentError, "a int was given"),
        ("3", {}, ArgumentError, "1 to 50 variables"),
    ],
)
def test_bad_input_has_a_clear_error(f, at, error, message):
    with pytest.raises(error, match=message) as caught:
        gradient(f, at)
    assert isinstance(caught.value, GradtapeError)


def test_float16_is_computed_as_such():
    found = gradient("x*x", {"x": 0.1}, dtype="float16")
    assert found.value == np.float16(np.float16(0.1) ** 2) and found.agree
