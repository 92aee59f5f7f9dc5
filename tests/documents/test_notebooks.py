"""The notebooks run from top to bottom, and show what they are about."""

import os
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PICTURES = {"1": 2, "2": 2, "3": 1, "4": 0, "5": 2}
"""How many each one draws."""


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """What Jupyter says about its own connections is not about the notebooks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "ignore")
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        yield


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    notebook = nbformat.read(path, 4)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == PICTURES[path.stem[0]]


def test_there_are_five():
    assert [path.stem[0] for path in NOTEBOOKS] == list("12345") and os.path.exists(NOTEBOOKS[0])
