"""Derivatives of any order in one pass: what users ask of Taylor mode.

derivatives          f, f', f'', … of a function that works element by element, or of one number
jet                  the series of f(x(t)) from those of its arguments, in JAX's convention
taylor_polynomial    the polynomial next to a point
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from math import factorial
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph.handles import Handle, TensorLike, as_node, number_node, wrap
from gradtape.graph.node import Buffer, Node, Op, Recording, recordings
from gradtape.graph.trace import rely, thread, watched
from gradtape.modes import nest
from gradtape.modes.arguments import need_tensors
from gradtape.modes.kept import Found, is_by_hand, kept
from gradtape.modes.power_series import UNIT, Coefficient
from gradtape.modes.taylor import expand
from gradtape.ops.arithmetic import identity, multiply
from gradtape.ops.declare import convert, float_operand, literal
from gradtape.ops.shaping import broadcasted, full
from gradtape.rewrite.recorded import NEVER, recorded

Tensor = Any

HIGHEST_ORDER = 100
"""The highest order that is taken: its factorial is far from overflowing."""


def derivatives(f: Callable[[Any], Any], x: TensorLike, order: int = 1) -> list[Tensor]:
    """f(x), f'(x), …, up to the derivative of the given order, in one pass: a list of ``order + 1`` Tensors.

    f        a function that works element by element: each element of its result depends on the same element of x
             alone. If x is one number, the result of f may have any shape
    x        a floating Tensor, array or number
    order    up to which derivative, 0 to 100; the work grows as its square

    Each is of the shape and type of f(x). Inside, float32 is computed in float64 and rounded once. What does not depend
    on x has the derivative 0. Written-out formulas such as 1/(1+exp(-x)) are replaced by the exact functions first.

    Raises ArgumentError for another order or if f returns no Tensor, ShapeError if it returns one of another shape,
    DTypeError if x is not floating.

    >>> import gradtape as tf
    >>> [d.numpy() for d in tf.derivatives(lambda x: x**3, [1., 2.], order=2)]
    [array([1., 8.], dtype=float32), array([ 3., 12.], dtype=float32), array([ 6., 12.], dtype=float32)]
    >>> tf.derivatives(tf.sigmoid, 17., order=9)[9].numpy()
    np.float32(4.13985e-08)
    """
    return _along(f, x, order, factorial)


def jet(
    f: Callable[..., Any], primals: Sequence[TensorLike], series: Sequence[Sequence[TensorLike]]
) -> tuple[Any, Any]:
    """The value and the derivatives of f(x(t), y(t), …) at t = 0, from those of its arguments.

    f          a function of as many arguments as there are primals; returns a Tensor or a nest of Tensors
    primals    the arguments at t = 0: floating Tensors, arrays or numbers
    series     for each argument its derivatives by t: first, second, …, of the argument's shape. Lists that are shorter
               than the longest go on with zeros

    Returns f's value and, for each Tensor in it, the list of its derivatives, as many as the longest list of `series`
    has. These are derivatives, not divided by factorials, as in jax.experimental.jet. The series x, [v, 0, 0] is the
    straight line x + v·t, so the result are the derivatives of f along v.

    Raises ArgumentError if f returns no Tensor or the lists do not fit, ShapeError for a derivative that does not have
    its argument's shape, DTypeError for arguments that are not floating.

    >>> import gradtape as tf
    >>> value, slopes = tf.jet(lambda x, y: x * y, (2., 3.), ([1., 0.], [1., 0.]))
    >>> value.numpy(), [slope.numpy() for slope in slopes]           # of (2 + t)(3 + t)
    (np.float32(6.0), [np.float32(5.0), np.float32(2.0)])
    """
    if len(primals) != len(series):
        raise ArgumentError(f"jet needs a series for each primal, but {len(primals)} and {len(series)} were given")
    points = [point_of(x, f"primal {i}") for i, x in enumerate(primals)]
    given = {
        point: [_given(one, point, i, k) for k, one in enumerate(terms, 1)]
        for i, (point, terms) in enumerate(zip(points, series, strict=True))
    }
    order = check_order(max([len(terms) for terms in series], default=0))
    result, made = record(f, points)
    need_tensors(f, result)
    flat = nest.flatten(result)
    slopes = _expanded(made, given, [one.node for one in flat], order, factorial)
    return nest.pack(result, flat), nest.pack(result, slopes)


class TaylorPolynomial:
    """c₀ + c₁(x - a) + c₂(x - a)² + … about the point a, called with x.

    `point` is a, `coefficients` a list of Tensors, lowest order first; a Tensor of several points holds a polynomial
    for each.
    """

    def __init__(self, point: Tensor, coefficients: Sequence[Tensor]):
        self.point = point
        self.coefficients = list(coefficients)

    @property
    def order(self) -> int:
        return len(self.coefficients) - 1

    def __call__(self, x: TensorLike) -> Tensor:
        """The value at x, which broadcasts with the point."""
        step = x - self.point
        total = self.coefficients[-1]
        for c in reversed(self.coefficients[:-1]):
            total = total * step + c
        return total

    def __repr__(self) -> str:
        return f"<TaylorPolynomial of order {self.order} about {self.point!r}>"

    def _repr_latex_(self) -> str | None:
        """What notebooks show of a polynomial about one number."""
        if tuple(self.point.shape):
            return None
        about = float(self.point.numpy())
        step = "x" if about == 0 else f"(x {'-' if about > 0 else '+'} {_latex(abs(about))})"
        terms = ""
        for k, coefficient in enumerate(self.coefficients):
            value = float(coefficient.numpy())
            if value:
                power = "" if k == 0 else step if k == 1 else f"{step}^{{{k}}}"
                sign = "-" if value < 0 else "+" if terms else ""
                terms += f" {sign} {_latex(abs(value))}\\,{power}"
        return f"${terms.strip() or '0'}$"


def taylor_polynomial(f: Callable[[Any], Any], x0: TensorLike, order: int) -> TaylorPolynomial:
    """The Taylor polynomial of f about x0, for f and x0 as in `derivatives`.

    >>> import gradtape as tf
    >>> p = tf.taylor_polynomial(tf.exp, 0., 3)
    >>> [c.numpy().item() for c in p.coefficients]
    [1.0, 1.0, 0.5, 0.1666666716337204]
    >>> p(0.5).numpy()
    np.float32(1.6458333)
    """
    coefficients = _along(f, x0, order, lambda k: 1)
    return TaylorPolynomial(x0 if isinstance(x0, Handle) else wrap(float_operand(x0)), coefficients)


def _latex(value: float) -> str:
    digits, _, exponent = f"{value:.6g}".partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if exponent else digits


def check_order(order: int) -> int:
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order <= HIGHEST_ORDER:
        raise ArgumentError(f"the order of a derivative is a whole number from 0 to {HIGHEST_ORDER}, not {order!r}")
    return order


def _along(f: Callable[[Any], Any], x: TensorLike, order: int, factor: Callable[[int], int]) -> list[Tensor]:
    """f(x), and the coefficients of f(x + t) times a factor for each order."""
    check_order(order)
    point = point_of(x, "x")
    result, made = record(f, [point])
    value = _value(f, result, point)
    return [value, *_expanded(made, {point: [UNIT]}, [value.node], order, factor)[0]]


Given = Mapping[Node, Sequence[Coefficient | None]]


def _expanded(
    made: Recorded, given: Given, targets: Sequence[Node], order: int, factor: Callable[[int], int]
) -> list[list[Tensor]]:
    """The coefficients of the targets from the first on, each times a factor."""
    terms = [one for coefficients in given.values() for one in coefficients]
    moving = [one.node for one in terms if one is not None and one.node is not None]
    shape = [[None if one is None else (one.factor, one.node is None) for one in series] for series in given.values()]
    question = (len(made.ops), factor(order), order, tuple(map(tuple, shape)))
    walk = partial(_scaled_all, made, given, targets, order, factor)
    return _nest(kept(question, [*made.ops, *given, *moving, *targets], made.ops, made.token, walk), order)


def _scaled_all(
    made: Recorded,
    given: Given,
    targets: Sequence[Node],
    order: int,
    factor: Callable[[int], int],
    numbers: Mapping[Node, int],
) -> Found:
    stable = recorded(made.ops, numbers)
    found = expand(stable.made, given, targets, order)
    return [
        _scaled(target, one, Fraction(factor(k)))
        for target, coefficients in zip(targets, found, strict=True)
        for k, one in enumerate(coefficients[1:], 1)
    ], NEVER if is_by_hand(stable.made) else stable.rests_on


def _nest(nodes: Sequence[Node | None], order: int) -> list[list[Tensor]]:
    tensors = [wrap(node) for node in nodes if node is not None]
    return [tensors[i : i + order] for i in range(0, len(tensors), order)] if order else [[]]


def point_of(x: TensorLike, what: str) -> Node:
    """A node of its own for an argument: what f knows from elsewhere is not differentiated, even if it is x."""
    node = x.node if isinstance(x, Handle) else float_operand(x)
    if not node.dtype.is_floating:
        raise DTypeError(
            f"{what} has type {node.dtype.name}, which has no derivative; make it float32 or float64, "
            "for instance 3.0 instead of 3"
        )
    return identity(node)


class Recorded(NamedTuple):
    """What was recorded, and the Trace that was open when it began."""

    ops: dict[Node, Op | None]
    token: object


def record(f: Callable[..., Any], points: Sequence[Node]) -> tuple[Any, Recorded]:
    """f at the points, and what was recorded meanwhile."""
    began = thread.trace.token
    recording = Recording(accessed=False)
    for point in points:
        recording.watch(point)
    token = recordings.set((*recordings.get(), recording))
    try:
        return f(*[wrap(point) for point in points]), Recorded(recording.made, began)
    finally:
        recordings.reset(token)


def _value(f: Callable[[Any], Any], result: Any, point: Node) -> Tensor:
    """What f returned, as a Tensor of the point's shape."""
    if isinstance(result, Real):
        return wrap(full(point.shape, float(result), point.dtype))
    node = need_tensors(f, result).node if isinstance(result, Handle) or result is None else None
    if node is None:
        raise ArgumentError(
            f"derivatives needs a function that returns one Tensor, but {name_of(f)} returned a "
            f"{type(result).__name__}; compute with gradtape's functions, and use jet for several results"
        )
    if not node.dtype.is_floating:
        node = convert(node, point.dtype)
    if node.shape == () and not (isinstance(result, Handle) and _rests_on(node, point)):
        node = broadcasted(node, point.shape)
    if node.shape != point.shape and point.shape != ():
        raise ShapeError(
            f"{name_of(f)} must work element by element, but for x of shape {point.shape} it returned a tensor of "
            f"shape {node.shape}; for other functions there is jet"
        )
    return wrap(node)


