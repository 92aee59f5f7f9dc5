"""Breaks of every function of the table: those that are known, and no others."""

import numpy as np
import pytest

from gradtape.study.pictures.curve import evaluation
from gradtape.study.pictures.sampling import sample
from gradtape.study.subject import check_dtype, subject
from gradtape.text.vocabulary import functions

ALL = [
    n
    for n, f in functions().items()
    if f.gives == "number" and f.takes[0] == "number" and len(f.takes) - f.optional == 1
]
WHOLE, HALF = list(range(-4, 6)), [x + 0.5 for x in range(-5, 5)]
JUMPS = {  # of the function, its derivative and the second one, from -5 to 5
    "abs": ([], [0], []),
    "ceil": ([-5, *WHOLE[:-1]], [], []),
    "celu": ([], [], [0]),
    "elu": ([], [], [0]),
    "floor": (WHOLE, [], []),
    "hard_sigmoid": ([], [-3, 3], []),
    "hard_tanh": ([], [-1, 1], []),
    "hardshrink": ([-0.5, 0.5], [-0.5, 0.5], []),
    "leaky_relu": ([], [0], []),
    "relu": ([], [0], []),
    "relu6": ([], [0], []),
    "round": (HALF, [], []),
    "selu": ([], [0], [0]),
    "sign": ([0], [], []),
    "softshrink": ([], [-0.5, 0.5], []),
    "softsign": ([], [], [0]),
}
POLES = {
    "digamma": [-5, -4, -3, -2, -1, 0],
    "lgamma": [-5, -4, -3, -2, -1, 0],
    "reciprocal": [0],
    "tan": [-1.5 * np.pi, -0.5 * np.pi, 0.5 * np.pi, 1.5 * np.pi],
}


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", ALL)
def test_jumps_are_where_they_are_known_to_be(name, dtype):
    if name == "tan" and dtype == "bfloat16":
        pytest.skip("the numbers next to its poles are 0.03 from each other")
    kind = check_dtype(dtype)
    curves = sample(evaluation(subject(name), 2), -5.0, 5.0, kind).curves
    for curve, expected in zip(curves, JUMPS.get(name, ([], [], [])), strict=True):
        # A jump is at the last number before it or at the first one behind.
        found = np.array([b.x for b in curve.breaks if b.kind == "jump"])
        assert len(found) == len(expected)
        epsilon = {"bfloat16": 2.0**-7}.get(dtype) or np.finfo(kind).eps
        np.testing.assert_allclose(found, expected, rtol=2 * epsilon, atol=1e-37)
    poles = [b.x for b in curves[0].breaks if b.kind == "pole"]
    np.testing.assert_allclose(poles, POLES.get(name, []), rtol=2 * epsilon, atol=1e-37)


def test_a_simple_pole_between_two_overflows_is_one():
    for dtype in ("float16", "float32", "float64"):
        (curve,) = sample(evaluation(subject("1/(x - 1)"), 0), -5.0, 5.0, np.dtype(dtype)).curves
        assert [(b.kind, b.x) for b in curve.breaks] == [("pole", 1)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_underflow_makes_of_a_formula_is_no_break(dtype):
    """x² is subnormal or 0 for x next to 0, where sqrt(x²) is any multiple of |x|."""
    for text in ("sqrt(x**2)", "x**2/sqrt(x**4 + x**2)"):
        (curve,) = sample(evaluation(subject(text), 0), -0.01, 0.01, np.dtype(dtype)).curves
        assert all(b.kind == "hole" for b in curve.breaks), curve.breaks
        assert np.nanmin(curve.y) >= 0


def test_slopes_that_only_look_like_jumps_are_none():
    """Next to ±1 each float32 is so far from the next that atanh makes visible steps."""
    (curve,) = sample(evaluation(subject("atanh(x)"), 0), -5.0, 5.0, np.dtype("float32")).curves
    assert [(b.kind, round(b.x, 6)) for b in curve.breaks] == [("edge", -1), ("edge", 1)]
