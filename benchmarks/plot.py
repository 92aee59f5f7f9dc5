"""The picture of the page: how many times as long as gradtape each system takes, for every work."""

from __future__ import annotations

from pathlib import Path

from cases import GROUPS
from results import FUNCTION, OURS, Results, Row

# Colour says who, marker says how: a circle is eager, a diamond compiled, a square XLA.
STYLES = {
    "gradtape function": ("black", "*"),
    "tensorflow": ("#e8710a", "o"),
    "tensorflow function": ("#e8710a", "D"),
    "tensorflow XLA": ("#e8710a", "s"),
    "torch": ("#c5221f", "o"),
    "torch compile": ("#c5221f", "D"),
    "jax": ("#1a73e8", "o"),
    "jax jit": ("#1a73e8", "D"),
    "autograd": ("#188038", "o"),
    "numpy": ("white", "o"),
}
GAP = 0.6
"""Between two groups, in lines."""


def _placed(results: Results) -> list[tuple[float, Row]]:
    """The works that gradtape can do, with their heights from the top."""
    placed, height = [], 0.0
    for group in GROUPS:
        rows = [results.rows[work.key] for work in group.works if work.key in results.rows]
        rows = [row for row in rows if OURS in row.values]
        placed += [(height + number, row) for number, row in enumerate(rows)]
        height += len(rows) + (GAP if rows else 0)
    return placed


def plot(results: Results, file: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "gradtape"  # the same results give the same file
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter

    placed = _placed(results)
    if not placed:
        return
    last = placed[-1][0]
    figure, axes = plt.subplots(figsize=(10, 1.6 + 0.34 * last), layout="constrained")
    for height, row in placed:
        ratios = [ratio for name in STYLES if (ratio := row.ratio(name, OURS)) is not None]
        axes.plot([min(*ratios, 1, 1), max(*ratios, 1, 1)], [height, height], color="#dadce0", linewidth=1, zorder=1)
    for name, (color, marker) in STYLES.items():
        points = [(ratio, height) for height, row in placed if (ratio := row.ratio(name, OURS)) is not None]
        if points:
            x, y = zip(*points, strict=True)
            star, edge = name == FUNCTION, "#5f6368" if color == "white" else "white"
            axes.scatter(
                x,
                y,
                s=110 if star else 42,
                color=color,
                marker=marker,
                edgecolor=edge,
                linewidth=0.8,
                label=name,
                zorder=5 if star else 4,
            )
    axes.axvline(1, color="black", linewidth=1.2, zorder=2)
    axes.annotate("gradtape", (1, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", weight="bold")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.set_yticks([height for height, _ in placed], [row.title for _, row in placed])
    axes.set_ylim(last + 0.7, -0.7)
    axes.grid(axis="x", color="#e8eaed", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel("time as a multiple of gradtape's, plain eager code (right of the line, gradtape is faster)")
    figure.legend(loc="outside upper center", ncols=5, frameon=False)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    plt.close(figure)
