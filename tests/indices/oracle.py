"""What a table says, found in another way than the product does: signs one by one, numbers by their parts."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal

MISSING = {
    "",
    "-",
    "–",
    "—",
    "…",
    "..",
    "...",
    ":",
    "na",
    "n/a",
    "nan",
    "nr",
    "null",
    "none",
    "н/д",
    "нет данных",
}
GROUPING = (" ", "\u00a0", "\u2009", "\u202f")


class NotSaidError(Exception):
    """The table says nothing that can be relied on."""


@dataclass
class Table:
    """Values by unit, period and column."""

    values: dict[tuple[str, str], dict[str, float | None]] = field(default_factory=dict)


def records(text: str, delimiter: str) -> list[list[str]]:
    """RFC 4180, sign by sign: outside, in a plain cell, in a quoted one, behind its end."""
    rows, row, cell, state = [], list[str](), "", "outside"
    place = 0

    def ends() -> None:
        nonlocal cell, state
        row.append(cell)
        cell, state = "", "outside"

    while place < len(text):
        sign = text[place]
        place += 1
        if state == "quoted":
            if sign == '"':
                state = "behind"
            else:
                cell += sign
        elif sign == '"' and state == "behind":
            cell += sign
            state = "quoted"
        elif sign == '"':
            if state != "outside":
                raise NotSaidError("a quote inside a cell")
            state = "quoted"
        elif sign == delimiter:
            ends()
        elif sign in "\r\n":
            if sign == "\r" and text[place : place + 1] == "\n":
                place += 1
            ends()
            rows.append(row)
            row = []
        elif state == "behind":
            raise NotSaidError("something behind a quoted cell")
        else:
            cell += sign
            state = "plain"
    if state == "quoted":
        raise NotSaidError("a quote without an end")
    if state != "outside" or row:
        ends()
        rows.append(row)
    return rows


def name(cell: str) -> str:
    """A name without what nobody sees."""
    seen = "".join(" " if sign.isspace() else sign for sign in unicodedata.normalize("NFC", cell))
    kept = [sign for sign in seen if unicodedata.category(sign) not in ("Cc", "Cf", "Zl", "Zp")]
    return " ".join("".join(kept).split())


def number(cell: str, commas: bool) -> float | None:
    """A number by its parts: sign, groups, fraction, exponent."""
    if name(cell).casefold() in MISSING:
        return None
    told = cell.strip("".join(GROUPING))
    mantissa, e, exponent = told.replace("E", "e").partition("e")
    if e and not (exponent.lstrip("+-").isascii() and exponent.lstrip("+-").isdigit() and len(exponent) < 5):
        raise NotSaidError(cell)
    body = mantissa[1:] if mantissa[:1] in ("+", "-", "\u2212") else mantissa
    mark = "," if commas and "," in body else "."
    whole, point, fraction = body.partition(mark)
    pieces = [whole]
    for blank in GROUPING:
        pieces = [part for piece in pieces for part in piece.split(blank)]
    if not all(piece.isascii() and piece.isdigit() for piece in pieces):
        raise NotSaidError(cell)
    if len(pieces) > 1 and (
        pieces[0][0] == "0" or len(pieces[0]) > 3 or any(len(p) != 3 for p in pieces[1:])
    ):
        raise NotSaidError(cell)
    if point and not (fraction.isascii() and fraction.isdigit()):
        raise NotSaidError(cell)
    ambiguous = mark == "," and point and len(fraction) == 3 and len(pieces) == 1
    if ambiguous and len(whole) <= 3 and whole[0] != "0":
        raise NotSaidError(cell)
    sign = "-" if mantissa[:1] in ("-", "\u2212") else ""
    return float(Decimal(f"{sign}{''.join(pieces)}.{fraction or 0}e{exponent or 0}"))


def table(text: str, delimiter: str, columns: tuple[str, ...]) -> Table:
    """A wide table with the unit in ``unit`` or the first column, and perhaps a column ``year``."""
    rows = [row for row in records(text.lstrip("\ufeff"), delimiter) if any(map(name, row))]
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise NotSaidError("rows of different lengths")
    header = list(map(name, rows[0]))
    kept = [place for place in range(len(header)) if any(name(row[place]) for row in rows)]
    header, rows = [header[place] for place in kept], [[row[place] for place in kept] for row in rows]
    if any(header.count(column) != 1 for column in columns):
        raise NotSaidError("a column is not there, or twice")
    lowered = [one.casefold() for one in header]
    year = lowered.index("year") if "year" in lowered else None
    unit = lowered.index("unit") if "unit" in lowered else next(p for p in range(len(header)) if p != year)
    places = {column: header.index(column) for column in columns}
    found = Table()
    for row in rows[1:]:
        filled = [place for place, cell in enumerate(row) if name(cell)]
        if len(filled) == 1 and filled[0] not in places.values():
            continue
        told = name(row[unit])
        period = "" if year is None else name(row[year])
        for ending in (".0", "г.", "г"):
            if period.endswith(ending) and period.removesuffix(ending).strip().isdigit():
                period = period.removesuffix(ending).strip()
        if not told or (year is not None and not period) or (told, period) in found.values:
            raise NotSaidError("a key is not there, or twice")
        found.values[told, period] = {
            column: number(row[place], delimiter != ",") for column, place in places.items()
        }
    return found
