"""A function of several variables at a point: its value, gradient and Hessian by name, and the formula of each.

The numbers come from the graph, by nested tapes; the formulas from SymPy, which differentiates on its own. So each
checks the other: what the formulas say at the point, with 50 digits, is compared with the numbers.
"""

from __future__ import annotations

import html
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import gradtape
from gradtape import notebook
from gradtape.errors import ArgumentError, ExpressionError, MissingPackageError
from gradtape.graph.handles import Handle
from gradtape.study import formula as symbolic
from gradtape.study.accuracy_truth import context, ulps
from gradtape.study.subject import check_dtype
from gradtape.study.tables import json_number
from gradtape.text import Expression, parse

if TYPE_CHECKING:
    from rich.table import Table as RichTable

MOST_VARIABLES = 50
"""A Hessian of more is not something to read."""


@dataclass(frozen=True)
class Partial:
    """One number of the study: f itself, or a partial derivative.

    by          the names it is differentiated by, in order; none for f
    value       a NumPy number of the study's type
    formula     SymPy's expression, or None without formulas
    difference  how far the number is from what the formula gives there, in ulps; infinite where it gives none
    """

    by: tuple[str, ...]
    value: Any
    formula: Any = None
    difference: float | None = None

    def label(self, name: str) -> str:
        """The name in ASCII.

        >>> [Partial(by, 0.0).label("f") for by in [(), ("x",), ("x", "y"), ("y", "y")]]
        ['f', 'df/dx', 'd2f/dxdy', 'd2f/dy2']
        """
        if not self.by:
            return name
        below = f"d{self.by[0]}2" if len(set(self.by)) < len(self.by) else "".join(f"d{v}" for v in self.by)
        return f"d{len(self.by) if len(self.by) > 1 else ''}{name}/{below}"

    def latex(self, name: str) -> str:
        """The name in LaTeX."""
        sp = symbolic.sympy()
        if not self.by:
            return name
        power = f"^{len(self.by)}" if len(self.by) > 1 else ""
        symbols = [sp.latex(sp.Symbol(v)) for v in self.by]
        same = len(set(symbols)) < len(symbols)
        below = rf"\partial {symbols[0]}^2" if same else r"\,".join(rf"\partial {s}" for s in symbols)
        return rf"\frac{{\partial{power} {name}}}{{{below}}}"

    def mathml(self, name: str) -> tuple[str, str]:
        """The name and the formula in MathML, which browsers show without a script."""
        sp = symbolic.sympy()

        def written(expression: Any) -> str:
            return sp.mathml(expression, printer="presentation").replace("&InvisibleTimes;", "&#8290;")

        label = f"<mi>{html.escape(name)}</mi>"
        if self.by:
            power = f"<msup><mo>∂</mo><mn>{len(self.by)}</mn></msup>" if len(self.by) > 1 else "<mo>∂</mo>"
            symbols = [written(sp.Symbol(v)) for v in self.by]
            same = len(self.by) > 1 and len(set(self.by)) == 1
            below = [f"<mo>∂</mo><msup>{symbols[0]}<mn>2</mn></msup>"] if same else [f"<mo>∂</mo>{s}" for s in symbols]
            label = f"<mfrac><mrow>{power}{label}</mrow><mrow>{''.join(below)}</mrow></mfrac>"
        return f"<math>{label}</math>", f"<math>{written(self.formula)}</math>"

    def formula_latex(self) -> str:
        """The formula in LaTeX; empty without one."""
        return symbolic.sympy().latex(self.formula) if self.formula is not None else ""


