"""The picture of a function with its derivatives, read back from the Matplotlib figure."""

import gc
import subprocess
import sys
import warnings
import weakref

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

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
        assert (x[0], x[-1]) == (-6, 6)
        np.testing.assert_allclose(y, expected(x), atol=1e-14)
    looks = {(line.get_color(), str(line.get_linestyle()), str(line._dash_pattern)) for line in lines}
    assert len(looks) == 5 and len({colour for colour, _, _ in looks}) == 5


def test_takes_a_function_and_names_it():
    figure = study.plot(tf.tanh, order=3, range=(-4, 4), points=51)
    assert figure.axes[0].get_title() == "tanh(x) and its first 3 derivatives"
    assert curves(figure)[1].get_label() == "tanh′(x)"
    y = curves(figure)[0].get_ydata()
    np.testing.assert_array_equal(y.astype(np.float32), y)  # computed in float32
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
        first = np.flatnonzero(np.isfinite(y))[0]
        assert np.isfinite(y[first:]).all()
        assert 0 < x[first] < 3e-15  # the end of the domain; what is nearer to 0 counts as 0
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


def lines(figure, label):
    return [line for line in figure.axes[0].get_lines() if line.get_label() == label]


def test_jumps_have_an_open_end_and_a_filled_one():
    figure = study.plot("floor(x)", order=0, range=(-1.5, 1.5))
    x, y = curves(figure)[0].get_data()
    np.testing.assert_array_equal(y[np.isfinite(y)], np.floor(x[np.isfinite(y)]))
    open_, filled = lines(figure, "_end")
    assert sorted(map(tuple, open_.get_xydata())) == [(-1, -2), (0, -1), (1, 0)]
    assert sorted(map(tuple, filled.get_xydata())) == [(-1, -1), (0, 0), (1, 1)]
    assert open_.get_markerfacecolor() != filled.get_markerfacecolor() == filled.get_color()


def test_a_value_without_neighbours_is_a_dot():
    (dot,) = lines(study.plot("sqrt(-abs(x - 1))", order=0), "_end")
    assert dot.get_xydata().tolist() == [[1, 0]] and dot.get_markerfacecolor() == dot.get_color()


def test_what_oscillates_too_fast_is_a_band():
    figure = study.plot("sin(1/x)", order=0, range=(-1, 1))
    (band,) = figure.axes[0].collections
    x, y = band.get_paths()[0].vertices.T
    assert -0.05 < x.min() < -0.01 and 0.01 < x.max() < 0.05
    assert y.min() < -0.99 and y.max() > 0.99
    outside = curves(figure)[0].get_xdata()
    assert not ((outside > x.min() + 1e-9) & (outside < x.max() - 1e-9)).any()


def test_draws_the_tangent():
    figure = study.plot("x**2", tangent=1.5)
    f, tangent = curves(figure)
    assert (f.get_label(), tangent.get_label()) == ("f(x)", "tangent at 1.5, slope 3")
    x, y = tangent.get_data()
    np.testing.assert_allclose(y, 2.25 + 3 * (x - 1.5), rtol=1e-14)
    assert (x[0], x[-1]) == (-5, 5)
    assert lines(figure, "_point")[0].get_xydata().tolist() == [[1.5, 2.25]]
    assert window(figure)[1] < 27  # that of the function: the tangent ends where it leaves it


def test_draws_taylor_polynomials_that_differ():
    figure = study.plot("sin(x)", taylor=0, terms=6, dtype="float64")
    _, *polynomials = curves(figure)
    assert [p.get_label() for p in polynomials] == [f"Taylor at 0, degree {n}" for n in (1, 3, 5)]
    x, y = polynomials[2].get_data()
    np.testing.assert_allclose(y, x - x**3 / 6 + x**5 / 120, rtol=1e-12, atol=1e-14)
    figure = study.plot("exp(x)", taylor=1, terms=30, range=(0, 2))
    assert [p.get_label().split()[-1] for p in curves(figure)[1:]] == ["1", "6", "10", "15"]


