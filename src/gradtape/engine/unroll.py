"""Short axes written out: Program → Program, before it is planned.

A loop over ten elements costs more than what is done in it, and a reduction ends a pass over memory. So

* a matrix product with a vector, one of whose two lengths is THIN or less, is written as the sum of products that it is
  (a BLAS would only read the matrix, too, and end the pass);
* a reduction of a short last axis is written as operations on slices, so that whatever follows is computed in the same
  pass;
* a reduction of the last axis, of few rows that do not stand one after the other in memory (the columns of a table),
  is written as one reduction for each row, so that all of them are done in one pass over the table.

The first depends on shapes alone and is done wherever such a product stands; it is part of what a product means. The
others change no bits: `engine.combine` says in which order a reduction goes, and that order is written out here.
"""

from __future__ import annotations

from collections.abc import Callable

from gradtape.engine.combine import MANY, SHORT_ROW
from gradtape.engine.layout import Layout
from gradtape.graph.node import TABLE, Node
from gradtape.graph.program import Program, Step, rebuild, without_unread
from gradtape.graph.shapes import Shape, size

THIN = 16
"""Length up to which an axis is written out."""

CHEAP = 4
"""Operations on every element that are rather written out than stored."""

assert THIN <= SHORT_ROW


def unroll(program: Program) -> Program:
    """The Program with short axes written out."""
    if not any(_may_change(name) for name, _, _ in program.steps):
        return program
    _, nodes = rebuild(program)
    writer = _Writer(program)
    new = {ref: ref for ref in writer.nodes}
    for number, ((name, params, refs), node) in enumerate(zip(program.steps, nodes, strict=True)):
        new[number] = writer.written(name, params, tuple([new[i] for i in refs]), node)
    return without_unread(Program(program.leaves, tuple(writer.steps), tuple([new[i] for i in program.outputs])))


def _may_change(name: str) -> bool:
    return TABLE[name].library == "matmul" or TABLE[name].reduction in _TWO


_TWO = {"add": "add", "max": "maximum", "min": "minimum"}
"""Reductions that are written out: how the result for two elements is called."""


