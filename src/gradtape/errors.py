"""What gradtape raises. Each error also is the built-in error that people expect, so both ``except`` clauses work.

    GradtapeError
    ├── ShapeError       (ValueError)     shapes that do not fit together, an axis that does not exist
    ├── DTypeError       (TypeError)      an element type that is not supported, or not there
    ├── ArgumentError    (ValueError)     any other argument that a function cannot work with
    │   └── TargetError  (TypeError)      None in the place of a tensor that is to be differentiated
    ├── TapeError        (RuntimeError, ValueError) a tape used out of order
    ├── RuleError        (TypeError, ValueError) a derivative that a user declared does not fit its function
    ├── ControlFlowError (TypeError)      Python needs a value that is not known while a function is traced
    ├── ExpressionError  (ValueError)     a typed expression that cannot be read; points at the column
    ├── NumericsError    (FloatingPointError) NaN or infinity arose while `config` had check_numerics on
    ├── MissingPackageError (ImportError) an optional package that is not installed
    ├── FormatError      (ValueError)     a file that `load` cannot read, or will not
    ├── DataError        (ValueError)     a data file that cannot be used as it is; says the line
    ├── DivergenceError  (ArithmeticError) training whose loss became infinite or NaN
    └── OutputError      (OSError)        a file that cannot be written or removed

    RetracingWarning     (RuntimeWarning) a function is traced again at most of its calls
    TapeWarning          (RuntimeWarning) a tape is used in a way that is rarely meant
    CacheWarning         (RuntimeWarning) compiled code cannot be kept on disk; everything works, but compiles anew

A message says what was given, what was expected and what to do.
"""

from __future__ import annotations

from typing import Any


class GradtapeError(Exception):
    """Base of everything that gradtape raises on purpose."""


class ShapeError(GradtapeError, ValueError):
    """Shapes that do not fit together, or an axis or index out of range."""


class DTypeError(GradtapeError, TypeError):
    """An element type that is not supported, or not in this place."""


class ArgumentError(GradtapeError, ValueError):
    """An argument that the function cannot work with."""


class TargetError(ArgumentError, TypeError):
    """None in the place of a tensor that is to be differentiated."""


class TapeError(GradtapeError, RuntimeError, ValueError):
    """A tape used out of order."""


class RuleError(GradtapeError, TypeError, ValueError):
    """A derivative that a user declared does not fit its function."""


class ControlFlowError(GradtapeError, TypeError):
    """Python needs the value of a tensor that is not known while a function is traced."""


class ExpressionError(GradtapeError, ValueError):
    """A typed expression that cannot be read.

    `text` is what was typed and `column` the offending place, counted from 1.
    """

    def __init__(self, message: str, text: str = "", column: int = 0):
        self.message, self.text, self.column = message, text, column
        super().__init__(message, text, column)

    def __str__(self) -> str:
        if not self.column:
            return self.message
        start = max(0, self.column - 61)  # a window around the place, for texts that are longer than a line
        shown = self.text[start : start + 100].replace("\n", " ")
        return f"{self.message} (column {self.column})\n    {shown}\n    {' ' * (self.column - 1 - start)}^"


class NumericsError(GradtapeError, FloatingPointError):
    """NaN or infinity arose from numbers; an ArithmeticError, as FloatingPointError is. `anomaly` says where and how,
    see `gradtape.explain_nan`."""

    def __init__(self, message: str, anomaly: Any = None):
        self.anomaly = anomaly
        super().__init__(message)


class MissingPackageError(GradtapeError, ImportError):
    """An optional package that is not installed; the message says how to install it."""


class FormatError(GradtapeError, ValueError):
    """A file that is not what `gradtape.export` writes: foreign, damaged, of another version, or not to be trusted."""


class DataError(GradtapeError, ValueError):
    """A data file that cannot be used as it is: not CSV, without a number where one must stand."""


class DivergenceError(GradtapeError, ArithmeticError):
    """Training whose loss became infinite or NaN."""


class OutputError(GradtapeError, OSError):
    """A file that cannot be written or removed."""


class RetracingWarning(RuntimeWarning):
    """A function is traced again at most of its calls, so it runs slower than without tracing."""


class TapeWarning(RuntimeWarning):
    """A tape is used in a way that is rarely meant. With the setting `explain`: there is no gradient, and why."""


class CacheWarning(RuntimeWarning):
    """Compiled code cannot be kept on disk. Given once per process; results are the same."""
