"""Polynomials of one variable with exact coefficients, which may have roots and π in them: √(2/π)·(x + 0.044715 x³).

They say how fast an exponential grows or vanishes; equal ones are equal, so that what has the same growth is added as
numbers are.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from gradtape.study.certify import reals
from gradtape.study.certify.interval import Interval

HIGHEST = 12
"""The highest power, and the number of terms, that is kept."""

Atoms = tuple[tuple[Any, int], ...]
"""π and roots, each with its power, in order."""

PI = ("pi",)


class Polynomial:
    """`terms` maps (power, atoms) to a rational coefficient that is not 0."""

    __slots__ = ("key", "terms")

    def __init__(self, terms: dict[tuple[int, Atoms], Fraction]):
        self.terms = {at: c for at, c in terms.items() if c}
        self.key = tuple(sorted(self.terms.items(), key=repr))

    @classmethod
    def constant(cls, number: int | float | Fraction) -> Polynomial:
        return cls({(0, ()): Fraction(number)})

    @classmethod
    def variable(cls, sign: int = 1) -> Polynomial:
        return cls({(1, ()): Fraction(sign)})

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def degree(self) -> int:
        return max((power for power, _ in self.terms), default=0)

    @property
    def kept(self) -> Polynomial | None:
        """The polynomial itself, or None if it has become too long to be worth keeping."""
        return self if self.degree <= HIGHEST and len(self.terms) <= HIGHEST else None

    def __add__(self, other: Polynomial) -> Polynomial:
        terms = dict(self.terms)
        for at, c in other.terms.items():
            terms[at] = terms.get(at, Fraction(0)) + c
        return Polynomial(terms)

    def __neg__(self) -> Polynomial:
        return Polynomial({at: -c for at, c in self.terms.items()})

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def __mul__(self, other: Polynomial) -> Polynomial:
        terms: dict[tuple[int, Atoms], Fraction] = {}
        for (power, atoms), c in self.terms.items():
            for (more, others), d in other.terms.items():
                factor, merged = _merged(atoms, others)
                at = power + more, merged
                terms[at] = terms.get(at, Fraction(0)) + c * d * factor
        return Polynomial(terms)

    def scaled(self, factor: Fraction) -> Polynomial:
        return Polynomial({at: c * factor for at, c in self.terms.items()})

    def reciprocal(self) -> Polynomial | None:
        """Of a constant with one term; None for any other."""
        if len(self.terms) != 1 or self.degree:
            return None
        (((_, atoms), c),) = self.terms.items()
        factor, merged = _merged(tuple((atom, -n) for atom, n in atoms), ())
        return Polynomial({(0, merged): factor / c})

    def root(self) -> Polynomial | None:
        """The square root of a positive constant with one term, as an atom; None for any other."""
        if len(self.terms) != 1 or self.degree:
            return None
        (((_, atoms), c),) = self.terms.items()
        if c <= 0 or any(atom != PI for atom, _ in atoms):
            return None
        return Polynomial({(0, ((("root", c, dict(atoms).get(PI, 0)), 1),)): Fraction(1)})

    def at(self, x: Interval) -> Interval:
        """What it makes of an interval, by Horner's scheme."""
        coefficients = self.coefficients()
        total = coefficients[-1]
        for c in reversed(coefficients[:-1]):
            total = total * x + c
        return total

    def coefficients(self) -> list[Interval]:
        found = [Interval.of(0)] * (self.degree + 1)
        for (power, atoms), c in self.terms.items():
            found[power] = found[power] + _value(atoms) * Interval.of(c)
        return found

    def slope_times_x(self) -> Polynomial:
        return Polynomial({(power, atoms): c * power for (power, atoms), c in self.terms.items()})

    def slope(self) -> Polynomial:
        return Polynomial({(power - 1, atoms): c * power for (power, atoms), c in self.terms.items() if power})

    def trend(self) -> int | None:
        """Towards which infinity it goes, or 0 for a constant; None if that cannot be told."""
        if not self.degree:
            return 0
        return self.coefficients()[-1].sign


def _merged(atoms: Atoms, others: Atoms) -> tuple[Fraction, Atoms]:
    """The product of atoms: a rational factor, and what is left. Even powers of roots are no roots."""
    powers: dict[Any, int] = {}
    for atom, n in (*atoms, *others):
        powers[atom] = powers.get(atom, 0) + n
    factor, of_pi = Fraction(1), powers.pop(PI, 0)
    for atom, n in list(powers.items()):
        _, inner, inner_pi = atom
        factor *= inner ** (n // 2)
        of_pi += inner_pi * (n // 2)
        powers[atom] = n % 2
    left = [(atom, n) for atom, n in powers.items() if n]
    if of_pi:
        left.append((PI, of_pi))
    return factor, tuple(sorted(left, key=repr))


def _value(atoms: Atoms) -> Interval:
    total = Interval.of(1)
    for atom, n in atoms:
        if atom == PI:
            total = total * Interval.of(reals.pi()) ** n
        else:
            _, inner, inner_pi = atom
            total = total * ((Interval.of(inner) * Interval.of(reals.pi()) ** inner_pi).sqrt() ** n)
    return total
