"""What can be said about a typed expression before it is parsed, so that a slip gets an answer made for it.

Everything here reports an `ExpressionError` with the column, or returns quietly.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from difflib import get_close_matches

from gradtape.errors import ExpressionError
from gradtape.text.vocabulary import CONSTANTS, OTHER_NAMES, functions

LONGEST = 2000
"""Characters that an expression may have."""

DEEPEST = 100
"""How deep its parts may be nested."""

SIMILAR = 0.8
"""How alike a name and that of a function are, by difflib's measure, for the name to be a misspelling."""

_INSTEAD = {
    "^": "for a power write **",
    "−": "for minus write -",
    "–": "for minus write -",
    "×": "for a product write *",
    "·": "for a product write *",
    "⋅": "for a product write *",
    "÷": "for a quotient write /",
    "²": "for a square write **2",
    "³": "for a cube write **3",
    "√": "for a square root write sqrt(x)",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "[": "write round parentheses",
    "]": "write round parentheses",
    "{": "write round parentheses",
    "}": "write round parentheses",
    "!": "for a comparison write !=, for a negation not",
    "'": "text in quotes is not part of an expression",
    '"': "text in quotes is not part of an expression",
    "\0": "a null character cannot be part of an expression",
}
_STRANGE = re.compile(r"[^\w\s+\-*/%().,<>=!&|~]|[²³¹⁰-⁹]|!(?!=)")
_NUMBER = r"(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?"
_TOKEN = re.compile(rf"(?<![\w.]){_NUMBER}|[^\W\d]\w*|\*\*|//|[<>=!]=|\S")
_GLUED = re.compile(rf"(?<![\w.])((?>{_NUMBER}))([^\W\d]\w*)")
_KEYWORDS = {
    **dict.fromkeys(("if", "else"), "for a choice write where(condition, a, b)"),
    **dict.fromkeys(("True", "False"), "write a comparison, such as x > 0"),
}


WORDS = ("and", "or", "not")
"""The words of Python that may stand in an expression."""


def tokens(text: str) -> Iterator[re.Match[str]]:
    """The numbers, names and operators of a text, one after the other."""
    return _TOKEN.finditer(text)


def check(text: str, variables: tuple[str, ...]) -> None:
    """Report the first thing in the text that can be no part of an expression."""
    if not text.strip():
        raise ExpressionError("the expression is empty; write a formula such as sin(x)**2", text, 0)
    if len(text) > LONGEST:
        raise ExpressionError(
            f"the expression has {len(text):,} characters; at most {LONGEST:,} are read, so split or shorten it"
        )
    problems = [p for p in (_strange(text), _keyword(text), _glued(text, variables), _nesting(text)) if p]
    if problems:
        column, message = min(problems)
        raise ExpressionError(message, text, column)


def _strange(text: str) -> tuple[int, str] | None:
    found = _STRANGE.search(text)
    if not found:
        return None
    character = found.group()
    hint = _INSTEAD.get(character, "use numbers, names, + - * / ** ( ) and comparisons")
    return found.start() + 1, f"{character!r} cannot stand in an expression; {hint}"


def _keyword(text: str) -> tuple[int, str] | None:
    for found in tokens(text):
        word = found.group()
        if keyword.iskeyword(word) and word not in WORDS:
            hint = _KEYWORDS.get(word, "write a formula such as sin(x)**2")
            return found.start() + 1, f"'{word}' is a word of Python that cannot stand in an expression; {hint}"
    return None


def _glued(text: str, variables: tuple[str, ...]) -> tuple[int, str] | None:
    """2x, 3sin(x): Python reads these as damaged numbers."""
    found = _GLUED.search(text)
    if not found or keyword.iskeyword(found.group(2)):
        return None
    number, name = found.groups()
    return found.start() + 1, f"'{number}{name}' needs an operator; for the product write {number}*{name}"


def _nesting(text: str) -> tuple[int, str] | None:
    """Parentheses and signs deeper than the limit, which Python's own parser answers with a MemoryError."""
    depth = 0
    for column, character in enumerate(text, 1):
        depth += (character == "(") - (character == ")")
        if depth > DEEPEST:
            return column, _too_deep()
    signs = re.search(r"(?:[-+~]\s*){%d}" % (DEEPEST + 1), text)
    return (signs.start() + 1, _too_deep()) if signs else None


