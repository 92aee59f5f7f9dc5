"""Derivatives of any order in closed form, as exact integer polynomials.

What stands here is mathematics alone. The table reads it for its references, the engine for its lowerings.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb, factorial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # slow to import, and needed when a kernel is made
    from fractions import Fraction

Polynomial = tuple[int, ...]
"""Coefficients, lowest first."""


def polynomial(terms: Sequence[Any], x: Any) -> Any:
    """The value of a polynomial, of floats, arrays or mpmath's numbers.

    >>> polynomial((1, 0, 2), 3)
    19
    """
    total = terms[-1]
    for c in reversed(terms[:-1]):
        total = total * x + c
    return total


class Form(NamedTuple):
    """P(x) / B(x)^(half/2) with B(x) = constant + square·x²; in two variables with P homogeneous and B = x² + y²."""

    terms: Polynomial
    half: int
    constant: int
    square: int

    def at(self, x: Any, y: Any = 1) -> Any:
        """The value, of floats, arrays or mpmath's numbers."""
        degree = len(self.terms) - 1
        top = sum(c * x**i * y ** (degree - i) for i, c in enumerate(self.terms) if c)
        return top / (self.constant * (y * y) + self.square * (x * x)) ** (self.half * 0.5)


INVERSE = {
    "asin": Form((1,), 1, 1, -1),
    "acos": Form((-1,), 1, 1, -1),
    "atan": Form((1,), 2, 1, 1),
    "asinh": Form((1,), 1, 1, 1),
    "acosh": Form((1,), 1, -1, 1),
    "atanh": Form((1,), 2, 1, -1),
}
"""First derivatives of the inverse functions."""


@cache
def inverse(name: str, order: int) -> Form:
    """The derivative of an inverse function, of order 1 or more.

    From (P / B^(h/2))' = (P' B - (h/2) P B') / B^(h/2+1), where B' = 2·square·x.

    >>> inverse("asin", 3)
    Form(terms=(1, 0, 2), half=5, constant=1, square=-1)
    """
    form = INVERSE[name]
    for _ in range(order - 1):
        p, half, constant, square = form
        slope = [i * c for i, c in enumerate(p)][1:]
        terms = [0] * (len(p) + 1)
        for i, c in enumerate(slope):
            terms[i] += constant * c
            terms[i + 2] += square * c
        for i, c in enumerate(p):
            terms[i + 1] -= half * square * c
        while len(terms) > 1 and not terms[-1]:
            terms.pop()
        form = Form(tuple(terms), half + 2, constant, square)
    return form


