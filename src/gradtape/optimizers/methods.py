"""The optimisers: each says which formula it is, what it keeps, and its numbers."""

from __future__ import annotations

import math
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.optimizers import update
from gradtape.optimizers.optimizer import Optimizer


def beta_numbers(beta_1: float, beta_2: float) -> dict[str, float]:
    """What Adam's formula needs of its betas: 1 - β and log β."""
    numbers = {}
    for name, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
        numbers[f"{name}_rest"] = 1 - beta
        numbers[f"{name}_log"] = math.log(beta) if beta else -math.inf
    return numbers


def need_share(**shares: float) -> None:
    """ArgumentError unless all are from 0 to 1."""
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ArgumentError(f"{name} must be a number from 0 to 1, but {share!r} was given")


class SGD(Optimizer):
    """Gradient descent, with momentum if there is any: v ← momentum·v - rate·g, w ← w + v.

    With `nesterov` the gradient counts one step ahead: w ← w + momentum·v - rate·g. The other arguments are those of
    `Optimizer`. Raises ArgumentError for a momentum that is not from 0 to 1.

    >>> import gradtape as tf
    >>> w = tf.Variable([1., 2.])
    >>> optimizer = tf.optimizers.SGD(0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     _ = optimizer.minimize(lambda: tf.reduce_sum(w**2), [w])
    >>> w.numpy()
    array([0.46, 0.92], dtype=float32)
    """

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any):
        need_share(momentum=momentum)
        self.momentum, self.nesterov = momentum, nesterov
        self.slot_names = ("momentum",) if momentum else ()  # type: ignore[misc]
        super().__init__(learning_rate, **kwargs)

    def _formula(self) -> tuple:
        return update.sgd, (self.nesterov,)

    def _numbers(self) -> dict[str, float]:
        return {"momentum": self.momentum} if self.slot_names else {}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


class Adam(Optimizer):
    """Adam: steps by the mean of gradients over the root of their mean square, both as if they had always been there.

    beta_1, beta_2      how much of the means stays in each step
    epsilon             is added to the root
    amsgrad             whether the largest mean square so far is taken

    The other arguments are those of `Optimizer`.

    >>> import gradtape as tf
    >>> w = tf.Variable(10.)
    >>> optimizer = tf.optimizers.Adam(0.1)
    >>> count = optimizer.minimize(lambda: w**2 / 2, [w])
    >>> w.numpy()                                               # the first step is as long as the learning rate
    np.float32(9.9)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        need_share(beta_1=beta_1, beta_2=beta_2)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        self.slot_names = ("momentum", "velocity", "velocity_hat")[: 2 + amsgrad]  # type: ignore[misc]
        super().__init__(learning_rate, **kwargs)

    def _formula(self) -> tuple:
        return update.adam, (self.amsgrad, False)

    def _numbers(self) -> dict[str, float]:
        return {**beta_numbers(self.beta_1, self.beta_2), "epsilon": self.epsilon}

    def get_config(self) -> dict[str, Any]:
        names = ("beta_1", "beta_2", "epsilon", "amsgrad")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class AdamW(Adam):
    """Adam with a decay of the variables that does not go through the gradients (Loshchilov and Hutter, 2019).

    weight_decay    rate·weight_decay·w is taken off each variable w in each step

    >>> import gradtape as tf
    >>> w = tf.Variable(10.)
    >>> count = tf.optimizers.AdamW(0.1, weight_decay=0.01).minimize(lambda: w**2 / 2, [w])
    >>> w.numpy()
    np.float32(9.889999)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        if weight_decay is None:
            raise ArgumentError("AdamW needs a weight_decay, as in 0.004; without one use Adam")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs)


class RMSprop(Optimizer):
    """Steps by the gradient over the root of its mean square.

    rho         how much of the mean square stays in each step
    momentum    with it the steps are summed up: b ← momentum·b + step, w ← w - b
    epsilon     is added under the root
    centered    whether the square of the mean gradient is taken off the mean square: its variance is left

    The other arguments are those of `Optimizer`.

    >>> import gradtape as tf
    >>> w = tf.Variable(10.)
    >>> count = tf.optimizers.RMSprop(0.1).minimize(lambda: w**2 / 2, [w])
    >>> w.numpy()
    np.float32(9.683772)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ):
        need_share(rho=rho, momentum=momentum)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self.slot_names = (  # type: ignore[misc]
            "velocity",
            *["momentum"] * bool(momentum),
            *["average_gradient"] * bool(centered),
        )
        super().__init__(learning_rate, **kwargs)

    def _formula(self) -> tuple:
        return update.rmsprop, ("momentum" in self.slot_names, self.centered, True, True)

    def _numbers(self) -> dict[str, float]:
        return {"rho": self.rho, "rho_rest": 1 - self.rho, "epsilon": self.epsilon, "momentum": self.momentum}

    def get_config(self) -> dict[str, Any]:
        names = ("rho", "momentum", "epsilon", "centered")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class Adagrad(Optimizer):
    """Steps by the gradient over the root of the sum of all its squares.

    initial_accumulator_value   what the sum starts from
    epsilon                     is added under the root

    The other arguments are those of `Optimizer`. Raises ArgumentError for a negative start.

    >>> import gradtape as tf
    >>> w = tf.Variable(10.)
    >>> count = tf.optimizers.Adagrad(0.1).minimize(lambda: w**2 / 2, [w])
    >>> w.numpy()
    np.float32(9.90005)
    """

    slot_names = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ):
        if not initial_accumulator_value >= 0:
            raise ArgumentError(f"initial_accumulator_value must be ≥ 0, but {initial_accumulator_value!r} was given")
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(learning_rate, **kwargs)

    def _formula(self) -> tuple:
        return update.adagrad, (True, False)

    def _numbers(self) -> dict[str, float]:
        return {"epsilon": self.epsilon}

    def _first_value(self, slot: str) -> float:
        return self.initial_accumulator_value

    def get_config(self) -> dict[str, Any]:
        names = ("initial_accumulator_value", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