def _too_deep() -> str:
    return f"the expression is nested more than {DEEPEST} levels deep; make it simpler"


def too_deep(text: str, column: int = 1) -> ExpressionError:
    return ExpressionError(_too_deep(), text, column)


def syntax(text: str, offset: int | None, message: str) -> ExpressionError:
    """Why Python's parser stopped at `offset` (from 1; 0 or past the end: at the end), in words about formulas."""
    if "never closed" in message or "unmatched" in message or "does not match" in message:
        hint = "it needs its partner" if "does not match" not in message else "parentheses come in pairs"
        return ExpressionError(f"{message}; {hint}", text, offset or 1)
    end = len(text.rstrip())
    if not offset or offset > end:
        return ExpressionError("the expression stops in the middle; something is missing at the end", text, end + 1)
    before = [t.group() for t in tokens(text) if t.start() < offset - 1]
    found = _TOKEN.match(text, offset - 1)
    here, last = found.group() if found else text[offset - 1], before[-1] if before else ""
    if here == "=":
        return ExpressionError("'=' cannot stand in an expression; to compare write ==", text, offset)
    if _ends_value(last) and (here == "(" or _ends_value(here)) and here != ")":
        hint = f"write {last}({here})" if last in functions() else f"for the product write {last}*{here}"
        return ExpressionError(f"an operator is missing between '{last}' and '{here}'; {hint}", text, offset)
    return ExpressionError(f"'{here}' does not fit here; something before it is missing or superfluous", text, offset)


def _ends_value(token: str) -> bool:
    return token == ")" or (token[:1].isalnum() and token not in WORDS)


def unknown(name: str, text: str, column: int, variables: tuple[str, ...]) -> ExpressionError:
    """An error for a name that nothing has, with the name or the formula that was probably meant."""
    known = [*functions(), *CONSTANTS, *variables]
    hint = _meant(name, known, variables)
    if not hint:
        close = get_close_matches(name, known, n=3, cutoff=0.6)
        if close:
            hint = f"did you mean {' or '.join(close)}?"
        elif variables:
            hint = f"the variable is {' or '.join(variables)}" if len(variables) == 1 else ""
            hint = hint or f"the variables are {', '.join(variables)}"
        else:
            hint = "only numbers, pi, e and functions of them are known here"
    return ExpressionError(f"unknown name '{short(name)}'; {hint}", text, column)


def slip(name: str, others: tuple[str, ...]) -> str:
    """What a name that could be a variable beside others rather is: a misspelt function, or a product; else empty."""
    ends = (name[-1],) if name[-1].isalpha() else ()
    hint = _meant(name, [*functions(), *CONSTANTS, *others], (*others, *ends) if name[:-1] in functions() else others)
    if hint:
        return hint
    close = get_close_matches(name, functions(), n=3, cutoff=SIMILAR)
    return f"did you mean {' or '.join(close)}?" if close else ""


def short(written: str) -> str:
    """A part of the text, cut to what a sentence can bear."""
    return written if len(written) <= 40 else written[:37] + "..."


def _meant(name: str, known: list[str], variables: tuple[str, ...]) -> str:
    """What a slip that is no mere misspelling stands for: another library's name, sinx, x2, xsin, 2 names in one."""
    other = OTHER_NAMES.get(name.lower()) or (name.lower() if name.lower() in known else None)
    if other:
        return f"here it is called {other}"
    for variable in sorted(variables, key=len, reverse=True):
        head, tail = name.removesuffix(variable), name.removeprefix(variable)
        if head != name and head in functions():
            return f"write {head}({variable})"
        if head != name and (head in known or head in ("", *variables)):
            return f"for the product write {head}*{variable}"
        if tail != name and tail.isdigit():
            return f"write {variable}*{tail} or {variable}**{tail}"
        if tail != name and tail in known:
            return f"for the product write {variable}*{tail}"
    return ""
