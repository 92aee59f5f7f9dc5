"""Each method against its formula in NumPy's float64, for 50 given gradients.

The bound: what is kept decays or is a sum, so after STEPS steps each number carries the roundings of at most STEPS
steps. A step is at most 24 operations, each right to a few ulps, on terms that are no larger than the variable or the
sum of all steps. So the error is below STEPS · 24 · 4 · u · (largest |w| + path length).
"""

import numpy as np
import pytest
import reference

import gradtape as tf

STEPS = 50
RATE = 0.0625  # the same in all element types
U = {"float32": 2.0**-24, "float64": 2.0**-53}

METHODS = [  # the last: what the reference calls the same arguments, where it is not the same
    ("SGD", {}, {}),
    ("SGD", {"momentum": 0.9}, {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}, {}),
    ("Adam", {}, {}),
    ("Adam", {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.1}, {}),
    ("Adam", {"beta_1": 0.0}, {}),
    ("Adam", {"amsgrad": True}, {}),
    ("RMSprop", {}, {}),
    ("RMSprop", {"momentum": 0.5, "rho": 0.75}, {}),
    ("RMSprop", {"centered": True, "epsilon": 0.1}, {}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "epsilon": 0.1}, {}),
    ("Adagrad", {}, {}),
    ("Adagrad", {"initial_accumulator_value": 1.0, "epsilon": 0.5}, {"initial_accumulator_value": "start"}),
]
named = pytest.mark.parametrize(
    ("name", "given", "called"), METHODS, ids=[f"{name}-{'-'.join(given)}" for name, given, _ in METHODS]
)


def gradients(steps=STEPS):
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((3, 4)), rng.standard_normal(5) * 10) for _ in range(steps)]


def starts():
    rng = np.random.default_rng(1)
    return rng.standard_normal((3, 4)), rng.standard_normal(5)


def trained(optimizer, dtype, step=None):
    """The variables after all gradients; and those before."""
    variables = [tf.Variable(start.astype(dtype)) for start in starts()]
    before = [v.numpy() for v in variables]
    for gs in gradients():
        pairs = list(zip([tf.constant(g.astype(dtype)) for g in gs], variables, strict=True))
        (step or optimizer.apply_gradients)(pairs)
    return [v.numpy() for v in variables], before


def followed(formulas, dtype, before, change=lambda w, g: (w, g)):
    """Where float64 leads to on the same gradients, and how long the way is."""
    ends, lengths = [], []
    for i, (w, formula) in enumerate(zip(before, formulas, strict=True)):
        w, length = w.astype(np.float64), np.abs(w).astype(np.float64)  # noqa: PLW2901
        for gs in gradients():
            start, g = change(w, gs[i].astype(dtype).astype(np.float64))
            new = formula.step(start, g)
            length += np.abs(new - w)
            w = new  # noqa: PLW2901
        ends.append(w)
        lengths.append(length)
    return ends, lengths


def assert_within(found, ends, lengths, dtype, operations=24):
    for one, end, length in zip(found, ends, lengths, strict=True):
        assert one.dtype == dtype
        assert (np.abs(one - end) <= STEPS * operations * 4 * U[dtype] * length).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@named
def test_a_method_follows_its_formula(name, given, called, dtype):
    found, before = trained(getattr(tf.optimizers, name)(RATE, **given), dtype)
    formula, numbers = getattr(reference, name), {called.get(key, key): value for key, value in given.items()}
    ends, lengths = followed([formula(RATE, **numbers) for _ in before], dtype, before)
    assert_within(found, ends, lengths, dtype)
    assert all((a != b).all() for a, b in zip(found, before, strict=True))


@named
def test_in_a_function_the_bits_are_the_same(name, given, called):
    eager, _ = trained(getattr(tf.optimizers, name)(RATE, **given), "float32")
    optimizer = getattr(tf.optimizers, name)(RATE, **given)
    step = tf.function(lambda gs, ws: optimizer.apply_gradients(zip(gs, ws, strict=True)))
    traced, _ = trained(None, "float32", lambda pairs: step([g for g, _ in pairs], [w for _, w in pairs]))
    for a, b in zip(eager, traced, strict=True):
        assert a.tobytes() == b.tobytes()
    assert step.experimental_get_tracing_count() == 1
    assert int(optimizer.iterations) == STEPS


