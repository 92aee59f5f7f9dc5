"""A progress bar on standard error, for what takes longer than a second: only where somebody looks at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SOON = 1.0
"""Seconds after which a bar appears."""


class Progress:
    """A context in which `of` makes the functions that report how far something is."""

    def __init__(self, quiet: bool = False):
        self.on = not quiet and sys.stderr.isatty()
        self.began = time.monotonic()
        self.bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar:
            self.bar.stop()

    def of(self, name: str, total: int | None = None, size: Path | None = None, note: str = "") -> Callable[..., None]:
        """A function to be told how much is done: of `total`, or of the bytes of a file; further arguments go into
        `note`, a format."""
        whole = total if total is not None else size.stat().st_size if size and size.is_file() else None
        task: list[Any] = []

        def report(done: int, *about: Any) -> None:
            if not self.on or time.monotonic() - self.began < SOON:
                return
            bar = self._bar()
            if not task:
                task.append(bar.add_task(name, total=whole, note=""))
            bar.update(task[0], completed=done, note=note.format(*about) if note else "")

        return report

    def _bar(self) -> Any:
        if self.bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
            )
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.bar.start()
        return self.bar
