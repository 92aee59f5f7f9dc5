"""Traces: what a thread asked for and was not computed yet, written down while it is asked for.

Each operation is appended to the Trace of its thread. A Trace stands somewhere in a tree of all sequences of operations
that were seen before: at its Prefix.

    ROOT ── leaf float32[] ── integer_pow(-1) n=4 ── literal 4 ── …        number -1, 0, 1, …
                          └── sin(-1) ── …

Code that runs again walks the same way through the tree. So what is known of a sequence is found, not made again:
the shape and type of each result, the Program for given outputs and its kernels, the operations of its gradient. Values
are not part of the tree, nor are Python numbers: they are leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from weakref import ref

from gradtape.graph.dtypes import DType
from gradtape.graph.node import TABLE, Buffer, Node, Op, Primitive, Recording, recordings
from gradtape.graph.program import Program, Step
from gradtape.graph.shapes import Shape

REMEMBERED = 50_000
"""How many Prefixes are kept; beyond it the tree is grown anew, and what was known is found out again."""

HELD = 64 << 20
"""Bytes of leaves that a Trace may hold before it looks whether they are still wanted."""


class Prefix:
    """A sequence of operations: one more than `parent`.

    key             what comes last: (primitive, params, numbers of the inputs), or the (type, shape) of a leaf
    number          of the result: 0, 1, … for operations, -1, -2, … for leaves
    shape, dtype    of the result
    steps, leaves   how many of each the sequence has
    known           what was found out about the sequence, by whoever wants to remember it
    """

    __slots__ = ("dtype", "key", "known", "leaves", "next", "number", "parent", "shape", "steps")

    def __init__(self, parent: Prefix | None, key: tuple, shape: Shape, dtype: DType):
        self.parent = parent
        self.key = key
        self.shape = shape
        self.dtype = dtype
        self.steps: int = parent.steps if parent else 0
        self.leaves: int = parent.leaves if parent else 0
        if len(key) == 2:
            self.leaves += 1
            self.number = -self.leaves
        elif parent:
            self.number = self.steps
            self.steps += 1
        self.next: dict[tuple, Prefix] = {}
        self.known: dict[Any, Any] = {}

    def then(self, key: tuple, shape: Shape, dtype: DType) -> Prefix:
        """The sequence with one more at its end."""
        _tree.size += 1
        if _tree.size > REMEMBERED:
            _tree.grow_anew()
        return self.next.setdefault(key, Prefix(self, key, shape, dtype))


class _Tree:
    """Where all Traces begin."""

    def __init__(self) -> None:
        self.grow_anew()

    def grow_anew(self) -> None:
        self.root = Prefix(None, (), (), None)  # type: ignore[arg-type]
        self.size = 0


_tree = _Tree()


class Trace(dict[Node, int]):
    """The operations since values were last computed: each node's number, entered when it is asked for.

    at          the node for each number
    token       an object of its own, by which it can be known again without being kept
    waiting     weak references to the Tensors that were made and had no value then
    bytes       how much memory the leaves keep alive
    limit       how many operations may be waiting: 0 before the first, below when `bytes` became too many
    closed      whether nodes that were made outside are leaves, computed or not

    Interrupts may come anywhere. So the Prefix moves on first: numbers that were given are never given again.
    """

    __slots__ = ("at", "bytes", "closed", "limit", "prefix", "token", "waiting")

    def __init__(self, closed: bool = False) -> None:
        self.prefix = _tree.root
        self.at: dict[int, Node] = {}
        self.waiting: list[ref] = []
        self.bytes = 0
        self.limit = 0
        self.closed = closed
        self.token = object()

    def __missing__(self, node: Node) -> int:
        """Enter a node that was made before this Trace began, with what it rests on. Graphs may be of any depth."""
        op = node.op
        if op is None or (self.closed and op[1]):
            key = (node.dtype.name, node.shape)
            after = self.prefix.next.get(key) or self.prefix.then(key, node.shape, node.dtype)
            self.prefix = after
            number = after.number
            self.at[number] = node
            self[node] = number
            if type(node.value) is Buffer:
                self.bytes += node.value.array.nbytes
                if self.bytes > HELD:
                    self.limit = -1
            return number
        stack = [node]
        while stack:
            top = stack[-1]
            if top not in self:
                op = top.op
                if op is not None:
                    missing = [x for x in op[1] if x not in self]
                    if missing:
                        stack += missing[::-1]
                        continue
                    self.step(top, op)
                else:
                    self[top]
            stack.pop()
        return self[node]

    def step(self, node: Node, op: Op) -> None:
        """Append an operation, unseen by recordings."""
        key = (op[0], op[2], tuple([self[x] for x in op[1]]))
        after = self.prefix.next.get(key) or self.prefix.then(key, node.shape, node.dtype)
        self.prefix = after
        self.at[after.number] = node
        self[node] = after.number

    def replay(self, steps: Steps, after: Prefix, wanted: Sequence[int | None]) -> list[Node | None]:
        """Append operations that lead from this Trace's Prefix to `after`: the nodes with the numbers `wanted`.

        If nothing is recorded, the nodes in between are not made unless somebody looks at them.
        """
        self.prefix = after
        at = self.at
        recorded = recordings.get()
        if recorded:
            for number, (primitive, params, refs, shape, dtype) in steps.items():
                try:
                    inputs = tuple([at[i] for i in refs])
                except KeyError:  # what an earlier replay left unmade
                    inputs = _made(refs, steps, at)
                op = (primitive, inputs, params)
                node = at[number] = Node(op, None, shape, dtype)
                self[node] = number
                if dtype.is_floating:
                    record(recorded, node, op)
        nodes: list[Node | None] = []
        for result in wanted:
            made = None if result is None else at.get(result)
            if made is None and result is not None:
                made = at[result] = _later(result, steps, at)
                self[made] = result
            nodes.append(made)
        return nodes


class Steps(dict[int, tuple[Primitive, tuple, tuple[int, ...], Shape, DType]]):
    """Operations by the number of their result: primitive, params, numbers of the inputs, shape and type. Those that
    come before them, in the Prefix `before`, are found on demand."""

    __slots__ = ("before",)

    def __init__(self, before: Prefix):
        self.before = before

    def __missing__(self, number: int) -> tuple[Primitive, tuple, tuple[int, ...], Shape, DType]:
        prefix: Prefix | None = self.before
        while prefix is not None and prefix.number != number:
            prefix = prefix.parent
        if prefix is None:
            raise KeyError(number)
        primitive, params, refs = prefix.key
        return primitive, params, refs, prefix.shape, prefix.dtype


class Later:
    """The op of a node that was replayed: what it is, is worked out when somebody looks."""

    __slots__ = ("_at", "_number", "_op", "_steps")

    def __init__(self, number: int, steps: Steps, at: dict[int, Node]):
        self._number = number
        self._steps = steps
        self._at = at
        self._op: Op | None = None

    def _known(self) -> Op:
        if self._op is None:
            at, steps = self._at, self._steps
            primitive, params, refs, _, _ = steps[self._number]
            self._op = (primitive, _made(refs, steps, at), params)
        return self._op

    def __getitem__(self, i: int) -> Any:
        return self._known()[i]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._known())

    def __eq__(self, other: object) -> bool:
        return self._known() == (other._known() if isinstance(other, Later) else other)

    __hash__ = None  # type: ignore[assignment]


def _made(numbers: Sequence[int], steps: Steps, at: dict[int, Node]) -> tuple[Node, ...]:
    """The nodes with these numbers, made if nobody looked at them before."""
    return tuple([at[i] if i in at else at.setdefault(i, _later(i, steps, at)) for i in numbers])


def _later(number: int, steps: Steps, at: dict[int, Node]) -> Node:
    primitive, params, refs, shape, dtype = steps[number]
    op: Any = Later(number, steps, at) if refs else (primitive, (), params)
    return Node(op, None, shape, dtype)


class Computation(NamedTuple):
    """A Program, the numbers of its leaves in the Trace, and which of the wanted values it computes."""

    program: Program
    leaves: list[int]
    taken: list[int]


def between(before: Prefix, after: Prefix) -> Steps | None:
    """The operations that lead from one Prefix to a later one; None if leaves are among them, which have values."""
    found = []
    while after is not before:
        if len(after.key) == 2:
            return None
        found.append(after)
        assert after.parent is not None
        after = after.parent
    steps = Steps(before)
    for prefix in reversed(found):
        primitive, params, refs = prefix.key
        steps[prefix.number] = (primitive, params, refs, prefix.shape, prefix.dtype)
    return steps


def computation(prefix: Prefix, wanted: Sequence[int], certain: int = 1) -> Computation:
    """How to compute the first `certain` of the values with the numbers `wanted`, and in the same pass those of the
    others that share an operation or a leaf with them. The same operation on the same values becomes one step.

    Programs are canonical: their order is that in which a walk from the outputs, first input first, is done with what
    it meets, whatever else was asked for and when.
    """
    made: dict[int, Prefix] = {}
    while prefix.parent is not None:
        made[prefix.number] = prefix
        prefix = prefix.parent
    numbers: dict[int, int] = {}
    leaves: list[int] = []
    steps: dict[Step, int] = {}
    taken: list[int] = []
    for i, number in enumerate(wanted):
        leaves_before, steps_before = len(leaves), len(steps)
        new: dict[int, int] = {}
        if number in numbers or _number(number, made, numbers, new, leaves, steps) or i < certain:
            numbers.update(new)
            taken.append(i)
        else:
            del leaves[leaves_before:]
            while len(steps) > steps_before:
                steps.popitem()
    signature = tuple([made[i].key for i in leaves])
    outputs = tuple([numbers[wanted[i]] for i in taken])
    return Computation(Program(signature, tuple(steps), outputs), leaves, taken)


def _number(
    root: int,
    made: dict[int, Prefix],
    numbers: dict[int, int],
    new: dict[int, int],
    leaves: list[int],
    steps: dict[Step, int],
) -> bool:
    """Number what `root` rests on, in `new`; whether any of it, literals aside, had a number before, in `numbers`."""
    shared = False
    stack = [root]
    while stack:
        number = stack[-1]
        if number in new:
            stack.pop()
            continue
        key = made[number].key
        if number in numbers:
            stack.pop()
            new[number] = numbers[number]
            shared = shared or number < 0 or bool(key[2])
        elif number < 0:
            stack.pop()
            leaves.append(number)
            new[number] = -len(leaves)
        else:
            missing = [i for i in key[2] if i not in new]
            if missing:
                stack += missing[::-1]
                continue
            stack.pop()
            step = (key[0].name, key[1], tuple([new[i] for i in key[2]]))
            new[number] = steps.setdefault(step, len(steps))
    return shared


class _Thread(threading.local):
    """The Trace of this thread, and while a function is traced the `staging.Capture` that variables ask."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.capture: Any = None


