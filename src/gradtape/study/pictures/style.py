"""How pictures look: colours, lines, letters and sizes, the same in every picture.

Matplotlib's object interface alone is used, so that no display is needed and no figure is kept alive behind the scenes,
and nothing is changed in Matplotlib's own settings.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gradtape.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, distinct for colour-blind eyes (https://jfly.uni-koeln.de/color/), without its yellow."""

LINES = ("solid", (0, (6, 2)), (0, (6, 2, 1.2, 2)), (0, (1.2, 1.6)), (0, (9, 2, 3, 2)))
"""Line styles, so that curves stay distinct in grey print. Five and seven have no common factor: 35 combinations."""

MARKERS = ("o", "x", "^", "s", "v", "+", "D")
"""For points of different origin, so that they stay distinct in grey print."""

NARROW = 5.0
"""Inches below which a legend stands above the axes, as there is no room beside them."""


@dataclass(frozen=True)
class Style:
    """How a picture looks. `dataclasses.replace` makes another from one of `STYLES`.

    colours    of curves, in their order
    lines      line styles of curves, in Matplotlib's terms, in their order
    ink        of letters, marks and frames
    quiet      of what stands back: the axes through zero, frames
    grid       of the grid
    paper      of what all is drawn on
    shade      of shaded regions
    field      Matplotlib's colour map for values of a function of two variables
    size       of a new figure, in inches
    dpi        of a new figure, in dots per inch
    font       size of ordinary letters, in points
    weight     what widths of lines are multiplied by
    """

    colours: tuple[str, ...] = OKABE_ITO
    lines: tuple[Any, ...] = LINES
    ink: str = "#333333"
    quiet: str = "#9A9A9A"
    grid: str = "#E3E3E3"
    paper: str = "#FFFFFF"
    shade: str = "#E69F00"
    field: str = "cividis"
    size: tuple[float, float] = (8.0, 5.0)
    dpi: float = 150.0
    font: float = 11.0
    weight: float = 1.0

    def colour(self, n: int) -> str:
        """The colour of curve n."""
        return self.colours[n % len(self.colours)]

    def line(self, n: int) -> Any:
        """The line style of curve n."""
        return self.lines[n % len(self.lines)]

    def look(self, n: int, width: float = 1.8) -> dict[str, Any]:
        """Arguments of ``axes.plot`` for curve n."""
        return {
            "color": self.colour(n),
            "linestyle": self.line(n),
            "linewidth": width * self.weight,
            "solid_capstyle": "round",
        }


STYLES = {
    "light": Style(),
    "grey": Style(
        colours=("#000000", "#5A5A5A", "#8C8C8C", "#2E2E2E", "#A6A6A6"),
        ink="#000000",
        quiet="#8C8C8C",
        shade="#999999",
        field="gray",
    ),
    "dark": Style(
        colours=("#56B4E9", "#E69F00", "#00B386", "#DDA0C6", "#F0E442", "#4C96D7", "#FFFFFF"),
        ink="#E8E8E8",
        quiet="#8A8A8A",
        grid="#3A3A3A",
        paper="#16181D",
        shade="#F0E442",
        font=13.0,
        weight=1.2,
    ),
    "paper": Style(size=(3.5, 2.6), dpi=300.0, font=7.5, weight=0.6),
}
"""light for the screen, grey for print without colour, dark for slides, paper for one column of an article."""


def style_of(style: str | Style) -> Style:
    """A style, or the one of that name; ArgumentError for other names."""
    if isinstance(style, Style):
        return style
    if not isinstance(style, str) or style not in STYLES:
        raise ArgumentError(f"a style is one of {', '.join(STYLES)}, or a gradtape.study.Style, not {style!r}")
    return STYLES[style]


def canvas(look: Style, figure: Figure | None = None, size: tuple[float, float] = (1.0, 1.0)) -> Figure:
    """The figure to draw on: the one given, or a new one; `size` multiplies that of the style."""
    if figure is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(look.size[0] * size[0], look.size[1] * size[1]), dpi=look.dpi)
    figure.set_facecolor(look.paper)
    figure.set_layout_engine("constrained")
    return figure


def place(look: Style, figure: Figure | None, axes: Axes | None, **options: Any) -> tuple[Figure, Axes]:
    """The figure and the axes to draw on: the axes given, or new ones in the figure given, or in a new figure."""
    if axes is not None:
        if figure is not None and figure_of(axes) is not figure:
            raise ArgumentError("the axes given belong to another figure; give one of the two")
        return figure_of(axes), axes
    figure = canvas(look, figure)
    return figure, figure.add_subplot(**options)


def figure_of(axes: Axes) -> Figure:
    """The whole figure that axes belong to."""
    return axes.figure.figure


def dress(axes: Axes, look: Style, across: str = "", up: str = "") -> None:
    """Axis labels, grid and frame, as all pictures have them."""
    axes.set_facecolor(look.paper)
    axes.set_xlabel(across, fontsize=look.font, color=look.ink)
    axes.set_ylabel(up, fontsize=look.font, color=look.ink)
    axes.grid(color=look.grid, linewidth=0.8 * look.weight)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=look.ink, labelsize=0.9 * look.font, width=0.8 * look.weight)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(look.quiet)
        spine.set_linewidth(0.8 * look.weight)


def heading(axes: Axes, look: Style, text: str, scale: float = 1.15) -> None:
    """The title, in as many lines as it needs, three at most. What is in it is never read as mathematical text."""
    width = int(figure_of(axes).get_figwidth() * 100 / look.font)
    lines = textwrap.fill(text, max(width, 20), max_lines=3, placeholder=" …")
    axes.set_title(lines, fontsize=scale * look.font, color=look.ink, pad=0.8 * look.font, parse_math=False)


def key(axes: Axes, look: Style, **options: Any) -> None:
    """The legend, outside of the axes, where it never covers a curve; for several axes of a figure the last one's."""
    if axes.get_legend_handles_labels()[0]:
        options = {"frameon": False, "fontsize": look.font, "labelcolor": look.ink, "handlelength": 2.8} | options
        if len(figure_of(axes).axes) > 1:  # on axes of somebody else's figure, inside them
            axes.legend(**({"loc": "best"} | options | {"frameon": True, "facecolor": look.paper, "edgecolor": "none"}))
        elif figure_of(axes).get_figwidth() < NARROW:
            figure_of(axes).legend(**({"loc": "outside upper center", "ncols": 2} | options))
        else:
            figure_of(axes).legend(**({"loc": "outside right upper"} | options))


def caption(axes: Axes, look: Style, text: str) -> None:
    """Words below a picture that say what is shown. A figure with other pictures in it has one already."""
    figure = figure_of(axes)
    if figure.get_supxlabel():
        return
    width = int(figure.get_figwidth() * 125 / look.font)
    figure.supxlabel(textwrap.fill(text, max(width, 20)), fontsize=0.8 * look.font, color=look.ink, parse_math=False)


def zero_lines(axes: Axes, look: Style) -> None:
    """The coordinate axes, where they are in sight."""
    for draw, (low, high) in ((axes.axhline, axes.get_ylim()), (axes.axvline, axes.get_xlim())):
        if low < 0 < high:
            draw(0, color=look.quiet, linewidth=look.weight, zorder=1.5, label="_zero")


def narrow(look: Style, share: float) -> Style:
    """The same in smaller letters and lines, for one of several small pictures."""
    return replace(look, font=look.font * share, weight=look.weight * share)
