"""Kernel specification → machine code for this computer, from disk or through llvmlite. Loaded on first use.

One object file is one kernel. No optimisation passes run: the machine already shares, hoists and drops instructions,
and writes vectors itself, so instruction selection is all that is left and a kernel compiles in milliseconds.

On disk, the key of a kernel is everything that its code follows from: the specification, the processor, the versions
of gradtape and LLVM, and size and time of gradtape's source files, for those who work on them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import cache

import llvmlite
import llvmlite.binding as llvm

from gradtape._version import __version__
from gradtape.config import settings
from gradtape.engine import LOADED, disk
from gradtape.engine.steps import KernelSpec
from gradtape.graph.node import TABLE

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


@cache
def _machine(cpu: str, features: str) -> llvm.TargetMachine:
    return _target().create_target_machine(cpu=cpu, features=features, opt=2, jit=True)


class Code:
    """Machine code that can be called; it lives as long as this object.

    source     "disk" or "compiled"
    seconds    how long it took to get it
    """

    source = "compiled"
    seconds = 0.0

    def __init__(self, object_code: bytes):
        held = [object_code]
        with _lock:  # LLVM's global context is not safe for concurrent use
            machine = _target().create_target_machine(jit=True)
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
            # The empty module is never compiled: for LLVM this is its code, which was compiled before.
            self._engine.set_object_cache(getbuffer_func=lambda module: held.pop())
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """The address of the function `name`."""
        return self._engine.get_function_address(name)


def code(spec: KernelSpec) -> Code:
    """The code of a kernel: from disk if it is there, else compiled, and stored."""
    return _found(lambda: _key(spec), lambda: assemble(spec))


def library(ir: str) -> Code:
    """The code of a module that is always the same."""
    return _found(lambda: disk.digest("\n".join([_versions(), *host(), ir]).encode()), lambda: emit(ir))


def _found(key_of: Callable[[], bytes | None], make: Callable[[], bytes]) -> Code:
    start = time.perf_counter()
    key = key_of() if settings().cache else None
    stored = disk.read(key) if key else None
    made = stored or make()
    if key and not stored:
        disk.write(key, made)
    found = Code(made)
    found.source = "disk" if stored else "compiled"
    found.seconds = time.perf_counter() - start
    return found


def assemble(spec: KernelSpec) -> bytes:
    """The object code of a kernel, compiled now."""
    from gradtape.engine.lower import lower  # not needed for what comes from disk

    return emit(lower(spec))


def emit(ir: str) -> bytes:
    """The object code of a module in LLVM's language."""
    with _lock:
        return _machine(*host()).emit_object(llvm.parse_assembly(ir))


def _key(spec: KernelSpec) -> bytes | None:
    """The key on disk, or None for a kernel whose code does not follow from what a key says."""
    sources = _sources()
    if sources is None or not all(_is_ours(name) and _is_plain(params) for name, params, _ in spec.body):
        return None
    return disk.digest("\n".join([_versions(), sources, *host(), repr(spec)]).encode())


@cache
def _versions() -> str:
    llvm_version = ".".join(map(str, llvm.llvm_version_info))
    return f"{disk.MAGIC!r} {__version__} {llvmlite.__version__} {llvm_version} {llvm.get_process_triple()}"


@cache
def _sources() -> str | None:
    """The state of gradtape's source files, as one word; None if one was changed after this process had loaded it."""
    found, changed = [], 0
    folders = [os.path.dirname(os.path.dirname(__file__))]
    try:
        while folders:
            with os.scandir(folders.pop()) as files:
                for file in files:
                    if file.name.endswith(".py"):
                        status = file.stat()
                        changed = max(changed, status.st_mtime_ns, status.st_ctime_ns)
                        found.append((file.path, status.st_size, status.st_mtime_ns))
                    elif file.name != "__pycache__" and file.is_dir():
                        folders.append(file.path)
    except OSError:  # it was loaded from an archive
        return "no files"
    return None if changed > LOADED else disk.digest(repr(sorted(found)).encode()).hex()


def _is_ours(primitive: str) -> bool:
    """Whether the lowering of a primitive belongs to gradtape."""
    lowering = TABLE[primitive].lowering
    return isinstance(lowering, str) or getattr(lowering, "__module__", "").partition(".")[0] == "gradtape"


def _is_plain(value: object) -> bool:
    """Whether `repr` says all about a value."""
    if type(value) is tuple:
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)
