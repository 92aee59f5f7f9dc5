"""Writes src/gradtape/engine/elementary/coefficients.py: minimax polynomials and constants of the elementary functions.

    python tools/coefficients.py            # writes the file; a second run writes the same bytes
    python tools/coefficients.py --check    # exit status 1 if the file is not what the script would write

Each polynomial is the answer of a weighted Remez exchange (Muller, *Elementary Functions*, chapter 3) carried out by
mpmath with 60 digits: it minimises ``max |weight(z) * (P(z) - target(z))|``, where the weight makes that number the
relative error of the function that P is a part of. The coefficients are then rounded to double and the error that the
rounded polynomial really has is measured and written beside it.
"""

from __future__ import annotations

import argparse
import math
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from expansions import LGAMMA_FIRST, LGAMMA_PAIRS, Expansion, doubles, expansions, lgamma_rows, psi_rows
from mpmath import mp, mpf

OUTPUT = Path(__file__).parents[1] / "src" / "gradtape" / "engine" / "elementary" / "coefficients.py"

mp.dps = 60
Function = Callable[[mpf], mpf]


@dataclass
class Part:
    """One polynomial: what it approximates on ``[low, high]``, its weight, and its degree for float and double."""

    name: str
    meaning: str
    target: Function
    weight: Function
    low: mpf
    high: mpf
    degrees: dict[str, int]


def polynomial(coefficients: list[mpf], z: mpf) -> mpf:
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * z + c
    return total


def remez(part: Part, degree: int) -> list[mpf]:
    """The coefficients, lowest first, of the polynomial whose weighted error equi-oscillates."""
    count = degree + 2
    middle, radius = (part.low + part.high) / 2, (part.high - part.low) / 2
    # Chebyshev points, moved a little so that none is the middle, where the weight of EXP is zero.
    points = [middle - radius * mp.cos(mp.pi * (2 * i + mpf("1.1")) / (2 * count)) for i in range(count)]
    grid = [middle - radius * mp.cos(mp.pi * (i + mpf("0.1")) / (20 * count)) for i in range(20 * count)]
    values = [(z, part.target(z), part.weight(z)) for z in grid]
    for _ in range(12):
        rows = [[z**i for i in range(degree + 1)] + [(-1) ** n / part.weight(z)] for n, z in enumerate(points)]
        solution = list(mp.lu_solve(mp.matrix(rows), mp.matrix([part.target(z) for z in points])))
        coefficients, level = solution[:-1], abs(solution[-1])
        errors = [(weight * (polynomial(coefficients, z) - target), z) for z, target, weight in values]
        points = extrema(errors, count)
        if max(abs(error) for error, _ in errors) < level * mpf("1.001"):
            break
    return coefficients


def extrema(errors: list[tuple[mpf, mpf]], count: int) -> list[mpf]:
    """Where the error is largest between its changes of sign: `count` points with alternating signs."""
    peaks: list[tuple[mpf, mpf]] = []
    for error, z in errors:
        if error == 0:
            continue
        if peaks and (peaks[-1][0] > 0) == (error > 0):
            if abs(error) > abs(peaks[-1][0]):
                peaks[-1] = (error, z)
        else:
            peaks.append((error, z))
    while len(peaks) > count:
        peaks.pop(0 if abs(peaks[0][0]) < abs(peaks[-1][0]) else -1)
    if len(peaks) < count:
        raise RuntimeError("the error does not alternate often enough; is the weight zero inside the interval?")
    return [z for _, z in peaks]


def rounded_fit(part: Part, degree: int) -> list[float]:
    """The coefficients as doubles; if that is better, the others are fitted again behind the rounded first one."""
    whole = [float(c) for c in remez(part, degree)]
    behind = replace(
        part, target=lambda z: (part.target(z) - mpf(whole[0])) / z, weight=lambda z: abs(part.weight(z) * z)
    )
    again = [whole[0], *[float(c) for c in remez(behind, degree - 1)]]
    return min(whole, again, key=lambda coefficients: achieved(part, coefficients))


def achieved(part: Part, coefficients: list[float]) -> float:
    """log2 of the largest weighted error of the rounded coefficients."""
    exact = [mpf(c) for c in coefficients]
    middle, radius = (part.low + part.high) / 2, (part.high - part.low) / 2
    grid = [middle - radius * mp.cos(mp.pi * i / 400) for i in range(401)]
    worst = max(abs(part.weight(z) * (polynomial(exact, z) - part.target(z))) for z in grid)
    return float(mp.log(worst, 2))


