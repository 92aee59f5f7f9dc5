"""Facts against what is known of functions: from textbooks, or by mpmath at 50 digits."""

import json
import math

import numpy as np
import pytest
from mpmath import mp, mpf

import gradtape as tf
from gradtape.errors import ArgumentError, ExpressionError
from gradtape.study.facts import Fact, facts
from gradtape.text import parse

pytest.importorskip("flint")

inf = math.inf
mp.dps = 50
SQRT2 = mp.sqrt(2)
PHI = lambda x: mp.ncdf(x)  # noqa: E731
GELU_LOW = mp.findroot(lambda x: PHI(x) + x * mp.npdf(x), -0.75)
SILU_LOW = mp.findroot(lambda x: 1 + mp.exp(-x) + x * mp.exp(-x), -1.28)
MISH = lambda x: x * mp.tanh(mp.log1p(mp.exp(x)))  # noqa: E731
MISH_LOW = mp.findroot(lambda x: mp.diff(MISH, x), -1.19)
MISH_STEEP = mp.findroot(lambda x: mp.diff(MISH, x, 2), 1.49)
SIGMOID = lambda x: 1 / (1 + mp.exp(-x))  # noqa: E731

KNOWN = {
    # expression: range, largest slope, smallest slope, smoothness, zeros, monotone everywhere, mean of f(z), of f'(z)²
    "sigmoid(x)": ((0, 1), (0.25, [0]), (0, []), "C∞", [], "increasing", 0.5, None),
    "tanh(x)": ((-1, 1), (1, [0]), (0, []), "C∞", [0], "increasing", 0, None),
    "relu(x)": ((0, inf), (1, None), (0, None), "C0", None, None, mp.npdf(0), 0.5),
    "relu6(x)": ((0, 6), (1, None), (0, None), "C0", None, None, None, PHI(6) - 0.5),
    "leaky_relu(x, 0.01)": ((-inf, inf), (1, None), (0.01, None), "C0", [0], "increasing", 0.99 * mp.npdf(0), 0.50005),
    "elu(x)": ((-1, inf), (1, None), (0, []), "C1", [0], "increasing", None, None),
    "elu(x, 0.5)": ((-0.5, inf), (1, None), (0, []), "C0", [0], "increasing", None, None),
    "celu(x, 2)": ((-2, inf), (1, None), (0, []), "C1", [0], "increasing", None, None),
    "selu(x)": ((-1.7580993408473768, inf), (1.7580993408473768, None), (0, []), "C0", [0], "increasing", 0, None),
    "gelu(x)": (
        (GELU_LOW * PHI(GELU_LOW), inf),
        (PHI(SQRT2) + SQRT2 * mp.npdf(SQRT2), [SQRT2]),
        (PHI(-SQRT2) - SQRT2 * mp.npdf(SQRT2), [-SQRT2]),
        "C∞",
        [0],
        None,
        1 / (2 * mp.sqrt(mp.pi)),
        None,
    ),
    "silu(x)": (
        (SILU_LOW * SIGMOID(SILU_LOW), inf),
        (1.0998393201275, None),
        (-0.0998393201275, None),
        "C∞",
        [0],
        None,
        None,
        None,
    ),
    "x*sigmoid(x)": ((SILU_LOW * SIGMOID(SILU_LOW), inf), (1.0998393201275, None), None, "C∞", [0], None, None, None),
    "mish(x)": ((MISH(MISH_LOW), inf), (mp.diff(MISH, MISH_STEEP), [MISH_STEEP]), None, "C∞", [0], None, None, None),
    "softplus(x)": ((0, inf), (1, []), (0, []), "C∞", [], "increasing", None, None),
    "softsign(x)": ((-1, 1), (1, [0]), (0, []), "C1", [0], "increasing", 0, None),
    "log_sigmoid(x)": ((-inf, 0), (1, []), (0, []), "C∞", [], "increasing", None, None),
    "tanhshrink(x)": ((-inf, inf), (1, []), (0, [0]), "C∞", [0], "increasing", 0, None),
    "softshrink(x)": ((-inf, inf), (1, None), (0, None), "C0", None, None, 0, 2 * PHI(-0.5)),
    "hardshrink(x)": ((-inf, inf), (1, None), (0, None), "discontinuous", None, None, 0, 2 * PHI(-0.5)),
    "hard_tanh(x)": ((-1, 1), (1, None), (0, None), "C0", [0], None, 0, PHI(1) - PHI(-1)),
    "hard_sigmoid(x)": ((0, 1), (mpf(1) / 6, None), (0, None), "C0", None, None, 0.5, (PHI(3) - PHI(-3)) / 36),
    "x*relu6(x + 3)/6": ((-0.375, inf), (1.5, [3]), (-0.5, [-3]), "C0", None, None, None, None),
    "exp(x)": ((0, inf), (inf, None), (0, []), "C∞", [], "increasing", mp.exp(0.5), mp.exp(2)),
    "exp(-x**2)": (
        (0, 1),
        (mp.sqrt(2 / mp.e), [-1 / SQRT2]),
        (-mp.sqrt(2 / mp.e), [1 / SQRT2]),
        "C∞",
        [],
        None,
        1 / mp.sqrt(3),
        None,
    ),
    "sin(x)": ((-1, 1), (1, None), (-1, None), "C∞", None, None, 0, (1 + mp.exp(-2)) / 2),
    "atan(x)": ((-mp.pi / 2, mp.pi / 2), (1, [0]), (0, []), "C∞", [0], "increasing", 0, None),
    "x**3 - x": ((-inf, inf), (inf, None), (-1, [0]), "C∞", [-1, 0, 1], None, 0, 22),
    "(x + hypot(x, 2))/2": (None, (1, []), (0, []), "C∞", [], "increasing", None, None),
    "abs(x)": ((0, inf), (1, None), (-1, None), "C0", [0], None, mp.sqrt(2 / mp.pi), 1),
    "sinc(x)": ((-0.21723362821122165, 1), (1.3703055929, None), (-1.3703055929, None), "C∞", None, None, None, None),
}


