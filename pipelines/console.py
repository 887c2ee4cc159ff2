"""What the terminal shows: tables and colours for people, plain text when piped, JSON when asked for."""

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

# Rich measures a pipe as 80 columns and would cut lines there.
out = Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, soft_wrap=True)

STATES = {
    "accepted": "green",
    "waived": "yellow",
    "superseded": "dim",
    "conflicting": "red",
    "rejected": "red",
}


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()
) -> None:
    """A table for a person; tab-separated lines where nobody sees it.

    What the terminal is too narrow for, so that words would be broken, is shown record by record, a line for each column.
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
    # a blank at either edge, and three between two columns
    if cells and sum(words) + 3 * len(words) - 1 > out.width:
        _records(title, columns, cells)
    else:
        out.print(shown)


def _longest_word(given: str) -> int:
    return max(map(cell_len, given.split()), default=0)


def _records(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows one below the other, as psql shows them after ``\\x``."""
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
    """A load's state in its colour; any other text as it is."""
    colour = STATES.get(word)
    return f"[{colour}]{word}[/{colour}]" if colour else word.replace("[", "\\[")


def text(value: Any) -> str:
    """A cell as text; nothing for None."""
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
    # JSON leaves the controls beyond ASCII as they are
    print(printable(written, keep="\n", spell=lambda sign: json.dumps(sign)[1:-1]))


def plain(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, set | tuple):
        return list(value)
    return str(value)