def series(ratio: Callable[[int], mpf]) -> Function:
    """The power series with these coefficients, for targets whose closed form cancels near zero."""
    terms = [ratio(n) for n in range(70)]
    return lambda z: polynomial(terms, z)


def even(numerator: Function, remove: int) -> Function:
    """(numerator(r) / r) as a function of z = r², to weigh relative errors: z**remove / (numerator(r)/r)."""
    return lambda z: z**remove / (numerator(mp.sqrt(z)) / mp.sqrt(z))


def parts() -> list[Part]:
    edge = mpf("1.0001")  # the reduced argument may pass its bound by the rounding of the reduction
    half_ln2 = mp.log(2) / 2 * edge
    quarter_pi = (mp.pi / 4 * edge) ** 2
    log_bound = (2 * (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) * edge) ** 2
    atan_bound = (mpf("0.25") * edge) ** 2
    erf_bound = (mpf("0.5") * edge) ** 2
    tiny = mpf(10) ** -30
    slope = 2 / mp.sqrt(mp.pi)
    head, zero_head = gamma_head(), digamma_head()

    def log_term(n: int) -> mpf:
        return 1 / ((2 * n + 3) * mpf(4) ** (n + 1))

    return [
        Part("EXP", "expm1(r) = r + r²/2 + r³ P(r), |r| <= log(2)/2", series(lambda n: 1 / mp.factorial(n + 3)),
             lambda r: r**3 / mp.expm1(r) if r else mpf(0), -half_ln2, half_ln2, {"short": 4, "long": 9}),
        Part("LOG", "log(1+f) = s + s³ P(s²), s = f/(1 + f/2), sqrt(1/2) <= 1+f <= sqrt(2)",
             series(log_term),
             even(lambda s: 2 * mp.atanh(s / 2), 1), tiny, log_bound, {"short": 3}),
        Part("LOG_MEDIUM", "the same, for the power of floats", series(log_term),
             even(lambda s: 2 * mp.atanh(s / 2), 1), tiny, log_bound, {"short": 4}),
        Part("LOG_TAIL", "log(1+f) = s + s³ (1/12 + s²/80 + s⁴ P(s²)), for double",
             series(lambda n: log_term(n + 2)), even(lambda s: 2 * mp.atanh(s / 2), 3), tiny, log_bound, {"long": 6}),
        Part("SIN", "sin(r) = r + r³ P(r²), |r| <= π/4", series(lambda n: (-1) ** (n + 1) / mp.factorial(2 * n + 3)),
             even(mp.sin, 1), tiny, quarter_pi, {"short": 3, "long": 6}),
        Part("COS", "cos(r) = 1 - r²/2 + r⁴ P(r²), |r| <= π/4", series(lambda n: (-1) ** n / mp.factorial(2 * n + 4)),
             lambda z: z**2 / mp.cos(mp.sqrt(z)), tiny, quarter_pi, {"short": 2, "long": 6}),
        Part("ATAN", "atan(u) = u + u³ P(u²), |u| <= 1/4", series(lambda n: mpf((-1) ** (n + 1)) / (2 * n + 3)),
             even(mp.atan, 1), tiny, atan_bound, {"short": 3, "long": 9}),
        Part("ERF", "erf(x) = x (2/√π + x² P(x²)), |x| <= 1/2",
             series(lambda n: slope * (-1) ** (n + 1) / (mp.factorial(n + 1) * (2 * n + 3))),
             even(mp.erf, 1), tiny, erf_bound, {"short": 4, "long": 8}),
        Part("ERFC", "exp(x²) erfc(x) = z P(z - ERFC_MIDDLE), z = 3/(x + 3), 0 <= x <= 10.5, for float",
             lambda h: decay_factor(h + ERFC_MIDDLE), lambda h: 1 / decay_factor(h + ERFC_MIDDLE),
             3 / mpf("13.5") - ERFC_MIDDLE, 1 - ERFC_MIDDLE, {"short": 11}),
        Part("GAMMA", "lgamma(3/2 + u) = (u² - 1/4) P(u), |u| <= 1/2, for float", gamma_factor,
             lambda u: 1 / gamma_factor(u), -mpf("0.5"), mpf("0.5"), {"short": 12}),
        Part("GAMMA_TAIL", "lgamma(3/2 + u) = (u² - 1/4) (GAMMA_HEAD(u) + u⁴ P(u)), |u| <= 1/2, for double",
             behind(gamma_factor, head), lambda u: u**4 / gamma_factor(u), -mpf("0.5"), mpf("0.5"), {"long": 20}),
        Part("STIRLING", "log Γ(x) = (x - 1/2) log(x) - x + log(2π)/2 + P(1/x²)/x, x >= 3", stirling_factor,
             lambda z: mp.sqrt(z) / mp.loggamma(1 / mp.sqrt(z)), mpf(10) ** -6, mpf(1) / 9, {"short": 5, "long": 13}),
        Part("DIGAMMA", "ψ(x₀ + u) = u P(u), |u| <= 1/4, for float", digamma_factor,
             lambda u: 1 / digamma_factor(u), -mpf("0.25"), mpf("0.25"), {"short": 9}),
        Part("DIGAMMA_TAIL", "ψ(x₀ + u) = u (DIGAMMA_HEAD(u) + u⁴ P(u)), |u| <= 1/4, for double",
             behind(digamma_factor, zero_head), lambda u: u**4 / digamma_factor(u), -mpf("0.25"), mpf("0.25"),
             {"long": 13}),
    ]  # fmt: skip


