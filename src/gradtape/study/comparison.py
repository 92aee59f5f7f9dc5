"""Facts of several functions beside each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gradtape.errors import ArgumentError
from gradtape.study import page
from gradtape.study.facts import Fact, Facts, facts
from gradtape.study.facts.slopes import rounding_for
from gradtape.study.report import LABELS, PARTS, SCHEMA
from gradtape.study.subject import check_dtype

if TYPE_CHECKING:
    from rich.table import Table

MOST = 12
"""Functions whose facts are beside each other."""


class Comparison:
    """Facts of functions beside each other; made by `compare_facts`. `facts` has those of each function by its name."""

    def __init__(self, found: dict[str, Facts], dtype: str):
        self.facts, self.dtype = found, dtype

    def rows(self) -> list[tuple[str, list[Fact | None]]]:
        """A label, and the fact of each function, None where it has none."""
        rows = []
        for name in (name for names in PARTS.values() for name in names):
            cells = [self._told(one, name) for one in self.facts.values()]
            if any(cell is not None for cell in cells):
                rows.append((LABELS[name], cells))
        return rows

    def _told(self, of: Facts, name: str) -> Fact | None:
        fact = of.get(name)
        return rounding_for(fact, self.dtype) if fact is not None and name == "rounding" else fact

    def __str__(self) -> str:
        width = max(map(len, self.facts))
        lines: list[str] = []
        for label, cells in self.rows():
            lines += ["", label] if lines else [label]
            for name, fact in zip(self.facts, cells, strict=True):
                lines.append(f"  {name.ljust(width)}  " + (f"{fact.status:7}  {fact.statement}" if fact else "-"))
        return "\n".join(lines)

    def __rich__(self) -> Table:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        drawn = Table(box=box.ROUNDED, header_style="bold cyan", show_lines=True)
        drawn.add_column("")
        for name in self.facts:
            drawn.add_column(Text(name), overflow="fold", min_width=14)
        for label, cells in self.rows():
            drawn.add_row(Text(label, style="bold"), *[_drawn(fact) for fact in cells])
        return drawn

    def to_json(self) -> str:
        """A JSON object: ``schema`` (1), ``dtype``, ``functions``: facts of each by its name, as `Report.to_json`."""
        functions = {name: {"formula": one.subject.formula, "facts": one.as_json()} for name, one in self.facts.items()}
        return json.dumps({"schema": SCHEMA, "dtype": self.dtype, "functions": functions}, allow_nan=False)

    def to_html(self) -> str:
        """A page of HTML that needs nothing else, as `Report.to_html`."""
        return page.whole(", ".join(self.facts), page.heading(", ".join(self.facts)) + self._body())

    def _repr_html_(self) -> str:
        return page.part(self._body())

    def _body(self) -> str:
        rows = [
            [(label, ""), *[(fact.statement, fact.status) if fact else ("–", "") for fact in cells]]
            for label, cells in self.rows()
        ]
        return page.table(["", *self.facts], rows)


def _drawn(fact: Fact | None) -> Any:
    from rich.text import Text

    if fact is None:
        return Text("–")
    return Text.assemble(fact.statement, "\n", (fact.status, "green" if fact.proved else "yellow"))


def compare_facts(functions: Sequence[Any], *, dtype: Any = "float32") -> Comparison:
    """The facts of functions of one variable beside each other.

    functions   names such as "sigmoid", text such as "x*sigmoid(x)", or Python functions; 1 to 12
    dtype       whose rounding is told

    Raises ExpressionError for text that cannot be read, ArgumentError or DTypeError for the rest.

    >>> found = compare_facts(["sigmoid", "tanh"])
    >>> [facts["range"].statement for facts in found.facts.values()]
    ['range (0, 1)', 'range (-1, 1)']
    """
    kind = check_dtype(dtype)
    if isinstance(functions, str) or not 1 <= len(functions) <= MOST:
        raise ArgumentError(f"facts are compared of a list of 1 to {MOST} functions, such as ['sigmoid', 'tanh']")
    found: dict[str, Facts] = {}
    for f in functions:
        one = facts(f)
        label = (
            f.strip() if isinstance(f, str) else one.subject.name if one.subject.name != "f" else one.subject.title(0)
        )
        while label in found:
            label += "′"
        found[label] = one
        one.analysis  # noqa: B018  what cannot be studied is refused here
    return Comparison(found, kind.name)
