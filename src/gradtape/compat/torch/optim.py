"""``torch.optim``: PyTorch's names, arguments and defaults for the formulas of `gradtape.optimizers.update`.

>>> import gradtape, gradtape.compat.torch as torch
>>> w = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
>>> optimizer = torch.optim.SGD([w], lr=0.25)
>>> with gradtape.GradientTape() as tape:
...     loss = (w**2).sum()
>>> w.grad = tape.gradient(loss, w)
>>> optimizer.step()
>>> w
Parameter containing:
tensor([0.5000, 1.0000])

A step is one pass for all parameters. Epsilon stands where PyTorch has it, and weight decay goes through the gradient,
but for AdamW. Numbers in `param_groups` can be changed between steps; a traced function keeps those that it was traced
with, unless they are Variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from gradtape.compat.torch.nn.parameter import Parameter
from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import float64, int64
from gradtape.graph.handles import Handle, as_node
from gradtape.graph.node import Node, scalar
from gradtape.ops.declare import convert
from gradtape.optimizers import update
from gradtape.optimizers.methods import beta_numbers
from gradtape.optimizers.step import change
from gradtape.optimizers.update import Update
from gradtape.variable import Variable, assign_all

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop"]

Group = dict[str, Any]


class Optimizer:
    """Parameters in groups, each with numbers of its own, and what is kept for each from step to step.

    params      Parameters, or dicts with "params" and numbers that differ from the defaults
    defaults    the numbers of the method

    Raises ArgumentError for an empty list, what is no Parameter, a negative number, or a parameter given twice.
    """

    positive: ClassVar[tuple[str, ...]] = ("lr", "weight_decay", "eps", "momentum", "lr_decay")

    def __init__(self, params: Iterable[Any], defaults: Mapping[str, Any]):
        self.defaults = dict(defaults)
        self.param_groups: list[Group] = []
        self.state: dict[Parameter, dict[str, Variable]] = {}
        given: list[Any] = [params] if isinstance(params, Parameter) else list(params)
        if not given:
            raise ArgumentError("an optimizer needs parameters, but the list is empty")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters, with numbers of their own."""
        own = param_group["params"]
        group = {**self.defaults, **param_group, "params": [own] if isinstance(own, Parameter) else list(own)}
        known = [p for before in self.param_groups for p in before["params"]]
        for p in group["params"]:
            if not isinstance(p, Parameter):
                raise ArgumentError(f"an optimizer changes Parameters, but a {type(p).__name__} was given")
            if any(p is other for other in known):
                raise ArgumentError("a parameter is given twice")
            known.append(p)
        for name in self.positive:
            if name in group and not isinstance(group[name], Handle) and not group[name] >= 0:
                raise ArgumentError(f"{name} must not be negative, but {group[name]!r} was given")
        for beta in group.get("betas", ()):
            if not 0 <= beta < 1:
                raise ArgumentError(f"betas are from 0 to below 1, but {group['betas']!r} were given")
        self.param_groups.append(group)

    # -- what a method says -----------------------------------------------------------------------------------

    def _formula(self, group: Group) -> tuple[Callable[..., list[Node]], tuple[bool, ...]]:
        raise NotImplementedError(f"{type(self).__name__} does not say its formula")

    def _numbers(self, group: Group) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} does not say its numbers")

    def _slots(self, group: Group) -> dict[str, float]:
        """The names of what is kept, and what it starts from."""
        return {}

    def _decay(self, group: Group) -> str:
        return "gradient" if group["weight_decay"] else ""

    # -- steps ------------------------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: None, or zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad = None if set_to_none else np.zeros(p.shape, p.dtype.dtype)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change each parameter that has a gradient. `closure` computes the loss and sets gradients; it is called
        first, and its result returned."""
        loss = closure() if closure is not None else None
        targets: list[Variable] = []
        made: list[Node] = []
        for group in self.param_groups:
            names = tuple(self._slots(group))
            how = Update(
                *self._formula(group),
                decay=self._decay(group),
                opposite=bool(group["maximize"]),
            )
            numbers = {"rate": group["lr"], **self._numbers(group)}
            if how.decay:
                numbers["decay"] = group["weight_decay"]
            known = [_number(value) for value in numbers.values()]
            for count, params, gradients in self._together(group):
                kept = [[self.state[p][name] for name in names] for p in params]
                made += change(how, params, gradients, kept, tuple(numbers), known, count)
                targets += [one for p, own in zip(params, kept, strict=True) for one in (p, *own)]
                targets.append(count)
        assign_all(targets, made)
        return loss

    def _together(self, group: Group) -> list[tuple[Variable, list[Parameter], list[Node]]]:
        """The parameters that have gradients, and these; those that were changed equally often share the count of
        that."""
        found: dict[int, tuple[Variable, list[Parameter], list[Node]]] = {}
        fresh: Variable | None = None
        for p in group["params"]:
            gradient = p.grad
            if gradient is None:
                continue
            if p not in self.state:
                fresh = fresh or Variable(0, trainable=False, name="step", dtype=int64)
                self.state[p] = {"step": fresh, **self._first(p, group)}
            count = self.state[p]["step"]
            _, params, gradients = found.setdefault(id(count), (count, [], []))
            params.append(p)
            gradients.append(gradient.node)
        for key, (count, params, gradients) in list(found.items()):
            if any(kept["step"] is count and p.grad is None for p, kept in self.state.items()):  # they stay behind
                apart = Variable(count, trainable=False, name="step", dtype=int64)
                for p in params:
                    self.state[p]["step"] = apart
                found[key] = (apart, params, gradients)
        return list(found.values())

    def _first(self, p: Parameter, group: Group) -> dict[str, Variable]:
        return {
            name: Variable(np.full(p.shape, start, p.dtype.dtype), trainable=False, name=name, dtype=p.dtype)
            for name, start in self._slots(group).items()
        }

    # -- to and from other forms ------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """What is kept, as arrays, and the numbers of the groups; parameters are told by their places."""
        params = [p for group in self.param_groups for p in group["params"]]
        places = {p: i for i, p in enumerate(params)}
        return {
            "state": {places[p]: {name: one.numpy() for name, one in kept.items()} for p, kept in self.state.items()},
            "param_groups": [{**group, "params": [places[p] for p in group["params"]]} for group in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned. Raises ArgumentError if the groups do not belong together."""
        lengths = [len(group["params"]) for group in self.param_groups]
        if lengths != [len(group["params"]) for group in state_dict["param_groups"]]:
            raise ArgumentError(f"the groups have {lengths} parameters, which are not those of the state")
        self.state = {}
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update({name: value for name, value in saved.items() if name != "params"})
            counts: dict[int, Variable] = {}
            for p, place in zip(group["params"], saved["params"], strict=True):
                kept = state_dict["state"].get(place)
                if kept is None:
                    continue
                step = int(kept["step"])
                if step not in counts:
                    counts[step] = Variable(step, trainable=False, name="step", dtype=int64)
                self.state[p] = {"step": counts[step], **self._first(p, group)}
                assign_all(
                    [one for name, one in self.state[p].items() if name != "step"],
                    [kept[name] for name in self.state[p] if name != "step"],
                )

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _number(value: Any) -> Node:
    return convert(as_node(value), float64) if isinstance(value, Handle) else scalar(float(value), float64)


