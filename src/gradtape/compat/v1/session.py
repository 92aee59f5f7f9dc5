"""What TensorFlow 1 programs say around their mathematics. Values are always there: it has no work to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.graph.handles import Handle
from gradtape.modes import nest


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """Nothing to do: gradtape always runs eagerly."""


def enable_v2_behavior() -> None:
    """Nothing to do: gradtape always runs eagerly."""


def disable_v2_behavior() -> None:
    """Accepted so that a program's first lines run; gradtape goes on running eagerly."""


def executing_eagerly() -> bool:
    """True."""
    return True


def global_variables_initializer() -> None:
    """Nothing to do: a Variable has its value as soon as it is made."""


def local_variables_initializer() -> None:
    """Nothing to do: a Variable has its value as soon as it is made."""


class Session:
    """Accepted for programs that run their tensors in a session; here a tensor has its value without one.

    >>> import gradtape.compat.v1 as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.global_variables_initializer())
    ...     sess.run({"sum": tf.constant(2.0) + 3.0})
    {'sum': np.float32(5.0)}
    """

    def __init__(self, target: str = "", graph: Any = None, config: Any = None):
        pass

    def run(self, fetches: Any, feed_dict: Mapping | None = None, options: Any = None, run_metadata: Any = None) -> Any:
        """The NumPy values of a Tensor, a Variable or a nest of them, in the structure of `fetches`; None for None,
        which is what initializers are. Raises ArgumentError for anything else, and for a `feed_dict` that feeds."""
        if feed_dict:
            raise ArgumentError("feed_dict feeds placeholders, which eager code does not have; call a function instead")
        return nest.pack(fetches, [_value(one) for one in nest.flatten(fetches)])

    def close(self) -> None:
        """Nothing to do."""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


class InteractiveSession(Session):
    """A Session."""


def _value(fetch: Any) -> Any:
    if fetch is None:
        return None
    if isinstance(fetch, Handle):
        return fetch.numpy()  # type: ignore[attr-defined]
    raise ArgumentError(f"a session runs Tensors and Variables, but {fetch!r} was given")
