"""Results against the true value, which comes from what each primitive says it is with mpmath (its `exact`).

Only the function itself is read that way; its derivatives come from power series with Arb's rigorous bounds
(python-flint), so they do not depend on the table's rules. Without python-flint, or for a function that Arb's series
do not have, mpmath differentiates numerically with 400 bits, which takes far longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from mpmath import mp, mpf

import gradtape as tf
from gradtape.graph.node import TABLE, Node
from gradtape.graph.trace import trace
from sweeping.balls import Context, Exact, NoTruth, Series, clamped, flint, is_known
from sweeping.errors import Errors
from sweeping.functions import catalogue, constants, values
from sweeping.inputs import sample, thresholds
from sweeping.measure import Tally

SHARE_BY_MPMATH = 1000
"""mpmath takes one input of so many."""
Taylor = Callable[[float], tuple[Any, Any]]
"""x → the derivative of some order, and the next one, as `Exact` or as balls of Arb. Raises NoTruth."""


def measured(name: str, order: int, count: int, dtype: str = "float64") -> Tally:
    """The tally of a function and order over about `count` finite inputs of that type."""
    function = catalogue()[name]

    def evaluate(x: np.ndarray) -> np.ndarray:
        return np.asarray(values(function, order, x))

    compared = constants(name, order, dtype)
    x = sample(dtype, count, np.concatenate([thresholds(evaluate, dtype, 64), compared, -compared]))
    x = x[np.isfinite(x)]
    taylor = by_series(name, order) if flint is not None else None
    if taylor is None:
        x = np.random.default_rng(0).permutation(x)[: max(count // SHARE_BY_MPMATH, 100)]
        taylor = by_mpmath(name, order)
    errors = Errors(np.dtype(dtype), evaluate(x))
    for i, at in enumerate(x.tolist()):
        try:
            errors.add(i, *taylor(at))
        except NoTruth:
            errors.kept[i] = False
    return errors.tally(x, [errors.spacing(x)], order)


@cache
def _program(name: str) -> tuple[Any, list[Node]]:
    """The function as a graph of primitives, whose first leaf is x."""
    x = tf.constant(np.zeros(2))
    program, leaves, _ = trace(catalogue()[name].call(x).node)
    order = [leaf is x.node for leaf in leaves]
    assert sum(order) == 1
    return program, leaves


def read(name: str, context: Any, x: Any) -> Any:
    """The function at x, with the numbers and functions of a context like mpmath's."""
    program, leaves = _program(name)
    known: dict[int, Any] = {-1 - i: x if leaf.shape else context.mpf(leaf.value) for i, leaf in enumerate(leaves)}
    for number, (primitive, params, inputs) in enumerate(program.steps):
        exact = TABLE[primitive].exact
        known[number] = known[inputs[0]] if exact is None else exact(context, *[known[i] for i in inputs], *params)
    return known[program.outputs[0]]


# -- by mpmath ------------------------------------------------------------------------------------------------


def by_mpmath(name: str, order: int) -> Taylor:
    def derivative(x: float, k: int) -> Exact:
        try:
            value = mp.diff(lambda v: read(name, mp, v), mpf(x), k, relative=x != 0) if k else read(name, mp, mpf(x))
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        if isinstance(value, mp.mpc) or not mp.isfinite(value):
            return None
        sign, man, exp, _ = value._mpf_
        return clamped(-int(man) if sign else int(man), int(exp))

    def taylor(x: float) -> tuple[Exact, Exact]:
        with mp.workprec(400):
            if not order:
                return derivative(x, 0), None
            if derivative(x, 0) is None:
                raise NoTruth
            return derivative(x, order), derivative(x, order + 1)

    return taylor


# -- by Arb ---------------------------------------------------------------------------------------------------

PRECISIONS = (160, 640, 2560, 5120)


def by_series(name: str, order: int) -> Taylor | None:
    """By Arb; None where it lacks a function that is needed."""
    last = order + 1 if order else 0

    factorials = [math.factorial(k) for k in range(last + 1)]
    context = Context()

    def taylor(x: float) -> tuple[Any, Any]:
        for precision in PRECISIONS:
            flint.ctx.prec, flint.ctx.cap = precision, last + 1
            series = read(name, context, Series(flint.arb_series([x, 1])))
            found = [series.coefficient(k) for k in range(last + 1)]
            if all(map(is_known, found)):
                break
            if precision > PRECISIONS[0] and not any(c.is_finite() for c in found):
                break
        exact = [c * f if c.is_finite() else None for c, f in zip(found, factorials, strict=True)]
        if not order:
            return exact[0], None
        if exact[0] is None:
            raise NoTruth
        return exact[order], exact[order + 1]

    try:
        taylor(0.4), taylor(1.7)
    except NoTruth:
        pass
    except (AttributeError, TypeError, NotImplementedError):
        return None
    return taylor
