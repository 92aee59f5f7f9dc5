"""The constant tables that kernels read: 2/π in pieces, for reducing huge arguments (see trigonometric), and behind
them the polynomials of erfc (see error_function) and the zeros of lgamma and ψ (see gamma_zeros).

For each exponent e = FIRST, ..., 1023 the table has the number (2**(e - 52) * 2/π) mod 4 as a sum of PARTS doubles:
whole turns are dropped before multiplying. The parts are cut from an integer, so they are exact.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from gradtape.engine.elementary.coefficients import (
    ERFC_TABLE,
    LGAMMA_TABLE,
    PSI_TABLE,
    TWO_OVER_PI_BITS,
    TWO_OVER_PI_INTEGER,
)

FIRST = 29
ROWS = 1024 - FIRST
PARTS = 4
"""4 * 53 bits: 53 for the factor x, 62 that the worst argument cancels (Muller, chapter 11), the rest is accuracy."""


def offset(part: int) -> int:
    """Where the doubles number `part` begin; they follow one another by exponent."""
    return part * ROWS


def erfc_offset(coefficient: int) -> int:
    """Where the coefficients of this number of erfc's polynomials begin; they follow one another by row."""
    return PARTS * ROWS + coefficient * len(ERFC_TABLE)


def lgamma_offset(column: int) -> int:
    """Where this column of the zeros of lgamma begins; they follow one another by row."""
    return erfc_offset(len(ERFC_TABLE[0])) + column * len(LGAMMA_TABLE)


def psi_offset(column: int) -> int:
    """The same for the zeros of ψ."""
    return lgamma_offset(len(LGAMMA_TABLE[0])) + column * len(PSI_TABLE)


@cache
def tables() -> np.ndarray:
    """All tables in one read-only array; made on first use."""
    out = np.empty((PARTS, ROWS))
    for row in range(ROWS):
        point = TWO_OVER_PI_BITS - (FIRST + row - 52)  # bits behind the binary point of 2**(e - 52) * 2/π
        rest = TWO_OVER_PI_INTEGER & ((4 << point) - 1)
        excess = max(0, point - 260)
        rest, point = rest >> excess, point - excess
        for part in range(PARTS):
            cut = max(0, rest.bit_length() - 53)
            head = rest >> cut << cut
            out[part, row] = float(head) * 2.0**-point
            rest -= head
    flat = np.concatenate(
        [out.reshape(-1), *[np.array(table).T.reshape(-1) for table in (ERFC_TABLE, LGAMMA_TABLE, PSI_TABLE)]]
    )
    flat.flags.writeable = False
    return flat
