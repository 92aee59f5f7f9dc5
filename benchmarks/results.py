"""Reading what a run has measured: rows by key, medians, best peers, ratios."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median, quantiles
from typing import Any, NamedTuple

from rivals import BEFORE, SYSTEMS, System

OURS, FUNCTION, COPY = "gradtape", "gradtape function", "copy"
TORCH, JAX = "torch", "jax jit"
BY_NAME = {system.name: system for system in (*SYSTEMS, *BEFORE)}


class Spread(NamedTuple):
    median: float
    low: float
    high: float


def spread(values: list[float]) -> Spread:
    """Median, first and third quartile."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return Spread(middle, low, high)


class Row:
    """What was measured of one work: seconds, a ratio or bytes of each system or library."""

    def __init__(self, raw: dict[str, Any]):
        self.key: str = raw["key"]
        self.title: str = raw["title"]
        self.unit = next(unit for unit in ("seconds", "ratio", "bytes") if unit in raw)
        self.left_out: dict[str, str] = raw.get("left_out", {})
        self.values = {
            name: found if isinstance(found, list) else [found] for name, found in raw[self.unit].items() if found != []
        }

    def spread(self, name: str) -> Spread | None:
        return spread(self.values[name]) if name in self.values else None

    def median(self, name: str) -> float | None:
        return median(self.values[name]) if name in self.values else None

    def best(self, kinds: Iterable[str]) -> str | None:
        """The fastest system of some kinds."""
        able = [name for name in self.values if name in BY_NAME and BY_NAME[name].kind in kinds]
        return min(able, key=lambda name: median(self.values[name]), default=None)

    def ratio(self, name: str, other: str | None) -> float | None:
        """How many times as long as another a system takes."""
        if name not in self.values or other not in self.values:
            return None
        return median(self.values[name]) / median(self.values[other])

    @property
    def best_eager(self) -> str | None:
        return self.best(["eager"])

    @property
    def best_compiled(self) -> str | None:
        return self.best(["compiled"])

    @property
    def best_peer(self) -> str | None:
        return self.best(["eager", "compiled"])


class Results:
    """All rows of a run, and what it says about itself."""

    def __init__(self, raw: dict[str, Any]):
        self.about: dict[str, Any] = raw["about"]
        self.absent: dict[str, str] = raw["absent"]
        self.rows = {row["key"]: Row(row) for row in raw["rows"]}

    @property
    def systems(self) -> list[System]:
        """The systems that took part and are compared, in the order of the list."""
        there = {name for row in self.rows.values() for name in row.values}
        return [system for system in BY_NAME.values() if system.name in there and system.kind != "copy"]


def shown(seconds: float) -> str:
    """A duration with three digits."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{_digits(seconds * factor)} {unit}"
    return f"{_digits(seconds * 1e9)} ns"


def _digits(value: float) -> str:
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"
