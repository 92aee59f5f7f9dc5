"""Functions of two variables and their partial derivatives up to the third, against Arb.

A derivative is named by its variables: "pow xxy" is ∂³/∂x²∂y. The true ones come from power series of the function
along several straight lines through the point, which Arb bounds rigorously: along x + hs, y + chr the coefficient of hᵐ
is Σᵢ sⁱ (cr)ᵐ⁻ⁱ fᵢ,ₘ₋ᵢ / (i! (m-i)!), a polynomial in c, which its values at m + 1 places determine.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

import gradtape as tf
from sweeping.balls import Context, NoTruth, Series, flint, is_known
from sweeping.errors import Errors
from sweeping.functions import kernels, short_hash
from sweeping.inputs import neighbours
from sweeping.measure import Tally

DERIVATIVES = ["", *("".join(v) for k in (1, 2, 3) for v in itertools.combinations_with_replacement("xy", k))]
"""The variables of each derivative, from the value on."""
PRECISIONS = (200, 1000, 6000)


# -- the functions --------------------------------------------------------------------------------------------


def _pow(c: Context, x: Series, y: Series) -> Series:
    if not x > 0:
        raise NoTruth
    return c.exp(c.log(x) * y)


def _atan2(c: Context, y: Series, x: Series) -> Series:
    """The angle of (x, y), by its slope."""
    start = flint.arb.atan2(y.start, x.start)
    square = x.series * x.series + y.series * y.series
    if square[0] == 0:
        raise NoTruth
    slope = (y.series.derivative() * x.series - x.series.derivative() * y.series) / square
    return Series(flint.arb_series([start]) + slope.integral())


def _hypot(c: Context, x: Series, y: Series) -> Series:
    square = x * x + y * y
    if square.start == 0:
        raise NoTruth
    return c.sqrt(square)


def _logaddexp(c: Context, x: Series, y: Series) -> Series:
    high, low = (x, y) if x.start > y.start else (y, x)
    return high + c.log1p(c.exp(low - high))


def _xlogy(c: Context, x: Series, y: Series) -> Series:
    if not y > 0:
        raise NoTruth
    return x * c.log(y)


FUNCTIONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Context, Series, Series], Series]]] = {
    "pow": (tf.pow, _pow),
    "atan2": (tf.atan2, _atan2),
    "hypot": (tf.hypot, _hypot),
    "logaddexp": (tf.math.logaddexp, _logaddexp),
    "xlogy": (tf.math.xlogy, _xlogy),
}
"""Name → the function of gradtape (x is its first argument, whatever it is called there), and of Arb's series."""


def names() -> Iterator[tuple[str, int]]:
    """Each function with the variables of a derivative, and the order."""
    for function in FUNCTIONS:
        for variables in DERIVATIVES:
            yield f"{function} {variables}".strip(), len(variables)


def _split(name: str) -> tuple[str, str]:
    function, _, variables = name.partition(" ")
    return function, variables


def derivative(name: str, x: Any, y: Any) -> Any:
    """The derivative at Tensors x and y, through nested tapes."""
    function, variables = _split(name)

    def nested(left: str) -> Any:
        if not left:
            return FUNCTIONS[function][0](x, y)
        by = x if left[-1] == "x" else y
        with tf.GradientTape() as tape:
            tape.watch(by)
            inner = nested(left[:-1])
        return tape.gradient(inner, by, unconnected_gradients="zero")

    return nested(variables)


@cache
def fingerprint(name: str, dtype: str) -> str:
    """Says which kernel is measured."""
    x, y = (tf.constant(np.full(1 << 16, c, dtype)) for c in (0.5, 0.75))
    return short_hash(kernels(lambda: derivative(name, x, y)))


# -- where ----------------------------------------------------------------------------------------------------