def inside(fact: Fact, truth) -> None:
    low, high = fact.enclosure
    with mp.workdps(50):
        slack = mpf(10) ** -40 if not isinstance(truth, float) or truth == int(truth) else mpf(10) ** -9
        assert mpf(low) - slack <= truth <= mpf(high) + slack


@pytest.mark.parametrize("text", KNOWN)
def test_known_mathematics(text):
    span, steepest, flattest, smooth, zeros, trend, mean, squared = KNOWN[text]
    found = facts(text)
    if span is not None:
        assert found["range"].proved
        assert found["range"].value == pytest.approx([float(e) for e in span], rel=1e-12, abs=1e-15)
    for name, known in (("largest_slope", steepest), ("smallest_slope", flattest)):
        if known is None:
            continue
        fact = found[name]
        assert fact.proved
        assert fact.value["slope"] == pytest.approx(float(known[0]), rel=1e-9, abs=1e-12)
        if known[1] is not None:
            assert fact.value["at"] == pytest.approx([float(x) for x in known[1]], rel=1e-12, abs=1e-12)
            if not math.isinf(known[0]):
                inside(fact, known[0])
    assert (found["smoothness"].value, found["smoothness"].proved) == (smooth, True)
    if zeros is not None:
        assert found["zeros"].proved
        assert found["zeros"].value == {"points": [float(z) for z in zeros], "intervals": []}
    if trend is not None:
        assert (found["monotone"].statement, found["monotone"].proved) == (f"{trend} everywhere", True)
    if mean is not None:
        assert found["mean"].proved
        inside(found["mean"], mean)
        assert found["mean"].value["zero_centred"] is (mean == 0)
        assert found["mean"].enclosure[1] - found["mean"].enclosure[0] < 1e-3
    if squared is not None:
        assert found["squared_slope"].proved
        inside(found["squared_slope"], squared)


