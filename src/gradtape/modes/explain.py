"""Why a gradient is what it is, or None: the way from the source to the target, and where it was cut.

    source x ──exp──► · ──floor──✂──► · ──multiply──► target

What made a node is known while it is pending, as long as somebody keeps a tape's recording, and for good with the
setting `explain`, which also notes lines, assignments and values that left through NumPy or Python. The way is
searched backwards from the target through all of that, over as few cuts as possible.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from weakref import ref

from gradtape.errors import TargetError
from gradtape.graph.handles import need_tensor, wrap
from gradtape.graph.node import Node, Op, Recording, recordings
from gradtape.graph.origins import Place, assignments, exits, origins, pauses
from gradtape.modes import nest
from gradtape.modes.reverse import RULES
from gradtape.ops.custom import custom_call
from gradtape.ops.shaping import full

AGAIN = "inside `with gradtape.config.override(explain=True):`"


@dataclass(frozen=True)
class Cut:
    """A place that no gradient passes.

    reason      in one word: "unwatched", "late", "before", "after", "paused", "unrecorded", "jump", "integer",
                "stopped", "decides", "rule", "assigned", "left" or "unrelated"
    operation   the operation, or ""
    what        what happened, as a sentence
    fix         what to do about it
    place       the user's file and line, if it was recorded
    """

    reason: str
    operation: str
    what: str
    fix: str
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.what}{f' (in {self.place})' if self.place else ''}: {self.fix}"


@dataclass(frozen=True)
class Step:
    """An operation on the way from the source to the target.

    operation   its name
    i           which of its inputs the way comes from
    of          element type and shape of its result
    place       the user's file and line, if it was recorded
    cut         why no gradient passes, or None
    """

    operation: str
    i: int
    of: str
    place: Place | None
    cut: Cut | None
    _made: tuple[Node, Op] | None = field(default=None, repr=False, compare=False)

    @property
    def derivative(self) -> Any:
        """The derivative of the sum of the result by that input, a Tensor; None where there is none."""
        if self._made is None or self.cut is not None:
            return None
        found = _slope(*self._made, self.i)
        return None if found is None else wrap(found)


@dataclass(frozen=True)
class Explanation:
    """How a target depends on a source.

    connected   whether there is a gradient
    steps       the operations from the source to the target, as far as they are known
    cuts        the places that no gradient passes, the first one from the source in front
    """

    connected: bool
    steps: tuple[Step, ...]
    cuts: tuple[Cut, ...]

    @property
    def cut(self) -> Cut | None:
        """The first cut; None if there is a gradient."""
        return self.cuts[0] if self.cuts else None

    def __str__(self) -> str:
        if self.cut is None:
            head = ["the target depends on the source" + ("; from the source:" if self.steps else ": it is the source")]
        else:
            place = f" (in {self.cut.place})" if self.cut.place else ""
            head = [f"there is no gradient: {self.cut.what}{place}", f"    to do: {self.cut.fix}"]
            if self.steps:
                head.append("from the source:")
        return "\n".join([*head, *[f"    {_line(step)}" for step in self.steps]])

    __repr__ = __str__


def explain(target: Any, source: Any, tape: Any = None) -> Explanation:
    """Why there is a gradient of `target` by `source`, or none: the operations on the way, and the first cut.

    target  a Tensor or Variable, or a nest of them
    source  a Tensor or Variable
    tape    the GradientTape that was asked; else the one that last found no gradient, or one that is open

    Inside ``config.override(explain=True)`` everything is noted, with files and lines; else what is known of values
    that are pending, or were recorded by a tape that is persistent or found no gradient. Raises ArgumentError for what
    is no Tensor or Variable.

    >>> import gradtape as tf
    >>> x = tf.constant([0.5, 1.5])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = 3. * tf.floor(tf.exp(x))
    >>> tape.gradient(y, x) is None
    True
    >>> found = tf.explain(y, x)
    >>> found.cut.reason, found.cut.operation, [step.operation for step in found.steps]
    ('jump', 'floor', ['exp', 'floor', 'multiply'])
    """
    targets = [_of_target(one) for one in nest.flatten(target)]
    node = need_tensor(source, "the source of explain") if not getattr(source, "assignable", False) else source.leaf
    question = _asked(tape, targets, node)
    recording = question if isinstance(question, Recording) else question.recording if question else None
    sources = [node]
    if recording is not None and getattr(source, "assignable", False):
        sources = [*recording.reads.get(id(source), (source, []))[1], node]
    ops = question.ops if isinstance(question, Question) else {}
    return explained(recording, targets, sources, ops, source if getattr(source, "assignable", False) else None)


class Question:
    """What a tape was asked: the recording, the nodes of the targets and of each source, where it found nothing, and
    what made the targets as far as the tape did not record it, which would be forgotten with their values."""

    __slots__ = ("__weakref__", "missing", "ops", "recording", "targets", "variables", "wanted")

    def __init__(
        self,
        recording: Recording,
        targets: list[Node],
        wanted: list[Sequence[Node]],
        totals: Sequence[Node | None],
        sources: Sequence[Any] = (),
    ):
        known = [one if getattr(one, "assignable", False) else None for one in sources]
        self.variables = known or [None] * len(wanted)
        self.recording = recording
        self.targets = targets
        self.wanted = wanted
        self.missing = [total is None for total in totals]
        self.ops: dict[Node, Op] = {}
        stack = [node for node in targets if node not in recording.made] if any(self.missing) else []
        while stack:
            node = stack.pop()
            if node.op is not None and node not in self.ops and node not in recording.made:
                self.ops[node] = tuple(node.op)  # type: ignore[assignment]
                stack += node.op[1]

    def reasons(self) -> list[str | None]:
        """For each source the reason why there is no gradient; None where there is one."""
        return [
            str(explained(self.recording, self.targets, nodes, self.ops, variable).cut or UNRELATED)
            if missing
            else None
            for nodes, variable, missing in zip(self.wanted, self.variables, self.missing, strict=True)
        ]


_last: ContextVar[Any] = ContextVar("last", default=None)


def asked(question: Question) -> Question:
    """Remember what was asked last, as long as the tape does."""
    _last.set(ref(question))
    return question


def _asked(tape: Any, targets: list[Node], source: Node) -> Question | Recording | None:
    """What knows most of the way from a source to targets."""
    if tape is not None:
        return tape._question or tape._recording
    last = _last.get() and _last.get()()
    known = [*([last] if last else []), *reversed(recordings.get())]
    for one in known:
        made = (one if isinstance(one, Recording) else one.recording).made
        if source in made or any(node in made for node in targets):
            return one
    return last


def _of_target(target: Any) -> Node:
    if target is None:
        raise TargetError("the target of explain is None; if it came from a gradient, explain that one first")
    return target.leaf if getattr(target, "assignable", False) else need_tensor(target, "the target of explain")


# -- searching ------------------------------------------------------------------------------------------------


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


# -- what the table says --------------------------------------------------------------------------------------


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
    if kind == "custom" and _slope(node, op, i) is None:
        what = f"the gradient that was declared for {name} is None for this argument"
        return "rule", name, what, "return a gradient for it"
    return None


def _name(op: Op) -> str:
    """What the user called: a primitive, or a function with a rule of its own."""
    return getattr(custom_call(op).rule, "name", op[0].name) if op[0].kind == "custom" else op[0].name


def _slope(node: Node, op: Op, i: int) -> Node | None:
    """The derivative of the sum of a result by the input `i`."""
    primitive, inputs, params = op
    one = full(node.shape, 1, node.dtype)
    token = recordings.set(())
    try:
        if primitive.kind != "custom":
            return RULES[primitive.kind](primitive.rule, one, i, node, inputs, params)
        rule, results, arguments, which = custom_call(op)
        place = i - (len(inputs) - len(arguments))
        if place < 0:
            return None
        results = tuple([node if j == which else y for j, y in enumerate(results)])
        cts = [one if j == which else full(y.shape, 0, y.dtype) for j, y in enumerate(results)]
        return rule.pull(arguments, results, cts)[place]
    finally:
        recordings.reset(token)


def _step(edge: _Edge) -> Step:
    node, _, i, op, cut = edge
    name = _name(op) if op else cut.operation if cut else ""
    place = origins[node].place if node in origins else None
    of = f"{node.dtype.name}{list(node.shape)}"
    return Step(name, i, of, cut.place if cut else place, cut, (node, op) if op else None)


def _line(step: Step) -> str:
    """A step as people read it."""
    place = f", in {step.place}" if step.place else ""
    if step.cut is not None:
        return f"{step.operation}: no derivative{place}"
    slope = step.derivative
    if slope is None:
        return f"{step.operation}{place}"
    numbers = slope.numpy()
    shown = (
        f"{numbers:.8g}"
        if numbers.ndim == 0
        else "none"
        if not numbers.size
        else (f"{numbers.min():.8g} to {numbers.max():.8g}")
    )
    return f"{step.operation}: derivative {shown}{place}"


def warning(question: Question) -> str:
    """What to say where there is no gradient."""
    reasons = [(i, reason) for i, reason in enumerate(question.reasons()) if reason]
    if len(question.wanted) == 1:
        return f"the gradient is None: {reasons[0][1]}"
    return "; ".join(f"the gradient by source {i} is None: {reason}" for i, reason in reasons)
