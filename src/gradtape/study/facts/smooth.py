"""Facts about symmetry and smoothness: odd, even, periodic; how often a function is differentiable, and where not."""

from __future__ import annotations

import math
from fractions import Fraction

from gradtape.study.certify import reals
from gradtape.study.certify.interval import Interval
from gradtape.study.certify.signs import Mark
from gradtape.study.facts.analysis import Analysis, is_close
from gradtape.study.facts.fact import Fact, listed, middle, shown

# -- symmetry -------------------------------------------------------------------------------------------------


def parity(a: Analysis) -> Fact:
    odd = even = True
    witness = None
    for x in _probes():
        plus, minus = a.at(x), a.at(-x)
        if plus is None or minus is None:
            return a.fact("parity", None, "not known whether odd or even", False, "some values have no bounds")
        was = odd or even
        odd, even = odd and is_close(plus, -minus), even and is_close(plus, minus)
        if was and not (odd or even):
            witness = x, plus, minus
            break
    if witness:
        x, plus, minus = witness
        statement = f"neither odd nor even: f({shown(x)}) = {shown(plus)}, f({shown(-x)}) = {shown(minus)}"
        return a.fact("parity", "neither", statement, True, a.means)
    name = "odd and even" if odd and even else "odd" if odd else "even"
    formula = {"odd": "f(-x) = -f(x)", "even": "f(-x) = f(x)"}.get(name, "0")
    return a.fact(
        "parity", name, f"{name}: {formula}", False, f"bounds of both agree to 30 digits at {len(_probes())} points"
    )


def _probes() -> list[Fraction]:
    return [
        Fraction(p, 64) for p in (64, 128, 7, 19, 37, 53, 71, 97, 131, 173, 229, 293, 379, 487, 619, 787, 1021, 1289)
    ]


def period(a: Analysis) -> Fact | None:
    """The smallest of the usual periods; None for a function that has none."""
    if all(piece.sign is not None or piece.tiny for piece in a.signs(1)):
        return None
    with reals.precision(reals.BITS):
        pi = reals.pi()
        lengths = [
            ("π/2", pi / 2),
            ("1", reals.number(1)),
            ("π", pi),
            ("2", reals.number(2)),
            ("4", reals.number(4)),
            ("2π", pi * 2),
        ]
    for name, length in lengths:
        agree = True
        for x in _probes():
            with reals.precision(reals.BITS):
                moved = reals.number(x) + length
            here = a.at(x)
            there = a.reader.box(moved.lower(), moved.upper(), False, False).known(0)
            if here is None or there is None or not is_close(here, there):
                agree = False
                break
        if agree:
            how = f"bounds of f(x) and f(x + {name}) agree to 30 digits at {len(_probes())} points"
            return a.fact("period", float(length), f"periodic with period {name}", False, how)
    return None


# -- smoothness -----------------------------------------------------------------------------------------------


def smoothness(a: Analysis) -> Fact:
    known = all(cell.sign is not None for cell in a.line.cells)
    if not a.marks:
        statement = (
            "infinitely differentiable (analytic) wherever it is defined"
            if _partial(a)
            else "infinitely differentiable (analytic)"
        )
        return a.fact("smoothness", "C∞", statement, known, a.means)
    lowest, exact = 4, True
    for mark in a.marks:
        if not a.inside(mark):
            exact = exact and mark.exact
            continue
        order, sure = _order(a, mark)
        if order < lowest:
            lowest, exact = order, sure
        elif order == lowest:
            exact = exact and sure
    if lowest == 4:
        return a.fact(
            "smoothness", "C∞", "infinitely differentiable (analytic) wherever it is defined", known and exact, a.means
        )
    value = "discontinuous" if lowest < 0 else f"C{lowest}"
    words = {
        -1: "not continuous: it jumps",
        0: "continuous, but not differentiable (C0)",
        1: "continuously differentiable once, not twice (C1)",
        2: "continuously differentiable twice, not three times (C2)",
        3: "continuously differentiable at least three times",
    }
    return a.fact("smoothness", value, words[lowest], known and exact, a.means)


def _partial(a: Analysis) -> bool:
    return any(cell.outside for cell in a.line.cells)


def _order(a: Analysis, mark: Mark) -> tuple[int, bool]:
    """How often a function is continuously differentiable at a mark (3 for more), and whether that is proved."""
    for k in range(4):
        same = a.continuous(mark, k)
        if same is False:
            return k - 1, True
        if same is None:
            left, right = a.beside(mark, -1, k), a.beside(mark, 1, k)
            if left is None or right is None or not (left.finite and right.finite):
                return k - 1, False
            rest = _order_of_rest(a, mark, k + 1)
            return rest, False
    return 3, False


def _order_of_rest(a: Analysis, mark: Mark, k: int) -> int:
    """The same for what agrees to all digits that bounds have, though that proves nothing."""
    for order in range(k, 4):
        if a.continuous(mark, order) is False:
            return order - 1
    return 3


def breakpoints(a: Analysis) -> Fact:
    """Where the function or one of its first three derivatives jumps."""
    found, said = [], []
    sure = all(cell.sign is not None for cell in a.line.cells)
    for mark in a.marks:
        if not a.inside(mark):
            continue
        order, certain = _order(a, mark)
        if order == 3:
            sure = sure and certain
            continue
        at = Interval(mark.low, mark.high)
        sides = [[_value(a.beside(mark, side, k)) for k in range(3)] for side in (-1, 1)]
        found.append({"x": middle(at), "class": order, "left": sides[0], "right": sides[1]})
        k = order + 1
        left, right = a.beside(mark, -1, k), a.beside(mark, 1, k)
        prime = "'" * k
        said.append(f"x = {shown(at)}, where f{prime} jumps from {shown(left)} to {shown(right)}")
    statement = "breakpoints: " + listed(said, 4) if said else "no breakpoints"
    return a.fact(
        "breakpoints", found, statement, sure or bool(found and all(c.sign is not None for c in a.line.cells)), a.means
    )


def _value(x: Interval | None) -> float:
    return math.nan if x is None else middle(x)
