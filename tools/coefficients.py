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
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

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
    tiny = mpf(10) ** -30

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
    ]  # fmt: skip


def doubles(exact: mpf, count: int) -> tuple[float, ...]:
    """An unevaluated sum of `count` doubles."""
    out = []
    for _ in range(count):
        out.append(float(exact))
        exact -= mpf(out[-1])
    return tuple(out)


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
    ]


def show(numbers: tuple[float, ...] | list[float]) -> list[str]:
    return [f"    {number!r}," for number in numbers]


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
