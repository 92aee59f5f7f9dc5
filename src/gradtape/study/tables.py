"""A function and its derivatives as a small table of numbers: for people, as CSV, as JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape import notebook
from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import finfo
from gradtape.study.derive import check_order
from gradtape.study.subject import ASCII, check_dtype, check_range, round_points, subject

if TYPE_CHECKING:
    from rich.table import Table as RichTable


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of numbers under their names: x, f(x), f'(x), …

    ``print(table)`` shows plain text, Rich's console a drawn table; `to_csv` and `to_json` are for programs.
    """

    title: str
    names: tuple[str, ...]
    columns: tuple[np.ndarray, ...]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows, as NumPy numbers of the table's type."""
        return list(zip(*self.columns, strict=True))

    def __str__(self) -> str:
        cells = [self.names, *self._shown()]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.names))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    def __rich__(self) -> RichTable:
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        drawn = RichTable(title=Text(self.title, style="bold"), box=box.ROUNDED, header_style="bold cyan")
        for name in self.names:
            drawn.add_column(Text(name), justify="right", no_wrap=True)
        for row in self._shown():
            drawn.add_row(*row)
        return drawn

    def _repr_html_(self) -> str:
        return notebook.table(self.title, self.names, self._shown())

    def _shown(self) -> list[list[str]]:
        """The numbers with the digits that all certainly mean something."""
        digits = finfo(self.columns[0].dtype).precision + 1
        return [[f"{number + 0.0:.{digits}g}" for number in map(float, row)] for row in self.rows]  # + 0.0: no "-0"

    def to_csv(self) -> str:
        """Comma-separated values with a line of names; every number with the fewest digits that restore it exactly.

        What is no number is written ``nan``, ``inf``, ``-inf``, as NumPy and pandas read it.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows([str(number) for number in row] for row in self.rows)
        return text.getvalue()

    def to_json(self) -> str:
        """A JSON object with ``title``, ``dtype``, ``columns`` (the names) and ``rows`` (lists of numbers).

        JSON has no NaN and no infinity: they are the strings "NaN", "Infinity", "-Infinity" (as in Protocol Buffers'
        JSON), which ``float`` in Python and ``Number`` in JavaScript read.
        """
        rows = [[json_number(number) for number in row] for row in self.rows]
        whole = {"title": self.title, "dtype": self.columns[0].dtype.name, "columns": self.names, "rows": rows}
        return json.dumps(whole, allow_nan=False)


def json_number(number: Any) -> float | str:
    """A number for JSON: what is none, and infinities, as the strings that `Table.to_json` tells of."""
    if math.isfinite(number):
        return float(str(number))  # the shortest decimal that restores a float32, not its float64 digits
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def table(
    f: Any,
    *,
    order: int = 1,
    range: Sequence[float] = (-5, 5),
    at: Sequence[float] | None = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> Table:
    """The values of a function of one variable and of its derivatives at about a dozen round points.

    f           a Python function that works element by element on a Tensor, an `Expression`, or text: "sin(x)**2"
    order       up to which derivative, 0 to 30
    range       between which two points; or with `at`, exactly those points
    dtype       float16, bfloat16, float32 or float64
    name        what the function is called; else its own name, or f

    Raises ExpressionError for text that cannot be read, ArgumentError or DTypeError for the rest.

    >>> print(table("sigmoid(x)", at=[-10, 0]))
      x          f(x)         f'(x)
    ---  ------------  ------------
    -10  4.539787e-05  4.539581e-05
      0           0.5          0.25
    """
    check_order(order)
    shown, kind = subject(f, name), check_dtype(dtype)
    if at is None:
        x = round_points(*check_range(range, kind), kind)
    else:
        x = np.asarray(at, kind)
        if x.ndim != 1 or not x.size:
            raise ArgumentError(f"at must be a list of points, such as [0, 1], not {at!r}")
    values = shown.values(x, order)
    names = (shown.variable, *(shown.label(n, *ASCII) for n, _ in enumerate(values)))
    return Table(shown.title(order), names, (x, *values))
