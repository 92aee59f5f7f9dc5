"""How times and amounts are written for people."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time as people write it.

    >>> duration(0.0123), duration(4.5e-6), duration(0)
    ('12.3 ms', '4.5 µs', '0 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size:
            return f"{_three(seconds / size)} {unit}"
    return "0 s"


def amount(number: float, unit: str = "B") -> str:
    """An amount with a decimal prefix: B for bytes.

    >>> amount(12_000), amount(999), amount(2.5e9)
    ('12 kB', '999 B', '2.5 GB')
    """
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{_three(number / size)} {prefix}{unit}"
    return f"{_three(number)} {unit}"


def _three(number: float) -> str:
    """A number below 1000 with three digits, without zeros that say nothing."""
    return f"{number:.3g}" if number < 999.5 else f"{number:.0f}"