@named
def test_the_bits_do_not_depend_on_the_tier_nor_the_threads(name, given, called):
    ends = []
    for settings in ({"tier": "single"}, {"tier": "fused"}, {"threads": 1}):
        with tf.config.override(**settings):
            ends.append(trained(getattr(tf.optimizers, name)(RATE, **given), "float32")[0])
    for end in ends[1:]:
        assert [a.tobytes() for a in end] == [a.tobytes() for a in ends[0]]


def test_adamw_decays_the_variable_beside_the_gradient():
    found, before = trained(tf.optimizers.AdamW(RATE, weight_decay=0.1), "float64")
    decay = lambda w, g: (w - RATE * 0.1 * w, g)  # noqa: E731
    ends, lengths = followed([reference.Adam(RATE) for _ in before], "float64", before, decay)
    assert_within(found, ends, lengths, "float64")


def test_variables_can_be_spared_from_decay():
    w, b = tf.Variable([1.0], name="kernel"), tf.Variable([1.0], name="bias")
    optimizer = tf.optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply_gradients([([0.0], w), ([0.0], b)])
    assert (w.numpy(), b.numpy()) == ([0.75], [1.0])
    other = tf.optimizers.SGD(0.5, weight_decay=0.5)
    other.exclude_from_weight_decay([w])
    other.apply_gradients([([0.0], w), ([0.0], b)])
    assert (w.numpy(), b.numpy()) == ([0.75], [0.75])


def of_one(limit):
    return lambda g: g * min(1, limit / np.sqrt(np.sum(g**2)))


@pytest.mark.parametrize(
    ("given", "clip"), [({"clipnorm": 2.0}, of_one(2.0)), ({"clipvalue": 0.5}, lambda g: np.clip(g, -0.5, 0.5))]
)
def test_gradients_are_clipped(given, clip):
    found, before = trained(tf.optimizers.SGD(RATE, momentum=0.9, **given), "float32")
    ends, lengths = followed([reference.SGD(RATE, 0.9) for _ in before], "float32", before, lambda w, g: (w, clip(g)))
    assert_within(found, ends, lengths, "float32")


def test_gradients_are_clipped_together():
    ws = [tf.Variable([0.0]), tf.Variable([[0.0]])]
    tf.optimizers.SGD(1.0, global_clipnorm=1.0).apply_gradients(zip(([3.0], [[4.0]]), ws, strict=True))
    assert [w.numpy().item() for w in ws] == [np.float32(-0.6), np.float32(-0.8)]


def test_a_moving_average_of_the_variables():
    """ema_momentum·average + (1 - ema_momentum)·w, where the first average is the first w."""
    w = tf.Variable(8.0)
    optimizer = tf.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(3):
        optimizer.apply_gradients([(2.0, w)])  # 6, 4, 2
    assert w.numpy() == 2
    optimizer.finalize_variable_values([w])
    assert w.numpy() == 0.5 * (0.5 * 6 + 0.5 * 4) + 0.5 * 2
    w = tf.Variable(8.0)
    optimizer = tf.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    seen = []
    for _ in range(4):
        optimizer.apply_gradients([(2.0, w)])
        seen.append(float(w))
    assert seen == [6, 5, 3, 0.5 * (0.5 * 5 + 0.5 * 3) + 0.5 * 1]


@pytest.mark.parametrize("traced", [False, True])
def test_gradients_are_gathered_over_several_calls(traced):
    once, twice = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 2.0])
    plain, gathering = tf.optimizers.Adam(0.5), tf.optimizers.Adam(0.5, gradient_accumulation_steps=2)
    step = lambda g: gathering.apply_gradients([(g, twice)])  # noqa: E731
    step = tf.function(step) if traced else step
    for g in ([1.0, 3.0], [-1.0, 0.5]):
        before = twice.numpy()
        step(tf.constant(g) + 0.25)
        assert (twice.numpy() == before).all()
        step(tf.constant(g) - 0.25)
        plain.apply_gradients([(g, once)])
        assert twice.numpy().tobytes() == once.numpy().tobytes()
    assert int(gathering.iterations) == 2


def test_a_scaled_loss_gives_the_same_step():
    w, v = tf.Variable(3.0), tf.Variable(3.0)
    optimizer = tf.optimizers.SGD(0.5, loss_scale_factor=1024.0)
    with tf.GradientTape() as tape:
        loss = optimizer.scale_loss(w**2)
    optimizer.apply_gradients([(tape.gradient(loss, w), w)])
    tf.optimizers.SGD(0.5).minimize(lambda: v**2, [v])
    assert w.numpy() == v.numpy() == 0
