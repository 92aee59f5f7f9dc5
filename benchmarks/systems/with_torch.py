"""The cases in PyTorch: eagerly, and compiled by `torch.compile` with the derivatives inside what is compiled.

PyTorch computes on the processor before it returns, so its tensors are results.
"""

import torch
import torch.nn.functional as F
from torch.autograd import grad

import inputs
from systems import LeftOut


def _rosenbrock(x):
    return torch.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


class System:
    def __init__(self, mode):
        self.compiled = mode == "compile"
        if self.compiled:
            torch._dynamo.config.trace_autograd_ops = True  # derivatives may be taken inside what is compiled

    def _work(self, function, *arguments):
        function = self._wrap(function)
        return lambda: function(*arguments)

    def _wrap(self, function):
        if not self.compiled:
            return function
        torch._dynamo.reset()  # a size of its own for each case, instead of one code for all sizes
        return torch.compile(function, dynamic=False, fullgraph=True)

    def _input(self, array):
        """What is differentiated by: prepared once if eager; what is compiled makes it from the data."""
        return torch.tensor(array, requires_grad=not self.compiled)

    def _watched(self, x):
        return x.detach().requires_grad_(True) if self.compiled else x

    def power(self):
        def slope(x):
            x = self._watched(x)
            return grad(x**4, x)

        return self._work(slope, self._input(3.0))

    def second(self):
        def curvature(x):
            x = self._watched(x)
            (first,) = grad(x**3, x, create_graph=True)
            return grad(first, x)

        return self._work(curvature, self._input(3.0))

    def regression(self, size):
        def slopes(w, b, x, y):
            w, b = self._watched(w), self._watched(b)
            return grad(torch.mean(torch.square(w * x + b - y)), [w, b])

        w, b, x, y = inputs.line(size)
        return self._work(slopes, self._input(w), self._input(b), torch.tensor(x), torch.tensor(y))

    def sigmoid(self, size):
        def value_and_slope(x, ones):
            x = self._watched(x)
            y = torch.sigmoid(x)
            return y.detach(), *grad(y, x, ones)

        return self._work(value_and_slope, self._input(inputs.points(size, 10)), torch.ones(size))

    def sine(self, size):
        def value_and_derivatives(x, ones):
            x = self._watched(x)
            y = torch.sin(x) ** 2
            (d1,) = grad(y, x, ones, create_graph=True)
            (d2,) = grad(d1, x, ones, create_graph=True)
            (d3,) = grad(d2, x, ones)
            return y.detach(), d1.detach(), d2.detach(), d3

        return self._work(value_and_derivatives, self._input(inputs.points(size, 6)), torch.ones(size))

    def wave(self, size):
        return self._work(lambda x: [torch.tanh(torch.sin(x) * torch.exp(-x * x))], self._input(inputs.points(size, 3)))

    def seventh(self, size):
        return self.nested(size)

    def nested(self, size):
        if self.compiled:
            raise LeftOut("compiling seven nested derivatives takes minutes")

        def derivative(x, ones):
            x = self._watched(x)
            y = torch.tanh(torch.sin(x) * torch.exp(-x * x))
            for order in range(1, 8):
                (y,) = grad(y, x, ones, create_graph=order < 7)
            return (y,)

        return self._work(derivative, self._input(inputs.points(size, 3)), torch.ones(size))

    def jacobian(self, size):
        matrix, x = map(torch.tensor, inputs.layer(size))
        derivatives = torch.func.jacrev(lambda x, matrix: torch.tanh(matrix @ x))
        return self._work(lambda x, matrix: [derivatives(x, matrix)], x, matrix)

    def dense_hessian(self, size):
        derivatives = torch.func.hessian(_rosenbrock)
        return self._work(lambda x: [derivatives(x)], torch.tensor(inputs.valley(size)[0]))

    def sparse_hessian(self, size):
        def elements(x, seeds, passes, rows):
            products = torch.vmap(lambda seed: torch.func.jvp(torch.func.grad(_rosenbrock), (x,), (seed,))[1])(seeds)
            return [products[passes, rows]]

        return self._work(elements, *map(torch.tensor, (inputs.valley(size)[0], *inputs.tridiagonal(size))))

    def hessian_vector(self, size):
        def product(x, v):
            x = self._watched(x)
            (slope,) = grad(_rosenbrock(x), x, create_graph=True)
            return grad(slope, x, v)

        def by_transforms(x, v):
            return [torch.func.jvp(torch.func.grad(_rosenbrock), (x,), (v,))[1]]

        x, v = inputs.valley(size)
        if self.compiled:  # each the faster one
            return self._work(by_transforms, torch.tensor(x), torch.tensor(v))
        return self._work(product, self._input(x), torch.tensor(v))

    def linear_training(self, rows, columns):
        return self._training(
            lambda z, y: torch.mean(torch.square(z - y)), inputs.LINEAR_RATE, rows, columns, classes=False
        )

    def logistic_training(self, rows, columns):
        return self._training(
            lambda z, y: torch.mean(F.softplus(z) - y * z), inputs.LOGISTIC_RATE, rows, columns, classes=True
        )

    def _training(self, loss_of, rate, rows, columns, *, classes):
        x, y = map(torch.tensor, inputs.table(rows, columns, classes=classes))
        w, b = torch.zeros(columns), torch.tensor(0.0)

        def step(w, b, x, y):
            w, b = w.detach().requires_grad_(True), b.detach().requires_grad_(True)
            dw, db = grad(loss_of(x @ w + b, y), [w, b])
            return (w - rate * dw).detach(), (b - rate * db).detach()

        step = self._wrap(step)

        def work():
            state = w, b
            for _ in range(inputs.STEPS):
                state = step(*state, x, y)
            return state

        return work

    def perceptron(self, *lengths):
        data = inputs.digits(*lengths)
        weights = [torch.tensor(weight, requires_grad=not self.compiled) for weight in data.weights]

        def step(weights, images, labels):
            watched = w1, b1, w2, b2 = [self._watched(weight) for weight in weights]
            hidden = torch.relu(images @ w1 + b1)
            loss = F.cross_entropy(hidden @ w2 + b2, labels)
            slopes = grad(loss, watched)
            with torch.no_grad():
                for weight, slope in zip(weights, slopes, strict=True):
                    weight.sub_(slope, alpha=inputs.PERCEPTRON_RATE)
            return (loss.detach(),)

        return self._work(step, weights, torch.tensor(data.images), torch.tensor(data.labels))

    def mixture(self, n, d, k):
        data = inputs.mixture(n, d, k)
        below, identity = torch.tensor(data.below), torch.tensor(data.identity)

        def value_and_slopes(*arguments):
            *parameters, x = arguments
            alphas, means, logs, lowers = parameters = [self._watched(parameter) for parameter in parameters]
            diagonal = torch.exp(logs)
            lower = lowers * below
            q = lower + diagonal[:, :, None] * identity
            centre = torch.sum(q * means[:, None, :], 2).reshape(k * d)
            distance = torch.sum(torch.square(x @ q.reshape(k * d, d).T - centre).reshape(n, k, d), 2)
            total = torch.sum(logs, 1)
            likely = torch.sum(torch.logsumexp(alphas + total - 0.5 * distance, 1))
            spread = torch.sum(torch.square(diagonal)) + torch.sum(torch.square(lower))
            prior = 0.5 * inputs.WISHART_GAMMA**2 * spread - inputs.WISHART_M * torch.sum(total)
            value = likely - n * torch.logsumexp(alphas, 0) + prior + data.constant
            return value.detach(), *grad(value, parameters)

        return self._work(value_and_slopes, *map(self._input, data.parameters), torch.tensor(data.x))
