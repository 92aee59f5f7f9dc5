"""The picture, read back from the Matplotlib figure."""

import gc
import subprocess
import sys
import warnings
import weakref

import numpy as np
import pytest
from matplotlib.figure import Figure

import gradtape as tf
from gradtape import study
from gradtape.errors import ArgumentError


def curves(figure):
    return [line for line in figure.axes[0].get_lines() if not line.get_label().startswith("_")]


def test_names_and_draws_every_curve():
    figure = study.plot("sin(x)**2", order=4, range=(-6, 6), dtype="float64")
    (axes,) = figure.axes
    lines = curves(figure)
    labels = ["f(x)", "f′(x)", "f″(x)", "f‴(x)", "f⁽⁴⁾(x)"]
    assert [line.get_label() for line in lines] == labels
    assert [text.get_text() for text in figure.legends[0].get_texts()] == labels
    assert axes.get_title() == "f(x) = sin(x)**2"
    assert axes.get_xlabel() == "x" and axes.get_ylabel() == "f(x), …, f⁽⁴⁾(x)"
    assert axes.get_xlim() == (-6, 6)
    assert any(line.get_visible() for line in axes.get_xgridlines())
    for line, expected in zip(lines, [lambda x: np.sin(x) ** 2, lambda x: np.sin(2 * x)], strict=False):
        x, y = line.get_data()
        assert len(x) == 1001 and (x[0], x[-1]) == (-6, 6)
        np.testing.assert_allclose(y, expected(x), atol=1e-14)
    looks = {(line.get_color(), str(line.get_linestyle()), str(line._dash_pattern)) for line in lines}
    assert len(looks) == 5 and len({colour for colour, _, _ in looks}) == 5


def test_takes_a_function_and_names_it():
    figure = study.plot(tf.tanh, order=3, range=(-4, 4), points=51)
    assert figure.axes[0].get_title() == "tanh(x) and its first 3 derivatives"
    assert curves(figure)[1].get_label() == "tanh′(x)"
    assert curves(figure)[0].get_ydata().dtype == np.float32
    figure = study.plot(lambda x: x, order=0, title="$ identity", name="g")
    assert figure.axes[0].get_title() == "$ identity"
    assert [line.get_label() for line in curves(figure)] == ["g(x)"]


def test_draws_on_a_given_figure():
    mine = Figure()
    assert study.plot("x", figure=mine) is mine and len(mine.axes) == 1


def window(figure):
    return figure.axes[0].get_ylim()


@pytest.mark.parametrize("points", [1001, 1000, 333, 40])
def test_poles_leave_something_to_see_and_are_not_joined(points):
    for text in ("1/x", "tan(x)", "1/(x**2 - 1)"):
        figure = study.plot(text, points=points)
        low, high = window(figure)
        assert -60 < low < -1 and 1 < high < 60, text
        x, y = curves(figure)[0].get_data()
        across = (y[:-1] * y[1:] < 0) & (np.abs(np.diff(y)) > (high - low) / 2)
        assert not across.any(), (text, x[:-1][across])


def test_curves_that_are_merely_large_are_shown_in_full():
    for text, top in (("exp(x)", np.exp(20)), ("x**9", 20.0**9), ("exp(-1000*x**2)", 1)):
        _, high = window(study.plot(text, order=0, range=(-20, 20), points=2001))
        assert high > top * 0.999, text
        assert high < top * 1.2, text


def test_what_is_not_finite_is_a_gap():
    figure = study.plot("log(x)", range=(-1, 1), points=201)
    for line in curves(figure):
        x, y = line.get_data()
        assert np.isnan(y[x <= 0]).all() and np.isfinite(y[x > 0]).all()
    nothing = study.plot("log(-1 - x**2)")
    assert [text.get_text() for text in nothing.axes[0].texts] == ["no finite value in this range"]


def test_constants_steps_and_extreme_values_can_be_drawn(tmp_path):
    for i, (text, options) in enumerate(
        {
            "3": {},
            "0": {},
            "floor(x)": {},
            "relu(x)": {"order": 2},
            "1e300*x**3": {"dtype": "float64"},
            "1.7e308*sin(x)": {"dtype": "float64"},
            "1e-320*x": {"dtype": "float64"},
            "exp(x)": {"range": (0, 1000)},
            "x**x": {"range": (-2, 3), "order": 2},
            "sqrt(x)": {"points": 2},
        }.items()
    ):
        figure = study.plot(text, **options)
        figure.savefig(tmp_path / f"{i}.png")
        assert all(np.isfinite(window(figure))), text


def test_x_to_the_x_is_not_flattened_by_its_curvature_at_0():
    assert window(study.plot("x**x", range=(-2, 3), order=2))[1] < 300


def test_many_points_are_thinned_but_keep_their_extremes():
    figure = study.plot("sin(50*x)", order=0, points=200_000)
    x, y = curves(figure)[0].get_data()
    assert len(x) < 13_000 and (np.diff(x) >= 0).all()
    assert y.min() < -0.9999 and y.max() > 0.9999
    assert (x[0], x[-1]) == (-5, 5)


def test_long_formulas_fit_and_are_not_read_as_mathtext(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = study.plot(" + ".join(f"sin({n}*x)/{n}" for n in range(1, 25)), order=0)
        figure.savefig(tmp_path / "long.svg")
    assert figure.axes[0].get_title().count("\n") == 2 and figure.axes[0].get_title().endswith("…")


def test_says_what_is_wrong():
    for points in (0, 1, -5, 10**7, 2.5, True, "9"):
        with pytest.raises(ArgumentError, match="2 to 1,000,000 points"):
            study.plot("x", points=points)
    with pytest.raises(ArgumentError, match="is empty"):
        study.plot("x", range=(1, 1))
    with pytest.raises(ArgumentError, match="0 to 30"):
        study.plot("x", order=99)


def test_keeps_nothing_alive():
    figure = study.plot("x")
    gone = weakref.ref(figure)
    del figure
    gc.collect()
    assert gone() is None


def test_matplotlib_loads_with_the_first_picture(tmp_path):
    code = (
        "import sys, gradtape; gradtape.study.table('x'); assert 'matplotlib' not in sys.modules; "
        "gradtape.study.plot('x').savefig(sys.argv[1]); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path / "x.png")], check=True)
