"""The cases in PyTorch, eager, as its users write them."""

import torch
from torch.autograd import grad


def power(size):
    x = torch.tensor(3.0, requires_grad=True)

    def work():
        return [grad(x**4, x)[0].numpy()]

    return work


def second(size):
    x = torch.tensor(3.0, requires_grad=True)

    def work():
        (first,) = grad(x**3, x, create_graph=True)
        return [grad(first, x)[0].numpy()]

    return work


def regression(size):
    w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(0.1, requires_grad=True)
    x = torch.arange(1, size + 1, dtype=torch.float32)
    y = 2 * x

    def work():
        loss = torch.mean(torch.square(w * x + b - y))
        return [g.numpy() for g in grad(loss, [w, b])]

    return work


def sigmoid(size):
    x = torch.linspace(-10, 10, size, requires_grad=True)
    ones = torch.ones(size)

    def work():
        y = torch.sigmoid(x)
        return [y.detach().numpy(), grad(y, x, ones)[0].numpy()]

    return work


def sine(size):
    x = torch.linspace(-6, 6, size, requires_grad=True)
    ones = torch.ones(size)

    def work():
        y = torch.sin(x) ** 2
        (d1,) = grad(y, x, ones, create_graph=True)
        (d2,) = grad(d1, x, ones, create_graph=True)
        (d3,) = grad(d2, x, ones)
        return [v.detach().numpy() for v in (y, d1, d2, d3)]

    return work


CASES = {"power": power, "second": second, "regression": regression, "sigmoid": sigmoid, "sine": sine}
