"""Curves as they are sampled: nothing lost, nothing joined that is apart, nothing drawn that is not there."""

import numpy as np
import pytest

from gradtape.study.pictures.curve import evaluation
from gradtape.study.pictures.floats import between, close_in, from_ordered, ordered
from gradtape.study.pictures.sampling import sample
from gradtape.study.pictures.thin import FINE, thinned
from gradtape.study.subject import subject


def sampled(text, order=0, low=-5.0, high=5.0, dtype="float32", **options):
    return sample(evaluation(subject(text), order), low, high, np.dtype(dtype), **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poles_are_found_and_not_joined(dtype):
    picture = sampled("tan(x)", dtype=dtype)
    (curve,) = picture.curves
    assert [b.kind for b in curve.breaks] == ["pole"] * 4
    np.testing.assert_allclose([b.x for b in curve.breaks], np.pi * np.array([-1.5, -0.5, 0.5, 1.5]), rtol=2e-7)
    joined = curve.y[:-1] * curve.y[1:] < 0
    assert np.abs(np.diff(curve.y))[joined].max() < (picture.top - picture.bottom) / 50
    assert -100 < picture.bottom < -1 and 1 < picture.top < 100


@pytest.mark.parametrize(
    ("text", "breaks"),
    [
        ("floor(x)", [(x, x - 1, x, x) for x in range(-4, 6)]),
        ("sign(x)", [(0, -1, 1, 0)]),
        ("sign(x - 1)", [(1, -1, 1, 0)]),
        ("where(x > 2, 1, 0)", [(2, 0, 1, 0)]),
        ("where(x >= 2, 1, 0)", [(2, 0, 1, 1)]),
        ("1000*sign(x)", [(0, -1000, 1000, 0)]),
        ("tanh(1e6*x)", []),
        ("tanh(1e12*x)", []),
        ("abs(x)", []),
        ("exp(x)", []),
        ("exp(-1e6*(x - 1)**2)", []),
        ("sin(200*x)", []),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_jumps_and_what_is_none(text, breaks, dtype):
    (curve,) = sampled(text, dtype=dtype).curves
    assert [(b.x, b.left, b.right, b.value) for b in curve.breaks] == breaks
    assert all(b.kind == "jump" for b in curve.breaks)


def test_derivatives_break_where_the_function_bends():
    f, slope, second = sampled("abs(x - 1)", order=2).curves
    assert f.breaks == () == second.breaks
    assert [(b.x, b.left, b.right, b.value) for b in slope.breaks] == [(1, -1, 1, 0)]


@pytest.mark.parametrize(
    ("text", "x", "y"), [("sqrt(x)", 0, 0), ("acos(x)", -1, np.pi), ("sqrt(2 - x**2)", -np.sqrt(2), 0)]
)
def test_the_ends_of_the_domain_are_reached_exactly(text, x, y):
    (curve,) = sampled(text, dtype="float64").curves
    first = np.flatnonzero(np.isfinite(curve.y))[0]
    assert curve.x[first] == pytest.approx(x, rel=3e-16, abs=0)
    assert curve.y[first] == pytest.approx(y, rel=1e-15, abs=3e-8)  # √ of a rounding error
    assert curve.breaks[0].kind == "edge" and curve.breaks[0].x == curve.x[first]


def test_a_single_missing_value_is_a_hole():
    (curve,) = sampled("(x**2 - 1)/(x - 1)").curves
    (found,) = curve.breaks
    assert (found.kind, found.x) == ("hole", 1) and found.left == pytest.approx(2) == found.right


@pytest.mark.parametrize("centre", [0.123, 1.0, -3.3339])
def test_narrow_spikes_are_not_lost(centre):
    picture = sampled(f"exp(-((x - {centre})/1e-3)**2)", dtype="float64")
    (curve,) = picture.curves
    assert curve.y.max() > 0.9995 and picture.top > 1
    assert abs(curve.x[curve.y.argmax()] - centre) < 5e-5


@pytest.mark.parametrize("frequency", [300, 1000, 3276.8 * 2 * np.pi, 100_000])
def test_fast_oscillation_is_a_full_band(frequency):
    (curve,) = sampled(f"x*sin({frequency}*x)", dtype="float64").curves
    x, least, greatest = np.concatenate(curve.bands).T
    covered = sum(band[-1, 0] - band[0, 0] for band in curve.bands)
    assert covered > 9.7
    two_columns = 0.02
    np.testing.assert_allclose(greatest, np.abs(x), rtol=0, atol=two_columns)
    np.testing.assert_allclose(least, -np.abs(x), rtol=0, atol=two_columns)


def test_slow_oscillation_is_a_line():
    (curve,) = sampled("sin(30*x)", dtype="float64").curves
    assert curve.bands == ()
    every = np.linspace(-5, 5, 100_001)
    np.testing.assert_allclose(np.interp(every, curve.x, curve.y), np.sin(30 * every), atol=2e-3)


def test_no_period_hides_between_the_points():
    """Evenly spaced points would see these as constants."""
    for points in (1001, 4097):
        (curve,) = sampled(f"sin({2 * np.pi * (points - 1) / 10}*x)", dtype="float64", points=points).curves
        assert curve.bands and curve.bands[0][:, 2].max() > 0.99


def test_noise_does_not_take_forever():
    (curve,) = sampled("sin(1e6*x**3)").curves
    assert len(curve.x) < 50_000


def test_extreme_ranges():
    for text, low, high in (("1/x", -1e-300, 1e-300), ("x", -1e308, 7e307), ("exp(x)", 0, 1000), ("3", 0, 1)):
        picture = sampled(text, low=low, high=high, dtype="float64")
        assert np.isfinite([picture.bottom, picture.top]).all() and picture.bottom < picture.top


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_in_order(dtype):
    kind = np.dtype(dtype)
    x = np.array([-np.inf, -1.5, -1, -np.finfo(kind).tiny, 0, 1e-3, 2, np.inf], kind)
    places = ordered(x)
    assert (np.diff(places) > 0).all()
    np.testing.assert_array_equal(from_ordered(places, kind), x)
    np.testing.assert_array_equal(from_ordered(places[1:-1] + 1, kind), np.nextafter(x[1:-1], kind.type(np.inf)))
    rows = between(x[1:4], x[4:7])
    assert (rows[:, 0] == x[1:4]).all() and (rows[:, -1] == x[4:7]).all()
    assert (np.diff(rows.astype(np.float64), axis=1) >= 0).all()


def test_closes_in_across_zero_and_over_all_floats():
    a, b = close_in(np.array([-1e308]), np.array([1e308]), lambda x: (x < 1e-310).sum(axis=1) - 1)
    assert a < 1e-310 <= b and np.nextafter(a, 1) == b


def test_thinning_keeps_the_picture():
    x = np.sort(np.random.default_rng(0).uniform(-3, 3, 20_000))
    y = np.where(np.abs(x) < 0.5, np.nan, np.sin(5 * x) + np.abs(x - 1))
    few, kept = thinned(x, y, -2, 5)
    assert len(few) < 400 and (few[0], few[-1]) == (x[0], x[-1])
    shown = np.isfinite(y)
    ok = np.isfinite(kept)
    assert np.abs(np.interp(x[shown], few[ok], kept[ok]) - y[shown]).max() <= FINE * 7 * (1 + 1e-9)
    gap = (few > -0.5) & (few < 0.5)
    assert gap.any() and np.isnan(kept[gap]).all()
