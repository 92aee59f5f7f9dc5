"""Rows of numbers that do not depend on how large these are: shares, their logarithms and that of the sum.

All of them take the largest element m out of a row: with e = exp(x - m) they are made of

    excess = Σ e - 1,    softmax = e / (1 + excess),    logsumexp = m + log1p(excess),

where the terms that are exactly 1, those of the largest elements, are counted apart from the others. So a row with one
dominant element keeps the digits of its small ones. m is a constant for every gradient: the result does not depend on
it. The arithmetic is done in float64 and rounded once for the narrower types. For float64 itself it is done with low
parts, which `gradtape.ops.shares` has: the sum has its digits twice, and every result is rounded once.

Derivatives of a row with one dominant share p are not computed from 1 - p, which has no digits: what all others have is
summed instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.errors import DTypeError
from gradtape.graph import notation
from gradtape.graph.dtypes import DType, float64
from gradtape.graph.node import TABLE, Node, Primitive
from gradtape.graph.shapes import Shape, normalize_axes
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.arithmetic import abs, choose, differentiated_as, round, stop_gradient
from gradtape.ops.declare import convert, literal
from gradtape.ops.differences import difference, exp_difference, log_excess
from gradtape.ops.powers import reciprocal
from gradtape.ops.reductions import MAX, Axis
from gradtape.ops.selection import equal, logical_not, where
from gradtape.ops.shaping import SUM, broadcasted, over_runs, spread
from gradtape.ops.shares import RAISED, log_share, log_total, minor_term, product_rest, share, share_slope
from gradtape.ops.sums import GRID, halves, total

HUGE = 2.0**700


class Rows:
    """Numbers x along axes. `top` is the largest one of each row; with `wide`, it is x in float64."""

    def __init__(self, x: Node, axes: tuple[int, ...]):
        top = over_runs(MAX, x, axes)
        self.x, self.axes = x, axes
        self.largest = equal(x, spread(top, axes, x.shape))
        self.wide, self.top = convert(x, float64), convert(top, float64)

    def softmax(self) -> Node:
        return apply(SHARES, (self.x, self.shares()), (self.axes,))

    def log_softmax(self) -> Node:
        return apply(LOG_SHARES, (self.x, self.logarithms()), (self.axes,))

    def logsumexp(self) -> Node:
        return apply(LOG_TOTAL, (self.x, self.logarithm()), (self.axes,))

    def spread(self, row: Node) -> Node:
        return spread(row, self.axes, self.x.shape)

    # What these are as numbers, without derivatives.

    def shares(self) -> Node:
        raise NotImplementedError

    def logarithms(self) -> Node:
        raise NotImplementedError

    def logarithm(self) -> Node:
        raise NotImplementedError


class ShortRows(Rows):
    """For results below float64."""

    def __init__(self, x: Node, axes: tuple[int, ...]):
        super().__init__(x, axes)
        self.terms = exp_difference(self.wide, self.spread(self.top), 1)
        rest = over_runs(SUM, self.terms - convert(self.largest, float64), axes)
        # how many are largest; a sum of its own would be another pass
        count = round(over_runs(SUM, self.terms, axes) - rest)
        self.excess = rest + (count - 1)

    def shares(self) -> Node:
        return self.terms * self.spread(reciprocal(self.excess + 1))

    def logarithms(self) -> Node:
        return difference(self.wide, self.spread(self.top)) - self.spread(log_excess(self.excess, 1))

    def logarithm(self) -> Node:
        return self.top + log_excess(self.excess, 1)


class LongRows(Rows):
    """For results of float64. The grid that splits the terms follows from the second largest element."""

    def __init__(self, x: Node, axes: tuple[int, ...]):
        super().__init__(x, axes)
        second = over_runs(MAX, where(self.largest, float("-inf"), x), axes)
        grid = self.spread(exp_difference(second, self.top, 0) * (GRID * 2.0**RAISED))
        head, tail = (minor_term(x, self.spread(self.top), grid, part) for part in (0, 1))
        count = over_runs(SUM, convert(self.largest, float64), axes)
        self.sums = count, over_runs(SUM, head, axes), over_runs(SUM, tail, axes)

    def shares(self, part: int = 0) -> Node:
        return share(self.x, self.spread(self.top), *[self.spread(one) for one in self.sums], part)

    def logarithms(self) -> Node:
        log, low = (self.spread(log_total(*self.sums, part)) for part in (0, 1))
        return log_share(self.x, self.spread(self.top), log, low)

    def logarithm(self) -> Node:
        return log_share(self.top, literal(0, float64), -log_total(*self.sums, 0), -log_total(*self.sums, 1))


def real(name: str, x: Node) -> Node:
    if not x.dtype.is_floating:
        raise DTypeError(f"{name} works on float tensors, but one of type {x.dtype.name} was given; cast it first")
    return x


def rows(name: str, x: Node, axis: Axis) -> Rows:
    """`x` along `axis` for a function of this name."""
    return _rows(real(name, x), normalize_axes(axis, len(x.shape)))


def _rows(x: Node, axes: tuple[int, ...]) -> Rows:
    return (LongRows if x.dtype is float64 else ShortRows)(x, axes)


# -- the functions, and their derivatives ---------------------------------------------------------------------


def _infer_second(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    _, value = inputs
    return value.shape, value.dtype


def _with_rule(name: str, rule: Callable, forward: Callable | None = None, whole: bool = False) -> Primitive:
    """What a function of rows x is, as a second input, and the derivative by the first one; `whole` says that it has
    one number for each row."""
    return Primitive(
        name,
        "implicit",
        infer=_infer_second,
        rule=rule,
        forward=forward,
        shows=lambda params: 1,
        depends=_dependence,
        reference=lambda x, value, axes: np.array(value),
        parameters=["axes"],
        notation=notation.stated(name),
        admits=admit.reduced_rows if whole else admit.of_rows,
        exact=lambda mp, x, value, axes: value,
        batch=lambda given, flags, number, axes: _of_batches(TABLE[name], given, flags, number, axes),
    )


def _dependence(along: list[Any], value: Callable, shape: Shape, params: tuple) -> Any:
    """By the rule, that of each number on its whole row of x. What is shown is no more than that: it is made of the
    same rows, partly by what has no derivative."""
    x, shown = along
    if x is None:
        return shown
    return x.over(*params, keepdims=len(shape) == x.kinds.ndim).repeated(shape)


def _of_batches(
    primitive: Primitive, given: Sequence[Node], flags: Sequence[bool], number: int, axes: tuple[int, ...]
) -> Node:
    """For many examples along a first axis; what is the same for all is repeated."""
    many = [x if flag else broadcasted(x, (number, *x.shape)) for x, flag in zip(given, flags, strict=True)]
    return apply(primitive, tuple(many), (tuple(i + 1 for i in axes),))


def _shares_slope(x: Node, p: Node, ct: Node, axes: tuple[int, ...]) -> Node:
    """pᵢ (ctᵢ - Σ p ct) in float64, with cotangents relative to that of a share above one half: to itself it adds
    nothing then, so that of its own difference from the mean, (1 - p) times something, all digits are there."""
    ct, p = convert(ct, float64), convert(p, float64)
    large = p > 0.5
    common = over_runs(SUM, choose(large, ct), axes)
    there = spread(common, axes, x.shape)
    relative = ct - there
    mean = spread(over_runs(SUM, p * relative, axes), axes, x.shape)
    if x.dtype is not float64:
        return p * (relative - mean)
    low = LongRows(x, axes).shares(part=1)
    small = p <= 0.5
    bound = over_runs(MAX, choose(small, abs(p * ct)), axes)
    bound = stop_gradient(bound + abs(common) * over_runs(MAX, choose(small, p), axes))
    unit = where(bound < HUGE, literal(2.0**RAISED, float64), 1)  # so that no product is subnormal
    wide_unit = spread(unit, axes, x.shape)
    head, tail = halves((p * wide_unit) * relative, bound * unit, axes, product_rest(p, low, ct, there, wide_unit))
    parts = [spread(one, axes, x.shape) for one in (stop_gradient(head), stop_gradient(tail), unit)]
    return share_slope(p, low, ct, differentiated_as(there, there + mean), *parts)


def _shares_rule(ct: Node, i: int, p: Node, inputs: tuple[Node, ...], axes: tuple[int, ...]) -> Node | None:
    return None if i else convert(_shares_slope(inputs[0], p, ct, axes), inputs[0].dtype)


def _shares_forward(
    tangents: Sequence[Node | None], p: Node, inputs: tuple[Node, ...], axes: tuple[int, ...]
) -> Node | None:
    """The Jacobian is symmetric, so a tangent goes forward as a cotangent goes back."""
    return None if tangents[0] is None else convert(_shares_slope(inputs[0], p, tangents[0], axes), p.dtype)


def _log_shares_rule(ct: Node, i: int, out: Node, inputs: tuple[Node, ...], axes: tuple[int, ...]) -> Node | None:
    """ctᵢ - pᵢ Σ ct; for a share above one half (1 - p) Σ ct minus the sum of the others, where 1 - p is their sum."""
    if i:
        return None
    x, ct = inputs[0], convert(ct, float64)
    short = int(x.dtype is not float64)
    p = _rows(x, axes).softmax()
    large = p > 0.5
    small = logical_not(large)
    others = total(choose(small, ct), axes, short)
    whole = others + over_runs(SUM, choose(large, ct), axes)
    rest = total(choose(small, p), axes, short)
    usual = ct - p * spread(whole, axes, x.shape)
    return convert(where(small, usual, spread(rest * whole - others, axes, x.shape)), x.dtype)


def _log_total_rule(ct: Node, i: int, out: Node, inputs: tuple[Node, ...], axes: tuple[int, ...]) -> Node | None:
    """pᵢ ct."""
    if i:
        return None
    x = inputs[0]
    row, ct = _rows(x, axes), spread(convert(ct, float64), axes, x.shape)
    p = row.softmax()
    if not isinstance(row, LongRows):
        return convert(p * ct, x.dtype)
    none = literal(0, float64)
    return share_slope(p, row.shares(part=1), ct, none, none, none, literal(1, float64))


SHARES = _with_rule("softmax", _shares_rule, _shares_forward)
LOG_SHARES = _with_rule("log_softmax", _log_shares_rule)
LOG_TOTAL = _with_rule("reduce_logsumexp", _log_total_rule, whole=True)