def points(dtype: str, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """About `count` pairs: a quarter of all exponents, a quarter of ordinary size, a quarter of similar x and y, a
    quarter with x or y next to a small whole number; and all pairs of special numbers."""
    kind = np.dtype(dtype)
    info = np.finfo(kind)
    rng = np.random.default_rng([seed, kind.itemsize])
    share = count // 4

    def signed(sizes: np.ndarray) -> np.ndarray:
        return sizes * rng.choice([-1.0, 1.0], len(sizes))

    def exponents() -> np.ndarray:
        return signed(np.ldexp(rng.uniform(0.5, 1, share), rng.integers(info.minexp - info.nmant, info.maxexp, share)))

    def ordinary() -> np.ndarray:
        return rng.uniform(-1, 1, share) * rng.choice([1.5, 10.0, 100.0], share)

    def whole() -> np.ndarray:
        return rng.integers(-8, 9, share) * (1 + rng.integers(-3, 4, share) * info.eps)

    alike = ordinary()
    special = neighbours(np.array([0, 1, -1], kind))
    special = np.concatenate(
        [special, np.array([info.max, -info.max, info.smallest_normal, 0.5, 2, 3, -2, 100.0, -100.0, 1e-3], kind)]
    )
    both = np.array(list(itertools.product(special, special))).T
    odd = rng.random(share) < 0.5
    one, other = whole(), ordinary()
    x = [exponents(), ordinary(), alike, np.where(odd, one, other), both[0]]
    y = [
        exponents(),
        ordinary(),
        alike * (1 + signed(2.0 ** rng.uniform(-60, 0, share))),
        np.where(odd, other, one),
        both[1],
    ]
    with np.errstate(over="ignore"):
        return np.concatenate(x).astype(kind), np.concatenate(y).astype(kind)


# -- the truth ------------------------------------------------------------------------------------------------


@cache
def _solution(m: int) -> list[list[Any]]:
    """Row i: what to multiply the coefficients of hᵐ along the lines 0, 1, … with for that of xⁱ yᵐ⁻ⁱ."""
    places = list(range(-(m // 2), m + 1 - m // 2))
    matrix = [[Fraction(c) ** (m - i) for i in range(m + 1)] for c in places]
    size = m + 1
    rows = [row + [Fraction(i == j) for j in range(size)] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = next(k for k in range(i, size) if rows[k][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for k in range(size):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [[flint.fmpq(v.numerator, v.denominator) for v in row[size:]] for row in rows]


def truth(function: str, x: float, y: float, wanted: list[tuple[int, int]]) -> list[Any]:
    """The derivatives, so many times by x and by y, as balls; None where the function is not finite."""
    if not (math.isfinite(x) and math.isfinite(y)):
        raise NoTruth
    highest = max(i + j for i, j in wanted)
    call = FUNCTIONS[function][1]
    scale_x, scale_y = (2.0 ** max(min(math.frexp(v)[1], 1000), -1000) for v in (x, y))
    found: list[Any] = []
    for precision in PRECISIONS:
        flint.ctx.prec, flint.ctx.cap = precision, highest + 1
        context = Context()
        lines = {
            c: call(
                context,
                Series(flint.arb_series([x, scale_x])),
                Series(flint.arb_series([y, flint.arb(scale_y) * c])),
            )
            for c in range(-(highest // 2), highest + 1 - highest // 2)
        }
        found = []
        for i, j in wanted:
            m = i + j
            total = flint.arb(0)
            for weight, c in zip(_solution(m)[i], range(-(m // 2), m + 1 - m // 2), strict=True):
                total += lines[c].coefficient(m) * flint.arb(weight)
            scale = flint.arb(scale_x) ** i * flint.arb(scale_y) ** j
            found.append(total * (math.factorial(i) * math.factorial(j)) / scale)
        if all(map(is_known, found)):
            break
    else:
        if any(ball.is_finite() and not is_known(ball) for ball in found):
            found = [_zero_if_unknown(ball) for ball in found]
    return [ball if ball.is_finite() else None for ball in found]


def _zero_if_unknown(ball: Any) -> Any:
    """A derivative that is zero everywhere, as those of xlogy by x are, or at this point."""
    if is_known(ball) or not ball.contains(0):
        return ball
    return flint.arb(0)


def measured(name: str, count: int, dtype: str) -> Tally:
    """The tally of a derivative over about `count` pairs; the place named is x and y."""
    function, variables = _split(name)
    i, j = variables.count("x"), variables.count("y")
    x, y = points(dtype, count)
    results = derivative(name, tf.constant(x), tf.constant(y)).numpy()
    errors = Errors(np.dtype(dtype), results, 2)
    for k, (at_x, at_y) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        try:
            value, by_x, by_y = truth(function, at_x, at_y, [(i, j), (i + 1, j), (i, j + 1)])
        except NoTruth:
            errors.kept[k] = False
            continue
        if value is None and variables:
            errors.kept[k] = False  # outside of the domain
        else:
            errors.add(k, value, by_x, by_y)
    return errors.tally(np.arange(len(x)), [errors.spacing(x), errors.spacing(y)], len(variables))
