"""Bounds on intervals hold: no value of mpmath at 60 digits ever leaves them, wherever it is taken."""

import random
from fractions import Fraction

import pytest

from gradtape.config import settings
from gradtape.graph.node import TABLE
from gradtape.study.accuracy_graph import record
from gradtape.study.accuracy_truth import context, run
from gradtape.study.certify.interval import Interval
from gradtape.study.certify.polynomials import PI, Polynomial
from gradtape.study.certify.reader import Reader
from gradtape.study.certify.reals import fraction, number, precision
from gradtape.study.certify.signs import Line, simplest
from gradtape.study.certify.tail import Tail
from gradtape.text import parse
from gradtape.text.vocabulary import functions

pytest.importorskip("flint")

MP = context()
EXPRESSIONS = [
    *[
        f"{name}(x)"
        for name, word in functions().items()
        if word.takes[: len(word.takes) - word.optional] == ("number",) and word.gives == "number"
    ],
    "x*sigmoid(x)",
    "x*tanh(softplus(x))",
    "exp(-x**2)*sin(3*x)",
    "where(x < 0.1, 0.2*x, x**2)",
    "maximum(x**3, 1 - x)",
    "1/(1 + exp(-2*x))",
    "x**2.5",
    "(x**2)**1.75",
    "abs(x - 1)*relu(x + 2)",
    "sqrt(1 + x**2)",
    "log(1 + x**2)/(1 + x**2)",
    "floor(x)*x",
    "atan2(x, 2)",
    "hypot(x, 1.5)",
    "x % 1.5",
]


def reader(text, order=3):
    return Reader(record(parse(text), order, "float64", "x", None, settings().stabilise))


def truths(graph, x):
    """Every output by mpmath, None where there is no finite number."""
    with MP.workprec(400):
        known = {-1 - i: MP.mpf(value) for i, value in enumerate(graph.leaves) if value is not None}
        for i, value in enumerate(Reader(graph).numbers):
            if value is not None and not isinstance(value, Exception):
                known[-1 - i] = MP.mpf(value.numerator) / value.denominator
        known[graph.variable] = MP.mpf(x.numerator) / x.denominator
        run(MP, graph.program, known)
        return [known[i] if MP.isfinite(known[i]) else None for i in graph.program.outputs]


def assert_holds(span, truth):
    """Whether the bounds hold a number of mpmath, to 100 digits."""
    if truth is None or span is None:
        return
    with MP.workprec(400):
        slack = abs(truth) * MP.mpf(10) ** -100 + MP.mpf(10) ** -4000
        for end, side in ((span.low, -1), (span.high, 1)):
            if end is None:
                continue
            man, exp = (int(part) for part in end.man_exp())
            assert side * (truth - MP.ldexp(man, exp)) <= slack, (span, truth)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_no_value_leaves_the_bounds(text):
    made = reader(text)
    rng = random.Random(20)
    looked_at = 0
    for _ in range(40):
        center = Fraction(
            rng.choice([rng.gauss(0, 2), rng.gauss(0, 1e-3), rng.uniform(-40, 40), round(rng.gauss(0, 3))])
        )
        width = Fraction(10.0 ** rng.uniform(-12, 0.7))
        low, high = center - width / 2, center + width / 2
        with precision(128):
            ends = number(low), number(high)
        plain = made.box(*ends)
        factored = made.factored(*ends)
        for part in (0, 1, rng.random(), rng.random()):
            x = low + (high - low) * Fraction(part)
            if part in (0, 1):
                x = low + (high - low) * (Fraction(1, 1 << 40) if part == 0 else 1 - Fraction(1, 1 << 40))
            values = truths(made.graph, x)
            if plain.outside:
                assert values[0] is None
            for k, truth in enumerate(values):
                if values[0] is None:
                    continue
                assert_holds(plain.known(k), truth)
                assert_holds(factored.known(k), truth)
                looked_at += plain.known(k) is not None
    assert looked_at or text in ("acosh(x)",)


@pytest.mark.parametrize("text", EXPRESSIONS)
@pytest.mark.parametrize("side", [-1, 1])
def test_no_value_leaves_the_bounds_of_a_tail(text, side):
    made = reader(text)
    rng = random.Random(side)
    for low, high in ((1, None), (32, None), (40, 50), (300, 10**5)):
        bounds = made.tail(number(low), None if high is None else number(high), side)
        for _ in range(12):
            top = 1e4 if high is None else high
            x = side * Fraction(min(max(low * (top / low) ** rng.random(), low * 1.0000001), top * 0.9999999))
            values = truths(made.graph, x)
            if bounds.outside:
                assert values[0] is None
            for k, truth in enumerate(values):
                if values[0] is not None and truth is not None:
                    assert_holds(bounds.known(k), truth)
                    if bounds.sign(k) is not None:
                        assert (truth > 0) - (truth < 0) == bounds.sign(k)


