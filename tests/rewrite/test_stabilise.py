"""Formulas that people write by hand are computed and differentiated as the exact primitive, and never get worse."""

import io

import numpy as np
import pytest
from mpmath import mp, mpf
from spellings import SPELLINGS, by_hand, differentiated, exp, log, results, rewritten, shown, sin, sqrt, tanh

import gradtape as tf
from gradtape import config

PRECISION = 400


def sigmoid(x, k=0):
    """A derivative of the logistic function, in e^-|x|."""
    e = mp.exp(-abs(x))
    if k == 0:
        return (e if x < 0 else 1) / (1 + e)
    less = mp.expm1(-abs(x))
    top = {1: 1, 2: less, 3: 1 - 4 * e + e * e, 4: less * (1 - 10 * e + e * e)}[k]
    return e * top / (1 + e) ** (k + 1) * (-1 if x < 0 and k % 2 == 0 else 1)


def sine_ratio(x, k):
    if x == 0:
        return mpf(0) if k % 2 else mpf((-1) ** (k // 2)) / (k + 1)
    with mp.workprec(PRECISION + 5 * max(0, -mp.mag(x))):
        value = mp.sin(x) / x
        for n in range(1, k + 1):
            value = (((mp.sin, mp.cos)[n % 2](x) * (-1) ** (n // 2)) - n * value) / x
        return +value


def log1p(x, k):
    return (-1) ** (k - 1) * mp.factorial(k - 1) / (1 + x) ** k if k else mp.log1p(x)


def log1mexp(x, k):
    q = -mp.exp(x) / mp.expm1(x)  # e^x / (1 - e^x)
    if k == 0:
        return mp.log(-mp.expm1(x)) if x > -1 else mp.log1p(-mp.exp(x))
    return -{1: q, 2: q * (1 + q), 3: q * (1 + q) * (1 + 2 * q)}[k]


TRUE = {
    "sigmoid": sigmoid,
    "falling": lambda x, k: (-1) ** k * sigmoid(-x, k),
    "sigmoid slope": lambda x, k: sigmoid(x, k + 1),
    "tanh slope": lambda x, k: 2 ** (k + 2) * sigmoid(2 * x, k + 1),
    "softplus": lambda x, k: sigmoid(x, k - 1) if k else max(x, mpf(0)) + mp.log1p(mp.exp(-abs(x))),
    "log_sigmoid": lambda x, k: (-1) ** (k - 1) * sigmoid(-x, k - 1) if k else -TRUE["softplus"](-x, 0),
    "expm1": lambda x, k: mp.exp(x) if k else mp.expm1(x),
    "-expm1": lambda x, k: -TRUE["expm1"](x, k),
    "log1mexp": log1mexp,
    "log1p": log1p,
    "log1p(-x)": lambda x, k: (-1) ** k * log1p(-x, k),
    "versine": lambda x, k: (2 * mp.sin(x / 2) ** 2, mp.sin(x), mp.cos(x), -mp.sin(x))[k],
    "sine_ratio": sine_ratio,
    "silu": lambda x, k: x * sigmoid(x, k) + (k * sigmoid(x, k - 1) if k else 0),
}


IDS = [f"{i}-{name}" for i, (name, _, _) in enumerate(SPELLINGS)]


def sample(dtype, true):
    """Numbers of all sizes and both signs, where the function is defined."""
    rng = np.random.default_rng(4)
    info = np.finfo(dtype)
    largest = np.log2(info.max)
    parts = [
        np.ldexp(rng.uniform(1, 2, 60), rng.integers(info.minexp - info.nmant, int(largest), 60)),
        rng.uniform(-1, 1, 40),
        rng.uniform(-20, 20, 40),
        rng.uniform(-760, 760, 40) if dtype == np.float64 else rng.uniform(-110, 110, 40),
        [0.0, 1.0, 2.0, 17.0, 20.0, 37.0, 88.8, 100.0, 104.0, 710.0, 745.5, info.max, info.tiny],
    ]
    x = np.concatenate(parts)
    x = np.unique(np.concatenate([x, -x]).astype(dtype))
    if true.startswith("log1p"):
        x = x[x < 1] if "-" in true else x[x > -1]
    if true == "log1mexp":
        x = x[x < 0]
    return x


def error(result, x, true, order, dtype):
    """In units of ulp + |slope| · ulp(x) / 2 where the rounded true value is a number; infinite if it is missed."""
    x = mpf(float(x))
    t = TRUE[true](x, order)
    info = np.finfo(dtype)
    smallest = info.minexp - info.nmant
    if abs(t) >= mpf(2) ** info.maxexp * (1 - mpf(2) ** (-info.nmant - 2)):
        return 0.0 if result == (np.inf if t > 0 else -np.inf) else np.inf
    if not np.isfinite(result):
        return np.inf

    def unit(y):
        return mp.ldexp(1, max(mp.frexp(y)[1] - 1 - info.nmant, smallest) if y else smallest)

    allowed = unit(t) + abs(TRUE[true](x, order + 1)) * unit(x) / 2
    return float(abs(mpf(float(result)) - t) / allowed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize(("row", "true", "f"), SPELLINGS, ids=IDS)
def test_no_input_gets_worse(row, true, f, order, dtype):
    x = sample(dtype, true)
    if true == "log1mexp" and order == 2:
        x = x[abs(x) > np.sqrt(np.finfo(dtype).tiny)]
    with_rows, without = results(f, x, order, True), results(f, x, order, False)
    with mp.workprec(PRECISION):
        for a, b, point in zip(with_rows, without, x, strict=True):
            one = error(a, point, true, order, dtype)
            if one > (1, 2, 4)[order]:
                assert one <= error(b, point, true, order, dtype), (point, a, b)


@pytest.mark.parametrize(("row", "true", "f"), SPELLINGS, ids=IDS)
def test_every_spelling_is_found_and_named(row, true, f):
    x = tf.constant([0.5, -1.0])
    assert rewritten(f(x)) == f"{row} ×1"
    assert rewritten(f(tf.constant(0.25, tf.float64))) == f"{row} ×1"


@pytest.mark.parametrize(("row", "true", "f"), SPELLINGS, ids=IDS)
def test_what_was_a_number_stays_one_and_nan_stays_nan(row, true, f):
    for dtype in (np.float32, np.float64):
        x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
        for order in (0, 1, 2):
            a, b = results(f, x, order, True), results(f, x, order, False)
            assert np.isnan(a[-1])
            usable = np.isfinite(b[:-1])
            assert np.allclose(a[:-1][usable], b[:-1][usable], rtol=1e-6), (order, x, a, b)


def test_the_gradient_that_three_frameworks_get_wrong():
    x = np.array([-100.0], np.float32)
    assert results(by_hand, x, 1, True)[0] == pytest.approx(3.7835e-44, rel=1e-3)
    assert np.isnan(results(by_hand, x, 1, False)[0])


# -- two arguments ---------- ----------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [lambda x, y: sqrt(x * x + y * y), lambda x, y: sqrt(tf.square(y) + x**2)])
def test_hypot(f):
    x = tf.constant([3.0, 3e30, 3e-30, 0.0, np.inf])
    y = tf.constant([4.0, 4e30, 4e-30, 0.0, np.nan])
    assert rewritten(f(x, y)) == "hypot ×1"
    assert np.array_equal(f(x, y).numpy(), tf.math.hypot(x, y).numpy())
    with tf.GradientTape() as tape:
        tape.watch((x, y))
        z = f(x, y)
    by_x, by_y = tape.gradient(z, (x, y))
    assert np.allclose(by_x.numpy()[:4], [0.6, 0.6, 0.6, 0.0]) and np.allclose(by_y.numpy()[:4], [0.8, 0.8, 0.8, 0.0])
    column = tf.constant([[1.0], [2.0]])
    assert f(column, x).shape == (2, 5) and rewritten(f(column, x)) == "hypot ×1"


def test_sums_of_three_squares_and_differences_of_squares_are_left_alone():
    x, y = tf.constant([1.0]), tf.constant([2.0])
    assert not rewritten(sqrt(x * x + y * y + x * x)) and not rewritten(sqrt(x * x - y * y))


# -- only what it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 2 / (1 + exp(-x)),
        lambda x: 1 / (1.0000001 + exp(-x)),
        lambda x: exp(x) / (1 + exp(2 * x)),
        lambda x: 0.5 * (1 + tanh(x)) * 2 - tanh(x),
        lambda x: log(2 + x),
        lambda x: exp(x) - 2,
        lambda x: 1 - tanh(x) ** 3,
        lambda x: sin(x) / (x + 1),
        lambda x: x / (1 + exp(-2 * x)),
        lambda x: tf.stop_gradient(exp(x)) - 1 + x,
    ],
)
def test_what_merely_looks_alike_is_left_alone(f):
    x = np.array([0.3, -0.7, 2.0])
    assert not rewritten(f(tf.constant(x)))
    for order in (0, 1):
        assert np.allclose(results(f, x, order, True), results(f, x, order, False), rtol=1e-14, atol=0)


def test_the_same_operations_with_other_numbers_are_told_apart():
    x = tf.constant([1e-9])
    for _ in range(3):
        for c, value, slope in ((1.0, 1e-9, 1.0), (2.0, np.log(2.0), 0.5), (3.0, np.log(3.0), 1 / 3)):
            assert log(c + x).numpy()[0] == pytest.approx(value, rel=1e-6)
            assert differentiated(lambda x, c=c: log(c + x), x, 1).numpy()[0] == pytest.approx(slope, rel=1e-6)


def test_equal_expressions_are_recognised_though_they_were_made_twice():
    x, a, b = tf.constant([0.5]), 3.0, 3.0
    assert rewritten(exp(a * x) / (1 + exp(b * x))) == "sigmoid ×1"
    assert not rewritten(exp(a * x) / (1 + exp(2.0 * x)))


def test_a_number_that_a_tape_watches_is_a_variable():
    a, x = tf.Variable(1.0), tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = log(a + x)
    assert [float(g) for g in tape.gradient(y, (a, x))] == pytest.approx([1 / 3, 1 / 3])
    with tf.GradientTape() as outer:  # the outer tape alone watches it
        outer.watch(a.value())
        with tf.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(x)
            y = log(a + x)
        slope = inner.gradient(y, x)
    assert float(outer.gradient(slope, a)) == pytest.approx(-1 / 9)


def test_a_constant_for_the_tape_stays_one():
    x = tf.constant(0.5)
    before = exp(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = before / (1 + exp(x))
    e = np.exp(0.5)
    assert float(tape.gradient(y, x)) == pytest.approx(-e * e / (1 + e) ** 2, rel=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with tape.stop_recording():
            before = exp(x)
        y = before / (1 + exp(x))
    assert float(tape.gradient(y, x)) == pytest.approx(-e * e / (1 + e) ** 2, rel=1e-6)


# -- tapes ----------------------------------------------------------------------------------------------------


def test_third_derivatives_through_nested_tapes_are_exact():
    x = np.array([-100.0, -1.0, 0.0, 60.0], np.float32)
    with mp.workprec(PRECISION):
        for order in (1, 2, 3):
            for result, point in zip(results(by_hand, x, order, True), x, strict=True):
                assert error(result, point, "sigmoid", order, np.float32) <= 4


def test_what_lies_inside_of_a_formula_can_be_a_source_too():
    x = tf.constant(-100.0)
    for _ in range(2):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            e = exp(-x / 50)
            y = 1 / (1 + e)
        by_x, by_e = tape.gradient(y, (x, e))
        assert float(by_e) == pytest.approx(-1 / (1 + np.exp(2.0)) ** 2, rel=1e-6)
        assert float(by_x) == pytest.approx(np.exp(2.0) / (1 + np.exp(2.0)) ** 2 / 50, rel=1e-6)
        assert float(tape.gradient(y, e)) == float(by_e) and float(tape.gradient(y, x)) == float(by_x)


def test_a_formula_that_is_a_source_itself_is_not_looked_through():
    x = tf.constant(1.5)
    with tf.GradientTape() as tape:
        tape.watch(x)
        s = by_hand(x)
        y = log(s)
    by_x, by_s = tape.gradient(y, (x, s))
    assert float(by_s) == pytest.approx(1 + np.exp(-1.5), rel=1e-6)
    assert float(by_x) == pytest.approx(1 / (1 + np.exp(1.5)), rel=1e-6)


def test_watching_in_the_middle_of_a_formula_starts_there():
    e = exp(tf.constant(1.0))
    with tf.GradientTape() as tape:
        tape.watch(e)
        y = 1 / (1 + e)
    assert float(tape.gradient(y, e)) == pytest.approx(-1 / (1 + np.e) ** 2, rel=1e-6)


def test_intermediate_values_that_are_used_elsewhere_keep_their_own_gradient():
    x = tf.constant([0.3, -2.0], tf.float64)

    def f(x):
        e = exp(-x)
        return 1 / (1 + e) + e * x

    v = x.numpy()
    expected = np.exp(-v) / (1 + np.exp(-v)) ** 2 + np.exp(-v) * (1 - v)
    assert np.allclose(differentiated(f, x, 1).numpy(), expected, rtol=1e-14)


def test_a_forced_intermediate_value_does_not_spoil_the_gradient():
    x = tf.constant(-100.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        e = exp(-x)
        assert np.isinf(e.numpy())
        y = 1 / (1 + e)
    assert float(tape.gradient(y, x)) == pytest.approx(3.7835e-44, rel=1e-3)


def test_repeated_gradients_are_replayed_with_their_rewrites():
    for at in (-100.0, -90.0, -80.0) * 2:
        x = tf.Variable(at)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = by_hand(x)
            slope = inner.gradient(y, x)
        second = outer.gradient(slope, x)
        assert float(slope) == pytest.approx(float(mp.exp(at)), rel=1e-3) == float(second)


# -- the setting, the tiers, functions ------------------------------------------------------------------------


def test_the_setting_holds_for_a_block_whatever_was_computed_before():
    x = tf.constant(1e-9)
    for _ in range(3):
        assert float(log(1 + x)) == pytest.approx(1e-9) and float(differentiated(by_hand, -1e11 * x, 1)) > 0
        with config.override(stabilise=False):
            assert float(log(1 + x)) == 0
            assert np.isnan(float(differentiated(by_hand, -1e11 * x, 1)))
            assert not rewritten(log(1 + x))


def test_a_function_follows_the_setting_and_the_numbers():
    f = tf.function(lambda x, c: log(c + x))
    slope = tf.function(lambda x: differentiated(by_hand, x, 1))
    x, one, two = tf.constant([1e-9]), tf.constant(1.0), tf.constant(2.0)
    for _ in range(2):
        assert f(x, one).numpy()[0] == pytest.approx(1e-9)
        assert f(x, two).numpy()[0] == pytest.approx(np.log(2))
        with config.override(stabilise=False):
            assert f(x, one).numpy()[0] == 0
        assert slope(tf.constant([-100.0])).numpy()[0] == pytest.approx(3.7835e-44, rel=1e-3)


@pytest.mark.parametrize(("row", "true", "f"), SPELLINGS, ids=IDS)
def test_all_tiers_give_the_same_bits(row, true, f):
    x = np.linspace(-1, 1, 23, dtype=np.float32)
    bits = set()
    for tier in ("single", "fused", "auto"):
        with config.override(tier=tier):
            bits.add((f(tf.constant(x)) * 3 + x).numpy().tobytes())
    assert len(bits) == 1


def test_a_formula_runs_the_kernel_of_its_primitive():
    from gradtape.graph.trace import trace
    from gradtape.rewrite.stabilise import stabilise

    x = tf.constant([1.0, 2.0])
    program, leaves, _ = trace(by_hand(x).node)
    found = stabilise(program, [leaf.value for leaf in leaves])
    assert found.program == trace(tf.sigmoid(x).node)[0]
    assert [leaves[i] for i in found.leaves] == [x.node]


def test_show_counts_what_is_computed_otherwise():
    x = tf.constant([1.0])
    text = shown(by_hand(x) + by_hand(2 * x), log(1 + x))
    assert "rewritten: sigmoid ×2" in text and "log1p ×1" in text
    assert "rewritten" not in shown(tf.sigmoid(x))


def test_show_knows_the_numbers_in_a_function():
    f = tf.function(lambda x, w: (log(1 + x) * w, log(w + x)))
    f(tf.constant([1.0]), tf.constant(1.0))
    text = io.StringIO()
    tf.show(f, file=text)
    assert "rewritten: log1p ×1\n" in text.getvalue()
