"""The page docs/benchmarks.md, made of the results of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bar import DEMANDS
from cases import GROUPS, Group
from results import COPY, FUNCTION, OURS, Results, Row, Spread, shown

MISSING = "–"


def page(results: Results, picture: str) -> str:
    """The page as Markdown. picture: the path of the plot, relative to the page."""
    parts = [
        "# Benchmarks",
        _about(results),
        f"![Time of each peer as a multiple of gradtape's, for all works]({picture})",
        "## The bar",
        "What gradtape sets out to reach. A ratio is gradtape's median time over the other's: below 1 gradtape is "
        "faster.",
        _bar(results),
        *(part for group in GROUPS for part in _group(results, group)),
        *_startup(results),
        "## Left out",
        _left_out(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(header)
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines)


def _about(results: Results) -> str:
    about = results.about
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return "\n\n".join(
        [
            f"Written by `{about['command']}` on {about['date']}. {about['cpu']}, {about['cores']} cores, "
            f"{about['memory']}, {about['platform']}.",
            f"{versions}.",
            "Each system runs in a process of its own, with its default settings, on all cores. The same work is "
            "written the way an expert user of that system would; inputs are prepared outside the timed part, and all "
            "results are computed inside it. Results are compared before anything is timed. The rounds of all systems "
            "are interleaved. A cell is the median of the rounds, with the first and the third quartile. Use the "
            "ratios: absolute times are those of this machine.",
            "*Eager peers* are tensorflow, torch, jax and autograd as they run without compiling. *Compiled peers* are "
            "tensorflow function and XLA, torch compile and jax jit. *Peers* are both. numpy does not differentiate: "
            "its derivatives are worked out by hand, so it stands beside and is not counted as a peer.",
        ]
    )


def _bar(results: Results) -> str:
    rows = []
    for demand in DEMANDS:
        value = demand.value(results)
        limit = f"{'at least' if demand.at_least else 'at most'} {demand.show(demand.limit)}"
        if value is None:
            measured, verdict = MISSING, "not measured"
        else:
            measured, verdict = demand.show(value), "met" if demand.met(value) else "**not met**"
        rows.append((demand.work, demand.against, limit, measured, verdict))
    return _table(("work", "against", "bar", "measured", ""), rows)


def _cell(found: Spread | None, best: bool) -> str:
    if found is None:
        return MISSING
    middle = f"**{shown(found.median)}**" if best else shown(found.median)
    return f"{middle} ({shown(found.low)} – {shown(found.high)})"


def _group(results: Results, group: Group) -> list[str]:
    works = [work for work in group.works if work.key in results.rows]
    if not works:
        return []
    rows = [results.rows[work.key] for work in works]
    header = ["", *[work.heading for work in works]]
    lines = []
    for system in results.systems:
        cells = [
            _cell(row.spread(system.name), row.best(["gradtape", "eager", "compiled"]) == system.name) for row in rows
        ]
        if any(cell != MISSING for cell in cells):
            lines.append([system.name, *cells])
    return [f"## {group.title}", group.about, _table(header, [*lines, *_ratios(rows)])]


def _ratios(rows: list[Row]) -> list[list[str]]:
    """The lines below the times: the best peers, and ratios to them."""
    lines: list[tuple[str, Callable[[Row], str | float | None]]] = [
        ("best eager peer", lambda row: row.best_eager),
        ("best peer", lambda row: row.best_peer),
        ("gradtape / best eager peer", lambda row: row.ratio(OURS, row.best_eager)),
        ("gradtape / best peer", lambda row: row.ratio(OURS, row.best_peer)),
        ("gradtape function / best compiled peer", lambda row: row.ratio(FUNCTION, row.best_compiled)),
        ("gradtape / gradtape before", lambda row: row.ratio(OURS, f"{OURS} before")),
        ("gradtape function / gradtape function before", lambda row: row.ratio(FUNCTION, f"{FUNCTION} before")),
        ("copy of as many bytes / gradtape", lambda row: row.ratio(COPY, OURS)),
    ]
    found = []
    for title, of in lines:
        values = [of(row) for row in rows]
        if any(value is not None for value in values):
            cells = [MISSING if v is None else v if isinstance(v, str) else f"{v:.2f}" for v in values]
            found.append([f"*{title}*", *cells])
    return found


def _startup(results: Results) -> list[str]:
    def rows(*keys: str) -> list[Row]:
        return [results.rows[key] for key in keys if key in results.rows]

    parts = []
    if found := rows("first-cold", "first-disk", "compile-cold", "compile-disk"):
        names = list(dict.fromkeys(name for row in found for name in row.values))
        lines = [[name, *[_cell(row.spread(name), False) for row in found]] for name in names]
        parts += [
            "## Compile time",
            "sin² with three derivatives at 10⁶ points: how much longer the first call takes than later ones. With "
            "nothing on the disk, and in a second process that finds what the first one left there (JAX is told to "
            "keep compiled code; TensorFlow keeps none). *In a fresh process* includes what is loaded on first use; "
            "*the compiler being loaded* means that the process has run sigmoid and its gradient before.",
            _table(["", *[row.title for row in found]], lines),
        ]
    libraries = rows("import", "size")
    if libraries:
        names = list(dict.fromkeys(name for row in libraries for name in row.values))
        lines = []
        for name in names:
            cells = [name]
            for row in libraries:
                cells.append(_cell(row.spread(name), False) if row.key == "import" else _megabytes(row.median(name)))
            lines.append(cells)
        titles = {
            "import": "`import`, in a fresh process",
            "size": "installed, with all that it requires",
        }
        parts += ["## Import and size", _table(["", *[titles[row.key] for row in libraries]], lines)]
    for row in rows("memory"):
        lines = [[name, f"{row.median(name):.2f}"] for name in row.values]
        parts += [
            "## Peak memory",
            "Sigmoid and gradient at 10⁷ points: the most memory that the process holds more than before the input was "
            "made, relative to the input and the two outputs together (120 MB).",
            _table(["", "peak / (input + outputs)"], lines),
        ]
    return parts


def _megabytes(count: float | None) -> str:
    return MISSING if count is None else f"{count / 1e6:,.0f} MB" if count >= 1e7 else f"{count / 1e6:.1f} MB"


def _left_out(results: Results) -> str:
    lines = [f"- {name}, altogether: {reason}" for name, reason in results.absent.items()]
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in results.rows.values():
        for name, reason in row.left_out.items():
            if name not in results.absent and name != COPY:
                reasons.setdefault((name, reason), []).append(row.title)
    lines += [f"- {name}: {'; '.join(titles)}: {reason}" for (name, reason), titles in sorted(reasons.items())]
    return "\n".join(lines) or "Nothing."
