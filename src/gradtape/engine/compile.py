"""LLVM IR text → machine code for this computer, through llvmlite. Loaded on first use, not at import.

One module is one kernel. No optimisation passes run: the machine already shares, hoists and drops instructions,
and writes vectors itself, so instruction selection is all that is left and a kernel compiles in milliseconds.
"""

from __future__ import annotations

import os
import threading
from functools import cache

import llvmlite.binding as llvm

_lock = threading.Lock()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@cache
def _target() -> llvm.Target:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@cache
def host() -> tuple[str, str]:
    """Name and features of the processor that code is generated for."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


class Code:
    """Compiled code of one module; the code lives as long as this object."""

    def __init__(self, ir: str):
        with _lock:  # LLVM's global context is not safe for concurrent use
            cpu, features = host()
            machine = _target().create_target_machine(cpu=cpu, features=features, opt=2, jit=True)
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(ir), machine)
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """The address of the function `name`."""
        return self._engine.get_function_address(name)
