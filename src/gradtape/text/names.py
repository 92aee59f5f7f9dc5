"""Which variables a text has, where nobody said: the names in it that are neither functions nor constants."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from gradtape.errors import ExpressionError
from gradtape.text import scan
from gradtape.text.vocabulary import CONSTANTS, functions

GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu", "nu", "xi"),
    *("omicron", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)
"""Names of letters: never taken for a misspelt function, as gamma for lgamma."""


def free(text: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """The variables of a text that `scan.check` has passed, in the order of the alphabet: x before y, x2 before x10.

    Those that are `known` are variables whatever they look like.

    Raises ExpressionError for a name that is more likely a slip: of a function (``sigmoi``, ``sinx``), or of a product
    (``xy`` beside x and y). Who means it as a variable names the variables.

    >>> free("3*x**2 + 2*y*sin(pi*t)"), free("x10 - x2"), free("1/3")
    (('t', 'x', 'y'), ('x2', 'x10'), ())
    """
    found: dict[str, int] = {}
    for token in scan.tokens(text):
        name = unicodedata.normalize("NFKC", token.group())  # as Python reads names
        called = text[token.end() :].lstrip().startswith("(")
        if name.isidentifier() and name[0] != "_" and not called and name not in scan.WORDS and name not in CONSTANTS:
            if name not in functions():  # sin without parentheses has an error of its own
                found.setdefault(name, token.start() + 1)
        elif name[0] == "_" and not called:
            raise ExpressionError(f"the name '{scan.short(name)}' begins with _; use a letter", text, token.start() + 1)
    for name, column in found.items():
        if len(name) > 1 and name not in GREEK and name not in known:
            others = tuple(other for other in found if other != name)
            hint = scan.slip(name, others)
            if hint:
                raise ExpressionError(f"unknown name '{scan.short(name)}'; {hint}", text, column)
    return tuple(sorted(found, key=_natural))


def _natural(name: str) -> list[tuple[str, int]]:
    return [(letters, int(digits or 0)) for letters, digits in re.findall(r"(\D+)(\d*)", name)]
