"""The picture of a function of two variables: its heights as contours, and its gradient as arrows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.study.pictures.labels import Label, place_labels
from gradtape.study.pictures.plane import Critical, Plane, Range2, check_ranges, critical_points, plane
from gradtape.study.pictures.style import Style, canvas, caption, dress, figure_of, heading, place, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

GRID = 241
"""Points along each axis at which heights are computed."""

ARROWS = 15
"""Arrows along the longer axis."""

LEVELS = 14

SKEW, CROWDED = 0.16, 12
"""If the median is so near to one end of the values, contours crowd there; so many of them."""

EQUAL = (0.4, 2.5)
"""If the axes' ratio is between these, their units are equal, so that arrows stand at right angles on contours."""

UNEVEN = 5.0
"""If the longest arrows are so many times longer than the middle one, lengths are drawn as square roots."""

HEAVY = 12.0
"""How many times wider than its middle 90 % the values may spread until the rest is cut off."""

Ends = tuple[float, float]

FAR = 1e240
"""Matplotlib takes 1e250 for what is beyond all contours."""

SHAPES = {"min": "v", "max": "^", "saddle": "X", "flat": "o"}


def field(
    f: Any,
    *,
    range: Range2 = (-3, 3),
    arrows: bool = True,
    mark: bool = True,
    title: str | None = None,
    name: str | None = None,
    figure: Figure | None = None,
    axes: Axes | None = None,
    style: str | Style = "light",
) -> Figure:
    """Draw a function of two variables as contours with its gradient as arrows, and return the Matplotlib figure.

    f         text such as "x**2 - y**2", an `Expression` of two variables, or a Python function of two Tensors that
              works element by element
    range     two numbers for both axes, or two pairs: ((-1, 1), (0, 5))
    arrows    draw the gradient: arrows point uphill, and their lengths are proportional to its size, or to its root,
              whichever the line below says
    mark      mark critical points: minima, maxima, saddles
    title     else the formula, or the function's name
    name      what the function is called
    figure    what to draw on; or the `axes`
    style     light, grey, dark, paper, or a `Style`

    It is computed in float64; the gradients are the tape's. Raises ExpressionError for text that cannot be read,
    ArgumentError for the rest.

    >>> figure = field("x**2 - y**2")
    >>> [text.get_text() for text in figure.axes[0].texts][:1]
    ['saddle 0 at (0, 0)']
    """
    shown, look = plane(f, name), style_of(style)
    across, up = check_ranges(range)
    if figure is None and axes is None:
        figure = canvas(look, None, _size(across, up))
    figure, axes = place(look, figure, axes)
    contours(axes, look, shown, across, up)
    if arrows:
        _arrows(axes, look, shown, across, up)
    dress(axes, look, *shown.variables)
    axes.grid(False)
    heading(axes, look, shown.title if title is None else title)
    if mark:
        place_labels(axes, look, mark_critical(axes, look, critical_points(shown, across, up)))
    return figure


def contours(axes: Axes, look: Style, shown: Plane, across: Ends, up: Ends) -> None:
    """Filled contours with lines between them, and a bar that says which height is which."""
    from matplotlib.colors import BoundaryNorm

    x, y = np.linspace(*across, GRID), np.linspace(*up, GRID)
    z = shown.values(*np.meshgrid(x, y))
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    if EQUAL[0] <= _ratio(across, up) <= EQUAL[1]:
        axes.set_aspect("equal")
    finite = z[np.isfinite(z)]
    if not finite.size:
        words: dict[str, Any] = {"ha": "center", "va": "center", "color": look.ink, "fontsize": look.font}
        axes.text(0.5, 0.5, "no finite value in this range", transform=axes.transAxes, **words)
        return
    levels = levels_of(finite)
    cut = finite.min() < levels[0], finite.max() > levels[-1]
    extend: Any = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[cut]
    if extend != "neither" and np.abs(finite).max() > FAR:
        z, extend = np.clip(z, levels[0], levels[-1]), "neither"
    z, colours = np.ma.masked_invalid(z), pale(look)
    norm = BoundaryNorm(levels, colours.N, extend=extend)  # the same step of colour from each level to the next
    filled = axes.contourf(x, y, z, levels, cmap=colours, norm=norm, extend=extend)
    if np.ptp(finite) > 0:
        # Dashed below zero, so that hills and valleys differ in grey print, too.
        dashes: Any = [(0, (7, 5)) if level < 0 else "solid" for level in levels]
        axes.contour(x, y, z, levels, colors=look.quiet, linewidths=0.7 * look.weight, linestyles=dashes)
    bar = figure_of(axes).colorbar(filled, ax=axes, fraction=0.05, pad=0.02)
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.tick_params(labelsize=0.85 * look.font, colors=look.ink)
    bar.outline.set_visible(False)


def _ratio(across: Ends, up: Ends) -> float:
    return (up[1] - up[0]) / (across[1] - across[0])


def _size(across: Ends, up: Ends) -> tuple[float, float]:
    """Of a new figure, as parts of the style's size: so that axes with equal units fill it."""
    ratio = _ratio(across, up)
    ratio = ratio if EQUAL[0] <= ratio <= EQUAL[1] else 0.7
    return 0.86 / max(1.0, ratio) ** 0.5, 0.2 + min(ratio, 1.4)


