"""Power series with nodes as coefficients, of which some are known numbers or known to be zero.

A factor that is known stays apart from the node, as an exact fraction, until it has to be multiplied: so 1/k! comes and
goes without rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from gradtape.graph.dtypes import DType
from gradtape.graph.node import Node
from gradtape.graph.shapes import Shape
from gradtape.ops.arithmetic import multiply, plus, subtract
from gradtape.ops.declare import literal
from gradtape.ops.products import sum_of_products
from gradtape.ops.shaping import broadcasted, full

ONE = Fraction(1)


class Coefficient:
    """`factor` times `node`; without a node it is the number."""

    __slots__ = ("_plain", "factor", "node")

    def __init__(self, factor: Fraction, node: Node | None = None):
        self.factor = factor
        self.node = node
        self._plain: Node | None = node if factor == 1 else None

    def plain(self, dtype: DType) -> Node:
        """It as a node, which may have a smaller shape that broadcasts."""
        if self._plain is None:
            number = literal(float(self.factor), dtype)
            self._plain = number if self.node is None else multiply(self.node, number)
        return self._plain

    def times(self, factor: Fraction | int) -> Coefficient:
        return self if factor == 1 else Coefficient(self.factor * factor, self.node)


UNIT = Coefficient(ONE)


class Series:
    """The coefficients of one value, lowest first; None is zero by structure.

    `degree` is the order after which all are zero, None if there is none; `make` makes a coefficient from those before.
    """

    __slots__ = ("_known", "_make", "_slopes", "degree", "dtype", "shape")

    def __init__(
        self,
        shape: Shape,
        dtype: DType,
        degree: int | None,
        make: Callable[[int], Coefficient | None] | None = None,
        known: Iterable[Coefficient | None] = (),
    ):
        self.shape = shape
        self.dtype = dtype
        self.degree = degree
        self._make = make
        self._known = list(known)
        self._slopes: dict[int, Coefficient | None] = {}

    def __getitem__(self, k: int) -> Coefficient | None:
        if self.degree is not None and k > self.degree:
            return None
        while len(self._known) <= k:
            assert self._make is not None
            self._known.append(self._make(len(self._known)))
        return self._known[k]

    @property
    def start(self) -> Node:
        """The value at t = 0."""
        first = self[0]
        return full(self.shape, 0, self.dtype) if first is None else first.plain(self.dtype)

    @property
    def constant(self) -> bool:
        return self.degree == 0

    def slope(self, j: int) -> Coefficient | None:
        """j times coefficient j."""
        if j not in self._slopes:
            one = self[j]
            self._slopes[j] = None if one is None else one.times(j)
        return self._slopes[j]

    def differentiated(self) -> Series:
        """The series of the derivative by t."""
        degree = None if self.degree is None else max(0, self.degree - 1)
        return Series(self.shape, self.dtype, degree, lambda k: self.slope(k + 1))

    def full(self, k: int) -> Node:
        """A coefficient as a node of the value's shape."""
        one = self[k]
        if one is None:
            return full(self.shape, 0, self.dtype)
        return broadcasted(one.plain(self.dtype), self.shape)


# -- sums of products of coefficients -------------------------------------------------------------------------

Pair = tuple[Coefficient | None, Coefficient | None]


def total(pairs: Iterable[Pair], factor: Fraction, dtype: DType) -> Coefficient | None:
    """The sum of products, times a factor."""
    there = [(a, b) for a, b in pairs if a is not None and b is not None]
    if not there:
        return None
    if len(there) == 1 or all(a.node is None or b.node is None for a, b in there):
        return added([product(a, b) for a, b in there], factor, dtype)
    return Coefficient(factor, sum_of_products([a.plain(dtype) for a, _ in there], [b.plain(dtype) for _, b in there]))


def product(a: Coefficient, b: Coefficient) -> Coefficient:
    known = a.factor * b.factor
    if a.node is None or b.node is None:
        return Coefficient(known, b.node if a.node is None else a.node)
    return Coefficient(known, multiply(a.node, b.node))


def added(terms: Sequence[Coefficient], factor: Fraction, dtype: DType) -> Coefficient:
    """The sum, times a factor. What all terms have in common is taken out of it."""
    common = terms[0].factor
    if len(terms) > 1 and any(abs(one.factor) != abs(common) for one in terms):
        terms, common = [Coefficient(ONE, one.plain(dtype)) for one in terms], ONE
    nodes = [literal(1, dtype) if one.node is None else one.node for one in terms]
    together = terms[0].node
    for one, node in zip(terms[1:], nodes[1:], strict=True):
        together = (plus if one.factor == common else subtract)(nodes[0] if together is None else together, node)
    return Coefficient(common * factor, together)


def cauchy(x: Series, y: Series, k: int, first: int = 0) -> list[Pair]:
    """What is added up to coefficient k of x·y, from coefficient `first` of x on."""
    return [(x[j], y[k - j]) for j in range(first, k + 1)]


def squares(x: Series, k: int) -> tuple[list[Pair], Fraction]:
    """The same for x·x, where most products come twice."""
    pairs: list[Pair] = [(x[j], x[k - j]) for j in range((k + 1) // 2)]
    if k % 2:
        return pairs, Fraction(2)
    middle = x[k // 2]
    if not any(a and b for a, b in pairs):
        return [(middle, middle)], ONE
    return [*pairs, (None if middle is None else middle.times(Fraction(1, 2)), middle)], Fraction(2)


def degree_of_sum(inputs: Sequence[Series]) -> int | None:
    degree = 0
    for s in inputs:
        if s.degree is None:
            return None
        degree = max(degree, s.degree)
    return degree
