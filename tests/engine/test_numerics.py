"""Where NaN and infinity arise: which operation, which element, whose line."""

import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

import gradtape as tf
from gradtape import config
from gradtape.errors import ArgumentError, GradtapeError, NumericsError

CHECKED = {"check_numerics": True}
RECORDED = {"check_numerics": "record"}
X = np.array([[1.0, 2.0], [0.0, 4.0]], np.float32)


def line_of(text):
    """Where `text` stands in this file, once beside here."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if line.endswith(f"# {text}")]
    return __file__, found


def anomaly_of(call):
    with config.override(**CHECKED), pytest.raises(NumericsError) as caught:
        call()
    assert str(caught.value) == str(caught.value.anomaly)
    return caught.value.anomaly


# -- check_numerics -------------------------------------------------------------------------------------------


def test_the_first_bad_operation_is_an_error_on_its_line():
    x = tf.constant(X)

    def wrong():
        y = tf.sin(x) * 2.0
        z = 1.0 / (x * y)  # the reciprocal
        return z + 1.0

    found = anomaly_of(wrong)
    assert (found.operation, found.index, found.result, found.inputs) == ("x/y", (1, 0), np.inf, (1.0, 0.0))
    assert found.place == line_of("the reciprocal")
    assert found.through == "" and found.derivative is None
    assert str(found) == (
        "x/y makes inf of 1 and 0, at element (1, 0) of float32[2, 2]\n"
        f"    this was asked for in {found.place.file}, line {found.place.line}"
    )


def test_the_error_is_an_arithmetic_error_and_one_of_gradtape():
    assert issubclass(NumericsError, (FloatingPointError, ArithmeticError)) and issubclass(NumericsError, GradtapeError)


def test_a_gradient_names_the_operation_that_it_goes_through():
    x = tf.constant(X)

    def wrong():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reshape(x, [-1])
            z = tf.sqrt(y)  # the root
            loss = tf.reduce_sum(z * 3.0)
        return tape.gradient(loss, x)  # the gradient

    found = anomaly_of(wrong)
    assert (found.through, found.operands, found.derivative) == ("sqrt", (0.0,), np.inf)
    assert (found.index, found.result) == ((2,), np.inf)
    assert found.place == line_of("the gradient") and found.through_place == line_of("the root")
    assert "sqrt of 0 has the derivative inf there" in str(found)


def test_a_second_derivative_and_an_operation_of_two_inputs():
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0, 1e-30])

    def wrong():
        with tf.GradientTape() as outer:
            outer.watch(y)
            with tf.GradientTape() as inner:
                inner.watch(y)
                z = x / y
            first = inner.gradient(z, y)
        return outer.gradient(first, y)

    found = anomaly_of(wrong)
    assert (found.index, found.result) == ((1,), -np.inf)  # x / y² is beyond float32: the first derivative already
    assert found.through == "x/y" and found.operands == (2.0, np.float32(1e-30))
    assert found.derivative == -np.inf


def test_a_gradient_whose_forward_part_was_made_before():
    x = tf.constant([0.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.sqrt(x)
    found = anomaly_of(lambda: tape.gradient(y, x))
    assert found.through == "sqrt" and found.operands == (0.0,) and found.through_place is None


def test_what_a_selection_drops_inside_of_a_gradient_is_no_error():
    x = tf.constant([0.0, 4.0])
    with config.override(**CHECKED):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.where(x > 0, tf.sqrt(x), 0.0)
        assert tape.gradient(y, x).numpy().tolist() == [0, 0.25]


def test_what_comes_in_is_no_error_but_what_arises_beside_it_is():
    x = tf.constant([np.inf, np.nan, 1.0, 0.0])
    with config.override(**CHECKED):
        np.testing.assert_equal((x * 2.0 + 1.0).numpy(), [np.inf, np.nan, 3, 1])
        assert np.isnan(tf.reduce_sum(x).numpy())
    assert anomaly_of(lambda: 1.0 / x).index == (3,)


def test_an_overflowing_sum_says_what_it_summed():
    found = anomaly_of(lambda: tf.reduce_sum(tf.constant([[3e38, 3e38, 0.0, 1.0, 2.0], [0.0] * 5]), axis=1))
    assert found.operation == "sum" and found.index == (0,)
    assert found.inputs == ((float(np.float32(3e38)), float(np.float32(3e38)), 0.0, 1.0, 2.0),)
    assert str(found).startswith("sum makes inf of 5 numbers from 0 to 3e+38, at element (0,) of float32[2]")


def test_an_overflowing_cast_and_a_product_of_matrices():
    assert anomaly_of(lambda: tf.cast(tf.constant([1.0, 1e200], tf.float64), tf.float32)).operation == "cast"
    assert anomaly_of(lambda: tf.constant([[1e30, 1.0]]) @ tf.constant([[1e30], [1.0]])).operation == "matmul"


def test_functions_are_followed_into_their_lines():
    @tf.function
    def f(a, numbers):
        b = a * a
        return {"value": 1.0 / b, "sum": a + numbers[0]}  # inside of the function

    x = tf.constant(X)
    assert f(x, [np.ones(2)])["sum"].shape == (2, 2)  # traced before
    found = anomaly_of(lambda: f(x, [np.ones(2)]))
    assert found.index == (1, 0) and found.place == line_of("inside of the function")
    with config.override(**CHECKED):
        assert f(x + 1.0, numbers=[np.ones(2)])["value"].numpy()[0, 0] == 0.25
    assert np.isinf(f(x, [np.ones(2)])["value"].numpy()).any()


def test_the_bits_are_those_of_the_usual_way():
    x = np.random.default_rng(3).standard_normal((40, 30)).astype(np.float32)

    def gradient():
        given = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            y = tf.reduce_sum(tf.tanh(given @ tf.transpose(given)) * 0.5, 1)
        return tape.gradient(y, given).numpy()

    usual = gradient()
    for settings in (CHECKED, RECORDED):
        with config.override(**settings):
            np.testing.assert_array_equal(gradient(), usual)


def test_it_begins_and_ends_with_its_block_also_amid_pending_operations():
    x = tf.constant([0.0])
    before = tf.math.log(x)
    with config.override(**CHECKED):
        y = x + 1.0
        with pytest.raises(NumericsError):
            tf.math.log(x)
    after = tf.math.log(x)
    assert (before.numpy(), y.numpy(), after.numpy()) == (-np.inf, 1, -np.inf)


def test_it_can_be_set_for_the_process_and_from_outside(monkeypatch):
    monkeypatch.setattr(config, "_everywhere", config.Settings())
    caught = []

    def work():
        try:
            tf.math.log(0.0)
        except NumericsError as error:
            caught.append(error)

    config.update(check_numerics=True)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    work()
    config.update(check_numerics=False)
    work()
    assert len(caught) == 2
    code = "import gradtape as tf\nf = tf.function(lambda x: tf.sin(tf.math.log(x)))\nf(tf.constant(0.))"
    environment = {**os.environ, "GRADTAPE_CHECK_NUMERICS": "1"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "NumericsError: log makes -inf of 0, in float32[]" in result.stderr


# -- explain_nan ----------------------------------------------------------------------------------------------


def test_a_pending_value_is_explained_and_can_be_explained_again():
    x = tf.constant(X)
    y = tf.where(x < 1, tf.math.log(x), 3.0) * 2.0
    other = 1.0 / x
    for _ in range(2):
        found = tf.explain_nan(y)
        assert (found.operation, found.index, found.inputs, found.result) == ("log", (1, 0), (0.0,), -np.inf)
        assert found.place is None and "to see the line, compute it inside" in str(found)
        assert tf.explain_nan(other).operation == "x/y"


def test_a_value_without_nan_is_none():
    x = tf.constant(X)
    assert tf.explain_nan(tf.where(x > 0, tf.math.log(x), 3.0)) is None
    assert tf.explain_nan(tf.constant(3)) is None
    assert tf.explain_nan(tf.Variable(1.0)) is None


def test_where_the_graph_is_gone_the_error_says_what_to_do():
    y = tf.math.log(tf.constant([0.0]))
    y.numpy()
    with pytest.raises(ArgumentError, match=r"override\(check_numerics=\"record\"\)"):
        tf.explain_nan(y)
    with pytest.raises(ArgumentError, match="must be a Tensor or Variable"):
        tf.explain_nan(np.nan)


def test_while_a_tape_is_open_what_it_watches_is_known():
    x = tf.constant([0.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.math.log(x)
        z = tf.reduce_sum(y * x)
        assert np.isnan(z.numpy())
        assert tf.explain_nan(z).operation == "log"


def test_what_was_recorded_is_explained_after_it_was_read():
    x = tf.Variable(X)
    with config.override(**RECORDED):
        with tf.GradientTape() as tape:
            y = tf.sqrt(x)  # the recorded root
            y.numpy()
            loss = tf.reduce_sum(y * x)
        gradient = tape.gradient(loss, x)  # the recorded gradient
        gradient.numpy()
    found = tf.explain_nan(gradient)
    assert (found.through, found.index, found.operands, found.derivative) == ("sqrt", (1, 0), (0.0,), np.inf)
    assert found.place == line_of("the recorded gradient") and found.through_place == line_of("the recorded root")


def test_what_was_recorded_goes_with_the_value():
    from gradtape.graph.origins import origins

    others = set(origins)  # held, so that what earlier tests left in cycles does not go meanwhile
    with config.override(**RECORDED):
        y = tf.sin(tf.constant([1.0, 2.0])) * 3.0 + 1.0
        y.numpy()
    recorded = [weakref.ref(node) for node in set(origins) - others]
    assert len(recorded) >= 3  # the sine, the product, the sum
    del y
    assert [node for node in recorded if node() is not None] == []


@pytest.mark.parametrize(
    ("make", "operation", "index"),
    [
        (lambda bad, good: tf.transpose(tf.reshape(bad, [2, 2])), "log", (1,)),
        (lambda bad, good: tf.concat([good, bad], 0)[::-1], "log", (1,)),
        (lambda bad, good: tf.stack([good, bad])[1, 1:2], "log", (1,)),
        (lambda bad, good: tf.broadcast_to(bad, [3, 4]) + good, "log", (1,)),
        (lambda bad, good: tf.reduce_max(-bad), "log", (1,)),
        (lambda bad, good: tf.reduce_mean(bad), "log", (1,)),
        (lambda bad, good: tf.maximum(good, -bad), "log", (1,)),
        (lambda bad, good: tf.maximum(bad - bad, good), "log", (1,)),
        (lambda bad, good: tf.expand_dims(bad, 0) @ tf.expand_dims(good, 1), "log", (1,)),
        (lambda bad, good: tf.where(bad < -9.0, good / 0.0, bad), "x/y", (1,)),
        (lambda bad, good: tf.where(bad < -9.0, (good - 2.0) / 0.0, 1.0), "x/y", (1,)),
        (lambda bad, good: tf.where(bad > -9.0, bad, (good - 2.0) / 0.0), "x/y", (1,)),
        (lambda bad, good: bad[2:] * 1e38 * 1e38, "x*y", (0,)),
        (lambda bad, good: tf.cast(bad, tf.float64) * 2.0, "log", (1,)),
    ],
)
def test_the_walk_back_follows_the_elements_that_matter(make, operation, index):
    bad, good = tf.math.log(tf.constant([1.0, 0.0, 2.0, 4.0])), tf.constant([1.0, 2.0, 3.0, 4.0])
    found = tf.explain_nan(make(bad, good))
    assert (found.operation, found.index) == (operation, index)


def test_what_was_given_is_said_to_be_given():
    x = tf.constant([1.0, np.nan])
    found = tf.explain_nan(tf.sin(x) * 2.0)
    assert (found.operation, found.index) == ("", (1,))
    assert "nan at element (1,) of float32[2] was in a tensor that was given" in str(found)