@pytest.mark.parametrize("text", [e for e in EXPRESSIONS if e not in ("digamma(x)", "lgamma(x)", "tan(x)")])
def test_signs_hold_where_they_are_claimed(text):
    made = reader(text)
    line = Line(made)
    rng = random.Random(3)
    points = [Fraction(rng.gauss(0, 3)) for _ in range(60)] + [Fraction(rng.uniform(-33, 33)) for _ in range(30)]
    for k in (0, 1):
        for piece in line.signs(k):
            inside = [
                x
                for x in points
                if (piece.low is None or x > fraction(piece.low)) and (piece.high is None or x < fraction(piece.high))
            ]
            for x in inside:
                value = truths(made.graph, x)
                if piece.outside:
                    assert value[0] is None
                elif piece.sign is not None and value[0] is not None and value[k] is not None:
                    assert (value[k] > 0) - (value[k] < 0) == piece.sign, (k, float(x), piece)


def test_a_narrow_spike_is_not_missed():
    line = Line(reader("exp(-(1000*(x - 0.3))**2) - 0.5"))
    signs = [piece.sign for piece in line.signs(0) if not piece.tiny]
    assert signs == [-1, 1, -1]


def test_a_jump_breaks_a_cell_even_where_the_slope_keeps_its_sign():
    line = Line(reader("x - 10*floor(x)"))
    assert any(mark.exact and fraction(mark.low) == 0 and mark.smooth < 0 for mark in line.marks)


def test_what_is_declared_a_constant_is_not_trusted():
    import gradtape as tf

    graph = record(lambda x: x + tf.stop_gradient(tf.sin(x)), 3, "float64", "x", None, False)
    assert not Reader(graph).honest
    assert Reader(record(lambda x: x + tf.stop_gradient(tf.constant(1.0)), 3, "float64", "x", None, False)).honest


# -- the parts ------------------------------------------------------------------------------------------------


def random_interval(rng):
    low, high = sorted(Fraction(rng.randint(-40, 40), 8) for _ in range(2))
    if low == high:
        return Interval.of(low), (low, high)
    return Interval(number(low), number(high), rng.random() < 0.5, rng.random() < 0.5), (low, high)


@pytest.mark.parametrize("name", ["+", "-", "*", "/"])
def test_arithmetic_holds_all_results_and_its_ends_are_sharp(name):
    apply = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b}[name]
    rng = random.Random(1)
    with precision(128):
        for _ in range(400):
            (a, ends_a), (b, ends_b) = random_interval(rng), random_interval(rng)
            try:
                c = apply(a, b)
            except ArithmeticError:
                assert name == "/"
                assert ends_b[0] <= 0 <= ends_b[1]
                continue
            corners = []
            for x in (*ends_a, (ends_a[0] + ends_a[1]) / 2):
                for y in (*ends_b, (ends_b[0] + ends_b[1]) / 2):
                    if name == "/" and y == 0:
                        continue
                    corners.append(apply(x, y))
                    if a.holds(number(x)) and b.holds(number(y)):
                        value = Interval.of(apply(x, y))
                        assert c.hull(value).low == c.low
                        assert c.hull(value).high == c.high
                        if value.low == value.high:  # exact: then also whether the ends are in it is right
                            assert c.holds(value.low)
            if c.finite and name != "/":
                assert (fraction(c.low), fraction(c.high)) == (min(corners), max(corners))


def test_polynomials_know_roots():
    root = Polynomial({(0, ((PI, -1),)): Fraction(2)}).root()
    square = root * root
    assert square == Polynomial({(0, ((PI, -1),)): Fraction(2)})
    half = Polynomial.constant(2).root().reciprocal()
    assert half * half == Polynomial.constant(Fraction(1, 2))
    with precision(128):
        assert abs(float(half.at(Interval.of(0)).ball) - 0.5**0.5) < 1e-15


def test_a_tail_keeps_the_sign_of_a_sum_whose_parts_vanish():
    bounds = reader("x*exp(-x) - exp(-x)").tail(number(32), None, 1)
    assert isinstance(bounds.values[0], Tail)
    assert bounds.sign(0) == 1
    assert bounds.sign(1) == -1


@pytest.mark.parametrize(
    ("low", "high", "found"), [(-1, 1, 0), (0.3, 0.6, 0.5), (0.7, 0.8, 0.75), (2.1, 2.9, 2.5), (0.3, 0.3000001, None)]
)
def test_the_simplest_number(low, high, found):
    number_ = simplest(number(low), number(high))
    assert (None if number_ is None else float(number_)) == found


def test_places_without_a_second_formula_are_analytic():
    """What is declared without `smoothness` has equal derivatives on both sides of every question in its formula."""
    for text in EXPRESSIONS:
        made = reader(text)
        if any(TABLE[name].smoothness is not None for name, _, _ in made.program.steps):
            continue
        for center in (-3, -1, Fraction(-1, 2), 0, Fraction(1, 2), 1, 3):
            with precision(256):
                near = Fraction(1, 1 << 200)
                left = made.box(number(center - near), number(Fraction(center)))
                right = made.box(number(Fraction(center)), number(center + near))
            for k in range(4):
                a, b = left.known(k), right.known(k)
                if a is not None and b is not None and a.finite and b.finite and a.width < 1e-20 and b.width < 1e-20:
                    assert not (a.low > b.high or b.low > a.high), (text, center, k, a, b)