def _rests_on(node: Node, point: Node) -> bool:
    seen, waiting = {node}, [node]
    while waiting:
        one = waiting.pop()
        if one is point:
            return True
        for x in one.op[1] if one.op else ():
            if x not in seen:
                seen.add(x)
                waiting.append(x)
    return False


def name_of(f: Any) -> str:
    name = getattr(f, "__name__", str(f))
    return "the function" if name == "<lambda>" else name


def _given(value: TensorLike, point: Node, i: int, k: int) -> Coefficient | None:
    """A derivative of an argument as a coefficient. One that is the same known number everywhere is that number."""
    factor = Fraction(1, factorial(k))
    node = number_node(value, point.dtype) if isinstance(value, (int, float)) else as_node(value)
    if node.shape not in (point.shape, ()):
        raise ShapeError(
            f"derivative {k} of primal {i} must have the primal's shape {point.shape}, but has {node.shape}"
        )
    number = None if watched(node) else _uniform(node)
    if number is not None:
        return Coefficient(factor * Fraction(number)) if number else None
    return Coefficient(factor, convert(node, point.dtype))


def _uniform(node: Node) -> float | None:
    """The number that the elements of a node are, if they are all the same and known."""
    shown = node
    while node.op is not None and node.op[0].view is not None and len(node.op[1]) == 1:
        node = node.op[1][0]
    value = node.value
    if value is not None:
        rely(node)
        rely(shown)
    if type(value) is Buffer:
        array = value.array
        if not array.size or not (array == array.flat[0]).all():
            return None
        value = array.flat[0]
    if value is None or not np.isfinite(value):
        return None
    return float(value)


def _scaled(value: Node, one: Coefficient | None, factor: Fraction) -> Node:
    """A coefficient times a factor, in the shape and type of f's value."""
    if one is None:
        return full(value.shape, 0, value.dtype)
    factor *= one.factor
    node = one.node
    if node is None:
        return full(value.shape, float(factor), value.dtype)
    if factor != 1:
        node = multiply(node, literal(float(factor), node.dtype))
    return broadcasted(convert(node, value.dtype), value.shape)