def test_what_a_report_on_sigmoid_must_prove():
    found = facts("sigmoid(x)")
    assert str(found["range"]) == "range (0, 1) (proved)"
    assert str(found["largest_slope"]) == "largest slope 1/4, at x = 0 (proved)"
    assert found["mean"].proved
    assert found["mean"].statement.startswith("not zero-centred")
    assert str(found["slope_outside"]) == "|f'| < 0.0067 outside [-5, 5] (proved)"


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("sigmoid(x)", (0, 1)),
        ("gelu(x)", (0, inf)),
        ("silu(x)", (0, inf)),
        ("mish(x)", (0, inf)),
        ("tanh(x)", (-1, 1)),
        ("elu(x, 0.5)", (-0.5, inf)),
        ("exp(-x**2)", (0, 0)),
        ("x*exp(x)", (0, inf)),
        ("-x**3", (inf, -inf)),
        ("sinc(x)", (0, 0)),
    ],
)
def test_limits(text, limits):
    fact = facts(text)["limits"]
    assert fact.proved
    assert fact.value == {"-∞": limits[0], "∞": limits[1]}


def test_a_limit_is_not_claimed_where_two_growths_cancel():
    fact = facts("(x + hypot(x, 2))/2")["limits"]  # 0 at -∞
    assert not fact.proved
    assert fact.value["-∞"] != inf


def test_limits_where_there_are_none():
    fact = facts("sin(x)")["limits"]
    assert (fact.status, fact.value) == ("sampled", {"-∞": None, "∞": None})


@pytest.mark.parametrize(
    ("text", "convexity"),
    [
        ("relu(x)", "convex everywhere"),
        ("softplus(x)", "convex everywhere"),
        ("exp(x)", "convex everywhere"),
        ("leaky_relu(x)", "convex everywhere"),
        ("elu(x)", "convex everywhere"),
        ("log_sigmoid(x)", "concave everywhere"),
        ("sigmoid(x)", "convex on (-∞, 0] and concave on [0, ∞)"),
        ("where(x < 0, x, 0.5*x)", "concave everywhere"),
        (
            "gelu(x)",
            "concave on (-∞, -1.414213562], convex on [-1.414213562, 1.414213562] and concave on [1.414213562, ∞)",
        ),
    ],
)
def test_convexity(text, convexity):
    fact = facts(text)["convex"]
    assert (fact.statement, fact.proved) == (convexity, True)


@pytest.mark.parametrize(
    ("text", "points", "intervals"),
    [
        ("sigmoid(x)", [mp.findroot(lambda x: SIGMOID(x) - x, 0.66)], []),
        ("cos(x)", [mp.findroot(lambda x: mp.cos(x) - x, 0.74)], []),
        ("relu(x)", [], [[0, inf]]),
        ("hard_tanh(x)", [], [[-1, 1]]),
        ("x**3 - x", [-SQRT2, 0, SQRT2], []),
        ("softplus(x)", [], []),
        ("silu(x)", [0], []),
    ],
)
def test_fixed_points(text, points, intervals):
    fact = facts(text)["fixed_points"]
    assert fact.proved
    assert fact.value["points"] == pytest.approx([float(p) for p in points], rel=1e-14)
    assert fact.value["intervals"] == intervals


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("relu(x)", [(0, 0, [0, 0, 0], [0, 1, 0])]),
        ("elu(x)", [(0, 1, [0, 1, 1], [0, 1, 0])]),
        ("leaky_relu(x, 0.25)", [(0, 0, [0, 0.25, 0], [0, 1, 0])]),
        ("hardshrink(x)", [(-0.5, -1, [-0.5, 1, 0], [0, 0, 0]), (0.5, -1, [0, 0, 0], [0.5, 1, 0])]),
        ("relu6(x)", [(0, 0, [0, 0, 0], [0, 1, 0]), (6, 0, [6, 1, 0], [6, 0, 0])]),
        ("softsign(x)", [(0, 1, [0, 1, 2], [0, 1, -2])]),
        ("tanh(x)", []),
    ],
)
def test_breakpoints(text, known):
    fact = facts(text)["breakpoints"]
    assert fact.proved
    assert [(b["x"], b["class"], b["left"], b["right"]) for b in fact.value] == known


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("sigmoid(x)", -mp.log((98 + mp.sqrt(9600)) / 2), mp.log((98 + mp.sqrt(9600)) / 2)),
        ("tanh(x)", -mp.acosh(10), mp.acosh(10)),
        ("relu(x)", 0, None),
        ("elu(x)", mp.log(mpf(1) / 100), None),
        ("softplus(x)", mp.log(mpf(1) / 99), None),
        ("hard_tanh(x)", -1, 1),
        ("x", None, None),
        ("atan(x)", -mp.sqrt(99), mp.sqrt(99)),
    ],
)
def test_saturation(text, left, right):
    fact = facts(text)["saturation"]
    assert fact.proved
    for key, known in (("left", left), ("right", right)):
        assert fact.value[key] == (None if known is None else pytest.approx(float(known), rel=1e-12))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("text", ["sigmoid(x)", "tanh(x)", "gelu(x)", "softplus(x)", "erf(x)", "elu(x)"])
