"""How a row of the table is declared, and what the kinds of maps mean.

A primitive is a documented function under a decorator that says what kind of map it is:

    @elementwise(partials=[lambda x: cos(x)], lowering="sin", reference=np.sin)
    def sin(x, name=None):
        "Sine of x, elementwise. …"

The function that results is what users call, and what rules are written with: given nodes it returns a node, given
anything else a Tensor.

kind          the rule is                                                        what modes make of it
elementwise   a partial derivative per input, as an expression of the inputs     chain rule; batching is broadcasting
linear        its transpose: cotangent of the output → cotangent of input i      forward is itself
bilinear      two transposes                                                     Leibniz, Cauchy products
selection     per input, where the input is picked: a bool expression            zero elsewhere by structure
implicit      cotangent of input i, from the cotangent, the output, the inputs   the textbook rule, source named;
                                                                                 forward its transpose, or said with it
constant      none: nothing depends on the input smoothly                        no gradient
custom        none; the user's is a value in the graph, see `ops.custom`             what the user says
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache, update_wrapper
from typing import Any, TypeVar

import numpy as np

from gradtape.errors import DTypeError
from gradtape.graph.dtypes import ALL, DType, as_dtype, bfloat16, bfloat16_reference, converted, float32, promote
from gradtape.graph.handles import Handle, as_node, number_node, weak, wrap
from gradtape.graph.node import Node, Primitive
from gradtape.graph.shapes import Shape, broadcast
from gradtape.graph.trace import apply
from gradtape.ops import admit

F = TypeVar("F", bound=Callable)

PUBLIC: dict[str, Callable] = {}
"""Every function for users that is made of the table, by name."""

_ACCEPTED = {
    "float": tuple(t for t in ALL if t.is_floating),
    "number": tuple(t for t in ALL if not t.is_bool),
    "integer": tuple(t for t in ALL if t.is_integer),
    "bool": tuple(t for t in ALL if t.is_bool),
    "any": ALL,
}


def literal(number: float | int | bool, dtype: DType) -> Node:
    """A constant that is part of the code, for numbers that belong to a rule (the 2 in 2x), not to the user."""
    key = (number or str(number), dtype.name)  # 0.0 and -0.0 are equal, but not their texts
    node = _literals.get(key)
    if node is None:
        text = float(number).hex() if dtype.is_floating else int(number)
        node = _literals[key] = Node((LITERAL, (), (text, dtype.name)), None, (), dtype)
    return node


def _exact_number(mp: Any, number: float | int) -> Any:
    """The number of a rule: a sixth where it is the float that is nearest to that."""
    from fractions import Fraction

    near = Fraction(number).limit_denominator(100)
    return mp.mpf(near.numerator) / near.denominator if float(near) == number else mp.mpf(number)


@cache
def number_of(text: str | int) -> float | int:
    """The number that a literal's parameter spells, not yet rounded to the type."""
    return float.fromhex(text) if isinstance(text, str) else text


LITERAL = Primitive(
    "literal",
    "constant",
    infer=lambda inputs, params: ((), as_dtype(params[1])),
    lowering=lambda m, text, dtype: m.number(dtype, as_dtype(dtype).nearest(number_of(text))),
    reference=lambda text, dtype: converted(np.asarray(number_of(text)), as_dtype(dtype)),
    parameters=("number", "dtype"),
    admits=lambda inputs, params: not inputs and len(params) == 2 and _spelled(*params),
    exact=lambda mp, text, dtype: _exact_number(mp, number_of(text)),
    halves=True,
)
_literals: dict[tuple, Node] = {}
_NAMES = {t.name for t in ALL}


def _spelled(number: Any, dtype: Any) -> bool:
    """Whether these are the parameters of a literal."""
    if type(dtype) is not str or dtype not in _NAMES:
        return False
    if as_dtype(dtype).is_floating:
        return type(number) is str and len(number) <= 32 and isinstance(float.fromhex(number), float)
    return type(number) is int and as_dtype(dtype).min <= number <= as_dtype(dtype).max


CAST = Primitive(
    "cast",
    "linear",
    infer=lambda inputs, params: (inputs[0].shape, as_dtype(params[0])),
    rule=lambda ct, i, inputs, dtype: convert(ct, inputs[0].dtype),
    lowering=lambda m, x, dtype: m.cast(x, dtype),
    reference=lambda x, dtype: converted(x, as_dtype(dtype)),
    numpy=lambda x, dtype: bfloat16_reference(x) if dtype == bfloat16.name else converted(x, as_dtype(dtype)),
    parameters=("dtype",),
    admits=lambda inputs, params: len(inputs) == 1 and len(params) == 1 and params[0] in _NAMES,
    exact=lambda mp, x, dtype: _as_exact(mp, x, as_dtype(dtype)),
    formula=lambda sp, x, dtype: _as_formula(sp, x, as_dtype(dtype)),
    halves=True,
    zeros="first",
)


