"""The instrument: what it measures, what it says, and what it draws."""

import io
import json
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

import gradtape as tf
from gradtape import config, study
from gradtape.errors import ArgumentError, DTypeError
from gradtape.study.accuracy_graph import Text
from gradtape.study.accuracy_points import around, regions, sample
from gradtape.study.accuracy_verdict import HINTS, hint
from gradtape.text import parse
from gradtape.text.vocabulary import functions


def by_hand(text, order=1, *args, **kwargs):
    """The accuracy of a formula that is computed as it is written."""
    with config.override(stabilise=False):
        return study.accuracy(text, order, *args, points=kwargs.pop("points", 400), **kwargs)


# -- figures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_a_function_of_the_table_keeps_the_contract_on_the_whole_line(order, dtype):
    found = study.accuracy("sigmoid(x)", order, dtype, None, points=300)
    assert found.met and found.contract == (1, 2, 4, 4)[order]
    assert 0 < found.median <= found.maximum < 1
    assert found.quantiles[0.5] <= found.quantiles[0.9] <= found.quantiles[0.99] <= found.quantiles[0.999]
    assert not any(found.wrong.values()) and not found.losses and found.undefined == 0


def test_the_figures_are_those_of_numpy_in_float64():
    """Where float64 is truth enough, the errors can be worked out without the instrument."""
    found = by_hand("exp(x)/(2 + x**2)", 0)
    x = found.x.astype(np.float64)
    exact = np.exp(x) / (2 + x**2)
    wanted = np.abs(found.computed - exact) / 2.0 ** (np.floor(np.log2(exact)) - 23)
    np.testing.assert_allclose(found.errors, wanted, atol=1e-6)
    assert found.maximum == found.errors.max() and found.worst[0].x == found.x[found.errors.argmax()]
    assert sum(region.points for region in found.regions) == found.whole.points == len(found.x)


def test_wrong_results_are_counted():
    found = by_hand("1/(1 + exp(-x))", 1, "float32", (-100, 100))
    assert found.met is False and found.maximum == math.inf
    assert found.wrong["nan"] == np.isnan(found.computed).sum() > 0
    assert found.wrong["zero"] == ((found.computed == 0) & (found.exact != 0)).sum() > 0
    assert found.wrong["inf"] == 0
    assert any("wrongly NaN" in sentence for sentence in found.verdict)
    assert study.accuracy("1/(1 + exp(-x))", 1, "float32", (-100, 100), points=400).met


def test_where_there_is_no_function_there_is_no_error():
    found = study.accuracy("log(x)", 1, points=200)
    assert found.undefined == (found.x <= 0).sum() > 50
    assert found.met and found.whole.points == (found.x > 0).sum()
    nowhere = study.accuracy("sqrt(-1 - x**2)", points=50)
    assert nowhere.whole.points == 0 and "no finite value" in nowhere.verdict[0]


def test_next_to_a_zero_of_a_first_derivative_the_mixed_measure_counts():
    """The derivative of x - x³/3 is 1 - x²: near ±1 its ulps are far smaller than what an ulp of x changes."""
    near = by_hand("x - x*x*x/3", 1, "float32", (0.99995, 1.00005))
    x = near.x.astype(np.float64)
    exact = 1 - x**2
    plain = np.abs(near.computed - exact) / np.maximum(np.spacing(np.abs(exact).astype(np.float32)), 2.0**-149)
    assert plain.max() > 50 and near.maximum < 4


def test_far_from_a_zero_a_first_derivative_gets_no_allowance():
    found = by_hand("exp(x*x)", 1, "float32", (5, 9))
    assert found.maximum > 20 and found.met is False


def test_no_contract_above_the_third_derivative():
    found = study.accuracy("sin(x)", 5, points=100)
    assert found.contract is None and found.met is None and found.maximum < 1


def test_constants_count_as_typed():
    """A tenth is no float32: the product has the error of the constant too."""
    assert 0.5 < by_hand("0.1*x", 0).maximum < 1.5
    assert by_hand(lambda x: x * np.float32(0.1), 0).maximum <= 0.5


# -- the verdict ----------------------------------------------------------------------------------------------

LOST = [
    ("exp(x) - 1", 0, (-1, 1), "exp(x) - 1", "1 is subtracted from exp(x)"),
    ("exp(x) - cos(x)", 0, (-1, 1), "exp(x) - cos(x)", "cos(x) is subtracted from exp(x)"),
    ("(exp(x) - 1)/x", 0, (0.01, 1), "exp(x) - 1", "use expm1(x)"),
    ("log(1 + exp(x))", 0, (-50, 50), "log(1 + exp(x))", "use softplus(x)"),
    ("1 - tanh(x)**2", 0, (-30, 30), "1 - tanh(x)**2", "use 1/cosh(x)**2"),
    ("1/(1 + exp(-x))", 1, (-100, 100), "exp(-x)", "overflows"),
    ("exp(-x*x)*exp(x*x)", 0, (5, 20), "exp(x*x)", "overflows"),
    ("sqrt(x + 1) - sqrt(x)", 0, (1, 1e6), "sqrt(x + 1) - sqrt(x)", "the operands agree to"),
    ("sin(1 + x*1e6)", 0, (1, 2), "sin(1 + x*1e+06)", "magnifies the rounding of 1 + x*1e+06"),
]