def test_where_rounding_ends_a_function(text, dtype):
    """gradtape's own values, which are rounded from results that are exact to an ulp, change at these numbers, or one
    or two numbers further."""
    found = facts(text)
    row = found["rounding"].value[dtype]
    assert found["rounding"].proved
    kind = np.dtype(dtype).type
    function = parse(text)
    for key, at in row.items():
        if at is None:
            continue
        what, side = key.split("_")
        outwards = kind(inf if side == "right" else -inf)
        x = tf.constant(np.array([at, np.nextafter(kind(at), outwards)], kind))
        nearby = tf.constant(np.array([kind(at) * kind(0.95)], kind))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            tape.watch(nearby)
            values, inner = function(x), function(nearby)
        if what == "slope":
            values, inner = tape.gradient(values, x), tape.gradient(inner, nearby)
        limit = {"value": found["limits"].value["∞" if side == "right" else "-∞"], "slope": 0}[what]
        step = np.spacing(kind(abs(limit)))
        assert np.all(np.abs(values.numpy().astype(np.float64) - limit) <= step)
        assert inner.numpy()[0] != kind(limit)


@pytest.mark.parametrize(
    ("text", "parity", "status"),
    [
        ("tanh(x)", "odd", "sampled"),
        ("x**2", "even", "sampled"),
        ("sigmoid(x)", "neither", "proved"),
        ("0*x", "odd and even", "sampled"),
    ],
)
def test_parity(text, parity, status):
    fact = facts(text)["parity"]
    assert (fact.value, fact.status) == (parity, status)


def test_periods():
    assert facts("sin(x)")["period"].value == pytest.approx(2 * math.pi)
    assert facts("sin(x)**2")["period"].value == pytest.approx(math.pi)
    assert "period" not in facts("sin(2*pi*x)")  # 2π is rounded there
    assert "period" not in facts("tanh(x)")


# -- what must not be claimed ---------------------------------------------------------------------------------


def test_narrow_spikes_are_found():
    found = facts("0.5*tanh(x) + 0.1*exp(-(1000*(x - 0.3))**2)")
    assert found["largest_slope"].proved
    with mp.workdps(50):
        u = lambda x: 1000 * (x - mpf("0.3"))  # noqa: E731
        bell = lambda x: mp.exp(-(u(x) ** 2)) / 10  # noqa: E731
        slope = lambda x: mp.sech(x) ** 2 / 2 - 2000 * u(x) * bell(x)  # noqa: E731
        bend = lambda x: -mp.tanh(x) * mp.sech(x) ** 2 + 10**6 * (4 * u(x) ** 2 - 2) * bell(x)  # noqa: E731
        steep = mp.findroot(bend, (mpf("0.2992"), mpf("0.2994")), solver="anderson")
        inside(found["largest_slope"], slope(steep))
    assert "everywhere" not in found["monotone"].statement


@pytest.mark.parametrize("width", [1e-3, 1e-5])
def test_a_spike_is_never_said_not_to_be_there(width):
    found = facts(f"exp(-((x - 1/3)/{width})**2)")
    span = found["range"]
    assert not span.proved or span.value == [0, 1]
    assert not found["zeros"].proved or found["zeros"].value["points"] == []


