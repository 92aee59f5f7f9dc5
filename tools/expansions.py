"""Power series around zeros, for tools/coefficients.py: next to a zero, nothing else has all digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mpmath import mp, mpf

Function = Callable[[mpf], mpf]


def doubles(exact: mpf, count: int) -> tuple[float, ...]:
    """An unevaluated sum of `count` doubles."""
    out = []
    for _ in range(count):
        out.append(float(exact))
        exact -= mpf(out[-1])
    return tuple(out)


LGAMMA_FIRST, LGAMMA_ROWS = 4, 31
"""lgamma is zero once between -m/2 - 1/2 and -m/2 for m >= LGAMMA_FIRST; behind the last row, only closer to a pole
than half the distance to the next double."""
LGAMMA_PAIRS, LGAMMA_DEGREE = 3, 13


def lgamma_rows() -> list[tuple[float, ...]]:
    """For each zero: where it is, then the power series of |1/Γ| - 1 there, which is 0 at the zero and entire."""
    rows = []
    with mp.workdps(120):
        for m in range(LGAMMA_FIRST, LGAMMA_FIRST + LGAMMA_ROWS):
            zero = bisection(lambda x: abs(mp.rgamma(x)) - 1, mpf(-m - 1) / 2, mpf(-m) / 2)
            terms = [mp.sign(mp.rgamma(zero)) * c for c in mp.taylor(mp.rgamma, zero, LGAMMA_DEGREE)]
            rows.append(row_of(zero, terms[1:], LGAMMA_PAIRS))
    return rows


PSI_ROWS = 64
PSI_PAIRS, PSI_DEGREE = 1, 3


def psi_rows() -> list[tuple[float, ...]]:
    """Row n: the zero of ψ between -n - 1 and -n, then the power series there."""
    rows = []
    with mp.workdps(120):
        for n in range(PSI_ROWS):
            edge = mpf(10) ** -6
            zero = bisection(mp.digamma, -n - 1 + edge, -n - edge)
            terms = [mp.psi(k, zero) / mp.factorial(k) for k in range(1, PSI_DEGREE + 1)]
            rows.append(row_of(zero, terms, PSI_PAIRS))
    return rows


def bisection(function: Function, low: mpf, high: mpf) -> mpf:
    """The zero between two places where the function has different signs."""
    sign = function(low) > 0
    for _ in range(40):
        middle = (low + high) / 2
        if (function(middle) > 0) == sign:
            low = middle
        else:
            high = middle
    return mp.findroot(function, (low, high), solver="anderson", tol=mpf(10) ** -200)


def row_of(zero: mpf, terms: list[mpf], pairs: int) -> tuple[float, ...]:
    """A zero as three doubles, and coefficients behind it: some as two doubles, the rest as one."""
    flat = [part for c in terms[:pairs] for part in doubles(c, 2)]
    return (*doubles(zero, 3), *flat, *[float(c) for c in terms[pairs:]])


# -- activation functions -------------------------------------------------------------------------------------


def gelu_tanh(x: mpf) -> mpf:
    return x * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3))) / 2


FUNCTIONS: dict[str, Function] = {
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "mish": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
    "gelu_erf": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "gelu_tanh": gelu_tanh,
}
WHERE: dict[tuple[str, int], list[str]] = {
    ("silu", 1): ["-1.278"],
    ("mish", 1): ["-1.192"],
    ("mish", 2): ["-2.256", "1.49"],
    ("mish", 3): ["-3.267", "-0.088", "2.115"],
    ("gelu_erf", 1): ["-0.752"],
    ("gelu_tanh", 1): ["-0.7525"],
}
"""Function, order of its derivative, and all zeros of that, but for a zero that is 0 itself."""
RADIUS = mpf(2) ** -7
"""How far from a zero its series is used: from there on the usual formulas lose a tenth of an ulp."""
GELU_RADIUS = mpf(2) ** -3
"""The same for x Φ(x), whose usual formula has fewer digits."""
PAIR_BITS, DOUBLE_BITS, FLOAT_BITS = 7, 64, 32
"""How small a term is, next to the first one, that needs no low part, or that a double or float result needs not."""


class Expansion(NamedTuple):
    """What coefficients.py says it is."""

    radius: float
    zero: tuple[float, ...]
    terms: tuple[float, ...]
    lows: tuple[float, ...]
    short: int


def expansions() -> dict[tuple[str, int], tuple[Expansion, ...]]:
    """All zeros of a derivative have series of the same length."""
    found = {}
    with mp.workdps(120):
        for (name, order), places in WHERE.items():
            radius = GELU_RADIUS if name == "gelu_erf" else RADIUS
            function = FUNCTIONS[name]
            zeros = [zero_of(function, order, mpf(place)) for place in places]
            series = [derived(mp.taylor(function, zero, order + 30), order)[1:] for zero in zeros]
            pairs, double, single = (
                max(needed(terms, radius, bits) for terms in series) for bits in (PAIR_BITS, DOUBLE_BITS, FLOAT_BITS)
            )
            for terms in series:  # the sums in elementary/zeros.py are exact only then
                assert all(abs(terms[k]) > rest(terms[k:], radius) for k in range(pairs)), (name, order)
            found[name, order] = tuple(
                Expansion(
                    float(radius),
                    doubles(zero, 3),
                    tuple(float(c) for c in terms[:double]),
                    tuple(doubles(c, 2)[1] for c in terms[:pairs]),
                    single,
                )
                for zero, terms in zip(zeros, series, strict=True)
            )
    return found


def zero_of(function: Function, order: int, near: mpf) -> mpf:
    """Where the derivative of that order is zero, by Newton's method from about there."""
    x = near
    for _ in range(9):
        terms = derived(mp.taylor(function, x, order + 1), order)
        x -= terms[0] / terms[1]
    return x


def derived(terms: list[mpf], order: int) -> list[mpf]:
    """The coefficients of the derivative of a power series."""
    return [c * mp.ff(k + order, order) for k, c in enumerate(terms[order:])]


def rest(terms: list[mpf], radius: mpf) -> mpf:
    """How large the terms after the first may be together."""
    return sum(abs(c) * radius**k for k, c in enumerate(terms) if k)


def needed(terms: list[mpf], radius: mpf, bits: int) -> int:
    """How many terms a power series has before the first after which all are that small, next to the first one."""
    sizes = [abs(c) * radius**k for k, c in enumerate(terms)]
    return max(k for k, size in enumerate(sizes) if size > sizes[0] * mpf(2) ** -bits) + 1