ERFC_MIDDLE = mpf("0.625")
ERFC_ROWS = 32
ERFC_FIRST = 3
"""Rows per unit of z, and the first one: x = 28 and less."""
ERFC_DEGREE = 8


def decay_factor(z: mpf) -> mpf:
    """exp(x²) erfc(x) / z for z = 3/(x + 3), which is smooth up to z = 0."""
    x = 3 / z - 3
    return mp.exp(x * x) * mp.erfc(x) / z


def gamma_factor(u: mpf) -> mpf:
    """lgamma(3/2 + u) / (u² - 1/4), smooth on [-1/2, 1/2]."""
    if abs(abs(u) - mpf("0.5")) < mpf(10) ** -40:
        return mp.digamma(u + mpf("1.5")) / (2 * u)
    return mp.loggamma(u + mpf("1.5")) / (u * u - mpf("0.25"))


def stirling_factor(z: mpf) -> mpf:
    """What Stirling's formula leaves out of log Γ(x), times x, for z = 1/x²."""
    x = 1 / mp.sqrt(z)
    with mp.workdps(90):
        return x * (mp.loggamma(x) - (x - mpf("0.5")) * mp.log(x) + x - mp.log(2 * mp.pi) / 2)


@cache
def digamma_zero() -> mpf:
    with mp.workdps(120):
        return mp.findroot(mp.digamma, mpf("1.46163214496836234126265954232572"))


def digamma_factor(u: mpf) -> mpf:
    """ψ(x₀ + u) / u at the positive zero x₀ of ψ."""
    with mp.workdps(90):
        zero = digamma_zero()
        return mp.digamma(zero + u) / u if u else mp.psi(1, zero)


def behind(function: Function, head: list[mpf]) -> Function:
    """(function(u) - head(u)) / u**len(head), where head is the beginning of the function's power series."""
    return lambda u: (function(u) - polynomial(head, u)) / u ** len(head)


def gamma_head() -> list[mpf]:
    with mp.workdps(120):
        return mp.taylor(gamma_factor, 0, 3)


def digamma_head() -> list[mpf]:
    with mp.workdps(120):
        zero = digamma_zero()
        return [mp.psi(n + 1, zero) / mp.factorial(n + 1) for n in range(4)]


def erfc_rows() -> list[tuple[float, ...]]:
    """Row i: the polynomial for `decay_factor` on [i, i + 1] / ERFC_ROWS around the middle of that interval, by
    interpolation at Chebyshev's points; last the low part of its first coefficient."""
    count = ERFC_DEGREE + 1
    offsets = [mp.cos(mp.pi * (2 * i + 1) / (2 * count)) / (2 * ERFC_ROWS) for i in range(count)]
    rows = []
    for row in range(ERFC_FIRST, ERFC_ROWS):
        middle = (row + mpf("0.5")) / ERFC_ROWS
        powers = mp.matrix([[h**i for i in range(count)] for h in offsets])
        exact = list(mp.lu_solve(powers, mp.matrix([decay_factor(middle + h) for h in offsets])))
        first, low = doubles(exact[0], 2)
        rows.append((first, *[float(c) for c in exact[1:]], low))
    return rows


