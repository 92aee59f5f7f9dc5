"""The same numbers as Keras, in float64. It rounds the numbers of a method to float32 before; so they are such here.
Its 1 - βᵗ loses u/(1 - β₂) of itself."""

import numpy as np
import pytest
from test_methods import RATE, STEPS, gradients, starts, trained

import gradtape as tf

BETAS = {"beta_1": 0.875, "beta_2": 1 - 2.0**-10, "epsilon": 2.0**-23}
LOST = 2.0**-53 * 2**10
METHODS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.75}),
    ("SGD", {"momentum": 0.75, "nesterov": True}),
    ("Adam", BETAS),
    ("Adam", {**BETAS, "amsgrad": True}),
    ("AdamW", {**BETAS, "weight_decay": 0.125}),
    ("RMSprop", {"rho": 0.875, "epsilon": 2.0**-23}),
    ("RMSprop", {"rho": 0.875, "momentum": 0.5, "epsilon": 2.0**-23}),
    ("RMSprop", {"rho": 0.875, "centered": True, "momentum": 0.5, "epsilon": 0.125}),
    ("Adagrad", {"initial_accumulator_value": 0.125, "epsilon": 2.0**-23}),
]


def keras_trained(optimizer, module):
    variables = [module.Variable(start) for start in starts()]
    for gs in gradients():
        optimizer.apply_gradients(zip([module.constant(g) for g in gs], variables, strict=True))
    return [v.numpy() for v in variables]


def assert_same(name, lost=LOST, **given):
    module = pytest.importorskip("tensorflow")
    ours, before = trained(getattr(tf.optimizers, name)(RATE, **given), "float64")
    theirs = keras_trained(getattr(module.optimizers, name)(RATE, **given), module)
    for a, b, start in zip(ours, theirs, before, strict=True):
        scale = np.abs(start) + STEPS * RATE * 10  # no step here is longer than ten times the rate
        assert (np.abs(a - b) <= 4 * lost * scale).all()
        assert (a != start).all()


@pytest.mark.parametrize(("name", "given"), METHODS, ids=[f"{n}-{'-'.join(g)}" for n, g in METHODS])
def test_a_method_goes_the_way_of_keras(name, given):
    assert_same(name, **given)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_the_defaults_are_those_of_keras(name):
    """As far as numbers that are rounded to float32 say: 1 - β₂ is 0.001."""
    assert_same(name, lost=2.0**-24 / 0.001)


@pytest.mark.parametrize(
    "given",
    [
        {"clipnorm": 2.0},
        {"clipvalue": 0.5},
        {"global_clipnorm": 2.0},
        {"weight_decay": 0.125},
        {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 4},
        {"loss_scale_factor": 4.0},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_all_methods_share_goes_the_way_of_keras(given):
    assert_same("Adam", **BETAS, **given)
    assert_same("SGD", momentum=0.75, **given)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("ExponentialDecay", (0.1, 10, 0.9, True)),
        ("InverseTimeDecay", (0.1, 10, 0.9)),
        ("PiecewiseConstantDecay", ([10, 20], [0.1, 0.2, 0.3])),
        ("PolynomialDecay", (0.1, 20, 0.01, 1.5, True)),
        ("CosineDecay", (0.1, 40, 0.25, "c", 0.5, 10)),
        ("CosineDecayRestarts", (0.1, 8, 2.0, 0.5, 0.25)),
    ],
)
def test_a_schedule_goes_the_way_of_keras(name, given):
    """Keras computes in float32, with a dozen operations; where a wave begins anew it may still be at its end."""
    module = pytest.importorskip("tensorflow")
    ours, theirs = (getattr(m.optimizers.schedules, name)(*given) for m in (tf, module))
    for step in range(60):
        assert float(ours(step)) == pytest.approx(float(theirs(step)), abs=12 * 2.0**-24 * 0.5), step
