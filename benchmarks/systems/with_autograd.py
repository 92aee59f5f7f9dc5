"""The cases in autograd."""

import autograd.numpy as np
from autograd import elementwise_grad, grad, hessian_vector_product, jacobian, value_and_grad
from autograd.core import make_vjp
from autograd.scipy.special import logsumexp

import inputs


class System:
    def __init__(self, mode):
        pass

    def power(self):
        derivative, x = grad(lambda x: x**4), np.float32(3)
        return lambda: [derivative(x)]

    def second(self):
        derivative, x = grad(grad(lambda x: x**3)), np.float32(3)
        return lambda: [derivative(x)]

    def regression(self, size):
        def loss(w, b, x, y):
            return np.mean(np.square(w * x + b - y))

        derivative, arguments = grad(loss, argnum=(0, 1)), inputs.line(size)
        return lambda: derivative(*arguments)

    def sigmoid(self, size):
        x = inputs.points(size, 10)
        ones = np.ones_like(x)

        def work():
            pull_back, y = make_vjp(lambda x: 1 / (1 + np.exp(-x)), x)
            return [y, pull_back(ones)]

        return work

    def sine(self, size):
        def value(x):
            return np.sin(x) ** 2

        first = elementwise_grad(value)
        second = elementwise_grad(first)
        third = elementwise_grad(second)
        x = inputs.points(size, 6)
        return lambda: [value(x), first(x), second(x), third(x)]

    def wave(self, size):
        x = inputs.points(size, 3)
        return lambda: [np.tanh(np.sin(x) * np.exp(-x * x))]

    def seventh(self, size):
        return self.nested(size)

    def nested(self, size):
        def derivative(x):
            return np.tanh(np.sin(x) * np.exp(-x * x))

        for _ in range(7):
            derivative = elementwise_grad(derivative)
        x = inputs.points(size, 3)
        return lambda: [derivative(x)]

    def jacobian(self, size):
        matrix, x = inputs.layer(size)
        derivatives = jacobian(lambda x: np.tanh(matrix @ x))
        return lambda: [derivatives(x)]

    def hessian_vector(self, size):
        def rosenbrock(x):
            return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

        product, (x, v) = hessian_vector_product(rosenbrock), inputs.valley(size)
        return lambda: [product(x, v)]

    def linear_training(self, rows, columns):
        return self._training(lambda z, y: np.mean(np.square(z - y)), inputs.LINEAR_RATE, rows, columns, classes=False)

    def logistic_training(self, rows, columns):
        return self._training(
            lambda z, y: np.mean(np.logaddexp(np.float32(0), z) - y * z),
            inputs.LOGISTIC_RATE,
            rows,
            columns,
            classes=True,
        )

    def _training(self, loss_of, rate, rows, columns, *, classes):
        x, y = inputs.table(rows, columns, classes=classes)
        slopes = grad(lambda w, b: loss_of(np.dot(x, w) + b, y), argnum=(0, 1))

        def work():
            w, b = np.zeros(columns, np.float32), np.float32(0)
            for _ in range(inputs.STEPS):
                dw, db = slopes(w, b)
                w, b = w - rate * dw, b - rate * db
            return [w, b]

        return work

    def perceptron(self, *lengths):
        data = inputs.digits(*lengths)
        weights, rows = data.weights, np.arange(lengths[0])

        def loss_of(weights):
            w1, b1, w2, b2 = weights
            logits = np.dot(np.maximum(np.dot(data.images, w1) + b1, np.float32(0)), w2) + b2
            return np.mean(logsumexp(logits, axis=1) - logits[rows, data.labels])

        step = value_and_grad(loss_of)

        def work():
            nonlocal weights
            loss, slopes = step(weights)
            weights = tuple(w - inputs.PERCEPTRON_RATE * slope for w, slope in zip(weights, slopes, strict=True))
            return [loss]

        return work

    def mixture(self, n, d, k):
        data = inputs.mixture(n, d, k)

        def objective(parameters):
            alphas, means, logs, lowers = parameters
            diagonal = np.exp(logs)
            lower = lowers * data.below
            q = lower + diagonal[:, :, None] * data.identity
            centre = np.sum(q * means[:, None, :], 2).reshape(k * d)
            distance = np.sum(np.square(np.dot(data.x, q.reshape(k * d, d).T) - centre).reshape(n, k, d), 2)
            total = np.sum(logs, 1)
            likely = np.sum(logsumexp(alphas + total - 0.5 * distance, axis=1))
            spread = np.sum(np.square(diagonal)) + np.sum(np.square(lower))
            prior = 0.5 * inputs.WISHART_GAMMA**2 * spread - inputs.WISHART_M * np.sum(total)
            return likely - n * logsumexp(alphas) + prior + data.constant

        step = value_and_grad(objective)

        def work():
            value, slopes = step(data.parameters)
            return [value, *slopes]

        return work
