"""Learning rates that change from step to step.

A schedule is called with the number of steps made so far and returns the learning rate. It is computed in float64 from
exact formulas and rounded once, to float32. Any other callable class of the same kind is a subclass of
`LearningRateSchedule`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import float32, float64
from gradtape.graph.handles import TensorLike, as_node, wrap
from gradtape.graph.node import Node, scalar
from gradtape.ops.arithmetic import ceil, floor, minimum
from gradtape.ops.declare import convert
from gradtape.ops.exponential import log, real_pow
from gradtape.ops.powers import square
from gradtape.ops.selection import where
from gradtape.ops.trigonometric import sin

Tensor = Any


def _number(value: float) -> Node:
    """An argument of the kernel, so that another schedule of the same kind compiles nothing."""
    return scalar(float(value), float64)


class LearningRateSchedule:
    """A learning rate for each number of steps made so far.

    A subclass says `rate(step)`, on scalar nodes of float64, or overrides `__call__`; and `get_config`.
    """

    name: str = ""

    def __call__(self, step: TensorLike) -> Tensor:
        """The learning rate after `step` steps: a float32 Tensor of the shape of `step`."""
        return wrap(convert(self.rate(convert(as_node(step), float64)), float32))

    def rate(self, step: Node) -> Node:
        """The learning rate in float64."""
        raise NotImplementedError(f"{type(self).__name__} does not say its rate")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make a schedule like this one."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LearningRateSchedule:
        """The schedule that `get_config` describes."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


