"""The result of measuring an accuracy: figures, tables for people, JSON, and what they mean in sentences."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape import notebook
from gradtape.study.accuracy_verdict import Loss
from gradtape.study.tables import json_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.console import Group

    from gradtape.study.pictures.style import Style

WORTH_TELLING = 4.0
"""Ulps from which on a loss of digits is told where there is no contract."""

WELL, ILL = 10.0, 1000.0
"""Condition numbers up to which a function counts as well-conditioned, and from which on as ill-conditioned."""

WRONG = {"nan": "NaN", "inf": "infinite", "zero": "0"}
"""What a result must not be where the rounded exact value is not."""


@dataclass(frozen=True)
class Worst:
    """One of the worst inputs: what was computed there, the rounded exact value, the error in ulps, and the condition
    number |x t'/t| of the exact t, which says by what factor a relative error of x would grow."""

    x: float
    computed: float
    exact: float
    error: float
    condition: float


@dataclass(frozen=True)
class Summary:
    """Errors at some of the points. `wrong` counts results that are NaN, infinite or 0 where the rounded exact value is
    not."""

    name: str
    points: int
    maximum: float
    median: float
    wrong: dict[str, int]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Accuracy:
    """How exact a derivative is, in ulps of the element type; see `accuracy`.

    x, computed, exact, errors    the points, the results, the rounded exact values, the errors in ulps
    contract, met                 the promise in ulps (None above the third derivative), and whether it was kept
    quantiles                     of the errors at the points of the sample, by level: 0.5 is the median
    undefined                     at how many points there is no exact finite value, as for log(-1); they do not count
    regions, worst, peers         summaries by region, the worst inputs, summaries of other systems
    losses                        at which operations of the formula digits are lost
    verdict                       all that in sentences
    """

    title: str
    dtype: str
    order: int
    domain: tuple[float, float] | None
    x: np.ndarray
    computed: np.ndarray
    exact: np.ndarray
    errors: np.ndarray
    contract: float | None
    whole: Summary
    quantiles: dict[float, float]
    undefined: int
    regions: tuple[Summary, ...]
    worst: tuple[Worst, ...]
    losses: tuple[Loss, ...]
    peers: tuple[Summary, ...]
    peer_errors: dict[str, np.ndarray]
    verdict: tuple[str, ...]

    @property
    def maximum(self) -> float:
        """The largest error found, in ulps; infinite if a result is NaN or infinite and should not be."""
        return self.whole.maximum

    @property
    def median(self) -> float:
        return self.whole.median

    @property
    def wrong(self) -> dict[str, int]:
        """How many results are "nan", "inf" or "zero" where the rounded exact value is not."""
        return self.whole.wrong

    @property
    def met(self) -> bool | None:
        if self.contract is None:
            return None
        return self.maximum <= self.contract and not any(self.wrong.values())

    def plot(self, figure: Figure | None = None, axes: Axes | None = None, style: str | Style = "light") -> Figure:
        """The error over x as a picture, on a figure or axes of yours, or on a new figure; returns that.

        style    light, grey, dark, paper, or a `gradtape.study.Style`
        """
        from gradtape.study.pictures.error import draw

        return draw(self, figure, axes, style)

    # -- as text ----------------------------------------------------------------------------------------------

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, names of the columns, and rows of each table."""
        kept = {None: "there is none above the third derivative", True: "met", False: "not met"}[self.met]
        facts = [["maximum", f"{shown_ulp(self.maximum)} ulp" + (f" at {self.worst[0].x:.9g}" if self.worst else "")]]
        facts += [
            [f"{100 * level:g} %" if level != 0.5 else "median", f"{shown_ulp(q)} ulp"]
            for level, q in sorted(self.quantiles.items(), reverse=True)
        ]
        facts.append(["contract", kept if self.contract is None else f"{self.contract:g} ulp: {kept}"])
        facts.append(["wrongly NaN, infinite, 0", ", ".join(str(count) for count in self.wrong.values())])
        if self.undefined:
            facts.append(["without a finite value", f"{self.undefined} points"])
        found = [(self.title, ["", ""], facts)]
        columns = ["points", "maximum", "median", "wrong"]
        found.append(("by region, in ulp", ["x", *columns], [[s.name, *_cells(s)] for s in self.regions]))
        if self.worst:
            rows = [
                [f"{w.x:.9g}", f"{w.computed:.9g}", f"{w.exact:.9g}", shown_ulp(w.error), f"{w.condition:.2g}"]
                for w in self.worst
            ]
            found.append(("worst inputs", ["x", "computed", "exact", "ulp", "condition"], rows))
        if self.peers:
            rows = [[s.name, *_cells(s), s.note] for s in (self.whole, *self.peers)]
            found.append(("beside other systems, in ulp", ["system", *columns, "note"], rows))
        return found

    def __str__(self) -> str:
        parts = [_plain(*table) for table in self.tables()]
        return "\n\n".join([*parts, "\n".join(self.verdict)])

    def __rich__(self) -> Group:
        from rich import box
        from rich.console import Group
        from rich.table import Table as RichTable
        from rich.text import Text

        drawn: list[Any] = []
        for title, names, rows in self.tables():
            table = RichTable(title=Text(title, style="bold"), box=box.ROUNDED, header_style="bold cyan")
            table.show_header = any(names)
            for i, name in enumerate(names):
                table.add_column(Text(name), justify="right" if i and any(names) else "left", no_wrap=True)
            for row in rows:
                table.add_row(*(Text(cell) for cell in row))
            drawn += [table, Text()]
        return Group(*drawn, *(Text(sentence) for sentence in self.verdict))

    def _repr_html_(self) -> str:
        tables = self.tables()
        notes = [() for _ in tables[:-1]] + [tuple(self.verdict)]
        return "".join(notebook.table(*found, notes=note) for found, note in zip(tables, notes, strict=True))

    def to_json(self) -> str:
        """A JSON object with everything but the points; NaN and infinities are strings, as in `Table.to_json`."""

        def summary(s: Summary) -> dict[str, Any]:
            shown = {
                "points": s.points,
                "maximum": json_number(s.maximum),
                "median": json_number(s.median),
                "wrong": s.wrong,
            }
            return {"name": s.name, **shown, **({"note": s.note} if s.note else {})}

        whole = {
            "title": self.title,
            "dtype": self.dtype,
            "order": self.order,
            "domain": self.domain,
            "contract": self.contract,
            "met": self.met,
            "undefined": self.undefined,
            "whole": summary(self.whole),
            "quantiles": {str(level): json_number(q) for level, q in self.quantiles.items()},
            "regions": [summary(s) for s in self.regions],
            "worst": [{name: json_number(value) for name, value in vars(w).items()} for w in self.worst],
            "losses": [vars(loss) for loss in self.losses],
            "peers": [summary(s) for s in self.peers],
            "verdict": self.verdict,
        }
        return json.dumps(whole, allow_nan=False)


def sentences(found: Accuracy, label: str) -> tuple[str, ...]:
    """What is to be said of a measured derivative, which is called `label`."""
    if not found.worst:
        return (f"{label} is exact at every point." if found.whole.points else f"{label} has no finite value here.",)
    said = []
    limit, worst = found.contract or WORTH_TELLING, found.worst[0]
    over = found.x[found.errors > limit]
    if not over.size:
        said.append(f"{label} is right to {shown_ulp(found.maximum)} ulp at the points tried.")
    else:
        said.append(
            f"{label} is off by more than {limit:g} ulp at {len(over)} of {found.whole.points} points, "
            f"from x = {over[0]:.6g} to {over[-1]:.6g}."
        )
        said += [f"{loss.sentence}." for loss in found.losses]
        if worst.condition <= WELL:
            said.append(
                f"{label} itself is well-conditioned at x = {worst.x:.6g} (condition number {worst.condition:.2g}): "
                "the formula loses the digits, not the function."
            )
        elif worst.condition >= ILL and worst.exact:
            said.append(
                f"{label} itself is ill-conditioned at x = {worst.x:.6g} (condition number {worst.condition:.2g}): "
                "if x is rounded, most digits are lost whatever the formula."
            )
    if any(found.wrong.values()):
        counts = " and ".join(f"{WRONG[kind]} at {count}" for kind, count in found.wrong.items() if count)
        said.append(f"Results are wrongly {counts} of {found.whole.points} points.")
    return tuple(said)


def shown_ulp(error: float) -> str:
    return "–" if math.isnan(error) else "inf" if math.isinf(error) else f"{error:.3g}"


def _cells(summary: Summary) -> list[str]:
    wrong = ", ".join(f"{count}× {WRONG[kind]}" for kind, count in summary.wrong.items() if count)
    return [str(summary.points), shown_ulp(summary.maximum), shown_ulp(summary.median), wrong or "–"]


def _plain(title: str, names: list[str], rows: list[list[str]]) -> str:
    facts = not any(names)
    cells = rows if facts else [names, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    lines = []
    for row in cells:
        shown = [
            c.ljust(w) if facts or i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(shown).rstrip())
    if not facts:
        lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([title, *lines])
