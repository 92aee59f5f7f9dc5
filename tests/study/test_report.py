"""Reports: what they say, the JSON, the page."""

import io
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

import gradtape as tf
from gradtape import study
from gradtape.errors import ArgumentError, DTypeError, ExpressionError
from gradtape.study.report import LABELS, PARTS

pytest.importorskip("flint")


@pytest.fixture(scope="module")
def sigmoid():
    return study.report("sigmoid(x)")


def test_the_plain_report(sigmoid):
    text = str(sigmoid)
    assert text.startswith("f(x) = sigmoid(x)\n")
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    assert "range proved range (0, 1)" in lines
    assert "largest slope proved largest slope 1/4, at x = 0" in lines
    assert "far out proved |f'| < 0.0067 outside [-5, 5]" in lines
    assert any(line.startswith("mean output proved not zero-centred: mean output 0.5") for line in lines)
    assert lines[-1].endswith("of 18 facts are proved for all real x; the others were seen at samples.")


def test_every_fact_has_a_place_and_a_label():
    from gradtape.study.facts.collection import MAKERS

    placed = [name for names in PARTS.values() for name in names]
    assert sorted(placed) == sorted(MAKERS)
    assert set(placed) <= set(LABELS)


def test_the_drawn_report(sigmoid):
    from rich.console import Console

    console = Console(width=100, record=True, file=io.StringIO())
    console.print(sigmoid)
    text = console.export_text()
    assert "range (0, 1)" in text
    assert max(map(len, text.splitlines())) <= 100
    narrow = Console(width=50, record=True, file=io.StringIO())
    narrow.print(sigmoid)
    assert max(map(len, narrow.export_text().splitlines())) <= 50


def test_json(sigmoid):
    whole = json.loads(sigmoid.to_json())
    assert {key: whole[key] for key in ("schema", "name", "variable", "formula", "dtype")} == {
        "schema": 1,
        "name": "f",
        "variable": "x",
        "formula": "sigmoid(x)",
        "dtype": "float32",
    }
    facts = whole["facts"]
    assert facts["range"]["value"] == [0, 1]
    assert facts["range"]["status"] == "proved"
    assert facts["largest_slope"]["value"] == {"slope": 0.25, "at": [0.0], "towards": []}
    assert facts["largest_slope"]["enclosure"] == [0.25, 0.25]
    assert set(facts["rounding"]["value"]) == {"float16", "bfloat16", "float32", "float64"}
    assert all(set(fact) <= {"value", "statement", "status", "how", "enclosure"} for fact in facts.values())
    assert "cost" not in facts


def test_the_format_whose_rounding_is_told():
    half = study.report("tanh", dtype="float16")
    ((_, fact),) = dict(half.parts())["in floating point"]
    assert "float16" in fact.statement
    assert "float64" not in fact.statement


class Checker(HTMLParser):
    """Tags that are closed as they were opened, names that are given once, and addresses."""

    void = ("meta", "br", "path", "use", "rect", "image", "link")

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.addresses, self.text, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in ("meta",):
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.addresses.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in ("meta",):
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def check_page(text):
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert all(address.startswith("#") and address[1:] in checker.ids for address in checker.addresses)
    assert "<script" not in text
    assert not re.search(r"(src|href)=.?https?:|@import|url\((?!#)", text)
    return checker


def test_the_page(sigmoid):
    text = sigmoid.to_html()
    assert text.startswith("<!doctype html>")
    checker = check_page(text)
    words = " ".join(checker.text)
    assert "range (0, 1)" in words
    assert "|f'| < 0.0067 outside [-5, 5]" in words
    assert checker.tags.count("svg") == 2
    assert 'name="viewport"' in text
    assert "prefers-color-scheme:dark" in text
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(svg)  # well-formed
    assert sigmoid.to_html() == text  # the same at every call


def test_what_a_notebook_shows(sigmoid):
    check_page(sigmoid._repr_html_())
    check_page(tf.activations["relu"]._repr_html_())


def test_hostile_names_are_text():
    found = study.report("x**2", name="<script>alert(1)</script>")
    assert "<script" not in found.to_html()
    check_page(found.to_html())


def test_the_picture(sigmoid):
    axes = sigmoid.picture().axes[0]
    assert [line.get_label() for line in axes.get_lines()][:2] == ["f(x)", "f′(x)"]
    assert axes.get_xlim() == (-6, 6)
    labels = [text.get_text() for text in axes.texts]
    assert any("0.25" in label for label in labels)


def test_user_functions():
    def bump(x):
        return tf.exp(-(x**2)) * tf.nn.relu(x + 1)

    found = study.report(bump)
    assert "bump(x)" in str(found)
    assert found.facts["zeros"].value["intervals"] == [[-float("inf"), -1.0]]


def test_cost_is_measured_when_asked():
    found = study.report("relu", cost=True)
    assert 0.2 < found.cost.value["ratio"] < 5  # of relu beside itself
    assert "cost" in json.loads(found.to_json())["facts"]
    assert "cost" in str(found)


def test_errors():
    with pytest.raises(ExpressionError):
        study.report("sigmoid(")
    with pytest.raises(DTypeError):
        study.report("sigmoid", dtype="int32")
    with pytest.raises(ArgumentError, match="reversed"):
        study.report("sigmoid", range=(1, -1))
    with pytest.raises(ArgumentError, match="cannot look at the value"):
        study.report(lambda x: x if x > 0 else -x)
    with pytest.raises(ArgumentError, match="number by number"):
        study.report(lambda x: tf.reduce_sum(x * tf.constant([1.0, 2.0])))


# -- beside each other ----------------------------------------------------------------------------------------


def test_comparison():
    found = study.compare_facts(["sigmoid", "x*sigmoid(x)", tf.nn.relu])
    assert list(found.facts) == ["sigmoid", "x*sigmoid(x)", "relu"]
    rows = dict(found.rows())
    assert [fact.statement for fact in rows["range"]] == ["range (0, 1)", "range [-0.2784645428, ∞)", "range [0, ∞)"]
    assert "sigmoid       proved   range (0, 1)" in str(found)
    whole = json.loads(found.to_json())
    assert whole["functions"]["relu"]["facts"]["smoothness"]["value"] == "C0"
    check_page(found.to_html())
    check_page(found._repr_html_())


def test_a_fact_that_one_function_lacks():
    found = study.compare_facts(["log", "tanh", "tanh"])
    assert list(found.facts) == ["log", "tanh", "tanh′"]
    assert dict(found.rows())["mean output"][0] is None


@pytest.mark.parametrize("functions", [[], ["x"] * 13, "sigmoid"])
def test_what_cannot_be_compared(functions):
    with pytest.raises(ArgumentError, match="a list of 1 to 12 functions"):
        study.compare_facts(functions)