@dataclass(frozen=True, eq=False)
class Partials:
    """What `gradient` finds. ``print`` shows it, `to_json` is for programs, a notebook shows formulas typeset.

    title       the function with its variables, as in f(x, y) = 3*x**2 + 2*y
    point       the values of the variables, by name
    parts       f, the partial derivatives in the order of the variables, then the second ones, row by row
    """

    title: str
    name: str
    point: dict[str, Any]
    parts: tuple[Partial, ...]
    problem: str = ""

    @property
    def value(self) -> Any:
        """f at the point, as a NumPy number."""
        return self.parts[0].value

    @property
    def gradient(self) -> dict[str, Any]:
        """The first partial derivatives by name."""
        return {part.by[0]: part.value for part in self.parts if len(part.by) == 1}

    @property
    def hessian(self) -> dict[str, dict[str, Any]]:
        """The second partial derivatives by names."""
        return {a: {b: self[a, b].value for b in self.point} for a in self.point}

    def __getitem__(self, by: str | tuple[str, ...]) -> Partial:
        """One of the parts: ``found["x"]``, ``found["x", "y"]``, and ``found[()]`` for f."""
        wanted = (by,) if isinstance(by, str) else tuple(by)
        for part in self.parts:
            if part.by == wanted:
                return part
        known = ", ".join(self.point)
        raise ArgumentError(f"there is no derivative by {', '.join(wanted)}; the variables are {known}, the order 2")

    @property
    def agree(self) -> bool | None:
        """Whether every number is within 1,000 ulps of its formula; None without formulas."""
        found = [part.difference for part in self.parts if part.difference is not None]
        return max(found) <= 1000 if found else None

    def shown(self) -> list[Partial]:
        """The parts with mixed derivatives once."""
        order = {name: i for i, name in enumerate(self.point)}
        return [part for part in self.parts if [order[b] for b in part.by] == sorted(order[b] for b in part.by)]

    def __str__(self) -> str:
        rows = [(part.label(self.name), _digits(part.value), _short(part.formula)) for part in self.shown()]
        widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
        lines = [f"{a.ljust(widths[0])}  {b.rjust(widths[1])}  {c}".rstrip() for a, b, c in rows]
        return "\n".join([self.heading(), "", *lines, "", self.remark()])

    def heading(self) -> str:
        """The function and the point."""
        return f"{self.title}  at  " + ", ".join(
            f"{name} = {str(value).removesuffix('.0')}" for name, value in self.point.items()
        )

    def __rich__(self) -> RichTable:
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        drawn = RichTable(
            title=Text(self.heading(), style="bold"), caption=self.remark(), box=box.ROUNDED, show_header=False
        )
        drawn.add_column(style="bold cyan", no_wrap=True)
        drawn.add_column(justify="right", no_wrap=True)
        drawn.add_column(overflow="fold")
        for part in self.shown():
            drawn.add_row(part.label(self.name), _digits(part.value), _short(part.formula))
        return drawn

    def remark(self) -> str:
        """One sentence on how the formulas and the numbers compare."""
        worst = max(self.parts, key=lambda part: -1 if part.difference is None else part.difference)
        if worst.difference is None:
            return f"no formulas: {self.problem}"
        if self.agree:
            return f"the numbers agree with the formulas: at most {worst.difference:.2g} ulp apart"
        gives = "none" if math.isinf(worst.difference) else f"one that is {worst.difference:.2g} ulp away"
        return (
            f"{worst.label(self.name)} is {_digits(worst.value)} here, but the formula gives {gives}: "
            "this is a point where the function has no such derivative, or one that loses its digits"
        )

    def to_json(self) -> str:
        """A JSON object: ``function``, ``at``, ``dtype``, ``value``, ``gradient`` and ``hessian`` by name, and with
        formulas ``formulas``, a list of objects with ``by``, ``text``, ``latex`` and ``ulps``."""
        whole: dict[str, Any] = {
            "function": self.title,
            "at": {name: json_number(value) for name, value in self.point.items()},
            "dtype": self.value.dtype.name,
            "value": json_number(self.value),
            "gradient": {name: json_number(value) for name, value in self.gradient.items()},
            "hessian": {a: {b: json_number(v) for b, v in row.items()} for a, row in self.hessian.items()},
        }
        if self.agree is not None:
            whole["formulas"] = [
                {
                    "by": list(part.by),
                    "text": str(part.formula),
                    "latex": part.formula_latex(),
                    "ulps": json_number(part.difference),
                }
                for part in self.parts
            ]
        return json.dumps(whole, allow_nan=False)

    def _repr_html_(self) -> str:
        rows = []
        for part in self.shown():
            cells = [html.escape(part.label(self.name)), html.escape(_digits(part.value)), ""]
            if part.formula is not None:
                cells[0], cells[2] = part.mathml(self.name)
            rows.append(cells)
        return notebook.table(self.heading(), (), rows, [self.remark()], safe=True)


