"""How much memory this process uses and the machine has. Linux tells; elsewhere the answer is None."""

from __future__ import annotations

from pathlib import Path

_SELF = Path("/proc/self")


def _field(file: Path, name: str) -> int | None:
    """A field of a file of /proc, in bytes."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return None


def available() -> int | None:
    """Bytes that the machine could still give."""
    return _field(Path("/proc/meminfo"), "MemAvailable")


def used() -> int | None:
    """Bytes that this process holds."""
    return _field(_SELF / "status", "VmRSS")


def peak() -> int | None:
    """The most bytes that this process has held since `forget_peak`."""
    return _field(_SELF / "status", "VmHWM")


def forget_peak() -> None:
    try:
        (_SELF / "clear_refs").write_text("5")
    except OSError:
        pass


def end_first() -> None:
    """If memory runs out, this process shall end and none of the others."""
    try:
        (_SELF / "oom_score_adj").write_text("1000")
    except OSError:
        pass
