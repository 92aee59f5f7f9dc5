"""The formula of a function and of its partial derivatives, as SymPy writes them, read from the same graph.

What a primitive is in SymPy its row of the table says; for most, that is the reader for mpmath, given SymPy's functions
in place of mpmath's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from gradtape.config import override
from gradtape.errors import ArgumentError, MissingPackageError
from gradtape.graph.handles import Handle
from gradtape.graph.node import Node, Primitive, Recording, recordings

DIGITS = 50
"""Decimal digits with which formulas are evaluated."""

LARGE = 120
"""Operations from which on an expression is not simplified: it can take minutes."""


def sympy() -> Any:
    """SymPy; MissingPackageError where it is not installed."""
    try:
        import sympy as installed
    except ImportError:
        raise MissingPackageError(
            "formulas are made by SymPy, which is not installed: pip install 'gradtape[formula]'"
        ) from None
    return installed


def formula(f: Callable[..., Any], points: Sequence[Any], names: Sequence[str]) -> Any:
    """The SymPy expression of f in the real symbols `names`, traced at Tensors of one number, which an ``if`` may see.

    Raises ArgumentError where a primitive has no formula.
    """
    sp = sympy()
    recording = Recording(accessed=False)
    for point in points:
        recording.watch(point.node)
    token = recordings.set((*recordings.get(), recording))
    try:
        with override(check_numerics=False, explain=False):
            value = f(*points)
    finally:
        recordings.reset(token)
    known = {point.node: sp.Symbol(name, real=True) for point, name in zip(points, names, strict=True)}
    if not isinstance(value, Handle):
        return number(sp, value)
    return _read(sp, value.node, recording.made, known)


def _read(sp: Any, root: Node, made: dict[Node, Any], known: dict[Node, Any]) -> Any:
    """The expression of a node, without recursion; what is not recorded does not depend on a variable."""
    context, stack = Context(sp), [root]
    while stack:
        node = stack[-1]
        op = made.get(node) or node.op
        if node in known:
            stack.pop()
        elif op is None:
            if node.shape:
                raise ArgumentError("a formula has single numbers, but the function uses a tensor with axes")
            known[node] = number(sp, node.value)
        else:
            primitive, inputs, params = op
            missing = [i for i in inputs if i not in known]
            if missing:
                stack += missing
                continue
            known[node] = applied(context, primitive, [known[i] for i in inputs], params)
    return known[root]


class Context:
    """SymPy's functions under mpmath's names, for the readers that the table has for mpmath."""

    def __init__(self, sp: Any):
        self.sympy = sp
        self.zero, self.one, self.inf, self.nan, self.pi = sp.Integer(0), sp.Integer(1), sp.oo, sp.nan, sp.pi
        self.ln2, self.ln10 = sp.log(2), sp.log(10)
        self.fabs, self.re = sp.Abs, sp.re

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sympy, name)

    def mpf(self, x: Any) -> Any:
        return number(self.sympy, x) if isinstance(x, float) else self.sympy.sympify(x)

    def isnan(self, x: Any) -> Any:
        return self.sympy.false  # a real symbol is none

    def isfinite(self, x: Any) -> Any:
        return self.sympy.true

    def expm1(self, x: Any) -> Any:
        return self.sympy.exp(x) - 1

    def log1p(self, x: Any) -> Any:
        return self.sympy.log(1 + x)

    def ceil(self, x: Any) -> Any:
        return self.sympy.ceiling(x)

    def fdot(self, pairs: Any) -> Any:
        return self.sympy.Add(*(a * b for a, b in pairs))


def applied(context: Context, primitive: Primitive, inputs: Sequence[Any], params: tuple) -> Any:
    """A primitive of SymPy's expressions. A member of a family is the derivative, by the first input, of the family's
    own function."""
    sp, family = context.sympy, primitive.parameters == ("order",)

    def own(*places: Any) -> Any:
        if primitive.formula is not None:
            return primitive.formula(sp, *places, *(() if family else params))
        assert primitive.exact is not None
        return sp.sympify(primitive.exact(context, *places, *((0,) if family else params)))

    try:
        if primitive.formula is not None or primitive.exact is not None:
            if not (family and params[0]):
                return own(*inputs)
            places = [sp.Dummy(real=True) for _ in inputs]
            return sp.diff(own(*places), places[0], params[0]).subs(dict(zip(places, inputs, strict=True)))
    except (TypeError, ValueError, AttributeError):
        pass  # a reader for numbers only
    raise ArgumentError(f"SymPy has no formula for {primitive.name}; the numbers can be had without formulas")


def number(sp: Any, value: Any) -> Any:
    """The number that a constant of the user's code stands for.

    >>> import sympy
    >>> number(sympy, 0.1), number(sympy, 2), number(sympy, 2 * math.pi), number(sympy, math.e), number(sympy, True)
    (1/10, 2, 2*pi, E, True)
    """
    if isinstance(value, (bool, np.bool_)):
        return sp.true if value else sp.false
    value = float(value)
    if not math.isfinite(value):
        return sp.nan if math.isnan(value) else sp.oo * (1 if value > 0 else -1)
    for constant, exact in ((math.pi, sp.pi), (math.e, sp.E)):
        ratio = Fraction(value / constant).limit_denominator(64)
        if ratio and float(ratio) * constant == value:
            return sp.Rational(ratio.numerator, ratio.denominator) * exact
    digits = Decimal(repr(value))
    exact_value = Fraction(digits) if len(digits.as_tuple().digits) <= 15 else Fraction(value)
    return sp.Rational(exact_value.numerator, exact_value.denominator)


def derivative(sp: Any, expression: Any, symbol: Any) -> Any:
    """The partial derivative as it is wherever there is one: a jump, as floor's, counts as flat."""

    def jump(part: Any) -> bool:
        return isinstance(part, sp.DiracDelta) or (
            isinstance(part, (sp.Derivative, sp.Subs)) and part.has(sp.floor, sp.ceiling, sp.sign)
        )

    return sp.diff(expression, symbol).replace(jump, lambda part: sp.Integer(0))


def simplest(sp: Any, expression: Any, place: Mapping[Any, Any]) -> Any:
    """The shortest of the forms that SymPy knows for an expression, of those with the same value at a place: what it
    makes of powers of |x| is not always the same function."""
    if sp.count_ops(expression) > LARGE:
        return expression
    value = at(sp, expression, place)
    others = [
        form for form in (sp.factor(expression), sp.simplify(expression)) if _same(sp, at(sp, form, place), value)
    ]
    return min([expression, *others], key=lambda form: (sp.count_ops(form), len(str(form))))


def at(sp: Any, expression: Any, place: Mapping[Any, Any]) -> Any:
    """The value of an expression with 50 digits, or NaN where it has no real one."""
    value = sp.N(expression.subs(place), DIGITS)
    return value if value.is_extended_real else sp.nan


def _same(sp: Any, a: Any, b: Any) -> bool:
    return a == b or bool(a.is_finite and b.is_finite and abs(a - b) <= abs(b) * sp.Float(10) ** -30)
