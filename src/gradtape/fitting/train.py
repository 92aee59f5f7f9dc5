"""The minimisers: gradient descent by gradtape's optimizers, and SciPy's L-BFGS.

Both note the loss and the norm of the gradient at every step, and both stop when the gradient has become 0 for all that
can be told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gradtape
from gradtape import optimizers
from gradtape.errors import ArgumentError, DivergenceError, MissingPackageError
from gradtape.fitting.objective import Objective

OPTIMIZERS = ("adam", "sgd", "lbfgs")
RATES = {"adam": 0.1, "sgd": 0.01, "lbfgs": 0.0}
"""The learning rate where none is given; L-BFGS finds the length of its steps itself."""

FLAT = 1e-10
"""A gradient of so much less than the first one is none."""

AT_ONCE = 50
"""Steps between two looks at whether training goes well."""


@dataclass
class Course:
    """What a training is at: the parameters, the steps made, the history."""

    values: np.ndarray
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)


def descend(
    objective: Objective,
    course: Course,
    optimizer: str,
    rate: float,
    steps: int,
    progress: Callable[[int, float], Any] = lambda step, loss: None,
) -> None:
    """Make up to `steps` further steps, changing `course`.

    The learning rate of adam and sgd falls to 0 along half a cosine, so that the last steps come to rest (Loshchilov
    and Hutter, *SGDR: Stochastic gradient descent with warm restarts*, 2017).

    Raises DivergenceError if the loss becomes infinite or NaN; `course` then has the last finite parameters.
    """
    if optimizer not in OPTIMIZERS:
        raise ArgumentError(f"an optimizer is one of {', '.join(OPTIMIZERS)}, not {optimizer!r}")
    if not (isinstance(steps, int) and 1 <= steps <= 10_000_000):
        raise ArgumentError(f"a training has 1 to 10,000,000 steps, not {steps}")
    if not (math.isfinite(rate) and rate >= 0):
        raise ArgumentError(f"a learning rate is a positive number, not {rate}")
    _lbfgs(objective, course, steps, progress) if optimizer == "lbfgs" else _gradient(
        objective, course, optimizer, rate, steps, progress
    )


def _gradient(
    objective: Objective, course: Course, name: str, rate: float, steps: int, progress: Callable[[int, float], Any]
) -> None:
    weights = [gradtape.Variable(value, dtype="float64") for value in course.values]
    schedule = optimizers.schedules.CosineDecay(rate, steps)
    optimizer = getattr(optimizers, {"adam": "Adam", "sgd": "SGD"}[name])(schedule)

    @gradtape.function
    def step() -> Any:
        with gradtape.GradientTape() as tape:
            loss = objective(weights)
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss, gradtape.linalg.global_norm(gradients)

    before = [weight.numpy() for weight in weights]
    for made in range(steps):
        loss, norm = (float(number) for number in step())
        if not (math.isfinite(loss) and math.isfinite(norm)):
            course.values = np.array(before)
            raise _diverged(name, rate, course.steps, loss)
        course.steps += 1
        course.losses.append(loss)
        course.norms.append(norm)
        if made % AT_ONCE == 0:
            before = [weight.numpy() for weight in weights]
            progress(made, loss)
        if norm <= FLAT * course.norms[0]:
            break
    course.values = np.array([weight.numpy() for weight in weights])
    if not np.isfinite(course.values).all():
        course.values = np.array(before)
        raise _diverged(name, rate, course.steps, math.nan)


def _lbfgs(objective: Objective, course: Course, steps: int, progress: Callable[[int, float], Any]) -> None:
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise MissingPackageError(
            "the optimizer lbfgs is SciPy's, which is not installed: pip install 'gradtape[fit]'; adam and sgd are "
            "there without it"
        ) from None

    @gradtape.function
    def slope(weights: Sequence[Any]) -> Any:
        with gradtape.GradientTape() as tape:
            tape.watch(weights)
            loss = objective(weights)
        return loss, tape.gradient(loss, weights, unconnected_gradients="zero")

    latest: dict[str, Any] = {}

    def evaluate(values: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradients = slope([gradtape.constant(value, "float64") for value in values])
        gradient = np.array([float(g) for g in gradients])
        latest.update(loss=float(loss), norm=float(np.linalg.norm(gradient)), values=values.copy())
        finite = math.isfinite(latest["loss"]) and np.isfinite(gradient).all()
        # SciPy's search takes back a step to where the loss is infinite, but not one to NaN.
        return (latest["loss"], gradient) if finite else (math.inf, np.zeros_like(gradient))

    def note(values: np.ndarray) -> None:
        if not np.array_equal(values, latest["values"]):
            evaluate(values)
        course.steps += 1
        course.losses.append(latest["loss"])
        course.norms.append(latest["norm"])
        progress(len(course.losses), latest["loss"])

    first, _ = evaluate(course.values)
    if not math.isfinite(first):
        raise _diverged("lbfgs", 0, course.steps, first)
    note(course.values)
    found = minimize(
        evaluate,
        course.values,
        jac=True,
        method="L-BFGS-B",
        callback=note,
        options={"maxiter": steps, "maxfun": 20 * steps, "ftol": 0, "gtol": FLAT * course.norms[0]},
    )
    course.values = np.asarray(found.x, float)


def _diverged(name: str, rate: float, step: int, loss: float) -> DivergenceError:
    what = "NaN" if math.isnan(loss) else "infinite"
    if name == "lbfgs" or step == 0:
        hint = "give parameters other start values, as in --start w=0.1"
    else:
        hint = f"use a smaller learning rate than {rate:g}, as in --rate {rate / 10:g}, or --optimizer lbfgs"
    return DivergenceError(f"the training diverges: the loss is {what} after {step} steps; {hint}")
