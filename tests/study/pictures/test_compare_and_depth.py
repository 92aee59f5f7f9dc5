"""Small multiples, and the gradient through depth, read back from the Matplotlib figure."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import gradtape as tf
from gradtape import study
from gradtape.errors import ArgumentError
from gradtape.study.pictures.depth import decay, expected_factors, run
from gradtape.study.subject import subject

FOUR = ["sigmoid", "tanh", "relu", "gelu"]


def drawn(axes):
    return [line for line in axes.get_lines() if not line.get_label().startswith("_")]


def test_every_function_has_a_panel_with_the_same_axes():
    figure = study.compare(FOUR, range=(-3, 3))
    assert [axes.get_title() for axes in figure.axes] == [f"{name}(x)" for name in FOUR]
    assert {axes.get_xlim() for axes in figure.axes} == {(-3.0, 3.0)}
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    low, high = figure.axes[0].get_ylim()
    assert low < -1 and high > 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["f(x)", "f′(x)"]
    for axes, (f, slope) in zip(
        figure.axes,
        [
            (lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
            (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
        ],
        strict=False,
    ):
        for line, expected in zip(drawn(axes), (f, slope), strict=True):
            x, y = line.get_data()
            np.testing.assert_allclose(y, expected(x), rtol=3e-7)


def test_functions_of_all_kinds_can_be_compared():
    done = []
    four = [tf.sin, "x**2", lambda x: -x, "softplus"]
    figure = study.compare(four, order=2, title="four", figure=Figure(), progress=done.append)
    assert done == [1, 2, 3, 4]
    assert [axes.get_title() for axes in figure.axes] == ["sin(x)", "x**2", "f(x)", "softplus(x)"]
    assert all(len(drawn(axes)) == 3 for axes in figure.axes)
    assert figure.get_suptitle() == "four"
    assert len(study.compare("relu").axes) == 1
    assert len(study.compare(["x"] * 5).axes) == 5


def test_says_what_cannot_be_compared():
    for none in ([], ["x"] * 37):
        with pytest.raises(ArgumentError, match="1 to 36 functions"):
            study.compare(none)


def test_factors_are_known_ones():
    """Of relu, half of the inputs pass: E[f′²] = 1/2. Of the identity all do."""
    np.testing.assert_allclose(expected_factors(subject("relu"), 3, 1.0), 0.5, rtol=1e-12)
    np.testing.assert_allclose(expected_factors(subject("x"), 3, 1.0), 1.0, rtol=1e-12)
    # E[sin′(z)²] = E[cos² z] = (1 + e^-2)/2 with z standard normal
    np.testing.assert_allclose(expected_factors(subject("sin"), 1, 1.0), (1 + np.exp(-2)) / 2, rtol=1e-12)


def test_networks_behave_as_expected():
    """The mean of width·batch squares has a relative error of some 1/√(width) per layer; over 10 layers that adds up to
    √(10·5/256) of the square, so that a factor of two is far outside."""
    for name in FOUR:
        shown = subject(name)
        theory, measured = decay(shown, 10).expected, run(shown, 10, 1.0, 256, 32, seed=1)
        assert measured[0] == theory[0] == 1
        assert (np.abs(np.log2(measured / theory)) < 1).all(), name


def test_an_orthogonal_check_of_the_run():
    """Without an activation, the gradient after k layers is that of k matrix products."""
    measured = run(subject("x"), 2, 1.0, 3, 1, seed=5)
    random = np.random.default_rng(5)
    random.standard_normal((1, 3))
    weights = [random.standard_normal((3, 3)) / np.sqrt(3) for _ in range(2)]
    last = random.standard_normal((1, 3))
    back = [last, last @ weights[1].T, last @ weights[1].T @ weights[0].T]
    sizes = np.array([np.sqrt(np.mean(g**2)) for g in back])
    np.testing.assert_allclose(measured, sizes / sizes[0], rtol=1e-13)


def test_depth_draws_lines_and_marks_and_says_what_they_are():
    done = []
    figure = study.depth(["sigmoid", "relu"], layers=40, width=32, batch=4, progress=done.append)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines) == ["sigmoid(x)", "_sigmoid(x) measured", "relu(x)", "_relu(x) measured"]
    assert axes.get_yscale() == "log" and axes.get_xlim() == (0, 40)
    x, y = lines["relu(x)"].get_data()
    np.testing.assert_allclose(y, 0.5 ** (x / 2), rtol=1e-10)
    assert lines["_relu(x) measured"].get_linestyle() == "None"
    np.testing.assert_array_equal(lines["_relu(x) measured"].get_xdata(), np.arange(0, 41, 2))
    caption = " ".join(figure.get_supxlabel().split())
    assert "gain²·E[f′(z)²]" in caption and "random network, 32 wide" in caption
    assert done == [1, 2]
    alone = study.depth("relu", layers=5, measure=False)
    assert len(alone.axes[0].get_lines()) == 1 and "random network" not in alone.get_supxlabel()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 0}, "1 to 1000 layers"),
        ({"gain": -1.0}, "positive number"),
        ({"gain": float("nan")}, "positive number"),
        ({"functions": ["log"]}, "not finite for all numbers"),
        ({"width": 10**6}, "1 to 4096 wide"),
        ({"functions": ["exp(x)"], "layers": 10}, "beyond float64|not finite"),
    ],
)
def test_depth_says_what_is_wrong(options, message):
    with pytest.raises(ArgumentError, match=message):
        study.depth(**({"functions": ["relu"]} | options))