def gradient(
    f: Any,
    at: Mapping[str, float] | Sequence[float],
    *,
    dtype: Any = "float64",
    formulas: bool | None = None,
    name: str | None = None,
) -> Partials:
    """The value, gradient and Hessian of a function of several numbers at a point, by name, with formulas.

    f           text, such as "3*x**2 + 2*y", an `Expression`, or a Python function of numbers
    at          the values of its variables by name, or in order
    dtype       float16, bfloat16, float32 or float64: how the numbers are computed
    formulas    whether SymPy (the extra `formula`) makes formulas; None: if it is installed and can
    name        what the function is called; else its own name, or f

    Raises ExpressionError for text that cannot be read, ArgumentError for a variable without a value,
    MissingPackageError if formulas are asked for and SymPy is not installed.

    >>> found = gradient("3*x**2 + 2*y", {"x": 2, "y": 3})
    >>> print(found)
    f(x, y) = 3*x**2 + 2*y  at  x = 2, y = 3
    <BLANKLINE>
    f         18  3*x**2 + 2*y
    df/dx     12  6*x
    df/dy      2  2
    d2f/dx2    6  6
    d2f/dxdy   0  0
    d2f/dy2    0  0
    <BLANKLINE>
    the numbers agree with the formulas: at most 0 ulp apart
    >>> found.gradient["x"], found.hessian["x"]["y"]
    (np.float64(12.0), np.float64(0.0))
    """
    kind = check_dtype(dtype)
    function, variables, text = _function(f, at)
    point = _point(variables, at, function)
    own = name or ("f" if text else _own_name(f))
    inputs = [gradtape.constant(value, kind.name) for value in point.values()]
    numbers = _numbers(function, inputs)
    title = f"{own}({', '.join(variables)})" + (f" = {text}" if text else "")
    parts = [Partial(by, value) for by, value in zip(_orders(variables), numbers, strict=True)]
    problem = "they were not asked for"
    if formulas is not False:
        try:
            parts = _with_formulas(function, inputs, variables, parts)
        except (MissingPackageError, ArgumentError) as error:
            if formulas:
                raise
            problem = str(error)
    return Partials(title, own, {n: kind.type(v) for n, v in point.items()}, tuple(parts), problem)


def _function(f: Any, at: Any) -> tuple[Callable[..., Any], tuple[str, ...], str]:
    """What was given as a function, the names of its variables, and its formula as text, if known."""
    if isinstance(f, str):
        f = _read(f, at)
    if isinstance(f, Expression):
        return f, f.variables, str(f)
    if not callable(f):
        raise ArgumentError(f"a function, an Expression or text is needed, but a {type(f).__name__} was given")
    try:
        known = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        known = ()  # type: ignore[assignment]
    names = tuple(p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))
    if not names or any(p.kind is p.VAR_POSITIONAL for p in known):
        names = tuple(at) if isinstance(at, Mapping) else tuple(f"x{i + 1}" for i in range(len(at)))
    elif len(at) < len(names):
        names = tuple(p.name for p in known if p.name in names and (p.default is p.empty or p.name in at))
    return f, names, ""


def _read(text: str, at: Any) -> Expression:
    """Text as a function of the names in it; in the order of the point, where that names the same ones."""
    names = tuple(at) if isinstance(at, Mapping) else None
    try:
        read = parse(text, None)
    except ExpressionError:
        return parse(text, names)
    return parse(text, names) if names and set(names) == set(read.variables) else read


