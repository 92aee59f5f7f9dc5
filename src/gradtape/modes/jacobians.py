"""Jacobians and Hessians: all derivatives of all elements.

    f: Rⁿ → Rᵐ      n < m: n tangents are pushed forward          otherwise: m cotangents are pulled back
                    ∂y/∂x₁  ∂y/∂x₂  …  are the columns            ∂y₁/∂x  ∂y₂/∂x  …  are the rows

They are pushed or pulled all at once: for one that is not known (`modes.sketch`), then for all of them (`modes.batch`).
The unit vectors that one begins with are made where they are read, and take no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, overload

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import DType, int32
from gradtape.graph.handles import TensorLike, wrap
from gradtape.graph.node import Node, Op, leaf, recordings
from gradtape.graph.shapes import Shape, size
from gradtape.graph.trace import apply, thread
from gradtape.modes import nest
from gradtape.modes.arguments import Argnames, Argnums, Arguments, refuse_holomorphic
from gradtape.modes.batch import batched, repeated
from gradtape.modes.forward import push_forward
from gradtape.modes.functional import recorded_call
from gradtape.modes.reverse import pull_back
from gradtape.modes.sketch import Sketch
from gradtape.modes.sparsity import Sparsity
from gradtape.modes.transformed import transform, transform_at
from gradtape.modes.units import images
from gradtape.ops.declare import convert
from gradtape.ops.selection import equal
from gradtape.ops.shaping import CONCAT, TRANSPOSE, broadcasted, full, reshaped

Linear = Callable[[Node], Sequence[Node | None]]
"""From a cotangent of a target to those of the sources, or from a tangent of a source to those of the targets."""

AT_ONCE = 256 << 20
"""Bytes of the largest intermediate result for as many unit vectors as are taken at once."""


@overload
def jacobian(
    f: Callable[..., Any],
    argnums: Argnums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Argnames = None,
    mode: str | None = None,
    sparse: bool | Sparsity = False,
) -> Callable: ...


@overload
def jacobian(
    f: Callable[..., Any],
    x: TensorLike,
    /,
    *others: Any,
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
    mode: str | None = None,
    sparse: bool | Sparsity = False,
    **named: Any,
) -> Any: ...


@transform_at
def jacobian(
    f: Callable[..., Any],
    argnums: Argnums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Argnames = None,
    mode: str | None = None,
    sparse: bool | Sparsity = False,
) -> Callable:
    """All derivatives of all elements of what f returns, as a function of the arguments of f, or for these arguments:
    ``jacobian(f)(x)`` is ``jacobian(f, x)``.

    f                     returns a tensor or a nest of them; with `has_aux` a pair of it and anything else, and then
                          the result is ``jacobian, rest``
    argnums, argnames     by which arguments, as for `grad`
    mode                  "forward", "reverse", or None: forward if there are fewer elements to differentiate by than of
                          the value
    sparse                whether the result is a `scipy.sparse.csr_array` of shape (elements of the value, elements of
                          the argument), for one tensor of each, computed in as many passes as its pattern needs. In
                          place of True the pattern itself, if it is known from `sparsity`

    The result has for each tensor of the value the structure of the arguments, and in it the shape value.shape +
    argument.shape. What follows f is argnums if it is an integer, a list of integers or None, and else its first
    argument; further ones follow, by position and name.

    >>> import gradtape as tf
    >>> tf.jacobian(lambda x: x[:2] * x[1:])([1., 2., 3.] * tf.ones(3)).numpy()
    array([[2., 1., 0.],
           [0., 3., 2.]], dtype=float32)
    >>> tf.jacobian(lambda x: x**2, [3., 4.] * tf.ones(2), mode="forward").numpy()
    array([[6., 0.],
           [0., 8.]], dtype=float32)
    """
    refuse_holomorphic(holomorphic)
    if mode not in (None, "forward", "reverse"):
        raise ArgumentError(f"mode must be 'forward', 'reverse' or None, but {mode!r} was given")
    if sparse is not False:
        from gradtape.modes.sparse import sparse_jacobian

        return sparse_jacobian(f, argnums, _pattern(sparse, has_aux or mode is not None), argnames=argnames)

    def derivatives(*args: Any, **kwargs: Any) -> Any:
        given = Arguments(f, args, kwargs, argnums, argnames)
        value, aux, call = recorded_call(f, given, has_aux)
        sources, targets = [x.node for x in given.leaves], [y.node for y in nest.flatten(value)]
        total = [sum(size(node.shape) for node in nodes) for nodes in (sources, targets)]
        forward = total[0] < total[1] if mode is None else mode == "forward"
        places = [leaf for node in (sources if forward else targets) for leaf in counted(size(node.shape))]
        walk = partial(_by_columns if forward else _by_rows, sources, targets)
        blocks = call.found(("Jacobian", forward, len(sources)), [*places, *sources, *targets], walk)
        each = iter([wrap(block) for block in blocks if block is not None])
        filled = [[next(each) for _ in sources] for _ in targets]
        found = nest.pack(value, [given.packed(row) for row in filled])
        return (found, aux) if has_aux else found

    return derivatives


def _by_columns(sources: list[Node], targets: list[Node], made: dict[Node, Op | None]) -> list[Node | None]:
    """For each target the Jacobians by the sources, from tangents of these."""
    push = lambda x: lambda t: _pick(push_forward(made, {x: t}, targets), targets)  # noqa: E731
    columns = [directions(push(x), x.shape, x.dtype) for x in sources]
    return [
        _filled(_columns(column[i], x.shape), x, y)
        for i, y in enumerate(targets)
        for x, column in zip(sources, columns, strict=True)
    ]


def _by_rows(sources: list[Node], targets: list[Node], made: dict[Node, Op | None]) -> list[Node | None]:
    """For each target the Jacobians by the sources, from its cotangents."""
    pull = lambda y: lambda ct: _pick(pull_back(made, {y: ct}), sources)  # noqa: E731
    found: list[Node | None] = []
    for y in targets:
        rows = directions(pull(y), y.shape, y.dtype) if y.dtype.is_floating else [None] * len(sources)
        found += [_filled(rows_of(row, y.shape), x, y) for x, row in zip(sources, rows, strict=True)]
    return found


def _filled(block: Node | None, x: Node, y: Node) -> Node:
    return full(y.shape + x.shape, 0, y.dtype) if block is None else block


@transform
def jacfwd(
    f: Callable[..., Any],
    argnums: Argnums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Argnames = None,
) -> Callable:
    """`jacobian` in forward mode: its cost grows with the number of elements of the arguments."""
    return jacobian(f, argnums, has_aux, holomorphic, argnames=argnames, mode="forward")


@transform
def jacrev(
    f: Callable[..., Any],
    argnums: Argnums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Argnames = None,
) -> Callable:
    """`jacobian` in reverse mode: its cost grows with the number of elements of the value."""
    return jacobian(f, argnums, has_aux, holomorphic, argnames=argnames, mode="reverse")


@overload
def hessian(
    f: Callable[..., Any],
    argnums: Argnums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Argnames = None,
    sparse: bool | Sparsity = False,
) -> Callable: ...


@overload
def hessian(
    f: Callable[..., Any],
    x: TensorLike,
    /,
    *others: Any,
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
    sparse: bool | Sparsity = False,
    **named: Any,
) -> Any: ...


@transform_at
def hessian(
    f: Callable[..., Any],
    argnums: Argnums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Argnames = None,
    sparse: bool | Sparsity = False,
) -> Callable:
    """All second derivatives of f, which returns a tensor or a nest of them: the Jacobian of its Jacobian, forward over
    reverse. As a function of the arguments of f, or for these arguments, as `jacobian`: ``hessian(f, x)``.

    For one number and one argument the shape is argument.shape + argument.shape; with `sparse` the result is a
    `scipy.sparse.csr_array`, as for `jacobian`, computed in few passes that use its symmetry. For the products of a
    Hessian with vectors `hvp` does without it.

    >>> import gradtape as tf
    >>> tf.hessian(lambda x: x[0]**2 * x[1])(tf.constant([3., 5.])).numpy()
    array([[10.,  6.],
           [ 6.,  0.]], dtype=float32)
    """
    if sparse is not False:
        from gradtape.modes.sparse import sparse_hessian

        return sparse_hessian(f, argnums, _pattern(sparse, has_aux), argnames=argnames)
    first = jacobian(f, argnums, has_aux, holomorphic, argnames=argnames, mode="reverse")
    return jacobian(first, argnums, has_aux, holomorphic, argnames=argnames, mode="forward")


def _pattern(sparse: Any, others: bool) -> Sparsity | None:
    """The pattern that was given for `sparse`, if it is not to be found."""
    if others:
        raise ArgumentError("sparse derivatives have neither has_aux nor a mode: they use both modes as it is best")
    if sparse is not True and not isinstance(sparse, Sparsity):
        raise ArgumentError(
            f"sparse must be True, False or what gradtape.sparsity returned, but {sparse!r:.60} was given"
        )
    return None if sparse is True else sparse


# -- many directions at once ----------------------------------------------------------------------------------


def directions(
    linear: Linear, shape: Shape, dtype: DType, shared: int | None = None, one_by_one: bool = False
) -> list[Node | None]:
    """A linear map of every unit vector of a shape and type, side by side along a first axis.

    With `shared` the vectors are units of the axes behind the first, which has that length, and the same along it.
    """
    inner = shape if shared is None else shape[1:]
    number = size(inner)

    def some(start: int, stop: int) -> Node:
        unit = reshaped(units(start, stop, number, dtype), (stop - start, *[1] * (shared is not None), *inner))
        return broadcasted(unit, (stop - start, *shape))

    if one_by_one and number:
        found = [linear(reshaped(some(i, i + 1), shape)) for i in range(number)]
        return [_stacked([row[k] for row in found]) for k in range(len(found[0]))]
    with Sketch("a Jacobian", "all rows or columns are computed at once") as sketch:
        one = sketch.placeholder(shape, dtype)
        results = linear(one)
    nodes = [y for y in results if y is not None]
    if number == 0:
        return [None if y is None else full((0, *y.shape), 0, y.dtype) for y in results]
    sketch.hand_out(nodes)
    largest = max((size(node.shape) * node.dtype.size for node in sketch.resting(nodes)), default=1)
    step = max(1, min(number, AT_ONCE // max(1, largest)))
    parts = []
    for start in range(0, number, step):
        stop = min(start + step, number)
        if shared is None and 1 < number == step:
            examples = images(nodes, one, sketch.rests_on_placeholder, lambda shape: _places(0, number, number, shape))
        else:
            examples = {one: some(start, stop)}
        many = batched(nodes, examples, stop - start)
        parts.append([repeated(y, stop - start) if ys is None else ys for y, ys in zip(nodes, many, strict=True)])
        if step < number and thread.capture is None and not recordings.get():
            parts[-1] = [_computed(ys) for ys in parts[-1]]  # so that what was in between is let go
    joined = iter(
        [column[0] if len(parts) == 1 else apply(CONCAT, column, (0,)) for column in zip(*parts, strict=True)]
    )
    return [None if y is None else next(joined) for y in results]


def units(start: int, stop: int, number: int, dtype: DType) -> Node:
    """Rows of the identity matrix."""
    if number == 1:
        return full((1, 1), 1, dtype)
    return convert(_places(start, stop, number, (number,)), dtype)


def _places(start: int, stop: int, number: int, shape: Shape) -> Node:
    """Where unit vectors of a shape with so many elements are not zero."""
    if (start, stop) == (0, number):
        rows, columns = counted(number)
    else:
        rows, columns = _numbers(start, stop, (-1, 1)), _numbers(0, number, (1, -1))
    return reshaped(equal(rows, columns), (stop - start, *shape))


@lru_cache(maxsize=64)
def counted(number: int) -> tuple[Node, ...]:
    """0, 1, … as a column and as a row; nothing where all is one unit vector. The same nodes each time, so that they
    can stand in a Trace before the walk that reads them."""
    return (_numbers(0, number, (-1, 1)), _numbers(0, number, (1, -1))) if number > 1 else ()


def _numbers(start: int, stop: int, shape: Shape) -> Node:
    return leaf(np.arange(start, stop, dtype=np.int32).reshape(shape), int32)


def _computed(node: Node) -> Node:
    tensor = wrap(node)
    tensor.numpy()
    return tensor.node


def _stacked(rows: Sequence[Node | None]) -> Node | None:
    nodes = [reshaped(row, (1, *row.shape)) for row in rows if row is not None]
    if len(nodes) < 2:
        return nodes[0] if nodes else None
    return apply(CONCAT, tuple(nodes), (0,))


def _pick(found: dict[Node, Node], nodes: Sequence[Node]) -> list[Node | None]:
    return [found.get(node) for node in nodes]


def rows_of(rows: Node | None, shape: Shape) -> Node | None:
    """Cotangents of a source for each element of a target of this shape, as a Jacobian."""
    return None if rows is None else reshaped(rows, (*shape, *rows.shape[1:]))


def _columns(columns: Node | None, shape: Shape) -> Node | None:
    """Tangents of a target for each element of a source of this shape, as a Jacobian."""
    if columns is None:
        return None
    rank = len(columns.shape)
    turned = columns if rank == 1 else apply(TRANSPOSE, (columns,), ((*range(1, rank), 0),))
    return reshaped(turned, (*columns.shape[1:], *shape))


def blocks_of(rows: Node | None, target: Shape) -> Node | None:
    """Cotangents (rows, batch, …) of a source for each element but of the first axis of a target, as the Jacobians of
    its examples."""
    if rows is None:
        return None
    rank = len(rows.shape)
    turned = apply(TRANSPOSE, (rows,), ((1, 0, *range(2, rank)),))
    return reshaped(turned, (*target, *rows.shape[2:]))
