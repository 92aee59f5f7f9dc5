"""Where a Jacobian or Hessian is not zero, from the graph: no numbers, but on what each element depends.

    recorded:  y = sin(x),  z = y[1:] * y[:-1]          z₀: {0, 1}  z₁: {1, 2}  …

The walk is that of the other modes; how dependence goes through a primitive follows from how its elements are made.
What is not known is taken to depend on everything, so a pattern may have too many elements and never too few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gradtape.errors import MissingPackageError, ShapeError
from gradtape.graph.handles import wrap
from gradtape.graph.node import READ, Node, Op
from gradtape.graph.shapes import Shape
from gradtape.modes.colouring import UNCOLOURED, Colouring, coloured, star
from gradtape.modes.dependence import LARGEST, Dependence

AT_ONCE = 1 << 24
"""So many elements the seeds of passes that are computed together have at most."""


class Sparsity:
    """The elements of a matrix that may not be zero, and how few passes compute them.

    rows, columns   where they stand, row by row
    shape           of the matrix: elements of the result, elements of the argument
    symmetric       whether it is a Hessian

    >>> import gradtape as tf
    >>> pattern = tf.sparsity(lambda x: x[1:] * x[:-1], tf.zeros([5]))
    >>> pattern
    Sparsity(shape=(4, 5), 8 elements, 2 passes)
    >>> print(pattern)
    ××···
    ·××··
    ··××·
    ···××
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], symmetric: bool = False):
        self.rows, self.columns, self.shape, self.symmetric = rows, columns, shape, symmetric
        self._seeds: dict[tuple[bool, np.dtype], list[np.ndarray]] = {}

    @property
    def nnz(self) -> int:
        """The number of elements."""
        return len(self.rows)

    @cached_property
    def colouring(self) -> Colouring:
        """Which columns and rows are computed together."""
        if self.symmetric:
            return star(self.rows, self.columns, self.shape[0])
        return coloured(self.rows, self.columns, self.shape)

    @property
    def passes(self) -> int:
        """How many derivatives in one direction give the matrix."""
        return self.colouring.passes

    @cached_property
    def found_in(self) -> np.ndarray:
        """For each element where it stands among all numbers that the passes compute: a vector for each forward pass,
        then one for each in reverse, laid out one after another.

        An element is in the forward pass of its column; one of a coloured row in the pass of that; one of a Hessian
        whose row has others in the same pass is on the other side of the diagonal, where it stands alone.
        """
        colours, rows, columns = self.colouring, self.rows, self.columns
        if self.symmetric:
            _, which, count = np.unique(
                rows * colours.forward + colours.columns[columns], return_inverse=True, return_counts=True
            )
            alone = count[which] == 1
            line, across = np.where(alone, columns, rows), np.where(alone, rows, columns)
            return colours.columns[line] * self.shape[0] + across
        by_row = colours.rows[rows] != UNCOLOURED
        behind = colours.forward * self.shape[0]
        return np.where(
            by_row,
            behind + colours.rows[rows] * self.shape[1] + columns,
            colours.columns[columns] * self.shape[0] + rows,
        )

    def seeds(self, reverse: bool, dtype: np.dtype) -> list[np.ndarray]:
        """The sums of the unit vectors of each colour, a row for each: arrays of as many as are computed together."""
        key = reverse, dtype
        if key not in self._seeds:
            colours = self.colouring.rows if reverse else self.colouring.columns
            number = self.colouring.reverse if reverse else self.colouring.forward
            step = max(1, AT_ONCE // max(1, len(colours)))
            lines = np.flatnonzero(colours != UNCOLOURED)
            found = []
            for first in range(0, number, step):
                last = min(first + step, number)
                made = np.zeros((last - first, len(colours)), dtype)
                here = lines[(colours[lines] >= first) & (colours[lines] < last)]
                made[colours[here] - first, here] = 1
                found.append(made)
            if len(found) > 1:
                return found
            self._seeds[key] = found
        return self._seeds[key]

    @cached_property
    def _start(self) -> np.ndarray:
        """Where each row begins."""
        return np.searchsorted(self.rows, np.arange(self.shape[0] + 1))

    def matrix(self, values: Any = None) -> Any:
        """As a `scipy.sparse.csr_array` with these values for the elements, or True. Raises MissingPackageError (an
        ImportError) without SciPy."""
        try:
            from scipy.sparse import csr_array
        except ImportError:
            raise MissingPackageError(
                "sparse matrices are those of SciPy, which is not installed: pip install 'gradtape[sparse]'; "
                "gradtape.sparsity works without it, and its rows and columns are arrays"
            ) from None
        data = np.ones(self.nnz, bool) if values is None else values
        return csr_array((data, self.columns, self._start), shape=self.shape)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sparsity):
            return NotImplemented
        same = self.shape == other.shape and self.symmetric == other.symmetric
        return same and np.array_equal(self.rows, other.rows) and np.array_equal(self.columns, other.columns)

    def __hash__(self) -> int:
        return hash((self.shape, self.symmetric, self.nnz))

    def __repr__(self) -> str:
        return f"Sparsity(shape={self.shape}, {self.nnz} elements, {self.passes} pass{'es' * (self.passes != 1)})"

    def __str__(self) -> str:
        if max(self.shape) > 80:
            return repr(self)
        picture = np.full(self.shape, "·")
        picture[self.rows, self.columns] = "×"
        return "\n".join("".join(row) for row in picture)


