"""What `fit` found, for people, as JSON, as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import gradtape
from gradtape import notebook
from gradtape.errors import ArgumentError
from gradtape.fitting.data import Data
from gradtape.fitting.model import Model
from gradtape.fitting.objective import LOSSES
from gradtape.fitting.saved import Saved
from gradtape.fitting.uncertainty import NEAR
from gradtape.study.tables import json_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group


@dataclass(frozen=True, eq=False)
class Fit:
    """Fitted parameters. ``print`` shows them; `to_json` is for programs, `plot` draws, `predict` applies the model.

    parameters  by name; `errors` their standard errors, NaN where `problem` says why there is none
    distance    from the minimum, in standard errors: a step of Gauss and Newton's method would go so far
    losses      the mean loss at each step, `norms` the norm of its gradient, `final` the loss at the parameters
    quality     r_squared, or for the logistic loss the accuracy
    """

    model: Model
    loss: str
    optimizer: str
    parameters: dict[str, float]
    errors: dict[str, float]
    distance: float
    problem: str
    rows: int
    dropped: int
    steps: int
    losses: tuple[float, ...] = field(repr=False)
    norms: tuple[float, ...] = field(repr=False)
    final: float
    quality: Mapping[str, float]
    data: Data = field(repr=False)
    predictions: np.ndarray = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the parameters are within a hundredth of a standard error of the minimum."""
        return self.distance <= NEAR

    def title(self) -> str:
        """What was fitted to what."""
        rows = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        dropped = f" ({self.dropped:,} with missing numbers left out)" if self.dropped else ""
        return f"{self.model}, fitted to {rows}{dropped}"

    def remarks(self) -> list[str]:
        """The loss, and how far training came."""
        names = {"r_squared": "R²", "accuracy": "accuracy"}
        good = "".join(f", {names[key]} {value:.4g}" for key, value in self.quality.items())
        lines = [f"{LOSSES[self.loss].says} {self.final:.4g}{good}"]
        after = f"after {self.steps} step{'s' * (self.steps != 1)} of {self.optimizer}"
        if self.problem:
            lines.append(f"no standard errors: {self.problem}")
        if self.converged:
            lines.append(f"at the minimum {after}")
        elif math.isfinite(self.distance):
            unit = "standard errors" if any(self.errors.values()) else "of the parameters' size"
            other = "another --rate or --optimizer lbfgs" if self.optimizer != "lbfgs" else "another --start"
            hint = f"more --steps, {other} may bring it nearer"
            lines.append(f"not yet at the minimum {after}: about {self.distance:.2g} {unit} away; {hint}")
        else:
            lines.append(f"stopped {after}; the gradient's norm is {self.norms[-1]:.2g}")
        return lines

    def _rows(self) -> list[tuple[str, str, str]]:
        """Names, values to two digits of their error, and errors."""
        shown = []
        for name, value in self.parameters.items():
            error = self.errors[name]
            digits = 6
            if math.isfinite(error) and error > 0 and value:
                digits = min(15, max(3, math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2))
            shown.append((name, f"{value:.{digits}g}", f"{error:.3g}" if math.isfinite(error) else "-"))
        return shown

    def __str__(self) -> str:
        cells = [("parameter", "value", "standard error"), *self._rows()]
        widths = [max(len(row[i]) for row in cells) for i in range(3)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        rule = "  ".join("-" * width for width in widths)
        return "\n".join([self.title(), "", lines[0], rule, *lines[1:], "", *self.remarks()])

    def __rich__(self) -> Group:
        from rich import box
        from rich.console import Group
        from rich.table import Table as RichTable
        from rich.text import Text

        drawn = RichTable(title=Text(self.title(), style="bold"), box=box.ROUNDED, header_style="bold cyan")
        for name in ("parameter", "value", "standard error"):
            drawn.add_column(name, justify="right")
        for row in self._rows():
            drawn.add_row(*row)
        return Group(drawn, *map(Text, self.remarks()))

    def _repr_html_(self) -> str:
        return notebook.table(self.title(), ("parameter", "value", "standard error"), self._rows(), self.remarks())

    def to_json(self) -> str:
        """A JSON object: ``model``, ``target``, ``loss``, ``optimizer``, ``rows``, ``dropped``, ``steps``,
        ``parameters`` (by name ``value`` and ``error``, null where there is none), ``final_loss``, ``quality``,
        ``converged``, ``distance`` (null if unknown), ``problem``, ``losses``, ``gradient_norms``."""
        errors = {n: json_number(e) if math.isfinite(e) else None for n, e in self.errors.items()}
        whole = {
            "model": str(self.model.expression),
            "target": self.model.target,
            "loss": self.loss,
            "optimizer": self.optimizer,
            "rows": self.rows,
            "dropped": self.dropped,
            "steps": self.steps,
            "parameters": {n: {"value": v, "error": errors[n]} for n, v in self.parameters.items()},
            "final_loss": self.final,
            "quality": dict(self.quality),
            "converged": self.converged,
            "distance": self.distance if math.isfinite(self.distance) else None,
            "problem": self.problem,
            "losses": list(self.losses),
            "gradient_norms": list(self.norms),
        }
        return json.dumps(whole, allow_nan=False)

    def save(self, path: str | Path) -> None:
        """Write a small JSON file that `fit` can resume from."""
        Path(path).write_text(self.saved().text(), encoding="utf-8")

    def saved(self) -> Saved:
        """What is written to go on from."""
        return Saved(str(self.model), self.loss, self.parameters, self.steps)

    def predict(self, columns: Mapping[str, Any]) -> np.ndarray:
        """The model with these parameters at other inputs, by name; for the logistic loss the probability of 1."""
        missing = [name for name in self.model.inputs if name not in columns]
        if missing:
            raise ArgumentError(f"the model needs the column {missing[0]}")
        inputs = [gradtape.constant(np.asarray(columns[name], np.float64)) for name in self.model.inputs]
        value = self.model([gradtape.constant(v, "float64") for v in self.parameters.values()], inputs)
        return (gradtape.sigmoid(value) if self.loss == "logistic" else value).numpy()

    def plot(self, figure: Figure | None = None) -> Figure:
        """The loss and the gradient's norm over the steps, and the data with the model, as a Matplotlib figure."""
        from gradtape.fitting.picture import draw

        return draw(self, figure)
