"""Standard errors of fitted parameters, and how far the parameters are from the minimum.

With J the derivatives of the predictions by the parameters, s and c the first and second derivatives of the loss terms
by the prediction, and n rows for p parameters:

    mse                 σ² (JᵀJ)⁻¹ with σ² = Σ residual² / (n - p), the usual linearisation
    a log-likelihood    (Jᵀ diag(c) J)⁻¹, the inverse of Fisher's information
    other losses        H⁻¹ (Jᵀ diag(s²) J) H⁻¹ with H = Jᵀ diag(c) J, White's sandwich, times n / (n - p)

Source: Seber and Wild, *Nonlinear Regression*, 1989, chapters 2 and 12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradtape.fitting.objective import Objective

DEPENDENT = 1e-10
"""A direction in which predictions change so much less than in others counts as undetermined."""

NEAR = 0.01
"""So many standard errors from the minimum is as good as at it."""


@dataclass(frozen=True)
class Uncertainty:
    """errors: the standard error of each parameter, NaN where there is none; distance: from the minimum by a
    Gauss-Newton step, in standard errors, or relative to the parameters where those are 0; problem: why there are no
    errors, for people."""

    errors: np.ndarray
    distance: float
    problem: str = ""


def uncertainty(objective: Objective, values: np.ndarray) -> Uncertainty:
    """Of parameters at or near the minimum of the loss."""
    predictions, jacobian = objective.jacobian(values)
    target, kind = objective.target.numpy(), objective.kind
    n, p = jacobian.shape
    slope, curvature = kind.slope(predictions, target), kind.curvature(predictions, target)
    none = np.full(p, np.nan)
    if not (np.isfinite(jacobian).all() and np.isfinite(slope).all()):
        return Uncertainty(none, np.nan, "a derivative of the model is not finite here")
    if not curvature.any():
        return Uncertainty(none, np.nan, f"the {kind.says} has no curvature to tell them from")
    weighted = jacobian * np.sqrt(curvature)[:, None]
    scale = np.linalg.norm(weighted, axis=0)
    names = objective.model.parameters
    if not scale.all():
        flat = [name for name, size in zip(names, scale, strict=True) if not size]
        return Uncertainty(none, np.nan, f"the predictions do not depend on {' and '.join(flat)} here")
    _, sizes, directions = np.linalg.svd(weighted / scale, full_matrices=False)
    if n < p or sizes[-1] <= DEPENDENT * sizes[0]:
        tied = [name for name, part in zip(names, directions[-1], strict=True) if abs(part) > 0.1]
        return Uncertainty(none, np.nan, f"these data cannot tell {' and '.join(tied)} apart")
    root = directions.T / sizes  # the inverse of the weighted matrix of products is root rootᵀ, but for the scale
    step = (root @ (root.T @ (jacobian.T @ slope / scale))) / scale
    if n == p:
        return Uncertainty(none, _relative(step, values), "there are as many parameters as rows")
    if objective.loss == "mse":
        # Of weighted: twice JᵀJ.
        covariance = 2 * (root @ root.T) * np.sum((predictions - target) ** 2) / (n - p)
    elif kind.likelihood:
        covariance = root @ root.T
    else:
        inner = root @ (root.T @ (jacobian * slope[:, None] / scale).T)
        covariance = inner @ inner.T * n / (n - p)
    errors = np.sqrt(np.diag(covariance)) / scale
    relative = _relative(step, values)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = float(np.max(np.abs(step) / errors)) if errors.all() else relative
    return Uncertainty(errors, min(away, relative) if relative < 1e-12 else away)


def _relative(step: np.ndarray, values: np.ndarray) -> float:
    return float(np.max(np.abs(step)) / max(1.0, float(np.max(np.abs(values)))))