@pytest.mark.parametrize("text", ["sin(50*x)/50", "sin(x**2)", "exp(sin(7*x))*0.1", "x + 0.001*sin(1000*x)"])
def test_proved_bounds_hold_at_random_points(text):
    found = facts(text)
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.normal(0, 3, 20_000), rng.uniform(-40, 40, 20_000)])
    f, slope = (np.asarray(y.numpy()) for y in tf.derivatives(found.subject.function, x, 1))
    if found["range"].proved:
        low, high = found["range"].value
        assert f.min() >= low - 1e-12
        assert f.max() <= high + 1e-12
    for name, worst in (("largest_slope", slope.max()), ("smallest_slope", -slope.min())):
        if found[name].proved:
            bound = found[name].value["slope"] * (1 if name == "largest_slope" else -1)
            assert worst <= bound * (1 + 1e-9) + 1e-9


def test_sums_of_samples_stay_in_the_bounds_of_means():
    rng = np.random.default_rng(7)
    z = rng.normal(size=200_000)
    for text in ("gelu(x)", "mish(x)", "selu(x)", "hardshrink(x)", "sin(3*x)"):
        found = facts(text)
        f, slope = (np.asarray(y.numpy()) for y in tf.derivatives(found.subject.function, z, 1))
        for name, values in (("mean", f), ("squared_slope", slope**2)):
            low, high = found[name].enclosure
            error = 6 * values.std() / math.sqrt(len(z))
            assert low - error <= values.mean() <= high + error


def test_nothing_is_proved_of_a_derivative_that_is_declared():
    found = facts(lambda x: tf.where(x > 0, 1.0, 0.0) + x - tf.stop_gradient(x))
    assert {found[name].status for name in ("range", "largest_slope", "monotone")} == {"sampled"}


def test_a_condition_on_what_is_not_defined_is_not_taken_for_true():
    found = facts("where(log1p(x) < 1.7, x, 10 - x)")  # for x < -1 the comparison with NaN is false
    assert not found["monotone"].proved or found["monotone"].value[0]["trend"] == "decreasing"
    assert not found["limits"].proved or found["limits"].value["-∞"] == inf


def test_a_jump_is_not_an_increase():
    found = facts("x - 10*floor(x/8)")
    assert not found["monotone"].proved or "everywhere" not in found["monotone"].statement
    assert found["lipschitz"].value == inf


def test_a_python_condition_is_refused():
    with pytest.raises(ArgumentError, match="cannot look at the value of x"):
        facts(lambda x: x if x > 0 else 0 * x)["range"]


def test_errors():
    with pytest.raises(ExpressionError):
        facts("sigmoid(x")
    with pytest.raises(ArgumentError, match="2"):
        facts("x*y")
    with pytest.raises(ArgumentError):
        facts(3)


def test_user_functions_and_their_names():
    def swish(x):
        return x * tf.sigmoid(1.5 * x)

    found = facts(swish)
    assert found.subject.name == "swish"
    assert found["zeros"].value["points"] == [0.0]
    assert found["limits"].proved


def test_variables_are_the_numbers_that_they_hold():
    width = tf.Variable(2.0)
    found = facts(lambda x: tf.tanh(tf.cast(width, x.dtype) * x))
    assert found["largest_slope"].proved
    assert found["largest_slope"].value["slope"] == 2.0


def test_facts_are_json_and_immutable():
    found = facts("gelu(x)")
    text = json.dumps(found.as_json(), allow_nan=False)
    back = json.loads(text)
    assert back["range"]["status"] == "proved"
    assert back["range"]["value"][1] == "Infinity"
    assert back["range"]["enclosure"][1] == "Infinity"
    with pytest.raises(AttributeError):
        found["range"].status = "sampled"


def test_constants():
    found = facts("0*x + 3")
    assert found["range"].statement == "constant: always 3"
    assert found["monotone"].statement == "constant everywhere"
    assert found["lipschitz"].value == 0
