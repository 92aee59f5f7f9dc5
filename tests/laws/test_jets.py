"""Laws of Taylor mode that hold for every primitive of the table: against derivatives of lower order, against nested
forward mode, in a traced function, and how its cost grows."""

import inspect
from functools import cache

import mpmath
import numpy as np
import pytest

import gradtape as tf
from gradtape.graph.handles import wrap
from gradtape.graph.node import TABLE
from gradtape.graph.trace import apply
from gradtape.staging.function import Traced
from laws.examples import MOVING, OF_ROWS, differentiable
from laws.test_laws_of_taylor_mode import DIRECTION, PARAMETERS, UNARY, composed, spacing

TOWERS = ("digamma", "lgamma", "sinc", "sine_ratio")
"""No power series of theirs follows from finitely many others, as those of sin and cos do, or not without cancelling
next to 0: each derivative is a member of the family, and these are put together."""


def each(example_list):
    return pytest.mark.parametrize("example", example_list, ids=str)


def random_series(example, order):
    rng = np.random.default_rng(11)
    return [[tf.constant(0.5 * rng.standard_normal(x.shape)) for _ in range(order)] for x in example.points]


def jet_of(example, points, series):
    value, slopes = tf.jet(example.of_smooth, tuple(points), tuple(series))
    return [value, *slopes]


def same(found, wanted, units=256):
    """To so many roundings of the largest number up to that order, which all terms of an order are made of."""
    largest = 0.0
    for k, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
        a, b = np.asarray(ours), np.asarray(theirs)
        largest = max(largest, float(np.max(np.abs(b), initial=0)))
        assert a.shape == b.shape and a.dtype == b.dtype
        assert np.max(np.abs(a - b), initial=0) <= units * np.finfo(b.dtype).eps * largest, k


def pushed(example, order):
    """The derivatives 1 to `order` along a curve: the tangents of those of one order less, and of Taylor mode."""
    series, points = random_series(example, order), [tf.constant(x) for x in example.points]
    shorter, ahead = [one[:-1] for one in series], [one[1:] for one in series]
    _, tangents = tf.jvp(
        lambda xs, further: jet_of(example, xs, further), (points, shorter), ([one[0] for one in series], ahead)
    )
    return tangents, jet_of(example, points, series)[1:]


@each(differentiable())
def test_order_n_is_the_derivative_of_order_n_minus_1(example):
    same(*pushed(example, 6))


@each([e for e in differentiable() if e.name in MOVING])
def test_high_orders_of_what_does_not_work_number_by_number(example):
    if np.size(example.points[0]) > 12 and example.name in ("prod", "cumprod"):
        pytest.skip("the smaller examples do")
    same(*pushed(example, 12), units=2**14)


@each(differentiable())
def test_against_nested_forward_mode(example):
    """f along the curve with these derivatives, differentiated by its parameter again and again."""
    series, points = random_series(example, 3), [tf.constant(x) for x in example.points]
    if example.name in OF_ROWS:
        pytest.skip("not a function of two independent operands")

    def along(t):
        return example.of_smooth(
            *[
                x + one[0] * t + one[1] * (t * t / 2.0) + one[2] * (t * t * t / 6.0)
                for x, one in zip(points, series, strict=True)
            ]
        )

    def differentiated(f):
        return lambda t: tf.jvp(f, (t,), (np.array(1.0),))[1]

    first = differentiated(along)
    second = differentiated(first)
    at = tf.constant(np.array(0.0))
    same([along(at), first(at), second(at), differentiated(second)(at)], jet_of(example, points, series))


@each(differentiable())
def test_the_same_bits_in_a_function(example):
    series, points = random_series(example, 3), [tf.constant(x) for x in example.points]
    staged = tf.function(lambda points, series: jet_of(example, points, series))
    for eager, traced in zip(jet_of(example, points, series), staged(points, series), strict=True):
        a, b = eager.numpy(), traced.numpy()
        assert a.dtype == b.dtype and a.tobytes() == b.tobytes()


# -- functions of two numbers ---------------------------------------------------------------------------------

PAIRS = [(0.75, 1.25), (1.5, 0.3), (2.5, 3.0), (-1.25, 2.0), (0.0, 3.0), (1e-20, 2.0), (0.0, 0.0), (30.0, -2.0)]


