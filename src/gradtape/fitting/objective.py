"""The loss of a model as a function of its parameters, and what statistics needs to know about each kind of loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradtape
from gradtape import losses
from gradtape.errors import ArgumentError, DataError
from gradtape.fitting.data import Data
from gradtape.fitting.model import Model


@dataclass(frozen=True)
class Kind:
    """A loss, which is a mean over rows of terms in the prediction p and the target y.

    terms       (p, y) → the term of each row, of Tensors
    slope       (p, y) → its derivative by p, of arrays
    curvature   (p, y) → its second derivative by p, of arrays
    likelihood  whether the terms are minus the logarithm of a likelihood; else standard errors make no assumption of
                one (the sandwich estimator of White, Econometrica 48, 1980)
    says        what it is for people
    """

    terms: Callable[[Any, Any], Any]
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray]
    likelihood: bool
    says: str


def _sigmoid(p: np.ndarray) -> np.ndarray:
    return gradtape.sigmoid(p).numpy()


LOSSES = {
    "mse": Kind(
        terms=lambda p, y: gradtape.square(p - y),
        slope=lambda p, y: 2 * (p - y),
        curvature=lambda p, y: np.full_like(p, 2.0),
        likelihood=False,
        says="mean squared error",
    ),
    "mae": Kind(
        terms=lambda p, y: gradtape.abs(p - y),
        slope=lambda p, y: np.sign(p - y),
        curvature=lambda p, y: np.zeros_like(p),
        likelihood=False,
        says="mean absolute error",
    ),
    "huber": Kind(
        terms=lambda p, y: losses.Huber(reduction="none")(y[:, None], p[:, None]),
        slope=lambda p, y: np.clip(p - y, -1, 1),
        curvature=lambda p, y: (np.abs(p - y) <= 1).astype(float),
        likelihood=False,
        says="Huber's loss",
    ),
    "logistic": Kind(
        terms=lambda p, y: gradtape.nn.softplus(p) - y * p,
        slope=lambda p, y: _sigmoid(p) - y,
        curvature=lambda p, y: _sigmoid(p) * _sigmoid(-p),
        likelihood=True,
        says="binary cross-entropy",
    ),
}


class Objective:
    """The mean loss of a model on data, and its gradient by the parameters, in float64 and traced once."""

    def __init__(self, model: Model, data: Data, loss: str):
        """Raises ArgumentError for a loss that there is not, DataError for a target that it cannot have."""
        if loss not in LOSSES:
            raise ArgumentError(f"a loss is one of {', '.join(LOSSES)}, not {loss!r}")
        self.model, self.data, self.loss, self.kind = model, data, loss, LOSSES[loss]
        target = data.columns[model.target]
        if loss == "logistic" and not ((target >= 0) & (target <= 1)).all():
            at = int(np.argmax((target < 0) | (target > 1)))
            raise DataError(
                f"line {data.lines[at]}: the target {model.target} is {target[at]:g}, but for the logistic loss it is "
                "between 0 and 1"
            )
        self.target = gradtape.constant(target)
        self.inputs = [gradtape.constant(data.columns[name]) for name in model.inputs]

    def sample(self, rows: int, seed: int) -> Objective:
        """The same of at most so many rows, drawn at random."""
        if len(self.data) <= rows:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self.data), rows, replace=False))
        columns = {name: column[chosen] for name, column in self.data.columns.items()}
        return Objective(self.model, Data(columns, self.data.lines[chosen]), self.loss)

    def __call__(self, parameters: Any) -> Any:
        """The mean loss."""
        return gradtape.reduce_mean(self.kind.terms(self.predictions(parameters), self.target))

    def predictions(self, parameters: Any) -> Any:
        """The prediction of every row, also where the model is the same for all."""
        return gradtape.broadcast_to(self.model(parameters, self.inputs), self.target.shape)

    def jacobian(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The predictions at these values, and their derivatives: a column for each parameter."""
        point = [gradtape.constant(value) for value in values]
        predictions, push = gradtape.linearize(lambda *p: self.predictions(p), *point)
        columns = [
            push(*(gradtape.constant(float(i == j), "float64") for j in range(len(point)))).numpy()
            for i in range(len(point))
        ]
        return predictions.numpy(), np.stack(columns, axis=-1)


def quality(kind: str, predictions: np.ndarray, target: np.ndarray) -> Mapping[str, float]:
    """How good a fit is in one number: R² for losses of differences, the accuracy for the logistic one."""
    if kind == "logistic":
        return {"accuracy": float(((predictions > 0) == (target > 0.5)).mean())}
    spread = float(np.sum((target - target.mean()) ** 2))
    return {"r_squared": 1 - float(np.sum((target - predictions) ** 2)) / spread} if spread else {}