def _as_exact(mp: Any, x: Any, dtype: DType) -> Any:
    """A number as one of another kind, not rounded to the type."""
    if dtype.is_bool:
        return x != 0
    return mp.mpf(int(x)) if dtype.is_integer else mp.mpf(x)


def _as_formula(sp: Any, x: Any, dtype: DType) -> Any:
    condition = x.is_Boolean or x.is_Relational
    if dtype.is_bool:
        return x if condition else sp.Ne(x, 0)
    whole = dtype.is_integer and not condition and not x.is_integer
    return sp.Piecewise((1, x), (0, True)) if condition else sp.sign(x) * sp.floor(sp.Abs(x)) if whole else x


def convert(node: Node, dtype: DType) -> Node:
    """The node with element type `dtype`."""
    if node.dtype is dtype:
        return node
    return apply(CAST, (node,), (dtype.name,))


# -- reading operands -----------------------------------------------------------------------------------------


def float_operand(x: Any) -> Node:
    """A node for the operand of a real function; numbers and lists of integers count as floats."""
    if isinstance(x, Handle):
        return x.node
    if isinstance(x, (int, float)):
        return number_node(x, float32)
    node = as_node(x)
    return convert(node, float32) if isinstance(x, (list, tuple)) and not node.dtype.is_floating else node


def pair(x: Any, y: Any) -> tuple[Node, Node]:
    """Nodes of one element type for two operands. Python numbers take the type of the other operand."""
    if isinstance(x, Handle):
        a = x.node
        if isinstance(y, Handle):
            b = y.node
        elif isinstance(y, (int, float)):
            b = number_node(y, weak(y, a.dtype))
        else:
            b = as_node(y)
    elif isinstance(x, (int, float)) and not isinstance(y, (int, float)):
        b = as_node(y)
        a = number_node(x, weak(x, b.dtype))
    else:
        a = as_node(x)
        b = number_node(y, weak(y, a.dtype)) if isinstance(y, (int, float)) else as_node(y)
    if a.dtype is b.dtype:
        return a, b
    dtype = promote(a.dtype, b.dtype)
    return convert(a, dtype), convert(b, dtype)


def _refused(name: str, operands: str, dtype: DType) -> DTypeError:
    return DTypeError(
        f"{name} works on {operands} tensors, but one of type {dtype.name} was given; convert it with cast first"
    )


# -- declaring ------------------------------------------------------------------------------------------------


