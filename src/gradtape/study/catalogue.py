"""`gradtape.activations`: the activation functions of the field, to call, to read about and to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from html import escape
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.ops.special import gelu
from gradtape.study.activation_table import TABLE, Entry, Source
from gradtape.study.facts import Facts
from gradtape.study.subject import Subject
from gradtape.text import parse


class Activation:
    """An activation function: called with a Tensor (or what becomes one), it is computed; its attributes tell of it.

    name, aliases               what it is called
    formula, latex              its formula as text, with the names of its parameters, and for LaTeX
    slope, slope_latex          the same for its derivative
    parameters                  its parameters with their defaults
    source                      where it was published, or None: authors, title, year, link
    facts                       what is known of it with its defaults, see `gradtape.study.facts`

    >>> import gradtape as tf
    >>> elu = tf.activations["elu"]
    >>> elu([-1., 2.], alpha=2.).numpy()
    array([-1.2642411,  2.       ], dtype=float32)
    >>> elu.source.year, dict(elu.parameters)
    (2015, {'alpha': 1.0})
    """

    def __init__(self, entry: Entry):
        self._entry = entry
        self.__name__ = entry.name
        self.__doc__ = f"{self.formula}\n\n{entry.source or ''}"

    @property
    def name(self) -> str:
        return self._entry.name

    @property
    def aliases(self) -> tuple[str, ...]:
        return self._entry.aliases

    @property
    def formula(self) -> str:
        return _named(self._entry.formula)

    @property
    def slope(self) -> str:
        return _named(self._entry.slope)

    @property
    def latex(self) -> str:
        return self._entry.latex

    @property
    def slope_latex(self) -> str:
        return self._entry.slope_latex

    @property
    def parameters(self) -> Mapping[str, float]:
        return dict(self._entry.parameters)

    @property
    def source(self) -> Source | None:
        return self._entry.source

    def __call__(self, x: Any, **parameters: float) -> Any:
        """The function of x, element by element, with the type of x. ArgumentError for a parameter that it lacks."""
        return self.function(**parameters)(x)

    def function(self, **parameters: float) -> Any:
        """The function of x alone, with other parameters than the defaults: an `Expression`."""
        if self.name == "gelu_tanh":
            self._values(parameters)
            return _gelu_tanh
        return parse(self._text(self._entry.computed or self._entry.formula, parameters))

    def written(self, **parameters: float) -> Any:
        """The formula as it is written by hand, as an `Expression`; `function` is the same without cancellation."""
        return parse(self._text(self._entry.formula, parameters))

    def written_slope(self, **parameters: float) -> Any:
        """The formula of the derivative in the same way."""
        return parse(self._text(self._entry.slope, parameters))

    def facts_with(self, **parameters: float) -> Facts:
        """What is known of it with other parameters."""
        return Facts(Subject(self.function(**parameters), self.name, "x", self._text(self._entry.formula, parameters)))

    @cached_property
    def facts(self) -> Facts:
        return self.facts_with()

    def _values(self, parameters: Mapping[str, float]) -> dict[str, float]:
        for name, value in parameters.items():
            if name not in self._entry.parameters:
                known = ", ".join(self._entry.parameters) or "none"
                raise ArgumentError(f"{self.name} has no parameter {name}; its parameters: {known}")
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ArgumentError(f"the parameter {name} of {self.name} is a number, not {value!r}")
        return {**self._entry.parameters, **parameters}

    def _text(self, template: str, parameters: Mapping[str, float]) -> str:
        values = {name: _written(value) for name, value in self._values(parameters).items()}
        return template.format(**values)

    # -- display -----------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<Activation {self.name}(x) = {self.formula}>"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def _repr_html_(self) -> str:
        from gradtape.study.report import report_of

        return report_of(self.facts)._repr_html_()


def _gelu_tanh(x: Any) -> Any:
    return gelu(x, approximate=True)


def _named(template: str) -> str:
    return template.replace("{", "").replace("}", "")


def _written(value: float) -> str:
    text = repr(float(value))
    text = text.removesuffix(".0")
    return f"({text})" if text.startswith("-") else text


class Activations(Mapping[str, Activation]):
    """Every activation function by its name; an alias finds it, too."""

    def __init__(self) -> None:
        self._known = {entry.name: Activation(entry) for entry in TABLE}
        self._aliases = {alias: entry.name for entry in TABLE for alias in entry.aliases}

    def __getitem__(self, name: str) -> Activation:
        found = self._known.get(self._aliases.get(name, name)) if isinstance(name, str) else None
        if found is None:
            near = get_close_matches(str(name), [*self._known, *self._aliases], n=3)
            raise KeyError(
                f"there is no activation {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else "")
            )
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._aliases

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        width = max(map(len, self._known))
        return "\n".join(f"{name.ljust(width)}  {one.formula}" for name, one in self._known.items())

    def _repr_html_(self) -> str:
        rows = []
        for name, one in self._known.items():
            link = (
                f'<a href="{escape(one.source.link)}">{one.source.year}</a>' if one.source and one.source.link else ""
            )
            year = link or (str(one.source.year) if one.source else "")
            by = escape(one.source.authors) if one.source else ""
            cells = "".join(
                f"<td>{cell}</td>" for cell in (escape(name), f"<code>{escape(one.formula)}</code>", by, year)
            )
            rows.append(f"<tr>{cells}</tr>")
        head = "".join(f"<th>{title}</th>" for title in ("name", "formula", "published by", "year"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


activations = Activations()
"""The catalogue.

>>> len(activations) > 30, "swish" in activations, activations["swish"].name
(True, True, 'silu')
"""
