"""Where a gradient was lost: the search from targets back to a source, over as few cuts as possible.

    source x ──exp──► · ──floor──✂──► · ──multiply──► target

What made a node is known while it is pending, as long as somebody keeps a tape's recording, and for good with the
setting `explain`, which also notes lines, assignments and values that left through NumPy or Python.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from gradtape.graph.node import Node, Op, Recording
from gradtape.graph.origins import assignments, exits, origins, pauses
from gradtape.modes.explanation import Cut, Explanation, Step, slope_of
from gradtape.ops.custom import custom_call

AGAIN = "inside `with gradtape.config.override(explain=True):`"

UNRELATED = Cut(
    "unrelated",
    "",
    "the target was computed without the source, or through something that has no derivative, such as a comparison, "
    "round, a cast to integers, stop_gradient or .numpy()",
    f"compute it from the source, with tensors only; to see what happened, compute it again {AGAIN}",
)

NOTHING = Cut(
    "unrelated",
    "",
    "the target does not depend on anything that the tape watched while it was recording",
    f"compute it inside the `with` block, with tensors only; to see what happened, compute it again {AGAIN}",
)

UNWATCHED = Cut(
    "unwatched",
    "",
    "the source was not watched when the target was computed",
    "call tape.watch(x) first, or make it a Variable",
)


def _unwatched(recording: Recording, variable: Any) -> Cut:
    """Why a tape does not know a Variable."""
    title = f"the Variable '{variable.name}'"
    if not variable.trainable:
        what = f"{title} is not trainable, so tapes do not watch it when it is read"
        return Cut("unwatched", "", what, "call tape.watch with it, or make it with trainable=True")
    if not recording.accessed:
        what = f"{title} was not watched, and the tape was made with watch_accessed_variables=False"
        return Cut("unwatched", "", what, "call tape.watch with it before it is read")
    what = f"{title} was not read while the tape recorded"
    return Cut("unwatched", "", what, "compute the target from it, and from this very Variable, inside the block")


class _Edge(NamedTuple):
    """A node was made of another one, its input `i`."""

    node: Node
    x: Node
    i: int
    op: Op | None
    cut: Cut | None


def explained(
    recording: Recording | None,
    targets: Sequence[Node],
    sources: Sequence[Node],
    ops: Mapping[Node, Op],
    variable: Any = None,
) -> Explanation:
    """The way over the fewest cuts from one of the nodes of a source to one of the targets; `ops` is what else is known
    of what made nodes, `variable` the source if it is one."""
    unwatched = UNWATCHED if recording is None or variable is None else _unwatched(recording, variable)
    search = _Search(recording, sources, ops, unwatched)
    path = search.path(targets)
    steps = tuple([_step(edge) for edge in path or []])
    cuts = [step.cut for step in steps if step.cut]
    if path is None:
        if recording is not None and not any(node in recording.made for node in sources):
            cuts = [unwatched]
        elif recording is not None and not any(node in recording.made for node in targets):
            cuts = [NOTHING]
        else:
            cuts = [UNRELATED]
    return Explanation(not cuts, steps, tuple(cuts))


class _Search:
    """A search from targets back to sources, in the light of a recording if there is one."""

    def __init__(self, recording: Recording | None, sources: Sequence[Node], ops: Mapping[Node, Op], unwatched: Cut):
        self.recording = recording
        self.unwatched = unwatched
        self.ops = ops
        self.made = recording.made if recording else {}
        self.sources = set(sources)

    def path(self, targets: Sequence[Node]) -> list[_Edge] | None:
        """The edges from a source to a target over the fewest cuts; None if there is no way."""
        after: dict[Node, _Edge | None] = {}
        found = _ByCost([(0, node, None) for node in targets])
        for cost, node, edge in found:
            if node in after:
                continue
            after[node] = edge
            if node in self.sources:
                path, step = [], edge
                while step is not None:
                    path.append(step)
                    step = after[step.node]
                return path
            for one in self.edges(node):
                if one.x not in after:
                    found.add(cost + _COST.get(one.cut.reason, 1) if one.cut else cost, one.x, one)
        return None

    def edges(self, node: Node) -> Iterator[_Edge]:
        """What a node was made of."""
        op = self.op(node)
        if op is not None:
            for i, x in enumerate(op[1]):
                yield _Edge(node, x, i, op, self.cut(node, op, i, x))
        elif node in assignments:
            name, value, place = assignments[node]
            yield _Edge(
                node,
                value,
                0,
                None,
                Cut(
                    "assigned",
                    "assign",
                    f"it was assigned to the Variable '{name}', and an assigned value is a new constant",
                    "use the value itself, and assign it after the gradient",
                    place,
                ),
            )
        elif node not in self.made:
            born = origins[node].order if node in origins else None
            for gone in reversed(exits):
                if born is None or gone.order < born:
                    what = f"a value left through {gone.how}, and a number does not know what it was computed from"
                    fix = "compute with tensors and gradtape's functions all the way"
                    yield _Edge(node, gone.node, 0, None, Cut("left", gone.how, what, fix, gone.place))

    def op(self, node: Node) -> Op | None:
        """What made a node, as far as anybody knows."""
        op: Any = self.made.get(node) or node.op or self.ops.get(node)
        if op is None and node in origins:
            op = origins[node].op
        return tuple(op) if op is not None and op[1] else None

    def cut(self, node: Node, op: Op, i: int, x: Node) -> Cut | None:
        """Why no gradient passes from a node to its input `i`; None if one does."""
        place = origins[node].place if node in origins else None
        found = _not_smooth(node, op, i)
        if found is not None:
            return Cut(*found, place)
        if self.recording is None:
            return None
        name = _name(op)
        if x not in self.made:
            return replace(self.unwatched, operation=name, place=place) if x in self.sources else None
        if node not in self.made:
            return Cut(*self._unrecorded(node, name), place)
        if self.made[node] is None:
            what = f"the result of {name} was computed before the tape watched it, and is a source of its own"
            return Cut("late", name, what, "watch the source itself, before it is used", place)
        return None

    def _unrecorded(self, node: Node, name: str) -> tuple[str, str, str, str]:
        """When a node was made that a tape did not record."""
        origin = origins.get(node)
        paused = pauses.get(self.recording, ()) if self.recording else ()
        if origin is not None and any(begin < origin.order < end for begin, end in paused):
            return "paused", name, f"{name} was computed inside stop_recording", "compute it outside of that block"
        seen = [one for one in list(origins.values()) if any(each() is self.recording for each in one.recordings)]
        if origin is None or not seen:
            what = f"{name} was computed while the tape did not record it: before or after its block, or in a pause"
            return "unrecorded", name, what, f"compute it inside the block; to see when, compute it again {AGAIN}"
        if any(one() is self.recording for one in origin.recordings):
            what = f"{name} was computed before the source was watched"
            return "late", name, what, "call tape.watch(x) before x is used"
        if origin.order < min(one.order for one in seen):
            return "before", name, f"{name} was computed before the tape recorded", "compute it inside the block"
        return "after", name, f"{name} was computed after the tape had stopped", "compute it inside the block"


_COST = {"left": 1000}
"""A value that left may or may not have come back, so other ways are looked for first."""


class _ByCost:
    """Nodes to look at, the cheapest first; of equal cost what came first."""

    def __init__(self, start: list[tuple[int, Node, _Edge | None]]):
        self._waiting: dict[int, deque[tuple[int, Node, _Edge | None]]] = {0: deque(start)}

    def add(self, cost: int, node: Node, edge: _Edge | None) -> None:
        self._waiting.setdefault(cost, deque()).append((cost, node, edge))

    def __iter__(self) -> Iterator[tuple[int, Node, _Edge | None]]:
        while self._waiting:
            cost = min(self._waiting)
            yield self._waiting[cost].popleft()
            if not self._waiting[cost]:
                del self._waiting[cost]


# -- what the table says ------------------------------------------------------------------------------------------


def _not_smooth(node: Node, op: Op, i: int) -> tuple[str, str, str, str] | None:
    """Why an operation has no derivative by its input `i`: reason, operation, sentence, what to do. None if it has."""
    primitive, name = op[0], _name(op)
    kind = primitive.kind
    if not node.dtype.is_floating:
        what = f"{name} gives {node.dtype.name} numbers, which have no derivative"
        fix = "stay with float numbers, and choose with gradtape.where or a weight" if node.dtype.is_bool else ""
        return "integer", name, what, fix or "stay with float numbers"
    if kind == "constant":
        what = f"{name} has no derivative, as its result is constant between jumps"
        return "jump", name, what, "use something smooth in its place, or declare a gradient with custom_gradient"
    if kind == "selection" and primitive.rule[i] is None:
        if all(pick is None for pick in primitive.rule):
            return "stopped", name, f"{name} lets no gradient through", "leave it out where you want the gradient"
        what = f"input {i} of {name} only decides between the others"
        return "decides", name, what, "multiply by a smooth weight, such as a sigmoid, in its place"
    if kind == "elementwise" and primitive.rule[i] is None:
        what = f"{name} has no derivative by its input {i}"
        return "jump", name, what, "use something smooth in its place, or declare a gradient with custom_gradient"
    if kind == "custom" and slope_of(node, op, i) is None:
        what = f"the gradient that was declared for {name} is None for this argument"
        return "rule", name, what, "return a gradient for it"
    return None


def _name(op: Op) -> str:
    """What the user called: a primitive, or a function with a rule of its own."""
    return getattr(custom_call(op).rule, "name", op[0].name) if op[0].kind == "custom" else op[0].name


def _step(edge: _Edge) -> Step:
    node, _, i, op, cut = edge
    name = _name(op) if op else cut.operation if cut else ""
    place = origins[node].place if node in origins else None
    of = f"{node.dtype.name}{list(node.shape)}"
    return Step(name, i, of, cut.place if cut else place, cut, (node, op) if op else None)
