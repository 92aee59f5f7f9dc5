"""The catalogue: what is written by hand is what is computed, and all facts can be derived."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError
from gradtape.study.facts import Facts

pytest.importorskip("flint")

X = np.concatenate([np.linspace(-7.93, 8.07, 401), [1e-3, -1e-3, 20.5, -20.5]])
EXACT_AT = {"sinc": X[X != 0]}
OTHER_PARAMETERS = {
    "elu": {"alpha": 0.7},
    "celu": {"alpha": 1.7},
    "silu": {"beta": 1.3},
    "quick_gelu": {"beta": 2.0},
    "leaky_relu": {"alpha": 0.01},
    "threshold": {"theta": 0.5, "value": -1.0},
    "softshrink": {"lambd": 1.0},
    "hardshrink": {"lambd": 0.25},
    "squareplus": {"b": 1.0},
    "sine": {"omega": 30.0},
    "snake": {"a": 0.5},
    "isru": {"alpha": 3.0},
    "isrlu": {"alpha": 0.5},
    "prelu": {"alpha": -0.1},
    "rrelu": {"lower": 0.1, "upper": 0.3},
}


@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("name", tf.activations)
def test_the_formula_written_by_hand_is_what_is_computed(name, other):
    one = tf.activations[name]
    parameters = OTHER_PARAMETERS.get(name, {}) if other else {}
    computed, slope = tf.derivatives(one.function(**parameters), X, 1)
    written = one.written(**parameters)(X).numpy()
    written_slope = one.written_slope(**parameters)(X).numpy()
    breaks = np.abs(np.abs(X)[:, None] - [0, 0.25, 0.5, 1, 3, 6]).min(1) < 1e-9
    # Written by hand they lose digits to cancellation, of the size of the largest term.
    assert np.allclose(computed.numpy(), written, rtol=1e-12, atol=1e-14)
    assert np.allclose(slope.numpy()[~breaks], written_slope[~breaks], rtol=1e-9, atol=1e-12)


def test_every_parameter_is_tried():
    assert {name for name, one in tf.activations.items() if one.parameters} == set(OTHER_PARAMETERS)


@pytest.mark.parametrize("name", tf.activations)
def test_every_entry_says_where_it_is_from_and_how_it_is_written(name):
    one = tf.activations[name]
    assert one.name == name
    assert one.formula
    assert one.slope
    assert one.latex.count("{") == one.latex.count("}")
    assert one.slope_latex.count("{") == one.slope_latex.count("}")
    if one.source is not None:
        assert 1940 <= one.source.year <= 2026
        assert one.source.link == "" or one.source.link.startswith(("https://doi.org/10.", "https://arxiv.org/abs/"))


PROVED = ("range", "largest_slope", "smallest_slope", "smoothness", "breakpoints", "lipschitz", "mean", "squared_slope")
NOT_EVERYTHING = {
    "squareplus": {"range"},  # its limit at -∞ is a difference of two equal growths
    "isru": {"smallest_slope", "lipschitz"},  # two equal growths in the slope
    "isrlu": {"smallest_slope", "lipschitz"},
    "serf": {"range", "largest_slope", "lipschitz"},  # e to the -p(x)², where p is no polynomial
    "snake": {"largest_slope", "smallest_slope", "lipschitz"},  # a slope with double zeros without end
    "step": {"lipschitz"},
}


@pytest.mark.parametrize("name", tf.activations)
def test_the_main_facts_are_proved(name):
    facts = tf.activations[name].facts
    assert isinstance(facts, Facts)
    assert tf.activations[name].facts is facts
    unproved = {fact for fact in PROVED if not facts[fact].proved}
    assert unproved <= NOT_EVERYTHING.get(name, set()), {name: str(facts[name]) for name in unproved}
    for fact in facts.values():
        assert fact.statement
        assert fact.how


def test_it_is_a_mapping():
    catalogue = tf.activations
    assert len(catalogue) == len(list(catalogue)) >= 35
    assert catalogue["swish"] is catalogue["silu"]
    assert "heaviside" in catalogue
    assert "swish" not in list(catalogue)
    with pytest.raises(KeyError, match="did you mean gelu"):
        catalogue["gleu"]
    assert "x*sigmoid(beta*x)" in repr(catalogue)
    assert "<table>" in catalogue._repr_html_()


def test_it_is_called_with_tensors_and_differentiated():
    x = tf.Variable([-1.0, 0.5])
    with tf.GradientTape() as tape:
        y = tf.activations["gelu"](x)
    expected = tf.nn.gelu(x).numpy()
    assert np.array_equal(y.numpy(), expected)
    assert y.dtype == tf.float32
    assert tape.gradient(y, x).shape == (2,)
    half = tf.constant([1.0], tf.float16)
    assert tf.activations["elu"](half, alpha=0.1).dtype == tf.float16


def test_wrong_parameters():
    with pytest.raises(ArgumentError, match="elu has no parameter beta; its parameters: alpha"):
        tf.activations["elu"](1.0, beta=2)
    with pytest.raises(ArgumentError, match="has no parameter alpha; its parameters: none"):
        tf.activations["gelu_tanh"](1.0, alpha=2)
    with pytest.raises(ArgumentError, match="is a number"):
        tf.activations["elu"](1.0, alpha="1")


def test_facts_with_other_parameters():
    assert tf.activations["elu"].facts_with(alpha=0.5)["smoothness"].value == "C0"
    assert tf.activations["elu"].facts["smoothness"].value == "C1"
