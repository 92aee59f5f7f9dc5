"""The numbers that all systems work on, as NumPy arrays."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

STEPS = 1000
"""Steps of the training of a regression."""

LINEAR_RATE, LOGISTIC_RATE, PERCEPTRON_RATE = 0.1, 0.5, 0.1


def points(size: int, edge: float) -> np.ndarray:
    """Points from -edge to edge."""
    return np.linspace(-edge, edge, size, dtype=np.float32)


def line(size: int) -> tuple[np.float32, np.float32, np.ndarray, np.ndarray]:
    """Slope and offset to begin with, and points of the line y = 2 x."""
    x = np.arange(1, size + 1, dtype=np.float32)
    return np.float32(0.5), np.float32(0.1), x, 2 * x


def table(rows: int, columns: int, *, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    """Features, and what a linear model says about them with some noise: a value, or the class 0 or 1."""
    random = np.random.default_rng(1)
    x = random.standard_normal((rows, columns), np.float32)
    score = x @ random.standard_normal(columns, np.float32) + 0.5 + 0.3 * random.standard_normal(rows, np.float32)
    return x, (score > 0).astype(np.float32) if classes else score


def layer(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A square matrix and a vector."""
    random = np.random.default_rng(4)
    matrix = random.standard_normal((size, size), np.float32) / np.float32(math.sqrt(size))
    return matrix, random.standard_normal(size, np.float32)


def valley(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A point near the valley of Rosenbrock's function, and a direction."""
    random = np.random.default_rng(5)
    return 1 + 0.1 * random.standard_normal(size, np.float32), random.standard_normal(size, np.float32)


def tridiagonal(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What gives a symmetric tridiagonal matrix in three products: three vectors; and, row by row, for each element
    on the three diagonals which product has it, and in which row."""
    places = np.arange(size)
    columns = places[:, None] + np.array([-1, 0, 1])
    inside = (columns >= 0) & (columns < size)
    seeds = (places % 3 == np.arange(3)[:, None]).astype(np.float32)
    return seeds, columns[inside] % 3, np.broadcast_to(places[:, None], columns.shape)[inside]


class Digits(NamedTuple):
    """A batch for a perceptron with one hidden layer, and its weights to begin with."""

    images: np.ndarray
    labels: np.ndarray
    weights: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def digits(batch: int, pixels: int, hidden: int, classes: int) -> Digits:
    random = np.random.default_rng(2)
    images = random.random((batch, pixels), np.float32)
    labels = random.integers(0, classes, batch)
    first = random.standard_normal((pixels, hidden), np.float32) * np.float32(math.sqrt(2 / pixels))
    second = random.standard_normal((hidden, classes), np.float32) * np.float32(math.sqrt(2 / hidden))
    return Digits(images, labels, (first, np.zeros(hidden, np.float32), second, np.zeros(classes, np.float32)))


class Mixture(NamedTuple):
    """A Gaussian mixture as in ADBench.

    Component k has the weight softmax(alphas)[k], the mean means[k] and the inverse covariance Q_kᵀ Q_k, in which Q_k
    is lower triangular with the diagonal exp(logs[k]) and below it the entries of lowers[k].

    Source: F. Šrajer, Z. Kukelova, A. Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some
    problems in computer vision and machine learning", Optimization Methods and Software 33 (2018).
    """

    parameters: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    """alphas [K], means [K, d], logs [K, d], lowers [K, d, d]"""
    x: np.ndarray
    below: np.ndarray
    """1 below the diagonal, else 0"""
    identity: np.ndarray
    constant: float
    """What the log-likelihood has besides, whatever the parameters are."""


WISHART_GAMMA, WISHART_M = 1.0, 0


def mixture(n: int, d: int, k: int) -> Mixture:
    random = np.random.default_rng(3)
    alphas = random.standard_normal(k, np.float32)
    means = random.random((k, d), np.float32)
    logs = 0.1 * random.standard_normal((k, d), np.float32)
    lowers = random.standard_normal((k, d, d), np.float32) / np.float32(math.sqrt(d))
    x = random.standard_normal((n, d), np.float32)
    wishart = d + WISHART_M + 1
    gammas = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(0.5 * (wishart - j)) for j in range(d))
    prior = wishart * d * (math.log(WISHART_GAMMA) - 0.5 * math.log(2)) - gammas
    constant = -0.5 * n * d * math.log(2 * math.pi) - k * prior
    below, identity = np.tril(np.ones((d, d), np.float32), -1), np.eye(d, dtype=np.float32)
    return Mixture((alphas, means, logs, lowers), x, below, identity, constant)
