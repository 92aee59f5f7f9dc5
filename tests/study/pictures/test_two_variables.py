"""Functions of two variables: field, surface, descent, read back from the Matplotlib figure."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

import gradtape as tf
from gradtape import optimizers, study
from gradtape.errors import ArgumentError, ExpressionError
from gradtape.study.pictures.descent import around, path
from gradtape.study.pictures.field import levels_of
from gradtape.study.pictures.plane import critical_points, plane


def critical(text, low=-3.0, high=3.0):
    return [(c.kind, c.x, c.y, c.value) for c in critical_points(plane(text), (low, high), (low, high))]


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("x**2 - y**2", [("saddle", 0, 0, 0)]),
        ("(x - 1)**2 + (y + 2)**2 + 3", [("min", 1, -2, 3)]),
        ("-(x**2) - 3*y**2", [("max", 0, 0, 0)]),
        ("x**3 - 3*x + y**2", [("saddle", -1, 0, 2), ("min", 1, 0, -2)]),
        ("(1 - x)**2 + 100*(y - x**2)**2", [("min", 1, 1, 0)]),
        ("x**4 + y**4", [("flat", 0, 0, 0)]),
        ("x + y", []),
        ("exp(x*y)", [("saddle", 0, 0, 1)]),
        ("(x - y)**2", []),  # a line of minima is not marked as points
        ("log(x)*y**2", []),
        ("relu(x) + relu(y)", []),
        ("sin(x)*cos(y)", 4),
    ],
)
def test_critical_points(text, points):
    found = critical(text)
    if isinstance(points, int):
        assert len(found) == points
    else:
        assert [(kind, x, y) for kind, x, y, _ in found] == [p[:3] for p in points]
        np.testing.assert_allclose([v for *_, v in found], [p[3] for p in points], atol=1e-13)


def test_all_points_of_himmelblau():
    """Four minima with the value 0, four saddles, one maximum: the known ones, in full precision."""
    found = critical("(x**2 + y - 11)**2 + (x + y**2 - 7)**2", -5, 5)
    assert sorted(kind for kind, *_ in found) == ["max"] + ["min"] * 4 + ["saddle"] * 4
    minima = sorted((x, y) for kind, x, y, _ in found if kind == "min")
    expected = [(-3.779310253377747, -3.283185991286169), (-2.805118086952745, 3.131312518250573), (3, 2)]
    np.testing.assert_allclose(minima, [*expected, (3.584428340330492, -1.848126526964404)], rtol=1e-14)
    np.testing.assert_allclose([v for kind, *_, v in found if kind == "min"], 0, atol=1e-26)


def test_gradients_and_hessians_are_right():
    x, y = np.array([0.3, -1.2]), np.array([2.0, 0.7])
    f = plane("x**2*y + sin(y)")
    value, across, up = f.gradients(x, y)
    np.testing.assert_allclose(value, x**2 * y + np.sin(y), rtol=1e-15)
    np.testing.assert_allclose(across, 2 * x * y, rtol=1e-15)
    np.testing.assert_allclose(up, x**2 + np.cos(y), rtol=1e-15)
    _, hessian = f.hessians(x, y)
    np.testing.assert_allclose(hessian[:, 0, 0], 2 * y)
    np.testing.assert_allclose(hessian[:, 0, 1], 2 * x)
    np.testing.assert_allclose(hessian[:, 1, 1], -np.sin(y))
    np.testing.assert_array_equal(hessian[:, 0, 1], hessian[:, 1, 0])


def arrows(figure):
    (quiver,) = [c for c in figure.axes[0].collections if isinstance(c, Quiver)]
    return quiver


def test_field_draws_contours_arrows_and_critical_points():
    figure = study.field("x**2 - y**2", range=(-2, 2))
    axes, bar = figure.axes
    assert axes.get_title() == "f(x, y) = x**2 - y**2"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    assert axes.get_xlim() == axes.get_ylim() == (-2, 2) and axes.get_aspect() == 1
    quiver = arrows(figure)
    x, y = quiver.get_offsets().T
    assert len(x) == 15 * 15 - 1  # none where the gradient is 0
    # Proportional to the gradient (2x, -2y), by one factor
    factor = np.hypot(quiver.U, quiver.V) / np.hypot(2 * x, 2 * y)
    cut = np.hypot(quiver.U, quiver.V) >= 1.3 * 4 / 15 - 1e-12
    np.testing.assert_allclose(factor[~cut], factor[~cut][0], rtol=1e-12)
    np.testing.assert_allclose(quiver.U * -2 * y, quiver.V * 2 * x, atol=1e-12)
    assert (quiver.U * x >= 0).all() and (quiver.V * y <= 0).all()
    assert "lengths are in proportion" in " ".join(figure.get_supxlabel().split())
    assert [text.get_text() for text in axes.texts] == ["saddle 0 at (0, 0)"]
    assert [line.get_xydata().tolist() for line in axes.get_lines() if line.get_label() == "_saddle"] == [[[0, 0]]]
    assert bar.get_ylim()[0] <= -4 and bar.get_ylim()[1] >= 4


def test_lengths_are_as_roots_where_they_differ_much():
    figure = study.field("exp(2*x)*cosh(y)", range=(-2, 2), mark=False)
    quiver = arrows(figure)
    x, y = quiver.get_offsets().T
    size = np.hypot(2 * np.exp(2 * x) * np.cosh(y), np.exp(2 * x) * np.sinh(y))
    length = np.hypot(quiver.U, quiver.V)
    shown = length < 1.29 * 4 / 15
    ratio = length[shown] / np.sqrt(size[shown])
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)
    assert "as the root" in " ".join(figure.get_supxlabel().split()) and not figure.axes[0].texts


def test_field_of_a_function_with_other_ranges_and_poles():
    figure = study.field(lambda u, v: tf.sin(u) + v, range=((0, 10), (-1, 1)), name="h", arrows=False)
    assert figure.axes[0].get_title() == "h(x, y)" and figure.axes[0].get_aspect() == "auto"
    assert not [c for c in figure.axes[0].collections if isinstance(c, Quiver)]
    for text in ("1/(x*y)", "log(x - 5)*y", "0*x*y", "log(-1 - x**2*y**2)", "1e300*x*y"):
        study.field(text).draw_without_rendering()
    nothing = study.field("log(-1 - x**2*y**2)")
    assert nothing.axes[0].texts[0].get_text() == "no finite value in this range"


def test_levels_crowd_in_a_valley():
    values = np.linspace(0, 10, 1001) ** 6
    levels = levels_of(values)
    assert (np.diff(levels) > 0).all() and levels[0] == 0 and levels[-1] >= 1e6
    assert (values <= levels[5]).mean() > 0.2
    np.testing.assert_allclose(levels_of(-values), -levels[::-1])
    even = levels_of(np.linspace(-1, 1, 101))
    assert np.ptp(np.diff(even)) < 1e-12


def test_surface_draws_heights_and_critical_points():
    figure = study.surface("x**2 + y**2", range=(-1, 1))
    (axes,) = figure.axes
    assert axes.get_title() == "f(x, y) = x**2 + y**2"
    assert axes.get_xlabel() == "x" and axes.get_ylabel() == "y" and axes.get_zlabel() == "f"
    mesh = axes.collections[0]
    z = np.concatenate([np.asarray(face)[:, 2] for face in mesh._faces])
    assert z.min() == 0 and z.max() == 2
    (mark,) = [line for line in axes.get_lines() if line.get_label() == "_min"]
    assert [float(v[0]) for v in mark.get_data_3d()] == [0, 0, 0]
    mine = Figure()
    given = mine.add_subplot(projection="3d")
    assert study.surface("x*y", axes=given) is mine and given.collections


def test_descent_is_that_of_the_formula():
    way = path(plane("x**2 + 10*y**2"), (4, 1), "sgd", 0.05, 30)
    n = np.arange(31)
    np.testing.assert_allclose(way.points[:, 0], 4 * 0.9**n, rtol=1e-13)
    np.testing.assert_allclose(way.points[1:, 1], 0, atol=1e-16)
    np.testing.assert_allclose(way.losses[1:], 16 * 0.81 ** n[1:], rtol=1e-12)


def test_descent_draws_ways_and_losses():
    steps = []
    figure = study.descent(
        "x**2 + 10*y**2",
        (4, 1),
        optimizer=["sgd", "momentum", optimizers.Adam(0.3)],
        rate=0.04,
        steps=25,
        progress=steps.append,
    )
    above, course = figure.axes[:2]
    ways = [line for line in above.get_lines() if not line.get_label().startswith("_")]
    assert [line.get_label() for line in ways] == ["sgd", "momentum", "Adam"]
    assert all(len(line.get_xdata()) == 26 and tuple(line.get_xydata()[0]) == (4, 1) for line in ways)
    assert len({line.get_marker() for line in ways}) == 3
    x, y = ways[0].get_data()
    np.testing.assert_array_equal(course.get_lines()[0].get_ydata(), x**2 + 10 * y**2)
    assert course.get_yscale() == "log" and course.get_xlabel() == "step"
    (left, right), (bottom, top) = above.get_xlim(), above.get_ylim()
    for line in ways:
        assert (line.get_xdata() > left).all() and (line.get_xdata() < right).all()
        assert (line.get_ydata() > bottom).all() and (line.get_ydata() < top).all()
    assert steps == list(range(1, 76))


def test_a_descent_that_runs_away_ends():
    way = path(plane("x**4 + y**4"), (3, 1), "sgd", 1.0, 100)
    assert len(way.points) == len(way.losses) < 20 and np.isfinite(way.points).all()
    (left, right), _ = around([way])
    assert right - left < 1000
    study.descent("x**4 + y**4", (3, 1), rate=1.0).draw_without_rendering()


def test_the_loss_surface_of_a_regression():
    figure = study.regression(rate=0.05, steps=200)
    above = figure.axes[0]
    (way,) = [line for line in above.get_lines() if line.get_label() == "sgd"]
    w, b = way.get_xydata()[0]
    x = np.arange(1.0, 5)
    residual = w * x + b - 2 * x
    expected = (w - 0.05 * np.mean(2 * residual * x), b - 0.05 * np.mean(2 * residual))
    np.testing.assert_allclose(way.get_xydata()[1], expected, rtol=1e-13)
    assert np.hypot(*(way.get_xydata()[-1] - [2, 0])) < 0.05
    assert above.get_title() == "loss(w, b) = mean of (w·x + b - y)²"
    with pytest.raises(ArgumentError, match="as many x as y"):
        study.regression([1, 2], [1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: study.field("x**2"), ArgumentError, "functions of two variables, but x\\*\\*2 has 1"),
        (lambda: study.field("x*y*z"), ArgumentError, "has 3"),
        (lambda: study.field("x*y +"), ExpressionError, "stops in the middle"),
        (lambda: study.field("x*y", range=(1, 0)), ArgumentError, "reversed"),
        (lambda: study.field(3), ArgumentError, "a int was given"),
        (lambda: study.surface("x*y", style="pink"), ArgumentError, "a style is one of"),
        (lambda: study.descent("x*y", (1,)), ArgumentError, "starts from two numbers"),
        (lambda: study.descent("x*y", (1, 2), steps=0), ArgumentError, "1 to 10,000 steps"),
        (lambda: study.descent("x*y", (1, 2), optimizer="newton"), ArgumentError, "one of sgd"),
        (lambda: study.descent("x*y", (1, 2), optimizer=[]), ArgumentError, "no optimizer"),
        (lambda: study.descent("x*y", (1, 2), rate=0.0), ArgumentError, "learning rate"),
    ],
)
def test_says_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()
