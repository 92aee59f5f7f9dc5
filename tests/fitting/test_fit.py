"""Fitting: the parameters and standard errors of textbooks, in any optimizer, and what is said where there are none."""

import json
import math

import numpy as np
import pytest
from scipy import optimize

from gradtape.errors import ArgumentError, DataError, DivergenceError, ExpressionError, FormatError
from gradtape.fitting import fit

RANDOM = np.random.default_rng(3)
X = np.linspace(0, 10, 60)
LINE = {"x": X, "y": 2 * X + 1 + RANDOM.normal(0, 0.3, 60)}
DECAY = {"t": X, "n": 1000 * np.exp(-0.4 * X) + RANDOM.normal(0, 10, 60)}
EXAM = {"h": X, "p": (RANDOM.random(60) < 1 / (1 + np.exp(4 - X))).astype(float)}


def least_squares(columns):
    """Parameters and standard errors of a line, from the normal equations."""
    matrix = np.stack([np.ones(len(columns["x"])), columns["x"]], axis=1)
    found, rest, *_ = np.linalg.lstsq(matrix, columns["y"], rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(matrix.T @ matrix)) * rest[0] / (len(matrix) - 2))
    return found, errors


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lbfgs"])
def test_a_line_is_that_of_least_squares(optimizer):
    found = fit(LINE, "w*x + b", "y", optimizer=optimizer)
    values, errors = least_squares(LINE)
    assert found.converged and found.problem == ""
    assert [found.parameters["b"], found.parameters["w"]] == pytest.approx(values, abs=0.01 * errors.min())
    assert [found.errors["b"], found.errors["w"]] == pytest.approx(errors, rel=1e-3)
    assert found.quality["r_squared"] == pytest.approx(np.corrcoef(LINE["x"], LINE["y"])[0, 1] ** 2, rel=1e-6)
    assert found.losses[0] > found.final and len(found.losses) == len(found.norms) == found.steps


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_decay_is_that_of_scipy(optimizer):
    found = fit(DECAY, "a*exp(-k*t)", "n", optimizer=optimizer)
    wanted, covariance = optimize.curve_fit(lambda t, a, k: a * np.exp(-k * t), DECAY["t"], DECAY["n"], (900, 0.3))
    errors = np.sqrt(np.diag(covariance))
    assert found.converged
    assert list(found.parameters.values()) == pytest.approx(wanted, abs=0.02 * errors.min())
    assert list(found.errors.values()) == pytest.approx(errors, rel=1e-2)


def test_logistic_regression_has_fishers_errors():
    found = fit(EXAM, "w*h + b", "p", loss="logistic", optimizer="lbfgs")
    matrix = np.stack([np.ones(60), EXAM["h"]], axis=1)
    chance = 1 / (1 + np.exp(-matrix @ [found.parameters["b"], found.parameters["w"]]))
    assert matrix.T @ (chance - EXAM["p"]) == pytest.approx(0, abs=1e-5)  # the score is zero
    information = matrix.T @ (matrix * (chance * (1 - chance))[:, None])
    assert [found.errors["b"], found.errors["w"]] == pytest.approx(np.sqrt(np.diag(np.linalg.inv(information))))
    assert found.predict({"h": [5.0]}) == pytest.approx(
        1 / (1 + math.exp(-found.parameters["w"] * 5 - found.parameters["b"]))
    )


def test_huber_has_the_errors_of_the_sandwich():
    """Where no residual is above 1 it is White's estimator for least squares, with n / (n - p)."""
    calm = {"x": X, "y": LINE["y"] / 2}
    found = fit(calm, "w*x + b", "y", loss="huber", optimizer="lbfgs")
    values, _ = least_squares(calm)
    matrix = np.stack([np.ones(60), X], axis=1)
    rest = calm["y"] - matrix @ values
    assert abs(rest).max() < 1
    inverse = np.linalg.inv(matrix.T @ matrix)
    white = inverse @ (matrix.T @ (matrix * (rest**2)[:, None])) @ inverse * 60 / 58
    assert [found.errors["b"], found.errors["w"]] == pytest.approx(np.sqrt(np.diag(white)), rel=1e-5)


def test_the_least_absolute_error_is_the_median():
    found = fit({"x": [0.0] * 5, "y": [1, 2, 3, 50, 60]}, "m + 0*x", "y", loss="mae", steps=4000)
    assert found.parameters["m"] == pytest.approx(3, abs=0.01)
    assert "no curvature" in found.problem and math.isnan(found.errors["m"])


@pytest.mark.parametrize(
    ("columns", "model", "message"),
    [
        (LINE, "w*x + b + c", "cannot tell b and c apart"),
        (LINE, "w*x + 0*b", "do not depend on b"),
        ({"x": [1.0, 2.0], "y": [1.0, 3.0]}, "w*x + b", "as many parameters as rows"),
        ({"x": [1.0], "y": [1.0]}, "w*x + b", "cannot tell"),
    ],
)
def test_where_there_are_no_errors_it_says_why(columns, model, message):
    found = fit(columns, model, "y", steps=500)
    assert message in found.problem and message in str(found)
    assert any(math.isnan(e) for e in found.errors.values())
    assert all(v["error"] is None for v in json.loads(found.to_json())["parameters"].values())


def test_exact_data_have_no_error_and_are_found():
    found = fit({"x": X, "y": 2 * X + 1}, "w*x + b", "y", optimizer="lbfgs")
    assert found.parameters["w"] == pytest.approx(2, abs=1e-6) and found.converged


