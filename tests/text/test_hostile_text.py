"""Text that is no expression: always an ExpressionError that points at the place, quickly, and nothing else."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradtape.errors import ExpressionError
from gradtape.text import Expression, parse

SLIPS = [  # text, column, part of the message
    ("", 0, "is empty"),
    (" \n ", 0, "is empty"),
    ("x^2", 2, "for a power write **"),
    ("π^x", 2, "for a power write **"),
    ("2x", 1, "write 2*x"),
    ("1 + 2.5sin(x)", 5, "write 2.5*sin"),
    ("x2", 1, "write x*2 or x**2"),
    ("sinx", 1, "write sin(x)"),
    ("sin x", 5, "write sin(x)"),
    ("xsin(x)", 1, "write x*sin"),
    ("x x", 3, "write x*x"),
    ("2(x+1)", 1, "for a product write *"),
    ("(x)(x)", 1, "for a product write x*"),
    ("x(2)", 1, "x is a variable"),
    ("e(2)", 1, "e is a number"),
    ("sigmod(x)", 1, "did you mean sigmoid"),
    ("ln(x)", 1, "it is called log"),
    ("1 + Sin(x)", 5, "it is called sin"),
    ("y", 1, "the variable is x"),
    ("ππ + é", 1, "unknown name"),
    ("π + é", 5, "unknown name 'é'"),
    ("π + sin(é)", 9, "unknown name 'é'"),
    ("x +", 4, "stops in the middle"),
    ("(x", 1, "never closed"),
    ("x)", 2, "unmatched"),
    ("  (x", 3, "never closed"),
    ("x + * 2", 5, "does not fit"),
    ("x = 3", 3, "to compare write =="),
    ("0,5*x", 1, "for a decimal write 0.5"),
    ("()", 1, "nothing between"),
    ("0 < x < 1", 9, "cannot be chained"),
    ("x > 0", 1, "write where(condition, 1, 0)"),
    ("not x", 1, "needs a condition"),
    ("x and x", 1, "needs a condition"),
    ("where(x, 1, 2)", 1, "needs a condition"),
    ("where(x > 0, x > 1, 2)", 1, "needs a number"),
    ("1 + (x > 0)", 1, "needs a number"),
    ("sin", 1, "write sin(x)"),
    ("sin()", 1, "takes 1 argument, but 0 were"),
    ("sin(x, 2)", 1, "takes 1 argument, but 2 were"),
    ("leaky_relu(x, x)", 1, "x varies"),
    ("x if x > 0 else 1", 3, "write where"),
    ("lambda x: x", 1, "'lambda'"),
    ("True", 1, "'True'"),
    ("x.real", 1, "name with a dot"),
    ("math.sin(x)", 1, "name with a dot"),
    ("sin(x).y", 1, "name with a dot"),
    ("'x'", 1, "quotes"),
    ('f"{x}"', 2, "quotes"),
    ("[x for x in x]", 1, "round parentheses"),
    ("{x}", 1, "round parentheses"),
    ("sin(y=x)", 1, "arguments have no names"),
    ("sin(**x)", 1, "arguments have no names"),
    ("sin(*x)", 5, "cannot stand"),
    ("(x:=1)", 3, "':' cannot stand"),
    ("x@x", 2, "'@' cannot stand"),
    ("x;x", 2, "';' cannot stand"),
    ("x # y", 3, "'#' cannot stand"),
    ("x²", 2, "write **2"),
    ("x − 1", 3, "for minus write -"),
    ("x\0", 2, "null character"),
    ("1j", 1, "needs an operator"),
    ("...", 1, "not a real number"),
    ("1e999", 1, "larger than float64"),
    ("9" * 1500, 1, "larger than float64"),
    ("x**1001", 1, "too large"),
    ("x**-1001", 1, "too large"),
    ("pow(x, 5000)", 1, "too large"),
    ("9**9**9**9", 4, "too large"),
    ("x**(10**10)", 1, "too large"),
    ("x**(1/0 - 1/0)", 1, "too large"),
    ("(" * 101 + "x" + ")" * 101, 101, "100 levels"),
    ("-" * 1500 + "x", 1, "100 levels"),
    ("sin(" * 100 + "x" + ")" * 100, 401, "100 levels"),
    ("x**" * 300 + "x", 301, "100 levels"),
    ("not " * 300 + "(x > 1)", 401, "100 levels"),
    ("+".join("x" * 600), 1, "more than 1000 parts"),
    ("x" * 2001, 0, "2,001 characters"),
    ("__import__('os')", 12, "quotes"),
    ("__import__(x)", 1, "unknown name"),
    ("\ud800", 1, "cannot stand"),
]


@pytest.mark.parametrize(("text", "column", "message"), SLIPS, ids=[ascii(text)[:40] for text, _, _ in SLIPS])
def test_points_at_the_place_and_says_what_would_work(text, column, message):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message in caught.value.message
    assert caught.value.column == column
    assert "\n" not in caught.value.message and len(caught.value.message) < 200


PIECES = ["x", "y", "sin", "(", ")", "(x)", "**", "*", "+", "-", "2", "1e9", ".5", " ", ",", "<", "and", "not", "where"]
PIECES += [
    "=",
    "lambda",
    ":",
    "[",
    "^",
    "é",
    "π",
    "if",
    "_",
    "9" * 30,
    "!",
    "~",
    "&",
    "\n",
    "1_0",
    "0x1",
    "leaky_relu(",
]


@settings(max_examples=400, deadline=1000)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
def test_any_text_is_an_expression_or_an_expression_error(text):
    for variables in (("x",), None):
        try:
            f = parse(text, variables)
        except ExpressionError as error:
            assert 0 <= error.column <= len(text) + 1
            str(error)
        else:
            assert isinstance(f, Expression)
            assert parse(str(f), f.variables).formula == str(f)


@pytest.mark.parametrize(
    "piece", ["(", ")", "-", "not ", "x**", "sin(", "x+", "x<", "9", "1.", "where(x>", "~", ",", "(("]
)
def test_long_text_is_answered_quickly(piece):
    start = time.perf_counter()
    for text in (piece * (2000 // len(piece)), piece * 90, piece * 10**6):
        for end in ("", "x"):
            with suppress(ExpressionError):
                parse(text + end)
    assert time.perf_counter() - start < 2
