"""The table of rewrites: what the page, the functions and the setting say of it is the same."""

from pathlib import Path

import numpy as np
import pytest
from spellings import SPELLINGS, by_hand, differentiated, rewritten

import gradtape as tf
from gradtape import config
from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import float64
from gradtape.graph.node import Node
from gradtape.graph.trace import trace
from gradtape.ops.trigonometric import sine_ratio, versine
from gradtape.rewrite.rows import ALIKE, NAMES, ROWS
from gradtape.rewrite.table import apart

PAGE = Path(__file__).parents[2] / "docs" / "stabilising.md"


def test_the_page_has_the_rows_of_the_table():
    lines = [line.strip("| \n").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    listed = [line for line in lines if len(line) == 4 and line[0] != "name" and not set(line[0]) <= set("-|")]
    expected = [[row.name, ", ".join(f"`{s}`" for s in row.spellings), f"`{row.becomes}`", row.why] for row in ROWS]
    assert listed == expected


def over_rows(f):
    return lambda x: f(x, 1, keepdims=True)


FUNCTIONS = {name: getattr(tf.math, name) for name in tf.math.__all__} | {
    "sum": over_rows(tf.reduce_sum),
    "max": over_rows(tf.reduce_max),
    "reduce_logsumexp": over_rows(tf.reduce_logsumexp),
    "silu": tf.nn.silu,
    "sine_ratio": sine_ratio,
    "stop_gradient": tf.stop_gradient,
    "versine": versine,
    "where": tf.where,
}
WORDS = [
    *[(text, function) for row in ROWS for text, function in row.spellings.items()],
    *[(row.becomes, row.replacement) for row in ROWS if not row.over_axes],
    *[(row.becomes, lambda x, row=row: row.replacement(x, (1,), (2, 1))) for row in ROWS if row.over_axes],
    *[pair for forms in ALIKE for spellings in forms for pair in spellings.items() if "max" not in pair[0]],
]


@pytest.mark.parametrize(("text", "function"), WORDS, ids=[text for text, _ in WORDS])
def test_the_words_say_what_the_function_does(text, function):
    with apart():
        leaves = [Node(None, None, (2, 3), float64) for _ in range(1 + ("y" in text.split("(")[-1]))]
        read = eval(text, FUNCTIONS | dict(zip("xy", leaves, strict=False)))
        assert trace(read)[0] == trace(function(*leaves))[0]


def test_every_row_is_measured():
    over_axes = {"logsumexp", "softmax", "log_softmax"}  # in test_rows_over_axes
    assert set(NAMES) == {name for name, _, _ in SPELLINGS} | {"hypot"} | over_axes


# -- one by one -----------------------------------------------------------------------------------------------


def test_a_rewrite_is_switched_off_by_its_name():
    x = tf.constant(1e-9)
    for _ in range(2):  # what was found under one setting is not taken for the other
        assert float(tf.math.log(1 + x)) == pytest.approx(1e-9)
        with config.override(stabilise={"log1p": False}):
            assert float(tf.math.log(1 + x)) == 0 and not rewritten(tf.math.log(1 + x))
            assert float(differentiated(by_hand, -1e11 * x, 1)) > 0 and rewritten(by_hand(x)) == "sigmoid ×1"
        with config.override(stabilise=["log1p"]):
            assert float(tf.math.log(1 + x)) == pytest.approx(1e-9)
            assert np.isnan(float(differentiated(by_hand, -1e11 * x, 1)))


def test_what_one_row_needs_of_another_it_does_not_need_where_that_is_off():
    x = tf.constant([0.3, -2.0])
    with config.override(stabilise=["sigmoid slope", "log_softmax"]):
        assert rewritten(tf.sigmoid(x) * (1 - tf.sigmoid(x))) == "sigmoid slope ×1"
        assert rewritten(x - tf.math.log(tf.reduce_sum(tf.exp(x)))) == "log_softmax ×1"
        assert not rewritten(1 - tf.sigmoid(x))


@pytest.mark.parametrize("name", NAMES)
def test_each_name_can_be_alone(name):
    alone = [f for row, _, f in SPELLINGS if row == name]
    with config.override(stabilise={name}):
        assert config.settings().stabilise == frozenset([name])
        for f in alone:
            found = rewritten(f(tf.constant([0.5, -1.0])))
            assert found in ("", f"{name} ×1")  # a spelling may rest on another row
        assert not alone or any(rewritten(f(tf.constant([0.5, -1.0]))) for f in alone)


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ({}, True),
        ((), False),
        (NAMES, True),
        (dict.fromkeys(NAMES, False), False),
        ({"hypot": False, "softmax": True}, frozenset(NAMES) - {"hypot"}),
        (["hypot"], frozenset(["hypot"])),
    ],
)
def test_what_the_setting_means(given, means):
    assert config.Settings(stabilise=given).stabilise == means


def test_an_unknown_name_is_an_error_that_lists_the_names():
    for given in ({"hypott": False}, ["hypott"]):
        with pytest.raises(ArgumentError, match=r"there is no rewrite 'hypott'; the rewrites are sigmoid, .*, softmax"):
            config.Settings(stabilise=given)
    for given in ("hypot", {"hypot": "no"}, 3):
        with pytest.raises(ArgumentError, match="stabilise must be True, False, names of rewrites, or a mapping"):
            config.Settings(stabilise=given)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("0", False),
        ("1", True),
        ("hypot, versine", frozenset(["hypot", "versine"])),
        ("-hypot,-sigmoid slope", frozenset(NAMES) - {"hypot", "sigmoid slope"}),
    ],
)
def test_the_environment_variable(text, means):
    assert config._from({"GRADTAPE_STABILISE": text}).stabilise == means


def test_an_environment_variable_with_an_unknown_name_is_an_error():
    with pytest.raises(ArgumentError, match=r"GRADTAPE_STABILISE: there is no rewrite 'exp'; the rewrites are sigmoid"):
        config._from({"GRADTAPE_STABILISE": "exp"})
