"""The picture of a function with its derivatives, and what can be shown beside it: tangent, Taylor polynomials,
saturation, extrema and breaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.study.derive import check_order
from gradtape.study.pictures import sampling
from gradtape.study.pictures.breaks import Evaluate
from gradtape.study.pictures.labels import Label, place_labels
from gradtape.study.pictures.near import polynomials, tangent_line
from gradtape.study.pictures.notable import notable, saturated
from gradtape.study.pictures.sampling import Curve, Picture
from gradtape.study.pictures.style import Style, caption, dress, figure_of, heading, key, place, style_of, zero_lines
from gradtape.study.subject import Subject, check_dtype, check_points, check_range, subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND = "Bands reach from the least to the greatest value, where oscillations follow each other too fast to be drawn."

MOST_RINGS = 24
"""Breaks of one curve whose ends are ringed; more would hide it."""

ROOM = 0.06
"""By how much the window is higher, below and above, where words stand beside extrema."""


def plot(
    f: Any,
    *,
    order: int | None = None,
    range: Sequence[float] = (-5, 5),
    points: int = sampling.LOOK,
    dtype: Any = "float32",
    title: str | None = None,
    name: str | None = None,
    tangent: float | None = None,
    taylor: float | None = None,
    terms: int = 3,
    saturation: float | None = None,
    mark: bool = False,
    figure: Figure | None = None,
    axes: Axes | None = None,
    style: str | Style = "light",
) -> Figure:
    """Draw a function of one variable and its derivatives up to `order`, and return the Matplotlib figure.

    f           a Python function that works element by element on a Tensor, an `Expression`, or text: "sin(x)**2"
    order       up to which derivative, 0 to 30; else 1, and 0 beside a tangent or Taylor polynomials
    range       the two ends of the x axis
    points      how many points are looked at before more are taken where they are needed, 2 to 1,000,000
    dtype       float16, bfloat16, float32 or float64: how it is computed
    title       else the formula, or the function's name
    name        what the function is called in the legend; else its own name, or f
    tangent     where to draw the tangent
    taylor      around which point to draw Taylor polynomials
    terms       up to which degree, 1 to 30
    saturation  shade where the slope is at most this, such as 0.01
    mark        mark extrema of f and f′, kinks, jumps and poles with their values
    figure      what to draw on, for instance ``matplotlib.pyplot.figure()``; else a new Figure
    axes        or the axes to draw on
    style       light, grey, dark, paper, or a `Style`

    What is not finite leaves a gap; jumps have an open end and a filled one, and a pole is not joined. Where a curve
    oscillates faster than the picture can show, a band reaches from its least to its greatest values. If a curve has a
    pole, the y axis ends where something can still be seen. ``figure.savefig("name.png")`` writes it to a file.

    Raises ExpressionError for text that cannot be read, ArgumentError or DTypeError for the rest.

    >>> figure = plot("sin(x)**2", order=3, range=(-6, 6))
    >>> [line.get_label() for line in figure.axes[0].get_lines()][:4]
    ['f(x)', 'f′(x)', 'f″(x)', 'f‴(x)']
    """
    if order is None:
        order = 1 if tangent is None and taylor is None else 0
    check_order(order)
    shown, kind, look = subject(f, name), check_dtype(dtype), style_of(style)
    low, high = check_range(range, kind)
    check_points(points)
    exact = evaluation(shown, 2)
    near = [tangent_line(shown, tangent)] if tangent is not None else []
    if taylor is not None:
        near += polynomials(shown, taylor, terms, high / 2 - low / 2)
    if saturation is not None and not saturation > 0:
        raise ArgumentError(f"the slope at which saturation begins is positive, such as 0.01, not {saturation!r}")

    figure, axes = place(look, figure, axes)
    picture = sampling.sample(evaluation(shown, order), low, high, kind, points, columns(axes))
    draw(axes, look, picture, [shown.label(n) for n, _ in enumerate(picture.curves)])
    if saturation is not None:
        _shade(axes, look, saturated(exact, low, high, saturation), f"|{shown.label(1)}| ≤ {saturation:g}")
    x = np.linspace(low, high, 1001)
    for n, one in enumerate(near, len(picture.curves)):
        axes.plot(x, one.value(x), label=one.label, zorder=4, **look.look(n, 1.5))
    for point in {(one.x, one.y) for one in near}:
        axes.plot(*point, marker="o", color=look.ink, markersize=5 * look.weight, zorder=6, label="_point")
    labels = []
    if mark:
        room = ROOM * (picture.top - picture.bottom)
        axes.set_ylim(picture.bottom - room, picture.top + room)
        labels = _marks(axes, look, notable(exact, picture, min(order, 1)))
    whole = [shown.label(n) for n, _ in enumerate(picture.curves)]
    dress(axes, look, shown.variable, ", ".join(whole) if len(whole) <= 4 else f"{whole[0]}, …, {whole[-1]}")
    zero_lines(axes, look)
    if not any(np.isfinite(c.y).any() or c.bands for c in picture.curves):
        words: dict[str, Any] = {"ha": "center", "va": "center", "color": look.ink, "fontsize": look.font}
        axes.text(0.5, 0.62, "no finite value in this range", transform=axes.transAxes, **words)
    heading(axes, look, title if title is not None else shown.title(order))
    if any(c.bands for c in picture.curves):
        caption(axes, look, BAND)
    if len(axes.get_legend_handles_labels()[0]) > 1:
        key(axes, look)
    place_labels(axes, look, labels)
    return figure


def columns(axes: Axes) -> int:
    """About how many pixels wide the axes are."""
    figure = figure_of(axes)
    width = axes.get_position().width * figure.get_figwidth() * figure.dpi
    return int(np.clip(width, 100, 4000))


def evaluation(shown: Subject, order: int) -> Evaluate:
    """The function and its derivatives as one array in float64, however they are computed."""

    def evaluate(x: np.ndarray) -> np.ndarray:
        return np.stack([y.astype(np.float64) for y in shown.values(x, order)])

    return evaluate


def draw(axes: Axes, look: Style, picture: Picture, labels: Sequence[str]) -> None:
    """Draw sampled curves under their names, and set the window."""
    axes.set_xlim(picture.low, picture.high)  # before the curves, whose own extent may overflow
    axes.set_ylim(picture.bottom, picture.top)
    for n, (curve, label) in enumerate(zip(picture.curves, labels, strict=True)):
        width = 2.8 if n == 0 else 1.8  # under the others, so that both are seen where f' is f
        order = 3 + n / len(picture.curves)
        axes.plot(curve.x, curve.y, label=label, zorder=order, **look.look(n, width))
        for band in curve.bands:
            fill: dict[str, Any] = {"facecolor": look.colour(n), "edgecolor": "none"}
            axes.fill_between(*band.T, alpha=0.55, zorder=order - 1, label="_band", **fill)
        _ends(axes, look, curve, n, order)


def _ends(axes: Axes, look: Style, curve: Curve, n: int, order: float) -> None:
    """At each jump a ring at the end without the value, and a dot where the value is; a ring in each hole; a dot for a
    value by itself."""
    rings, dots = [], []
    for b in curve.breaks:
        if b.kind == "jump":
            rings += [(b.x, y) for y in (b.left, b.right) if y != b.value]
            dots.append((b.x, b.value))
        elif b.kind == "hole" and np.isfinite(b.left) and np.isfinite(b.right):
            rings.append((b.x, b.left))
    edges = [b for b in curve.breaks if b.kind == "edge"]
    ends = {b.x for b in edges if np.isnan(b.right)}
    dots += [(b.x, b.value) for b in edges if np.isnan(b.left) and b.x in ends]  # a value without neighbours
    if len(rings) > MOST_RINGS:
        return
    common: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": look.colour(n), "label": "_end"}
    size = 5 * look.weight
    for places, inside in ((rings, look.paper), (dots, look.colour(n))):
        if places:
            axes.plot(*np.array(places).T, markersize=size, markerfacecolor=inside, zorder=order + 1, **common)


def _shade(axes: Axes, look: Style, regions: Sequence[tuple[float, float]], label: str) -> None:
    for i, (a, b) in enumerate(regions):
        name = label if i == 0 else "_saturated"
        axes.axvspan(a, b, facecolor=look.shade, alpha=0.18, edgecolor="none", zorder=0.5, label=name)
        for end in (a, b):
            if axes.get_xlim()[0] < end < axes.get_xlim()[1]:
                axes.axvline(end, color=look.shade, linewidth=0.8 * look.weight, zorder=0.6, label="_saturated")


def _marks(axes: Axes, look: Style, found: Sequence[Any]) -> list[Label]:
    """A mark at each notable place; returned is what to write there."""
    shapes = {"max": "^", "min": "v", "kink": "D", "jump": "s", "pole": "x"}
    for kind, shape in shapes.items():
        places = [(one.x, one.y) for one in found if one.kind == kind and np.isfinite(one.y)]
        if places:
            size = 6 * look.weight
            style: dict[str, Any] = {"linestyle": "none", "marker": shape, "color": look.ink, "markersize": size}
            axes.plot(*np.array(places).T, zorder=6, label=f"_{kind}", **style)
    return [Label(one.x, one.y, one.words(), one.kind == "min") for one in found]
