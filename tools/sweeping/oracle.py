"""Results against the true value, which comes from what each primitive says it is with mpmath (its `exact`).

Only the function itself is read that way; its derivatives come from power series with Arb's rigorous bounds
(python-flint), so they do not depend on the table's rules. Without python-flint, or for a function that Arb's series
do not have, mpmath differentiates numerically with 400 bits, which takes far longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
Taylor = Callable[[float], list[Any]]
"""x → the value and derivatives there, as `Exact` or as balls of Arb. Raises NoTruth."""


def measured(name: str, orders: Sequence[int], count: int, dtype: str = "float64") -> dict[int, Tally]:
    """The tallies of a function by order over about `count` finite inputs of that type, the same ones for all orders:
    the true values come from one power series."""
    kind, results = np.dtype(dtype), {k: _results(name, k) for k in orders}
    special = [np.concatenate([thresholds(f, dtype, 64), *_compared(name, k, dtype)]) for k, f in results.items()]
    x = _points(name, count, dtype, np.concatenate(special))
    lasts = max(orders) + 1, 0
    taylor, value = [by_series(name, last) if flint is not None else None for last in lasts]
    if taylor is None or value is None:
        x = np.random.default_rng(0).permutation(x)[: max(count // SHARE_BY_MPMATH, 100)]
        taylor, value = [by_mpmath(name, last) for last in lasts]
    errors = {k: Errors(kind, f(x)) for k, f in results.items()}
    for i, at in enumerate(x.tolist()):
        try:
            true = taylor(at)
            inside = true[0] is not None
            if not inside:  # at the end of a domain, there may be a value where there is no power series
                true[0] = value(at)[0]
        except NoTruth:
            true, inside = [], False
        for k, found in errors.items():
            if true and (inside or not k):
                found.add(i, true[k], true[k + 1] if k else None)
            else:
                found.kept[i] = False
    spacings = [Errors(kind, x).spacing(x)]
    return {k: found.tally(x, spacings, k) for k, found in errors.items()}


def _points(name: str, count: int, dtype: str, special: np.ndarray) -> np.ndarray:
    """The finite numbers of a sample, with more of those at which the function has a value, if many have none."""
    x = sample(dtype, count, special)
    x = x[np.isfinite(x)]
    value = _results(name, 0)
    inside = np.isfinite(value(x)).mean()
    if inside > 0.9:
        return x
    more = sample(dtype, int(count / max(inside, 0.01)) - count, np.zeros(0), seed=1)
    more = more[np.isfinite(more)]
    return np.concatenate([x, more[np.isfinite(value(more))]])


def _results(name: str, order: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.asarray(values(catalogue()[name], order, x))


def _compared(name: str, order: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that the kernel compares with, of both signs."""
    found = constants(name, order, dtype)
    return found, -found


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


def by_mpmath(name: str, last: int) -> Taylor:
    """The derivatives up to the last order by numerical differentiation."""

    def derivative(x: float, k: int) -> Exact:
        try:
            value = mp.diff(lambda v: read(name, mp, v), mpf(x), k, relative=x != 0) if k else read(name, mp, mpf(x))
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        if isinstance(value, mp.mpc) or not mp.isfinite(value):
            return None
        sign, man, exp, _ = value._mpf_
        return clamped(-int(man) if sign else int(man), int(exp))

    def taylor(x: float) -> list[Exact]:
        with mp.workprec(400):
            value = derivative(x, 0)
            return [value, *(None if value is None else derivative(x, k) for k in range(1, last + 1))]

    return taylor


# -- by Arb ---------------------------------------------------------------------------------------------------

PRECISIONS = (160, 640, 2560, 5120)


def by_series(name: str, last: int) -> Taylor | None:
    """The derivatives up to the last order by Arb; None where it lacks a function that is needed."""
    factorials = [math.factorial(k) for k in range(last + 1)]
    context = Context()

    def taylor(x: float) -> list[Any]:
        for precision in PRECISIONS:
            flint.ctx.prec, flint.ctx.cap = precision, last + 1
            series = read(name, context, Series(flint.arb_series([x, 1])))
            found = [series.coefficient(k) for k in range(last + 1)]
            if all(map(is_known, found)):
                break
            if precision > PRECISIONS[0] and not any(c.is_finite() for c in found):
                break
        return [c * f if c.is_finite() else None for c, f in zip(found, factorials, strict=True)]

    try:
        taylor(0.4), taylor(1.7)
    except NoTruth:
        pass
    except (AttributeError, TypeError, NotImplementedError):
        return None
    return taylor
