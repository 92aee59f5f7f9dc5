"""Functions that are named on the command line: by an expression, by a name of gradtape's, or as module:function."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any

from gradtape.errors import ArgumentError

_PLACE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def named(text: str) -> Any:
    """What a text names: a Python function for ``module:function``, from this folder or an installed package; an
    activation of the catalogue that is no function of expressions; else the text itself, for `gradtape.study`.

    >>> named("math:floor").__name__, named("tanh"), named("x**2")
    ('floor', 'tanh', 'x**2')
    """
    if text.strip().isidentifier():
        return _activation(text.strip()) or text
    if not _PLACE.fullmatch(text.strip()):
        return text
    module, _, name = text.strip().partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # this folder, as for `python -m`
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise ArgumentError(f"{text} cannot be imported: {error}; run gradtape in the folder of {module}.py") from None
    except Exception as error:
        raise ArgumentError(f"{text} cannot be imported: {type(error).__name__} in {module}: {error}") from None
    if not callable(found):
        raise ArgumentError(f"{module} has no function {name}; name one as {module}:function")
    return found


def _activation(name: str) -> Any:
    from gradtape.text.vocabulary import functions

    if name in functions():
        return None
    from gradtape.study.catalogue import activations

    return activations.get(name)
