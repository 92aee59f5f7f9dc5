"""Data flows one way: no package imports one that stands below it, and modes know no primitive by name."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gradtape
from gradtape.graph.node import TABLE

SOURCE = Path(gradtape.__file__).parent
FLOW = [
    "_version",
    "errors",
    "notebook",
    "config",
    "graph",
    "ops",
    "rewrite",
    "modes",
    "engine",
    "tensor",
    "variable",
    "staging",
    "losses",
    "optimizers",
    "portable",
    "namespaces",
    "text",
    "compat",
    "study",
    "fitting",
    "cli",
]
NAMESPACES = {"autodiff", "test", "math", "nn", "linalg", "dtypes", "__init__"}  # the public names, nothing else
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))


def place(package):
    return FLOW.index("namespaces" if package in NAMESPACES else package)


def imported(tree):
    """The packages of gradtape that a module imports; `gradtape` itself is its public names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "gradtape":
            yield from (alias.name if alias.name in FLOW else "__init__" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gradtape."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "gradtape":
                    yield (alias.name.split(".") + ["__init__"])[1]


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__main__.py"], ids=str)
def test_no_module_imports_against_the_flow(path):
    package = path.parts[0].removesuffix(".py")
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    for other in imported(tree):
        assert place(other) <= place(package), f"{path} imports {other}"


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[0] == "modes"], ids=str)
def test_a_mode_knows_no_primitive_by_name(path):
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    docstrings = {
        ast.get_docstring(n, clean=False) for n in ast.walk(tree) if isinstance(n, (ast.Module, ast.FunctionDef))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings:
            assert node.value not in TABLE


def test_importing_gradtape_loads_neither_llvm_nor_plots():
    code = "import sys, gradtape; print(*[m for m in ('llvmlite', 'matplotlib', 'typer', 'rich') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == ""
