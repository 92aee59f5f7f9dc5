"""``gradtape cache``: the compiled code that is kept on disk."""

from __future__ import annotations

from typing import Annotated

import typer

from gradtape.cli.program import main
from gradtape.cli.shell import Command, Facts, show_table

cache = typer.Typer(rich_markup_mode=None)
main.add_typer(cache, name="cache", short_help="Show or clear the compiled code that is kept on disk.")


@cache.callback(invoke_without_command=True)
def of_cache(context: typer.Context) -> None:
    """Show or clear the compiled code that is kept on disk, in the folder that GRADTAPE_CACHE_DIR names."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@cache.command(cls=Command, short_help="Print where it is and how large it is.")
def info(json: Annotated[bool, typer.Option("--json", help="Print JSON; sizes are bytes.")] = False) -> None:
    """Print where compiled code is kept, how much of it there is, and whether more can be stored.

    \b
    Examples:
      gradtape cache info
      gradtape cache info --json
    """
    from gradtape.engine import disk

    found = disk.info()
    if json:
        from json import dumps

        print(dumps(found._asdict()))
        return
    state = "on" if found.enabled else "off"
    facts = {
        "folder": found.folder,
        "entries": f"{found.entries:,}",
        "size": f"{_size(found.bytes)} of {_size(found.limit)}",
        "state": f"{state}, but nothing can be stored: {found.problem}" if found.problem else state,
    }
    show_table(Facts("Compiled code on disk", facts))


@cache.command(cls=Command, short_help="Remove it.")
def clear() -> None:
    """Remove the compiled code that is kept on disk, and nothing else from the folder.

    \b
    Example:
      gradtape cache clear
    """
    from gradtape.engine import disk

    entries, size = disk.clear()
    print(f"removed {entries:,} {'entry' if entries == 1 else 'entries'}, {_size(size)}, from {disk.info().folder}")


def _size(count: int) -> str:
    """A number of bytes for people, in the units of GRADTAPE_CACHE_SIZE."""
    if count < 1024:
        return f"{count} bytes"
    power = min(3, (count.bit_length() - 1) // 10)
    return f"{count / 1024**power:.4g}{' KMG'[power]}"
