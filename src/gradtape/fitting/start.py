"""Where training starts: for a model that is linear in its parameters anywhere, for others where it has a chance.

a·exp(-k·t) with k drawn at random is, more often than not, far from data on any scale, and flat there. But where k is
known a follows, as the model is linear in it. So some starts are tried, in each the parameters that the model is linear
in come from least squares, and the one with the least loss is taken (the idea of Golub and Pereyra, *Separable
nonlinear least squares: the variable projection method*, Inverse Problems 19, 2003).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gradtape.fitting.objective import Objective

TRIES = 40
"""Starts that are looked at."""

MOST_SEPARATED = 20
"""Parameters up to which linear ones are looked for: it takes a Jacobian for each."""


def first_values(objective: Objective, given: Mapping[str, float], seed: int) -> np.ndarray:
    """A value for each parameter: as given, else drawn evenly from -1 to 1, by `seed`, for a model that is linear in
    all parameters together; for others the best of some starts."""
    names = objective.model.parameters
    random = np.random.default_rng(seed)
    fixed = np.array([name in given for name in names])
    values = np.array([given.get(name, 0.0) for name in names])

    def drawn(scale: np.ndarray) -> np.ndarray:
        return np.where(fixed, values, scale * random.uniform(-1, 1, len(names)))

    first = drawn(np.ones(len(names)))
    if fixed.all() or len(names) > MOST_SEPARATED:
        return first
    few = objective.sample(500, seed)
    linear = _linear(few, first, random) & ~fixed
    if (linear | fixed).all():
        return first
    best, least = first, np.inf
    for number in range(TRIES):
        tried = first if not number else drawn(10 ** random.uniform(-2, 1, len(names)))
        if linear.any() and objective.loss != "logistic":
            tried = _solved(few, tried, linear)
        with np.errstate(all="ignore"):
            loss = float(few(list(tried)).numpy())
        if loss < least:
            best, least = tried, loss
    return best


def _linear(objective: Objective, values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Which parameters the predictions are linear in, jointly: a derivative by one does not change with another."""
    with np.errstate(all="ignore"):
        base = objective.jacobian(values)[1]
        changes = []
        for i in range(len(values)):
            moved = values.copy()
            moved[i] += random.uniform(0.5, 1)
            other = objective.jacobian(moved)[1]
            changes.append(np.max(np.abs(other - base), axis=0) > 1e-9 * (1 + np.max(np.abs(base), axis=0)))
    mixed = np.array(changes)
    chosen: list[int] = []
    for i in range(len(values)):
        if np.isfinite(base).all() and not mixed[i, i] and not mixed[i, chosen].any() and not mixed[chosen, i].any():
            chosen.append(i)
    return np.isin(np.arange(len(values)), chosen)


def _solved(objective: Objective, values: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The values with those that the model is linear in found by least squares; as they are where that fails."""
    with np.errstate(all="ignore"):
        predictions, jacobian = objective.jacobian(values)
        part = jacobian[:, linear]
        rest = objective.target.numpy() - predictions + part @ values[linear]
    if not (np.isfinite(part).all() and np.isfinite(rest).all()):
        return values
    scale = np.linalg.norm(part, axis=0)
    scale[scale == 0] = 1
    found = values.copy()
    found[linear] = np.linalg.lstsq(part / scale, rest, rcond=None)[0] / scale
    return found if np.isfinite(found).all() else values
