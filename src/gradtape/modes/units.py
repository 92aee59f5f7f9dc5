"""Linear maps of unit vectors: what stays a multiple of them is kept as one number each.

    unit vectors eₖ ──· tanh'(a)──► dₖ eₖ ──· Wᵀ──► dₖ times row k of W         no product of two matrices is needed

A Jacobian begins with all unit vectors of a shape. As long as operations work element by element, or only give another
shape, vector k stays a multiple of eₖ, so all of them are known by the numbers dₖ. A primitive may say what it makes of
them at the first place where they become something else (`Primitive.units`); else they are written out there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradtape.graph.node import Node, Op
from gradtape.graph.shapes import Shape
from gradtape.graph.trace import apply
from gradtape.ops.arithmetic import choose
from gradtape.ops.shaping import RESHAPE, full, reshaped
from gradtape.ops.zeros import known_number


def images(
    results: Sequence[Node], one: Node, resting: Callable[[Node], bool], units: Callable[[Shape], Node]
) -> dict[Node, Node]:
    """What nodes made of `one` are for every unit vector in its place, side by side along a first axis: for as many as
    the results rest on, so that the others follow from them.

    resting   whether a node rests on `one`
    units     where unit vectors of this shape are not zero, as a bool node (number, *shape)
    """
    multiples = _multiples(results, one, resting)
    found: dict[Node, Node] = {}
    stack, seen = list(results), set()
    while stack:
        node = stack.pop()
        if node in seen or not resting(node):
            continue
        seen.add(node)
        if node in multiples:
            found[node] = choose(units(node.shape), multiples[node])
            continue
        assert node.op is not None
        image = _image(node.op, multiples, resting)
        if image is not None:
            found[node] = image
        else:
            stack += node.op[1]
    return found


def _image(op: Op, multiples: dict[Node, Node], resting: Callable[[Node], bool]) -> Node | None:
    """What a primitive makes of multiples of the unit vectors, if it says so."""
    primitive, inputs, params = op
    places = [i for i, x in enumerate(inputs) if resting(x)]
    if primitive.units is None or len(places) != 1 or inputs[places[0]] not in multiples:
        return None
    return primitive.units(multiples[inputs[places[0]]], places[0], inputs, *params)


def _multiples(results: Sequence[Node], one: Node, resting: Callable[[Node], bool]) -> dict[Node, Node]:
    """The nodes that are multiples of unit vectors if `one` is each of these, and the numbers, in the node's shape."""
    found: dict[Node, Node] = {one: full(one.shape, 1, one.dtype)}
    done: set[Node] = {one}
    stack = [node for node in results if resting(node)]
    while stack:
        node = stack[-1]
        if node not in done:
            assert node.op is not None
            missing = [x for x in node.op[1] if resting(x) and x not in done]
            if missing:
                stack += missing
                continue
            done.add(node)
            if _stays(node, found, resting):
                primitive, inputs, params = node.op
                given = tuple([found.get(x, x) for x in inputs])
                found[node] = (
                    reshaped(given[0], node.shape) if primitive is RESHAPE else apply(primitive, given, params)
                )
        stack.pop()
    return found


def _stays(node: Node, multiples: dict[Node, Node], resting: Callable[[Node], bool]) -> bool:
    """Whether an operation makes multiples of unit vectors of such: it is zero where they are, and elsewhere works
    element by element."""
    assert node.op is not None
    primitive, inputs, _ = node.op
    if any(resting(x) and (x not in multiples or (primitive is not RESHAPE and x.shape != node.shape)) for x in inputs):
        return False
    if primitive is RESHAPE:
        return True
    if not primitive.pointwise:
        return False
    if primitive.kind == "selection":
        picked = [x for x, picks in zip(inputs, primitive.rule, strict=True) if picks is not None]
        return all(x in multiples or known_number(x) == 0 for x in picked)
    if primitive.kind == "bilinear":
        return True
    if primitive.zeros in ("", "own"):
        return False
    return all(x in multiples for x in (inputs[:1] if primitive.zeros == "first" else inputs))
