"""The picture of a function with its derivatives.

Matplotlib's object interface alone is used, so that no display is needed and no figure is kept alive behind the scenes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.study import view
from gradtape.study.derive import check_order
from gradtape.study.subject import check_dtype, check_points, check_range, even_points, subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, distinct for colour-blind eyes (https://jfly.uni-koeln.de/color/), without its yellow."""

STYLES = ("solid", (0, (6, 2)), (0, (6, 2, 1.2, 2)), (0, (1.2, 1.6)), (0, (9, 2, 3, 2)))
"""Line styles, so that curves stay distinct in grey print. Five and seven have no common factor: 35 combinations."""

INK, GRID = "#333333", "#E3E3E3"


def plot(
    f: Any,
    *,
    order: int = 1,
    range: Sequence[float] = (-5, 5),
    points: int = 1001,
    dtype: Any = "float32",
    title: str | None = None,
    name: str | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Draw a function of one variable and its derivatives up to `order`, and return the Matplotlib figure.

    f           a Python function that works element by element on a Tensor, an `Expression`, or text: "sin(x)**2"
    order       up to which derivative, 0 to 30
    range       the two ends of the x axis
    points      how many points are computed, 2 to 1,000,000
    dtype       float16, bfloat16, float32 or float64: how it is computed
    title       else the formula, or the function's name
    name        what the function is called in the legend; else its own name, or f
    figure      what to draw on, for instance ``matplotlib.pyplot.figure()``; else a new Figure

    What is not finite leaves a gap; where a curve has a pole, the y axis ends where something can still be seen.
    ``figure.savefig("name.png")`` writes it to a file.

    Raises ExpressionError for text that cannot be read, ArgumentError or DTypeError for the rest.

    >>> figure = plot("sin(x)**2", order=3, range=(-6, 6))
    >>> [line.get_label() for line in figure.axes[0].get_lines()][:4]
    ['f(x)', 'f′(x)', 'f″(x)', 'f‴(x)']
    """
    check_order(order)
    shown, kind = subject(f, name), check_dtype(dtype)
    low, high = check_range(range, kind)
    x = even_points(low, high, check_points(points), kind)
    curves = shown.values(x, order)
    poles = view.poles(x, curves, lambda closer: shown.values(closer, order))

    if figure is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), dpi=150)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    axes.set_xlim(low, high)  # before the curves, whose own extent may overflow
    axes.set_ylim(*view.limits(curves, poles))
    for n, (y, pole) in enumerate(zip(curves, poles, strict=True)):
        axes.plot(
            *view.thinned(*view.gaps(x, y, pole)),
            label=shown.label(n),
            color=COLOURS[n % len(COLOURS)],
            linestyle=STYLES[n % len(STYLES)],
            linewidth=2.8 if n == 0 else 1.8,  # under the others, so that both are seen where f' is f
            solid_capstyle="round",
            zorder=3 + n / len(curves),
        )
    _dress(axes, shown.variable, [shown.label(n) for n, _ in enumerate(curves)])
    _zero_lines(axes)
    if not any(np.isfinite(y).any() for y in curves):
        note: dict[str, Any] = {
            "transform": axes.transAxes,
            "ha": "center",
            "va": "center",
            "color": INK,
            "fontsize": 12,
        }
        axes.text(0.5, 0.62, "no finite value in this range", **note)
    heading = textwrap.fill(title if title is not None else shown.title(order), 70, max_lines=3, placeholder=" …")
    axes.set_title(heading, fontsize=13, color=INK, pad=10, parse_math=False)
    return figure


def dress(axes: Any, across: str, up: str) -> None:
    """Axis labels, grid and frame, as all pictures have them."""
    axes.set_xlabel(across, fontsize=11, color=INK)
    axes.set_ylabel(up, fontsize=11, color=INK)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=10)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#999999")


def _dress(axes: Any, variable: str, labels: Sequence[str]) -> None:
    """What `dress` does, and the legend."""
    dress(axes, variable, ", ".join(labels) if len(labels) <= 4 else f"{labels[0]}, …, {labels[-1]}")
    # Outside the axes it never covers a curve.
    axes.figure.legend(loc="outside right upper", frameon=False, fontsize=11, labelcolor=INK, handlelength=2.8)


def _zero_lines(axes: Any) -> None:
    """The coordinate axes, where they are in sight."""
    for draw, (low, high) in ((axes.axhline, axes.get_ylim()), (axes.axvline, axes.get_xlim())):
        if low < 0 < high:
            draw(0, color="#9A9A9A", linewidth=1.0, zorder=1.5, label="_zero")
