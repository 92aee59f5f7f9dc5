"""What a transform returns, as a value: a function that is called, pickled, compared and hashed.

A transform takes a function and returns one. Under `transform` what it returns is a `Transformed`, which remembers what
it was made of. So a transform is written as if it returned a closure, and gains the rest:

    @transform
    def grad(f, argnums=0, has_aux=False):
        "The gradient of f, as a function of the same arguments. …"
        def gradient(*args, **kwargs):
            …
        return gradient

    grad(f) == grad(f, has_aux=False)                   the same transform of the same function, with the same options
    pickle.loads(pickle.dumps(grad(f))) == grad(f)      if f can be pickled, as functions of modules can
    jacobian(f, x) is jacobian(f)(x)                    where the transform is a `transform_at`

Nests of transforms (grad(vmap(f))) and functions made by `gradtape.function` follow from that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper, wraps
from inspect import signature
from types import MethodType
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T", bound=Callable)


class Transformed:
    """A function made by a transform.

    transform       the public function that made it
    given           what that was called with: positional arguments, of which the function is the first, and others
    """

    def __init__(self, transform: Callable, given: tuple[tuple, dict[str, Any]], call: Callable):
        update_wrapper(self, call)  # before the rest, as it takes over attributes
        self.transform = transform
        self.given = given
        self._call = call
        self._key: tuple | None = None
        f = self.__wrapped__ = given[0][0] if given[0] else next(iter(given[1].values()))
        self.__module__ = getattr(f, "__module__", None) or type(f).__module__
        self.__qualname__ = getattr(f, "__qualname__", type(f).__qualname__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def _made_of(self) -> tuple:
        """What makes two of them equal: the transform, and each of its arguments, whether given or not."""
        if self._key is None:
            args, kwargs = self.given
            bound = signature(self.transform).bind(*args, **kwargs)
            bound.apply_defaults()
            self._key = self.transform, *[_frozen(value) for value in bound.arguments.items()]
        return self._key

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Transformed):
            return NotImplemented
        return self is other or bool(self._made_of() == other._made_of())

    def __hash__(self) -> int:
        return hash(self._made_of())

    def __reduce__(self) -> str | tuple:
        return global_name(self) or (_transformed, (self.transform, *self.given))

    def __repr__(self) -> str:
        args, kwargs = self.given
        shown = [_name(value) for value in args] + [f"{key}={_name(value)}" for key, value in kwargs.items()]
        return f"<{_name(self.transform)}({', '.join(shown)})>"


def transform(definition: T) -> T:
    """Decorate a function that takes a function, its first argument, and returns one.

    >>> from gradtape.ops.exponential import exp
    >>> @transform
    ... def twice(f, factor=1):
    ...     return lambda x: factor * f(f(x))
    >>> twice(exp)
    <twice(exp)>
    >>> twice(exp)(0.).numpy(), twice(exp) == twice(exp, factor=1), twice(exp) == twice(exp, 2)
    (np.float32(2.7182817), True, False)
    """

    @wraps(definition)
    def made(*args: Any, **kwargs: Any) -> Any:
        return Transformed(made, (args, kwargs), definition(*args, **kwargs))

    return made  # type: ignore[return-value]


def transform_at(definition: Callable[..., Callable]) -> Callable[..., Any]:
    """As `transform`, for a definition ``(f, argnums, …)`` that may be given a point in place of argnums: then what it
    returns is called there, at once. More arguments of f follow; names that the definition does not have are f's.

    >>> @transform_at
    ... def scaled(f, argnums=None, *, factor=1.):
    ...     return lambda *args, **kwargs: factor * f(*args, **kwargs)
    >>> scaled(max, factor=2.)(3., 4.), scaled(max, 3., 4., factor=2.), scaled(max, [1., 5.], key=abs)
    (8.0, 8.0, 5.0)
    """
    options = signature(definition).parameters

    @wraps(definition)
    def made(*args: Any, **kwargs: Any) -> Any:
        if len(args) > 1 and not _says_which(args[1]):
            own = {name: kwargs.pop(name) for name in options if name in kwargs}
            return made(args[0], **own)(*args[1:], **kwargs)
        return Transformed(made, (args, kwargs), definition(*args, **kwargs))

    return made


def _says_which(value: Any) -> bool:
    """Whether a value is a position of an argument or several of them, or None, and no argument itself."""
    if isinstance(value, (list, tuple, range)):
        return all(isinstance(one, (int, np.integer)) for one in value)
    return value is None or isinstance(value, (int, np.integer))


def global_name(value: Any) -> str | None:
    """Under which name `value` is found in its module, as pickle takes it; None if it is not.

    A function that was decorated has given its name to what the decorator made of it.
    """
    found: Any = sys.modules.get(value.__module__)
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return value.__qualname__ if found is value else None


def _transformed(transform: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    return transform(*args, **kwargs)


def _frozen(value: Any) -> Any:
    """`value` without lists and dicts, which have no hash."""
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(one) for one in value)
    if isinstance(value, dict):
        return tuple((key, _frozen(one)) for key, one in value.items())
    return value


def _name(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)