class _Writer:
    """A Program being written. References are as in a Program: operations from 0, leaves below."""

    def __init__(self, program: Program):
        leaves, _ = rebuild(Program(program.leaves, (), ()))
        self.nodes: dict[int, Node] = {-1 - i: leaf for i, leaf in enumerate(leaves)}
        self.steps: list[Step] = []
        self.known: dict[Step, int] = {}

    def add(self, name: str, params: tuple, *refs: int) -> int:
        """An operation; the same one if it is there already."""
        step = (name, params, refs)
        number = self.known.get(step)
        if number is None:
            number = self.known[step] = len(self.steps)
            self.steps.append(step)
            inputs = tuple([self.nodes[i] for i in refs])
            shape, dtype = TABLE[name].infer(inputs, params)
            self.nodes[number] = Node((TABLE[name], inputs, params), None, shape, dtype)
        return number

    def shape(self, ref: int) -> Shape:
        return self.nodes[ref].shape

    def cast(self, ref: int, dtype: str) -> int:
        return ref if self.nodes[ref].dtype.name == dtype else self.add("cast", (dtype,), ref)

    def reshape(self, ref: int, shape: Shape) -> int:
        return ref if self.shape(ref) == shape else self.add("reshape", (shape,), ref)

    # -- what is written for an operation ---------------------------------------------------------------------

    def written(self, name: str, params: tuple, refs: tuple[int, ...], node: Node) -> int:
        """The reference of an operation's result."""
        primitive = TABLE[name]
        if primitive.library == "matmul" and node.dtype.is_floating:
            thin = self._product(*[self._turned(x) if turn else x for x, turn in zip(refs, params, strict=True)])
            if thin is not None:
                return self.cast(self.reshape(thin, node.shape), node.dtype.name)
        if primitive.reduction is not None:
            written = self._reduction(name, refs[0], params[0])
            if written is not None:
                return self.reshape(written, node.shape)
        return self.add(name, params, *refs)

    def _turned(self, ref: int) -> int:
        """A tensor with its last two axes swapped."""
        rank = len(self.shape(ref))
        return self.add("transpose", ((*range(rank - 2), rank - 1, rank - 2),), ref)

    def _product(self, a: int, b: int) -> int | None:
        """A product of a matrix and a vector, or of vectors, if that is thin; in float64, in some shape."""
        (*_, rows, depth), (*_, columns) = self.shape(a), self.shape(b)
        if len(self.shape(a)) != 2 or len(self.shape(b)) != 2 or 0 in (rows, depth, columns):
            return None
        if depth == 1:
            return self.add("multiply", (), a, b)
        if min(rows, columns) > 1 or min(max(rows, columns), depth) > THIN:
            return None
        a, b = (self.cast(x, "float64") for x in (a, b))
        b = self._turned(b)
        terms = self.add("multiply", (), a, b)
        summed = self._reduction("sum", terms, (1,))
        return self.add("sum", ((1,),), terms) if summed is None else summed

    def _reduction(self, name: str, x: int, axes: tuple[int, ...]) -> int | None:
        """A reduction written out, if that is better."""
        shape = self.shape(x)
        if axes != (len(shape) - 1,) or TABLE[name].reduction not in _TWO or not self.nodes[x].dtype.is_floating:
            return None
        rows, length = size(shape[:-1]), shape[-1]
        if 1 < length <= THIN and rows >= MANY and self._is_cheap(x, len(shape) - 1):
            return self._one_by_one(name, x)
        if len(shape) == 2 and 1 < rows <= THIN and length > THIN and self._is_cheap(x, 0) and self._is_apart(x):
            parts = [self.add(name, ((1,),), self.part(x, 0, i)) for i in range(rows)]
            return self.add("concat", (0,), *parts)
        return None

    def _one_by_one(self, name: str, x: int) -> int:
        """From the left to the right."""
        *_, length = self.shape(x)
        axis, dtype = len(self.shape(x)) - 1, self.nodes[x].dtype
        parts = [self.part(x, axis, i) for i in range(length)]
        if name != "sum":
            result = parts[0]
            for part in parts[1:]:
                result = self.add(_TWO[str(TABLE[name].reduction)], (), result, part)
            return result
        result = self.add("literal", ((0.0).hex(), "float64"))
        for part in parts:
            result = self.add("add", (), result, self.cast(part, "float64"))
        return self.cast(result, dtype.name)

    # -- parts ------------------------------------------------------------------------------------------------

    def _is_map(self, ref: int) -> bool:
        node = self.nodes[ref]
        return node.op is not None and node.op[0].lowering is not None and node.op[0].view is None

    def _behind(self, ref: int, axis: int) -> tuple[list[Node], list[int]]:
        """What is behind a reference as long as `axis`, counted from the end: the maps, and what these read."""
        maps: list[Node] = []
        read: list[int] = []
        seen: set[int] = set()
        stack = [ref]
        while stack:
            at = stack.pop()
            if at in seen or not self._reaches(at, axis):
                continue
            seen.add(at)
            if self._is_map(at):
                maps.append(self.nodes[at])
                stack += self.steps[at][2]
            else:
                read.append(at)
        return maps, read

    def _reaches(self, ref: int, axis: int) -> bool:
        """Whether a tensor has more than one element along an axis, counted from the end."""
        shape = self.shape(ref)
        return len(shape) >= axis and shape[-axis] != 1

    def _is_cheap(self, ref: int, axis: int) -> bool:
        """Whether what is behind every element along an axis may be written out for each."""
        maps, _ = self._behind(ref, len(self.shape(ref)) - axis)
        return len(maps) <= CHEAP and not any(node.op[0].costly for node in maps if node.op)

    def _is_apart(self, ref: int) -> bool:
        """Whether something is read whose elements along the last axis do not stand side by side."""
        return any(abs(self._layout(at).strides[-1]) > 1 for at in self._behind(ref, 1)[1])

    def _layout(self, ref: int) -> Layout:
        """How a tensor stands in memory, if views are not stored."""
        views: list[tuple[Callable, tuple]] = []
        at = ref
        while at >= 0 and TABLE[self.steps[at][0]].view is not None:
            name, params, (at, *_) = self.steps[at]
            views.append((TABLE[name].view, params))
        layout: Layout | None = Layout.dense(self.shape(at))
        for view, params in reversed(views):
            layout = None if layout is None else view(layout, *params)
        return layout or Layout.dense(self.shape(ref))

    def part(self, ref: int, axis: int, i: int) -> int:
        """Element i along an axis, which stays with length one: what is behind it is done on such parts."""
        behind = len(self.shape(ref)) - axis
        made: dict[int, int] = {}
        stack = [ref]
        while stack:
            at = stack[-1]
            if at in made:
                stack.pop()
            elif not self._reaches(at, behind):
                made[at] = at
            elif not self._is_map(at):
                slices = [(0, n, 1) for n in self.shape(at)]
                slices[len(slices) - behind] = (i, 1, 1)
                made[at] = self.add("slice", (tuple(slices),), at)
            else:
                name, params, refs = self.steps[at]
                missing = [x for x in refs if x not in made]
                if missing:
                    stack += missing
                else:
                    made[at] = self.add(name, params, *[made[x] for x in refs])
        return made[ref]
