"""How a Program is run: op by op, as fused kernels, or in pieces.

Fused kernels are faster, but have to be compiled. A Program that is small and never came before is run op by op,
with kernels for single operations that serve every graph. It is compiled when that is repaid: at once if it works on
large arrays, when it comes a second time if compiling is quick, else when running it op by op has cost as much time
as compiling would. All run the same lowerings, so the bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradtape.config import settings
from gradtape.engine.cache import Cache
from gradtape.engine.donate import given, take_back
from gradtape.engine.profile import in_pieces
from gradtape.graph.node import TABLE
from gradtape.graph.program import Program, Signature, rebuild
from gradtape.graph.shapes import size
from gradtape.rewrite.stabilise import Stabilised, concerns, stabilise
from gradtape.rewrite.table import KEPT, Rows

# The cost model, in seconds. The figures need to be right to a factor of two or so.
CALL = 8e-6  # of one operation on its own, whatever its size
ELEMENT = 0.5e-9  # of one element that one operation reads or writes in memory
COMPILE = 8e-3  # of a kernel, whatever it does
COMPILE_STEP = 0.1e-3  # of an operation in a kernel
COMPILE_COSTLY = 4e-3  # of an elementary function in a kernel
QUICK = 60e-3  # compiling that may happen when a Program comes a second time
PATIENCE = 3.0  # compiling above which a Program is cut into pieces, which are equal if a loop made them
PIECE = 0.5  # compiling of such a piece


def way(program: Program, tier: str) -> tuple[str, OneByOne | None]:
    """How a Program that comes for the first time is run: "fused", in "pieces", op by op ("single"), or op by op until
    compiling is repaid ("later"). For the last two what runs it."""
    if len(program.steps) <= 1:
        return "fused", None
    if compile_time(program) > PATIENCE:
        return "pieces", None
    if tier == "fused":
        return "fused", None
    single = OneByOne(program)
    if tier == "single":
        return "single", single
    quick = single.compiling <= QUICK and single.missing > 1  # one kernel compiles faster than several
    return ("fused", None) if quick or 2 * single.cost >= single.compiling else ("later", single)


def known_way(program: Program, tier: str = "") -> tuple[str, bool]:
    """How a Program is run next, in a tier or that of the present settings, and whether it came before. Runs and
    compiles nothing."""
    tier = tier or settings().tier
    known = _runners.get((program, tier))
    return (known.way, True) if known else (way(program, tier)[0], False)


class Runner:
    """What runs a Program: `run` takes the values of its leaves and returns those of its outputs, as nodes hold them:
    numbers and Buffers. How it does that, its `way`, may change from one call to the next."""

    def __init__(self, program: Program, tier: str):
        self.program = program
        self.runs = 0
        self.run: Callable[[list[Any]], Sequence[Any]]
        self.way, single = way(program, tier)
        if single:
            self.single = single
            self.run = single.run if self.way == "single" else self._not_yet_compiled
        else:
            self.run = Pieces(program) if self.way == "pieces" else fused(program)

    def _not_yet_compiled(self, values: list[Any]) -> Sequence[Any]:
        self.runs += 1
        single = self.single
        if (self.runs > 1 and single.compiling <= QUICK) or self.runs * single.cost > single.compiling:
            self.run, self.way = fused(self.program), "fused"
            return self.run(values)
        return single.run(values)


class Stabiliser:
    """What runs a Program in which hand-written formulas may be replaced. Which ones are, the values of its leaves
    decide, so this is known when they come. What then runs is the same as for a Program that was written so."""

    def __init__(self, program: Program, tier: str):
        self.program = program
        self.tier = tier
        self.known: tuple[tuple[Rows, Stabilised, Runner], ...] = ()
        self.always: Runner | None = None  # where nothing is replaced, whatever the values are

    def run(self, values: list[Any]) -> Sequence[Any]:
        if self.always is not None:
            if self.always.way != "later":  # it stays as it is, so that the next call may go there at once
                self.run = self.always.run  # type: ignore[assignment, method-assign]
            return self.always.run(values)
        on = settings().stabilise
        if not on:
            return as_it_is(self.program, self.tier).run(values)
        for rows, found, runs in self.known:
            if rows == on and found.holds(values):
                return runs.run([values[i] for i in found.leaves])
        found = stabilise(self.program, values)
        runs = as_it_is(found.program, self.tier)
        if on is True and not found.guards and not found.rewritten:
            self.always = runs
        self.known = ((on, found, runs), *self.known[: KEPT - 1])
        return runs.run([values[i] for i in found.leaves])


_runners: Cache[Runner] = Cache(4096)
_stabilisers: Cache[Stabiliser] = Cache(4096)


def runner(program: Program, tier: str = "") -> Runner | Stabiliser:
    """What runs a Program in a tier, or in that of the present settings."""
    tier = tier or settings().tier
    if concerns(program):
        return _stabilisers.find((program, tier), lambda: Stabiliser(program, tier))
    return as_it_is(program, tier)


def as_it_is(program: Program, tier: str = "") -> Runner:
    """What runs a Program in which nothing is to be replaced any more."""
    tier = tier or settings().tier
    return _runners.find((program, tier), lambda: Runner(program, tier))


def execute(program: Program, values: list[Any]) -> Sequence[Any]:
    """The outputs of a Program on given leaves."""
    return runner(program).run(values)


def fused(program: Program) -> Callable[[list], Sequence]:
    """A Program as kernels that are compiled for it."""
    from gradtape.engine.executable import Executable  # kernels are loaded when the first one is needed

    return Executable(program)


class OneByOne:
    """A Program run with one kernel or call for each operation.

    cost        seconds that a run takes, as the cost model has it
    compiling   seconds that compiling it as one kernel would take
    """

    def __init__(self, program: Program):
        self.program = program
        types = types_of(program)
        steps = []
        for name, params, inputs in program.steps:
            leaves = tuple(types[i] if i >= 0 else program.leaves[-1 - i] for i in inputs)
            single = Program(leaves, ((name, params, tuple(range(-1, -1 - len(inputs), -1))),), (0,))
            steps.append((single, inputs))
        self.steps = steps
        elements = sum(
            size(shape) * max(1, len(step[2]) // 2) for (_, shape), step in zip(types, program.steps, strict=True)
        )
        self.cost = len(steps) * CALL + elements * ELEMENT
        self.compiling = compile_time(program)

    @property
    def missing(self) -> int:
        """How many of the operations were never run on their own."""
        tier = settings().tier
        return sum((single, tier) not in _runners for single, _ in self.steps)

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The outputs, op by op."""
        if given:
            take_back(values)
        results: list[Any] = []
        for single, inputs in self.steps:
            results += as_it_is(single).run([results[i] if i >= 0 else values[-1 - i] for i in inputs])
        return [results[i] if i >= 0 else values[-1 - i] for i in self.program.outputs]


