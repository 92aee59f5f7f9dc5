"""The examples of the README and of the pages in docs run, and the README's commands are those of CI."""

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_examples_of_the_readme_run():
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 10 and not failed


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page):
    assert not doctest.testfile(str(page), module_relative=False).failed


def test_ci_runs_the_test_command_of_the_readme():
    commands = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("    python3 -m venv")
    ]
    assert len(commands) == 2
    assert "gradtape plot" in commands[0]
    assert "pytest" in commands[1] and ".venv-test" in commands[1]
    assert ".venv-test" in (ROOT / ".ci" / "run").read_text()
