"""The graph: nodes, what they are made by, and who records that they were made.

A `Node` is a value that is known (a leaf) or can be computed from other nodes. Its shape and element type are known
from the start; its value comes when the engine computes it, and then it forgets where it came from. Who needs to know
longer (a gradient tape) keeps the node's `op` in a `Recording` of its own, so memory is held by those who use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.graph.dtypes import DType
from gradtape.graph.shapes import Shape

Op = tuple["Primitive", tuple["Node", ...], tuple]
"""What makes a node: the primitive, its inputs, its static parameters."""


class Buffer:
    """An array that nobody changes any more, with the address of its elements (0: not asked for yet)."""

    __slots__ = ("address", "array")

    def __init__(self, array: np.ndarray, address: int = 0):
        array.setflags(False)  # type: ignore[call-arg] # not writeable; by position it takes half the time
        self.array = array
        self.address = address


class Node:
    """A value in the graph.

    `op` is what makes it, or None if the value is already there; `value` is a Buffer, or a Python number when the shape
    is ``()``, or None as long as it is not computed.
    """

    __slots__ = ("__weakref__", "dtype", "op", "shape", "value")

    def __init__(self, op: Op | None, value: Any, shape: Shape, dtype: DType):
        self.op = op
        self.value = value
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        made = self.op[0].name if self.op else "leaf"
        return f"<Node {made} shape={self.shape} dtype={self.dtype.name}>"

    if TYPE_CHECKING:  # The operators are those of ops.operators, so that rules read like calculus.

        def __add__(self, other: Node | float) -> Node: ...
        def __radd__(self, other: float) -> Node: ...
        def __sub__(self, other: Node | float) -> Node: ...
        def __rsub__(self, other: float) -> Node: ...
        def __mul__(self, other: Node | float) -> Node: ...
        def __rmul__(self, other: float) -> Node: ...
        def __truediv__(self, other: Node | float) -> Node: ...
        def __rtruediv__(self, other: float) -> Node: ...
        def __floordiv__(self, other: Node | float) -> Node: ...
        def __neg__(self) -> Node: ...
        def __gt__(self, other: Node | float) -> Node: ...
        def __ge__(self, other: Node | float) -> Node: ...
        def __lt__(self, other: Node | float) -> Node: ...
        def __le__(self, other: Node | float) -> Node: ...


class Primitive:
    """One row of the table; `gradtape.ops` says what the fields mean for each kind.

    kind        the name of the kind of map, which decides the rules of all modes
    infer       (inputs, params) → (shape, dtype); raises ShapeError or DTypeError
    rule        the derivative, in the form that the kind prescribes; None: the result carries no gradient
    forward     for an implicit primitive whose tangent is not found by transposing the rule: (tangents, output,
                inputs, params…) → tangent of the result, where an input without tangent has None; else None
    batch       the same on examples side by side: (inputs, batched, number, params…) → node, where the examples stand
                along the first axis of the result and of those inputs that are `batched`; None: element by element
                if the primitive is, else one call for each example
    lowering    (machine, values…, params…) → value, or the name of one of the engine's elementary functions,
                or None: not part of a fused kernel, or READ: no instruction, only a way to read the operand
    units       for a linear or bilinear one, what it makes of multiples of all unit vectors in place of input i: (the
                factors in the shape of that input, i, inputs, params…) → the images side by side along a first axis,
                or None where that is nothing simpler; else None
    view        for a primitive that only shows its input in another way: (layout, params…) → layout, or None where
                strides cannot say it (see engine.layout); else None
    reduction   for a primitive that reduces over axes: how two partial results combine; else None
    reference   (arrays…, params…) → array with NumPy
    numpy       what `gradtape.source` writes where the reference needs more than NumPy: a function as that, to which a
                parameter that is a Program is a function of arrays that returns a list; else None
    depends     (dependences, value, shape, params) → on which elements of a tensor those of the result depend, given
                for each input on which those of it do, or None (see `gradtape.modes.dependence`); value(i) is the array
                of input i. None: it follows from the lowering, view or reduction, or each element may depend on all
    admits      (inputs, params) → whether they are such as gradtape's functions make; asked of what comes from a file.
                None: such a file is refused
    exact       (mp, numbers…, params…) → number, with the functions of mpmath, whose context `mp` is; else None
    formula     (sympy, inputs…, params… without the order of a family) → the formula of a real function as SymPy writes
                it, that of the family itself; None: `exact` is one
    notation    (texts of the inputs, params…) → how people write it, see `gradtape.graph.notation`; None: as a function
                of its name, with primes if `order` is its one parameter
    bounds      the same as exact, where that would divide by an interval with 0 in it: (context, intervals…, params…) →
                interval, or None where exact will do; else None (see `gradtape.study.certify`)
    domain      where a real function is defined, as people write it
    smoothness  how often it is continuously differentiable where its formula changes from one piece to another: 0 is
                continuous, -1 may jump; or that as a function of the parameters. None: it has no such places, and is
                analytic inside its domain
    costly      whether to compute it twice is worse than to store it
    several     whether it has several results, each a node; the last parameter says which one
    shows       for one whose result is one of its inputs as it stands: params → which one, that is taken in its place
                before anything is computed; else None
    library     the engine's routine that runs it, if that is not NumPy's function
    halves      whether it makes halves of halves as it stands: it moves elements, changes only signs and the like, or
                rounds by itself. What does not is computed in float32 and rounded (see engine.widen)
    commutes    whether its two inputs may be exchanged
    neutral     which inputs may be a one, that leaves the other input as it is to the bit
    involution  whether doing it twice is doing nothing
    zeros       which inputs must be zero by structure for the result to be: "first" or "all"; "own": the result has
                such zeros whatever the inputs are, and more where its first input has some; "": it has none
    mask        (mask of what the result is made of, inputs, params) → mask of the result: where zeros by structure go
                if they are moved; None: they stay, except that a view moves a mask as it moves its input
    series      what it is in terms of power series, where the rule is not the best way (see `gradtape.ops.series`)
    """

    __slots__ = (
        "admits",
        "batch",
        "bounds",
        "commutes",
        "costly",
        "depends",
        "domain",
        "exact",
        "formula",
        "forward",
        "halves",
        "infer",
        "involution",
        "kind",
        "library",
        "lowering",
        "mask",
        "name",
        "neutral",
        "notation",
        "numpy",
        "parameters",
        "reduction",
        "reference",
        "rule",
        "series",
        "several",
        "shows",
        "smoothness",
        "units",
        "view",
        "zeros",
    )

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        infer: Callable[[tuple[Node, ...], tuple], tuple[Shape, DType]],
        rule: Any = None,
        forward: Callable[..., Any] | None = None,
        batch: Callable[..., Node] | None = None,
        units: Callable[..., Node | None] | None = None,
        lowering: Any = None,
        reduction: Any = None,
        view: Any = None,
        reference: Callable[..., Any],
        parameters: Sequence[str] = (),
        domain: str = "",
        smoothness: Any = None,
        costly: bool = False,
        several: bool = False,
        shows: Callable[[tuple], int] | None = None,
        library: str = "",
        halves: bool = False,
        numpy: Callable[..., Any] | None = None,
        depends: Callable[..., Any] | None = None,
        admits: Callable[[tuple[Node, ...], tuple], bool] | None = None,
        exact: Callable[..., Any] | None = None,
        formula: Callable[..., Any] | None = None,
        notation: Callable[..., Any] | None = None,
        bounds: Callable[..., Any] | None = None,
        commutes: bool = False,
        neutral: Sequence[int] = (),
        involution: bool = False,
        zeros: str = "",
        mask: Callable[[Node, tuple[Node, ...], tuple], Node] | None = None,
        series: Any = None,
    ):
        self.name = name
        self.kind = kind
        self.infer = infer
        self.rule = rule
        self.forward = forward
        self.batch = batch
        self.units = units
        self.lowering = lowering
        self.reduction = reduction
        self.view = view
        self.reference = reference
        self.parameters = tuple(parameters)
        self.domain = domain
        self.smoothness = -1 if smoothness is None and kind in ("selection", "constant") else smoothness
        self.costly = costly
        self.several = several
        self.shows = shows
        self.library = library
        self.halves = halves
        self.numpy = numpy
        self.depends = depends
        self.admits = admits
        self.exact = exact
        self.formula = formula
        self.notation = notation
        self.bounds = bounds
        self.commutes = commutes
        self.neutral = tuple(neutral)
        self.involution = involution
        self.zeros = zeros
        self.mask = mask
        self.series = series
        if name in TABLE:
            raise RuntimeError(f"primitive {name!r} is declared twice")
        TABLE[name] = self

    def __repr__(self) -> str:
        return f"<Primitive {self.name} ({self.kind})>"

    @property
    def pointwise(self) -> bool:
        """Whether an element of the result rests on the elements at the same place, after broadcasting."""
        return self.lowering not in (None, READ) and self.reduction is None and self.view is None


def READ(m: Any, x: Any, *params: Any) -> Any:
    """The lowering of a primitive that is no instruction: its operand is read with the strides of broadcasting."""
    return x


TABLE: dict[str, Primitive] = {}
"""Every primitive by name; filled by the modules of `gradtape.ops`."""


class Recording:
    """The operations on watched nodes while it was open, in the order in which they were made.

    `made` maps a watched node to None and every node that depends on one to the op that made it. `reads` says, by
    identity, which leaves a variable was read as; it is filled by `read`, which a variable calls on open recordings
    that want `accessed` variables.
    """

    __slots__ = ("__weakref__", "accessed", "made", "reads", "watched")

    def __init__(self, accessed: bool = True) -> None:
        self.accessed = accessed
        self.made: dict[Node, Op | None] = {}
        self.watched: list[Node] = []
        self.reads: dict[int, tuple[Any, list[Node]]] = {}

    def watch(self, node: Node) -> None:
        """Follow what is made of a node from now on."""
        if node not in self.made:
            self.made[node] = None
            self.watched.append(node)

    def read(self, variable: Any, node: Node) -> None:
        """Note that a variable was read as the leaf `node`."""
        if node not in self.made and node.dtype.is_floating:
            self.watch(node)
            self.reads.setdefault(id(variable), (variable, []))[1].append(node)


recordings: ContextVar[tuple[Recording, ...]] = ContextVar("recordings", default=())
"""The recordings that are open in this thread or task."""


def leaf(array: np.ndarray, dtype: DType) -> Node:
    """A node for an array that nobody will change; an array without axes becomes a Python number."""
    return Node(None, held(array), array.shape, dtype)


def held(array: np.ndarray) -> Any:
    """An array as a node's value: a Python number if it has no axes, else a Buffer."""
    return array.item() if array.shape == () else Buffer(array)


def scalar(number: float | int | bool, dtype: DType) -> Node:
    """A leaf for one Python number. Its value is an argument of kernels, not part of their code."""
    return Node(None, number, (), dtype)