def test_no_tangent_where_there_is_none():
    with pytest.raises(ArgumentError, match="no tangent at x = 0"):
        study.plot("sqrt(x)", tangent=0)
    with pytest.raises(ArgumentError, match="no Taylor polynomial of degree 1 around 0, where derivative 1 is inf"):
        study.plot("sqrt(x)", taylor=0)
    with pytest.raises(ArgumentError, match="from 1 to 30, not 31"):
        study.plot("x", taylor=0, terms=31)
    with pytest.raises(ArgumentError, match="a point is a number"):
        study.plot("x", tangent="here")


def test_shades_saturation():
    figure = study.plot("sigmoid(x)", range=(-8, 8), saturation=0.01)
    spans = [p for p in figure.axes[0].patches if p.get_label().strip("_")]
    ends = sorted(float(x) for p in spans for x in (p.get_x(), p.get_x() + p.get_width()))
    edge = np.log((0.98 + np.sqrt(0.96)) / 0.02)  # sigmoid' = 0.01
    np.testing.assert_allclose(ends, [-8, -edge, edge, 8], rtol=1e-12)
    assert "|f′(x)| ≤ 0.01" in [text.get_text() for text in figure.legends[0].get_texts()]
    with pytest.raises(ArgumentError, match="is positive"):
        study.plot("x", saturation=0)


def test_marks_with_values():
    figure = study.plot("x**3 - 3*x", mark=True, range=(-3, 3))
    words = {text.get_text() for text in figure.axes[0].texts}
    assert words == {"max 2 at -1", "min -2 at 1", "min -3 at 0"}
    assert lines(figure, "_max")[0].get_xydata().tolist() == [[-1, 2]]
    figure = study.plot("where(x < 1, abs(x), 3 + 0*x)", mark=True)
    assert {text.get_text() for text in figure.axes[0].texts} == {"min 0 at 0", "jump at 1"}
    assert {text.get_text() for text in study.plot("relu(x)", mark=True).axes[0].texts} == {"kink at 0"}


def test_words_cover_neither_each_other_nor_leave_the_axes():
    for text in ("gelu(x)", "sin(x)", "tan(x)", "x**3 - 3*x", "sigmoid(x)*sin(3*x)"):
        figure = study.plot(text, mark=True)
        figure.draw_without_rendering()
        frame = figure.axes[0].get_window_extent()
        boxes = [Text.get_window_extent(words) for words in figure.axes[0].texts]
        assert boxes
        for i, box in enumerate(boxes):
            assert frame.x0 <= box.x0 and box.x1 <= frame.x1 + 1 and frame.y0 <= box.y0 and box.y1 <= frame.y1, text
            for other in boxes[:i]:
                assert not box.overlaps(other), text


@pytest.mark.parametrize("style", ["light", "grey", "dark", "paper"])
def test_styles_keep_curves_apart(style):
    figure = study.plot("sigmoid(x)", order=4, style=style)
    looks = {(line.get_color(), str(line._dash_pattern)) for line in curves(figure)}
    assert len(looks) == 5
    assert figure.get_facecolor() == figure.axes[0].get_facecolor()


def test_styles_can_be_made():
    mine = study.Style(colours=("#123456",), size=(4, 3))
    figure = study.plot("x", style=mine)
    assert curves(figure)[0].get_color() == "#123456" and tuple(figure.get_size_inches()) == (4, 3)
    with pytest.raises(ArgumentError, match="a style is one of light, grey, dark, paper"):
        study.plot("x", style="pink")


def test_draws_on_given_axes():
    mine = Figure()
    left, right = mine.subplots(1, 2)
    assert study.plot("x", axes=left) is mine
    assert len(left.get_lines()) > 1 and not right.get_lines() and left.get_legend()
    with pytest.raises(ArgumentError, match="another figure"):
        study.plot("x", axes=left, figure=Figure())
