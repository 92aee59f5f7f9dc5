"""What a run has found, for the terminal: a line for each work, and the bar."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bar import DEMANDS
from cases import WORKS
from results import FUNCTION, OURS, Results, Row, shown


def summary(results: Results) -> Table:
    """A line for each work: gradtape, the best peers, and the ratios to them."""
    table = Table(box=None)
    for title in ("", OURS, FUNCTION, "best eager peer", "ratio", "best compiled peer", "ratio", "function's ratio"):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)

    def cell(row: Row, name: str | None, title: str = "") -> str:
        return f"{title} {shown(row.median(name))}".strip() if name in row.values else "–"

    def ratio(row: Row, ours: str, other: str | None) -> str:
        value = row.ratio(ours, other)
        return "–" if value is None else f"{value:.2f}"

    for row in (results.rows[work.key] for work in WORKS if work.key in results.rows):
        eager, compiled = row.best_eager, row.best_compiled
        table.add_row(
            row.title,
            cell(row, OURS),
            cell(row, FUNCTION),
            cell(row, eager, eager or ""),
            ratio(row, OURS, eager),
            cell(row, compiled, compiled or ""),
            ratio(row, OURS, compiled),
            ratio(row, FUNCTION, compiled),
        )
    return table


def show(results: Results, console: Console) -> None:
    console.print(summary(results))
    for demand in DEMANDS:
        value = demand.value(results)
        if value is not None:
            verdict = "[green]met    [/green]" if demand.met(value) else "[red]not met[/red]"
            limit = f"{'≥' if demand.at_least else '≤'} {demand.show(demand.limit)}"
            console.print(f"{verdict} {demand.show(value):>8} {limit:<9} {demand.work}: {demand.against}")
    for name, why in results.absent.items():
        console.print(f"{name}: {why}")
