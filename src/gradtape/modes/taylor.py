"""Taylor mode: the first coefficients of a power series in, those of the targets out, in one walk.

    x = x₀ + x₁t + x₂t² + …  ──sin──►  y = y₀ + y₁t + y₂t² + …  ──exp──►  z = z₀ + z₁t + z₂t² + …

What a primitive does to series follows from its kind, and from what it says of itself (`gradtape.ops.series`). Every
coefficient is made when it is asked for, from coefficients of lower order: so functions that differentiate into each
other, as sin and cos do, make each other. From v' = Σ pᵢ(u) uᵢ' with a partial derivative pᵢ, whose series is v's own
or that of a companion, comes

    k vₖ = Σᵢ Σⱼ j uᵢⱼ pᵢ,ₖ₋ⱼ        with j from 1 to k,

which costs as much as a product. So order n costs n² operations, not 2ⁿ.

Coefficients are vₖ = f⁽ᵏ⁾/k!, which neither overflow nor need binomials. A factor that is known stays apart from the
node: the derivative of a family's member comes out as the member itself, not divided by k! and multiplied again.
Floats below float64 are computed in float64 and rounded once in the end, unless the walk is not `wide`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Any

from gradtape.graph.dtypes import DType, float64
from gradtape.graph.node import Node, Op, Primitive
from gradtape.graph.trace import apply
from gradtape.modes.power_series import ONE, UNIT, Coefficient, Series, added, cauchy, degree_of_sum, squares, total
from gradtape.modes.reverse import transpose
from gradtape.modes.written import Written, steps_to, written
from gradtape.ops.custom import custom_call
from gradtape.ops.declare import convert, literal
from gradtape.ops.selection import where
from gradtape.ops.series import PRODUCT, Alike, Branched, Closed, Undone, Whole
from gradtape.ops.shaping import broadcasted
from gradtape.ops.zeros import known_number
from gradtape.rewrite.table import apart


def expand(
    made: Mapping[Node, Op | None],
    given: Mapping[Node, Sequence[Coefficient | None]],
    targets: Sequence[Node],
    order: int,
    wide: bool = True,
    starts: Mapping[Node, Node] = MappingProxyType({}),
) -> list[list[Coefficient | None]]:
    """The coefficients of the targets up to `order`.

    `made` lists recorded nodes in the order in which they were made, `given` the coefficients of some from the first
    on; None is zero. `starts` are the values of some of these, where they are known better than the node is.
    """
    ops = dict(made)  # what is made here adds to an open recording
    walk = Walk(ops, wide, order)
    for node, coefficients in given.items():
        walk.seed(node, coefficients, starts.get(node))
    for node in behind(ops, given, targets):
        op = ops[node]
        if op is not None:
            one = walk.recorded(node, op)
            for k in range(order + 1 if one.degree is None else min(order, one.degree) + 1):
                one[k]  # in the order of the graph, so that no recursion is deep
    return [[walk.series(node)[k] for k in range(order + 1)] for node in targets]


def behind(made: Mapping[Node, Op | None], given: Mapping[Node, Any], targets: Sequence[Node]) -> list[Node]:
    """The recorded nodes that the targets rest on and that are not given, in the order in which they were made."""
    wanted = {node for node in targets if node in made}
    found = []
    for node in reversed(list(made)):
        if node in wanted and node not in given:
            found.append(node)
            op = made[node]
            if op is not None:
                wanted.update(op[1])
    return found[::-1]


class Walk:
    """The series of nodes, and of the operations on series that they and their derivatives are made of."""

    def __init__(self, ops: Mapping[Node, Op | None], wide: bool, order: int):
        self._ops = ops
        self._wide = wide
        self._order = order
        self._of: dict[Node, Series] = {}
        self._made: dict[tuple, Series] = {}
        self._whole: dict[tuple, list[Series]] = {}

    def seed(self, node: Node, coefficients: Sequence[Coefficient | None], start: Node | None = None) -> None:
        """Say what the series of a node is."""
        start = start or self._widened(node)
        known: list[Coefficient | None] = [Coefficient(ONE, start)]
        for one in coefficients:
            moved = None if one is None or one.node is None else self._widened(one.node)
            known.append(Coefficient(one.factor, moved) if one is not None and one.factor else None)
        degree = max(k for k, one in enumerate(known) if one is not None)
        self._of[node] = Series(start.shape, start.dtype, degree, None, known[: degree + 1])

    def series(self, node: Node) -> Series:
        """The series of a node; of one that is not known, a constant."""
        found = self._of.get(node)
        if found is None:
            start = self._widened(node)
            found = self._of[node] = Series(start.shape, start.dtype, 0, None, [Coefficient(ONE, start)])
        return found

    def recorded(self, node: Node, op: Op) -> Series:
        """The series of a recorded node, from those of what it was made of."""
        primitive, inputs, params = op
        if primitive.kind == "custom":
            if node not in self._of:
                self._call(op)
            return self._of[node]
        given = tuple([self.series(x) for x in inputs])
        if primitive.kind == "constant" or all(s.constant for s in given):
            return self.series(node)
        if _converts(primitive, inputs, node):
            made = given[0] if self._wide else _converted(given[0], node.dtype)
        elif isinstance(primitive.series, Whole):
            made = self.whole(primitive, given, params, inputs)
        else:
            made = self.of(primitive, given, params)
        self._of[node] = made
        return made

    def _call(self, op: Op) -> None:
        """The series of all results of a call of a function with a rule of the user's: their derivatives are what the
        rule pushes those of the arguments to."""
        nodes = {
            custom_call(other).which: node
            for node, other in self._ops.items()
            if other is not None and other[0].kind == "custom" and other[1] == op[1]
        }
        call = custom_call(op)
        inputs = [self.series(x) for x in call.arguments]
        slopes: list[Series | None] = []

        def make(i: int, k: int) -> Coefficient | None:
            if not k:
                return Coefficient(ONE, self._widened(nodes.get(i, call.results[i])))
            if not slopes:
                slopes.extend(_pushed(self, inputs, results, call.rule.push))
            return _integrated(slopes[i], k)

        results = []
        for i, y in enumerate(call.results):
            dtype = float64 if self._wide and y.dtype.is_floating else y.dtype
            degree = None if y.dtype.is_floating else 0
            results.append(Series(y.shape, dtype, degree, partial(make, i)))
        self._of.update({node: results[i] for i, node in nodes.items()})

    def of(self, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
        """The series of an operation on series; the same one for the same operation."""
        key = (primitive, inputs, params)
        found = self._made.get(key)
        if found is None:
            rule = _constant if all(s.constant for s in inputs) else RULES[primitive.kind]
            found = self._made[key] = rule(self, primitive, inputs, params)
        return found

    def whole(
        self, primitive: Primitive, inputs: tuple[Series, ...], params: tuple, primals: tuple[Node, ...] = ()
    ) -> Series:
        """The series of an operation whose coefficients are found together, and those of its other results."""
        shared = params[:-1] if primitive.several else params
        key = (primitive, inputs, shared)
        if key not in self._whole:
            given = [[s.full(k) if s[k] else None for k in range(self._order + 1)] for s in inputs]
            starts = primals or tuple([s.start for s in inputs])
            self._whole[key] = [
                Series(found[0].shape, found[0].dtype, None, None, [one and Coefficient(ONE, one) for one in found])
                for found in primitive.series.coefficients(starts, given, self._order, self._wide, shared)
            ]
        return self._whole[key][params[-1] if primitive.several else 0]

    def expression(self, function: Callable, inputs: tuple[Series, ...], params: tuple) -> Series | None:
        """The series of an elementwise expression from the table, of inputs and parameters."""
        made = self.written(function, inputs, params)
        if made.result is None:
            return None
        return self.graph(made.result, made.steps, dict(zip(made.places, inputs, strict=True)))

    def graph(self, result: Node, steps: list[tuple[Node, Op]], known: dict[Node, Series]) -> Series:
        """The series of the result of steps, of which some nodes are known; others from outside are constants."""
        for node, (primitive, operands, static) in steps:
            known[node] = self.of(primitive, tuple([known.get(x) or self.series(x) for x in operands]), static)
        return known.get(result) or self.series(result)

    def written(self, function: Callable, inputs: tuple[Series, ...], params: tuple) -> Written:
        """The expression itself, for single numbers."""
        return written(function, tuple([s.dtype for s in inputs]), params)

    def _widened(self, node: Node) -> Node:
        return convert(node, float64) if self._wide and node.dtype.is_floating else node


def _converts(primitive: Primitive, inputs: tuple[Node, ...], node: Node) -> bool:
    """Whether an operation gives numbers another floating type and does nothing else."""
    (x, *others) = inputs
    return primitive.kind == "linear" and not others and x.dtype is not node.dtype and x.shape == node.shape


def _converted(given: Series, dtype: DType) -> Series:
    def make(k: int) -> Coefficient | None:
        one = given[k]
        return None if one is None or one.node is None else Coefficient(one.factor, convert(one.node, dtype))

    return Series(given.shape, dtype, given.degree, make)


# -- one rule for each kind of map ----------------------------------------------------------------------------


def _result(
    primitive: Primitive,
    inputs: tuple[Series, ...],
    params: tuple,
    degree: int | None,
    make: Callable[[int, Series], Coefficient | None],
) -> Series:
    """A series that begins with the value of the primitive and goes on as `make` says, given the series itself."""
    shape, dtype = primitive.infer(tuple([Node(None, None, s.shape, s.dtype) for s in inputs]), params)

    def made(k: int) -> Coefficient | None:
        if k or (primitive.kind in ("linear", "bilinear") and any(s[0] is None for s in inputs)):
            return make(k, result)
        return Coefficient(ONE, apply(primitive, tuple([s.start for s in inputs]), params))

    result = Series(shape, dtype, degree, made)
    return result


def _constant(walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    return _result(primitive, inputs, params, 0, lambda k, result: None)


def _elementwise(walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    moving = [i for i, s in enumerate(inputs) if not s.constant]
    stated = primitive.series
    direct = len(moving) == 1 and inputs[moving[0]].degree == 1
    if isinstance(stated, Undone) and not (direct and moving[0]):
        return _undone(stated, walk, primitive, inputs, params)
    if isinstance(stated, Alike) and not direct:
        other = walk.expression(stated.expression, inputs, params)
        if other is not None:
            return _result(primitive, inputs, params, other.degree, lambda k, result: other[k])
    if isinstance(stated, Branched) and not direct:
        return _branched(stated, walk, primitive, inputs, params)
    return _sloped(None if direct else stated, walk, primitive, inputs, params)


def _sloped(stated: Any, walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    """From the partial derivatives, or the slopes that are stated instead."""
    chosen: list[tuple[Series, Callable, bool]] = []
    for i in [i for i, s in enumerate(inputs) if not s.constant]:
        slope = stated.slopes[i] if isinstance(stated, (Closed, Branched)) else None
        if slope is None or walk.written(slope, inputs, params).result is None:
            slope = primitive.rule[i]
        if slope is not None:
            rests_on = walk.written(slope, inputs, params).rests_on
            chosen.append((inputs[i], slope, not any(not inputs[k].constant for k in rests_on)))
    shares: list[tuple[Series, Series, bool]] = []

    def make(k: int, result: Series) -> Coefficient | None:
        if k == 1:  # not before, as functions that differentiate into each other would never end
            for u, slope, fixed in chosen:
                p = walk.expression(slope, inputs, params)
                assert p is not None
                shares.append((u, p, fixed))
        still = [(u[k], _number(p)) for u, p, fixed in shares if fixed]
        pairs = [(u.slope(j), p[k - j]) for u, p, fixed in shares if not fixed for j in range(1, k + 1)]
        moved = total(pairs, Fraction(1, k), result.dtype)
        return moved if not still else total([*still, (moved, UNIT)], ONE, result.dtype)

    degree = degree_of_sum([u for u, _, _ in chosen]) if all(fixed for _, _, fixed in chosen) else None
    return _result(primitive, inputs, params, degree, make)


def _number(s: Series) -> Coefficient | None:
    """The first coefficient, as a number if it is one that is known."""
    first = s[0]
    number = None if first is None or first.node is None else known_number(first.node)
    return first if number is None else Coefficient(Fraction(number)) if number else None


def _branched(stated: Branched, walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    x, *others = inputs
    still = [s if s.constant else Series(s.shape, s.dtype, 0, None, [Coefficient(ONE, s.start)]) for s in others]
    fixed = all(s.constant for s in others)
    usual = _sloped(stated, walk, primitive, inputs, params)
    other = walk.expression(stated.expression, (x, *still), params)
    assert other is not None

    def make(k: int, result: Series) -> Coefficient | None:
        mask = stated.chosen(k, fixed, *[s.start for s in inputs], *params)
        return Coefficient(ONE, where(mask, other.full(k), usual.full(k)))

    return _result(primitive, inputs, params, None, make)


def _undone(stated: Undone, walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    """From q₀·yₖ + q₁·yₖ₋₁ + … + qₖ·y₀ = xₖ the last term of the left, and that undone by the primitive itself."""
    x, *others = inputs
    again = Walk({}, False, 0)

    def make(k: int, result: Series) -> Coefficient | None:
        before = Series(result.shape, result.dtype, k - 1, None, [result[j] for j in range(k)])
        product = again.expression(stated.product, (before, *others), params)
        assert product is not None
        rest = product[k]
        there = [one for one in (x[k], rest and rest.times(-1)) if one is not None]
        if not there:
            return None
        left = added(there, ONE, x.dtype)
        top = literal(1, x.dtype) if left.node is None else left.node
        return Coefficient(left.factor, apply(primitive, (top, *[s.start for s in others]), params))

    degree = x.degree if all(s.constant for s in others) else None
    return _result(primitive, inputs, params, degree, make)


def _linear(walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    """What is not floating, as the places that elements are taken from, stays what it is."""
    moved = [s for s in inputs if s.dtype.is_floating]

    def make(k: int, result: Series) -> Coefficient | None:
        there = [s[k] for s in moved]
        if all(one is None for one in there):
            return None
        one = there[0]
        factor = ONE if len(moved) > 1 or one is None or one.node is None else one.factor
        operands = []
        for s in inputs:
            if not s.dtype.is_floating:
                operands.append(s.start)
            elif factor != 1 and one is not None and one.node is not None:
                operands.append(broadcasted(one.node, s.shape))
            else:
                operands.append(s.full(k))
        return Coefficient(factor, apply(primitive, tuple(operands), params))

    return _result(primitive, inputs, params, degree_of_sum(moved), make)


def _bilinear(walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    x, y = inputs

    def make(k: int, result: Series) -> Coefficient | None:
        if primitive.series == PRODUCT:
            if x is y:
                return total(*squares(x, k), result.dtype)
            return total(cauchy(x, y, k), ONE, result.dtype)
        terms = []
        for j in range(k + 1):
            if x[j] is not None and y[k - j] is not None:
                a, b = x.full(j), y.full(k - j)
                terms.append(apply(primitive, (a, b), params))
        return added([Coefficient(ONE, one) for one in terms], ONE, result.dtype) if terms else None

    degree = None if x.degree is None or y.degree is None else x.degree + y.degree
    return _result(primitive, inputs, params, degree, make)


def _selection(walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    masks: list[Node] = []

    def make(k: int, result: Series) -> Coefficient | None:
        picks = primitive.rule
        if not masks:
            starts = [s.start for s in inputs]
            masks.extend([pick and pick(*starts, *params) for pick in picks])
        there = [(mask, s[k]) for mask, s in zip(masks, inputs, strict=True) if mask is not None]
        found = [one for _, one in there if one is not None]
        if not found:
            return None
        alike = all(one.factor == found[0].factor for one in found)
        chosen: Node | None = None
        for mask, one in reversed(there):
            if one is None and chosen is None:
                continue
            if one is None:
                node = literal(0, result.dtype)
            elif alike:
                node = literal(1, result.dtype) if one.node is None else one.node
            else:
                node = one.plain(result.dtype)
            chosen = where(mask, node, literal(0, result.dtype) if chosen is None else chosen)
        return Coefficient(found[0].factor if alike else ONE, chosen)

    moving = [s for s, pick in zip(inputs, primitive.rule, strict=True) if pick is not None]
    return _result(primitive, inputs, params, degree_of_sum(moving), make)


def _implicit(walk: Walk, primitive: Primitive, inputs: tuple[Series, ...], params: tuple) -> Series:
    if isinstance(primitive.series, Whole):
        return walk.whole(primitive, inputs, params)

    def push(arguments: Sequence[Node], results: Sequence[Node], tangents: Sequence[Node]) -> Sequence[Node | None]:
        def pull(cotangents: Sequence[Node]) -> list[Node | None]:
            (ct,), (y,) = cotangents, results
            return [
                primitive.rule(ct, i, y, tuple(arguments), *params) if x.dtype.is_floating else None
                for i, x in enumerate(arguments)
            ]

        return transpose(pull, results, tangents)

    def make(k: int, result: Series) -> Coefficient | None:
        if k == 1:
            slopes.extend(_pushed(walk, inputs, [result], push))
        return _integrated(slopes[0], k)

    slopes: list[Series | None] = []
    return _result(primitive, inputs, params, None, make)


def _integrated(slope: Series | None, k: int) -> Coefficient | None:
    """Coefficient k of what has that derivative."""
    one = None if slope is None else slope[k - 1]
    return None if one is None else one.times(Fraction(1, k))


def _pushed(walk: Walk, inputs: Sequence[Series], results: Sequence[Series], push: Callable) -> list[Series | None]:
    """The series of the derivatives of results by t, where `push` gives tangents of results from those of inputs."""
    series = [*inputs, *results, *[s.differentiated() for s in inputs]]
    with apart():
        places = [Node(None, None, s.shape, s.dtype) for s in series]
        split = len(inputs), len(inputs) + len(results)
        found = push(places[: split[0]], places[split[0] : split[1]], places[split[1] :])
    known = dict(zip(places, series, strict=True))
    return [None if y is None else walk.graph(y, steps_to(y, places), dict(known)) for y in found]


RULES: dict[str, Callable[[Walk, Primitive, tuple[Series, ...], tuple], Series]] = {
    "elementwise": _elementwise,
    "linear": _linear,
    "bilinear": _bilinear,
    "selection": _selection,
    "implicit": _implicit,
    "constant": _constant,
}
