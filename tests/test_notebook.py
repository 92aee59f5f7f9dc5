"""What a notebook shows of tensors, tapes, polynomials and what studies find."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import gradtape as tf
from gradtape import notebook, study
from gradtape.fitting import fit


def cells(shown):
    """The texts of the cells, row by row; what is shown must be well-formed."""
    whole = ElementTree.fromstring(f"<body>{shown}</body>")
    return [["".join(cell.itertext()) for cell in row] for row in whole.iter("tr")]


def test_a_vector_and_a_matrix_are_tables():
    shown = tf.constant([1.0, 2.5])._repr_html_()
    assert "Tensor: shape=(2,), dtype=float32" in shown and cells(shown) == [["", "0", "1"], ["", "1", "2.5"]]
    variable = tf.Variable([[1, 2], [3, 4]])._repr_html_()
    assert "Variable" in variable and cells(variable) == [["", "0", "1"], ["0", "1", "2"], ["1", "3", "4"]]


def test_a_large_matrix_is_shortened():
    rows = cells(tf.constant(np.arange(10_000.0).reshape(100, 100))._repr_html_())
    assert len(rows) == notebook.MOST + 2 and len(rows[0]) == notebook.MOST + 2
    assert rows[-1][-1] == "9999" and rows[7] == ["…"] * 14


@pytest.mark.parametrize("value", [1.0, np.zeros((2, 0)), np.zeros((2, 2, 2)), True])
def test_other_shapes_are_text(value):
    assert "<pre>" in tf.constant(value)._repr_html_()


def test_a_tape_says_what_it_is_at():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x + 1
        assert repr(tape) == "<GradientTape: recording, 1 watched, 2 operations>"
    assert repr(tape) == "<GradientTape: finished, 1 watched, 2 operations>"
    tape.gradient(y, x)
    assert repr(tape) == "<GradientTape: used up>"
    assert repr(tf.GradientTape(persistent=True)) == "<persistent GradientTape: finished, 0 watched, 0 operations>"


def test_a_polynomial_is_a_formula():
    assert tf.taylor_polynomial(tf.sin, 0.0, 3)._repr_latex_() == r"$1\,x - 0.166667\,x^{3}$"
    assert tf.taylor_polynomial(lambda x: 1e-9 * x**2, -2.0, 2)._repr_latex_() == (
        r"$4 \cdot 10^{-9}\, - 4 \cdot 10^{-9}\,(x + 2) + 1 \cdot 10^{-9}\,(x + 2)^{2}$"
    )
    assert tf.taylor_polynomial(lambda x: 0 * x, 0.0, 1)._repr_latex_() == "$0$"
    assert tf.taylor_polynomial(tf.sin, [0.0, 1.0], 3)._repr_latex_() is None


def test_what_studies_find():
    table = study.table("where(x < 1, x, 1)", range=(0, 1))
    assert cells(table._repr_html_())[0] == ["x", "f(x)", "f'(x)"] and "x &lt; 1" in table._repr_html_()
    accuracy = study.accuracy("sigmoid(x)", points=20)
    assert ["maximum"] in [row[:1] for row in cells(accuracy._repr_html_())]
    assert cells(study.gradient("x*y", {"x": 2, "y": 3})._repr_html_())[1][1] == "3"
    found = fit({"x": [0, 1, 2], "y": [0, 1, 2.1]}, "w*x", "y")
    assert cells(found._repr_html_())[1][0] == "w"