def _need_steps(name: str, steps: float) -> None:
    if not steps > 0:
        raise ArgumentError(f"{name} must be more than 0, but {steps!r} was given")


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate · decay_rate^(step / decay_steps); with `staircase` the exponent is rounded down.

    >>> import gradtape as tf
    >>> schedule = tf.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
    >>> [float(schedule(step)) for step in (0, 100, 200)]
    [0.10000000149011612, 0.05000000074505806, 0.02500000037252903]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        _need_steps("decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name

    def rate(self, step: Node) -> Node:
        done = step / _number(self.decay_steps)
        done = floor(done) if self.staircase else done
        return _number(self.initial_learning_rate) * real_pow(_number(self.decay_rate), done)


class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate · step / decay_steps); with `staircase` the quotient is rounded down.

    >>> import gradtape as tf
    >>> float(tf.optimizers.schedules.InverseTimeDecay(1.0, decay_steps=1, decay_rate=0.5)(2))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        _need_steps("decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name

    def rate(self, step: Node) -> Node:
        done = step / _number(self.decay_steps)
        done = floor(done) if self.staircase else done
        return _number(self.initial_learning_rate) / (1 + _number(self.decay_rate) * done)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including step boundaries[0], then values[1] up to boundaries[1], …, at last values[-1].

    Raises ArgumentError unless there is one value more than there are boundaries.

    >>> import gradtape as tf
    >>> schedule = tf.optimizers.schedules.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
    >>> [float(schedule(step)) for step in (10, 11, 21)]
    [1.0, 0.5, 0.25]
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                f"{len(boundaries)} boundaries lie between {len(boundaries) + 1} values, but {len(values)} were given"
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def rate(self, step: Node) -> Node:
        found = _number(self.values[-1])
        for boundary, value in zip(self.boundaries[::-1], self.values[-2::-1], strict=True):
            found = where(step <= _number(boundary), _number(value), found)
        return found


class PolynomialDecay(LearningRateSchedule):
    """From initial_learning_rate to end_learning_rate in `decay_steps` steps, by (1 - step / decay_steps)^power.

    Then it stays, or with `cycle` starts anew with twice, three times, … as many steps in all.

    >>> import gradtape as tf
    >>> schedule = tf.optimizers.schedules.PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.5)
    >>> [float(schedule(step)) for step in (0, 5, 10, 99)]
    [1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        _need_steps("decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def rate(self, step: Node) -> Node:
        steps = _number(self.decay_steps)
        if self.cycle:
            steps = steps * where(step > 0, ceil(step / steps), 1)
        else:
            step = minimum(step, steps)
        end = _number(self.end_learning_rate)
        left = real_pow((steps - step) / steps, _number(self.power))
        return (_number(self.initial_learning_rate) - end) * left + end


def _half_wave(done: Node, alpha: float) -> Node:
    """(1 - α)·(1 + cos πx)/2 + α, from 1 at x = 0 to α at x = 1."""
    return _number(1 - alpha) * _wave(done) + _number(alpha)


def _wave(done: Node) -> Node:
    """(1 + cos πx)/2 as sin²(π/2·(1 - x)): no sum cancels, and at the end it is 0."""
    return square(sin(_number(math.pi / 2) * (1 - done)))


class CosineDecay(LearningRateSchedule):
    """Half a wave of the cosine from initial_learning_rate to alpha times that, in `decay_steps` steps; then it stays.

    With `warmup_target` it first grows evenly to that, in `warmup_steps` steps, and decays from there.

    >>> import gradtape as tf
    >>> schedule = tf.optimizers.schedules.CosineDecay(1.0, decay_steps=100)
    >>> [round(float(schedule(step)), 6) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        _need_steps("decay_steps", decay_steps)
        if warmup_target is not None:
            _need_steps("warmup_steps", warmup_steps)
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.name, self.warmup_target, self.warmup_steps = name, warmup_target, warmup_steps

    def rate(self, step: Node) -> Node:
        start, steps = _number(self.initial_learning_rate), _number(self.decay_steps)
        if self.warmup_target is None:
            return start * _half_wave(minimum(step, steps) / steps, self.alpha)
        target, warm = _number(self.warmup_target), _number(self.warmup_steps)
        after = target * _half_wave(minimum(step - warm, steps) / steps, self.alpha)
        return where(step < warm, (target - start) * (step / warm) + start, after)


class CosineDecayRestarts(LearningRateSchedule):
    """Half waves of the cosine, one after the other (Loshchilov and Hutter, 2016).

    The first takes `first_decay_steps` steps and starts at initial_learning_rate; each following one takes `t_mul`
    times as many steps and starts at `m_mul` times as much. All end at alpha·initial_learning_rate.

    >>> import gradtape as tf
    >>> schedule = tf.optimizers.schedules.CosineDecayRestarts(1.0, first_decay_steps=10, t_mul=2.0, m_mul=0.5)
    >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 30)]
    [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        _need_steps("first_decay_steps", first_decay_steps)
        if not t_mul >= 1:
            raise ArgumentError(f"t_mul must be at least 1, but {t_mul!r} was given")
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def rate(self, step: Node) -> Node:
        done = step / _number(self.first_decay_steps)
        if self.t_mul == 1:
            wave = floor(done)
            done = done - wave
        else:
            wave, done = self._wave(done)
        height = _number(1 - self.alpha) * real_pow(_number(self.m_mul), wave)
        shape = height * _wave(done) + _number(self.alpha)
        return _number(self.initial_learning_rate) * shape

    def _wave(self, done: Node) -> tuple[Node, Node]:
        """Which wave it is, and how much of it is done. The logarithm may be rounded to the wrong side of an integer,
        so the waves beside the one that it says are looked at."""
        factor, slope = _number(self.t_mul), _number(self.t_mul - 1)

        def begin(wave: Node) -> Node:
            return (real_pow(factor, wave) - 1) / slope

        wave = floor(log(1 + slope * done) / _number(math.log(self.t_mul)))
        wave = where(begin(wave) > done, wave - 1, wave)
        wave = where(begin(wave + 1) <= done, wave + 1, wave)
        return wave, (done - begin(wave)) / real_pow(factor, wave)


_KINDS = {
    kind.__name__: kind
    for kind in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """A schedule as a dict of its class's name and its arguments."""
    return {"class_name": type(learning_rate_schedule).__name__, "config": learning_rate_schedule.get_config()}


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LearningRateSchedule:
    """The schedule that `serialize` made a dict of. Classes of your own are found in `custom_objects`, by name.

    >>> import gradtape as tf
    >>> schedule = tf.optimizers.schedules.InverseTimeDecay(1.0, 10, 0.5)
    >>> tf.optimizers.schedules.deserialize(tf.optimizers.schedules.serialize(schedule)).decay_steps
    10
    """
    kinds = {**_KINDS, **(custom_objects or {})}
    if config.get("class_name") not in kinds:
        raise ArgumentError(f"{config.get('class_name')!r} is no schedule that is known; name it in custom_objects")
    return kinds[config["class_name"]].from_config(config["config"])
