"""What is fitted: an expression, of which some names are columns of the data and all others are parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.text import Expression, parse
from gradtape.text.vocabulary import CONSTANTS

MOST_PARAMETERS = 200
"""Their standard errors need a matrix of all pairs."""


@dataclass(frozen=True)
class Model:
    """An expression whose variables are `parameters` followed by `inputs`, which are columns."""

    expression: Expression
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    target: str

    def __call__(self, parameters: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """The prediction: one number per row."""
        return self.expression(*parameters, *inputs)

    def __str__(self) -> str:
        return f"{self.target} = {self.expression}"


def model(text: str, target: str | None, columns: Sequence[str], start: Mapping[str, float]) -> Model:
    """Read a model. Names that are columns are inputs; the others, and all that `start` gives a value, are parameters.
    Without a target it is the only column that is not in the model.

    Raises ExpressionError for text that cannot be read, ArgumentError for a target or start that does not fit.
    """
    shown = ", ".join(columns)
    if target is not None and target not in columns:
        raise ArgumentError(f"there is no column {target!r} to fit; the columns are {shown}")
    for name in start:
        if name in columns:
            raise ArgumentError(f"{name} is a column of the data, so it cannot start as a parameter; rename one")
        if not name.isidentifier() or name in CONSTANTS:
            raise ArgumentError(f"a parameter cannot be called {name!r}; choose another name")
    read = parse(text, None, known=(*columns, *start))
    if target is None:
        others = [name for name in columns if name not in read.variables]
        if len(others) != 1:
            which = f"which of {', '.join(others)}" if others else f"all columns ({shown}) are in it; which one"
            raise ArgumentError(f"{which} is to be predicted by the model {read}? say it with --target")
        (target,) = others
    if target in read.variables:
        raise ArgumentError(f"the model has its own target {target} in it; write only how {target} is predicted")
    unused = [name for name in start if name not in read.variables]
    if unused:
        raise ArgumentError(f"the start value of {unused[0]} is for nothing: the model {read} has no such parameter")
    inputs = tuple(name for name in read.variables if name in columns)
    parameters = tuple(name for name in read.variables if name not in columns)
    if not parameters:
        raise ArgumentError(
            f"the model {read} has nothing to fit: all its names are columns ({shown}); add a parameter, as in w*x + b"
        )
    if len(parameters) > MOST_PARAMETERS:
        raise ArgumentError(f"a model has at most {MOST_PARAMETERS} parameters, not {len(parameters)}")
    return Model(parse(text, (*parameters, *inputs)), parameters, inputs, target)
