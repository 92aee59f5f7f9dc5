"""Hooks of MkDocs: the notebooks become pages, and the help of the commands becomes one."""

import re
import shutil
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import gradtape

ROOT = Path(__file__).parents[2]


def on_config(config: Any) -> Any:
    """Copy the notebooks to where MkDocs looks for pages; they are run there."""
    pages = ROOT / "docs" / "examples"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(ROOT / "notebooks", pages, ignore=shutil.ignore_patterns(".*"))
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Put the help of the commands where a page asks for it, and say where public names are defined."""
    markdown = re.sub(r"^::: gradtape\.(\w+)$", _defined, markdown, flags=re.MULTILINE)
    return markdown.replace("{{ commands }}", _help()) if "{{ commands }}" in markdown else markdown


def _defined(found: re.Match[str]) -> str:
    """Public names are made when they are used, so a reader of the sources does not find them in `gradtape`."""
    value = getattr(gradtape, found[1])
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    return f"::: {module}.{name}" if module and name else found[0]


def _help() -> str:
    from gradtape.cli import main
    from gradtape.cli.program import main as program

    names = [command.callback.__name__ for command in program.registered_commands if command.callback]
    shown = [f"```text\n{CliRunner().invoke(main, ['--help'], prog_name='gradtape').stdout}```"]
    for name in names:
        text = CliRunner().invoke(main, [name, "--help"], prog_name="gradtape").stdout
        shown.append(f"## gradtape {name}\n\n```text\n{text}```")
    return "\n\n".join(shown)
