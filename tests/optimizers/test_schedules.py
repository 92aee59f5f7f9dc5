"""Schedules against their formulas in mpmath, at 50 digits: the result is a float32 beside the true one."""

import mpmath as mp
import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError

mp.mp.dps = 50
schedules = tf.optimizers.schedules
STEPS = [0, 1, 2, 7, 10, 15, 20, 25, 40, 70, 100, 149, 150, 1000]


def exponential(s):
    return mp.mpf(0.125) * mp.mpf(0.75) ** (mp.mpf(s) / 10)


def staircase(s):
    return exponential(s // 10 * 10)


def inverse(s):
    return mp.mpf(0.125) / (1 + mp.mpf(0.75) * s / 10)


def polynomial(s):
    return (mp.mpf(2) - 0.5) * (1 - mp.mpf(min(s, 20)) / 20) ** mp.mpf(1.5) + 0.5


def cycle(s):
    n = 20 * max(1, mp.ceil(mp.mpf(s) / 20))
    return (mp.mpf(2) - 0.5) * (1 - s / n) ** 2 + 0.5


def wave(x, alpha):
    return (1 - alpha) * (1 + mp.cos(mp.pi * x)) / 2 + alpha


def cosine(s):
    return 2 * wave(mp.mpf(min(s, 100)) / 100, mp.mpf(0.25))


def warm(s):
    return mp.mpf(0.5) + mp.mpf(1.5) * s / 10 if s < 10 else 2 * wave(mp.mpf(min(s - 10, 100)) / 100, 0)


def restarts(s):
    begin, length, height = 0, 10, 1
    while s >= begin + length:
        begin, length, height = begin + length, 2 * length, height * mp.mpf(0.5)
    return 2 * (mp.mpf(0.75) * height * (1 + mp.cos(mp.pi * (s - begin) / mp.mpf(length))) / 2 + mp.mpf(0.25))


def equal_restarts(s):
    return 2 * wave(mp.mpf(s % 10) / 10, 0)


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (schedules.ExponentialDecay(0.125, 10, 0.75), exponential),
        (schedules.ExponentialDecay(0.125, 10, 0.75, staircase=True), staircase),
        (schedules.InverseTimeDecay(0.125, 10, 0.75), inverse),
        (schedules.PolynomialDecay(2.0, 20, 0.5, power=1.5), polynomial),
        (schedules.PolynomialDecay(2.0, 20, 0.5, power=2.0, cycle=True), cycle),
        (schedules.CosineDecay(2.0, 100, alpha=0.25), cosine),
        (schedules.CosineDecay(0.5, 100, warmup_target=2.0, warmup_steps=10), warm),
        (schedules.CosineDecayRestarts(2.0, 10, t_mul=2.0, m_mul=0.5, alpha=0.25), restarts),
        (schedules.CosineDecayRestarts(2.0, 10, t_mul=1.0), equal_restarts),
    ],
    ids=lambda v: getattr(v, "__name__", getattr(v, "name", "")),
)
def test_a_schedule_is_right_to_a_float(schedule, formula):
    traced = tf.function(lambda step: schedule(step))
    for step in STEPS:
        rate = schedule(step)
        assert rate.dtype == "float32" and rate.shape == ()
        true = formula(step)
        near = np.float32(true)
        assert abs(rate.numpy() - true) <= np.spacing(near), step
        assert traced(tf.constant(step)).numpy().tobytes() == rate.numpy().tobytes()
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule) and again.get_config() == schedule.get_config()
    assert (schedule(tf.constant(STEPS)).numpy() == [schedule(step).numpy() for step in STEPS]).all()


@pytest.mark.parametrize("factor", [1.25, 1.5, 3.0])
def test_a_wave_begins_where_the_one_before_ends(factor):
    """Also where the logarithm that says how many there were is rounded."""
    schedule = schedules.CosineDecayRestarts(1.0, 64, t_mul=factor)
    begin, length = mp.mpf(0), mp.mpf(64)
    while begin < 1e5:
        if begin == int(begin):
            assert schedule(int(begin)).numpy() == 1
        begin, length = begin + length, length * factor


def test_constant_pieces():
    schedule = schedules.PiecewiseConstantDecay([10, 20.5], [1.0, 0.5, 0.1])
    assert [schedule(s).numpy() for s in (0, 10, 11, 20, 21)] == [1, 1, 0.5, 0.5, np.float32(0.1)]
    assert schedule.get_config() == {"boundaries": [10, 20.5], "values": [1.0, 0.5, 0.1], "name": "PiecewiseConstant"}
    assert repr(schedule).startswith("PiecewiseConstantDecay(boundaries=[10, 20.5]")


def test_one_of_your_own():
    class Half(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 1.0 / (2 + step)

    w = tf.Variable(0.0)
    optimizer = tf.optimizers.SGD(Half())
    optimizer.apply_gradients([(1.0, w)])
    assert w.numpy() == -0.5
    kept = schedules.serialize(Half())
    assert isinstance(schedules.deserialize(kept, {"Half": Half}), Half)
    with pytest.raises(ArgumentError, match="custom_objects"):
        schedules.deserialize(kept)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: schedules.ExponentialDecay(1.0, 0, 0.5),
        lambda: schedules.PolynomialDecay(1.0, -1),
        lambda: schedules.PiecewiseConstantDecay([1], [1.0]),
        lambda: schedules.CosineDecay(1.0, 10, warmup_target=1.0),
        lambda: schedules.CosineDecayRestarts(1.0, 10, t_mul=0.5),
    ],
)
def test_arguments_out_of_range(wrong):
    with pytest.raises(ArgumentError):
        wrong()
