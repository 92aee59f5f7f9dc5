"""How operations are written for people: with operators where there are some, and primes for derivatives.

A primitive says it with its field `notation`, (texts of the inputs, params…) → Text. Without it a primitive whose only
parameter is `order` is a function with so many primes, and any other is a call with its parameters as keywords.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

COMPARED, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
"""How tightly operators bind; names, numbers and calls are atoms."""
REMARK = -1
"""Binds less than anything."""


class Text(NamedTuple):
    """How a value is written, and how tightly that binds."""

    written: str
    binds: int = ATOM

    def within(self, binds: int) -> str:
        """With parentheses where something else would bind more tightly."""
        return self.written if self.binds >= binds else f"({self.written})"


Notation = Callable[..., Text]


def call(name: str, inputs: Sequence[Text], **keywords: object) -> Text:
    """
    >>> call("sum", [Text("x")], axis=(0,)).written
    'sum(x, axis=(0,))'
    """
    given = [f"{key}={_plain(value)}" for key, value in keywords.items()]
    return Text(f"{name}({', '.join([*[x.written for x in inputs], *given])})")


def _plain(value: object) -> str:
    """How a parameter is written; a Program that is one is not written out."""
    steps = getattr(value, "steps", None)
    if steps is not None:
        return f"<{len(steps)} operation{'s' * (len(steps) != 1)}>"
    if type(value) is tuple:
        return f"({', '.join(map(_plain, value))}{',' * (len(value) == 1)})"
    return repr(value)


def primes(order: int) -> str:
    """
    >>> primes(2), primes(4)
    ("''", '⁽⁴⁾')
    """
    return "'" * order if order < 4 else f"⁽{order}⁾".translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def infix(symbol: str, binds: int) -> Notation:
    """Two inputs with a symbol between them.

    >>> power = infix("**", POWER)
    >>> power([infix(" - ", SUM)([Text("x"), Text("y")]), Text("-1.5", SIGN)]).written
    '(x - y)**(-1.5)'
    """
    from_right = binds == POWER

    def write(inputs: Sequence[Text]) -> Text:
        left, right = inputs
        return Text(f"{left.within(binds + from_right)}{symbol}{right.within(binds + 1)}", binds)

    return write


def prefix(symbol: str) -> Notation:
    """A sign before one input, which is in parentheses if it has a sign itself.

    >>> minus = prefix("-")
    >>> minus([minus([power(Text("x"), 2)])]).written
    '-(-x**2)'
    """
    return lambda inputs: Text(f"{symbol}{inputs[0].within(SIGN + 1)}", SIGN)


def power(base: Text, exponent: int) -> Text:
    return Text(f"{base.within(ATOM)}**{exponent}", POWER)


def times(factor: int, x: Text) -> Text:
    """A number times something.

    >>> times(-2, power(Text("x"), -3)).written, times(-1, Text("x")).written
    ('-2*x**-3', '-x')
    """
    if factor in (1, -1):
        return x if factor == 1 else prefix("-")([x])
    return Text(f"{factor}*{x.within(PRODUCT + 1)}", PRODUCT)


def derivative_of(name: str, minus: int = 0, **keywords: object) -> Notation:
    """A function with as many primes as its first parameter says, less `minus`; other parameters are not written."""
    return lambda inputs, order, *_: call(name + primes(order - minus), inputs, **keywords)


def partial_derivative_of(name: str, letters: str = "xy") -> Notation:
    """A function of two variables with those by which it is differentiated, so many times each.

    >>> partial_derivative_of("hypot")([Text("a0"), Text("a1")], 1, 2).written
    '∂xyy hypot(a0, a1)'
    """

    def write(inputs: Sequence[Text], *times: int) -> Text:
        by = "".join(letter * n for letter, n in zip(letters, times, strict=True))
        return Text(f"{'∂' if by else ''}{by}{' ' if by else ''}{call(name, inputs).written}")

    return write


def named(name: str, *keywords: str) -> Notation:
    """A call by the name that users know, with parameters by the names that users know."""

    def write(inputs: Sequence[Text], *params: object) -> Text:
        given = {key: value for key, value in zip(keywords, params, strict=False) if value is not False}
        return call(name, inputs, **given)

    return write


def over_axes(name: str) -> Notation:
    """A reduction. Axes are written as users give them.

    >>> over_axes("sum")([Text("x")], (1,)).written
    'sum(x, axis=1)'
    """
    return lambda inputs, axes: call(name, inputs, axis=axes[0] if len(axes) == 1 else axes)


def stated(name: str) -> Notation:
    """A function of rows, where the second input is what it is.

    >>> stated("softmax")([Text("x"), Text("v3")], (1,)).written
    'softmax(x, axis=1) = v3'
    """
    return lambda inputs, axes: Text(f"{over_axes(name)(inputs[:1], axes).written} = {inputs[1].written}", REMARK)


def filled(shape: Sequence[object], at: str, value: Text, added: bool = False) -> Text:
    """Zeros with something put in or added at places."""
    verb, where = ("add", "to") if added else ("put", "in")
    return Text(f"{verb} {value.written} {where} zeros({_plain(tuple(shape))}) at {at}", REMARK)


def remarked(x: Text, remark: str) -> Text:
    return Text(f"{x.written}, {remark}", REMARK)


def title(text: Text) -> str:
    """What an operation is called: of a call the function's name, else all of its text.

    >>> title(derivative_of("gelu", approximate=True)([Text("x")], 1)), title(infix("*", PRODUCT)([Text("x")] * 2))
    ("gelu'", 'x*x')
    """
    name = re.match(r"(∂\w+ )?\w+('*|⁽[⁰-⁹¹²³]+⁾)(?=\()", text.written)
    return name.group() if name and text.binds in (ATOM, REMARK) else text.written
