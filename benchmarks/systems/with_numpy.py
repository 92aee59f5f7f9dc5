"""The cases in NumPy, with derivatives worked out by hand: what is possible without differentiating anything."""

import numpy as np

import inputs
from systems import LeftOut


def softmax_and_log(x):
    """softmax and logsumexp over the last axis."""
    top = x.max(-1, keepdims=True)
    weights = np.exp(x - top)
    total = weights.sum(-1, keepdims=True)
    return weights / total, (np.log(total) + top)[..., 0]


class System:
    def __init__(self, mode):
        pass

    def power(self):
        raise LeftOut("by hand there is nothing to do: 4 x³")

    def second(self):
        raise LeftOut("by hand there is nothing to do: 6 x")

    def wave(self, size):
        x = inputs.points(size, 3)
        return lambda: [np.tanh(np.sin(x) * np.exp(-x * x))]

    def seventh(self, size):
        raise LeftOut("nobody works this out by hand")

    def regression(self, size):
        w, b, x, y = inputs.line(size)

        def work():
            slope = 2 * (w * x + b - y) / np.float32(size)
            return [np.sum(slope * x), np.sum(slope)]

        return work

    def sigmoid(self, size):
        x = inputs.points(size, 10)

        def work():
            y = 1 / (1 + np.exp(-x))
            return [y, y * (1 - y)]

        return work

    def sine(self, size):
        x = inputs.points(size, 6)

        def work():
            d1 = np.sin(2 * x)
            return [np.sin(x) ** 2, d1, 2 * np.cos(2 * x), -4 * d1]

        return work

    def linear_training(self, rows, columns):
        return self._training(lambda z, y: 2 * (z - y), inputs.LINEAR_RATE, rows, columns, classes=False)

    def logistic_training(self, rows, columns):
        return self._training(lambda z, y: 1 / (1 + np.exp(-z)) - y, inputs.LOGISTIC_RATE, rows, columns, classes=True)

    def _training(self, slope_of, rate, rows, columns, *, classes):
        x, y = inputs.table(rows, columns, classes=classes)

        def work():
            w, b = np.zeros(columns, np.float32), np.float32(0)
            for _ in range(inputs.STEPS):
                slope = slope_of(x @ w + b, y)
                w, b = w - np.float32(rate) * (slope @ x / rows), b - np.float32(rate) * np.mean(slope)
            return [w, b]

        return work

    def perceptron(self, *lengths):
        data = inputs.digits(*lengths)
        w1, b1, w2, b2 = weights = [weight.copy() for weight in data.weights]
        rows = np.arange(lengths[0])

        def work():
            hidden = np.maximum(data.images @ w1 + b1, 0)
            logits = hidden @ w2 + b2
            slope, total = softmax_and_log(logits)
            loss = np.mean(total - logits[rows, data.labels])
            slope[rows, data.labels] -= 1
            slope /= len(rows)
            back = (slope @ w2.T) * (hidden > 0)
            slopes = data.images.T @ back, back.sum(0), hidden.T @ slope, slope.sum(0)
            for weight, change in zip(weights, slopes, strict=True):
                np.subtract(weight, inputs.PERCEPTRON_RATE * change, out=weight)
            return [loss]

        return work

    def mixture(self, n, d, k):
        (alphas, means, logs, lowers), x, below, identity, constant = inputs.mixture(n, d, k)
        gamma, m = inputs.WISHART_GAMMA**2, inputs.WISHART_M

        def work():
            diagonal, lower, total = np.exp(logs), lowers * below, logs.sum(1)
            q = lower + diagonal[:, :, None] * identity
            moved = (x @ q.reshape(k * d, d).T).reshape(n, k, d)
            moved -= np.einsum("kij,kj->ki", q, means)
            share, likely = softmax_and_log(alphas + total - 0.5 * np.einsum("nki,nki->nk", moved, moved))
            weights, normal = softmax_and_log(alphas)
            spread = np.sum(diagonal**2) + np.sum(lower**2)
            value = likely.sum() - n * normal + 0.5 * gamma * spread - m * total.sum() + constant
            shares = share.sum(0)
            moved *= -share[:, :, None]
            pull = moved.sum(0)
            dq = (moved.reshape(n, k * d).T @ x).reshape(k, d, d) - pull[:, :, None] * means[:, None, :]
            dlogs = np.einsum("kii->ki", dq) * diagonal + shares[:, None] + gamma * diagonal**2 - m
            dmeans = -np.einsum("kij,ki->kj", q, pull)
            return [value, shares - n * weights, dmeans, dlogs, (dq + gamma * lower) * below]

        return work
