"""What notebooks show in place of text: tables in HTML, without a script and in the colours of the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

MOST = 12
"""Rows and columns of an array that are shown; of more, the first and the last half of them."""

CELL = "padding:2px 10px;text-align:{}"


def table(
    title: str, names: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = (), safe: bool = False
) -> str:
    """A table under a title, with sentences below. Texts are escaped, unless `safe` says that cells are HTML.

    >>> table("t", ["a"], [["1 < 2"]]).count("1 &lt; 2")
    1
    """

    def cell(text: str, kind: str, first: bool) -> str:
        shown = text if safe else escape(text)
        return f'<{kind} style="{CELL.format("left" if first else "right")}">{shown}</{kind}>'

    def row(cells: Sequence[str], kind: str) -> str:
        return "<tr>" + "".join(cell(text, kind, not i) for i, text in enumerate(cells)) + "</tr>"

    head = f"<thead>{row(names, 'th')}</thead>" if any(names) else ""
    body = "".join(row(cells, "td") for cells in rows)
    below = "".join(f"<div>{escape(note)}</div>" for note in notes)
    return f"<div><b>{escape(title)}</b><table>{head}<tbody>{body}</tbody></table>{below}</div>"


def array(title: str, values: Any) -> str:
    """An array of at most two axes as a table with the numbers of its rows and columns; of more axes, as text."""
    values = np.asarray(values)
    if values.ndim not in (1, 2) or not values.size:
        return f"<div><b>{escape(title)}</b><pre>{escape(str(values))}</pre></div>"
    grid = values if values.ndim == 2 else values[np.newaxis]
    rows, columns = _shown(grid.shape[0]), _shown(grid.shape[1])
    names = ["", *("…" if j is None else str(j) for j in columns)]
    lines = []
    for i in rows:
        label = "" if values.ndim == 1 else "…" if i is None else str(i)
        lines.append([label, *("…" if i is None or j is None else _number(grid[i, j]) for j in columns)])
    return table(title, names, lines)


def _shown(length: int) -> list[int | None]:
    """Positions along an axis; None for those that are left out."""
    if length <= MOST:
        return list(range(length))
    half = MOST // 2
    return [*range(half), None, *range(length - half, length)]


def _number(value: Any) -> str:
    return f"{value:.6g}" if np.issubdtype(type(value), np.floating) else str(value)
