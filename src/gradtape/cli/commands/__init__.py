"""The commands, a module each. They read options, call `gradtape.study` or the engine, and print; Matplotlib loads only
when a picture is drawn. The order here is that of ``gradtape --help``."""

from gradtape.cli.commands import plot, table, report, compare, depth, descent, gradient, fit, accuracy, cache, doctor  # isort: skip

__all__ = ["accuracy", "cache", "compare", "depth", "descent", "doctor", "fit", "gradient", "plot", "report", "table"]