def constants() -> list[tuple[str, str, tuple[float, ...]]]:
    """Name, meaning and value as an unevaluated sum of doubles."""
    return [
        ("LOG2_E", "1/log(2)", doubles(1 / mp.log(2), 2)),
        ("LN2", "log(2)", doubles(mp.log(2), 2)),
        ("LOG10_E", "1/log(10)", doubles(1 / mp.log(10), 2)),
        ("LOG10_2", "log(2)/log(10)", doubles(mp.log(2) / mp.log(10), 2)),
        ("TWO_OVER_PI", "2/π", doubles(2 / mp.pi, 1)),
        ("HALF_PI", "π/2", doubles(mp.pi / 2, 3)),
        ("PI", "π", doubles(mp.pi, 2)),
        ("QUARTER_PI", "π/4 = atan(1)", doubles(mp.pi / 4, 2)),
        ("ATAN_HALF", "atan(1/2)", doubles(mp.atan(mpf(1) / 2), 2)),
        ("TWELFTH", "1/12, the first coefficient of LOG's series", doubles(mpf(1) / 12, 2)),
        ("EIGHTIETH", "1/80, the second coefficient of LOG's series", doubles(mpf(1) / 80, 2)),
        ("TWO_OVER_SQRT_PI", "2/√π, the slope of erf at 0", doubles(2 / mp.sqrt(mp.pi), 2)),
        ("SQRT_HALF", "√(1/2)", doubles(mp.sqrt(mpf("0.5")), 2)),
        ("NORMAL_DENSITY", "1/√(2π)", doubles(1 / mp.sqrt(2 * mp.pi), 2)),
        ("SQRT_EIGHT_OVER_PI", "√(8/π)", doubles(mp.sqrt(8 / mp.pi), 3)),
        ("ONE_OVER_PI", "1/π", doubles(1 / mp.pi, 2)),
        ("HALF_LOG_TWO_PI", "log(2π)/2", doubles(mp.log(2 * mp.pi) / 2, 2)),
        ("DIGAMMA_ZERO", "the positive zero of ψ", doubles(digamma_zero(), 3)),
        ("ERFC_MIDDLE", "the middle of ERFC's interval", doubles(ERFC_MIDDLE, 1)),
    ]


def heads() -> list[tuple[str, str, list[mpf]]]:
    """Name, meaning and first coefficients of a power series, each as a sum of two doubles."""
    return [
        ("GAMMA_HEAD", "the power series of lgamma(3/2 + u) / (u² - 1/4)", gamma_head()),
        ("DIGAMMA_HEAD", "the power series of ψ(x₀ + u) / u", digamma_head()),
    ]


def table(name: str, rows: list[tuple[float, ...]]) -> list[str]:
    """Numbers stand side by side: with one on each line, the file would be a fifth larger."""
    wrapped = (textwrap.wrap(f"{row!r},", 120, initial_indent="    ", subsequent_indent="     ") for row in rows)
    return ["# fmt: off", f"{name} = (", *[line for lines in wrapped for line in lines], ")", "# fmt: on"]


def show(numbers: tuple[float, ...] | list[float]) -> list[str]:
    return [f"    {number!r}," for number in numbers]


def entry(key: tuple[str, int], rows: tuple[Expansion, ...]) -> list[str]:
    lines = [f'    ("{key[0]}", {key[1]}): (']
    for row in rows:
        lines += ["        Expansion(", f"            radius={row.radius!r},", f"            zero={row.zero!r},"]
        lines += ["            terms=(", *[f"                {c!r}," for c in row.terms], "            ),"]
        lines += [f"            lows={row.lows!r},", f"            short={row.short},", "        ),"]
    return [*lines, "    ),"]


BITS_OF_TWO_OVER_PI = 1216
"""Enough for x = 2**1023: 971 integer bits of 2**(1023-52) * 2/π, and 212 bits behind the point (see tables)."""


