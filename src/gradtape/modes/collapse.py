"""The Laplacian in one pass: collapsed Taylor mode.

Along each direction d, f(x + d·t) has coefficients f₀, f₁(d), f₂(d), and the Laplacian is twice the sum of f₂ over the
directions of the axes. Through an operation v = g(u) the second coefficient goes as

    v₂ = g'(u₀)·u₂ + ½ g''(u₀)(u₁, u₁),

linear in u₂. So the sum over the directions goes through alone, and only first coefficients are carried for each
direction, side by side along a first axis (`modes.batch`). Values are computed once. From Dangel, Siebert, Zeinhofer
and Walther, *Collapsing Taylor mode automatic differentiation*, 2025.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gradtape.errors import ArgumentError
from gradtape.graph.handles import Handle, TensorLike, wrap
from gradtape.graph.node import Node, Op
from gradtape.graph.shapes import size
from gradtape.graph.trace import apply
from gradtape.modes.batch import batched, repeated
from gradtape.modes.expansion import name_of, point_of, record
from gradtape.modes.jacobians import counted, units
from gradtape.modes.kept import Found, is_by_hand, kept
from gradtape.modes.power_series import ONE, Coefficient
from gradtape.modes.sketch import Sketch
from gradtape.modes.taylor import Walk, behind
from gradtape.modes.transformed import transform
from gradtape.ops.arithmetic import plus
from gradtape.ops.shaping import SUM, broadcasted, full, reshaped
from gradtape.rewrite.recorded import NEVER, recorded


class Collapsed(NamedTuple):
    """What is carried of a value: its first coefficients along all directions, and the sum of the second ones. None is
    zero by structure."""

    firsts: Node | None
    second: Node | None


@transform
def laplacian(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function x, … ↦ Σ ∂²f/∂xᵢ², the sum over all elements of its first argument.

    f       a function of a floating tensor of any shape, and of other arguments that are not differentiated; it
            returns one Tensor, usually a number. The Laplacian of each of its elements is taken

    The value of f is computed once and its first derivatives once for each element of x; no Hessian is made.

    Raises ArgumentError if f returns no Tensor, DTypeError if x is not floating.

    >>> import gradtape as tf
    >>> tf.laplacian(lambda x: tf.reduce_sum(x**3))([1., 2.]).numpy()
    np.float32(18.0)
    """

    def summed(x: TensorLike, *args: Any, **kwargs: Any) -> Any:
        point = point_of(x, "x")
        result, made = record(lambda at: f(at, *args, **kwargs), [point])
        if not isinstance(result, Handle):
            raise ArgumentError(
                f"laplacian needs a function that returns one Tensor, but {name_of(f)} returned a "
                f"{type(result).__name__}"
            )
        target = result.node

        def walk(numbers: Mapping[Node, int]) -> Found:
            stable = recorded(made.ops, numbers)
            found = _collapsed(stable.made, point, target)
            return [found], NEVER if is_by_hand(stable.made) else stable.rests_on

        nodes = [*counted(size(point.shape)), *made.ops, point, target]
        (found,) = kept(("Laplacian", len(made.ops)), nodes, made.ops, made.token, walk)
        assert found is not None
        return wrap(found)

    return summed


def _collapsed(made: Mapping[Node, Op | None], point: Node, target: Node) -> Node:
    number = size(point.shape)
    axes = reshaped(units(0, number, number, point.dtype), (number, *point.shape))
    known = {point: Collapsed(axes, None)}
    ops = dict(made)
    for node in behind(ops, known, [target]):
        op = ops[node]
        if op is not None:
            known[node] = _through(node, op, ops, known, number)
    found = known.get(target, Collapsed(None, None)).second
    if found is None:
        return full(target.shape, 0, target.dtype)
    return plus(found, found)


def _through(
    node: Node, op: Op, ops: Mapping[Node, Op | None], known: Mapping[Node, Collapsed], number: int
) -> Collapsed:
    """What an operation makes of what is carried."""
    inputs = list(dict.fromkeys([x for x in op[1] if x in known]))
    with Sketch("a Laplacian", "all directions are computed at once") as sketch:
        places = {x: sketch.placeholder(x.shape, x.dtype) for x in inputs if known[x].firsts is not None}
        curved = Walk(ops, wide=False, order=2)
        for x in inputs:
            curved.seed(x, [Coefficient(ONE, places[x]) if x in places else None])
        bent = curved.recorded(node, op)
        ones = [bent.full(k) if bent[k] else None for k in (1, 2)]
    sketch.hand_out([one for one in ones if one is not None])
    first, second = (one and _for_all(one, known, places, number) for one in ones)
    straight = Walk(ops, wide=False, order=2)
    for x in inputs:
        carried = known[x].second
        straight.seed(x, [None, None if carried is None else Coefficient(ONE, carried)])
    total = straight.recorded(node, op)[2]
    summed = None if total is None else broadcasted(total.plain(node.dtype), node.shape)
    if second is not None:
        here = apply(SUM, (second,), ((0,),))
        summed = here if summed is None else plus(summed, here)
    return Collapsed(first, summed)


def _for_all(one: Node, known: Mapping[Node, Collapsed], places: Mapping[Node, Node], number: int) -> Node:
    """What was made of placeholders, for all directions."""
    examples: dict[Node, Node | None] = dict.fromkeys(known)
    examples.update({place: known[x].firsts for x, place in places.items()})
    (found,) = batched([one], examples, number)
    return repeated(one, number) if found is None else found