thread = _Thread()


def watched(node: Node) -> bool:
    """Whether somebody follows a node: a recording that is open, or hidden from the body of a loop that is traced."""
    for recording in recordings.get() if thread.capture is None else (*recordings.get(), *thread.capture.hidden()):
        if node in recording.made:
            return True
    return False


def rely(leaf: Node) -> None:
    """Say that what is done holds only as long as a leaf is a constant. A function that is traced remembers it."""
    if thread.capture is not None:
        thread.capture.rely(leaf)


def apply(primitive: Primitive, inputs: tuple[Node, ...], params: tuple = ()) -> Node:
    """The node that `primitive` makes of `inputs`."""
    trace = thread.trace
    if len(inputs) == 1:  # written out, as everything waits for this
        refs: tuple[int, ...] = (trace[inputs[0]],)
    elif len(inputs) == 2:
        refs = (trace[inputs[0]], trace[inputs[1]])
    else:
        refs = tuple([trace[x] for x in inputs])
    prefix = trace.prefix
    key = (primitive, params, refs)
    after = prefix.next.get(key) or prefix.then(key, *primitive.infer(inputs, params))
    op = (primitive, inputs, params)
    node = Node(op, None, after.shape, after.dtype)
    if trace.prefix is not prefix:  # a signal handler or finalizer came in between
        return apply(primitive, inputs, params)
    trace.prefix = after
    number = after.number
    trace.at[number] = node
    trace[node] = number
    recorded = recordings.get()
    if recorded and after.dtype.is_floating:
        record(recorded, node, op)
    return node


def again(program: Program, leaves: Sequence[Node]) -> list[Node]:
    """The outputs of a Program, made on nodes: its operations are applied again, for recordings to see."""
    made: list[Node] = []
    for name, params, refs in program.steps:
        made.append(apply(TABLE[name], tuple([made[i] if i >= 0 else leaves[-1 - i] for i in refs]), params))
    return [made[i] if i >= 0 else leaves[-1 - i] for i in program.outputs]


def record(recorded: tuple[Recording, ...], node: Node, op: Op) -> None:
    """Tell open recordings what made a node."""
    for recording in recorded:
        made = recording.made
        for x in op[1]:
            if x in made:
                made[node] = op
                break


def trace(target: Node, others: Sequence[Node] = ()) -> tuple[Program, list[Node], list[Node]]:
    """The Program that computes `target` and those of `others` that share something with it.

    Returns the Program, the leaves that it runs on, and the nodes that its outputs are, `target` first.
    """
    entered = Trace()
    wanted = [target, *others]
    numbers = [entered[node] for node in wanted]
    made = computation(entered.prefix, numbers)
    return made.program, [entered.at[i] for i in made.leaves], [wanted[i] for i in made.taken]