def binary():
    """Primitives on two numbers that have derivatives, by which of them, with parameters that they may have."""
    several = {
        "angle_slope": (1, 0),
        "distance_slope": (1, 0),
        "divided_by_power": (2, 3),
        "pow_slope": (1, 0),
        "xlogy_slope": (1, 0),
    }
    for name, primitive in sorted(TABLE.items()):
        if primitive.kind not in ("elementwise", "selection", "bilinear") or not primitive.pointwise:
            continue
        takes = inspect.signature(primitive.exact).parameters.values()
        if any(p.kind is p.VAR_POSITIONAL for p in takes) or len(takes) - len(primitive.parameters) != 3:
            continue
        if name in OF_ROWS:
            continue
        params = several.get(name, (0,) if primitive.parameters else ())
        yield from [(name, params, 0), (name, params, 1)]


BINARY = list(binary())


@cache
def coefficients(name, params, by, pair, order):
    """The exact Taylor coefficients by one operand, or None where the function is not smooth or not defined."""
    mp = mpmath.MPContext()
    mp.dps = 100
    numbers = [mp.mpf(x) for x in pair]

    def along(z):
        return TABLE[name].exact(mp, *[z if i == by else x for i, x in enumerate(numbers)], *params)

    try:
        right, left = [mp.taylor(along, numbers[by], order, direction=side) for side in (1, -1)]
    except (ValueError, ZeroDivisionError, TypeError):
        return None
    if not all(isinstance(c, mp.mpf) and mp.isfinite(c) for c in [*right, *left]):
        return None
    smooth = all(abs(a - b) <= mp.mpf(10) ** -40 * (1 + abs(a)) for a, b in zip(right, left, strict=True))
    return right if smooth else None


def compared(name, params, by, order, inner):
    mp, number = mpmath.mp, 0
    for pair in PAIRS:
        outer = coefficients(name, params, by, pair, order + 1)
        if outer is None or (name == "distance_slope" and pair == (0.0, 0.0)):  # which has no derivatives there
            continue
        operands = [tf.constant(np.array(x)) for x in pair]
        given = [(inner[k] if k < len(inner) else 0.0) * float(mpmath.factorial(k + 1)) for k in range(order)]

        def f(u, operands=operands):
            nodes = [u.node if i == by else x.node for i, x in enumerate(operands)]
            return wrap(apply(TABLE[name], tuple(nodes), params))

        _, found = tf.jet(f, (operands[by],), (given,))
        with mp.workdps(60):
            exact, sizes = composed(outer, inner), composed(outer, inner, abs)
            moved = composed([j * c for j, c in enumerate(outer)][1:], inner, abs)
            for k in range(1, order + 1):
                wanted = exact[k] * mp.factorial(k)
                inside = 8 * (k + 1) * mp.mpf(2) ** -53 * sizes[k] + spacing(pair[by], "float64") * moved[k]
                off = abs(mp.mpf(float(found[k - 1])) - wanted)
                assert off <= spacing(wanted, "float64") + inside * mp.factorial(k), (pair, k, float(wanted))
                number += 1
    return number


@pytest.mark.parametrize(
    ("name", "params", "by"), BINARY, ids=[f"{n}{list(p) if p else ''} by {b}" for n, p, b in BINARY]
)
@pytest.mark.parametrize("inner", [[1.0], DIRECTION], ids=["straight", "curved"])
def test_coefficients_by_one_of_two_numbers(name, params, by, inner):
    assert compared(name, params, by, 10, inner)


# -- cost -----------------------------------------------------------------------------------------------------


def multiplications(name, params, order):
    """How many numbers are multiplied or computed otherwise for each element, in a composed function."""
    x, *slopes = [tf.constant(np.array([0.25 * k, 1.0])) for k in range(order + 1)]

    def jet(x, *slopes):
        return tf.jet(lambda u: wrap(apply(TABLE[name], (u.node,), params)), (x,), (slopes,))[1]

    steps = Traced(jet, (x, *slopes), {}, [one.node for one in (x, *slopes)]).program.steps
    return sum(len(refs) // 2 if step == "sum_of_products" else 1 for step, _, refs in steps if step != "literal")


OF_FIRST_ORDER = [(n, p) for n, p in UNARY if not p or p[0] in (0, PARAMETERS.get(n, [(0,)])[0][0])]


@pytest.mark.parametrize(("name", "params"), OF_FIRST_ORDER, ids=[n for n, _ in OF_FIRST_ORDER])
def test_cost_grows_as_the_square_of_the_order(name, params):
    """Third differences of a square are 0. Those of the towers are those of order³/6, and that is not more than what
    the dearest of the others cost up to order 30."""
    a, b, c, d = [multiplications(name, params, order) for order in (6, 14, 22, 30)]
    assert d - 3 * c + 3 * b - a == (8**3 if name in TOWERS else 0)
    assert d <= 6 * 30**2 + 600