def levels_of(values: np.ndarray) -> np.ndarray:
    """Round heights for contours; crowded where most of the values are, if they are at one end, as in a valley.

    >>> levels_of(np.linspace(0, 10, 1001) ** 4).tolist()
    [0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0]
    """
    from matplotlib.ticker import MaxNLocator

    low, high = worth_seeing(values)
    rank = (float(np.median(values)) - low) / (high - low)
    if SKEW <= rank <= 1 - SKEW:
        return np.asarray(MaxNLocator(LEVELS).tick_values(low, high))
    top = 10.0 ** np.ceil(np.log10(high - low))
    steps = np.sort(np.outer([1, 2, 5], top * 10.0 ** -np.arange(6)).ravel())
    steps = steps[: np.searchsorted(steps, (high - low) * (1 - 1e-9)) + 1][-CROWDED:]
    steps = np.concatenate([[0], steps])
    unit = 10.0 ** np.floor(np.log10(steps[1]))
    if rank < SKEW:
        return np.asarray(np.floor(low / unit) * unit + steps)
    return np.asarray(np.ceil(high / unit) * unit - steps[::-1])


def worth_seeing(values: np.ndarray) -> tuple[float, float]:
    """The least and the greatest of finite values, or where they would hide all others, nearer ones."""
    low, high = float(values.min()), float(values.max())
    q1, q9 = np.quantile(values, [0.05, 0.95]).tolist()
    if high - low > HEAVY * (q9 - q1) > 0:
        return max(low, q1 - (q9 - q1)), min(high, q9 + (q9 - q1))
    return (low, high) if high > low else (low - 1, high + 1)


def pale(look: Style) -> Colormap:
    """The colours of heights, mixed with the paper's, so that arrows and words on them can be read."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    strong = colormaps[look.field](np.linspace(0, 1, 256))[:, :3]
    return LinearSegmentedColormap.from_list("pale", 0.5 * strong + 0.5 * np.array(to_rgb(look.paper)))


def _arrows(axes: Axes, look: Style, shown: Plane, across: Ends, up: Ends) -> None:
    """The gradient at the middles of a grid's cells; below the picture an arrow says how long is how much."""
    width, height = across[1] - across[0], up[1] - up[0]
    cell = max(width, height) / ARROWS if axes.get_aspect() == 1.0 else None
    counts = [max(2, round(side / cell)) if cell else ARROWS for side in (width, height)]
    middles = [
        ends[0] + (np.arange(n) + 0.5) * (ends[1] - ends[0]) / n for ends, n in zip((across, up), counts, strict=True)
    ]
    x, y = np.meshgrid(*middles)
    _, *slopes = shown.gradients(x, y)
    u, v = slopes
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.hypot(u, v)
    known = np.isfinite(size) & (size > 0)
    if not known.any():
        return
    largest = float(np.quantile(size[known], 0.98))
    uneven = largest > UNEVEN * float(np.median(size[known]))
    length = np.sqrt(size / largest) if uneven else size / largest
    length = np.minimum(length, 1.3)  # beside a pole an arrow would cross the whole picture
    # Lengths are parts of a cell; directions are those of the axes' own units.
    with np.errstate(all="ignore"):
        u, v = np.where(known, u / size * length, np.nan), np.where(known, v / size * length, np.nan)
    unit = min(width / counts[0], height / counts[1]) if cell else 1.0
    scaled = (u * unit, v * unit) if cell else (u * width / counts[0], v * height / counts[1])
    shape: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1.0, "pivot": "mid", "color": look.ink}
    shape |= {"width": 0.0028, "headwidth": 4.2, "headlength": 5, "headaxislength": 4.4, "zorder": 4}
    quiver = axes.quiver(x[known], y[known], scaled[0][known], scaled[1][known], **shape)
    words = f"Arrows: the gradient. The longest stand for |∇{shown.name}| = {largest:.3g}; "
    words += "lengths are as the root of it." if uneven else "lengths are in proportion."
    quiver.set_label(f"_{words}")
    caption(axes, look, words)


def mark_critical(axes: Axes, look: Style, found: Sequence[Critical]) -> list[Label]:
    """A mark at each critical point; returned is what to write there."""
    for kind, shape in SHAPES.items():
        points = [(c.x, c.y) for c in found if c.kind == kind]
        if points:
            style: dict[str, Any] = {"linestyle": "none", "marker": shape, "markersize": 8 * look.weight}
            style |= {"color": look.ink, "markeredgecolor": look.paper, "label": f"_{kind}", "zorder": 6}
            axes.plot(*np.array(points).T, **style)
    if len(found) > MOST_WORDS:
        return []
    return [Label(c.x, c.y, f"{_words(c)} {c.value:.5g} at ({c.x:.5g}, {c.y:.5g})", c.kind == "min") for c in found]


MOST_WORDS = 9
"""Critical points that are named; of more, the marks tell enough."""


def _words(point: Critical) -> str:
    return "critical, " if point.kind == "flat" else point.kind
