"""What a primitive says of itself for power series, in the field `series` of the table.

In Taylor mode the inputs of an operation are power series u(t) = u₀ + u₁t + u₂t² + …, and what is wanted are the
coefficients of the result. Its value at t = 0 is always the primitive's own, computed as exactly as it can. For the
others the kind of map has a rule that every primitive has by being declared; an elementwise one may state a better one:

    Closed([slopes])    partial derivatives, as in `partials`, but made of functions that differentiate into each other:
                        exp' = exp, or tanh' = tanh⁽¹⁾ and tanh⁽¹⁾' = -2·tanh·tanh⁽¹⁾. Then nothing new comes up with
                        each order. A slope that is None says that `partials` are all there is.
    Alike(expression)   an expression of the inputs that has the same coefficients from the first on: x⁴ = (x²)²
    Undone(product)     a bilinear expression of the result and the inputs but the first, equal to the first one:
                        for q = x / y it is q·y
    Branched(…)         slopes as in Closed, and an expression as in Alike that is taken where `chosen` says so; that is
                        given the order of a coefficient, whether all inputs but the first are constants, the inputs at
                        t = 0 and the parameters. In the expression all inputs but the first are constants
    PRODUCT             of a bilinear map: it is multiplication, so sums of it are `gradtape.ops.products`
    Whole(coefficients) of an implicit map, all coefficients up to an order at once: a loop carries them from step to
                        step. It is given the inputs as they are in the graph, the coefficients of each (None is zero),
                        the order, whether floats below float64 are computed in float64, and the parameters

Where the argument is u₀ + u₁t, as for the derivatives of the function itself, `partials` alone are used: they lead
to the members of a family, each of which is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gradtape.graph.node import Node


class Closed(NamedTuple):
    """Partial derivatives that lead to no end of new functions; see above."""

    slopes: Sequence[Callable[..., Node | None]]


class Alike(NamedTuple):
    """An expression with the same coefficients from the first on; None for parameters that have none."""

    expression: Callable[..., Node | None]


class Branched(NamedTuple):
    """Where slopes are not the way for every number; see above."""

    slopes: Sequence[Callable[..., Node | None]]
    expression: Callable[..., Node]
    chosen: Callable[..., Node]


class Undone(NamedTuple):
    """What gives the first input back."""

    product: Callable[..., Node]


class Whole(NamedTuple):
    """What finds the coefficients of all results of one operation; see above."""

    coefficients: Callable[..., Sequence[Sequence[Node | None]]]


PRODUCT = "product"
"""Multiplication."""


def member(family: Any, x: Node, order: int) -> Any:
    """The derivative of an order of a family, which takes it as a keyword that users do not see."""
    return family(x, order=order)
