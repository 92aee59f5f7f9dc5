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
    "numpy",
    "study",
    "fitting",
    "cli",
]
NAMESPACES = {"autodiff", "test", "math", "nn", "linalg", "dtypes", "__init__"}  # the public names, nothing else
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))


def place(package):
    return FLOW.index("namespaces" if package in NAMESPACES else package)


def for_types(node):
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


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
    if path.name == "__init__.py" and len(path.parts) == 1:  # the public names, of which some load when they are used
        tree.body = [node for node in tree.body if not for_types(node)]
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


def test_public_names_that_load_later_are_known_to_editors():
    """Completion, signatures and type checkers read the imports that only they see."""
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if for_types(node)]
    known = {alias.asname or alias.name: node.module for node in block.body for alias in node.names}
    assert known == {name: f"gradtape.{module}".rstrip(".") for name, module in gradtape._LATER.items()}
    assert set(gradtape._LATER) <= set(gradtape.__all__)


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("gradtape.sin(", ["x", "name"]),
        ("gradtape.nn.leaky_relu(", ["features", "alpha", "name"]),
        ("gradtape.grad(", ["f", "argnums", "has_aux"]),
        ("gradtape.GradientTape().gradient(", ["target", "sources", "output_gradients", "unconnected_gradients"]),
        ("gradtape.study.plot(", ["f"]),
        ("gradtape.optimizers.Adam(", ["learning_rate", "beta_1"]),
    ],
)
def test_an_editor_shows_signatures_and_docstrings(code, parameters):
    import jedi

    (found,) = jedi.Script(f"import gradtape\n{code}").get_signatures()
    assert [p.name for p in found.params][: len(parameters)] == parameters
    assert len(found.docstring()) > 60
