"""The small table: its points, its numbers, and the forms for programs."""

import csv
import io
import json

import numpy as np
import pytest

import gradtape as tf
from gradtape import study
from gradtape.errors import ArgumentError, DTypeError, ExpressionError
from gradtape.study.subject import check_range, round_points
from gradtape.text import parse


def test_has_the_function_and_its_derivatives():
    table = study.table("sin(x)**2", order=3, dtype="float64")
    assert table.names == ("x", "f(x)", "f'(x)", "f''(x)", "f'''(x)")
    x, *columns = table.columns
    expected = np.sin(x) ** 2, np.sin(2 * x), 2 * np.cos(2 * x), -4 * np.sin(2 * x)
    for found, wanted in zip(columns, expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-14)


def test_takes_functions_expressions_and_text():
    for f in (tf.sigmoid, parse("sigmoid(x)"), "sigmoid(x)", lambda x: tf.sigmoid(x)):
        assert study.table(f, at=[0.0]).columns[1].tolist() == [0.5]
    assert study.table(tf.sigmoid, at=[0]).names == ("x", "sigmoid(x)", "sigmoid'(x)")
    assert study.table(lambda x: x, order=4, at=[0]).names[-1] == "f^(4)(x)"
    assert study.table(tf.sin, name="g", at=[0]).names[1] == "g(x)"
    assert study.table(parse("t**2", ("t",)), at=[0]).names == ("t", "f(t)", "f'(t)")


@pytest.mark.parametrize(
    ("low", "high", "first", "step", "count"),
    [
        (-5, 5, -5, 1, 11),
        (-1, 1, -1, 0.2, 11),
        (0, 1, 0, 0.1, 11),
        (-2 * np.pi, 2 * np.pi, -6, 1, 13),
        (-10, 10, -10, 2, 11),
        (0, 1e-6, 0, 1e-7, 11),
        (1e6, 1e6 + 5, 1e6, 0.5, 11),
        (0, 1e300, 0, 1e299, 11),
    ],
)
def test_points_are_round(low, high, first, step, count):
    points = round_points(low, high, np.dtype("float64"))
    assert len(points) == count and points[0] == first
    np.testing.assert_allclose(np.diff(points), step, rtol=1e-9)


@pytest.mark.parametrize("low,high", [(0.1, 0.7), (-3.3, 100), (1, 1.001), (-1e-30, 1e30), (5, 5 + 1e-14)])
def test_there_are_about_a_dozen_points_inside_the_range(low, high):
    points = round_points(low, high, np.dtype("float64"))
    assert 8 <= len(points) <= 16
    assert low <= points[0] and points[-1] <= high


def test_where_there_is_no_function_there_is_no_derivative():
    table = study.table("log(x)", at=[-1, 0, 1])
    np.testing.assert_array_equal(table.columns[1], np.float32([np.nan, -np.inf, 0]))
    np.testing.assert_array_equal(table.columns[2], np.float32([np.nan, np.inf, 1]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_csv_and_json_restore_every_bit(dtype):
    table = study.table("exp(x)/3", dtype=dtype, range=(-1, 1))
    header, *rows = csv.reader(io.StringIO(table.to_csv()))
    assert header == ["x", "f(x)", "f'(x)"]
    np.testing.assert_array_equal(np.array(rows, dtype), np.array(table.rows))
    read = json.loads(table.to_json())
    assert read["columns"] == header and read["dtype"] == dtype and read["title"] == "f(x) = exp(x)/3"
    np.testing.assert_array_equal(np.array(read["rows"], dtype), np.array(table.rows))


def test_what_is_no_number_survives_in_csv_and_valid_json():
    table = study.table("log(x)", at=[-1, 0, 1])
    assert table.to_csv().splitlines()[1:] == ["-1.0,nan,nan", "0.0,-inf,inf", "1.0,0.0,1.0"]

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    rows = json.loads(table.to_json(), parse_constant=refuse)["rows"]
    assert rows == [[-1.0, "NaN", "NaN"], [0.0, "-Infinity", "Infinity"], [1.0, 0.0, 1.0]]
    assert np.array([[float(cell) for cell in row] for row in rows]).shape == (3, 3)


def test_prints_and_draws_itself():
    from rich.console import Console

    table = study.table("-x**2", at=[0, 1])
    assert str(table).splitlines() == ["x  f(x)  f'(x)", "-  ----  -----", "0     0      0", "1    -1     -2"]
    screen = io.StringIO()
    Console(file=screen, width=80).print(table)
    assert "f(x) = -x**2" in screen.getvalue() and "│ 1 │   -1 │    -2 │" in screen.getvalue()


@pytest.mark.parametrize(
    ("limits", "dtype", "message"),
    [
        ((5, 5), "float32", "is empty"),
        ((5, -5), "float32", "is reversed; write the smaller end first, -5:5"),
        ((0, float("inf")), "float32", "is not finite"),
        ((float("nan"), 1), "float32", "is not finite"),
        ((1,), "float32", "two numbers"),
        ("ab", "float32", "two numbers"),
        (None, "float32", "two numbers"),
        ((0, 1e300), "float32", "use float64"),
        ((-1.7e308, 1.7e308), "float64", "wider than float64"),
        ((1, 1 + 1e-9), "float32", "use float64 or make it wider"),
    ],
)
def test_says_what_is_wrong_with_a_range(limits, dtype, message):
    with pytest.raises(ArgumentError, match=message):
        check_range(limits, np.dtype(dtype))


def test_says_what_is_wrong_with_the_rest():
    with pytest.raises(DTypeError, match="float32 or float64, not in 'int32'"):
        study.table("x", dtype="int32")
    with pytest.raises(DTypeError, match="not in 'nonsense'"):
        study.table("x", dtype="nonsense")
    with pytest.raises(ArgumentError, match="one variable"):
        study.table(parse("x*y", ("x", "y")))
    with pytest.raises(ArgumentError, match="a int was given"):
        study.table(3)
    with pytest.raises(ArgumentError, match="list of points"):
        study.table("x", at=[])
    with pytest.raises(ExpressionError):
        study.table("x^2")
