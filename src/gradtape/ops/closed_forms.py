"""Derivatives of any order in closed form, as exact integer polynomials.

What stands here is mathematics alone. The table reads it for its references, the engine for its lowerings.
"""

from __future__ import annotations

from functools import cache
from math import comb, factorial
from typing import Any, NamedTuple

Polynomial = tuple[int, ...]
"""Coefficients, lowest first."""


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
        return top / (self.constant * y * y + self.square * x * x) ** (self.half * 0.5)


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
