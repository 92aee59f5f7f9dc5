"""``tf.train`` of TensorFlow 1, run eagerly: its optimizers and learning rates, on the formulas of
`gradtape.optimizers.update`.

>>> import gradtape.compat.v1 as tf
>>> w = tf.Variable(4.)
>>> optimizer = tf.train.GradientDescentOptimizer(0.25)
>>> optimizer.minimize(lambda: (w - 1)**2)
>>> w.numpy()
np.float32(2.5)

A loss is a function without arguments, as TensorFlow 1 wants it where it runs eagerly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.graph.handles import Handle, TensorLike
from gradtape.modes.tape import GradientTape
from gradtape.optimizers import optimizer, schedules, update
from gradtape.optimizers.methods import beta_numbers
from gradtape.variable import Variable

__all__ = [
    "AdagradOptimizer",
    "AdamOptimizer",
    "GradientDescentOptimizer",
    "MomentumOptimizer",
    "Optimizer",
    "RMSPropOptimizer",
    "cosine_decay",
    "exponential_decay",
    "inverse_time_decay",
    "piecewise_constant",
    "polynomial_decay",
]


class Optimizer(optimizer.Optimizer):
    """What TensorFlow 1's optimizers share. `learning_rate` is a number, a Tensor, or a function without arguments.

    Variables may come later than in the first step; they have the same count of steps.
    """

    def __init__(self, learning_rate: Any, use_locking: bool, name: str):
        super().__init__(learning_rate, name=name)

    def get_name(self) -> str:
        """The name that was given."""
        return self.name

    def minimize(  # type: ignore[override]
        self,
        loss: Callable[[], Any],
        global_step: Variable | None = None,
        var_list: Sequence[Variable] | None = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: TensorLike | None = None,
    ) -> None:
        """`compute_gradients`, then `apply_gradients`. Raises ArgumentError if the loss depends on no variable."""
        pairs = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(gradient is None for gradient, _ in pairs):
            raise ArgumentError(f"the loss depends on none of the variables {[v.name for _, v in pairs]}")
        self.apply_gradients(pairs, global_step)

    def compute_gradients(  # type: ignore[override]
        self,
        loss: Callable[[], Any],
        var_list: Sequence[Variable] | None = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: TensorLike | None = None,
    ) -> list[tuple[Any, Variable]]:
        """Pairs of a gradient and its Variable. `var_list` is what the loss reads unless given. Raises ArgumentError
        for a loss that is no function.

        >>> import gradtape.compat.v1 as tf
        >>> w = tf.Variable(3.)
        >>> [(g.numpy(), v.name) for g, v in tf.train.AdamOptimizer().compute_gradients(lambda: w * w)]
        [(np.float32(6.0), 'Variable')]
        """
        if not callable(loss):
            raise ArgumentError("the loss must be a function without arguments, as in minimize(lambda: f(w))")
        with GradientTape() as tape:
            value = loss()
        variables = list(tape.watched_variables() if var_list is None else var_list)
        weights = None if grad_loss is None else [grad_loss]
        gradients = tape.gradient(value if weights is None else [value], variables, output_gradients=weights)
        return list(zip(gradients, variables, strict=True))

    def apply_gradients(  # type: ignore[override]
        self,
        grads_and_vars: Iterable[tuple[TensorLike | None, Variable]],
        global_step: Variable | None = None,
        name: str | None = None,
    ) -> None:
        """Make one step with pairs of a gradient and its Variable, and count it in `global_step`. None is left out."""
        pairs = list(grads_and_vars)
        if not any(gradient is not None for gradient, _ in pairs):
            raise ArgumentError("no gradient was given for any variable")
        pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        self.build([])
        self.track([variable for _, variable in pairs if id(variable) not in self._place])
        super().apply_gradients(pairs)
        if global_step is not None:
            global_step.assign_add(1)

    def get_slot_names(self) -> list[str]:
        """What is kept for each variable."""
        return sorted(self.slot_names)

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """What is kept for a variable under this name; None if there is nothing."""
        place = self._place.get(id(var))
        if place is None or name not in self.slot_names:
            return None
        return self._slots[place][list(self.slot_names).index(name)]


class GradientDescentOptimizer(Optimizer):
    """Gradient descent: w ← w - learning_rate·g."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"):
        super().__init__(learning_rate, use_locking, name)

    def _formula(self) -> tuple:
        return update.sgd, (False,)


