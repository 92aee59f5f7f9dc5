"""Where a picture goes: checked before anything is computed, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gradtape.errors import OutputError

SUFFIXES = (".png", ".svg", ".pdf")

_WORDS = {
    "**": "pow",
    "//": "floordiv",
    "<=": "le",
    ">=": "ge",
    "==": "eq",
    "!=": "ne",
    "+": "plus",
    "-": "minus",
    "*": "times",
    "/": "over",
    "%": "mod",
    "<": "lt",
    ">": "gt",
    "&": "and",
    "|": "or",
    "~": "not",
}


def default_name(formula: str) -> str:
    """A file name that can be written everywhere and says which formula is drawn.

    >>> default_name("sigmoid(x)"), default_name("-x**2"), default_name("1/(1 + exp(-x))")
    ('sigmoid_x.png', 'minus_x_pow_2.png', '1_over_1_plus_exp_minus_x.png')
    """
    spoken = re.sub("|".join(map(re.escape, _WORDS)), lambda found: f" {_WORDS[found.group()]} ", formula)
    name = re.sub(r"[^A-Za-z0-9.]+", "_", spoken).strip("_.")
    if len(name) > 60:
        name = f"{name[:50].rstrip('_.')}_{hashlib.sha256(formula.encode()).hexdigest()[:8]}"
    return f"{name}.png"


@contextmanager
def atomic(path: Path, suffixes: Sequence[str] = SUFFIXES) -> Iterator[Path]:
    """A new file beside `path` that takes its place when the block ends well, and is removed when it does not.

    A picture has one of the `suffixes`; without any, every name will do. The file is made on entry, so that an
    OutputError for a path that cannot be written comes before the work.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        kind = f"'{path.suffix}'" if path.suffix else "a file without a suffix"
        raise OutputError(f"cannot write {path}: {kind} is not a kind of picture; end it in {', '.join(suffixes)}")
    try:
        target = Path(os.path.realpath(path))  # a link stays one
        problem = _problem(target)
        partial = target.parent / f".gradtape-{secrets.token_hex(8)}{target.suffix}"
        if not problem:
            partial.open("xb").close()
    except OSError as error:
        problem = f"{_reason(error)}; choose another place"
    if problem:
        raise OutputError(f"cannot write {path}: {problem}")
    try:
        yield partial
        os.replace(partial, target)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {_reason(error)}") from None
    finally:
        partial.unlink(missing_ok=True)


def _problem(target: Path) -> str:
    """Why a file cannot be written, as far as can be told without writing; else empty."""
    if target.is_dir():
        return "it is a folder; name a file in it"
    if not target.parent.is_dir():
        return f"there is no folder {target.parent}; make it or choose another"
    if target.exists() and not (target.is_file() and os.access(target, os.W_OK)):
        return "it is there and cannot be replaced; choose another name"
    return ""


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