@pytest.mark.parametrize(("text", "order", "domain", "expression", "words"), LOST, ids=[row[0] for row in LOST])
def test_the_operation_that_loses_the_digits_is_named(text, order, domain, expression, words):
    found = by_hand(text, order, "float32", domain)
    assert found.losses[0].expression == expression
    assert words in found.losses[0].sentence and f"{found.losses[0].sentence}." in found.verdict


def test_the_sentence_says_how_many_digits_at_which_input():
    found = by_hand("exp(x) - 1", 0, "float64", (1e-7, 1.0001e-7), points=20)
    x = found.losses[0].x
    wanted = f"The digits are lost where 1 is subtracted from exp(x), at x = {x:.9g}: the operands agree to 6 digits; "
    assert found.losses[0].sentence in (wanted + "use expm1(x)", wanted.replace("6", "7") + "use expm1(x)")


def test_the_line_of_the_users_file_is_named():
    def difference(x):
        grown = tf.exp(x)
        return grown - tf.cos(x)

    (loss,) = by_hand(difference, 0).losses
    assert loss.place == f"{__file__}, line {difference.__code__.co_firstlineno + 2}"
    assert loss.place in loss.sentence and loss.operation == "subtract"


def test_a_rewrite_is_not_blamed_for_what_it_mends():
    assert study.accuracy("exp(x) - 1", 0, points=200).met
    assert not study.accuracy("exp(x) - 1", 0, points=200).losses


def test_ill_conditioned_functions_are_told_from_bad_formulas():
    bad = by_hand("exp(x) - cos(x)", 0, domain=(1e-9, 1e-3))
    assert bad.worst[0].condition == pytest.approx(1, rel=1e-2) and any("well-cond" in s for s in bad.verdict)
    ill = by_hand("sin(1e6*x)", 0, domain=(1, 2))
    assert ill.worst[0].condition > 1e4 and any("ill-conditioned" in s for s in ill.verdict)


def test_hints_name_functions_that_exist():
    for _, _, advice in HINTS:
        for word in re.findall(r"[a-z]+[0-9a-z]*(?=\()", advice):
            assert word in functions()
    assert hint("add", [Text("1"), Text("x")]) == ""


# -- points ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_points_have_all_sizes_and_stay_inside(dtype):
    kind = np.dtype(dtype)
    info = np.finfo(kind)
    whole = sample(None, 2000, kind)
    assert whole.dtype == kind and 1900 < len(whole) <= 2003 and (np.diff(whole) > 0).all()
    assert whole[0] == -info.max and whole[-1] == info.max and 0 in whole
    assert (np.abs(whole[whole != 0]) < info.smallest_normal).sum() > 10
    part = sample((-3.0, 10.0), 500, kind)
    assert part[0] == -3 and part[-1] == 10 and np.abs(part[part != 0]).min() < 1e-30
    narrow = sample((2.0, 2.5), 100, kind)
    assert narrow[0] == 2 and narrow[-1] == 2.5
    assert (sample((2.0, 2.5), 100, kind) == narrow).all()


def test_neighbours_of_the_worst_points_are_tried():
    close = around(np.array([1.0], np.float32), (0.0, 1.0), np.dtype("float32"))
    assert 1 - np.spacing(np.float32(1)) in close and close.max() < 1 and close.min() > 0.99


def test_regions_cover_the_domain():
    for domain in (None, (-10.0, 10.0), (0.5, 0.75)):
        parts = regions(domain)
        assert parts[-1][2] == math.inf and parts[0][1] == (domain or (-math.inf, 0))[0]
        assert all(a[2] == b[1] for a, b in pairwise(parts))


