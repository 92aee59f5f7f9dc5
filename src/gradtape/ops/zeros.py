"""Zeros by structure: where a cotangent is zero because something was not chosen, whatever the numbers are.

What a selection did not choose and what a slice left out has no influence, so its cotangent stays zero also when it is
multiplied by NaN or infinity, where 0 * x would not. Such zeros are not marked. They begin at ``where(mask, ct, 0)``
and where a slice is put back into zeros, and are found again by looking back through what carries them on:

    multiply(ct, factor)        ct = reshape(add(where(m, a, 0), where(n, b, 0)))
    where(mask, ct * factor, 0)         mask = reshape(m | n)
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from gradtape.graph.dtypes import bool_
from gradtape.graph.node import READ, Node, Primitive
from gradtape.graph.trace import apply
from gradtape.ops.declare import LITERAL, literal, number_of
from gradtape.ops.selection import WHERE, logical_or
from gradtape.ops.shaping import broadcasted


def nonzero(ct: Node) -> Node | None:
    """Where `ct` is not zero by structure, as a bool node that broadcasts to its shape; None if that is unknown."""
    op = ct.op
    if op is None:
        return _masks.get(ct)
    if op[0] is WHERE:
        return op[1][0] if known_number(op[1][2]) == 0 else None
    if not _carries(op[0]):
        return None
    return _mask(ct) if _has_zeros(ct) else None


def _carries(primitive: Primitive) -> bool:
    """Whether a result can have zeros: its own, or those of what it is made of. A product of matrices is not
    followed."""
    return bool(primitive.zeros) or primitive.view is not None


def kept(ct: Node) -> Node:
    """What `ct` is where it is not zero by structure; anything elsewhere."""
    op = ct.op
    return op[1][1] if op is not None and op[0] is WHERE and known_number(op[1][2]) == 0 else ct


def known_number(node: Node) -> float | None:
    """The number that a node is known to be everywhere, or None."""
    op = node.op
    while op is not None and op[0].lowering is READ:
        op = op[1][0].op
    if op is not None and op[0] is LITERAL:
        return number_of(op[2][0])
    return None


_found: WeakKeyDictionary[Node, bool] = WeakKeyDictionary()
_masks: WeakKeyDictionary[Node, Node] = WeakKeyDictionary()


def _has_zeros(ct: Node) -> bool:
    """Whether `nonzero` finds a mask. Each node is looked at once, and graphs may be of any depth."""
    stack = [ct]
    while stack:
        node = stack[-1]
        if node not in _found:
            op = node.op
            found = op is not None and (op[0].zeros == "own" or (op[0] is WHERE and known_number(op[1][2]) == 0))
            if not found:
                for x in _carried(node)[::-1]:  # of a sum the share that came last, which rests on less
                    if x not in _found:
                        stack.append(x)
                        break
                    found = _found[x]
                    if not found:
                        break
                if stack[-1] is not node:
                    continue
            _found[node] = found
        stack.pop()
    return _found[ct]


def _carried(node: Node) -> tuple[Node, ...]:
    """The inputs that must have zeros for the node to have some. Those of a sum stand where its result has them."""
    op = node.op
    if op is None or not _carries(op[0]):
        return ()
    primitive, inputs, _ = op
    if primitive.view is not None or primitive.mask is not None:
        return inputs[:1]
    inputs = inputs[:1] if primitive.zeros == "first" else inputs
    return inputs if all(x.shape == node.shape for x in inputs) else ()


def _mask(ct: Node) -> Node:
    """The mask of a node that has zeros."""
    stack = [ct]
    while stack:
        node = stack[-1]
        if node not in _masks:
            if node.op is None:  # computed since it was found: its zeros are ordinary numbers now
                _masks[node] = literal(1, bool_)
                continue
            primitive, inputs, params = node.op
            inner = [x for x in _carried(node) if primitive.zeros != "own" or _has_zeros(x)]
            missing = [x for x in inner if x not in _masks]
            if missing:
                stack += missing
                continue
            masks = [_masks[x] for x in inner]
            if primitive is WHERE:
                mask = inputs[0]
            elif primitive.view is not None or primitive.mask is not None:
                mask = broadcasted(masks[0] if masks else literal(1, bool_), inputs[0].shape)
                if primitive.mask is not None:
                    mask = primitive.mask(mask, inputs, params)
                else:
                    mask = apply(primitive, (mask,), params)
            else:
                mask = logical_or(masks[0], masks[1]) if len(masks) == 2 else masks[0]
            _masks[node] = mask
        stack.pop()
    return _masks[ct]