def _point(variables: tuple[str, ...], at: Any, f: Any) -> dict[str, float]:
    """A value for each variable; ArgumentError for one too few, too many or that is no number."""
    values = dict(at) if isinstance(at, Mapping) else dict(zip(variables, at, strict=False))
    missing = [name for name in variables if name not in values]
    foreign = [name for name in values if name not in variables]
    if missing or foreign or len(at) != len(variables):
        wrong = (
            f"{missing[0]} has no value" if missing else f"there is no {foreign[0]}" if foreign else "values are left"
        )
        known = f"the variables {', '.join(variables)}" if variables else "no variables"
        raise ArgumentError(f"the function has {known}, but in the point {wrong}")
    if not 1 <= len(variables) <= MOST_VARIABLES:
        raise ArgumentError(f"a point has 1 to {MOST_VARIABLES} variables, not {len(variables)}")
    try:
        point = {name: float(values[name]) for name in variables}
    except (TypeError, ValueError):
        raise ArgumentError(f"the values of a point are numbers, but {values!r} was given") from None
    for variable, value in point.items():
        if not math.isfinite(value):
            raise ArgumentError(f"a point is finite, but {variable} is {value}")
    return point


def _numbers(f: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    """f, its partial derivatives and the second ones row by row, as NumPy numbers."""
    with gradtape.GradientTape(persistent=True) as outer:
        outer.watch(inputs)
        with gradtape.GradientTape() as inner:
            inner.watch(inputs)
            value = f(*inputs)
        if not isinstance(value, Handle):
            value = gradtape.constant(float(value), inputs[0].dtype)
        if value.shape != () or not value.dtype.is_floating:
            raise ArgumentError(
                f"the function must give one floating number, but it gave a {value.dtype.name} tensor of shape "
                f"{tuple(value.shape)}; for more, see gradtape.jacobian"
            )
        first = inner.gradient(value, inputs, unconnected_gradients="zero")
    second = [g for d in first for g in outer.gradient(d, inputs, unconnected_gradients="zero")]
    return [number.numpy()[()] for number in [value, *first, *second]]


def _orders(names: Sequence[str]) -> list[tuple[str, ...]]:
    return [(), *((a,) for a in names), *((a, b) for a in names for b in names)]


def _with_formulas(
    f: Callable[..., Any], inputs: Sequence[Any], names: Sequence[str], parts: Sequence[Partial]
) -> list[Partial]:
    """The parts with the formula of each, which is held against the number."""
    sp = symbolic.sympy()
    symbols = {name: sp.Symbol(name, real=True) for name in names}
    plain: dict[tuple[str, ...], Any] = {(): symbolic.formula(f, inputs, names)}
    simple = {**plain}
    place = {symbols[n]: sp.Rational(*float(x.numpy()).as_integer_ratio()) for n, x in zip(names, inputs, strict=True)}
    found = []
    for part in parts:
        mirrored = part.by[::-1]
        if mirrored in plain:
            plain[part.by], simple[part.by] = plain[mirrored], simple[mirrored]
        else:
            plain[part.by] = symbolic.derivative(sp, plain[part.by[:-1]], symbols[part.by[-1]])
            simple[part.by] = symbolic.simplest(sp, plain[part.by], place)
        formula = simple[part.by]
        found.append(Partial(part.by, part.value, formula, _difference(sp, formula, place, part.value)))
    return found


def _difference(sp: Any, expression: Any, place: Mapping[Any, Any], value: Any) -> float:
    """How many ulps a number is from its formula; infinite where that gives no real number."""
    exact = symbolic.at(sp, expression, place)
    if exact is sp.nan:
        return 0.0 if np.isnan(value) else math.inf
    mp = context()
    with mp.workdps(symbolic.DIGITS):
        return ulps(mp, float(value), mp.mpf(str(exact)) if exact.is_finite else mp.mpf(float(exact)), value.dtype)


def _own_name(f: Any) -> str:
    own = getattr(f, "__name__", "")
    return own if own.isidentifier() and len(own) <= 24 else "f"


def _digits(value: Any) -> str:
    """A number with the digits that all certainly mean something."""
    return f"{float(value) + 0.0:.{np.finfo(value.dtype).precision + 1 if value.dtype.kind == 'f' else 3}g}"


def _short(expression: Any, longest: int = 90) -> str:
    text = "" if expression is None else str(expression)
    return text if len(text) <= longest else f"{text[: longest - 2]} …"
