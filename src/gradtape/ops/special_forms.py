"""Closed forms for the special functions, as `closed_forms` has them for the elementary ones: mathematics alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from math import comb
from typing import TYPE_CHECKING

from gradtape.ops.closed_forms import Polynomial

if TYPE_CHECKING:  # slow to import, and needed when a kernel is made
    from fractions import Fraction


@cache
def hermite(order: int, scale: int) -> Polynomial:
    """(-1)ⁿ times the derivative of order n of exp(-scale·x²/2), over that function: Hermite's polynomials.

    Those of the physicists have scale 2, of the probabilists 1; H₍ₙ₊₁₎ = scale·x Hₙ - Hₙ'.

    >>> hermite(2, 2), hermite(2, 1)
    ((-2, 0, 4), (-1, 0, 1))
    """
    terms = [1]
    for _ in range(order):
        slope = [i * c for i, c in enumerate(terms)][1:]
        terms = [scale * a - b for a, b in zip([0, *terms], [*slope, 0, 0], strict=True)]
    return tuple(terms)


def error_slope(order: int) -> Polynomial:
    """The derivative of erf of order 1 or more, over 2/√π exp(-x²).

    >>> error_slope(1), error_slope(2)
    ((1,), (0, -2))
    """
    return tuple((-1) ** (order - 1) * c for c in hermite(order - 1, 2))


def gelu_slope(order: int) -> Polynomial:
    """The derivative of x Φ(x) of order 2 or more, over Φ'(x): that of Φ' is, as (xΦ)⁽ⁿ⁾ = x Φ⁽ⁿ⁾ + n Φ⁽ⁿ⁻¹⁾.

    >>> gelu_slope(2)
    (2, 0, -1)
    """
    terms = [0, *hermite(order - 1, 1)]
    for i, c in enumerate(hermite(order - 2, 1)):
        terms[i] -= order * c
    return tuple((-1) ** (order - 1) * c for c in terms)


@cache
def gelu_tanh_weights(order: int) -> tuple[tuple[Fraction, ...], ...]:
    """For k = 1, 2, … the factor of aᵏ σ⁽ᵏ⁾(v) in the derivative of x σ(v) with v = a (x + 0.044715 x³), without that
    of σ(v): a polynomial in x.

    The derivatives of σ(v) are Faà di Bruno's: Bₙ₊₁,ₖ = Bₙ,ₖ' + v'/a · Bₙ,ₖ₋₁. Then (x s)⁽ⁿ⁾ = x s⁽ⁿ⁾ + n s⁽ⁿ⁻¹⁾.

    >>> gelu_tanh_weights(1)
    ((Fraction(0, 1), Fraction(1, 1), Fraction(0, 1), Fraction(26829, 200000)),)
    """
    from fractions import Fraction

    slope = (Fraction(1), Fraction(0), 3 * gelu_cube())
    rows: list[list[list[Fraction]]] = [[[Fraction(1)]]]
    for _ in range(order):
        last = [*rows[-1], []]
        rows.append(
            [
                _sum([i * c for i, c in enumerate(row)][1:], _product(slope, last[k - 1]) if k else [])
                for k, row in enumerate(last)
            ]
        )
    before = [*rows[order - 1], []]
    return tuple(
        tuple(_sum([Fraction(0), *rows[order][k]], [order * c for c in before[k]])) for k in range(1, order + 1)
    )


@cache
def gelu_cube() -> Fraction:
    """The factor of x³ in the tanh form of gelu (Hendrycks and Gimpel, *Gaussian Error Linear Units*, 2016)."""
    from fractions import Fraction

    return Fraction("0.044715")


def _sum(a: Sequence[Fraction], b: Sequence[Fraction]) -> list[Fraction]:
    from fractions import Fraction

    return [x + y for x, y in zip_longest(a, b, fillvalue=Fraction(0))]


def _product(a: Sequence[Fraction], b: Sequence[Fraction]) -> list[Fraction]:
    from fractions import Fraction

    out = [Fraction(0)] * (len(a) + len(b) - 1 if a and b else 0)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] += x * y
    return out


@cache
def bernoulli(n: int) -> Fraction:
    """Bernoulli's number.

    >>> bernoulli(2), bernoulli(4)
    (Fraction(1, 6), Fraction(-1, 30))
    """
    from fractions import Fraction

    return Fraction(n == 0) - sum((comb(n, k) * bernoulli(k) / (n - k + 1) for k in range(n)), Fraction(0))
