"""Functions of two variables: values and gradients at many points at once, and critical points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import gradtape
from gradtape.errors import ArgumentError
from gradtape.graph.handles import Handle
from gradtape.study.subject import check_range, read
from gradtape.text import Expression

DOUBLE = np.dtype("float64")

SEARCH = 160
"""Critical points are looked for in so many by so many cells."""

MOST_CRITICAL = 40
"""More critical points than this are a line or an area of them."""

CELLS = 16
"""Many more cells than this for each critical point are a valley, or a line of such points: there the Hessian has no
inverse, and none is marked."""

NEWTON_STEPS = 60
"""Newton's method doubles the digits in each step; where the Hessian is singular, it gains a few tenths of one."""

Range2 = Sequence[Any]
"""Two numbers for both axes, or two pairs of numbers."""


@dataclass(frozen=True)
class Critical:
    """A point with gradient 0."""

    kind: Literal["min", "max", "saddle", "flat"]
    x: float
    y: float
    value: float


@dataclass(frozen=True)
class Plane:
    """A function of two variables, and its names."""

    function: Callable[[Any, Any], Any]
    name: str = "f"
    variables: tuple[str, str] = ("x", "y")
    formula: str = ""

    @property
    def title(self) -> str:
        """One line that says what is shown."""
        head = f"{self.name}({', '.join(self.variables)})"
        return f"{head} = {self.formula}" if self.formula else head

    def values(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The function at points, in float64."""
        return np.asarray(_like(self.function(gradtape.constant(x), gradtape.constant(y)), x))

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The function and its two partial derivatives at points, by the tape."""
        points = [gradtape.constant(x), gradtape.constant(y)]
        with gradtape.GradientTape() as tape:
            tape.watch(points)
            z = self._tensor(points)
        across, up = tape.gradient(z, points, unconnected_gradients="zero")
        return tuple(_like(t, x) for t in (z, across, up))  # type: ignore[return-value]

    def hessians(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradients of shape (n, 2) and Hessians of shape (n, 2, 2), by nested tapes."""
        points = [gradtape.constant(x), gradtape.constant(y)]
        with gradtape.GradientTape(persistent=True) as outer:
            outer.watch(points)
            with gradtape.GradientTape() as inner:
                inner.watch(points)
                z = self._tensor(points)
            slopes = inner.gradient(z, points, unconnected_gradients="zero")
        rows = [outer.gradient(slope, points, unconnected_gradients="zero") for slope in slopes]
        gradient = np.stack([_like(s, x) for s in slopes], axis=-1)
        return gradient, np.stack([np.stack([_like(h, x) for h in row], axis=-1) for row in rows], axis=-2)

    def _tensor(self, points: Sequence[Any]) -> Any:
        z = self.function(*points)
        if isinstance(z, Handle):
            return z
        if isinstance(z, (int, float)):
            return gradtape.constant(float(z), gradtape.float64)
        raise ArgumentError(f"{self.name} returned a {type(z).__name__}; compute with gradtape's functions")


def plane(f: Any, name: str | None = None) -> Plane:
    """Read what was given: text, an Expression of two variables, or a function of two."""
    if isinstance(f, Plane):
        return f
    if isinstance(f, str):
        f = read(f)
    if isinstance(f, Expression):
        if len(f.variables) != 2:
            raise ArgumentError(f"this is about functions of two variables, but {f} has {len(f.variables)}")
        return Plane(f, name or "f", (f.variables[0], f.variables[1]), str(f))
    if not callable(f):
        raise ArgumentError(f"a function, an Expression or text is needed, but a {type(f).__name__} was given")
    own = getattr(f, "__name__", "")
    return Plane(f, name or (own if own.isidentifier() and len(own) <= 24 else "f"))


def check_ranges(limits: Range2) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges of both axes, from two numbers or two pairs."""
    if len(limits) == 2 and all(isinstance(end, (list, tuple, np.ndarray)) for end in limits):
        return check_range(limits[0], DOUBLE), check_range(limits[1], DOUBLE)
    both = check_range(limits, DOUBLE)
    return both, both


def critical_points(f: Plane, x: tuple[float, float], y: tuple[float, float]) -> list[Critical]:
    """The points in a rectangle at which the gradient is 0; none if there are too many of them, as on a line.

    In cells where both partial derivatives change their sign, or are 0, Newton's method starts.
    """
    across, up = (np.linspace(*ends, SEARCH + 1) for ends in (x, y))
    grid = np.meshgrid(across, up)
    _, *slopes = f.gradients(*grid)
    candidate = np.ones((SEARCH, SEARCH), bool)
    for slope in slopes:
        corners = np.stack([slope[:-1, :-1], slope[1:, :-1], slope[:-1, 1:], slope[1:, 1:]])
        with np.errstate(invalid="ignore"):
            candidate &= (corners.min(axis=0) <= 0) & (corners.max(axis=0) >= 0)
    rows, cols = np.nonzero(candidate)
    if not len(rows) or len(rows) > 50 * MOST_CRITICAL:
        return []
    start = np.stack([(across[cols] + across[cols + 1]) / 2, (up[rows] + up[rows + 1]) / 2], axis=1)
    spans = np.array([x[1] - x[0], y[1] - y[0]])
    found = _classified(f, _newton(f, start, spans), np.array([x[0], y[0]]), spans)
    if len(rows) > CELLS * (len(found) + 1):
        return [point for point in found if point.kind != "flat"]
    return found


def _newton(f: Plane, points: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Where Newton's method comes to rest; what does not is left out."""
    start, longest = points, spans / SEARCH
    for _ in range(NEWTON_STEPS):
        gradient, hessian = f.hessians(*points.T)
        good = np.isfinite(gradient).all(axis=1) & np.isfinite(hessian).all(axis=(1, 2))
        points, start, gradient, hessian = points[good], start[good], gradient[good], hessian[good]
        if not len(points):
            return points
        step = -(np.linalg.pinv(hessian) @ gradient[..., None])[..., 0]
        points = points + np.clip(step, -longest, longest)
    rest = (np.abs(points - start) <= 4 * longest).all(axis=1) & (np.abs(step) <= 1e-6 * spans).all(axis=1)
    return np.asarray(points[rest])


def _classified(f: Plane, points: np.ndarray, corner: np.ndarray, spans: np.ndarray) -> list[Critical]:
    inside = ((points >= corner - 1e-12 * spans) & (points <= corner + spans * (1 + 1e-12))).all(axis=1)
    digits = (9 - np.floor(np.log10(spans))).astype(int)
    found: dict[tuple[float, float], Critical] = {}
    for point in points[inside]:
        near = tuple(round(float(v), d) + 0.0 for v, d in zip(point, digits - 4, strict=True))
        if near in found or any(np.abs(np.subtract(near, other)).max() < 1e-5 * spans.max() for other in found):
            continue
        # What differs from a round number by rounding errors alone is that number.
        rounded = [round(float(v), int(d)) + 0.0 for v, d in zip(point, digits, strict=True)]
        both = np.array([rounded, point])
        gradient, hessian = f.hessians(*both.T)
        best = int(np.argmin(np.abs(gradient).max(axis=1)))
        x, y = both[best].tolist()
        found[near] = Critical(_kind(hessian[best]), x, y, float(f.values(*both[best : best + 1].T)[0]))
        if len(found) > MOST_CRITICAL:
            return []
    return sorted(found.values(), key=lambda c: (c.x, c.y))


def _kind(hessian: np.ndarray) -> Literal["min", "max", "saddle", "flat"]:
    least, greatest = np.linalg.eigvalsh(hessian)
    scale = 1e-8 * max(abs(least), abs(greatest))
    if min(abs(least), abs(greatest)) <= max(scale, 1e-12):
        return "flat"
    return "min" if least > 0 else "max" if greatest < 0 else "saddle"


def _like(result: Any, x: np.ndarray) -> np.ndarray:
    values = np.asarray(result)
    return np.broadcast_to(values.astype(np.float64), x.shape)
