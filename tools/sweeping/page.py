"""Writes docs/accuracy.md from what the state knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gradtape.engine.elementary.coefficients import PSI_TABLE
from sweeping import peers, rows, zeros
from sweeping.binary import DERIVATIVES
from sweeping.binary import FUNCTIONS as BINARY_FUNCTIONS
from sweeping.functions import CONTRACT, HIGH_CONTRACT, HIGH_FUNCTIONS, HIGH_ORDERS, ORDERS, catalogue, exists
from sweeping.halves import HALVES
from sweeping.measure import Tally
from sweeping.state import BINARY, FLOAT32, FLOAT64, HIGH, ROWS, ZEROS, Row, State

PATH = Path(__file__).parents[2] / "docs" / "accuracy.md"

INTRODUCTION = """\
# How exact values and derivatives are

This page is written by `python tools/sweep.py` and holds nothing else than what it measured; the results are in
`tools/sweeping/measured`, each with a fingerprint of the kernels that it holds for. Orders are those of the derivative,
0 is the value; derivatives are taken through nested `GradientTape`s.

For a result r and the true value t the error is |r − t| / ulp(t), with the spacing of the format at t. The *mixed*
error is |r − t| / (ulp(t) + |t′|·ulp(x)/2): next to a zero of a derivative, half an ulp of x is as much as anybody
knows about x. The contract is 1 ulp for values; 2 ulp for first derivatives, mixed where a zero of the derivative is no
more than 1024 ulps of x away; and 4 ulp of the mixed error for the second and third. What it counts so is the column
*counted*. A result is *broken* if it is NaN, 0 or infinite where the true value rounded to the format is not, or
the other way round; that is over the contract at every order, and has no size in ulps.
"""

SUMMARY = """
The largest errors that are counted, in ulps, and where they were found; each function has its own row further down.
"""

SINGLE = """
## float32

The truth is the float64 kernel of the same function and order, which the last table holds against true values.
A largest error of 0.5 says that every result was the nearest float32 number. `2³²` inputs are all there are, NaNs
included; functions with the same kernels, as `silu` and `swish`, are measured once. Other counts are of a stratified
sample: a third over all exponents and both signs, a third random bit patterns, a third of ordinary size; and the
neighbours of powers of two, of multiples of 1/2 and of π/2, of the numbers that the kernels compare with, and of those
where the result overflows, vanishes or changes its sign.
"""

PEERS = """
The peers differentiate their own function of that name, order by order, with their own tools ({versions}), at a
sample of the same kind with about {count} inputs. A cell says: largest error in ulps · share of the inputs over the
contract · share that is broken. "–" is no such function, or one that is defined otherwise (another default, say).
"""

DOUBLE = """
## float64

There are two oracles. Arb (python-flint) is the fast one: what each primitive says it is with mpmath is read with Arb's
power series, whose coefficients are balls that hold the true value for certain; the precision grows until 70 bits of
each are known. mpmath is the independent one: it differentiates the same definition numerically in 400 bits, which
takes far longer. It stands in where Arb's series do not have a function, at a few hundred inputs, and the tests
(`tests/laws/test_sweep_against_arb.py`) hold one against the other: they must agree to 68 bits. Neither uses the
derivatives of the table. The inputs are the same kind of sample. Left out are breakpoints of
piecewise functions, whose derivative is a convention, and for derivatives what lies outside of a function's domain.
"""

HIGH_ORDER = """
## Orders 4 to 10

Bound: {bound:g} ulp of the mixed error at every order from 4 to 10 of these functions, against Arb at the same kind of
sample with about {count} inputs. A cell says: largest mixed error · largest error in ulps, which next to a zero of the
derivative is what half an ulp of x makes of it.
"""


HALF = """
## float16 and bfloat16

The contract is that a result is float32's, rounded once: the last column counts where it is not, at all 65536 inputs
of each type. The largest error is that against the truth, and *not nearest* counts results that are not the number of
the type nearest to it: rounded to float32 first, such a one had lost the side of a tie.
"""

TWO = """
## Functions of two variables

x is the first argument, y the second: `pow` is x to the power y, `atan2` the angle of (y, x) as its arguments are
called, `xlogy` x·log(y). A cell says for a derivative by these variables what is counted: ulps for the value, half an
ulp of each argument allowed as above. The contract is the same: 1, 2, 4 and 4 ulp by order. True values come from Arb,
at about {count} pairs: all exponents, ordinary sizes, x next to y, x or y next to small whole numbers, and all pairs of
special numbers with subnormal ones among them; for `pow` x > 0, for `xlogy` y > 0.
"""


NEXT_TO_ZERO = """
## Next to zeros

Largest errors in ulps of the result, with no allowance for x, at about {count} inputs per row: four neighbours of each
zero on both sides, and numbers in distances of all sizes. Of `digamma`, which has a zero between any two poles, these
are the zeros down to -{far}, and {some} up to {limit:.0e} for float64 and {short_limit:.0e} for float32, spread evenly
over the powers of two. Up to the {psi}th, float64 has them in a table; behind it is double-double arithmetic.
"""

ROW = """
## Functions of a row of numbers

