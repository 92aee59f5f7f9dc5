"""What a reader of a run has to know: when, how, on which machine, which versions."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shlex
import sys
from pathlib import Path
from typing import Any

import memory
from rivals import LIBRARIES
from startup import distribution

OTHER_PACKAGES = ("llvmlite", "jaxlib")


def about() -> dict[str, Any]:
    """What a reader has to know about a run."""
    versions = {"Python": platform.python_version()}
    for library in [*LIBRARIES, *OTHER_PACKAGES]:
        try:
            versions[library] = distribution(library).version
        except importlib.metadata.PackageNotFoundError:
            pass
    available = memory.available()
    return {
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/run.py", *sys.argv[1:]]),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "memory": "" if available is None else f"{available / 2**30:.0f} GiB of memory free",
        "platform": platform.platform(terse=True),
        "versions": versions,
    }


def cpu() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
