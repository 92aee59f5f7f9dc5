"""Stabilise: find what people write by hand and put the exact primitive in its place.

`ROWS` is the table. Both readers of it work on nodes: `recorded` on what a tape has recorded, before it is
differentiated; `stabilise` on a Program, before it is planned. Whether a number is the 1 of ``1 + x`` can only be told
by its value, which is no part of a Program. So results come with the answers about numbers that they rest on, and are
valid where these are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import CodeType
from typing import Any, NamedTuple

from gradtape.config import settings
from gradtape.graph.dtypes import float32
from gradtape.graph.node import TABLE, Node, Op, Primitive, Recording, recordings
from gradtape.graph.program import Program, Step, rebuild
from gradtape.graph.shapes import reduced
from gradtape.graph.trace import Trace, apply, thread
from gradtape.ops import normalised
from gradtape.ops.activations import sigmoid, silu, softplus, tanh
from gradtape.ops.exponential import exp, expm1, log, log1p
from gradtape.ops.powers import hypot, sqrt
from gradtape.ops.reductions import MAX
from gradtape.ops.selection import where
from gradtape.ops.shaping import SUM, reshaped
from gradtape.ops.trigonometric import cos, sin, sine_ratio, versine
from gradtape.rewrite.match import Guard, Match, Matcher, roots


class Row(NamedTuple):
    """One rewrite.

    name            what `gradtape.show` calls it
    spellings       expressions in x and y; other orders of sums and products, x·x for x², /2 for ·0.5 and other
                    inverses are found by themselves
    replacement     what is computed and differentiated instead; `axes` and `shape` are those of a sum
    why             why no input gets worse
    as_written      whether the spellings are to be found as they stand, not with what is in them rewritten
    """

    name: str
    spellings: tuple[str, ...]
    replacement: str
    why: str
    as_written: bool = False


ROWS = (
    Row(
        "sigmoid",
        ("1 / (1 + exp(-x))", "exp(x) / (1 + exp(x))", "0.5 * (1 + tanh(0.5 * x))", "0.5 * tanh(0.5 * x) + 0.5"),
        "sigmoid(x)",
        "all inputs; neither overflow nor inf/inf in the tails",
    ),
    Row(
        "sigmoid", ("1 / (1 + exp(x))", "1 - sigmoid(x)"), "sigmoid(-x)", "all inputs; 1 - s has no digits for large x"
    ),
    Row(
        "sigmoid slope",
        ("sigmoid(x) * (1 - sigmoid(x))", "sigmoid(x) - sigmoid(x)**2"),
        "sigmoid(x, order=1)",
        "all inputs",
    ),
    Row(
        "tanh slope",
        ("1 - tanh(x)**2", "(1 - tanh(x)) * (1 + tanh(x))"),
        "tanh(x, order=1)",
        "all inputs; 1 - t² has no digits for large x",
    ),
    Row("softplus", ("log(1 + exp(x))", "log1p(exp(x))"), "softplus(x)", "all inputs; exp overflows"),
    Row("log_sigmoid", ("log(sigmoid(x))",), "-softplus(-x)", "all inputs; sigmoid underflows, and rounds to 1"),
    Row("expm1", ("exp(x) - 1", "exp(x) + -1"), "expm1(x)", "all inputs; a zero has the sign of x"),
    Row("expm1", ("1 - exp(x)",), "-expm1(x)", "all inputs; a zero has the sign of -x"),
    Row(
        "log1mexp",
        ("log(1 - exp(x))",),
        "where(x > -0.6931471805599453, log(-expm1(x)), log1p(-exp(x)))",
        "all inputs; of two exact forms the one that does not cancel there (Mächler 2012)",
    ),
    Row("log1p", ("log(1 + x)",), "log1p(x)", "all inputs; a zero has the sign of x"),
    Row("log1p", ("log(1 - x)",), "log1p(-x)", "all inputs; a zero has the sign of -x"),
    Row("versine", ("1 - cos(x)",), "versine(x)", "all inputs; computed as 2 sin²(x/2)"),
    Row("sine_ratio", ("sin(x) / x",), "sine_ratio(x)", "all inputs; 1 at 0, where it was NaN"),
    Row(
        "hypot",
        ("sqrt(x**2 + y**2)",),
        "hypot(x, y)",
        "all inputs; squares overflow and underflow; the gradient at the origin is 0",
    ),
    Row(
        "silu",
        ("x / (1 + exp(-x))", "x * sigmoid(x)"),
        "silu(x)",
        "all inputs; the gradient was NaN where exp overflows",
    ),
    Row(
        "log_softmax",
        ("x - log(sum(exp(x)))",),
        "log_softmax(x, axes, shape)",
        "all inputs; relative to the maximum, in double",
        as_written=True,
    ),
    Row(
        "logsumexp",
        ("log(sum(exp(x)))",),
        "logsumexp(x, axes, shape)",
        "all inputs; relative to the maximum, in double; left alone where x is a difference from a maximum already",
    ),
)
"""The rewrites. Of several that fit, the first one is taken."""


def logsumexp(x: Node, axes: tuple[int, ...], shape: tuple[int, ...]) -> Node:
    """log(sum(exp(x))) over axes, in the given shape."""
    return reshaped(normalised.reduce_logsumexp(x, axes), shape)


def log_softmax(x: Node, axes: tuple[int, ...], shape: tuple[int, ...]) -> Node:
    """x - log(sum(exp(x))) over axes, where the logarithm is given that shape."""
    if len(axes) == 1 and _broadcast_alike(shape, reduced(x.shape, axes, True)):
        return normalised.log_softmax(x, axes[0])
    return x - logsumexp(x, axes, shape)


def _broadcast_alike(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two shapes differ by lengths of one in front alone."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    return long == (1,) * (len(long) - len(short)) + short


_NAMES: dict[str, Any] = {
    "cos": cos,
    "exp": exp,
    "expm1": expm1,
    "hypot": hypot,
    "log": log,
    "log1p": log1p,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
    "sigmoid": sigmoid,
    "silu": silu,
    "sin": sin,
    "sine_ratio": sine_ratio,
    "softplus": softplus,
    "sqrt": sqrt,
    "sum": lambda x: apply(SUM, (x,), ((0,),)),
    "tanh": tanh,
    "versine": versine,
    "where": where,
}
_ARITHMETIC = {"add", "subtract", "multiply", "real_divide", "negative", "square", "literal", "sum"}
KEPT = 8
"""So many results for other numbers are kept of one Program or recording."""


class _Entry(NamedTuple):
    row: Row
    pattern: Node
    replacement: CodeType

    def made(self, found: Match) -> Node:
        names = dict(zip("xy", found.nodes.values(), strict=False))
        return eval(self.replacement, _NAMES, names | {"axes": found.axes, "shape": found.shape})


class _Table(NamedTuple):
    """The rows by the primitives that a match can end with, and the primitives of which every match has one."""

    entries: Mapping[Primitive, Sequence[_Entry]]
    telling: Collection[Primitive]


@contextmanager
def _apart() -> Iterator[None]:
    """Nodes that are made in the block are part of no computation."""
    outside, token = thread.trace, recordings.set(())
    thread.trace = Trace(closed=True)
    try:
        yield
    finally:
        thread.trace = outside
        recordings.reset(token)


@cache
def table() -> _Table:
    """The table, traced when it is first needed. What a spelling contains is rewritten by the rows before it."""
    entries: dict[Primitive, list[_Entry]] = {}
    telling: set[Primitive] = set()
    with _apart():
        x, y = (Node(None, None, (2,), float32) for _ in "xy")
        for row in ROWS:
            replacement = compile(row.replacement, row.name, "eval")
            for spelling in row.spellings:
                pattern = eval(spelling, _NAMES, {"x": x, "y": y})
                telling.update([op[0] for op in _ops(pattern) if op[0].name not in _ARITHMETIC])
                if not row.as_written:
                    pattern = _normal(pattern, _Table(entries, ()))
                for primitive in roots(pattern):
                    entries.setdefault(primitive, []).append(_Entry(row, pattern, replacement))
    return _Table(entries, frozenset(telling))


def _ops(node: Node) -> list[Op]:
    return [] if node.op is None else [node.op, *[op for x in node.op[1] for op in _ops(x)]]


def _normal(pattern: Node, known: _Table) -> Node:
    """The pattern with all but its last operation rewritten."""
    matcher = Matcher(lambda node: node.op, lambda node: None)

    def rewritten(node: Node, last: bool) -> Node:
        if node.op is None or not node.op[1]:
            return node
        primitive, inputs, params = node.op
        node = Node((primitive, tuple([rewritten(x, False) for x in inputs]), params), None, node.shape, node.dtype)
        found = None if last else _found(known, matcher, node)
        return node if found is None else found[0].made(found[1])

    return rewritten(pattern, True)


def _found(rows: _Table, matcher: Matcher, node: Node) -> tuple[_Entry, Match] | None:
    """The first row that fits a node, and what its x and y are."""
    op = matcher.op(node)
    assert op is not None
    for entry in rows.entries.get(op[0], ()):
        matcher.as_written = entry.row.as_written
        found = matcher.match(entry.pattern, node, Match({}))
        matcher.as_written = False
        if found is not None and not (found.axes and _has_maximum(matcher, next(iter(found.nodes.values())))):
            return entry, found
    return None


def _has_maximum(matcher: Matcher, x: Node) -> bool:
    """Whether x is a difference from a maximum, as people write it before they take exponentials."""
    op = matcher.op(x)
    if op is None or op[0].name != "subtract":
        return False
    pending, seen = [op[1][1]], 0
    while pending and seen < 8:
        seen += 1
        op = matcher.op(pending.pop())
        if op is not None:
            if op[0] is MAX:
                return True
            pending += op[1]
    return False


def _fits(replacement: Node, node: Node) -> bool:
    return replacement.shape == node.shape and replacement.dtype is node.dtype


# -- what a tape has recorded ---------------------------------------------------------------------------------


class Recorded(NamedTuple):
    """A recording whose matches are the identity of their replacement.

    made        what pull_back walks
    hidden      recorded nodes inside of a match, which it does not lead to any more
    rests_on    the conditions under which the same record gives the same; None: always
    """

    made: dict[Node, Op | None]
    hidden: Collection[Node]
    rests_on: Conditions | None


class Conditions(NamedTuple):
    """The setting (None: they never hold again), what was asked of numbers, and how much other open recordings had
    seen."""

    on: bool | None
    guards: tuple[tuple[int, int | None, float, bool], ...]
    sizes: tuple[int, ...]

    def hold(self, at: Mapping[int, Node], made: Mapping[Node, Any]) -> bool:
        """Whether they hold for the nodes with the same numbers in a Trace."""
        outer = recordings.get()
        if settings().stabilise is not self.on or (self.sizes if not outer else self.sizes != _sizes()):
            return False
        for leaf, other, wanted, answer in self.guards:
            value = _constant(at[leaf], made, outer)
            if (
                value is not None and value == (wanted if other is None else _constant(at[other], made, outer))
            ) != answer:
                return False
        return True


NEVER = Conditions(None, (), ())


def _sizes() -> tuple[int, ...]:
    return tuple([len(recording.made) for recording in recordings.get()])


def _constant(node: Node, made: Mapping[Node, Any], outer: Sequence[Recording]) -> float | None:
    """The number that a node is, if it is a constant for every tape."""
    value = node.value
    if type(value) is not float or node in made:
        return None
    for recording in outer:
        if node in recording.made:
            return None
    return value


def recorded(made: dict[Node, Op | None], numbers: Mapping[Node, int], apart: Collection[Node] = ()) -> Recorded:
    """The recorded operations, stabilised, but nothing across the nodes `apart`.

    `numbers` says by which number a node is known where conditions are checked.
    """
    rows = table()
    if not any(op is not None and op[0] in rows.telling for op in made.values()):
        return Recorded(made, (), None)
    sizes = _sizes()
    if not settings().stabilise:
        return Recorded(made, (), Conditions(False, (), sizes))
    outer = recordings.get()
    watching = (made, *[recording.made for recording in outer])
    fresh: dict[Node, Op | None] = {}

    def made_by(node: Node) -> Op | None:
        if node in fresh:
            return fresh[node]
        op = made.get(node, node.op)
        if op is None or (node in apart and node is not last):
            return None
        for one in watching:  # what was made of a watched node, but not recorded, is a constant
            if node not in one and any(x in one for x in op[1]):
                return None
        return op

    matcher = Matcher(made_by, lambda node: _constant(node, made, outer))
    result: dict[Node, Op | None] = {}
    hidden: set[Node] = set()
    last = None
    for node, op in list(made.items()):
        last = node
        found = None if op is None or op[0] not in rows.entries else _found(rows, matcher, node)
        if found is not None:
            entry, match = found
            bound = [x for x in match.nodes.values() if x in result]
            replacement, steps = _recorded_apart(entry, match, bound)
            if _fits(replacement, node):
                fresh.update(steps)
                result.update(steps)
                result[node] = (TABLE["identity"], (replacement,), ())
                if node not in apart:
                    matcher.replaced[node] = replacement
                hidden.update(_inside(node, bound, made))
                continue
        result[node] = op
    guards = list(matcher.asked.values())
    if not guards and not matcher.replaced and not apart:
        return Recorded(made, (), None)
    if any(guard.leaf not in numbers or (guard.other or guard.leaf) not in numbers for guard in guards):
        return Recorded(result, hidden, NEVER)
    return Recorded(result, hidden, Conditions(True, tuple([_placed(guard, numbers) for guard in guards]), sizes))


def _recorded_apart(entry: _Entry, match: Match, bound: list[Node]) -> tuple[Node, dict[Node, Op | None]]:
    """The replacement, and those of its operations that rest on what was recorded."""
    recording = Recording(accessed=False)
    for x in bound:
        recording.watch(x)
    token = recordings.set((*recordings.get(), recording))
    try:
        replacement = entry.made(match)
    finally:
        recordings.reset(token)
    return replacement, {x: op for x, op in recording.made.items() if op is not None}


def _inside(node: Node, bound: Collection[Node], made: Mapping[Node, Op | None]) -> Iterator[Node]:
    """The recorded nodes between a match and what it is of."""
    pending = [node]
    while pending:
        op = made[pending.pop()]
        for x in op[1] if op is not None else ():
            if x in made and x not in bound:
                yield x
                pending.append(x)


def _placed(guard: Guard, number: Mapping[Node, int]) -> tuple[int, int | None, float, bool]:
    other = None if guard.other is None else number[guard.other]
    return number[guard.leaf], other, guard.number, guard.answer


# -- Programs -------------------------------------------------------------------------------------------------


class Stabilised(NamedTuple):
    """A Program, rewritten.

    program     what is computed instead
    leaves      which of the leaves it runs on
    guards      what was asked of leaves; where other answers are right, the result may be another
    rewritten   how often each row was applied
    """

    program: Program
    leaves: tuple[int, ...]
    guards: tuple[tuple[int, int | None, float, bool], ...]
    rewritten: Counter[str]

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether the same is right for leaves with these values."""
        for leaf, other, wanted, answer in self.guards:
            value = values[leaf]
            if (type(value) is float and value == (wanted if other is None else values[other])) != answer:
                return False
        return True


