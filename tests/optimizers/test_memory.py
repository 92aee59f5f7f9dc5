"""A step writes what an optimizer keeps over what it kept, if nobody else holds that, and never over anything else."""

import pickle
import sys

import numpy as np
import pytest

import gradtape as tf
from gradtape.engine import buffers, donate
from gradtape.engine.tiers import execute
from gradtape.graph.node import Buffer, Node
from gradtape.graph.trace import trace

METHODS = {
    "adam": lambda: tf.optimizers.Adam(0.1),
    "amsgrad": lambda: tf.optimizers.Adam(0.1, amsgrad=True, weight_decay=0.01),
    "momentum": lambda: tf.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "centered": lambda: tf.optimizers.RMSprop(0.1, momentum=0.5, centered=True),
    "adagrad": lambda: tf.optimizers.Adagrad(0.1),
    "averaged": lambda: tf.optimizers.Adam(0.1, use_ema=True, ema_overwrite_frequency=2),
    "gathered": lambda: tf.optimizers.Adam(0.1, gradient_accumulation_steps=2),
    "clipped": lambda: tf.optimizers.Adam(0.1, global_clipnorm=0.5),
}
SHAPES = [(300, 300), (7,), (), (64, 3), (64, 3), (100_000,)]


def trained(make, steps=7, look=None):
    """Everything after some steps: variables and slots; `look` is called after each."""
    random = np.random.default_rng(0)
    variables = [tf.Variable(random.normal(size=shape).astype(np.float32)) for shape in SHAPES]
    optimizer = make()
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = sum(tf.reduce_sum(tf.sin(v) * v) for v in variables)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        if look:
            look(optimizer)
    return [one.numpy().copy() for one in [*variables, *optimizer.variables]]


@pytest.mark.parametrize("tier", ["auto", "fused", "single"])
@pytest.mark.parametrize("name", METHODS)
def test_the_bits_are_those_of_fresh_memory(name, tier, monkeypatch):
    with tf.config.override(tier=tier):
        found = trained(METHODS[name])
        monkeypatch.setattr(donate, "counts_references", lambda: False)
        for one, other in zip(found, trained(METHODS[name]), strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.skipif(not donate.counts_references(), reason="the interpreter does not know who holds an object")
def test_a_step_takes_fresh_memory_for_one_array_alone():
    w, g = tf.Variable(np.ones((300, 300), np.float32)), tf.constant(np.ones((300, 300), np.float32))
    adam = tf.optimizers.Adam(0.1)
    for _ in range(3):
        adam.apply_gradients([(g, w)])
    before = {slot.held.value.address for slot in adam._slots[0]}
    adam.apply_gradients([(g, w)])
    after = [one.held.value.address for one in (w, *adam._slots[0])]
    assert len(set(after)) == 3 and before < set(after)


READS = {
    "array": lambda slot: slot.numpy(),
    "tensor": lambda slot: slot.read_value(),
    "pending": lambda slot: slot * 1.0,
    "copy": lambda slot: tf.Variable(slot),
    "view": lambda slot: slot.numpy()[1:],
    "listed": lambda slot: tf.stack([slot, slot]),
}


@pytest.mark.parametrize("how", READS)
def test_what_was_read_stays_as_it_was(how):
    kept = []

    def look(optimizer):
        for slot in optimizer.variables[2:]:
            if slot.shape:
                kept.append((READS[how](slot), slot.numpy().copy()))

    def look_without_arrays(optimizer):
        for slot in optimizer.variables[2:]:
            if slot.shape:
                kept.append((READS[how](slot), None))

    trained(METHODS["adam"], look=look)
    for value, true in kept:
        expected = true[1:] if how == "view" else np.stack([true, true]) if how == "listed" else true
        np.testing.assert_array_equal(np.asarray(value), expected)
    expected, kept = kept, []
    trained(METHODS["adam"], look=look_without_arrays)
    for (value, _), (true, _) in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(value), np.asarray(true))


def test_a_tape_that_recorded_a_slot_knows_its_value():
    w, g = tf.Variable(np.ones(50_000)), tf.constant(np.ones(50_000))
    momentum = tf.optimizers.SGD(0.1, momentum=0.5)
    for _ in range(3):
        momentum.apply_gradients([(g, w)])
    slot = momentum._slots[0][0]
    before = slot.numpy()[0]
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(w * slot**2)
    for _ in range(3):
        momentum.apply_gradients([(g, w)])
    assert tape.gradient(y, w).numpy()[7] == before**2


@pytest.mark.parametrize("setting", [{"check_numerics": True}, {"explain": True}])
def test_where_values_are_computed_one_by_one_the_bits_are_the_same(setting):
    plain = trained(METHODS["adam"])
    with tf.config.override(**setting):
        for one, other in zip(trained(METHODS["adam"]), plain, strict=True):
            assert one.tobytes() == other.tobytes()


def test_memory_comes_back_quietly_while_the_interpreter_ends(monkeypatch):
    seen = []
    array = buffers.empty((1 << 18,), np.dtype(np.uint8), 1 << 18)
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    monkeypatch.setattr(buffers, "KEPT", None)  # as the names of modules are then
    del array
    assert not seen


def test_pickled_between_steps_it_goes_on():
    w, g = tf.Variable(np.ones(50_000, np.float32)), tf.constant(np.ones(50_000, np.float32))
    adam = tf.optimizers.Adam(0.1)
    for _ in range(3):
        adam.apply_gradients([(g, w)])
    other, v = pickle.loads(pickle.dumps((adam, w)))
    for _ in range(3):
        adam.apply_gradients([(g, w)])
        other.apply_gradients([(g, v)])
    for one, same in zip([w, *adam.variables], [v, *other.variables], strict=True):
        assert one.numpy().tobytes() == same.numpy().tobytes()


class TestDonated:
    @staticmethod
    def buffer():
        return Node(None, Buffer(np.arange(40_000.0)), (40_000,), tf.float64)

    def test_a_value_that_is_held_elsewhere_is_not_given_away(self):
        node, other = self.buffer(), self.buffer()
        array, same = node.value.array, Node(None, other.value, other.shape, other.dtype)
        with donate.donated([node, other]):
            assert not donate.given
        assert array is node.value.array and same.value is other.value

    @pytest.mark.parametrize("tier", ["fused", "single"])
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: [x[::-1] + 0.0],  # read in another order than written
            lambda x: [x + 1.0, tf.reduce_sum(x)],  # read by another kernel too
            lambda x: [tf.reshape(x, (200, 200)) + x[:200]],  # and as a part
            lambda x: [x, x + 1.0],  # a result itself
            lambda x: [tf.transpose(tf.reshape(x, (200, 200))) * 2.0, x * 2.0],
            lambda x: [x + 1.0, x * 2.0],
        ],
    )
    def test_the_bits_are_those_of_fresh_memory(self, f, tier):
        with tf.config.override(tier=tier):
            expected = [np.array(y) for y in f(tf.constant(np.arange(40_000.0)))]
            node = self.buffer()
            results = [y.node for y in f(tf.Tensor(node))]
            whole, leaves, _ = trace(results[0], results[1:])
            with donate.donated([node]):
                found = execute(whole, [leaf.value for leaf in leaves])
            by_node = dict(zip(trace(results[0], results[1:])[2], found, strict=True))
            for y, true in zip(results, expected, strict=True):
                value = by_node.get(y, y.value)
                np.testing.assert_array_equal(value.array if isinstance(value, Buffer) else value, true)
        assert not donate.given