def elementwise(
    *,
    lowering: Any,
    reference: Callable,
    partials: Sequence[Callable | None] | None = None,
    picks: Sequence[Callable | None] | None = None,
    operands: str = "float",
    result: DType | None = None,
    parameters: Sequence[str] = (),
    family: str = "",
    domain: str = "all real x",
    kind: str = "",
    public: bool = True,
    exact: Callable[..., Any] | None = None,
    admits: Callable[..., bool] | None = None,
    **fields: Any,
) -> Callable[[F], F]:
    """Declare a map that works element by element on one or two inputs that broadcast.

    Give `partials` (smooth), `picks` (selection), or neither (constant); both in the order of the inputs.
    `family` names a static parameter that users do not see: the order of the derivative, 0 for the function itself.
    `admits` says of parameters, which are whole numbers, whether there is such a function. Further `fields` are those
    of the Primitive.
    """
    parameters = [family] if family else parameters
    rule = partials if partials is not None else picks
    if not kind:
        kind = "elementwise" if partials is not None else "selection" if picks is not None else "constant"

    def declare(definition: Callable) -> Any:
        name, accepted = definition.__name__, _ACCEPTED[operands]
        arity = len(inspect.signature(definition).parameters) - 1 - (0 if family else len(parameters))

        def infer_unary(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
            x = inputs[0]
            if x.dtype not in accepted:
                raise _refused(name, operands, x.dtype)
            return x.shape, result or x.dtype

        def infer_binary(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
            x, y = inputs
            if x.dtype not in accepted:
                raise _refused(name, operands, x.dtype)
            return x.shape if x.shape == y.shape else broadcast(x.shape, y.shape), result or x.dtype

        primitive = Primitive(
            name,
            kind,
            infer=infer_unary if arity == 1 else infer_binary,
            rule=rule,
            lowering=lowering,
            reference=reference,
            parameters=parameters,
            domain=domain,
            costly=isinstance(lowering, str),
            exact=exact,
            admits=admit.operands(arity, admits or (admit.order if family else None), len(parameters))
            if admits or family or not parameters
            else None,
            **fields,
        )
        make = _family if family else _unary if arity == 1 else _binary
        call = make(primitive, float_operand if operands == "float" else as_node)
        first = next(iter(inspect.signature(definition).parameters))
        return publish(definition, call if first in ("x", "y") else _named(call, first), primitive, public)

    return declare


def _unary(primitive: Primitive, read: Callable[[Any], Node]) -> Callable:
    def call(x: Any, *params: Any, name: str | None = None) -> Any:
        if type(x) is Node:
            return apply(primitive, (x,), params)
        return wrap(apply(primitive, (read(x),), params))

    def plain(x: Any, name: str | None = None) -> Any:
        if type(x) is Node:
            return apply(primitive, (x,))
        return wrap(apply(primitive, (read(x),)))

    return call if primitive.parameters else plain


def _named(call: Callable, first: str) -> Callable:
    """`call` with another name for its first parameter."""

    def renamed(*args: Any, **kwargs: Any) -> Any:
        return call(kwargs.pop(first), **kwargs) if first in kwargs else call(*args, **kwargs)

    return renamed


def _family(primitive: Primitive, read: Callable[[Any], Node]) -> Callable:
    def call(x: Any, name: str | None = None, *, order: int = 0) -> Any:
        if type(x) is Node:
            return apply(primitive, (x,), (order,))
        return wrap(apply(primitive, (read(x),), (order,)))

    return call


def _binary(primitive: Primitive, read: Callable[[Any], Node]) -> Callable:
    real = read is float_operand

    def call(x: Any, y: Any, name: str | None = None) -> Any:
        if isinstance(x, Handle) and isinstance(y, Handle):  # the usual case first
            a, b = x.node, y.node
            return wrap(apply(primitive, (a, b) if a.dtype is b.dtype else pair(x, y)))
        if type(x) is Node:
            return apply(primitive, (x, y if type(y) is Node else literal(y, x.dtype)))
        if type(y) is Node:
            return apply(primitive, (literal(x, y.dtype), y))
        if real:
            x, y = (float(v) if type(v) is int else v for v in (x, y))
        return wrap(apply(primitive, pair(x, y)))

    def call_with(x: Node, y: Node, *params: Any) -> Node:
        return apply(primitive, (x, y), params)

    return call_with if primitive.parameters else call


def publish(definition: Callable, call: Callable, primitive: Primitive | None = None, public: bool = True) -> Any:
    """Give `call` the name, signature and documentation of `definition`, and list it among the public functions."""
    if call is not definition:
        update_wrapper(call, definition)
    call.primitive = primitive  # type: ignore[attr-defined]
    if public:
        PUBLIC[definition.__name__] = call
    return call


def operation(*tensors: str) -> Callable[[F], F]:
    """Declare a public function that is composed of primitives. Its body works on nodes.

    The parameters named in `tensors` are turned into nodes; the result is wrapped unless one of them was a node
    already.
    """

    def declare(definition: Callable) -> Any:
        signature = inspect.signature(definition)
        positions = [list(signature.parameters).index(t) for t in tensors]

        def call_one(*args: Any, **kwargs: Any) -> Any:
            """For the usual case: one tensor, which comes first."""
            if not args:
                return call(**kwargs)
            if type(args[0]) is Node:
                return definition(*args, **kwargs)
            return _wrap_all(definition(as_node(args[0]), *args[1:], **kwargs))

        def call(*args: Any, **kwargs: Any) -> Any:
            given = list(args)
            inside = False
            for position, name in zip(positions, tensors, strict=True):
                if position < len(given):
                    holder: Any = given
                    key: Any = position
                elif name in kwargs:
                    holder, key = kwargs, name
                else:
                    continue
                value = holder[key]
                if type(value) is Node:
                    inside = True
                elif value is not None:
                    holder[key] = as_node(value)
            result = definition(*given, **kwargs)
            return result if inside else _wrap_all(result)

        return publish(definition, call_one if positions == [0] else call)

    return declare


def _wrap_all(result: Any) -> Any:
    if isinstance(result, Node):
        return wrap(result)
    if isinstance(result, (list, tuple)):
        return type(result)(_wrap_all(r) for r in result)
    return result


def linear(
    name: str,
    *,
    infer: Callable,
    transpose: Callable,
    reference: Callable,
    batch: Callable,
    lowering: Any = None,
    reduction: Any = None,
    view: Any = None,
    parameters: Sequence[str] = (),
    **fields: Any,
) -> Primitive:
    """Declare a linear map of one input; `transpose(ct, x, *params)` is the cotangent of the input `x`, and
    `batch(xs, number, *params)` the map of so many inputs, which stand along the first axis of `xs`. Further `fields`
    are those of the Primitive."""
    return Primitive(
        name,
        "linear",
        infer=infer,
        rule=lambda ct, i, inputs, *params: transpose(ct, inputs[0], *params),
        batch=lambda inputs, batched, number, *params: batch(inputs[0], number, *params),
        lowering=lowering,
        reduction=reduction,
        view=view,
        reference=reference,
        parameters=parameters,
        **fields,
    )
