"""The cases in NumPy, with derivatives worked out by hand: what the tutorials do without a framework."""

import numpy as np


def sigmoid(size):
    x = np.linspace(-10, 10, size, dtype=np.float32)

    def work():
        y = 1 / (1 + np.exp(-x))
        return [y, y * (1 - y)]

    return work


def sine(size):
    x = np.linspace(-6, 6, size, dtype=np.float32)

    def work():
        return [np.sin(x) ** 2, np.sin(2 * x), 2 * np.cos(2 * x), -4 * np.sin(2 * x)]

    return work


def regression(size):
    x = np.arange(1, size + 1, dtype=np.float32)
    y = 2 * x
    w, b = np.float32(0.5), np.float32(0.1)

    def work():
        slope = 2 * (w * x + b - y) / np.float32(size)
        return [np.sum(slope * x), np.sum(slope)]

    return work


CASES = {"regression": regression, "sigmoid": sigmoid, "sine": sine}
