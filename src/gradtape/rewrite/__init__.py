"""Rewrites: Program in, Program out, before it is planned. Each is a small function; this is their order."""

from __future__ import annotations

from gradtape.graph.program import Program
from gradtape.rewrite.fold import fold


def rewrite(program: Program) -> Program:
    """The Program with everything simplified that can be without changing a bit of the result.

    Sharing of equal operations has happened already: a Program has none, see `gradtape.graph.program.trace`.
    """
    return fold(program)
