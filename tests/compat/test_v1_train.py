"""``tf.train`` of TensorFlow 1: against its formulas in float64, for given gradients."""

import numpy as np
import pytest

import gradtape.compat.v1 as tf
from gradtape.errors import ArgumentError

STEPS, RATE = 50, 0.0625
CASES = [
    ("GradientDescentOptimizer", {}),
    ("MomentumOptimizer", {"momentum": 0.75}),
    ("MomentumOptimizer", {"momentum": 0.75, "use_nesterov": True}),
    ("AdamOptimizer", {}),
    ("AdamOptimizer", {"beta1": 0.5, "epsilon": 0.25}),
    ("RMSPropOptimizer", {}),
    ("RMSPropOptimizer", {"decay": 0.75, "momentum": 0.5}),
    ("RMSPropOptimizer", {"centered": True, "epsilon": 0.25}),
    ("AdagradOptimizer", {}),
]
each = pytest.mark.parametrize(("name", "given"), CASES, ids=[f"{n}-{'-'.join(g)}" for n, g in CASES])


def followed(name, w, gs, momentum=0.0, use_nesterov=False, beta1=0.9, epsilon=None, decay=0.9, centered=False):
    """The formulas of TensorFlow's kernels; where w ends, and how long the way is."""
    length, b, m, v, rms, mg, total = np.abs(w), 0.0, 0.0, 0.0, 1.0, 0.0, 0.1
    for t, g in enumerate(gs, 1):
        if name.startswith("Momentum"):
            b = momentum * b + g
            new = w - RATE * (g + momentum * b if use_nesterov else b)
        elif name.startswith("Adam"):
            m, v = beta1 * m + (1 - beta1) * g, 0.999 * v + 0.001 * g**2
            new = w - RATE * np.sqrt(1 - 0.999**t) / (1 - beta1**t) * m / (np.sqrt(v) + (epsilon or 1e-8))
        elif name.startswith("RMSProp"):
            rms, mg = decay * rms + (1 - decay) * g**2, decay * mg + (1 - decay) * g
            b = momentum * b + RATE * g / np.sqrt(rms - mg**2 * centered + (epsilon or 1e-10))
            new = w - b
        elif name.startswith("Adagrad"):
            total = total + g**2
            new = w - RATE * g / np.sqrt(total)
        else:
            new = w - RATE * g
        length, w = length + np.abs(new - w), new
    return w, length


def gradients():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(5) for _ in range(STEPS)]


def trained(module, name, given):
    w = module.Variable(np.arange(1.0, 6.0))
    optimizer = getattr(module.train, name)(RATE, **given)
    for g in gradients():
        optimizer.apply_gradients([(module.constant(g), w)])
    return w.numpy()


@each
def test_a_method_follows_its_formula(name, given):
    end, length = followed(name, np.arange(1.0, 6.0), gradients(), **given)
    assert (np.abs(trained(tf, name, given) - end) <= STEPS * 24 * 4 * 2.0**-53 * length).all()


@each
def test_tensorflow_goes_the_same_way(name, given):
    theirs = pytest.importorskip("tensorflow").compat.v1
    lost = STEPS * RATE * 2.0**-24 / (1 - 0.999) if name.startswith("Adam") else 0  # 1 - βᵗ is made in float32
    assert trained(tf, name, given) == pytest.approx(trained(theirs, name, given), rel=1e-7, abs=lost)


def test_minimize_counts_steps_and_finds_the_variables():
    w, step = tf.Variable(3.0), tf.Variable(0, trainable=False)
    optimizer = tf.train.GradientDescentOptimizer(0.25)
    for _ in range(2):
        optimizer.minimize(lambda: w**2, global_step=step)
    assert (w.numpy(), step.numpy()) == (0.75, 2)
    pairs = optimizer.compute_gradients(lambda: w**2, grad_loss=2.0)
    assert [(g.numpy(), v is w) for g, v in pairs] == [(3.0, True)]


def test_implicit_gradients_are_what_apply_gradients_takes():
    w = tf.Variable(3.0)
    gradients = tf.contrib.eager.implicit_gradients(lambda: w**2)
    tf.train.MomentumOptimizer(0.25, 0.5).apply_gradients(gradients())
    assert w.numpy() == 1.5


def test_slots_and_variables_that_come_later():
    w, v = tf.Variable([1.0]), tf.Variable([1.0])
    optimizer = tf.train.AdamOptimizer(0.5)
    optimizer.apply_gradients([([1.0], w), (None, v)])
    assert optimizer.get_slot(v, "m") is None
    optimizer.apply_gradients([([1.0], w), ([1.0], v)])
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(v, "m").numpy() == np.float32(0.1)
    assert optimizer.get_slot(w, "x") is None
    assert optimizer.get_name() == "Adam"


@pytest.mark.parametrize(
    ("rate", "seen"),
    [
        (lambda step: tf.train.exponential_decay(1.0, step, 1, 0.5), [1.0, 0.5, 0.25]),
        (lambda step: tf.train.inverse_time_decay(1.0, step, 1, 1.0), [1.0, 0.5, np.float32(1 / 3)]),
        (lambda step: tf.train.polynomial_decay(1.0, step, 2, 0.0), [1.0, 0.5, 0.0]),
        (lambda step: tf.train.piecewise_constant(step, [0, 1], [1.0, 0.5, 0.25]), [1.0, 0.5, 0.25]),
        (lambda step: tf.train.cosine_decay(1.0, step, 2, alpha=0.5), [1.0, 0.75, 0.5]),
    ],
)
def test_learning_rates_follow_the_global_step(rate, seen):
    w, step = tf.Variable(0.0), tf.Variable(0, trainable=False)
    optimizer = tf.train.GradientDescentOptimizer(rate(step))
    before = 0.0
    for expected in seen:
        optimizer.apply_gradients([(1.0, w)], global_step=step)
        assert before - w.numpy() == pytest.approx(expected, abs=2.0**-22)
        before = w.numpy()


def test_what_cannot_be():
    w = tf.Variable(1.0)
    optimizer = tf.train.GradientDescentOptimizer(0.5)
    with pytest.raises(ArgumentError, match="lambda"):
        optimizer.minimize(w**2)
    with pytest.raises(ArgumentError, match="depends on none"):
        optimizer.minimize(lambda: tf.constant(1.0), var_list=[w])
    with pytest.raises(ArgumentError, match="no gradient"):
        optimizer.apply_gradients([(None, w)])
    with pytest.raises(ArgumentError):
        tf.train.AdagradOptimizer(0.5, initial_accumulator_value=0.0)
