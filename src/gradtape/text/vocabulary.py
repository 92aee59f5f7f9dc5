"""The words of an expression: which functions, operators and constants there are, and what each one takes and gives.

The functions are those of the table that work element by element, found in `PUBLIC` by their primitive; a function
that is declared there is known here.
"""

from __future__ import annotations

import inspect
import math
from ast import (
    Add,
    And,
    BitAnd,
    BitOr,
    Div,
    Eq,
    FloorDiv,
    Gt,
    GtE,
    Invert,
    Lt,
    LtE,
    Mod,
    Mult,
    Not,
    NotEq,
    Or,
    Pow,
    Sub,
    USub,
)
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

import gradtape
from gradtape.errors import DTypeError
from gradtape.ops import PUBLIC

Kind = Literal["number", "condition", "setting"]
"""What stands at a place: a number, something true or false, or a number that may not depend on a variable."""

CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}


@dataclass(frozen=True)
class Function:
    """A function that works element by element. The last `optional` arguments may be left out."""

    name: str
    call: Callable[..., Any]
    takes: tuple[Kind, ...]
    gives: Kind = "number"
    optional: int = 0


@dataclass(frozen=True)
class Operator:
    """How an operator is written, how tightly it binds, the function that it stands for, and NumPy's for constants."""

    symbol: str
    binds: int
    function: str
    fold: Callable[..., Any]


OPERATORS: dict[type, Operator] = {
    Or: Operator(" or ", 1, "logical_or", np.logical_or),
    And: Operator(" and ", 2, "logical_and", np.logical_and),
    Not: Operator("not ", 3, "logical_not", np.logical_not),
    Lt: Operator(" < ", 4, "less", np.less),
    LtE: Operator(" <= ", 4, "less_equal", np.less_equal),
    Gt: Operator(" > ", 4, "greater", np.greater),
    GtE: Operator(" >= ", 4, "greater_equal", np.greater_equal),
    Eq: Operator(" == ", 4, "equal", np.equal),
    NotEq: Operator(" != ", 4, "not_equal", np.not_equal),
    BitOr: Operator(" | ", 5, "logical_or", np.logical_or),
    BitAnd: Operator(" & ", 6, "logical_and", np.logical_and),
    Add: Operator(" + ", 7, "add", np.add),
    Sub: Operator(" - ", 7, "subtract", np.subtract),
    Mult: Operator("*", 8, "multiply", np.multiply),
    Div: Operator("/", 8, "divide", np.divide),
    FloorDiv: Operator("//", 8, "floordiv", np.floor_divide),
    Mod: Operator(" % ", 8, "floormod", np.mod),
    USub: Operator("-", 9, "negative", np.negative),
    Invert: Operator("~", 9, "logical_not", np.logical_not),
    Pow: Operator("**", 10, "pow", np.power),
}
ATOM = 11
"""How tightly a number, a name and a call bind: tighter than any operator."""

_COMPOSED: dict[str, tuple[tuple[Kind, ...], int]] = {
    "celu": (("number", "setting"), 1),
    "divide": (("number", "number"), 0),
    "elu": (("number", "setting"), 1),
    "pow": (("number", "number"), 0),
    "gelu": (("number",), 0),
    "hard_sigmoid": (("number",), 0),
    "hardshrink": (("number", "setting"), 1),
    "leaky_relu": (("number", "setting"), 1),
    "log_sigmoid": (("number",), 0),
    "silu": (("number", "setting"), 1),
    "softshrink": (("number", "setting"), 1),
    "swish": (("number", "setting"), 1),
    "where": (("condition", "number", "number"), 0),
}
"""Public functions without a primitive to read this from: what they take, and how much of it is optional."""

OTHER_NAMES = {
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "expit": "sigmoid",
    "exponential": "exp",
    "fabs": "abs",
    "gammaln": "lgamma",
    "hard_shrink": "hardshrink",
    "hardsigmoid": "hard_sigmoid",
    "hardtanh": "hard_tanh",
    "heaviside": "where",
    "ln": "log",
    "loggamma": "lgamma",
    "logistic": "sigmoid",
    "logsigmoid": "log_sigmoid",
    "max": "maximum",
    "min": "minimum",
    "power": "pow",
    "psi": "digamma",
    "sgn": "sign",
    "soft_shrink": "softshrink",
    "sqr": "square",
    "tanh_shrink": "tanhshrink",
    "tg": "tan",
}
"""What the same functions are called elsewhere, for the hint in an error."""


@cache
def functions() -> dict[str, Function]:
    """Every function that an expression may call, by name."""
    found = {}
    for name, call in PUBLIC.items():
        if name in _COMPOSED:
            takes, optional = _COMPOSED[name]
            found[name] = Function(name, call, takes, optional=optional)
        elif getattr(call, "primitive", None) is not None:
            found[name] = _of_the_table(name, call)
    return dict(sorted(found.items()))


def _of_the_table(name: str, call: Callable[..., Any]) -> Function:
    """What a public function of the table takes and gives, asked from its own shape and dtype rule."""
    arity = (
        sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in inspect.signature(call).parameters.values()) - 1
    )  # not `name`
    number, condition = gradtape.constant(0.0), gradtape.constant(False)
    takes: Kind = "number"
    try:
        result = call(*[number] * arity)
    except DTypeError:
        result, takes = call(*[condition] * arity), "condition"
    return Function(name, call, (takes,) * arity, "condition" if result.dtype.is_bool else "number")
