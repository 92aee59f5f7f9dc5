"""`fit`: from a file or columns of numbers and a model to parameters with standard errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.fitting import saved
from gradtape.fitting.data import Data, read
from gradtape.fitting.model import Model
from gradtape.fitting.model import model as read_model
from gradtape.fitting.objective import Objective, quality
from gradtape.fitting.result import Fit
from gradtape.fitting.start import first_values
from gradtape.fitting.train import RATES, Course, descend
from gradtape.fitting.uncertainty import uncertainty

STEPS = 5000
"""Steps at most, where nobody says."""


def fit(
    data: str | Path | Mapping[str, Sequence[float]],
    model: str,
    target: str | None = None,
    *,
    loss: str = "mse",
    optimizer: str = "adam",
    rate: float | None = None,
    steps: int = STEPS,
    start: Mapping[str, float] | None = None,
    seed: int = 0,
    resume: str | Path | None = None,
    reading: Callable[[int], Any] = lambda done: None,
    progress: Callable[[int, float], Any] = lambda step, loss: None,
    **options: Any,
) -> Fit:
    """Fit a model to data: find the parameters with the least mean loss.

    data        a CSV file whose first line names the columns, "-" for standard input, or columns by name
    model       an expression such as "w*x + b"; names that are columns are inputs, all others are parameters
    target      the column that the model is to predict; None: the only one that is not in the model
    loss        "mse", "mae", "huber" (quadratic up to 1), or "logistic", where sigmoid(model) is the probability of 1
    optimizer   "adam" or "sgd", whose learning rate `rate` (0.1 and 0.01 if not given) falls to 0 along half a cosine
                during `steps` steps, or "lbfgs" (SciPy's, the extra `fit`)
    start       values that parameters start from; else they are drawn from -1 to 1, by `seed`, or are the best of some
                starts where the model is not linear in its parameters
    resume      a file that `Fit.save` wrote for the same model: start from its parameters
    reading     told how many bytes were read; `progress`, the step and the loss every 50 steps
    options     of reading: missing="drop", delimiter, decimal, encoding, see `gradtape.fitting.data.read`

    Everything is computed in float64. Raises DataError for data that cannot be used, ExpressionError for a model that
    cannot be read, DivergenceError if the loss becomes infinite or NaN, ArgumentError for the rest.

    >>> found = fit({"x": [0, 1, 2, 3], "y": [1.1, 2.9, 5.1, 6.9]}, "w*x + b", "y")
    >>> print(found)
    y = w*x + b, fitted to 4 rows
    <BLANKLINE>
    parameter  value  standard error
    ---------  -----  --------------
            b   1.06           0.106
            w   1.96          0.0566
    <BLANKLINE>
    mean squared error 0.008, R² 0.9983
    at the minimum after 465 steps of adam
    """
    given = dict(start or {})
    earlier = saved.load(resume) if resume is not None else None
    if isinstance(data, Mapping):
        table, form = _columns(data, model, target, given)
    else:
        table, form = _file(data, model, target, given, {"progress": reading, **options})
    if earlier:
        earlier.check(form, loss)
        given = {**earlier.parameters, **given}
    objective = Objective(form, table, loss)
    course = Course(first_values(objective, given, seed), earlier.steps if earlier else 0)
    chosen = rate if rate is not None else RATES.get(optimizer, 0.0)
    descend(objective, course, optimizer, chosen, steps, progress)
    certainty = uncertainty(objective, course.values)
    predictions = objective.predictions(list(course.values)).numpy()
    return Fit(
        model=form,
        loss=loss,
        optimizer=optimizer,
        parameters={n: float(v) for n, v in zip(form.parameters, course.values, strict=True)},
        errors={n: float(e) for n, e in zip(form.parameters, certainty.errors, strict=True)},
        distance=certainty.distance,
        problem=certainty.problem,
        rows=len(table),
        dropped=table.dropped,
        steps=course.steps,
        losses=tuple(course.losses),
        norms=tuple(course.norms),
        final=float(objective(list(course.values)).numpy()),
        quality=quality(loss, predictions, table.columns[form.target]),
        data=table,
        predictions=predictions,
    )


def _file(
    source: str | Path, text: str, target: str | None, start: Mapping[str, float], options: Mapping[str, Any]
) -> tuple[Data, Model]:
    """The columns of a file that the model needs, and the model."""
    found: list[Model] = []

    def choose(names: dict[str, str]) -> Sequence[str]:
        by_title = {title: name for name, title in names.items()}
        found.append(read_model(text, by_title.get(target or "", target), tuple(names), start))
        return (*found[0].inputs, found[0].target)

    return read(source, choose, **options), found[0]


def _columns(
    columns: Mapping[str, Sequence[float]], text: str, target: str | None, start: Mapping[str, float]
) -> tuple[Data, Model]:
    form = read_model(text, target, tuple(columns), start)
    arrays = {}
    for name in (*form.inputs, form.target):
        try:
            arrays[name] = np.asarray(columns[name], np.float64)
        except (TypeError, ValueError):
            raise ArgumentError(f"the column {name} has something else than numbers") from None
        if arrays[name].ndim != 1 or not np.isfinite(arrays[name]).all():
            raise ArgumentError(f"the column {name} must be a list of finite numbers; leave out incomplete rows")
    sizes = {len(column) for column in arrays.values()}
    if len(sizes) != 1 or not min(sizes):
        raise ArgumentError(f"the columns must be of one length, at least 1, but have {sorted(sizes)}")
    return Data(arrays, np.arange(1, min(sizes) + 1)), form