class SGD(Optimizer):
    """Gradient descent; with momentum by a sum of gradients: b ← momentum·b + (1 - dampening)·g, w ← w - lr·b.

    `foreach`, `differentiable` and `fused` are taken for PyTorch's sake.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ArgumentError("Nesterov's momentum needs a momentum and no dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def _formula(self, group: Group) -> tuple:
        if not group["momentum"]:
            return update.sgd, (False,)
        return update.heavy_ball, (bool(group["nesterov"]), bool(group["dampening"]))

    def _numbers(self, group: Group) -> dict[str, Any]:
        if not group["momentum"]:
            return {}
        return {"momentum": group["momentum"], "dampening_rest": 1 - group["dampening"]}

    def _slots(self, group: Group) -> dict[str, float]:
        return {"momentum_buffer": 0.0} if group["momentum"] else {}


class Adam(Optimizer):
    """Adam; ε is added to the root of the corrected mean square. With `decoupled_weight_decay` it is AdamW.

    `foreach`, `capturable`, `differentiable` and `fused` are taken for PyTorch's sake.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def _formula(self, group: Group) -> tuple:
        return update.adam, (bool(group["amsgrad"]), True)

    def _numbers(self, group: Group) -> dict[str, Any]:
        return {**beta_numbers(*group["betas"]), "epsilon": group["eps"]}

    def _slots(self, group: Group) -> dict[str, float]:
        return dict.fromkeys(("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 2 + bool(group["amsgrad"])], 0.0)

    def _decay(self, group: Group) -> str:
        return "weight" if group["weight_decay"] and group["decoupled_weight_decay"] else super()._decay(group)


class AdamW(Adam):
    """Adam with a decay of the parameters beside the gradients: w ← w - lr·weight_decay·w."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)


class RMSprop(Optimizer):
    """The gradient over the root of its mean square, or if `centered` of its variance; ε is added to the root.

    `foreach`, `capturable` and `differentiable` are taken for PyTorch's sake.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def _formula(self, group: Group) -> tuple:
        return update.rmsprop, (bool(group["momentum"]), bool(group["centered"]), False, False)

    def _numbers(self, group: Group) -> dict[str, Any]:
        alpha = group["alpha"]
        return {"rho": alpha, "rho_rest": 1 - alpha, "epsilon": group["eps"], "momentum": group["momentum"]}

    def _slots(self, group: Group) -> dict[str, float]:
        names = ["square_avg", *["momentum_buffer"] * bool(group["momentum"]), *["grad_avg"] * bool(group["centered"])]
        return dict.fromkeys(names, 0.0)


class Adagrad(Optimizer):
    """The gradient over the root of the sum of its squares; the rate is lr / (1 + lr_decay·(step - 1)).

    `foreach`, `differentiable` and `fused` are taken for PyTorch's sake.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "maximize": maximize,
            },
        )

    def _formula(self, group: Group) -> tuple:
        return update.adagrad, (False, bool(group["lr_decay"]))

    def _numbers(self, group: Group) -> dict[str, Any]:
        return {"epsilon": group["eps"], **({"slowing": group["lr_decay"]} if group["lr_decay"] else {})}

    def _slots(self, group: Group) -> dict[str, float]:
        return {"sum": group["initial_accumulator_value"]}
