"""What would happen if somebody asked: the pending graph, and the plan by which it is computed. Computes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradtape.config import settings
from gradtape.engine.tiers import QUICK, Pieces, compile_time, known_way
from gradtape.engine.units import amount, duration
from gradtape.errors import ArgumentError
from gradtape.graph.handles import Handle
from gradtape.graph.node import Node
from gradtape.graph.program import Program, typed
from gradtape.graph.trace import thread, trace
from gradtape.modes.nest import flatten
from gradtape.rewrite.stabilise import concerns, stabilise

if TYPE_CHECKING:  # loaded when something is shown
    from gradtape.engine.describe import Value, Work
    from gradtape.engine.steps import KernelSpec


def show(value: Any, *, ir: bool = False, file: Any = None) -> None:
    """Print how a value will be computed: the pending graph, and the plan of its kernels and library calls.

    value   a Tensor or Variable, or a nest (list, tuple, dict) of them; or a function made by `function`, whose traces
            are shown
    ir      whether to print the LLVM IR of each kernel as well
    file    where to print, anything with a method `write`; None: ``sys.stdout``

    Nothing is computed or compiled, and nothing changes. Other Tensors that you hold and that share something with
    `value` are part of what is shown, as they are computed in the same pass.

    The graph is shown as it was written, the plan after rewriting; formulas that are computed as another primitive are
    named between the two, see docs/stabilising.md. For each step it says over which lengths it loops,
    what it reads and writes, and the operations (t0, t1, … stay in registers). Bytes are those of arrays; single
    numbers are passed as arguments. Operations are counted once per element, elementary functions (sin, sigmoid, …)
    among them.

    Raises ArgumentError for anything else than tensors, or a `file` that cannot be written to.

    >>> import gradtape as tf
    >>> y = tf.sin(tf.constant([1., 2., 3.])) * 2.
    >>> tf.show(y)  # doctest: +ELLIPSIS
    pending: 2 operations
      a0: float32[3]
      a1: float32[] = 2.0
      v0: float32[3] = sin(a0)
      v1: float32[3] = v0*a1
      return v1
    plan: 1 kernel
      kernel 1: loops over 3
        reads  a0: float32[3], a1: float32[]
          t0 = sin(a0)
          r0 = t0*a1
        writes r0: float32[3]
        12 B read, 12 B written, 6 operations (3 of elementary functions)
      return r0
    total: 1 pass over memory, 12 B read, 12 B written, 6 operations (3 of elementary functions)
      no intermediate results stored
    run: ...
    """
    out = sys.stdout if file is None else file
    if not callable(getattr(out, "write", None)):
        raise ArgumentError(f"file must be something to write to, as open(...) gives, but {file!r} was given")
    programs = getattr(value, "programs", None)
    lines = _report(_nodes(value), ir) if programs is None else _traces(programs, value.leaf_values, ir)
    for line in lines:
        print(line, file=out)


def _traces(programs: Sequence[Program], leaf_values: Sequence[Sequence[Any]], ir: bool) -> Iterator[str]:
    """Each trace of a function: its operations and its plan."""
    if not programs:
        yield "not traced yet: it was never called"
    for number, (program, values) in enumerate(zip(programs, leaf_values, strict=True), 1):
        operations = sum(name != "literal" for name, _, _ in program.steps)
        yield f"trace {number}: {_count(operations, 'operation')}"
        yield from _indented(str(program).splitlines())
        yield from _planned_as_rewritten(program, values, ir, "fused")


def _nodes(value: Any) -> list[Node]:
    handles = flatten(value)
    for handle in handles:
        if not isinstance(handle, Handle):
            raise ArgumentError(
                "show needs a Tensor or Variable, or a list, tuple or dict of them, but a "
                f"{type(handle).__module__}.{type(handle).__name__} was given"
            )
    if not handles:
        raise ArgumentError(f"show needs at least one Tensor or Variable, but {value!r} has none")
    return [handle.leaf if handle.assignable else handle.node for handle in handles]  # tapes do not see this


def _report(nodes: Sequence[Node], ir: bool) -> Iterator[str]:
    """First what is known, then each Program that would run, in order."""
    left = []
    for node in nodes:
        if node.value is not None:
            yield f"already computed: {typed(node.dtype.name, node.shape)}"
        elif node.op is None:
            yield f"an argument of the function that is being traced: {typed(node.dtype.name, node.shape)}"
        else:
            left.append(node)
    covered: set[Node] = set()
    for node in left:
        if node not in covered:
            program, leaves, outputs = trace(node, _others(node))
            covered.update(outputs)
            asked = [output in left for output in outputs]
            yield from _program(program, leaves, asked)
            yield from _planned_as_rewritten(program, [leaf.value for leaf in leaves], ir)


def _others(node: Node) -> list[Node]:
    """What else is computed when somebody asks for the value of a node, as `engine.run.compute` has it."""
    here = thread.trace
    tensors = [reference() for reference in here.waiting]
    others = [tensor.node for tensor in tensors if tensor is not None]
    others = [other for other in others if other.value is None and other in here and other is not node]
    return [other for other in others if other.op is not None]  # not arguments of a function that is being traced


def _program(program: Program, leaves: Sequence[Node], asked: Sequence[bool]) -> Iterator[str]:
    """The graph as it was written, with the values of leaves that are single numbers."""
    operations = sum(name != "literal" for name, _, _ in program.steps)
    yield f"pending: {_count(operations, 'operation')}"
    lines = str(program).splitlines()
    for i, leaf in enumerate(leaves):
        if leaf.shape == () and leaf.value is not None:
            lines[i] += f" = {leaf.dtype.dtype.type(leaf.value)}"
    yield from _indented(lines)
    names = program.names()
    others = [names[i] for i, one in zip(program.outputs, asked, strict=True) if not one]
    if others:
        yield f"  of these, other live tensors wait for {', '.join(dict.fromkeys(others))}"


def _planned_as_rewritten(program: Program, values: Sequence[Any], ir: bool, tier: str = "") -> Iterator[str]:
    """Which formulas are replaced, and the plan of what is computed instead."""
    if not settings().stabilise or not concerns(program):
        yield from planned(program, ir, tier)
        return
    found = stabilise(program, values)
    if found.rewritten:
        yield "rewritten: " + ", ".join(f"{name} ×{times}" for name, times in found.rewritten.items())
    yield from planned(found.program, ir, tier, found.leaves)


def planned(program: Program, ir: bool = False, tier: str = "", leaves: Sequence[int] = ()) -> Iterator[str]:
    """The plan of a Program, line by line; in a tier, or in that of the present settings. `leaves` are the numbers by
    which its leaves are called."""
    from gradtape.engine.describe import works
    from gradtape.engine.kernel import is_ready
    from gradtape.engine.plan import plan
    from gradtape.rewrite import rewrite

    way, came = known_way(program, tier)
    names = {-1 - i: f"a{number}" for i, number in enumerate(leaves or range(len(program.leaves)))}
    parts = [(program, list(names), program.outputs)]
    if way == "pieces":
        parts = [(part, reads, tuple(wanted)) for part, reads, wanted, _ in Pieces(program).parts]
    found: list[tuple[Work, dict[int, str]]] = []
    stored = 0
    for part, reads, wanted in parts:
        made = plan(rewrite(part))
        slots = {i: names[number] for i, number in enumerate(reads)}
        for work in works(part, made):
            for value in work.writes:
                slots[value.slot] = f"r{stored}"
                stored += 1
            found.append((work, slots))
        names.update(zip(wanted, [slots[slot] for slot in made.outputs], strict=True))
    every = [work for work, _ in found]
    kernels = [work.spec for work in every if work.spec]
    yield f"plan: {_kinds(every)}"
    number = 0
    for work, slots in found:
        number += work.spec is not None
        yield from _indented(_step(work, slots, number))
    results = [names[i] for i in program.outputs]
    yield f"  return {', '.join(results)}"
    between = [value for work, slots in found for value in _stored(work) if slots[value.slot] not in results]
    yield f"total: {_count(sum(work.bytes > 0 for work in every), 'pass', 'passes')} over memory, {_cost(every)}"
    if between:
        yield f"  {_count(len(between), 'intermediate result')} stored, {amount(sum(value.bytes for value in between))}"
    else:
        yield "  no intermediate results stored"
    yield f"run: {_how(program, way, came, len(parts))}"
    if kernels:
        missing = len(kernels) - sum(map(is_ready, kernels))
        code = (
            f"{_count(missing, 'kernel')} to be compiled or loaded from disk"
            if missing
            else "all kernels are in memory"
        )
        yield f"  {code}"
    if ir:
        yield from _ir(kernels)


def _step(work: Work, names: Mapping[int, str], number: int) -> Iterator[str]:
    if work.spec is None:
        yield f"library call: {work.label}" + ("" if work.bytes else ", a view")
    elif work.loops:
        yield f"kernel {number}: loops over {' × '.join(map(str, work.loops))}"
    else:
        yield f"kernel {number}: single numbers"
    if work.reads:
        operands = dict(zip(work.operands(names), work.reads, strict=False))  # one that is given twice is read once
        yield f"  reads  {', '.join(_value(name, value) for name, value in operands.items())}"
    for line in work.lines(names):
        yield f"    {line}"
    yield f"  writes {', '.join(_value(names[value.slot], value) for value in work.writes)}"
    yield f"  {_cost([work])}"


def _value(name: str, value: Value) -> str:
    return f"{name}: {typed(*value.signature)}" + (f" ({value.way})" if value.way else "")


def _stored(work: Work) -> tuple[Value, ...]:
    """The results of a step that take memory."""
    return work.writes if work.spec or work.bytes else ()


def _cost(steps: Sequence[Work]) -> str:
    """What steps move and compute."""
    read, written, copied, operations, elementary = [
        sum(getattr(work, of) for work in steps) for of in ("read", "written", "copied", "operations", "elementary")
    ]
    parts = [f"{amount(read)} read", f"{amount(written)} written"]
    if copied:
        parts.append(f"{amount(copied)} moved to lay operands out anew")
    if operations:
        functions = f" ({elementary:,} of elementary functions)" if elementary else ""
        parts.append(f"{operations:,} operation{'s' * (operations != 1)}{functions}")
    return ", ".join(parts)


def _kinds(steps: Sequence[Work]) -> str:
    kernels = sum(work.spec is not None for work in steps)
    calls = len(steps) - kernels
    counts = [_count(kernels, "kernel")] if kernels else []
    return ", ".join([*counts, _count(calls, "library call")] if calls else counts) or "nothing to compute"


def _how(program: Program, way: str, came: bool, parts: int) -> str:
    """How a Program is run, in words."""
    if way == "pieces":
        return f"in {parts} pieces, as compiling it as a whole would take {duration(compile_time(program))}"
    if way == "fused":
        return "as planned"
    steps = _count(len(program.steps), "operation")
    if way == "single":
        return f"not as planned: {steps} one by one, as the setting tier='single' wants it"
    again = "often enough" if came or compile_time(program) > QUICK else "a second time"
    return f"{steps} one by one for now; as planned when this comes {again}"


def _ir(kernels: Sequence[KernelSpec]) -> Iterator[str]:
    from gradtape.engine.lower import lower

    first: dict[KernelSpec, int] = {}
    for number, spec in enumerate(kernels, 1):
        same = first.setdefault(spec, number)
        yield f"LLVM IR of kernel {number}:" + (f" that of kernel {same}" if same != number else "")
        if same == number:
            yield lower(spec)


def _count(number: int, noun: str, nouns: str = "") -> str:
    """A number of things.

    >>> _count(1, "kernel"), _count(2, "kernel"), _count(0, "pass", "passes")
    ('1 kernel', '2 kernels', '0 passes')
    """
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