def text() -> str:
    lines = [
        '"""Written by tools/coefficients.py; change that script, not this file.',
        "",
        "Polynomials: coefficients, lowest first; the error noted is the relative error of the function on the left.",
        "Constants: an unevaluated sum of doubles, largest first.",
        '"""',
        "",
        "from typing import NamedTuple",
        "",
        "",
        "class Series(NamedTuple):",
        '    """One polynomial in two lengths: for float results and for double results."""',
        "",
        "    short: tuple[float, ...]",
        "    long: tuple[float, ...]",
        "",
        "",
        "class Expansion(NamedTuple):",
        '    """A function next to its zero z, up to the radius: u (c₁ + c₂ u + …) with u = x - z.',
        "",
        "    `zero` is a sum of three doubles; the first of the coefficients `terms` have low parts, `lows`. A float",
        "    result needs the first `short` terms.",
        '    """',
        "",
        "    radius: float",
        "    zero: tuple[float, float, float]",
        "    terms: tuple[float, ...]",
        "    lows: tuple[float, ...]",
        "    short: int",
        "",
    ]
    for part in parts():
        found: dict[str, list[str]] = {}
        for length, degree in part.degrees.items():
            rounded = rounded_fit(part, degree)
            note = f"    # degree {degree}, relative error 2^{math.ceil(10 * achieved(part, rounded)) / 10:.1f}"
            found[length] = [note, *show(rounded)]
        lines += ["", f"# {part.meaning}"]
        if len(found) == 1:
            lines += [f"{part.name} = (", *next(iter(found.values())), ")"]
            continue
        lines.append(f"{part.name} = Series(")
        for length, body in found.items():
            lines += [f"    {length}=(", *["    " + line for line in body], "    ),"]
        lines.append(")")
    lines.append("")
    for name, meaning, numbers in constants():
        lines += [f"{name} = {numbers!r}  # {meaning}"]
    for name, meaning, exact in heads():
        lines += ["", f"# {meaning}", f"{name} = (", *[f"    {doubles(c, 2)!r}," for c in exact], ")"]
    lines += ["", f"ERFC_ROWS = {ERFC_ROWS}", f"ERFC_FIRST = {ERFC_FIRST}"]
    lines += [
        "# exp(x²) erfc(x) = z P(h) for double, where z = 3/(x + 3) = (row + 1/2)/ERFC_ROWS + h;",
        "# rows from ERFC_FIRST on; the last number is the low part of the first",
        *table("ERFC_TABLE", erfc_rows()),
    ]
    lines += ["", f"LGAMMA_FIRST = {LGAMMA_FIRST}", f"LGAMMA_PAIRS = {LGAMMA_PAIRS}"]
    lines += [
        "# the zero of lgamma between -m/2 - 1/2 and -m/2, as three doubles, and |1/Γ| - 1 around it by powers from",
        "# the first on, the first LGAMMA_PAIRS as two doubles; rows from m = LGAMMA_FIRST on",
        *table("LGAMMA_TABLE", lgamma_rows()),
        "",
        "# the zero of ψ between -n - 1 and -n, as three doubles, and ψ around it by powers from the first on, the",
        "# first as two doubles; rows from n = 0 on",
        *table("PSI_TABLE", psi_rows()),
        "",
        "# where derivatives of activation functions vanish, by the name of the function and the order",
        "ZEROS: dict[tuple[str, int], tuple[Expansion, ...]] = {",
        *[line for key, rows in expansions().items() for line in entry(key, rows)],
        "}",
    ]
    with mp.workprec(BITS_OF_TWO_OVER_PI + 64):
        digits = f"{int(mp.floor(2 / mp.pi * mpf(2) ** BITS_OF_TWO_OVER_PI)):0{BITS_OF_TWO_OVER_PI // 4}X}"
    lines += ["", f"TWO_OVER_PI_BITS = {BITS_OF_TWO_OVER_PI}", "# floor(2/π * 2**TWO_OVER_PI_BITS)"]
    rows = [f'    "{digits[i : i + 96]}"' for i in range(0, len(digits), 96)]
    lines += ["TWO_OVER_PI_INTEGER = int(", "\n".join(rows) + ",", "    16,", ")", ""]
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail if the file is out of date")
    check = arguments.parse_args().check
    made = text()
    if check:
        sys.exit(OUTPUT.read_text(encoding="utf-8") != made)
    OUTPUT.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