# -- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"order": 12}, ArgumentError, "up to derivative 11"),
        ({"order": -1}, ArgumentError, "whole number from 0 to 30"),
        ({"dtype": "int32"}, DTypeError, "float32 or float64"),
        ({"domain": (1, -1)}, ArgumentError, "reversed"),
        ({"domain": "all"}, ArgumentError, "a range is two numbers"),
        ({"points": 3}, ArgumentError, "10 to 200,000 points, not 3"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        study.accuracy("sin(x)", **arguments)


def test_infinite_ends_are_the_whole_line():
    assert study.accuracy("x", 0, domain=(-math.inf, math.inf), points=20).domain is None


# -- what is shown --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sigmoid():
    return by_hand("1/(1 + exp(-x))", 1, "float32", (-100, 100))


def test_as_text(sigmoid):
    text = str(sigmoid)
    for words in (
        "accuracy of f'(x) for f(x) = 1/(1 + exp(-x)), float32, -100 to 100",
        "2 ulp: not met",
        "by region, in ulp",
        "worst inputs",
        "exp(-x) overflows",
    ):
        assert words in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_on_a_terminal(sigmoid):
    from rich.console import Console

    console = Console(width=120, record=True, file=io.StringIO())
    console.print(sigmoid)
    drawn = console.export_text()
    assert "╭" in drawn and "worst inputs" in drawn and "exp(-x) overflows" in drawn


def test_as_json(sigmoid):
    read = json.loads(sigmoid.to_json())
    assert read["whole"]["maximum"] == "Infinity" and read["met"] is False and read["domain"] == [-100, 100]
    assert read["losses"][0]["operation"] == "exp" and len(read["regions"]) == 8


def test_the_picture_has_the_contract_and_the_worst_inputs(sigmoid, tmp_path):
    figure = sigmoid.plot()
    (axes,) = figure.axes
    assert axes.get_yscale() == "log" and axes.get_xlim() == (-100, 100)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["gradtape", "wrongly NaN or infinite", "contract: 2 ulp", "worst inputs"]
    (contract,) = [line for line in axes.get_lines() if line.get_label() == "contract: 2 ulp"]
    assert set(contract.get_ydata()) == {2}
    figure.savefig(tmp_path / "accuracy.png")


def test_the_picture_has_the_style_and_the_place_that_are_asked_for(sigmoid):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert sigmoid.plot(axes=right, style="dark") is figure
    assert not left.get_lines() and right.get_legend() and right.get_facecolor() != left.get_facecolor()
    assert sigmoid.plot(style="grey").axes[0].get_lines()[0].get_color() == study.STYLES["grey"].colour(0)
    assert [text.get_text() for text in right.texts] == [f"NaN or infinite at {sigmoid.worst[0].x:.6g}"]


def test_the_picture_of_the_whole_line():
    axes = study.accuracy("tanh(x)", 1, domain=None, points=100).plot().axes[0]
    assert axes.get_xscale() == "symlog"


# -- peers ----------------------------------------------------------------------------------------------------


def test_only_expressions_have_peers():
    found = study.accuracy(tf.sigmoid, points=20, peers=True)
    assert [peer.note for peer in found.peers] == ["only expressions are translated"] * 3


def test_a_peer_that_is_not_installed_is_named(monkeypatch):
    from gradtape.study import accuracy_peers

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(accuracy_peers, "import_module", missing)
    found = study.accuracy("tanh(x)", points=20, peers=True)
    assert [(peer.name, peer.note) for peer in found.peers] == [
        (name, "not installed") for name in ("TensorFlow", "PyTorch", "JAX")
    ]
    assert "not installed" in str(found)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("system", ["torch", "jax"])
@pytest.mark.filterwarnings("ignore")
def test_peers_compute_the_same_function(system, dtype):
    pytest.importorskip(system)
    from gradtape.study.accuracy_peers import results

    x = np.linspace(0.5, 2, 8).astype(dtype)  # not at 1, where maximum has two slopes
    f = parse("where(x > 1, x**2.5 + 2**x, sin(x)*3)/(1 + exp(-x)) + maximum(x, 1) - abs(x - 3) + sigmoid(x)*pi")
    for order in (0, 2):
        wanted = study.derive.derivatives(f, x, order)[order].numpy()
        for peer in results(f, order, x, [system]):
            np.testing.assert_allclose(peer.computed, wanted, rtol=2e-5 if dtype == "float32" else 1e-12)


@pytest.mark.filterwarnings("ignore")
def test_a_peers_lost_digits_are_seen():
    pytest.importorskip("torch")
    found = study.accuracy("sigmoid(x)", 1, domain=(15, 30), points=100, peers=True)
    torch = next(peer for peer in found.peers if peer.name.startswith("PyTorch"))
    assert torch.wrong["zero"] > 10 and torch.maximum > 1e6 and found.met
    assert torch.name in str(found)
    assert torch.name in [text.get_text() for text in found.plot().legends[0].get_texts()]


def test_a_function_that_a_peer_lacks_is_left_out():
    pytest.importorskip("torch")
    from gradtape.study.accuracy_peers import results
    from gradtape.text.expression import Call, Expression, Load
    from gradtape.text.vocabulary import Function

    odd = Expression("odd(x)", ("x",), "odd(x)", (Load(0), Call(Function("odd", tf.sin, ("number",)), 1)))
    (peer,) = results(odd, 0, np.ones(2, np.float32), ["torch"])
    assert peer.computed is None and peer.note == "has no odd"
