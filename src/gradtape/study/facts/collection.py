"""All facts of one function, each derived when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from gradtape.study.certify.reals import BITS, precision
from gradtape.study.facts import averages, shape, slopes, smooth
from gradtape.study.facts.analysis import Analysis
from gradtape.study.facts.fact import Fact
from gradtape.study.subject import Subject, subject

MAKERS: dict[str, Callable[[Analysis], Fact | None]] = {
    "domain": shape.domain,
    "range": shape.range_of,
    "limits": shape.limits,
    "zeros": shape.zeros,
    "monotone": shape.monotone,
    "convex": shape.convex,
    "parity": smooth.parity,
    "period": smooth.period,
    "mean": averages.mean,
    "fixed_points": lambda a: shape.fixed_points(a, Analysis(_shifted(a.subject))),
    "largest_slope": slopes.largest_slope,
    "smallest_slope": slopes.smallest_slope,
    "lipschitz": slopes.lipschitz,
    "smoothness": smooth.smoothness,
    "breakpoints": smooth.breakpoints,
    "saturation": slopes.saturation,
    "slope_outside": slopes.outside,
    "rounding": slopes.rounding,
    "squared_slope": averages.squared_slope,
}
"""Every fact by its name, in the order of a report."""


class Facts(Mapping[str, Fact]):
    """The facts of a function by name. Each is derived when it is asked for, and kept.

    >>> found = facts("sigmoid(x)")
    >>> print(found["range"])
    range (0, 1) (proved)
    >>> found["largest_slope"].value["slope"], found["largest_slope"].enclosure
    (0.25, (0.25, 0.25))
    """

    def __init__(self, of: Subject):
        self.subject = of
        self._known: dict[str, Fact | None] = {}

    @cached_property
    def analysis(self) -> Analysis:
        return Analysis(self.subject)

    def __getitem__(self, name: str) -> Fact:
        fact = self._get(name)
        if fact is None:
            raise KeyError(name)
        return fact

    def _get(self, name: str) -> Fact | None:
        if name not in self._known:
            with precision(BITS):
                self._known[name] = MAKERS[name](self.analysis)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in MAKERS if self._get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __str__(self) -> str:
        width = max(len(name) for name in self)
        return "\n".join(f"{name.ljust(width)}  {fact}" for name, fact in self.items())

    def as_json(self) -> dict[str, Any]:
        """Every fact as `Fact.as_json` has it, by name."""
        return {name: fact.as_json() for name, fact in self.items()}


def _shifted(of: Subject) -> Subject:
    """f(x) - x."""
    return Subject(lambda x: of.function(x) - x, of.name, of.variable)


def facts(f: Any, *, name: str | None = None) -> Facts:
    """What is known of a function of one variable: a mapping of `Fact`, by names such as "range" and "largest_slope".

    f       text: "x*sigmoid(x)", an `Expression`, or a Python function of a Tensor that works element by element and
            does not look at the value of x
    name    what the function is called; else its own name, or f

    A fact is proved if it rests on bounds of the function and its derivatives over all real numbers (with python-flint,
    the extra ``certify``; with fewer functions by mpmath); else it is sampled. The function is the one that the formula
    says, with exact numbers: rounding is not part of it.

    Raises ExpressionError for text that cannot be read, ArgumentError for the rest.
    """
    return Facts(subject(f, name))