*value* is what the function gives; *entries* are entries of its Jacobian, taken as the gradient for a cotangent that is
1 at one place; *vjp* is the gradient for random cotangents, with a common part in some. A number t that depends on
many arguments has the mixed error |r − t| / (ulp(t) + Σⱼ |∂t/∂xⱼ|·ulp(xⱼ)/2): half an ulp of each is allowed for, of
x for entries, of x and the cotangents for a vjp. So far the true value moves, to first order, if each argument is a
rounded number. The contract is 1 ulp for values; 2 ulp for entries, mixed next to a zero as above; and 2 ulp of the
mixed error for a vjp, which is a sum that cancels as the cotangents have it.

True values come from Arb, for about {count} rows of 1 to 1000 numbers: ordinary, nearly and exactly equal, of only two
values, spread from -800 to 800, around 10⁴ and as large as that, with one that has nearly all, with -inf, subnormal,
and of all exponents. It is said of which kind and how long the worst row is.
"""


def write(state: State) -> None:
    PATH.write_text("\n".join(lines(state)) + "\n", encoding="utf-8")


def lines(state: State) -> Iterator[str]:
    yield INTRODUCTION + SUMMARY
    yield from _table(["type", "value", "1st", "2nd", "3rd derivative", "pairs", "over"], _summary(state))
    yield SINGLE.rstrip("\n")
    shown = [peer for peer in peers.TITLES if state.counts([peer])]
    if shown:
        versions = ", ".join(f"{peers.TITLES[peer]} {' and '.join(state.codes(peer))}" for peer in shown)
        yield PEERS.format(versions=versions, count=_count(max(state.counts(shown)))).rstrip("\n")
    yield ""
    heads = ["function", "order", "max ulp", "at x", "counted", "over", "broken", "inputs"]
    heads += [peers.TITLES[peer] for peer in shown]
    yield from _table(heads, _single(state, shown))
    yield from _over(state, FLOAT32)
    halves = list(_half(state))
    if halves:
        yield HALF
        heads = ["function", "order"]
        for name in HALVES:
            heads += [f"{name}: max ulp", "at x", "not nearest", "broken", "not float32's"]
        yield from _table(heads, halves)
    doubles = list(_double(state))
    if doubles:
        yield DOUBLE
        yield from _table(
            ["function", "order", "max ulp", "at x", "counted", "at x", "over", "broken", "inputs"], doubles
        )
        yield from _over(state, FLOAT64)
    if counts := state.counts(BINARY):
        yield TWO.format(count=_count(max(counts)))
        heads = [f"∂{variables}" if variables else "value" for variables in DERIVATIVES]
        yield from _table(["function", "type", *heads], _two(state))
    if counts := state.counts(ZEROS):
        limits = {"limit": zeros.LIMITS[FLOAT64], "short_limit": zeros.LIMITS[FLOAT32]}
        yield NEXT_TO_ZERO.format(
            count=_count(max(counts)), far=zeros.FAR, some=zeros.SOME, psi=len(PSI_TABLE), **limits
        )
        yield from _table(["function", "order", "type", "max ulp", "at x", "broken", "inputs"], _zeros(state))
    if counts := state.counts(ROWS):
        yield ROW.format(count=_count(max(counts)))
        heads = ["function", "what", "type", "max ulp", "in a row", "counted", "in a row", "contract", "over", "broken"]
        yield from _table([*heads, "numbers"], _rows(state))
    if counts := state.counts(HIGH):
        yield HIGH_ORDER.format(bound=HIGH_CONTRACT, count=_count(max(counts)))
        yield from _table(["function", "type", *map(str, HIGH_ORDERS)], _high(state))


def _known(state: State, table: str) -> Iterator[tuple[str, int, Tally, bool]]:
    for name in catalogue():
        for order in ORDERS:
            if exists(name, order) and (found := state.row(table, name, order)):
                yield name, order, found.tally, found.part.is_all


def _summary(state: State) -> Iterator[list[str]]:
    for table in (FLOAT32, FLOAT64):
        known = list(_known(state, table))
        worst = [
            max((row for row in known if row[1] == k), key=lambda row: row[2].counted, default=None) for k in ORDERS
        ]
        cells = ["" if row is None else f"{_ulps(row[2].counted)} `{row[0]}`" for row in worst]
        yield [table, *cells, str(len(known)), str(sum(bool(row[2].over) for row in known))]


def _single(state: State, shown: list[str]) -> Iterator[list[str]]:
    for name, order, tally, complete in _known(state, FLOAT32):
        row = [f"`{name}`", str(order), _ulps(tally.ulps), _place(tally.ulps_at), _ulps(tally.counted)]
        row += [_count(tally.over), _count(tally.wrong), "2³²" if complete else _count(tally.inputs)]
        yield row + [_peer(state.row(peer, name, order)) for peer in shown]


def _half(state: State) -> Iterator[list[str]]:
    for name in catalogue():
        for order in ORDERS:
            found = [state.row(table, name, order) for table in HALVES if exists(name, order)]
            if any(found):
                row = [f"`{name}`", str(order)]
                for one in found:
                    row += ["–"] * 5 if one is None else _half_cells(one.tally)
                yield row


def _half_cells(tally: Tally) -> list[str]:
    counts = [_count(number) for number in (tally.inexact or 0, tally.wrong, tally.over)]
    return [_ulps(tally.ulps), _place(tally.ulps_at), *counts]


def _double(state: State) -> Iterator[list[str]]:
    for name, order, tally, _ in _known(state, FLOAT64):
        row = [f"`{name}`", str(order), _ulps(tally.ulps), _place(tally.ulps_at), _ulps(tally.counted)]
        yield row + [_place(tally.counted_at), _count(tally.over), _count(tally.wrong), _count(tally.inputs)]


def _two(state: State) -> Iterator[list[str]]:
    for name in BINARY_FUNCTIONS:
        for table, dtype in BINARY.items():
            found = [state.row(table, f"{name} {v}".strip(), len(v)) for v in DERIVATIVES]
            if any(found):
                yield [f"`{name}`", dtype, *["" if known is None else _counted(known.tally) for known in found]]


def _zeros(state: State) -> Iterator[list[str]]:
    for name, order in zeros.names():
        for table, dtype in ZEROS.items():
            if found := state.row(table, name, order):
                tally = found.tally
                row = [f"`{name}`", str(order), dtype, _ulps(tally.ulps), _place(tally.ulps_at)]
                yield [*row, _count(tally.wrong), _count(tally.inputs)]


def _rows(state: State) -> Iterator[list[str]]:
    for name, order in rows.names():
        for table, dtype in ROWS.items():
            if found := state.row(table, name, order):
                tally = found.tally
                function, _, what = name.partition(" ")
                kinds = [
                    "" if at is None else rows.place(dtype, found.part.count, at)
                    for at in (tally.ulps_at, tally.counted_at)
                ]
                row = [f"`{function}`", what or "value", dtype, _ulps(tally.ulps), kinds[0], _ulps(tally.counted)]
                row += [kinds[1], f"{CONTRACT[order]:g}", _count(tally.over), _count(tally.wrong)]
                yield [*row, _count(tally.inputs)]


def _counted(tally: Tally) -> str:
    beyond = f", over at {_count(tally.over)} of {_count(tally.inputs)}" if tally.over else ""
    return _ulps(tally.counted) + beyond


def _high(state: State) -> Iterator[list[str]]:
    for name in HIGH_FUNCTIONS:
        for table, dtype in HIGH.items():
            found = [state.row(table, name, order) for order in HIGH_ORDERS]
            if any(found):
                yield [f"`{name}`", dtype, *["" if known is None else _both(known.tally) for known in found]]


def _both(tally: Tally) -> str:
    beyond = f", over at {_count(tally.over)} of {_count(tally.inputs)}" if tally.over else ""
    return f"{_ulps(tally.counted)} · {_ulps(tally.ulps)}{beyond}"


def _over(state: State, table: str) -> Iterator[str]:
    """A sentence, and what is over its contract."""
    known = list(_known(state, table))
    bad = [row for row in known if row[2].over]
    complete = sum(row[3] for row in known)
    looked = [(complete, "at all 2³² inputs"), (len(known) - complete, "at a sample")]
    pairs = f"pairs of a function and an order ({', '.join(f'{n} {where}' for n, where in looked if n)})"
    yield ""
    if not bad:
        yield f"Of {len(known)} {pairs}, none is over the contract anywhere."
        return
    yield f"Of {len(known)} {pairs}, {len(bad)} are over the contract somewhere:"
    yield ""
    for name, order, tally, _ in bad:
        error, at = _ulps(tally.counted), _place(tally.counted_at)
        size = f" {error} ulp at x = {at}" if tally.counted > CONTRACT[order] else ""
        broken = (
            f" broken at {_count(tally.wrong)} inputs, x = {_place(tally.wrong_at)} among them" if tally.wrong else ""
        )
        yield f"- `{name}`, order {order}:{size}{',' if size and broken else ''}{broken}"


def _table(heads: list[str], lines: Iterator[list[str]] | list[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|---" + "|---:" * (len(heads) - 1) + "|"
    for row in lines:
        yield f"| {' | '.join(row)} |"


def _peer(found: Row | None) -> str:
    if found is None:
        return "–"
    tally = found.tally
    return f"{_ulps(tally.ulps)} · {_share(tally.over, tally.inputs)} · {_share(tally.wrong, tally.inputs)}"


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole
    return "0" if not part else f"{percent:.0f} %" if percent >= 1 else f"{percent:.1g} %"


def _ulps(error: float) -> str:
    return f"{error:.4f}".rstrip("0").rstrip(".") if error < 10 else f"{error:.1f}" if error < 1000 else f"{error:.1e}"


def _place(x: float | None) -> str:
    return "" if x is None else str(np.float32(x)) if _is_float32(x) else repr(x)


def _is_float32(x: float) -> bool:
    with np.errstate(over="ignore"):
        return float(np.float32(x)) == x


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")
