"""The Optimizer: variables, what is kept for each from step to step, the learning rate, and how a step is made.

    gradients ─► Update (formulas on nodes) ─► new variables and slots, pending ─► all assigned in one pass

A step that is made again is not made of Python again: its operations are remembered. Numbers such as the learning rate
are arguments of the kernels, so another one compiles nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from gradtape.errors import ArgumentError, ShapeError
from gradtape.graph.dtypes import float32, float64, int64
from gradtape.graph.handles import Handle, TensorLike, as_node, wrap
from gradtape.graph.node import Node, scalar
from gradtape.modes.tape import GradientTape
from gradtape.ops.declare import convert
from gradtape.optimizers.schedules import LearningRateSchedule, deserialize, serialize
from gradtape.optimizers.step import Slot, change, renew
from gradtape.optimizers.update import Update
from gradtape.tensor import Tensor
from gradtape.variable import Variable, assign_all


class Optimizer:
    """What all optimisers share. A method is a subclass that says its formula, slots and numbers.

    learning_rate                   a number, a schedule, or a function without arguments that returns a number
    weight_decay                    rate·weight_decay·w is taken off each variable w in each step
    clipnorm                        a gradient whose norm is larger is scaled to this norm, each for itself
    clipvalue                       the elements of gradients are limited to [-clipvalue, clipvalue]
    global_clipnorm                 gradients whose common norm is larger are scaled by one factor to this norm
    use_ema                         whether a moving average of each variable is kept: ema_momentum·average +
                                    (1 - ema_momentum)·w; once in `ema_overwrite_frequency` steps w becomes the average
    loss_scale_factor               by which `scale_loss` multiplies the loss; gradients are divided by it
    gradient_accumulation_steps     once in as many calls the variables change, by the mean of the gradients so far

    At most one of clipnorm, clipvalue and global_clipnorm can be given. Raises ArgumentError for values out of range.
    """

    slot_names: ClassVar[Sequence[str]] = ()

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ):
        if sum(limit is not None for limit in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ArgumentError(
                "gradients are clipped in one way, but several of clipnorm, clipvalue and global_clipnorm were given: "
                f"{clipnorm}, {clipvalue}, {global_clipnorm}"
            )
        if not 0 <= ema_momentum <= 1:
            raise ArgumentError(f"ema_momentum must be from 0 to 1, but {ema_momentum} was given")
        for label, count, least in (
            ("ema_overwrite_frequency", ema_overwrite_frequency, 1),
            ("gradient_accumulation_steps", gradient_accumulation_steps, 2),
        ):
            if count is not None and not (isinstance(count, int) and count >= least):
                raise ArgumentError(f"{label} must be an integer ≥ {least} or None, but {count!r} was given")
        self._ready: tuple[list[int], Update, tuple[str, ...], list[Node]] | None = None
        self.name = name or type(self).__name__.lower()
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.built = False
        self._count = Variable(0, trainable=False, name="iteration", dtype=int64)
        self._rate: Any = None
        self._typed_rate: float | None = None  # the number that was given, with all its digits
        self._trainable: list[Variable] = []
        self._slots: list[list[Slot]] = []  # of each variable
        self._place: dict[int, int] = {}
        self._spared: list[Variable] = []
        self._spared_names: tuple[str, ...] = ()
        self.learning_rate = learning_rate

    def __setattr__(self, name: str, value: Any) -> None:
        """Any attribute may say how the next step is made."""
        object.__setattr__(self, name, value)
        if name != "_ready":
            self._ready = None

    # -- what a method says -----------------------------------------------------------------------------------

    def _formula(self) -> tuple[Callable[..., list[Node]], tuple[bool, ...]]:
        """The formula and its choices."""
        raise NotImplementedError(f"{type(self).__name__} does not say its formula")

    def _numbers(self) -> dict[str, float]:
        """The numbers of the formula."""
        return {}

    def _first_value(self, slot: str) -> float:
        """Of all elements of a slot."""
        return 0.0

    # -- state ------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> Any:
        """How many steps were made: a Variable, or with gradient accumulation a Tensor."""
        if self.gradient_accumulation_steps:
            return self._count // self.gradient_accumulation_steps
        return self._count

    @property
    def learning_rate(self) -> Any:
        """The present learning rate: a Variable, or what the schedule or function says. Can be set to any of them."""
        if isinstance(self._rate, LearningRateSchedule):
            return self._rate(self.iterations)
        if isinstance(self._rate, Variable) or not callable(self._rate):
            return self._rate
        return self._rate()

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if isinstance(rate, LearningRateSchedule) or (callable(rate) and not isinstance(rate, Handle)):
            self._rate = rate
            return
        if isinstance(rate, (str, bool)) or rate is None:
            raise ArgumentError(
                f"a learning rate is a number, a schedule or a function that returns a number, but {rate!r} was given"
            )
        if isinstance(self._rate, Variable):
            held = self._rate.dtype
            self._rate.assign(wrap(convert(as_node(rate), held)) if isinstance(rate, Handle) else float(rate))
        else:
            self._rate = Variable(
                wrap(convert(as_node(rate), self._rate_type())) if isinstance(rate, Handle) else float(rate),
                trainable=False,
                name="learning_rate",
                dtype=self._rate_type(),
            )
        if not isinstance(rate, Handle) and not self.built:
            self._typed_rate = float(rate)

    lr = learning_rate

    def _rate_type(self) -> Any:
        return float64 if any(v.dtype is float64 for v in self._trainable) else float32

    @property
    def variables(self) -> list[Variable]:
        """All that changes from step to step: the count of calls, the learning rate if it is a Variable, the slots."""
        rate = [self._rate] if isinstance(self._rate, Variable) else []
        return [self._count, *rate, *[slot for kept in self._slots for slot in kept]]

    def build(self, var_list: Iterable[Variable]) -> None:
        """Make the slots of these variables; done by the first step if it was not done before."""
        if self.built:
            return
        self.track(var_list)
        if self._rate_type() is float64 and isinstance(self._rate, Variable) and self._rate.dtype is float32:
            rate = self._rate.numpy()
            typed = self._typed_rate if self._typed_rate is not None and np.float32(self._typed_rate) == rate else rate
            self._rate = Variable(float(typed), trainable=False, name="learning_rate", dtype=float64)
        self.built = True

    def track(self, var_list: Iterable[Variable]) -> None:
        """Make the slots of more variables."""
        variables, places = list(var_list), dict(self._place)
        for variable in variables:
            if not isinstance(variable, Variable):
                raise ArgumentError(
                    f"an optimizer changes Variables, but a {type(variable).__name__} was given; make it a Variable"
                )
            if id(variable) in places:
                raise ArgumentError(f"the variable {variable.name!r} is among those of the optimizer twice")
            places[id(variable)] = len(places)
        self._place = places
        self._trainable += variables
        self._slots += [self._slots_of(variable) for variable in variables]

    def _slots_of(self, variable: Variable) -> list[Slot]:
        firsts = {name: self._first_value(name) for name in self.slot_names}
        if self.use_ema:
            firsts["average"] = 0.0
        if self.gradient_accumulation_steps:
            firsts["gradient_accumulator"] = 0.0
        return [
            Slot(
                np.full(variable.held.shape, first, variable.dtype.dtype),
                trainable=False,
                name=f"{variable.name}_{name}",
                dtype=variable.dtype,
            )
            for name, first in firsts.items()
        ]

    def exclude_from_weight_decay(self, var_list: Iterable[Variable] = (), var_names: Iterable[str] = ()) -> None:
        """Spare variables from weight decay: those in `var_list`, and those whose name has one of `var_names` in it."""
        self._spared, self._spared_names = list(var_list or ()), tuple(var_names or ())

    def _is_spared(self, variable: Variable) -> bool:
        return any(variable is one for one in self._spared) or any(part in variable.name for part in self._spared_names)

    # -- steps ------------------------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars: Iterable[tuple[TensorLike | None, Variable]]) -> Variable:
        """Make one step with pairs of a gradient and its Variable. Returns the count of calls.

        A gradient has the shape of its variable; another type is converted. None is left out, with a warning. Raises
        ArgumentError if all are None, for a variable that was not there in the first step, or given twice; ShapeError
        for a gradient that does not fit. An empty list does nothing.

        >>> import gradtape as tf
        >>> w = tf.Variable(1.)
        >>> count = tf.optimizers.SGD(0.1).apply_gradients([(2., w)])
        >>> w.numpy()
        np.float32(0.8)
        """
        pairs = list(grads_and_vars)
        if not pairs:
            return self._count
        if not self.built:
            self.build([variable for _, variable in pairs])
        places, variables, gradients = [], [], []
        missing = []
        for gradient, variable in pairs:
            place = self._place.get(id(variable))
            if place is None:
                raise ArgumentError(
                    f"the optimizer does not know the variable {getattr(variable, 'name', variable)!r}: it was built "
                    "with others; build it with all, or make another optimizer"
                )
            if gradient is None:
                missing.append(variable.name)
                continue
            node = gradient.node if isinstance(gradient, Handle) else as_node(gradient, variable.dtype)
            if node.shape != variable.held.shape:
                raise ShapeError(
                    f"the gradient of {variable.name} has shape {node.shape}, but the variable {variable.held.shape}"
                )
            if variable.open and any(slot.held.shape != node.shape for slot in self._slots[place]):
                raise ShapeError(
                    f"{variable.name} has the shape {node.shape}, but had another when the optimizer was built; make "
                    "another optimizer for it"
                )
            places.append(place)
            variables.append(variable)
            gradients.append(node)
        if not variables:
            raise ArgumentError(
                "no gradient was given for any variable: all are None. The tape's none_reasons say why, for each"
            )
        if missing:
            warnings.warn(f"there are no gradients for the variables {missing}; they stay as they are", stacklevel=2)
        if len(set(places)) < len(places):
            raise ArgumentError("a variable is among grads_and_vars twice; add its gradients first")
        self._step(places, variables, gradients)
        return self._count

    def apply(self, grads: Sequence[TensorLike | None], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Make one step with the gradients of the variables, those that the optimizer was built with unless given."""
        known = self._trainable if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(known):
            raise ArgumentError(f"{len(grads)} gradients were given for {len(known)} variables; build the optimizer")
        self.apply_gradients(zip(grads, known, strict=True))

    def minimize(self, loss: Any, var_list: Any, tape: GradientTape | None = None) -> Variable:
        """Make one step towards a smaller loss: its gradients are computed and applied.

        loss        a function without arguments that returns the loss, or a Tensor that was computed under `tape`
        var_list    Variables, or a function without arguments that returns them

        Raises ArgumentError for a Tensor without a tape.

        >>> import gradtape as tf
        >>> w, adam = tf.Variable(1.), tf.optimizers.Adam(0.5)
        >>> count = adam.minimize(lambda: tf.square(w), [w])
        >>> w.numpy()
        np.float32(0.5000008)
        """
        return self.apply_gradients(self.compute_gradients(loss, var_list, tape))

    def compute_gradients(
        self, loss: Any, var_list: Any, tape: GradientTape | None = None
    ) -> list[tuple[Tensor | None, Variable]]:
        """The pairs for `apply_gradients`; arguments as for `minimize`."""
        if not callable(loss) and tape is None:
            raise ArgumentError(
                "the loss is a Tensor, and nobody knows how it was computed: give the tape that recorded it as "
                "tape=..., or a function that computes it"
            )
        if callable(loss):
            with tape or GradientTape() as tape:
                loss = loss()
        assert tape is not None
        variables = list(var_list()) if callable(var_list) else list(var_list)
        return list(zip(tape.gradient(loss, variables), variables, strict=True))

    def scale_loss(self, loss: TensorLike) -> Any:
        """The loss times `loss_scale_factor`, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def _step(self, places: list[int], variables: list[Variable], gradients: list[Node]) -> None:
        slots = [self._slots[place] for place in places]
        if self._ready is None or self._ready[0] != places:
            update, numbers = self._update(variables)
            self._ready = (places, update, ("rate", *numbers), [scalar(float(v), float64) for v in numbers.values()])
        _, update, names, known = self._ready
        rate = self.learning_rate
        rate = convert(rate.leaf if isinstance(rate, Variable) else as_node(rate), float64)
        all_slots = [slot for kept in slots for slot in kept]
        own = [slot for slot in all_slots if slot.own]
        made = change(update, variables, gradients, slots, names, [rate, *known], self._count)
        targets = [one for v, kept in zip(variables, slots, strict=True) for one in (v, *kept)]
        width = 1 + len(slots[0])
        for i, variable in enumerate(variables):
            constraint = getattr(variable, "constraint", None)
            if constraint is not None:
                made[i * width] = as_node(constraint(wrap(made[i * width])))
        renew([*targets, self._count], made, own, all_slots)

    def _update(self, variables: Sequence[Variable]) -> tuple[Update, dict[str, float]]:
        formula, choices = self._formula()
        numbers = dict(self._numbers())
        clip = ""
        for kind, limit in (("norm", self.clipnorm), ("global", self.global_clipnorm), ("value", self.clipvalue)):
            if limit:
                clip, numbers["clip"] = kind, limit
        if self.weight_decay is not None:
            numbers["decay"] = self.weight_decay
        if self.loss_scale_factor is not None:
            numbers["scale"] = self.loss_scale_factor
        if self.gradient_accumulation_steps:
            numbers["gather"] = self.gradient_accumulation_steps
        if self.use_ema:
            numbers["average"], numbers["average_rest"] = self.ema_momentum, 1 - self.ema_momentum
            if self.ema_overwrite_frequency:
                numbers["replace"] = self.ema_overwrite_frequency
        spared = [i for i, v in enumerate(variables) if self._is_spared(v)] if self.weight_decay is not None else ()
        update = Update(
            formula,
            choices,
            clip=clip,
            decay="weight" if self.weight_decay is not None else "",
            spared=frozenset(spared),
            unscaled="scale" in numbers,
            gathered="gather" in numbers,
            averaged=self.use_ema,
            replaced="replace" in numbers,
        )
        return update, numbers

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """With use_ema: set variables to their moving averages, as at the end of training."""
        variables = list(var_list)
        if self.use_ema:
            averages = [self._slots[self._place[id(v)]][len(self.slot_names)] for v in variables]
            assign_all(variables, [average.leaf for average in averages])

    # -- to and from other forms ------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an optimizer like this one; `from_config` takes them."""
        names = (
            *("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum"),
            *("ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps"),
        )
        rate = self._rate
        if isinstance(rate, LearningRateSchedule):
            rate = serialize(rate)
        elif isinstance(rate, Variable):
            rate = float(rate.numpy())
        return {"name": self.name, "learning_rate": rate, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """An optimizer made of what `get_config` returned, without steps behind it."""
        given = dict(config)
        if isinstance(given.get("learning_rate"), dict):
            given["learning_rate"] = deserialize(given["learning_rate"])
        return cls(**given)

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Set `variables`, all in their order. Build the optimizer first. Raises ArgumentError for another number."""
        variables = self.variables
        if len(weights) != len(variables):
            raise ArgumentError(f"the optimizer has {len(variables)} variables, but {len(weights)} values were given")
        assign_all(variables, weights)

    def save_own_variables(self, store: Any) -> None:
        """Put the values of `variables` into a dict, by their numbers as text."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, TensorLike]) -> None:
        """Set `variables` to what `save_own_variables` put into a dict."""
        self.set_weights([store[str(i)] for i in range(len(store))])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_place": {}, "_ready": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._place = {id(variable): i for i, variable in enumerate(self._trainable)}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {int(self._count.numpy())} steps>"
