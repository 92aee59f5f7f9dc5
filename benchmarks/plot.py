"""The picture of the page: how many times as long as gradtape each system takes, for every work."""

from __future__ import annotations

from pathlib import Path

from cases import WORKS
from results import FUNCTION, OURS, Results

# Colour says who, marker says how: a circle is eager, a diamond compiled, a square XLA.
STYLES = {
    "gradtape function": ("#000000", "*"),
    "tensorflow": ("#e8710a", "o"),
    "tensorflow function": ("#e8710a", "D"),
    "tensorflow XLA": ("#e8710a", "s"),
    "torch": ("#c5221f", "o"),
    "torch compile": ("#c5221f", "D"),
    "jax": ("#1a73e8", "o"),
    "jax jit": ("#1a73e8", "D"),
    "autograd": ("#188038", "o"),
    "numpy": ("#80868b", "o"),
}


def plot(results: Results, file: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "gradtape"
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter

    rows = [results.rows[work.key] for work in WORKS if work.key in results.rows]
    rows = [row for row in rows if OURS in row.values][::-1]
    figure, axes = plt.subplots(figsize=(10, 1.6 + 0.36 * len(rows)), layout="constrained")
    for number, row in enumerate(rows):
        found = {name: row.ratio(name, OURS) for name in STYLES if name in row.values}
        ratios = [ratio for ratio in found.values() if ratio is not None]
        if ratios:
            axes.plot([min(*ratios, 1), max(*ratios, 1)], [number, number], color="#dadce0", linewidth=1, zorder=1)
    for name, (color, marker) in STYLES.items():
        points = [(row.ratio(name, OURS), number) for number, row in enumerate(rows) if name in row.values]
        if points:
            x, y = zip(*points, strict=True)
            ours = name == FUNCTION
            face = "white" if name == "numpy" else color
            axes.scatter(
                x,
                y,
                s=90 if ours else 34,
                color=color,
                facecolor=face,
                marker=marker,
                label=name,
                zorder=4 if ours else 3,
                linewidth=1,
            )
    axes.axvline(1, color="black", linewidth=1.2, zorder=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.set_yticks(range(len(rows)), [row.title for row in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.grid(axis="x", color="#e8eaed", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel("time as a multiple of gradtape's (plain eager code); right of the line gradtape is faster")
    figure.legend(loc="outside upper center", ncols=5, frameon=False)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    plt.close(figure)