def test_unfinished_training_is_said_to_be():
    found = fit(LINE, "w*x + b", "y", steps=5)
    assert not found.converged and "not yet at the minimum after 5 steps of adam" in str(found)


def test_divergence_is_an_error_with_advice():
    with pytest.raises(DivergenceError, match="smaller learning rate than 10, as in --rate 1"):
        fit(LINE, "w*x + b", "y", optimizer="sgd", rate=10)
    with pytest.raises(DivergenceError, match="start values"):
        fit(LINE, "log(w*x - 5)", "y", start={"w": -1})


def test_save_and_resume(tmp_path):
    path = tmp_path / "w.json"
    first = fit(LINE, "w*x + b", "y", steps=20)
    first.save(path)
    second = fit(LINE, "w*x + b", "y", resume=path)
    assert second.losses[0] == pytest.approx(first.final) and second.converged and second.steps > 20
    with pytest.raises(FormatError, match="saved for y = w\\*x \\+ b"):
        fit(LINE, "w*x", "y", resume=path)
    with pytest.raises(FormatError, match="with the loss mse"):
        fit(LINE, "w*x + b", "y", loss="mae", resume=path)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "[" * 100_000, '{"gradtape-fit": 2}', '{"gradtape-fit": 1, "parameters": {"w": "1"}}', "\0\1\xff"],
)
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "w.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(FormatError):
        fit(LINE, "w*x + b", "y", resume=path)


def test_the_same_seed_gives_the_same_bits():
    a, b, other = (fit(LINE, "w*x + b", "y", steps=30, seed=s) for s in (1, 1, 2))
    assert a.losses == b.losses and a.parameters == b.parameters and a.losses != other.losses


def test_start_values_are_kept():
    found = fit(LINE, "w*x + b", "y", steps=1, rate=0, start={"w": 3, "b": -1})
    assert found.parameters == {"b": -1, "w": 3}


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("w*x + b", "z"), {}, ArgumentError, "no column 'z'"),
        (("x**2", "y"), {}, ArgumentError, "nothing to fit"),
        (("w*x + y", "y"), {}, ArgumentError, "its own target"),
        (("w*x +", "y"), {}, ExpressionError, "stops in the middle"),
        (("w*x + sigmoi", "y"), {}, ExpressionError, "sigmoi"),
        (("w*x", "y"), {"start": {"v": 1}}, ArgumentError, "no such parameter"),
        (("w*x", "y"), {"start": {"x": 1}}, ArgumentError, "is a column"),
        (("w*x", "y"), {"start": {"pi": 1}}, ArgumentError, "cannot be called"),
        (("w*x", "y"), {"loss": "mean"}, ArgumentError, "a loss is one of"),
        (("w*x", "y"), {"optimizer": "newton"}, ArgumentError, "an optimizer is one of"),
        (("w*x", "y"), {"steps": 0}, ArgumentError, "1 to 10,000,000 steps"),
        (("w*x", "y"), {"rate": -1}, ArgumentError, "a learning rate"),
        (("w*x", "y"), {"loss": "logistic"}, DataError, "between 0 and 1"),
    ],
)
def test_bad_input_has_a_clear_error(arguments, options, error, message):
    with pytest.raises(error, match=message):
        fit(LINE, *arguments, **options)


def test_a_name_like_a_function_is_a_parameter_if_it_starts_somewhere():
    found = fit(LINE, "sine*x + b", "y", start={"sine": 1.0}, steps=10)
    assert set(found.parameters) == {"sine", "b"}


@pytest.mark.parametrize(
    "columns", [{"x": [1, 2], "y": [1]}, {"x": [], "y": []}, {"x": ["a"], "y": [1]}, {"x": [np.nan], "y": [1]}]
)
def test_columns_that_do_not_fit(columns):
    with pytest.raises(ArgumentError):
        fit(columns, "w*x", "y")


def test_the_picture_shows_the_course_and_the_model():
    found = fit(LINE, "w*x + b", "y", steps=200)
    loss, norm, data = found.plot().axes
    for axes, values in ((loss, found.losses), (norm, found.norms)):
        (line,) = axes.get_lines()
        assert np.allclose(line.get_ydata(), values) and axes.get_yscale() == "log"
        assert line.get_xdata().tolist() == list(range(200))
    (curve,) = data.get_lines()
    assert curve.get_ydata() == pytest.approx(found.predict({"x": curve.get_xdata()}))
    assert len(data.collections[0].get_offsets()) == 60
    assert [text.get_text() for text in data.get_legend().get_texts()] == ["data", "model"]


def test_with_two_inputs_the_picture_compares_predictions():
    columns = {"a": X, "b": np.sin(X), "y": 2 * X - np.sin(X)}
    axes = fit(columns, "u*a + v*b", "y", optimizer="lbfgs").plot().axes[2]
    assert axes.get_xlabel() == "predicted" and axes.get_ylabel() == "y"
    predicted, observed = np.asarray(axes.collections[0].get_offsets()).T
    assert np.allclose(predicted, observed, atol=1e-5)


def test_a_neural_network_learns_a_curve():
    columns = {"x": np.linspace(-3, 3, 100), "y": np.sin(np.linspace(-3, 3, 100))}
    found = fit(columns, "a*tanh(w*x + b) + c*tanh(v*x + d) + k", "y", optimizer="lbfgs", steps=500)
    assert found.quality["r_squared"] > 0.99
    assert "<table>" in found._repr_html_()
