"""Optimisers in NumPy's float64, written from the formulas of their documentation, one class for each spelling."""

import numpy as np


class SGD:
    def __init__(self, lr, momentum=0.0, nesterov=False):
        self.lr, self.momentum, self.nesterov, self.v = lr, momentum, nesterov, 0.0

    def step(self, w, g):
        self.v = self.momentum * self.v - self.lr * g
        return w + self.momentum * self.v - self.lr * g if self.nesterov else w + self.v


class TorchSGD:
    def __init__(self, lr, momentum=0.0, dampening=0.0, nesterov=False):
        self.lr, self.momentum, self.dampening, self.nesterov, self.b = lr, momentum, dampening, nesterov, None

    def step(self, w, g):
        self.b = g if self.b is None else self.momentum * self.b + (1 - self.dampening) * g
        return w - self.lr * (g + self.momentum * self.b if self.nesterov else self.b)


class Adam:
    """Keras adds epsilon to the root of what is not corrected yet, PyTorch to that of what is."""

    def __init__(self, lr, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, corrected=False):
        self.lr, self.beta_1, self.beta_2, self.epsilon = lr, beta_1, beta_2, epsilon
        self.amsgrad, self.corrected, self.t, self.m, self.v, self.top = amsgrad, corrected, 0, 0.0, 0.0, 0.0

    def step(self, w, g):
        self.t += 1
        self.m = self.beta_1 * self.m + (1 - self.beta_1) * g
        self.v = self.beta_2 * self.v + (1 - self.beta_2) * g**2
        self.top = np.maximum(self.top, self.v)
        v = self.top if self.amsgrad else self.v
        first, second = 1 - self.beta_1**self.t, 1 - self.beta_2**self.t
        if self.corrected:
            return w - self.lr * (self.m / first) / (np.sqrt(v / second) + self.epsilon)
        return w - self.lr * np.sqrt(second) / first * self.m / (np.sqrt(v) + self.epsilon)


class RMSprop:
    """Keras has epsilon under the root and the learning rate in the momentum, PyTorch behind the root and outside."""

    def __init__(self, lr, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, inside=True, start=0.0):
        self.lr, self.rho, self.momentum, self.epsilon = lr, rho, momentum, epsilon
        self.centered, self.inside, self.v, self.a, self.b = centered, inside, start, 0.0, 0.0

    def step(self, w, g):
        self.v = self.rho * self.v + (1 - self.rho) * g**2
        self.a = self.rho * self.a + (1 - self.rho) * g
        variance = self.v - self.a**2 if self.centered else self.v
        root = np.sqrt(variance + self.epsilon) if self.inside else np.sqrt(variance) + self.epsilon
        if self.inside:
            self.b = self.momentum * self.b + self.lr * g / root
            return w - self.b
        self.b = self.momentum * self.b + g / root
        return w - self.lr * self.b


class Adagrad:
    def __init__(self, lr, start=0.1, epsilon=1e-7, inside=True, decay=0.0):
        self.lr, self.a, self.epsilon, self.inside, self.decay, self.t = lr, start, epsilon, inside, decay, 0

    def step(self, w, g):
        self.a = self.a + g**2
        rate = self.lr / (1 + self.t * self.decay)
        self.t += 1
        return w - rate * g / (np.sqrt(self.a + self.epsilon) if self.inside else np.sqrt(self.a) + self.epsilon)
