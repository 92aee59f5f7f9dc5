"""``torch.optim``: against the formulas of PyTorch's documentation in float64, bounds as in tests/optimizers."""

import copy
import pickle

import numpy as np
import pytest

import gradtape as tf
import gradtape.compat.torch as torch
from gradtape.errors import ArgumentError, ShapeError

STEPS, RATE = 50, 0.1
U = 2.0**-53


class Adam:
    def __init__(self, lr, b1, b2, eps, amsgrad=False):
        self.lr, self.b1, self.b2, self.eps, self.amsgrad, self.t = lr, b1, b2, eps, amsgrad, 0
        self.m = self.v = self.top = 0.0

    def __call__(self, w, g):
        self.t += 1
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g**2
        self.top = np.maximum(self.top, self.v)
        spread = (self.top if self.amsgrad else self.v) / (1 - self.b2**self.t)
        return w - self.lr * self.m / (1 - self.b1**self.t) / (np.sqrt(spread) + self.eps)


class SGD:
    def __init__(self, momentum=0.0, dampening=0.0, nesterov=False):
        self.momentum, self.dampening, self.nesterov, self.b = momentum, dampening, nesterov, None

    def __call__(self, w, g):
        self.b = g if self.b is None else self.momentum * self.b + (1 - self.dampening) * g
        return w - RATE * (g + self.momentum * self.b if self.nesterov else self.b)


class RMSprop:
    def __init__(self, alpha, eps, momentum=0.0, centered=False):
        self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered
        self.v = self.a = self.b = 0.0

    def __call__(self, w, g):
        self.v = self.alpha * self.v + (1 - self.alpha) * g**2
        self.a = self.alpha * self.a + (1 - self.alpha) * g
        root = np.sqrt(self.v - self.a**2 if self.centered else self.v) + self.eps
        self.b = self.momentum * self.b + g / root
        return w - RATE * self.b


class Adagrad:
    def __init__(self, lr_decay=0.0, start=0.0, eps=1e-10):
        self.lr_decay, self.total, self.eps, self.t = lr_decay, start, eps, 0

    def __call__(self, w, g):
        self.total = self.total + g**2
        rate = RATE / (1 + self.t * self.lr_decay)
        self.t += 1
        return w - rate * g / (np.sqrt(self.total) + self.eps)


def plain(w, g):
    return w, g


def through_the_gradient(w, g):
    return w, g + 0.25 * w


def beside(w, g):
    return w * (1 - RATE * 0.25), g


CASES = [
    ("SGD", {}, SGD, (), plain),
    ("SGD", {"momentum": 0.75}, SGD, (0.75,), plain),
    ("SGD", {"momentum": 0.75, "nesterov": True}, SGD, (0.75, 0.0, True), plain),
    ("SGD", {"momentum": 0.75, "dampening": 0.5}, SGD, (0.75, 0.5), plain),
    ("SGD", {"momentum": 0.75, "weight_decay": 0.25}, SGD, (0.75,), through_the_gradient),
    ("SGD", {"maximize": True}, SGD, (), lambda w, g: (w, -g)),
    ("Adam", {}, Adam, (RATE, 0.9, 0.999, 1e-8), plain),
    ("Adam", {"betas": (0.5, 0.75), "eps": 0.25}, Adam, (RATE, 0.5, 0.75, 0.25), plain),
    ("Adam", {"amsgrad": True}, Adam, (RATE, 0.9, 0.999, 1e-8, True), plain),
    ("Adam", {"weight_decay": 0.25}, Adam, (RATE, 0.9, 0.999, 1e-8), through_the_gradient),
    ("AdamW", {"weight_decay": 0.25}, Adam, (RATE, 0.9, 0.999, 1e-8), beside),
    ("RMSprop", {}, RMSprop, (0.99, 1e-8), plain),
    ("RMSprop", {"momentum": 0.5, "alpha": 0.75}, RMSprop, (0.75, 1e-8, 0.5), plain),
    ("RMSprop", {"centered": True, "eps": 0.25}, RMSprop, (0.99, 0.25, 0.0, True), plain),
    ("Adagrad", {}, Adagrad, (), plain),
    ("Adagrad", {"lr_decay": 0.5, "initial_accumulator_value": 2.0}, Adagrad, (0.5, 2.0), plain),
]
each = pytest.mark.parametrize(
    ("name", "given", "formula", "numbers", "change"), CASES, ids=[f"{n}-{'-'.join(g)}" for n, g, *_ in CASES]
)


def gradients():
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((3, 4)), rng.standard_normal(5)) for _ in range(STEPS)]


def starts():
    rng = np.random.default_rng(1)
    return rng.standard_normal((3, 4)), rng.standard_normal(5)


def trained(module, kind, **given):
    params = [module.nn.Parameter(module.tensor(start)) for start in starts()]
    optimizer = getattr(module.optim, kind)(params, lr=RATE, **given)
    for gs in gradients():
        for p, g in zip(params, gs, strict=True):
            p.grad = module.tensor(g)
        optimizer.step()
    return [p.detach().numpy() for p in params]