class MomentumOptimizer(Optimizer):
    """Gradient descent by a sum of gradients: b ← momentum·b + g, w ← w - learning_rate·b."""

    slot_names = ("momentum",)

    def __init__(
        self,
        learning_rate: Any,
        momentum: float,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ):
        super().__init__(learning_rate, use_locking, name)
        self.momentum, self.use_nesterov = momentum, use_nesterov

    def _formula(self) -> tuple:
        return update.heavy_ball, (self.use_nesterov, False)

    def _numbers(self) -> dict[str, float]:
        return {"momentum": self.momentum}


class AdamOptimizer(Optimizer):
    """Adam, with ε beside the root of the mean square that is not corrected yet."""

    slot_names = ("m", "v")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ):
        super().__init__(learning_rate, use_locking, name)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def _formula(self) -> tuple:
        return update.adam, (False, False)

    def _numbers(self) -> dict[str, float]:
        return {**beta_numbers(self.beta1, self.beta2), "epsilon": self.epsilon}


class RMSPropOptimizer(Optimizer):
    """The gradient over the root of its mean square, which starts from 1; ε stands under the root."""

    def __init__(
        self,
        learning_rate: Any,
        decay: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ):
        self.slot_names = ("rms", "momentum", "mg")[: 2 + centered]  # type: ignore[misc]
        super().__init__(learning_rate, use_locking, name)
        self.decay, self.momentum, self.epsilon, self.centered = decay, momentum, epsilon, centered

    def _formula(self) -> tuple:
        return update.rmsprop, (True, self.centered, True, True)

    def _numbers(self) -> dict[str, float]:
        return {"rho": self.decay, "rho_rest": 1 - self.decay, "epsilon": self.epsilon, "momentum": self.momentum}

    def _first_value(self, slot: str) -> float:
        return 1.0 if slot == "rms" else 0.0


class AdagradOptimizer(Optimizer):
    """The gradient over the root of the sum of its squares."""

    slot_names = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ):
        if not initial_accumulator_value > 0:
            raise ArgumentError(f"initial_accumulator_value must be > 0, but {initial_accumulator_value!r} was given")
        super().__init__(learning_rate, use_locking, name)
        self.initial_accumulator_value = initial_accumulator_value

    def _formula(self) -> tuple:
        return update.adagrad, (True, False)

    def _numbers(self) -> dict[str, float]:
        return {"epsilon": 0.0}

    def _first_value(self, slot: str) -> float:
        return self.initial_accumulator_value


# -- learning rates: functions without arguments, which optimizers ask in each step ---------------------------


def _later(schedule: schedules.LearningRateSchedule, global_step: TensorLike) -> Callable[[], Any]:
    return lambda: schedule(
        global_step() if callable(global_step) and not isinstance(global_step, Handle) else global_step
    )


def exponential_decay(
    learning_rate: float,
    global_step: Any,
    decay_steps: float,
    decay_rate: float,
    staircase: bool = False,
    name: str | None = None,
) -> Callable[[], Any]:
    """learning_rate · decay_rate^(global_step / decay_steps), as a function without arguments.

    >>> import gradtape.compat.v1 as tf
    >>> step = tf.Variable(100)
    >>> tf.train.exponential_decay(0.5, step, 100, 0.5)().numpy()
    np.float32(0.25)
    """
    return _later(schedules.ExponentialDecay(learning_rate, decay_steps, decay_rate, staircase), global_step)


def inverse_time_decay(
    learning_rate: float,
    global_step: Any,
    decay_steps: float,
    decay_rate: float,
    staircase: bool = False,
    name: str | None = None,
) -> Callable[[], Any]:
    """learning_rate / (1 + decay_rate · global_step / decay_steps), as a function without arguments."""
    return _later(schedules.InverseTimeDecay(learning_rate, decay_steps, decay_rate, staircase), global_step)


def polynomial_decay(
    learning_rate: float,
    global_step: Any,
    decay_steps: float,
    end_learning_rate: float = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Callable[[], Any]:
    """From learning_rate to end_learning_rate, as a function without arguments; see `schedules.PolynomialDecay`."""
    return _later(schedules.PolynomialDecay(learning_rate, decay_steps, end_learning_rate, power, cycle), global_step)


def piecewise_constant(
    x: Any, boundaries: Sequence[float], values: Sequence[float], name: str | None = None
) -> Callable[[], Any]:
    """values[0] up to and including x = boundaries[0], and so on, as a function without arguments."""
    return _later(schedules.PiecewiseConstantDecay(boundaries, values), x)


def cosine_decay(
    learning_rate: float, global_step: Any, decay_steps: float, alpha: float = 0.0, name: str | None = None
) -> Callable[[], Any]:
    """Half a wave of the cosine, as a function without arguments; see `schedules.CosineDecay`."""
    return _later(schedules.CosineDecay(learning_rate, decay_steps, alpha), global_step)
