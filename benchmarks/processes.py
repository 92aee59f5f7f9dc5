"""Processes of systems: started, asked, ended when they take too long, started again after they died."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rivals import System

HERE = Path(__file__).parent


class Failed(Exception):
    """A process gave no answer; the message says why."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of measured processes. Byte code is kept between runs, as it is after an installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(HERE), **(more or {})}


def ended(code: int) -> str:
    """In words, how a process ended."""
    if code >= 0:
        return f"its process ended with status {code}"
    return f"its process was ended by {signal.Signals(-code).name}" + (" (out of memory)" if code == -9 else "")


class Process:
    """A system in a process of its own, asked by JSON lines. See worker.py."""

    def __init__(self, system: System, patience: float, errors: Path):
        self.system, self.patience, self.errors = system, patience, errors
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process; `ready` waits for it."""
        with self.errors.open("a") as errors:
            self._child = subprocess.Popen(
                [sys.executable, str(HERE / "worker.py"), self.system.module, self.system.mode],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
                env=environment({"PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), self.system.source]))}),
            )

    def ready(self) -> None:
        """Wait until the library is loaded; raise Failed if the system cannot take part at all."""
        self._answer()

    def ask(self, do: str, **question: Any) -> dict[str, Any]:
        """The answer to a question; raise Failed if the system has none, died, or takes too long."""
        if self._child is None:
            self.start()
            self.ready()
        assert self._child is not None and self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps({"do": do, **question}) + "\n")
        except BrokenPipeError:
            pass  # it has died; reading its answer says how
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._child is not None and self._child.stdout is not None
        ready, _, _ = select.select([self._child.stdout], [], [], self.patience)
        if not ready:
            self._end()
            raise Failed(f"took longer than {self.patience:.0f} s")
        line = self._child.stdout.readline()
        if not line:
            code = self._child.wait()
            self._child = None
            raise Failed(ended(code))
        answer = json.loads(line)
        if "left_out" in answer:
            raise Failed(answer["left_out"])
        return answer

    def _end(self) -> None:
        assert self._child is not None
        self._child.kill()
        self._child.wait()
        self._child = None

    def close(self) -> None:
        if self._child is not None:
            self._end()
