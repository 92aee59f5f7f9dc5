"""Sums of float64 that lose no digits.

Adding and subtracting a number, the grid, that is 2**26 times as large as every term or larger leaves the leading bits
of each: multiples of one power of two, whose sum is exact for up to 2**26 terms. What they lack is so small that its
rounding does not matter (Rump, Ogita and Oishi, *Accurate floating-point summation*, SIAM Journal on Scientific
Computing 31, 2008).
"""

from __future__ import annotations

from gradtape.graph.node import Node
from gradtape.ops.arithmetic import abs, stop_gradient
from gradtape.ops.selection import where
from gradtape.ops.shaping import SUM, over_runs, spread

GRID = 2.0**26


def total(x: Node, axes: tuple[int, ...], short: int) -> Node:
    """Σ x of float64, with one rounding; if `short` says that a float32 is to come of it, as it comes."""
    if short:
        return over_runs(SUM, x, axes)
    head, tail = halves(x, 2 * over_runs(SUM, abs(x), axes), axes)
    return head + tail


def halves(x: Node, large: Node, axes: tuple[int, ...], rest: Node | None = None) -> tuple[Node, Node]:
    """Σ x as two numbers, of which the second is far smaller, for |x| that are not above `large`; with a `rest` that
    belongs to x but is smaller than its last bit. The derivative is that of the second number."""
    grid = stop_gradient(large * GRID)
    wide = spread(grid, axes, x.shape)
    leading = stop_gradient((x + wide) - wide)
    lacking = x - leading
    head = over_runs(SUM, leading, axes)
    tail = over_runs(SUM, lacking if rest is None else lacking + rest, axes)
    usual = grid < float("inf")
    return where(usual, head, 0), where(usual, tail, over_runs(SUM, x, axes))
