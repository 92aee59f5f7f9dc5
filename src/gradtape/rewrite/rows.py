"""The table of rewrites: what people write by hand, and what is computed and differentiated instead.

This is the whole of what is known about formulas. `gradtape.rewrite.table` makes patterns of it, which
`gradtape.rewrite.match` finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gradtape import config
from gradtape.graph.node import TABLE, Node, Op
from gradtape.ops import normalised
from gradtape.ops.activations import sigmoid, silu, softplus, tanh
from gradtape.ops.arithmetic import stop_gradient
from gradtape.ops.exponential import exp, expm1, log, log1p
from gradtape.ops.powers import hypot, integer_pow, reciprocal, sqrt, square
from gradtape.ops.reductions import MAX, reduce_max, reduce_sum
from gradtape.ops.selection import where
from gradtape.ops.shaping import reshaped
from gradtape.ops.trigonometric import cos, sin, sine_ratio, versine

Spellings = Mapping[str, Callable[..., Node]]
"""Expressions as people write them, and as functions of nodes."""

LOG_HALF = -0.6931471805599453


class Row(NamedTuple):
    """One rewrite.

    name            what `gradtape.show` and the setting `stabilise` call it
    spellings       what it is written as. Other orders of sums and products, and what is in `ALIKE`, are found by
                    themselves, as is a part that an earlier row replaces
    becomes         what is computed and differentiated instead, in words
    replacement     the same as a function of x and y; with `over_axes` of x, the axes, and the shape of the result
    why             why no input gets worse
    over_axes       whether there is a sum or a maximum in it, which may be over any axes
    unless          whether to leave it alone for an x, of which is known what it was made by
    """

    name: str
    spellings: Spellings
    becomes: str
    replacement: Callable[..., Node]
    why: str
    over_axes: bool = False
    unless: Callable[[Callable[[Node], Op | None], Node], bool] | None = None


# Patterns have two axes; a sum over the last one stands for one over any axes.


def _sum(x: Node) -> Node:
    return reduce_sum(x, 1, keepdims=True)


def _max(x: Node) -> Node:
    return reduce_max(x, 1, keepdims=True)


def _logsumexp(x: Node) -> Node:
    return normalised.reduce_logsumexp(x, 1, keepdims=True)


def _row_max(x: Node) -> Node:
    return reduce_max(x, 1)


def _slope(family: Any) -> Callable[[Node], Node]:
    return lambda x: family(x, order=1)


def _log1mexp(x: Node) -> Node:
    return where(x > LOG_HALF, log(-expm1(x)), log1p(-exp(x)))


def _has_maximum(op: Callable[[Node], Op | None], x: Node) -> bool:
    """Whether x is a difference from a maximum, as people write it before they take exponentials."""
    made = op(x)
    if made is None or made[0] is not TABLE["subtract"]:
        return False
    pending, seen = [made[1][1]], 0
    while pending and seen < 8:
        seen += 1
        made = op(pending.pop())
        if made is not None:
            if made[0] is MAX:
                return True
            pending += made[1]
    return False


ALIKE: tuple[tuple[Spellings, Spellings], ...] = (
    ({"x**2": square}, {"x * x": lambda x: x * x}),
    ({"0.5 * x": lambda x: 0.5 * x}, {"x / 2": lambda x: x / 2}),
    ({"1 / x": lambda x: 1 / x}, {"reciprocal(x)": reciprocal, "x**-1": lambda x: integer_pow(x, -1)}),
    # A maximum occurs in the rows only where its gradient cancels.
    (
        {"max(x)": _row_max},
        {"stop_gradient(max(x))": lambda x: stop_gradient(_row_max(x))},
    ),
)
"""What may be written otherwise wherever it is part of a spelling, and how."""


ROWS = (
    Row(
        "sigmoid",
        {
            "1 / (1 + exp(-x))": lambda x: 1 / (1 + exp(-x)),
            "exp(x) / (1 + exp(x))": lambda x: exp(x) / (1 + exp(x)),
            "0.5 * (1 + tanh(0.5 * x))": lambda x: 0.5 * (1 + tanh(0.5 * x)),
            "0.5 * tanh(0.5 * x) + 0.5": lambda x: 0.5 * tanh(0.5 * x) + 0.5,
        },
        "sigmoid(x)",
        sigmoid,
        "all inputs; neither overflow nor inf/inf in the tails",
    ),
    Row(
        "sigmoid",
        {"1 / (1 + exp(x))": lambda x: 1 / (1 + exp(x)), "1 - sigmoid(x)": lambda x: 1 - sigmoid(x)},
        "sigmoid(-x)",
        lambda x: sigmoid(-x),
        "all inputs; 1 - s has no digits for large x",
    ),
    Row(
        "sigmoid slope",
        {
            "sigmoid(x) * (1 - sigmoid(x))": lambda x: sigmoid(x) * (1 - sigmoid(x)),
            "sigmoid(x) - sigmoid(x)**2": lambda x: sigmoid(x) - square(sigmoid(x)),
        },
        "sigmoid(x, order=1)",
        _slope(sigmoid),
        "all inputs",
    ),
    Row(
        "tanh slope",
        {
            "1 - tanh(x)**2": lambda x: 1 - square(tanh(x)),
            "(1 - tanh(x)) * (1 + tanh(x))": lambda x: (1 - tanh(x)) * (1 + tanh(x)),
        },
        "tanh(x, order=1)",
        _slope(tanh),
        "all inputs; 1 - t² has no digits for large x",
    ),
    Row(
        "softplus",
        {"log(1 + exp(x))": lambda x: log(1 + exp(x)), "log1p(exp(x))": lambda x: log1p(exp(x))},
        "softplus(x)",
        softplus,
        "all inputs; exp overflows",
    ),
    Row(
        "log_sigmoid",
        {"log(sigmoid(x))": lambda x: log(sigmoid(x))},
        "-softplus(-x)",
        lambda x: -softplus(-x),
        "all inputs; sigmoid underflows, and rounds to 1",
    ),
    Row(
        "expm1",
        {"exp(x) - 1": lambda x: exp(x) - 1, "exp(x) + -1": lambda x: exp(x) + -1},
        "expm1(x)",
        expm1,
        "all inputs; a zero has the sign of x",
    ),
    Row(
        "expm1",
        {"1 - exp(x)": lambda x: 1 - exp(x)},
        "-expm1(x)",
        lambda x: -expm1(x),
        "all inputs; a zero has the sign of -x",
    ),
    Row(
        "log1mexp",
        {"log(1 - exp(x))": lambda x: log(1 - exp(x))},
        "where(x > -0.6931471805599453, log(-expm1(x)), log1p(-exp(x)))",
        _log1mexp,
        "all inputs; of two exact forms the one that does not cancel there (Mächler 2012)",
    ),
    Row(
        "log1p",
        {"log(1 + x)": lambda x: log(1 + x)},
        "log1p(x)",
        log1p,
        "all inputs; a zero has the sign of x",
    ),
    Row(
        "log1p",
        {"log(1 - x)": lambda x: log(1 - x)},
        "log1p(-x)",
        lambda x: log1p(-x),
        "all inputs; a zero has the sign of -x",
    ),
    Row(
        "versine",
        {"1 - cos(x)": lambda x: 1 - cos(x)},
        "versine(x)",
        versine,
        "all inputs; computed as 2 sin²(x/2)",
    ),
    Row(
        "sine_ratio",
        {"sin(x) / x": lambda x: sin(x) / x},
        "sine_ratio(x)",
        sine_ratio,
        "all inputs; 1 at 0, where it was NaN",
    ),
    Row(
        "hypot",
        {"sqrt(x**2 + y**2)": lambda x, y: sqrt(square(x) + square(y))},
        "hypot(x, y)",
        hypot,
        "all inputs; squares overflow and underflow; the gradient at the origin is 0",
    ),
    Row(
        "silu",
        {"x / (1 + exp(-x))": lambda x: x / (1 + exp(-x)), "x * sigmoid(x)": lambda x: x * sigmoid(x)},
        "silu(x)",
        silu,
        "all inputs; the gradient was NaN where exp overflows",
    ),
    Row(
        "logsumexp",
        {"log(sum(exp(x)))": lambda x: log(_sum(exp(x)))},
        "reduce_logsumexp(x)",
        lambda x, axes, shape: reshaped(normalised.reduce_logsumexp(x, axes), shape),
        "all inputs; relative to the maximum, in double; left alone where x is a difference from a maximum already",
        over_axes=True,
        unless=_has_maximum,
    ),
    Row(
        "logsumexp",
        {"max(x) + log(sum(exp(x - max(x))))": lambda x: _max(x) + log(_sum(exp(x - _max(x))))},
        "reduce_logsumexp(x)",
        lambda x, axes, shape: reshaped(normalised.reduce_logsumexp(x, axes), shape),
        "all inputs; differences are not rounded, and infinite ones are 0",
        over_axes=True,
    ),
    Row(
        "softmax",
        {
            "exp(x - max(x)) / sum(exp(x - max(x)))": lambda x: exp(x - _max(x)) / _sum(exp(x - _max(x))),
            "exp(x) / sum(exp(x))": lambda x: exp(x) / _sum(exp(x)),
        },
        "softmax(x)",
        lambda x, axes, shape: normalised.softmax(x, axes),
        "all inputs; exp overflows, and differences are rounded",
        over_axes=True,
    ),
    Row(
        "log_softmax",
        {
            "x - reduce_logsumexp(x)": lambda x: x - _logsumexp(x),
            "x - log(sum(exp(x)))": lambda x: x - log(_sum(exp(x))),
            "x - max(x) - log(sum(exp(x - max(x))))": lambda x: (x - _max(x)) - log(_sum(exp(x - _max(x)))),
            "log(softmax(x))": lambda x: log(normalised.softmax(x, 1)),
        },
        "log_softmax(x)",
        lambda x, axes, shape: normalised.log_softmax(x, axes),
        "all inputs; relative to the maximum, in double; softmax underflows, and rounds to 1",
        over_axes=True,
    ),
    Row(
        "softmax",
        {"exp(x - reduce_logsumexp(x))": lambda x: exp(x - _logsumexp(x))},
        "softmax(x)",
        lambda x, axes, shape: normalised.softmax(x, axes),
        "all inputs; the logarithm of a small share is rounded at its own size",
        over_axes=True,
    ),
)
"""The rewrites. Of several that fit, the first one is taken."""

NAMES = tuple(dict.fromkeys(row.name for row in ROWS))
"""By which rewrites are switched on and off."""

config.rewrites = NAMES
