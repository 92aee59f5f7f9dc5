"""The picture of a function of two variables as a surface in space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.study.pictures.field import SHAPES, worth_seeing
from gradtape.study.pictures.plane import Range2, check_ranges, critical_points, plane
from gradtape.study.pictures.style import Style, canvas, style_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRID = 61
"""Points along each axis: a mesh that can be seen, in a file that is not large."""


def surface(
    f: Any,
    *,
    range: Range2 = (-3, 3),
    mark: bool = True,
    title: str | None = None,
    name: str | None = None,
    view: tuple[float, float] = (32.0, -58.0),
    figure: Figure | None = None,
    axes: Any = None,
    style: str | Style = "light",
) -> Figure:
    """Draw a function of two variables as a surface above its contours, and return the Matplotlib figure.

    view      from how high it is looked at, and from which side, in degrees
    axes      of Matplotlib's projection "3d"

    The other arguments are those of `field`.

    >>> figure = surface("x*y", range=(-1, 1))
    >>> figure.axes[0].get_title()
    'f(x, y) = x*y'
    """
    shown, look = plane(f, name), style_of(style)
    across, up = check_ranges(range)
    if axes is None:
        figure = canvas(look, figure, (0.9, 1.15))
        axes = figure.add_subplot(projection="3d", computed_zorder=False)
    else:
        figure = axes.figure
    x, y = np.meshgrid(np.linspace(*across, GRID), np.linspace(*up, GRID))
    z = shown.values(x, y)
    finite = z[np.isfinite(z)]
    low, high = worth_seeing(finite) if finite.size else (-1.0, 1.0)
    seen = np.where(np.isfinite(z), np.clip(z, low, high), np.nan)
    floor = low - 0.2 * (high - low)
    mesh: dict[str, Any] = {"rcount": GRID, "ccount": GRID, "linewidth": 0.15, "edgecolor": look.ink}
    axes.plot_surface(x, y, seen, cmap=look.field, vmin=low, vmax=high, alpha=0.95, zorder=2, **mesh)
    if finite.size and high > low:
        axes.contour(x, y, seen, 10, zdir="z", offset=floor, cmap=look.field, linewidths=look.weight, zorder=1)
    if mark:
        for point in critical_points(shown, across, up):
            if low <= point.value <= high:
                dot: dict[str, Any] = {"marker": SHAPES[point.kind], "color": look.ink, "linestyle": "none"}
                dot |= {"markeredgecolor": look.paper, "markersize": 8 * look.weight, "label": f"_{point.kind}"}
                axes.plot([point.x], [point.y], [point.value], zorder=5, **dot)
                axes.plot([point.x] * 2, [point.y] * 2, [floor, point.value], color=look.ink, linewidth=0.7, zorder=4)
    axes.set_zlim(floor, high)
    axes.set_facecolor(look.paper)
    for axis, label in ((axes.xaxis, shown.variables[0]), (axes.yaxis, shown.variables[1]), (axes.zaxis, shown.name)):
        axis.set_label_text(label, fontsize=look.font, color=look.ink)
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(look.quiet)
        axis._axinfo["grid"].update(color=look.grid, linewidth=0.7 * look.weight)
    axes.locator_params(nbins=5)
    axes.tick_params(colors=look.ink, labelsize=0.85 * look.font)
    axes.view_init(*view)
    axes.set_box_aspect((1, 1, 0.7), zoom=0.92)
    words = shown.title if title is None else title
    axes.set_title(words, fontsize=1.15 * look.font, color=look.ink, parse_math=False)
    return figure