def pattern(made: Mapping[Node, Op | None], x: Node, y: Node, symmetric: bool = False) -> Sparsity:
    """Which elements of y depend on which of x, where `made` lists what was recorded since x."""
    found = dependences(made, x).get(y)
    shape = (int(np.prod(y.shape, dtype=np.int64)), int(np.prod(x.shape, dtype=np.int64)))
    if found is None:
        nothing = np.empty(0, np.int64)
        return Sparsity(nothing, nothing, shape, symmetric)
    if found.number() > LARGEST:
        raise ShapeError(
            f"the matrix of shape {shape} has up to {found.number()} elements that are not zero, more than the "
            f"{LARGEST} that sparse derivatives are made for; multiply with it by jvp, vjp or hvp instead"
        )
    rows, columns = found.pairs()
    return Sparsity(rows, columns, shape, symmetric)


def dependences(made: Mapping[Node, Op | None], x: Node) -> dict[Node, Dependence]:
    """On which elements of x those of each recorded node depend; nodes that do not are left out."""
    known = {x: Dependence.own(x.shape)}
    for node, op in made.items():
        if op is None or node in known:
            continue
        along = [known.get(one) for one in op[1]]
        if any(one is not None for one in along):
            found = _dependence(op, along, node.shape)
            if found is not None:
                known[node] = found
    return known


class Values:
    """The arrays and shapes of the inputs of an operation."""

    def __init__(self, inputs: Sequence[Node]):
        self.inputs = inputs

    def __call__(self, i: int) -> np.ndarray:
        return np.asarray(wrap(self.inputs[i]))

    def shape(self, i: int) -> Shape:
        return self.inputs[i].shape


def _dependence(op: Op, along: list[Dependence | None], shape: Shape) -> Dependence | None:
    primitive, inputs, params = op
    if primitive.kind == "constant":
        return None
    if primitive.depends is not None:
        return primitive.depends(along, Values(inputs), shape, params)
    if primitive.view is not None:
        assert along[0] is not None
        return along[0].moved(lambda kinds: primitive.reference(kinds, *params))
    if primitive.reduction is not None:
        assert along[0] is not None
        return along[0].over(params[0])
    if primitive.lowering is not None and primitive.lowering is not READ:
        rule = primitive.rule if isinstance(primitive.rule, (list, tuple)) else [True] * len(along)
        smooth = [one for one, partial in zip(along, rule, strict=False) if one is not None and partial is not None]
        return _joined(smooth).repeated(shape) if smooth else None
    return _joined([one.everywhere(shape) for one in along if one is not None])


def _joined(dependences: list[Dependence]) -> Dependence:
    total = dependences[0]
    for one in dependences[1:]:
        total = total.joined(one)
    return total
