"""A thread's Trace: equal operations lead to the same place, whatever the values, and what is known there is used."""

import threading

import numpy as np
import pytest

import gradtape as tf
from gradtape.graph import trace as traces
from gradtape.graph.trace import REMEMBERED, Later, Trace, thread


@pytest.fixture(autouse=True)
def fresh():
    thread.trace = Trace()


def where():
    return thread.trace.prefix


def test_the_same_operations_on_other_values_arrive_at_the_same_prefix():
    def work(a, b):
        thread.trace = Trace()
        _ = tf.sin(tf.constant(a)) * tf.constant(b) + 1.0
        return where()

    assert work([1.0, 2.0], 3.0) is work([5.0, 6.0], 7.0)
    assert work([1.0, 2.0], 3.0) is not work([1.0, 2.0, 3.0], 3.0)


def test_shapes_are_inferred_once(monkeypatch):
    primitive = tf.sin.primitive
    calls = []
    infer = primitive.infer
    monkeypatch.setattr(primitive, "infer", lambda *a: calls.append(1) or infer(*a))
    for _ in range(3):
        thread.trace = Trace()
        tf.sin(tf.constant(np.ones(1234)))
    assert len(calls) == 1


def gradient(x, nested):
    thread.trace = Trace()
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.exp(x) * tf.sin(x)
        first = inner.gradient(y, x)
    return outer.gradient(first, x) if nested else first


@pytest.mark.parametrize("nested", [False, True])
def test_a_gradient_that_was_asked_for_before_is_found_and_is_the_same(nested, monkeypatch):
    from gradtape.modes import cotangents

    walks = []
    walk = cotangents.pull_back
    monkeypatch.setattr(cotangents, "pull_back", lambda *a: walks.append(1) or walk(*a))
    x = [tf.constant(np.linspace(k, 1.0 + k, 777)) for k in range(3)]
    results = [gradient(one, nested).numpy() for one in x]
    assert len(walks) <= 2 + 1  # two walks the first time (and another when the outer Trace is not the first)
    for one, result in zip(x, results, strict=True):
        a = one.numpy()
        expected = 2 * np.exp(a) * np.cos(a) if nested else np.exp(a) * (np.sin(a) + np.cos(a))
        assert np.allclose(result, expected, rtol=1e-12)


def test_sources_targets_and_watched_nodes_are_told_apart():
    x, y = tf.constant(2.0), tf.constant(3.0)

    def slopes(watched, sources):
        thread.trace = Trace()
        with tf.GradientTape() as tape:
            tape.watch(watched)
            z = x * x * y
        return [None if g is None else float(g) for g in tape.gradient(z, sources)]

    for _ in range(2):
        assert slopes([x, y], [x, y]) == [12.0, 4.0]
        assert slopes([x, y], [y, x]) == [4.0, 12.0]
        assert slopes([x], [x, y]) == [12.0, None]
        assert slopes([y], [x, y]) == [None, 4.0]


def test_reasons_are_remembered_with_the_gradient():
    for _ in range(2):
        thread.trace = Trace()
        x, y = tf.constant(2.0), tf.constant(3.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = x * x
        assert tape.gradient(z, [x, y])[1] is None
        assert tape.none_reasons[0] is None and "watch" in tape.none_reasons[1]


def test_a_replayed_gradient_can_be_looked_into_and_used_later():
    def slope(x):
        thread.trace = Trace()
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.sin(x) * x
        return tape.gradient(y, x)

    x = tf.constant([0.5, 1.5])
    first, second = slope(x), slope(x)
    assert type(second.node.op) is Later and type(first.node.op) is tuple
    assert second.node.op[0] is first.node.op[0] and len(list(second.node.op)) == 3
    thread.trace = Trace()  # what is used in another Trace is worked out
    assert np.array_equal((second * 2.0).numpy(), (first * 2.0).numpy())


def test_a_value_computed_in_between_changes_nothing():
    x = tf.Variable([1.0, 2.0])
    for look in (False, True, False, True):
        with tf.GradientTape() as tape:
            y = tf.square(x)
            z = tf.sin(y)
            if look:
                y.numpy()
            w = z * y
        expected = 2 * x.numpy() * (np.cos(x.numpy() ** 2) * x.numpy() ** 2 + np.sin(x.numpy() ** 2))
        assert np.allclose(tape.gradient(w, x).numpy(), expected, rtol=1e-6)


def test_the_tree_of_sequences_is_bounded(monkeypatch):
    monkeypatch.setattr(traces, "REMEMBERED", 100)
    for k in range(300):
        thread.trace = Trace()
        assert np.array_equal((tf.constant(np.ones(k + 1)) + 1.0).numpy(), np.full(k + 1, 2.0))
    assert traces._tree.size <= 101 < REMEMBERED


def test_an_operation_that_interrupts_another_is_not_mistaken_for_it(monkeypatch):
    """A signal handler or a finalizer may compute something in the middle of an operation."""
    x = tf.constant([1.0, 2.0])
    infer = tf.cosh.primitive.infer
    inside = []

    def interrupted(inputs, params):
        if not inside:
            inside.append(None)
            inside[0] = tf.exp(x)
        return infer(inputs, params)

    monkeypatch.setattr(tf.cosh.primitive, "infer", interrupted)
    y = tf.cosh(x)
    assert np.allclose(y.numpy(), np.cosh([1.0, 2.0]), rtol=1e-6)
    assert np.allclose(inside[0].numpy(), np.exp([1.0, 2.0]), rtol=1e-6)


def test_each_thread_has_its_own_trace_and_may_use_what_others_made():
    x = tf.constant(np.linspace(0, 1, 50))
    waiting = tf.sin(x) * 2.0
    results = []

    def work():
        results.append((waiting + x).numpy())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(np.array_equal(r, 2 * np.sin(x.numpy()) + x.numpy()) for r in results) and len(results) == 4