@each
def test_a_method_follows_its_formula(name, given, formula, numbers, change):
    """The rounding of √v where v was made smaller by the square of a mean is larger by v over what is left of it; eps
    bounds that from below."""
    found = trained(torch, name, **given)
    for i, (w, one) in enumerate(zip(starts(), found, strict=True)):
        step, length = formula(*numbers), np.abs(w)
        for gs in gradients():
            new = step(*change(w, gs[i]))
            length, w = length + np.abs(new - w), new  # noqa: PLW2901
        assert one.dtype == "float64"
        assert (np.abs(one - w) <= STEPS * 24 * 4 * U * length).all()


@each
def test_pytorch_goes_the_same_way(name, given, formula, numbers, change):
    theirs = trained(pytest.importorskip("torch"), name, **given)
    for a, b in zip(trained(torch, name, **given), theirs, strict=True):
        assert a == pytest.approx(b, rel=1e-11, abs=1e-11)  # 1 - βᵗ has lost 1e-13 of itself there


class TestSteps:
    def make(self, value=(1.0, 2.0)):
        return torch.nn.Parameter(torch.tensor(list(value)))

    def test_gradients_of_a_tape(self):
        w = self.make()
        optimizer = torch.optim.SGD([w], lr=0.25)

        def closure():
            optimizer.zero_grad()
            with tf.GradientTape() as tape:
                loss = (w**2).sum()
            w.grad = tape.gradient(loss, w)
            return loss

        assert optimizer.step(closure).item() == 5
        assert w.tolist() == [0.5, 1.0]
        optimizer.zero_grad(set_to_none=False)
        assert w.grad.tolist() == [0, 0]
        optimizer.zero_grad()
        assert w.grad is None
        optimizer.step()
        assert w.tolist() == [0.5, 1.0]

    def test_a_step_is_one_pass_for_parameters_of_all_groups(self):
        params = [torch.nn.Parameter(torch.ones(8, 8)) for _ in range(3)]
        groups = [{"params": params[:2], "lr": 0.5}, {"params": params[2:]}]
        optimizer = torch.optim.Adam(groups, lr=0.25)
        for _ in range(3):
            for p in params:
                p.grad = torch.ones(8, 8)
            with tf.profile() as measured:
                optimizer.step()
        assert len([kernel for kernel in measured.kernels if kernel.bytes > 100]) == 1
        assert params[0].tolist() == params[1].tolist() != params[2].tolist()

    def test_who_had_no_gradient_counts_its_own_steps(self):
        a, b, alone = self.make(), self.make(), self.make()
        both, one = torch.optim.Adam([a, b], lr=0.5), torch.optim.Adam([alone], lr=0.5)
        a.grad = b.grad = alone.grad = torch.tensor([1.0, -2.0])
        both.step()
        one.step()
        b.grad = None
        both.step()
        b.grad, alone.grad = (torch.tensor([3.0, 0.5]) for _ in range(2))
        both.step()
        one.step()
        assert b.tolist() == alone.tolist()
        assert [int(both.state[p]["step"]) for p in (a, b)] == [3, 2]

    def test_in_a_function(self):
        a, b = self.make(), self.make()
        eager, inside = torch.optim.Adam([a]), torch.optim.Adam([b])

        def step(optimizer, p, g):
            p.grad = g
            optimizer.step()

        traced = tf.function(lambda g: step(inside, b, g))
        for g in ([1.0, 2.0], [3.0, -4.0]):
            step(eager, a, torch.tensor(g))
            traced(tf.constant(g))
            assert a.numpy().tobytes() == b.numpy().tobytes()

    def test_the_state_can_be_put_into_another_one(self):
        a, b = self.make(), self.make()
        one, other = torch.optim.RMSprop([a], momentum=0.5), torch.optim.RMSprop([b], lr=1.0, momentum=0.25)
        a.grad = torch.tensor([1.0, 2.0])
        one.step()
        b.data = a.data
        other.load_state_dict(pickle.loads(pickle.dumps(one.state_dict())))
        again, c = copy.deepcopy((one, a))
        for p, optimizer in ((a, one), (b, other), (c, again)):
            p.grad = torch.tensor([-1.0, 5.0])
            optimizer.step()
        assert a.tolist() == b.tolist() == c.tolist()
        assert "lr: 0.01" in repr(other)

    def test_what_cannot_be(self):
        w = self.make()
        for wrong in (
            lambda: torch.optim.SGD([]),
            lambda: torch.optim.SGD([tf.Variable(1.0)]),
            lambda: torch.optim.SGD([w, w]),
            lambda: torch.optim.SGD([w], lr=-1.0),
            lambda: torch.optim.SGD([w], nesterov=True),
            lambda: torch.optim.Adam([w], betas=(0.9, 1.0)),
            lambda: torch.nn.Parameter(torch.tensor([1])),
            lambda: torch.optim.SGD([w]).load_state_dict(torch.optim.SGD([w, self.make()]).state_dict()),
        ):
            with pytest.raises(ArgumentError):
                wrong()
        with pytest.raises(ShapeError):
            w.grad = torch.tensor([1.0])


class TestParameter:
    def test_it_computes_and_prints_as_pytorch_does(self):
        w = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        assert repr(w) == "Parameter containing:\ntensor([1., 2.])"
        assert type(w * 2) is type(w.sum()) is torch.Tensor
        assert w.requires_grad and {w: 1}[w] == 1
        again = pickle.loads(pickle.dumps(w))
        assert again.tolist() == [1, 2] and type(again) is torch.nn.Parameter
        assert not torch.nn.Parameter([1.0], requires_grad=False).requires_grad
