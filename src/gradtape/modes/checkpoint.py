"""`checkpoint`: what a function computes on the way is computed again for its derivatives, and not kept for them.

The operations of a call are noted as a Program, and the results are `declared` to have the derivatives that making them
again gives (see `ops.custom`). What f closes over is noted with its arguments, so derivatives go there too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradtape.graph.handles import Handle, as_node, wrap
from gradtape.graph.node import Node, Recording, recordings
from gradtape.graph.program import Program
from gradtape.graph.trace import again, computation, rely, thread, watched
from gradtape.modes import nest
from gradtape.modes.arguments import need_tensors
from gradtape.modes.forward import push_forward
from gradtape.modes.reverse import pull_back
from gradtape.modes.sketch import Sketch
from gradtape.modes.transformed import transform
from gradtape.ops.arithmetic import identity, plus
from gradtape.ops.custom import declared
from gradtape.rewrite.recorded import Recorded, recorded


@transform
def checkpoint(f: Callable[..., Any]) -> Callable:
    """f, whose derivatives compute again what f computes on the way, so that it need not be kept for them.

    f    returns a tensor or a nest of them

    Results and derivatives, of every order and in every mode, are those of f, also by variables and tensors that f
    closes over, at the values that they had. f is called once, its operations are made again. The memory of a long
    chain is then that of the results of its parts.

    >>> import gradtape as tf
    >>> part = tf.checkpoint(lambda x: tf.sin(tf.exp(x)))
    >>> f = lambda x: tf.sin(tf.exp(tf.sin(tf.exp(x))))
    >>> tf.grad(lambda x: part(part(x)))(0.5).numpy() == tf.grad(f)(0.5).numpy()
    np.True_
    """

    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        given = [wrap(one.node) if isinstance(one, Handle) else one for one in nest.flatten((args, kwargs))]
        tensors, named = nest.pack((args, kwargs), given)
        with Sketch("a checkpoint", "", forget=True):
            value = need_tensors(f, f(*tensors, **named))
            trace = thread.trace
            numbers = [trace[as_node(y)] for y in nest.flatten(value)]
            noted = computation(trace.prefix, numbers, len(numbers))
            leaves = [trace.at[i] for i in noted.leaves]
        token = recordings.set(())
        try:
            results = again(noted.program, leaves)
        finally:
            recordings.reset(token)
        numbers_only = [leaf if _is_number(leaf) else None for leaf in leaves]
        arguments = [leaf for leaf, number in zip(leaves, numbers_only, strict=True) if number is None]
        rule = _Again(noted.program, numbers_only)
        return nest.pack(value, [wrap(y) for y in declared(rule, results, arguments)])

    return checkpointed


recompute_grad = checkpoint
"""TensorFlow's name of it."""


def _is_number(leaf: Node) -> bool:
    """Whether a leaf is a number that no tape watches: what is written by hand is known by its numbers."""
    if type(leaf.value) is not float or watched(leaf):
        return False
    rely(leaf)
    return True


class _Again:
    """The Rule of a call: that of its operations, made again. `numbers` are those of the leaves of the Program that are
    no arguments."""

    def __init__(self, program: Program, numbers: Sequence[Node | None]):
        self.program = program
        self.numbers = numbers

    def _again(self, arguments: Sequence[Node]) -> tuple[list[Node], list[Node], Recorded]:
        """Fresh arguments, the results made of them, and how. As it is no longer the same computation as before,
        nothing of that is kept for it."""
        fresh = [identity(x) for x in arguments]
        recording = Recording(accessed=False)
        for x in fresh:
            if x.dtype.is_floating:
                recording.watch(x)
        token = recordings.set((*recordings.get(), recording))
        try:
            supply = iter(fresh)
            results = again(self.program, [next(supply) if x is None else x for x in self.numbers])
        finally:
            recordings.reset(token)
        return fresh, results, recorded(recording.made, {})

    def pull(
        self, arguments: Sequence[Node], results: Sequence[Node], cotangents: Sequence[Node]
    ) -> Sequence[Node | None]:
        fresh, made, how = self._again(arguments)
        seeds: dict[Node, Node] = {}
        for y, ct in zip(made, cotangents, strict=True):
            if y.dtype.is_floating:
                seeds[y] = plus(seeds[y], ct) if y in seeds else ct
        found = pull_back(how.made, seeds)
        return [found.get(x) for x in fresh]

    def push(
        self, arguments: Sequence[Node], results: Sequence[Node], tangents: Sequence[Node]
    ) -> Sequence[Node | None]:
        fresh, made, how = self._again(arguments)
        start = {x: t for x, t in zip(fresh, tangents, strict=True) if x.dtype.is_floating}
        found = push_forward(how.made, start, made)
        return [found.get(y) for y in made]
