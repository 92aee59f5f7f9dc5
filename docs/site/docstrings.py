"""An extension of mkdocstrings: what is written for people who read the source becomes Markdown.

Lists of arguments in columns become definition lists, examples become code:

    data        a CSV file whose first line
                names the columns
    model       an expression

    >>> 1 + 1
    2
"""

import re
from typing import Any

import griffe

ENTRY = re.compile(r"(?P<name>\w[\w., /*]*?)(?P<gap>\s{2,})(?P<text>\S.*)")


def markdown(text: str) -> str:
    """A docstring as Markdown."""
    written: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.splitlines()
        if lines and lines[0].lstrip().startswith(">>>"):
            written.append("\n".join(["```pycon", *lines, "```"]))
        else:
            written.append("\n".join(_listed(lines)))
    return "\n\n".join(written).replace("```\n\n```pycon\n", "\n")


def _listed(lines: list[str]) -> list[str]:
    """Lines with entries in columns as definition lists; as they are where a line is no entry."""
    entries: list[list[str]] = []
    column = 0
    for line in lines:
        found = ENTRY.fullmatch(line)
        if found:
            column = found.start("text")
            entries.append([found["name"], found["text"]])
        elif entries and len(line) - len(line.lstrip()) == column:
            entries[-1][1] += " " + line.strip()
        else:
            return lines
    return [part for name, text in entries for part in (f"`{name}`", f":   {text}", "")]


class Columns(griffe.Extension):
    """Rewrites every docstring that is shown."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Called by griffe for everything that it has read."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
