"""Every primitive of one variable in Taylor mode, against the coefficients that mpmath finds.

The argument is a power series u(t) with u₀ = x. The exact coefficients of f(u(t)) are those of f about x, from its
reader in the table, put together with u's. The measure of what rounding may do to coefficient k is

    mₖ = Σⱼ |f⁽ʲ⁾(x)/j!| · [coefficient k of (|u₁|t + |u₂|t² + …)ʲ],

the sum of the sizes of all terms that coefficient k is made of: each goes through some k products and sums in float64.
To that comes what an ulp of float64 in x moves the coefficient, the measure of every function of the table, and half an
ulp for the rounding in the end.
"""

import inspect
from functools import cache

import mpmath
import numpy as np
import pytest

import gradtape as tf
from gradtape.graph.handles import wrap
from gradtape.graph.node import READ, TABLE
from gradtape.graph.trace import apply

DIGITS = 50
POINTS = [-1e8, -30.0, -1.25, -0.75, 1e-20, 0.3, 1.01, 10.0]
DIRECTION = [0.75, -0.5, 0.25, 0.625, -1.0, 0.5, 0.125]
ROUNDINGS = 8
PARAMETERS = {
    "integer_pow": [(3,), (4,), (-2,)],
    "multiple_of_power": [(3, 5), (-3, 2)],
    "logarithm_slope": [(1, 2), (2, 10)],
    "root_slope": [(1, 0), (2, 1)],
    "log_excess": [(0,)],
}


def unary():
    """Primitives on one number that have derivatives, with parameters that they may have."""
    for name, primitive in sorted(TABLE.items()):
        smooth = primitive.kind in ("elementwise", "selection") and any(primitive.rule)
        if not smooth or primitive.lowering is READ or not primitive.exact:
            continue
        takes = inspect.signature(primitive.exact).parameters.values()
        if len(takes) - len(primitive.parameters) != 2 or any(p.kind is p.VAR_POSITIONAL for p in takes):
            continue
        family = [(0,), (1,), (2,)] if primitive.parameters == ("order",) else [()]
        if name in ("lgamma", "digamma"):  # their readers take minutes; tests/modes has them
            continue
        for params in PARAMETERS.get(name, family):
            yield name, params


UNARY = list(unary())


@cache
def context():
    mp = mpmath.MPContext()
    mp.dps = DIGITS
    return mp


@cache
def coefficients(name, params, x, order):
    """The exact Taylor coefficients about x, or None where the function is not smooth or not defined."""
    mp, primitive = context(), TABLE[name]
    at = mp.mpf(x)
    try:
        if primitive.parameters == ("order",) and name not in ("elu", "selu", "exponential_linear"):
            found = [primitive.exact(mp, at, params[0] + k) / mp.factorial(k) for k in range(order + 1)]
            if primitive.domain.startswith("x ≥ 1") and x < 1:
                return None
        else:
            with mp.workdps(DIGITS * 2):
                found = mp.taylor(lambda z: primitive.exact(mp, z, *params), at, order)
    except (ValueError, ZeroDivisionError, TypeError):
        return None
    return found if all(isinstance(c, mp.mpf) and mp.isfinite(c) for c in found) else None


def composed(outer, inner, size=lambda c: c):
    """The series Σ outerⱼ · (inner₁t + inner₂t² + …)ʲ, of the sizes of the coefficients if `size` says so."""
    mp, order = context(), len(outer) - 1
    step = [mp.zero, *[size(mp.mpf(c)) for c in inner], *[mp.zero] * order][: order + 1]
    total = [mp.zero] * (order + 1)
    for c in reversed(outer):
        total = [mp.fsum(total[i] * step[k - i] for i in range(k + 1)) for k in range(order + 1)]
        total[0] += size(c)
    return total


def jet_of(name, params, points, inner, order, dtype):
    """The derivatives that gradtape finds, for each point."""
    given = [(inner[k] if k < len(inner) else 0.0) * float(mpmath.factorial(k + 1)) for k in range(order)]
    with tf.config.override(tier="single"):
        value, slopes = tf.jet(
            lambda u: wrap(apply(TABLE[name], (u.node,), params)), (tf.constant(points, dtype),), (given,)
        )
        return np.array([value.numpy(), *[slope.numpy() for slope in slopes]]).T


def spacing(number, dtype):
    with np.errstate(over="ignore"):
        return float(np.spacing(np.abs(np.array(float(number), dtype))))


def compared(name, params, points, inner, order, dtype):
    """How many coefficients were compared; all of them must be within the measure."""
    mp, number = context(), 0
    outer = {x: coefficients(name, params, x, order + 1) for x in np.array(points, dtype).tolist()}
    known = [x for x in outer if outer[x] is not None]
    for x, found in zip(known, jet_of(name, params, known, inner, order, dtype), strict=True):
        exact = composed(outer[x], inner)
        sizes = composed(outer[x], inner, abs)
        moved = composed([j * c for j, c in enumerate(outer[x])][1:], inner, abs)
        for k in range(1, order + 1):
            wanted = exact[k] * mp.factorial(k)
            unit = spacing(wanted, dtype)
            if not np.isfinite(unit):
                continue
            number += 1
            inside = ROUNDINGS * (k + 1) * mp.mpf(2) ** -53 * sizes[k] + spacing(x, "float64") * moved[k]
            off = abs(mp.mpf(float(found[k])) - wanted)
            assert off <= unit + inside * mp.factorial(k), (dtype, inner[1:], x, k, found[k], float(wanted))
    return number


every_unary = pytest.mark.parametrize(("name", "params"), UNARY, ids=[f"{n}{list(p) if p else ''}" for n, p in UNARY])


@every_unary
def test_coefficients(name, params):
    cases = [(inner, dtype) for inner in ([1.0], DIRECTION) for dtype in ("float32", "float64")]
    assert all(compared(name, params, POINTS, inner, 10, dtype) for inner, dtype in cases)


@every_unary
def test_coefficients_of_high_order(name, params):
    assert compared(name, params, [-0.75, 0.3, 1.01], DIRECTION, 20, "float64")
