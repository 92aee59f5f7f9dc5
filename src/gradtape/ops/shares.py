"""What functions of rows in float64 are made of, number by number, so that they round once (see `gradtape.ops.logits`).

The sum Σ exp(x - m) of a row is three numbers here: how many elements are the largest one, m, and of the terms of the
others, times 2**RAISED, the sum of leading bits (`head`) and the sum of what these lack (`tail`).

Where a parameter `part` is 1, the result is what the nearest number to the true value, or its leading bits, lacks of
it: that is a rounding error, which has no derivative. Nor have the others one, but `share_slope`: the derivatives of
functions of rows are said by these themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.errors import DTypeError
from gradtape.graph import notation
from gradtape.graph.dtypes import DType, float64
from gradtape.graph.node import Node, Primitive
from gradtape.graph.shapes import Shape, broadcast
from gradtape.graph.trace import apply
from gradtape.ops import admit

RAISED = 160


def _infer(number: int) -> Callable[[tuple[Node, ...], tuple], tuple[Shape, DType]]:
    """The rule for shapes and types of so many inputs."""

    def infer(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
        shape = inputs[0].shape
        for _, x in zip(range(number), inputs, strict=True):
            if x.dtype is not float64:
                raise DTypeError(f"parts of rows are float64, but a tensor of type {x.dtype.name} was given")
            if x.shape != shape:
                shape = broadcast(shape, x.shape)
        return shape, float64

    return infer


def _declare(
    name: str,
    inputs: int,
    *,
    written: str,
    reference: Callable[..., Any],
    exact: Callable[..., Any],
    partials: list | None = None,
    domain: str = "all real numbers",
    parts: bool = True,
) -> Callable[..., Node]:
    """A function of nodes; `parts` says whether it has the parameter `part`. It is `written` with a number in braces
    for each input."""

    def notes(operands: Sequence[notation.Text], part: int = 0) -> notation.Text:
        text = written.format(*(x.within(notation.ATOM) for x in operands))
        return notation.remarked(notation.Text(text), "the last places") if part else notation.Text(text, notation.SUM)

    primitive = Primitive(
        name,
        "elementwise" if partials else "constant",
        infer=_infer(inputs),
        rule=partials,
        lowering=name,
        reference=reference,
        parameters=["part"] if parts else [],
        admits=_float64(admit.operands(inputs, (lambda part: part in (0, 1)) if parts else None, int(parts))),
        exact=exact,
        domain=domain,
        costly=True,
        notation=notes,
    )
    return lambda *given: apply(primitive, given[:inputs], given[inputs:])


def _float64(test: admit.Test) -> admit.Test:
    return lambda inputs, params: test(inputs, params) and inputs[0].dtype is float64


def _below(x: Any, top: Any) -> Any:
    return np.where(x == top, 0.0, x - top)


def _terms(x: Any, top: Any) -> Any:
    return np.where(x == top, 0.0, np.exp(_below(x, top)) * 2.0**RAISED)


def _exact_below(x: Any, top: Any) -> Any:
    return 0 if x == top else x - top


def _whole(count: Any, head: Any, tail: Any) -> Any:
    return count + (head + tail) * 2.0**-RAISED


minor_term = _declare(
    "minor_term",
    3,
    written="exp({0} - {1}), the places of {2}",
    reference=lambda x, top, grid, part: (
        _terms(x, top) - ((_terms(x, top) + grid) - grid) if part else (_terms(x, top) + grid) - grid
    ),
    exact=lambda mp, x, top, grid, part: mp.zero if part or x == top else mp.ldexp(mp.exp(x - top), RAISED),
)
"""exp(x - top) times 2**RAISED where x < top, else 0; its leading bits are what adding the grid and subtracting it
leaves."""

share = _declare(
    "share",
    5,
    written="exp({0} - {1})/({2} + {3} + {4})",
    reference=lambda x, top, count, head, tail, part: (
        np.zeros_like(x) if part else np.exp(_below(x, top)) / _whole(count, head, tail)
    ),
    exact=lambda mp, x, top, count, head, tail, part: (
        mp.zero if part else mp.exp(_exact_below(x, top)) / _whole(count, head, tail)
    ),
    domain="> 0",
)
"""exp(x - top) divided by the sum of the row; part 1 is times 2**RAISED, so that it has digits where that is
subnormal."""

log_total = _declare(
    "log_total",
    3,
    written="log({0} + {1} + {2})",
    reference=lambda count, head, tail, part: (
        np.zeros_like(count) if part else np.log1p(count - 1 + (head + tail) * 2.0**-RAISED)
    ),
    exact=lambda mp, count, head, tail, part: mp.zero if part else mp.log(_whole(count, head, tail)),
    domain="> 0",
)
"""The logarithm of the sum of the row."""

log_share = _declare(
    "log_share",
    4,
    written="{0} - {1} - ({2} + {3})",
    reference=lambda x, top, log, low: _below(x, top) - (log + low),
    exact=lambda mp, x, top, log, low: _exact_below(x, top) - (log + low),
    parts=False,
)
"""(x - top) - (log + low), where x - top is 0 if these are equal."""

product_rest = _declare(
    "product_rest",
    5,
    written="({0} + {1})*({2} - {3})*{4}, the last places",
    reference=lambda p, low, x, y, unit: low * 2.0**-RAISED * (x - y) * unit,
    exact=lambda mp, p, low, x, y, unit: low * 2.0**-RAISED * (x - y) * unit,
    parts=False,
)
"""What p (x - y) unit lacks of (p + low / 2**RAISED) (x - y) unit."""


def _centred(x: Node, y: Node, head: Node, tail: Node, unit: Node) -> Node:
    return (x - y) - (head + tail) / unit


share_slope = _declare(
    "share_slope",
    7,
    written="({0} + {1})*({2} - {3} - ({4} + {5})/{6})",
    reference=lambda p, low, x, y, head, tail, unit: (p + low * 2.0**-RAISED) * ((x - y) - (head + tail) / unit),
    exact=lambda mp, p, low, x, y, head, tail, unit: (p + low * 2.0**-RAISED) * ((x - y) - (head + tail) / unit),
    partials=[
        lambda p, low, x, y, head, tail, unit: _centred(x, y, head, tail, unit),
        lambda p, low, x, y, head, tail, unit: _centred(x, y, head, tail, unit) * 2.0**-RAISED,
        lambda p, low, x, y, head, tail, unit: p,
        lambda p, low, x, y, head, tail, unit: -p,
        lambda p, low, x, y, head, tail, unit: -(p / unit),
        lambda p, low, x, y, head, tail, unit: -(p / unit),
        lambda p, low, x, y, head, tail, unit: p * (head + tail) / (unit * unit),
    ],
    parts=False,
)
"""(p + low / 2**RAISED) (x - y - (head + tail) / unit), where `low` is a rounding error."""
