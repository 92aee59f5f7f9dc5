"""From targets back to sources, for what a tape has recorded: which nodes are meant, and their cotangents.

Stands between `modes.reverse`, which walks, and the tape, which is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from gradtape.errors import ArgumentError, DTypeError, ShapeError, TargetError
from gradtape.graph.handles import Handle, as_node, need_tensor
from gradtape.graph.node import Node, Recording
from gradtape.modes import nest
from gradtape.modes.kept import is_by_hand, kept
from gradtape.modes.reverse import pull_back
from gradtape.ops.arithmetic import plus
from gradtape.ops.shaping import full
from gradtape.rewrite.recorded import NEVER, Conditions, recorded


def targets_of(recording: Recording, target: Any, output_gradients: Any) -> tuple[list[Node], list[Node | None] | None]:
    """The nodes to differentiate, and the weights of their elements; None for ones."""
    if output_gradients is None and isinstance(target, Handle) and not target.assignable and target.dtype.is_floating:
        return [target.node], None
    targets = nest.flatten(target)
    weights = [None] * len(targets) if output_gradients is None else nest.flatten(output_gradients)
    if len(weights) != len(targets):
        raise ShapeError(f"{len(targets)} targets were given, but {len(weights)} output_gradients")
    nodes: list[Node] = []
    given: list[Node | None] = []
    for one, weight in zip(targets, weights, strict=True):
        if one is None:
            raise TargetError(
                "the target of a gradient is None; if it came from another tape's gradient, that found no "
                "dependence, and gradtape.explain or the tape's none_reasons say why"
            )
        if getattr(one, "assignable", False):
            read = recording.reads.get(id(one))
            node = read[1][-1] if read else one.leaf  # the same as a source, whatever is assigned meanwhile
        else:
            node = need_tensor(one, "the target of a gradient")
        if not node.dtype.is_floating:
            continue
        seed = None
        if weight is not None:
            seed = as_node(weight, None if isinstance(weight, Handle) else node.dtype)
            if seed.shape != node.shape:
                raise ShapeError(
                    f"output_gradients must have the target's shape {node.shape}, but one has {seed.shape}"
                )
        nodes.append(node)
        given.append(seed)
    return nodes, given


def cotangents_of(
    recording: Recording,
    token: object,
    targets: list[Node],
    weights: list[Node | None] | None,
    wanted: list[Sequence[Node]],
) -> list[Node | None]:
    """The cotangent of each source."""
    given = [*recording.made, *recording.watched, *targets]
    pattern: tuple | None = None
    if weights is not None:
        given += [weight for weight in weights if weight is not None]
        pattern = tuple([weight is None for weight in weights])
    for nodes in wanted:
        given += nodes
    question = (len(recording.made), len(recording.watched), *map(len, wanted), pattern)
    walk = partial(pulled_back, recording, targets, weights, wanted)
    return kept(question, given, recording.made, token, walk)


def pulled_back(
    recording: Recording,
    targets: list[Node],
    weights: list[Node | None] | None,
    wanted: list[Sequence[Node]],
    numbers: Mapping[Node, int],
) -> tuple[list[Node | None], Conditions | None]:
    """The cotangent of each source, and on what the result rests.

    A source that lies inside of what is differentiated as another primitive needs a walk of its own.
    """
    seeds: dict[Node, Node] = {}
    for node, weight in zip(targets, weights or [None] * len(targets), strict=True):
        seed = full(node.shape, 1, node.dtype) if weight is None else weight
        seeds[node] = plus(seeds[node], seed) if node in seeds else seed
    stable = recorded(recording.made, numbers)
    cotangents = pull_back(stable.made, seeds)
    inside = [node for nodes in wanted for node in nodes if node in stable.hidden]
    if inside:
        open_there = pull_back(recorded(recording.made, numbers, apart=inside).made, seeds)
        cotangents.update({node: open_there[node] for node in inside if node in open_there})
    totals = [_total(nodes, cotangents) for nodes in wanted]
    return totals, NEVER if inside or is_by_hand(stable.made) else stable.rests_on


def nodes_of(recording: Recording, source: Any) -> Sequence[Node]:
    """The nodes that stand for a source: a Variable was read as one or several leaves."""
    if isinstance(source, Handle):
        if not source.dtype.is_floating:
            raise DTypeError(
                f"a source of a gradient has type {source.dtype.name}, which has no derivative; "
                "make it float32 or float64, for instance 3.0 instead of 3"
            )
        if source.assignable:
            known = recording.reads.get(id(source))
            return known[1] if known else [source.leaf]
    return [need_tensor(source, "a source of a gradient")]


def _total(nodes: Sequence[Node], cotangents: dict[Node, Node]) -> Node | None:
    """The sum of the cotangents of the nodes that stand for a source, or None if there are none."""
    total: Node | None = None
    for node in nodes:
        ct = cotangents.get(node)
        if ct is not None:
            total = ct if total is None else plus(total, ct)
    return total


def wants_zero(unconnected_gradients: Any) -> bool:
    if unconnected_gradients == "none":
        return False
    name = getattr(unconnected_gradients, "value", unconnected_gradients)
    if name not in ("none", "zero"):
        raise ArgumentError(f"unconnected_gradients must be 'none' or 'zero', but {unconnected_gradients!r} was given")
    return name == "zero"
