"""How operations are written: every primitive of the table as people would write it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import gradtape as tf
from gradtape.graph.node import TABLE
from gradtape.graph.program import Program, title, written
from gradtape.graph.trace import trace

sys.path.insert(0, str(Path(__file__).parents[1] / "laws"))

from examples import examples

KNOWN = {name for space in (tf, tf.math, tf.nn, tf.linalg, np) for name in dir(space)}
"""Functions of users; NumPy's are among them, as some primitives are nothing else."""
WORDS = {"with", "put", "add", "in", "to", "at", "of", "axis", "a", "derivative", "the", "last", "each", "places"}
WORDS |= {"your", "own", "inf", "nan", "zeros"}
KEYWORDS = {"axis", "shape", "perm", "dtype", "approximate", "exclusive", "reverse", "descending", "dims", "length"}
KEYWORDS |= {"transpose_a", "transpose_b", "condition", "body"}
INTERNAL = re.compile(r"\b(order|n|c|by_x|by_y|doubled|base|short|shift|axes|number|index)=|_slope|_difference")


def words(text: str) -> set[str]:
    """Names of functions and keywords in a text, without the operands and what a string says."""
    text = re.sub(r"'\w+'", "", text)
    return set(re.findall(r"[A-Za-z]\w*(?==|\(|'|⁽)|(?<![\w∂])[a-z_]{2,}\b", text))


@pytest.mark.parametrize("example", [e for e in examples() if e.name != "sum_of_products"], ids=str)
def test_nothing_internal_is_written(example) -> None:
    operands = [f"v{i}" for i in range(len(example.operands))]
    text = written(example.name, example.params, operands)
    assert all(re.search(rf"\b{operand}\b", text) for operand in operands), text
    assert not INTERNAL.search(text), text
    assert words(text) <= KNOWN | WORDS | KEYWORDS | set(operands), text
    assert not INTERNAL.search(title(example.name, example.params, len(operands)))


def test_the_table_has_nothing_else() -> None:
    shown = {example.name for example in examples()} - {"sum_of_products"}
    others = {name: primitive for name, primitive in TABLE.items() if name not in shown}
    assert set(others) <= {"literal", "ruled", "while_loop", "sum_of_products"}, others
    assert written("literal", ("-0x1p-1", "float32"), []) == "-0.5"
    assert written("ruled", (1, 0), ["v0", "v1", "a0"]) == "v1, with a derivative of your own"
    inner = Program((("float32", ()),), (("sin", (), (-1,)),), (0,))
    text = written("while_loop", (inner, inner, None, 0), ["v0"])
    assert text == "while_loop(v0, condition=<1 operation>, body=<1 operation>)"


def derivatives(function, x, order: int):
    if not order:
        return function(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = derivatives(function, x, order - 1)
    return tape.gradient(y, x)


@pytest.mark.parametrize(
    ("function", "order", "expected"),
    [
        (lambda x: x**-2, 1, "-2*a0**-3"),
        (tf.sigmoid, 3, "sigmoid'''(a0)"),
        (tf.sigmoid, 4, "sigmoid⁽⁴⁾(a0)"),
        (tf.tanh, 2, "tanh''(a0)"),
        (tf.math.lgamma, 1, "digamma(a0)"),
        (tf.math.lgamma, 2, "digamma'(a0)"),
        (tf.nn.silu, 1, "silu'(a0)"),
        (tf.nn.gelu, 1, "gelu'(a0)"),
        (lambda x: tf.nn.gelu(x, approximate=True), 2, "gelu''(a0, approximate=True)"),
        (tf.sqrt, 2, "sqrt''(a0)"),
        (tf.math.rsqrt, 1, "rsqrt'(a0)"),
        (tf.math.log2, 1, "log2'(a0)"),
        (lambda x: tf.math.hypot(x, 2.0), 1, "∂x hypot(a0, a1)"),
        (lambda x: tf.math.pow(x, 2.5), 2, "∂xx pow(a0, a1)"),
    ],
)
def test_derivatives_are_written_with_primes(function, order: int, expected: str) -> None:
    x = tf.constant(np.linspace(0.5, 1, 8, dtype=np.float32))
    program, _, _ = trace(derivatives(function, x, order).node)
    assert expected in str(program)


@pytest.mark.parametrize(
    ("name", "params", "arguments", "expected"),
    [
        ("multiply", (), ["a0", "-2.0"], "a0*-2.0"),
        ("real_pow", (), ["-2.0", "a0"], "(-2.0)**a0"),
        ("sum_of_products", (), ["a0", "a1", "b0", "b1"], "a0*b0 + a1*b1"),
        ("slice", (((0, 2, 1), (3, 4, -1)),), ["a0"], "a0[0:2, 3::-1]"),
        ("put_slice", ((5,), ((0, 2, 1),)), ["v0"], "put v0 in zeros((5,)) at [0:2]"),
        ("softmax", ((1,),), ["a0", "v7"], "softmax(a0, axis=1) = v7"),
        ("sigmoid_difference", (1,), ["a0", "a1"], "sigmoid'(a0 - a1)"),
        ("divided_by_power", (2, -3), ["a0", "a1"], "-3*a0/a1**2"),
    ],
)
def test_operators_and_parentheses(name: str, params: tuple, arguments: list[str], expected: str) -> None:
    assert written(name, params, arguments) == expected
