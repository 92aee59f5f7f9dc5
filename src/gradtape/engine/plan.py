"""Program → plan: which operations run together in one pass over memory, and what has to be stored between passes.

A plan is a list of steps over numbered slots. A step is a kernel (elementwise operations and the reductions that end
them, over one iteration space) or a call of a primitive's NumPy function (matrix products, joining).

Every operation has a level: elementwise operations stand at the level of their inputs and are computed inside whatever
kernel needs them; the result of a reduction exists one level later. Kernels of a level are grouped by iteration space.

Views (reshape, transpose, slice, broadcast) are no passes. A kernel reads what was viewed in place, with other strides.
A view of something that is computed in the same pass is passed on to what that is computed from, so that it is
computed where it is needed. What is computed is stored instead, and then viewed, if

* strides cannot say what the view does to an operand (reshaping a transposed matrix), or
* it is read in several ways, of which one is a view, and is more than CHEAP operations, or
* broadcasting would repeat COSTLY work in the inner loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradtape.engine.layout import Layout
from gradtape.engine.steps import COSTLY, CallStep, KernelSpec, KernelStep, Plan, loop_step
from gradtape.engine.streams import taken_apart
from gradtape.engine.unroll import unroll
from gradtape.engine.widen import widen
from gradtape.graph.node import Node
from gradtape.graph.program import Program, rebuild
from gradtape.graph.shapes import Shape, size

CHEAP = 4
"""Operations that are rather repeated than stored."""

SMALLER = 2
"""A view that has this many times fewer elements than what it shows is stored in its place."""


def plan(program: Program) -> Plan:
    """How to compute the outputs of a Program."""
    return _Planner(unroll(widen(program))).plan()


Path = tuple[tuple[Callable, tuple], ...]
"""Views, the one that is done first in front: what they do to a layout, and their parameters."""


class _Planner:
    """Numbers of nodes are found in this order: what each costs, its level, what is stored, the steps."""

    def __init__(self, program: Program):
        self.program = program
        self.leaves, self.nodes = rebuild(program)
        self.slot: dict[Node, int] = {leaf: i for i, leaf in enumerate(self.leaves)}
        self.slots = len(self.leaves)
        self.viewed: dict[Node, int] = {}  # slots of views that exist as NumPy's views
        self.steps: list[KernelStep | CallStep] = []
        self.wanted = [self.nodes[i] if i >= 0 else self.leaves[-1 - i] for i in program.outputs]
        # At which level a kernel can read or compute a node, and whether it must compute it
        self.level: dict[Node, int] = dict.fromkeys(self.leaves, 0)
        self.fresh: set[Node] = set()
        # How many operations are behind an element of a fresh node, and how what these read is laid out
        self.work: dict[Node, int] = {}
        self.layouts: dict[Node, frozenset[Layout]] = {}
        self.stored: dict[Node, None] = {}
        self._paths: dict[tuple[Shape, Path], Layout | None] = {}

    def plan(self) -> Plan:
        self._set_levels()
        self._choose_stored()
        levels = range(max(self.level.values(), default=0) + 1)
        calls: list[list[Node]] = [[] for _ in levels]
        results: list[list[Node]] = [[] for _ in levels]
        for node in self.nodes:
            if is_call(node):
                calls[self.level[node]].append(node)
        for node in self.stored:
            results[self.level[node] - is_reduction(node)].append(node)
        for level in levels:
            for node in calls[level]:
                assert node.op is not None
                inputs = [self._in_memory(x) for x in node.op[1]]
                self.slot[node] = self._new_slot()
                self.steps.append(CallStep(node.op, inputs, self.slot[node]))
            self._kernels(results[level])
        outputs = [self._in_memory(node, True) for node in self.wanted]
        return Plan(self.steps, self.slots, outputs)

    def _new_slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def _in_memory(self, node: Node, wanted: bool = False) -> int:
        """The slot of a node that was stored, or is a view of such a one."""
        found = self.slot.get(node, self.viewed.get(node))
        if found is None:
            assert node.op is not None
            inputs = [self._in_memory(x) for x in node.op[1]]
            found = self.viewed[node] = self._new_slot()
            self.steps.append(CallStep(node.op, inputs, found, wanted))
        return found

    # -- levels -----------------------------------------------------------------------------------------------

    def _set_levels(self) -> None:
        level, fresh, work = self.level, self.fresh, self.work
        ways = self._ways()
        for leaf in self.leaves:
            self.layouts[leaf] = frozenset([Layout.dense(leaf.shape)])
        for node in self.nodes:
            assert node.op is not None
            primitive, inputs, _ = node.op
            if is_view(node):
                self._set_view(node, inputs[0], ways)
                continue
            self.layouts[node] = frozenset([Layout.dense(node.shape)])
            if is_call(node):
                level[node] = max((level[x] + (x in fresh) for x in inputs), default=0)
                continue
            level[node] = max((level[x] for x in inputs), default=0) + is_reduction(node)
            if is_reduction(node):
                continue
            for x in inputs:
                if self._repeats(x, node.shape):
                    level[node] = max(level[node], level[x] + 1)
            fresh.add(node)
            here = [x for x in inputs if x in fresh and level[x] == level[node]]
            work[node] = min(sum([work[x] for x in here]) + (COSTLY if primitive.costly else bool(inputs)), 1 << 30)
            self.layouts[node] = self._union(node, inputs)

    def _ways(self) -> dict[Node, int]:
        """In how many ways a node is read: as it is, and through how many views."""
        plain, through = set(self.wanted), dict.fromkeys([*self.leaves, *self.nodes], 0)
        ways: dict[Node, int] = {}
        for node in reversed(self.nodes):
            assert node.op is not None
            ways[node] = through[node] + (node in plain)
            for x in node.op[1]:
                if is_view(node) and _keeps_order(node):
                    through[x] += through[node]
                    plain |= {x} if node in plain else set()
                elif is_view(node) and not _enlarges(node):
                    through[x] += ways[node]
                else:
                    plain.add(x)
        return ways

    def _set_view(self, node: Node, x: Node, ways: dict[Node, int]) -> None:
        assert node.op is not None
        primitive, _, params = node.op
        layouts = self._viewed(primitive.view, params, self.layouts[x])
        possible = layouts is not None
        if x in self.fresh and not _enlarges(node) and not _keeps_order(node):
            possible = possible and (ways[x] < 2 or self.work[x] <= CHEAP)
        possible = possible and not self._repeats(x, node.shape)
        self.level[node] = self.level[x] + (not possible)
        if possible and x in self.fresh:
            self.fresh.add(node)
            self.work[node] = self.work[x]
        if not possible:
            self.stored[x] = None
            layouts = self._viewed(primitive.view, params, frozenset([Layout.dense(x.shape)]))
        assert layouts is not None
        self.layouts[node] = layouts | {Layout.dense(node.shape)}

    def _repeats(self, x: Node, shape: Shape) -> bool:
        """Whether computing `x` inside a loop over `shape` repeats costly work in the inner loop."""
        if x.shape == shape or x not in self.fresh or self.work[x] < COSTLY:
            return False
        return x.shape != () and size(x.shape) < size(shape) and x.shape[-1] != 1

    def _union(self, node: Node, inputs: Sequence[Node]) -> frozenset[Layout]:
        """How the operands behind a map are laid out. It may be stored itself, so it is among them."""
        found = self.layouts[node]
        for x in inputs:
            layouts = self.layouts[x]
            if x.shape != node.shape:
                layouts = frozenset([layout.broadcast(node.shape) for layout in layouts])
            if not layouts <= found:
                found |= layouts
        return found

    def _viewed(self, view: Callable, params: tuple, layouts: frozenset[Layout]) -> frozenset[Layout] | None:
        """What a view makes of layouts, wherever they begin; None if it cannot be said of all of them."""
        found = [view(layout, *params) for layout in layouts]
        return None if None in found else frozenset([layout._replace(offset=0) for layout in found])

    # -- what is stored ---------------------------------------------------------------------------------------

    def _choose_stored(self) -> None:
        """What must exist in memory: outputs, reductions, and what a later step reads."""
        stored, later, wanted = self.stored, [], set(self.wanted)
        for node in self.wanted:
            if node in self.fresh and not is_view(node):
                stored[node] = None
        for node in self.nodes:
            assert node.op is not None
            if is_reduction(node):
                stored[node] = None
            if not is_view(node):
                here = self.level[node] - is_reduction(node)
                for x in node.op[1]:
                    if x in self.fresh and is_call(node):
                        later.append(x)
                    elif x in self.fresh and self.level[x] < here:
                        narrow = self._narrow(x)
                        if self._base(narrow).shape != ():  # numbers are rather computed again than stored
                            later.append(narrow)
        for x in [*later, *[node for node in self.wanted if is_view(node)]]:
            base = self._base(x)
            if base not in stored and base in self.fresh:
                stored[x if x in wanted or SMALLER * size(x.shape) <= size(base.shape) else base] = None
            elif x in wanted and size(x.shape) > size(base.shape):
                stored[x] = None

    def _narrow(self, x: Node) -> Node:
        """What stands in memory for a later step that reads `x`: a cheap map of something narrower, such as a cast, is
        computed again from that."""
        base = self._base(x)
        assert base.op is not None
        primitive, inputs, _ = base.op
        widened = len(inputs) == 1 and not primitive.costly and inputs[0].dtype.size < base.dtype.size
        return inputs[0] if widened and base not in self.stored else x

    def _base(self, node: Node) -> Node:
        """What a node is a view of: the last that is stored, or no view."""
        while is_view(node) and node not in self.stored:
            assert node.op is not None
            node = node.op[1][0]
        return node

    # -- kernels ----------------------------------------------------------------------------------------------

    def _kernels(self, results: Sequence[Node]) -> None:
        """Group results of one level that have the same iteration space."""
        groups: dict[tuple, list[Node]] = {}
        for node in results:
            if is_reduction(node):
                assert node.op is not None
                groups.setdefault(_squeezed(node.op[1][0].shape, node.op[2][0]), []).append(node)
        for node in results:
            if not is_reduction(node):
                shape, _ = _squeezed(node.shape)
                key = next((k for k in groups if k[0] == shape and k[1]), (shape, ()))
                groups.setdefault(key, []).append(node)
        loops = [
            (shape, axes, nodes)
            for (shape, axes), together in groups.items()
            for nodes in taken_apart(together, [_end(node) for node in together], self.slot)
        ]
        steps = [self._kernel(*loop) for loop in loops]
        for step, (_, _, nodes) in zip(steps, loops, strict=True):
            step.outputs = [self._new_slot() for _ in nodes]
            self.slot.update(zip(nodes, step.outputs, strict=True))
        self.steps += steps

    def _kernel(self, shape: Shape, axes: tuple[int, ...], results: Sequence[Node]) -> KernelStep:
        operands: dict[tuple[Node, Layout], int] = {}
        body: list[tuple[str, tuple, tuple[int, ...]]] = []
        number: dict[tuple, int] = {}
        ends: list[tuple[Node, Path]] = []
        for result in results:
            end = _end(result)
            ends.append((end, () if end.shape == shape else ((Layout.reshape, (shape,)),)))
        stack = ends[::-1]
        while stack:  # inputs before the operations that read them
            node, path = stack[-1]
            key = self._key(node, path)
            if key in number:
                stack.pop()
                continue
            if node in self.slot:
                layout = self._laid_out(node.shape, path) if node.shape else Layout.dense(())
                assert layout is not None
                number[key] = -1 - operands.setdefault((node, layout), len(operands))
                stack.pop()
                continue
            assert node.op is not None
            primitive, inputs, params = node.op
            if primitive.view is not None:
                read = [(inputs[0], ((primitive.view, params), *path))]
            else:
                read = [
                    (x, path if x.shape == node.shape else ((Layout.broadcast, (node.shape,)), *path)) for x in inputs
                ]
            refs = [number.get(self._key(x, p)) for x, p in read]
            if None in refs:
                stack += [pair for pair, ref in zip(read, refs, strict=True) if ref is None][::-1]
                continue
            stack.pop()
            if primitive.view is not None:
                number[key] = refs[0]  # type: ignore[assignment]
            else:
                number[key] = len(body)
                body.append((primitive.name, params, tuple(refs)))  # type: ignore[arg-type]
        outputs = tuple(
            (number[self._key(*end)], node.dtype.name, node.op[0].reduction or "" if node.op else "")
            for node, end in zip(results, ends, strict=True)
        )
        return self._step(shape, axes, list(operands), body, outputs, [node.shape for node in results])

    def _key(self, node: Node, path: Path) -> tuple:
        """Equal for equal values in a kernel: the node, and which of its elements belongs to which index."""
        if not path or not node.shape:
            return (node,)
        layout = self._laid_out(node.shape, path)
        if layout is None:
            return (node, path)
        if size(layout.shape) == size(node.shape) and layout == Layout.dense(layout.shape):
            return (node,)
        return (node, layout)

    def _laid_out(self, shape: Shape, path: Path) -> Layout | None:
        """What views make of an array of a shape."""
        if (shape, path) not in self._paths:
            layout: Layout | None = Layout.dense(shape)
            for view, params in path:
                layout = None if layout is None else view(layout, *params)
            self._paths[shape, path] = layout
        return self._paths[shape, path]

    def _step(
        self,
        shape: Shape,
        axes: tuple[int, ...],
        operands: Sequence[tuple[Node, Layout]],
        body: Sequence[tuple[str, tuple, tuple[int, ...]]],
        outputs: tuple[tuple[int, str, str], ...],
        shapes: list[Shape],
    ) -> KernelStep:
        inputs = [self.slot[x] for x, _ in operands]
        if all(s == () for s in (shape, *shapes, *[x.shape for x, _ in operands])):
            numbers = tuple((x.dtype.name, "scalar") for x, _ in operands)
            spec = KernelSpec(-1, "", numbers, tuple(body), outputs)
            return KernelStep(spec, (), (1, 1), inputs, [], [], [], [], shapes, [], [])
        types = [x.dtype.name for x, _ in operands]
        single = [size(x.shape) == 1 for x, _ in operands]
        reads = [layout if layout.shape == shape else layout.broadcast(shape) for _, layout in operands]
        return loop_step(shape, axes, inputs, types, single, reads, tuple(body), outputs, shapes)


def is_call(node: Node) -> bool:
    """Whether a node is computed by NumPy."""
    return node.op is not None and not (is_map(node) or is_reduction(node) or is_view(node))


def is_reduction(node: Node) -> bool:
    return node.op is not None and node.op[0].reduction is not None


def is_view(node: Node) -> bool:
    return node.op is not None and node.op[0].view is not None


def is_map(node: Node) -> bool:
    return node.op is not None and node.op[0].lowering is not None and not is_view(node)


def _enlarges(view: Node) -> bool:
    """Whether a view repeats elements."""
    assert view.op is not None
    return size(view.shape) > size(view.op[1][0].shape)


def _squeezed(shape: Shape, axes: tuple[int, ...] = ()) -> tuple[Shape, tuple[int, ...]]:
    """A shape and some of its axes without those of length one, which loops need not know; unless the axes are all of
    that length."""
    if 1 not in shape or (axes and all(shape[axis] == 1 for axis in axes)):
        return shape, axes
    kept = [axis for axis, n in enumerate(shape) if n != 1]
    return tuple([shape[axis] for axis in kept]), tuple([i for i, axis in enumerate(kept) if axis in axes])


def _keeps_order(view: Node) -> bool:
    """Whether a view merely adds, drops or moves axes of length one."""
    assert view.op is not None
    primitive, (x,), params = view.op
    if _squeezed(x.shape)[0] != _squeezed(view.shape)[0]:
        return False
    assert primitive.view is not None
    return primitive.view(Layout.dense(x.shape), *params) == Layout.dense(view.shape)


def _end(node: Node) -> Node:
    """The last elementwise value on the way to a kernel's result: what a reduction reduces, or the result itself."""
    return node.op[1][0] if node.op is not None and node.op[0].reduction is not None else node
