"""Who takes part: the systems, and which kinds of rivals they are to gradtape."""

from __future__ import annotations

import importlib.util
from typing import Literal, NamedTuple

Kind = Literal["gradtape", "before", "eager", "compiled", "by hand", "copy"]


class System(NamedTuple):
    name: str
    kind: Kind
    module: str
    """The module of ``systems/`` with its cases."""
    mode: str
    """What that module is told: the same cases, run eagerly or compiled."""
    library: str
    """What has to be installed: a module, and on PyPI a distribution of the same name."""
    source: str = ""
    """A folder that its modules are taken from instead."""

    @property
    def compiles(self) -> bool:
        return self.kind in ("gradtape", "compiled")

    @property
    def peer(self) -> bool:
        """Whether it differentiates, so that it counts when the best peer is looked for."""
        return self.kind in ("eager", "compiled")


SYSTEMS = (
    System("gradtape", "gradtape", "with_gradtape", "eager", "gradtape"),
    System("gradtape function", "gradtape", "with_gradtape", "function", "gradtape"),
    System("tensorflow", "eager", "with_tensorflow", "eager", "tensorflow"),
    System("tensorflow function", "compiled", "with_tensorflow", "function", "tensorflow"),
    System("tensorflow XLA", "compiled", "with_tensorflow", "xla", "tensorflow"),
    System("torch", "eager", "with_torch", "eager", "torch"),
    System("torch compile", "compiled", "with_torch", "compile", "torch"),
    System("jax", "eager", "with_jax", "eager", "jax"),
    System("jax jit", "compiled", "with_jax", "jit", "jax"),
    System("autograd", "eager", "with_autograd", "eager", "autograd"),
    System("numpy", "by hand", "with_numpy", "by hand", "numpy"),
    System("copy", "copy", "with_copy", "threads", "numpy"),
)

BEFORE = tuple(s._replace(name=f"{s.name} before", kind="before") for s in SYSTEMS if s.kind == "gradtape")
"""The same in another checkout of gradtape, for what a change costs or gains."""

LIBRARIES = tuple(dict.fromkeys(system.library for system in SYSTEMS))


def installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None
