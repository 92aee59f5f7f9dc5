"""One page on a function: its picture and all that is known of it, for the terminal, as HTML and as JSON.

page      the HTML around it
cost      how long it takes beside relu
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gradtape.study import page
from gradtape.study.facts import Fact, Facts, facts
from gradtape.study.facts.slopes import rounding_for
from gradtape.study.subject import check_dtype, check_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group

SCHEMA = 1
"""The version of the JSON: it changes if a key goes or changes its meaning, not if one comes."""

PARTS = {
    "values": ("domain", "range", "limits", "zeros", "fixed_points", "monotone", "convex", "parity", "period"),
    "smoothness": ("smoothness", "breakpoints"),
    "slope": ("largest_slope", "smallest_slope", "lipschitz", "saturation", "slope_outside"),
    "in a network": ("mean", "squared_slope"),
    "in floating point": ("rounding",),
}
"""The parts of a report, and which facts are in each."""

LABELS = {
    "domain": "domain",
    "range": "range",
    "limits": "limits",
    "zeros": "zeros",
    "fixed_points": "fixed points",
    "monotone": "rises and falls",
    "convex": "bends",
    "parity": "symmetry",
    "period": "period",
    "smoothness": "smoothness",
    "breakpoints": "breakpoints",
    "largest_slope": "largest slope",
    "smallest_slope": "smallest slope",
    "lipschitz": "Lipschitz constant",
    "saturation": "saturation",
    "slope_outside": "far out",
    "mean": "mean output",
    "squared_slope": "gradient through layers",
    "rounding": "rounding",
    "cost": "cost",
}
"""What facts are called for people."""


class Report:
    """What is known of a function, as one page; made by `report`.

    facts       all facts by name
    dtype       the format whose rounding is told, and in which the picture is computed
    range       the part of the x axis that the picture shows

    ``print(report)`` shows plain text, Rich's console a drawn table, a notebook the page.
    """

    def __init__(self, of: Facts, dtype: str, range: tuple[float, float], cost: bool = False):
        self.facts, self.dtype, self.range = of, dtype, range
        self._wants_cost = cost

    @cached_property
    def cost(self) -> Fact:
        """How long the function and its derivative take, as a multiple of what relu and its derivative take."""
        from gradtape.study.cost import cost

        return cost(self.facts.subject, self.dtype)

    @property
    def title(self) -> str:
        return self.facts.subject.title(0)

    def parts(self) -> Iterator[tuple[str, list[tuple[str, Fact]]]]:
        """The parts of the page: a title and facts under their labels."""
        for title, names in PARTS.items():
            found = [(LABELS[name], self._told(name)) for name in names if name in self.facts]
            if title == "in floating point" and self._wants_cost:
                found.append((LABELS["cost"], self.cost))
            if found:
                yield title, found

    def _told(self, name: str) -> Fact:
        fact = self.facts[name]
        return rounding_for(fact, self.dtype) if name == "rounding" else fact

    def picture(self, style: str = "light", title: str | None = None) -> Figure:
        """The function and its derivative, with saturation shaded and extrema marked: a Matplotlib figure."""
        from gradtape.study.pictures.curve import plot

        of = self.facts.subject
        return plot(
            of.function,
            range=self.range,
            dtype=self.dtype,
            name=of.name,
            title=self.title if title is None else title,
            saturation=0.01,
            mark=True,
            style=style,
        )

    # -- as text -----------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        lines = [self.title]
        width = max(len(label) for _, found in self.parts() for label, _ in found)
        for title, found in self.parts():
            lines += ["", title]
            lines += [f"  {label.ljust(width)}  {fact.status:7}  {fact.statement}" for label, fact in found]
        return "\n".join([*lines, "", *self._notes()])

    def _notes(self) -> list[str]:
        known = [fact for _, found in self.parts() for _, fact in found]
        proved = sum(fact.proved for fact in known)
        notes = [f"{proved} of {len(known)} facts are proved for all real x; the others were seen at samples."]
        if not proved:
            notes.append("Proofs need python-flint: pip install 'gradtape[certify]'")
        return notes

    def __rich__(self) -> Group:
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        drawn: list[Any] = [Text(self.title, style="bold")]
        width = max(len(label) for _, found in self.parts() for label, _ in found)
        for title, found in self.parts():
            table = Table(title=Text(title, style="bold"), title_justify="left", box=box.ROUNDED, show_header=False)
            table.add_column(style="bold cyan", no_wrap=True, width=width)
            table.add_column(no_wrap=True, width=7)
            table.add_column(overflow="fold", min_width=20)
            for label, fact in found:
                mark = Text(fact.status, style="green" if fact.proved else "yellow")
                table.add_row(Text(label), mark, Text(fact.statement))
            drawn += [table]
        return Group(*drawn, *(Text(note) for note in self._notes()))

    # -- for programs ------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """A JSON object: ``schema`` (1), ``name``, ``variable``, ``formula``, ``dtype``, ``facts`` by name, each with
        ``value``, ``statement``, ``status``, ``how`` and for a proved number ``enclosure``; see docs/study.md. NaN and
        infinities are strings, as in `Table.to_json`."""
        of = self.facts.subject
        whole = {
            "schema": SCHEMA,
            "name": of.name,
            "variable": of.variable,
            "formula": of.formula,
            "dtype": self.dtype,
            "facts": self.facts.as_json(),
        }
        if self._wants_cost:
            whole["facts"] = {**self.facts.as_json(), "cost": self.cost.as_json()}
        return json.dumps(whole, allow_nan=False)

    # -- as a page ---------------------------------------------------------------------------------------------

    def to_html(self) -> str:
        """A page of HTML that needs nothing else: no network, no script. It follows the reader's choice of light or
        dark."""
        return page.whole(self.title, self._body())

    def _repr_html_(self) -> str:
        return page.part(self._body())

    def _body(self) -> str:
        pictures = page.pictures({style: self.picture(style, title="") for style in ("light", "dark")})
        parts = [page.facts(title, found) for title, found in self.parts()]
        return page.heading(self.title) + pictures + "".join(parts) + page.notes(self._notes())


def report(
    f: Any, *, dtype: Any = "float32", range: Any = (-6, 6), cost: bool = False, name: str | None = None
) -> Report:
    """All that is known of a function of one variable, as one page with its picture.

    f        a name such as "sigmoid", text such as "x*sigmoid(x)", an `Expression`, or a Python function of a Tensor
             that works element by element and does not look at the value of x
    dtype    float16, bfloat16, float32 or float64: whose rounding is told, and how the picture is computed
    range    the part of the x axis that the picture shows
    cost     whether to measure how long it takes beside relu
    name     what the function is called; else its own name, or f

    Raises ExpressionError for text that cannot be read, ArgumentError or DTypeError for the rest.

    >>> print(report("sigmoid").facts["largest_slope"])
    largest slope 1/4, at x = 0 (proved)
    """
    kind = check_dtype(dtype)
    found = facts(f, name=name)
    found.analysis  # noqa: B018  what cannot be studied is refused here
    return Report(found, kind.name, check_range(range, kind), cost)


def report_of(found: Facts) -> Report:
    """The report of facts that are there, with the defaults of `report`."""
    return Report(found, "float32", (-6.0, 6.0))