def concerns(program: Program) -> bool:
    """Whether any row may fit a part of the Program."""
    telling = table().telling
    return len(program.steps) > 1 and any(TABLE[name] in telling for name, _, _ in program.steps)


def stabilise(program: Program, values: Sequence[Any]) -> Stabilised:
    """The Program with every match replaced, for leaves with these values."""
    rows = table()
    leaves, nodes = rebuild(program)
    places = {leaf: i for i, leaf in enumerate(leaves)}

    def number(leaf: Node) -> float | None:
        value = values[places[leaf]]
        return value if type(value) is float else None

    matcher = Matcher(lambda node: node.op, number)
    names: dict[Node, str] = {}
    with _apart():
        for node in nodes:
            assert node.op is not None
            found = _found(rows, matcher, node) if node.op[0] in rows.entries else None
            if found is not None:
                replacement = found[0].made(found[1])
                if _fits(replacement, node):
                    matcher.replaced[node] = replacement
                    names[node] = found[0].row.name
    guards = tuple([_placed(guard, places) for guard in matcher.asked.values()])
    if not names:
        return Stabilised(program, tuple(range(len(leaves))), guards, Counter())
    wanted = [nodes[i] if i >= 0 else leaves[-1 - i] for i in program.outputs]
    rewritten, used, reached = _with(matcher.replaced, wanted)
    return Stabilised(
        rewritten, tuple([places[leaf] for leaf in used]), guards, Counter([names[n] for n in names if n in reached])
    )


def _with(replaced: Mapping[Node, Node], wanted: Sequence[Node]) -> tuple[Program, list[Node], set[Node]]:
    """The Program that computes nodes, where some are replaced by others; its leaves; and which were replaced. It is
    in canonical order, see `gradtape.graph.trace.computation`."""
    number: dict[Node, int] = {}
    steps: dict[Step, int] = {}
    leaves: list[Node] = []
    reached: set[Node] = set()
    stack = list(reversed(wanted))
    while stack:
        node = stack[-1]
        if node in number:
            stack.pop()
        elif node in replaced:
            reached.add(node)
            if replaced[node] in number:
                number[node] = number[replaced[node]]
            else:
                stack.append(replaced[node])
        elif node.op is None:
            leaves.append(node)
            number[node] = -len(leaves)
        else:
            primitive, inputs, params = node.op
            missing = [x for x in inputs if x not in number]
            if missing:
                stack += missing[::-1]
            else:
                step = (primitive.name, params, tuple([number[x] for x in inputs]))
                number[node] = steps.setdefault(step, len(steps))
    signature = tuple([(leaf.dtype.name, leaf.shape) for leaf in leaves])
    return Program(signature, tuple(steps), tuple([number[node] for node in wanted])), leaves, reached
