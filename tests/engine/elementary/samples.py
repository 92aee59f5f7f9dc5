"""Arguments at which the elementary functions are measured."""

from __future__ import annotations

import numpy as np

INTERESTING = np.array(
    [
        *(0.0, 0.2, 0.25, 0.5, 0.65, 0.70710678118654752, 1.0, 1.4142135623730951, 1.5, 2.0, 4.0),
        *(0.34657359027997264, 0.6931471805599453, 1.0397207708399179, 1.3169578969248166, 2.2924316695611777),
        *(1.5707963267948966, 3.141592653589793, 4.71238898038469, 0.7853981633974483, 2.356194490192345),
        *(18.714973875118524, 36.7368005696771, 40.0, 44.361419555836495, 87.33654475055310, 88.02969193111305),
        *(88.722839111673, 89.41598629223294, 103.27892990343184, 103.97207708399179, 104.0, 126.0, 128.0, 149.0),
        *(708.3964185322641, 709.782712893384, 710.4758600739439, 744.4400719213812, 745.1332191019412, 746.0),
        *(150.0, 1022.0, 1024.0, 1074.0, 1075.0, 2.0**29, 2.0**52, 2.0**53, 2.0**60, 2.0**63, 2.0**24, 1e22),
    ]
)  # fmt: skip
"""Where the methods change their formula, results overflow or vanish, or derivatives are zero."""

WORST_FOR_PI = np.array(
    [6381956970095103.0 * 2.0**797, 2.0**1023, 1e22, 5.319372648326541e255, 2.0**120, 16367173.0 * 2.0**72]
)
"""Doubles (the last one also a float) next to a multiple of π/2, and other huge ones."""


def arguments(dtype: np.dtype, count: int, seed: int = 0) -> np.ndarray:
    """About `count` finite numbers of both signs: all magnitudes, the usual range, and special neighbourhoods."""
    rng = np.random.default_rng([seed, dtype.itemsize])
    info = np.finfo(dtype)
    bits = np.uint32 if dtype.itemsize == 4 else np.uint64
    share = max(count // 5, 8)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    exponents = rng.permutation(exponents)[:share]
    with np.errstate(over="ignore"):
        near = rng.choice(INTERESTING, share).astype(dtype)
        parts = [
            rng.integers(0, np.iinfo(bits).max, share, dtype=bits, endpoint=True).view(dtype),
            np.ldexp(rng.uniform(1, 2, len(exponents)), exponents).astype(dtype),
            rng.uniform(-1.5, 1.5, share).astype(dtype),
            rng.uniform(-1, 1, share).astype(dtype) * rng.choice([6.0, 30.0, 110.0, 760.0], share).astype(dtype),
            near + rng.integers(-3, 4, share).astype(dtype) * np.spacing(near),
            np.arange(1, 40).astype(dtype) * dtype.type(np.pi / 2),
            np.arange(1, 9).astype(bits).view(dtype),
            np.array([info.max, info.smallest_normal, info.smallest_subnormal]),
            WORST_FOR_PI.astype(dtype),
        ]
    x = np.concatenate(parts).astype(dtype)
    x = x[np.isfinite(x)]
    return x * rng.choice([-1, 1], len(x)).astype(dtype)
