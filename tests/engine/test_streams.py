"""Loops over many arrays are taken apart, without a change of any bit."""

from itertools import pairwise

import numpy as np
import pytest

import gradtape as tf
from gradtape.engine import streams
from gradtape.engine.cache import Cache
from gradtape.engine.plan import plan
from gradtape.engine.steps import KernelStep
from gradtape.graph.program import Program
from gradtape.graph.trace import trace

LENGTH = 64


def program_of(results):
    return trace(results[0].node, [result.node for result in results[1:]])[0]


def loops(program: Program):
    return [step for step in plan(program).steps if isinstance(step, KernelStep)]


def leaves(count):
    return [tf.constant(np.full(LENGTH, i + 1.0, np.float32)) for i in range(count)]


def test_results_that_share_no_array_go_into_several_loops():
    rate, xs = tf.constant(0.5), leaves(40)
    found = loops(program_of([x * rate for x in xs]))
    assert len(found) == -(-40 * 2 // streams.STREAMS)
    assert sum(len(step.outputs) for step in found) == 40
    for step in found:
        arrays = [access for _, access in step.spec.operands if access != "scalar"]
        assert len(arrays) + len(step.outputs) <= streams.STREAMS


def test_loops_that_do_the_same_are_one_kernel():
    rate, xs = tf.constant(0.5), leaves(36)
    assert len({step.spec for step in loops(program_of([x * rate for x in xs]))}) == 1


def test_results_that_share_an_array_stay_together():
    x, others = leaves(1)[0], leaves(40)
    found = loops(program_of([x * other for other in others]))
    assert len(found) == 1
    assert len(loops(program_of([a + b for a, b in pairwise(others)]))) == 1


def test_few_results_stay_together():
    rate, xs = tf.constant(0.5), leaves(6)
    assert len(loops(program_of([x * rate for x in xs]))) == 1


@pytest.mark.parametrize("limit", [2, 24, 10**6])
def test_the_bits_do_not_depend_on_it(limit, monkeypatch):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(LENGTH).astype(np.float32) for _ in range(30)]

    def computed():
        rate, xs = tf.constant(0.1), [tf.constant(a) for a in arrays]
        made = [tf.exp(x) * rate + y for x, y in zip(xs, xs[10:], strict=False)] + [tf.reduce_sum(x * rate) for x in xs]
        with tf.config.override(tier="fused"):
            return [one.numpy().tobytes() for one in made]

    expected = computed()
    monkeypatch.setattr(streams, "STREAMS", limit)
    monkeypatch.setattr("gradtape.engine.tiers._runners", Cache(16))
    monkeypatch.setattr("gradtape.engine.tiers._stabilisers", Cache(16))
    assert computed() == expected
