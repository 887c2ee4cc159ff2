"""Terminal output: tables and colours for people, plain text when piped, JSON on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from pipelines.signs import printable

# Rich assumes 80 columns for a pipe and would truncate lines there.
out = Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, soft_wrap=True)

STATES = {
    "accepted": "green",
    "waived": "yellow",
    "unapproved": "yellow",
    "superseded": "dim",
    "conflicting": "red",
    "rejected": "red",
}


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()
) -> None:
    """A table in a terminal; tab-separated lines when piped.

    If the terminal is too narrow and words would be broken, records are shown one by one, a line for each column.
    """
    cells = [[text(cell) for cell in row] for row in rows]
    if not out.is_terminal:
        print("\n".join("\t".join(line) for line in (columns, *cells)))
        return
    shown = Table(
        title=title or None, box=SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False
    )
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in cells:
        shown.add_row(*map(state, row))
    words = [max(map(_longest_word, column)) for column in zip(columns, *cells, strict=True)]
    # one space at each edge, and three between columns
    if cells and sum(words) + 3 * len(words) - 1 > out.width:
        _records(title, columns, cells)
    else:
        out.print(shown)


def _longest_word(given: str) -> int:
    return max(map(cell_len, given.split()), default=0)


def _records(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows as records, like psql after ``\\x``."""
    if title:
        out.print(f"[bold]{title}[/]")
    for number, row in enumerate(rows, start=1):
        out.rule(f"{number} / {len(rows)}", align="left", style="dim")
        record = Table.grid(padding=(0, 2))
        record.add_column(no_wrap=True, style="bold")
        record.add_column(overflow="fold")
        for column, cell in zip(columns, row, strict=True):
            record.add_row(column, state(cell))
        out.print(record)


def state(word: str) -> str:
    """A load's state in its colour; other text unchanged."""
    colour = STATES.get(word)
    return f"[{colour}]{word}[/{colour}]" if colour else word.replace("[", "\\[")


def text(value: Any) -> str:
    """A cell as text; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value.normalize():f}" if value else "0"
    return printable(str(value))


def as_json(value: Any) -> None:
    """Print a value as JSON."""
    written = json.dumps(value, ensure_ascii=False, indent=2, default=plain)
    # JSON does not escape control characters beyond ASCII
    print(printable(written, keep="\n", spell=lambda sign: json.dumps(sign)[1:-1]))


def plain(value: Any) -> Any:
    """Convert types that JSON does not have."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, set | tuple):
        return list(value)
    return str(value)