class Pieces:
    """A Program that takes too long to compile as a whole: its steps in pieces, one Program after the other."""

    def __init__(self, program: Program):
        self.program = program
        types = types_of(program)
        last_read = {i: number for number, step in enumerate(program.steps) for i in step[2]}
        last_read.update(dict.fromkeys(program.outputs, len(program.steps)))
        self.parts: list[tuple[Program, list[int], list[int], list[int]]] = []
        length = max(1, int(len(program.steps) * PIECE / compile_time(program)))
        for first in range(0, len(program.steps), length):
            piece = range(first, min(first + length, len(program.steps)))
            place = {number: number - first for number in piece}
            leaves: list[int] = []
            steps = []
            for number in piece:
                name, params, inputs = program.steps[number]
                for i in inputs:
                    if i not in place:
                        leaves.append(i)
                        place[i] = -len(leaves)
                steps.append((name, params, tuple([place[i] for i in inputs])))
            outputs = [number for number in piece if last_read.get(number, -1) > piece[-1]]
            signature = tuple([types[i] if i >= 0 else program.leaves[-1 - i] for i in leaves])
            part = Program(signature, tuple(steps), tuple([place[i] for i in outputs]))
            done = [i for i in leaves if i >= 0 and last_read[i] <= piece[-1]]
            self.parts.append((part, leaves, outputs, done))

    def __call__(self, values: list[Any]) -> Sequence[Any]:
        if given:
            take_back(values)
        known: dict[int, Any] = {-1 - i: value for i, value in enumerate(values)}
        with in_pieces():
            for part, leaves, outputs, done in self.parts:
                known.update(zip(outputs, as_it_is(part).run([known[i] for i in leaves]), strict=True))
                for i in done:  # nobody reads them any more
                    del known[i]
        return [known[i] for i in self.program.outputs]


def compile_time(program: Program) -> float:
    """Seconds that compiling a Program as one kernel takes, as the cost model has it."""
    costly = sum([TABLE[name].costly for name, _, _ in program.steps])
    steps = sum([max(1, len(inputs) // 2) for _, _, inputs in program.steps])  # of many inputs each pair is a step
    return COMPILE + steps * COMPILE_STEP + costly * COMPILE_COSTLY


def types_of(program: Program) -> list[Signature]:
    """The element type and shape of each step's result."""
    return [(node.dtype.name, node.shape) for node in rebuild(program)[1]]
