"""The syntax tree of a Python function, a lambda among others on its line included."""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
from functools import cache
from types import FunctionType

from gradtape.errors import ArgumentError


def parsed(function: FunctionType) -> ast.FunctionDef | ast.Lambda:
    """A copy of the definition of a function, without decorators.

    Raises ArgumentError if there is no source file, as for functions that were typed into an interpreter.

    >>> ast.unparse(parsed(parsed).body[-1])
    'return copy.deepcopy(found)'
    """
    code = function.__code__
    places = [
        node
        for node in _definitions(inspect.getsourcefile(function) or code.co_filename)
        if getattr(node, "name", "<lambda>") == code.co_name and _first_line(node) == code.co_firstlineno
    ]
    if len(places) > 1:
        places = [node for node in places if _holds(node, function)]
    if len(places) != 1:
        raise ArgumentError(f"the source of {function.__qualname__} in {code.co_filename} cannot be read")
    found = places[0]
    return copy.deepcopy(found)


@cache
def _definitions(file: str) -> list[ast.FunctionDef | ast.Lambda]:
    tree = ast.parse("".join(linecache.getlines(file)))
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]


def _first_line(node: ast.FunctionDef | ast.Lambda) -> int:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return min([node.lineno, *[one.lineno for one in decorators]])


def _holds(node: ast.FunctionDef | ast.Lambda, function: FunctionType) -> bool:
    """Whether the instructions of the function come from this place in the file, and not from a lambda around it."""
    body = node.body if isinstance(node, ast.Lambda) else node
    ends = {
        (line, column, end_line, end_column)
        for line, end_line, column, end_column in function.__code__.co_positions()
        if None not in (line, end_line, column, end_column)
    }
    return (body.lineno, body.col_offset, body.end_lineno, body.end_col_offset) in ends
