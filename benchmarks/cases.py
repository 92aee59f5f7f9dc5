"""What is measured: the works, in the order of the page. A system has a method of the same name for each case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Work(NamedTuple):
    """A case at one size. The size is passed to the method that prepares it."""

    case: str
    size: tuple[int, ...]
    title: str
    short: str = ""
    """The title where that of the group is read before it."""
    quick: bool = True
    """Also part of a quick run."""

    @property
    def heading(self) -> str:
        return self.short or self.title

    @property
    def key(self) -> str:
        """The name of its results: the case and its size, as ``sigmoid-1000`` or ``mixture-1000-10-25``."""
        return "-".join([self.case, *map(str, self.size)])

    @property
    def heavy(self) -> bool:
        """Whether memory may be short, so that the need is found out at a tenth of the size first."""
        elements = 1
        for length in self.size:
            elements *= length
        return elements > 30_000_000

    @property
    def tenth(self) -> tuple[int, ...]:
        return (self.size[0] // 10, *self.size[1:])


@dataclass(frozen=True)
class Group:
    """Works that share a table on the page."""

    title: str
    about: str
    works: tuple[Work, ...]


def power_of_ten(n: int) -> str:
    exponent = len(str(n)) - 1
    return f"{n:,}" if n < 1000 else f"10{str(exponent).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _pointwise(case: str, what: str) -> tuple[Work, ...]:
    works = []
    for n in (1, 10, 1_000, 100_000, 10_000_000, 100_000_000):
        count = f"{power_of_ten(n)} point{'s' if n > 1 else ''}"
        works.append(Work(case, (n,), f"{what}, {count}", count, quick=n in (10, 1_000, 10_000_000)))
    return tuple(works)


def _mixtures() -> tuple[Work, ...]:
    works = []
    for n in (1_000, 10_000):
        for d in (10, 64):
            for k in (25, 100):
                size = f"n={n:,} d={d} K={k}"
                quick = n == 1_000 and k == 25
                works.append(Work("mixture", (n, d, k), f"Gaussian mixture, {size}", size, quick))
    return tuple(works)


GROUPS = (
    Group(
        "Numbers",
        "The work is nothing, so this is what each call costs.",
        (
            Work("power", (), "gradient of x⁴"),
            Work("second", (), "second derivative of x³"),
            Work("regression", (4,), "linear regression gradient, 4 points"),
        ),
    ),
    Group("Sigmoid and its gradient", "float32, both results wanted.", _pointwise("sigmoid", "sigmoid and gradient")),
    Group(
        "sin² and its first three derivatives",
        "float32, all four results wanted.",
        _pointwise("sine", "sin² and 3 derivatives"),
    ),
    Group(
        "A high order",
        "Derivatives of tanh(sin x · exp(−x²)) at 10⁵ float32 points, by the best means that a system has: gradtape "
        "and JAX by their Taylor modes, the others by nesting. Nesting alone is a row of its own, and so is the "
        "function itself, as a measure of the others.",
        (
            Work("wave", (100_000,), "the function itself, 10⁵ points"),
            Work("seventh", (100_000,), "7th derivative, 10⁵ points"),
            Work("tenth", (100_000,), "10 derivatives, 10⁵ points"),
            Work("nested", (100_000,), "7th derivative by nesting, 10⁵ points", quick=False),
        ),
    ),
    Group(
        "Jacobians and Hessians",
        "The Jacobian of tanh(A·x) for a dense A, and the Hessian of Rosenbrock's function times a vector, "
        "float32. Each system by its best means: where it has transforms of functions, by them; the others by tapes.",
        (
            Work("jacobian", (500,), "Jacobian, 500 outputs of 500 variables"),
            Work("hessian_vector", (1000,), "Hessian times vector, Rosenbrock of 1000 variables"),
        ),
    ),
    Group(
        "A sparse Hessian",
        "The Hessian of Rosenbrock's function, which is tridiagonal, float32. Dense: all its elements. Sparse: those "
        "of the three diagonals, in three passes. gradtape finds the passes, once, or in each call where the row says "
        "so, and makes a SciPy matrix; for JAX and PyTorch they were written by hand, and their work ends with the "
        "elements.",
        (
            Work("dense_hessian", (1_000,), "dense, 10³ variables"),
            Work("sparse_hessian", (1_000,), "sparse, 10³ variables"),
            Work("sparse_hessian", (100_000,), "sparse, 10⁵ variables"),
            Work("found_hessian", (100_000,), "sparse, 10⁵ variables, pattern found in each call"),
        ),
    ),
    Group(
        "Training",
        "Linear and logistic regression: 10⁵ × 10 float32, 1000 steps of full-batch gradient descent from zero, the "
        "weights updated in each. Perceptron: one step of gradient descent, batch 1024, 784–256–10, relu, softmax "
        "cross-entropy.",
        (
            Work("linear_training", (100_000, 10), "linear regression, 1000 steps"),
            Work("logistic_training", (100_000, 10), "logistic regression, 1000 steps", quick=False),
            Work("perceptron", (1024, 784, 256, 10), "perceptron step"),
        ),
    ),
    Group(
        "Gaussian mixture: log-likelihood and its gradient",
        "The objective of ADBench with its Wishart prior, n points in d dimensions, K components with full covariance, "
        "in float32, as one matrix product [n, d] · [d, K·d].",
        _mixtures(),
    ),
)

WORKS = tuple(work for group in GROUPS for work in group.works)