@cache
def tangent(order: int) -> Polynomial:
    """The derivative of tan as a polynomial in t = tan x: T₀ = t, T₍ₙ₊₁₎ = Tₙ'·(1 + t²).

    >>> tangent(1), tangent(2)
    ((1, 0, 1), (0, 2, 0, 2))
    """
    terms = [0, 1]
    for _ in range(order):
        slope = [i * c for i, c in enumerate(terms)][1:]
        terms = [a + b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return tuple(terms)


@cache
def angle(by_y: int, by_x: int) -> Form:
    """The derivative of atan2(y, x) by y and by x, of order n = by_y + by_x ≥ 1; terms are coefficients of xⁱ yⁿ⁻ⁱ.

    The angle is the imaginary part of log(x + iy), so the derivative is that of iᵇʸ⁻ʸ (-1)ⁿ⁻¹ (n-1)! / (x + iy)ⁿ,
    and 1 / (x + iy)ⁿ is (x - iy)ⁿ / (x² + y²)ⁿ.

    >>> angle(1, 0), angle(0, 1)
    (Form(terms=(0, 1), half=2, constant=1, square=1), Form(terms=(-1, 0), half=2, constant=1, square=1))
    """
    n = by_y + by_x
    scale = (-1) ** (n - 1) * factorial(n - 1)
    terms = [0] * (n + 1)
    for m in range(n + 1):  # C(n, m) x^(n-m) (-i y)^m, times i^by_y
        turn = (by_y - m) % 4
        if turn % 2:  # the imaginary part of i^turn is 1 or -1
            terms[n - m] = scale * comb(n, m) * (1 if turn == 1 else -1)
    return Form(tuple(terms), 2 * n, 1, 1)


@cache
def distance(by_x: int, by_y: int) -> Form:
    """The derivative of √(x² + y²) by x and by y, of order n = by_x + by_y ≥ 1; terms are coefficients of xⁱ yⁿ⁻ⁱ.

    >>> distance(1, 0), distance(2, 0)
    (Form(terms=(0, 1), half=1, constant=1, square=1), Form(terms=(1, 0, 0), half=3, constant=1, square=1))
    """
    terms, half = {(0, 0): 1}, -1
    for step in [(1, 0)] * by_x + [(0, 1)] * by_y:
        found: dict[tuple[int, int], int] = {}
        for (i, j), c in terms.items():
            slope = c * (i if step[0] else j)
            lower = (i - step[0], j - step[1])
            for (a, b), more in [
                ((lower[0] + 2, lower[1]), slope),
                ((lower[0], lower[1] + 2), slope),
                ((i + step[0], j + step[1]), -half * c),
            ]:
                if more:
                    found[a, b] = found.get((a, b), 0) + more
        terms, half = {powers: c for powers, c in found.items() if c}, half + 2
    n = by_x + by_y
    return Form(tuple(terms.get((i, n - i), 0) for i in range(n + 1)), half, 1, 1)


@cache
def eulerian(order: int) -> Polynomial:
    """The polynomial A in σ⁽ᵏ⁾(x) = e A(e) / (1 + e)ᵏ⁺¹ with e = e^-x, k ≥ 1: an Eulerian polynomial at -e
    (Minai and Williams, *Neural Networks* 6, 1993).

    >>> eulerian(1), eulerian(2), eulerian(3)
    ((1,), (-1, 1), (1, -4, 1))
    """
    row = [1]
    for k in range(2, order + 1):
        row = [(j + 1) * (row[j] if j < len(row) else 0) + (k - j) * (row[j - 1] if j > 0 else 0) for j in range(k)]
    return tuple((-1) ** (order - 1 + j) * a for j, a in enumerate(row))


@cache
def logistic(order: int) -> Polynomial:
    """`eulerian`, for even order without its factor 1 - e, which cancels where x is small.

    >>> logistic(2), logistic(4)
    ((-1,), (-1, 10, -1))
    """
    terms = eulerian(order)
    if order % 2:
        return terms
    quotient = [terms[0]]
    for c in terms[1:-1]:
        quotient.append(quotient[-1] + c)
    return tuple(quotient)


@cache
def mish_weight(order: int) -> Polynomial:
    """The polynomial P in R⁽ᵏ⁾ = E P(E) / (E² + 2E + 2)ᵏ⁺¹, where R = tanh(softplus(x)) and E = eˣ.

    From R = E (E + 2) / D with D = E² + 2E + 2: P₍ₖ₊₁₎ = (Pₖ + E Pₖ') D - (k + 1) Pₖ · 2E (E + 1).

    >>> mish_weight(0), mish_weight(1)
    ((2, 1), (4, 4))
    """
    terms = [2, 1]
    for k in range(order):
        found = [0] * (len(terms) + 2)
        for i, c in enumerate(terms):
            found[i] += 2 * (i + 1) * c
            found[i + 1] += (2 * (i + 1) - 2 * (k + 1)) * c
            found[i + 2] += (i + 1 - 2 * (k + 1)) * c
        while not found[-1]:
            found.pop()
        terms = found
    return tuple(terms)


def sinc_terms(order: int, count: int) -> list[Fraction]:
    """The first coefficients in y² of the derivative of sin(y)/y, for odd order without its factor y.

    >>> sinc_terms(0, 2), sinc_terms(1, 2)
    ([Fraction(1, 1), Fraction(-1, 6)], [Fraction(-1, 3), Fraction(1, 30)])
    """
    from fractions import Fraction

    first = (order + 1) // 2
    return [Fraction((-1) ** j, (2 * j + 1) * factorial(2 * j - order)) for j in range(first, first + count)]


def sine_ratio_bounds(mp: Any, y: Any, order: int) -> Any:
    """The derivative of sin(y)/y on an interval close to 0, None on any other: its first terms, and the rest, which is
    at most |y|ⁿ / (n! (order + n + 1)), as the derivative of order m, ∫₀¹ tᵐ cos⁽ᵐ⁾(ty) dt, is at most 1/(m + 1)."""
    if not mp.close_to_zero(y):
        return None
    terms = [mp.mpf(c) for c in sinc_terms(order, 12)]
    value = polynomial(terms, y * y) * (y if order % 2 else 1)
    left = 2 * len(terms) + order % 2
    return value + mp.symmetric() * abs(y) ** left / (factorial(left) * (order + left + 1))


def shrink_terms(count: int) -> list[Fraction]:
    """The first coefficients in x² of (x cosh x - sinh x) / x³, all positive.

    >>> shrink_terms(2)
    [Fraction(1, 3), Fraction(1, 30)]
    """
    from fractions import Fraction

    return [Fraction(2 * k, factorial(2 * k + 1)) for k in range(1, count + 1)]


def cube_root_slope(order: int) -> Fraction:
    """The factor of x^(1/3 - n) in the derivative of order n of the cube root.

    >>> cube_root_slope(1), cube_root_slope(2)
    (Fraction(1, 3), Fraction(-2, 9))
    """
    from fractions import Fraction

    factor = Fraction(1)
    for i in range(order):
        factor *= Fraction(1, 3) - i
    return factor


@cache
def selu_constants() -> tuple[Fraction, Fraction]:
    """Scale and alpha of selu as published (Klambauer et al., *Self-Normalizing Neural Networks*, 2017)."""
    from fractions import Fraction

    return Fraction("1.0507009873554804934193349852946"), Fraction("1.6732632423543772848170429916717")


@cache
def falling(order: int, slope: int = 0) -> Polynomial:
    """The derivative of order `slope` of y (y - 1) … (y - order + 1), a factor of the derivatives of xʸ by x.

    >>> falling(2), falling(2, 1)
    ((0, -1, 1), (-1, 2))
    """
    terms = [1]
    for m in range(order):
        terms = [a - m * b for a, b in zip([0, *terms], [*terms, 0], strict=True)]
    for _ in range(slope):
        terms = [i * c for i, c in enumerate(terms)][1:]
    return tuple(terms)
