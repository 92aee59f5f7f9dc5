"""Polynomials that touch a function at a point: its tangent, and those of Taylor."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradtape
from gradtape.errors import ArgumentError
from gradtape.study.derive import HIGHEST_ORDER
from gradtape.study.subject import Subject

MOST_POLYNOMIALS = 4
"""Taylor polynomials in one picture."""

UNSEEN = 1e-13
"""Share of the largest term at which another term changes nothing but rounding errors."""


@dataclass(frozen=True)
class Near:
    """A polynomial next to a point: what it is called, the point, and its value at other points."""

    label: str
    x: float
    y: float
    degree: int
    value: Callable[[np.ndarray], np.ndarray]


def tangent_line(shown: Subject, at: float) -> Near:
    """The tangent at a point; ArgumentError where there is none."""
    a = _point(at)
    y, slope = (float(v[0]) for v in shown.values(np.array([a]), 1))
    if not (math.isfinite(y) and math.isfinite(slope)):
        raise ArgumentError(
            f"{shown.label(0)} has no tangent at {shown.variable} = {a:g}, where it is {y:g} and its slope {slope:g}; "
            "choose another point"
        )
    label = f"tangent at {a:g}, slope {slope:.4g}"
    return Near(label, a, y, 1, lambda x: y + slope * (x - a))


def polynomials(shown: Subject, at: float, degree: int, reach: float) -> list[Near]:
    """Taylor polynomials up to a degree, a few that differ within `reach` of the point.

    ArgumentError where a coefficient is not finite.
    """
    a = _point(at)
    if isinstance(degree, bool) or not isinstance(degree, int) or not 1 <= degree <= HIGHEST_ORDER:
        raise ArgumentError(f"a Taylor polynomial has a degree from 1 to {HIGHEST_ORDER}, not {degree!r}")
    whole = gradtape.taylor_polynomial(shown.function, gradtape.constant(a, gradtape.float64), degree)
    coefficients = [float(c) for c in whole.coefficients]
    bad = next((n for n, c in enumerate(coefficients) if not math.isfinite(c)), None)
    if bad is not None:
        raise ArgumentError(
            f"{shown.label(0)} has no Taylor polynomial of degree {bad} around {a:g}, where derivative {bad} is "
            f"{coefficients[bad]:g}; choose another point"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.abs(coefficients) * reach ** np.arange(degree + 1.0)
    different = [n for n in range(1, degree + 1) if not sizes[n] <= UNSEEN * sizes.max()] or [degree]
    if len(different) > MOST_POLYNOMIALS:
        spread = np.linspace(0, len(different) - 1, MOST_POLYNOMIALS)
        different = [different[round(i)] for i in spread]
    return [_polynomial(coefficients[: n + 1], a) for n in different]


def _polynomial(coefficients: list[float], a: float) -> Near:
    degree = len(coefficients) - 1

    def value(x: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(np.polynomial.polynomial.polyval(x - a, coefficients))

    return Near(f"Taylor at {a:g}, degree {degree}", a, coefficients[0], degree, value)


def _point(at: Any) -> float:
    try:
        found = float(at)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise ArgumentError(f"a point is a number, such as 1 or -0.5, not {at!r}")
    return found
