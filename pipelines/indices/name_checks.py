"""Names and cells of a table that may have another meaning than its reader assumes: refused, or noted."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

from pipelines.errors import GorodError
from pipelines.indices.csv_rows import numbered
from pipelines.indices.names import difference, looks, normal
from pipelines.indices.sheets import Sheet, as_text
from pipelines.indices.workbook_cells import Odd

AddNote = Callable[[str], None]


def ignore_note(note: str) -> None:
    """Ignore the note."""


def check_names(
    sheet: Sheet,
    declared: Mapping[str, str],
    required: Sequence[str],
    found: Iterable[str],
    what: str,
    others: Iterable[str],
    add_note: AddNote,
) -> None:
    """Refuse if required names are missing, or nearly match one in the file; note optional ones that are missing.

    ``declared``: the name as compared -> the declared name. ``others``: further names in the file.
    """
    lacking = [name for name in declared.values() if name not in set(found)]
    spare = [name for name in others if name not in declared]
    for name in lacking:
        alike = next((one for one in spare if looks(one) == looks(name)), None)
        if alike is not None and name not in required:
            raise GorodError(
                f"{sheet.at(sheet.head)}: {what} {alike!r} looks like {name!r} of the method, but is another name",
                f"Write it as the method does: {difference(alike, name)}.",
            )
    missing = [name for name in required if name in lacking]
    if missing:
        descriptions = [name + _guess(name, spare) for name in missing]
        place = "" if sheet.name is None else f"sheet {sheet.name!r}: "
        raise GorodError(
            f"{sheet.path}: {place}there is no {what} {', '.join(descriptions)}",
            _header_below(sheet, missing)
            + "Add or rename it, correct `indicator` in the method, or set absent: not_reported there.",
        )
    if lacking and sheet.rows:
        descriptions = [name + _guess(name, spare) for name in lacking]
        descriptions = sorted(descriptions, key=lambda one: not one.endswith("?)"))
        add_note(
            f"{sheet.path}: {len(lacking)} of {len(declared)} names of the method have no {what} and count as not "
            f"reported: {', '.join(descriptions[:10])}{', …' if len(descriptions) > 10 else ''}"
        )


def _guess(name: str, spare: Sequence[str]) -> str:
    """The name that is probably meant; empty if none is similar."""
    alike = [one for one in spare if looks(one) == looks(name)]
    near = alike or difflib.get_close_matches(name, spare, 1)
    differs = f" {difference(near[0], name)}" if alike else ""
    return f" (is it {near[0]}?{differs})" if near else ""


def _header_below(sheet: Sheet, missing: Sequence[str]) -> str:
    names = set(map(normal, missing))
    for number, row in sheet.rows:
        if names <= {as_text(cell) or "" for cell in row if not isinstance(cell, Odd)}:
            return f"Row {number} has them: delete the rows above it, because the first row is the header. "
    return ""


def note_formats(sheet: Sheet, columns: Mapping[int, str], add_note: AddNote) -> None:
    """Note cells that display another number than they contain."""
    for how, example in (
        ("per cent", "0.45 is shown as 45 %, and read as 0.45"),
        ("thousands or millions", "1500 may be shown as 1.5, and is read as 1500"),
    ):
        for place, name in columns.items():
            rows = [row for (row, at), one in sheet.shown.items() if at == place and one == how]
            if rows:
                add_note(
                    f"{sheet.path}: sheet {sheet.name!r}: column {name}, {numbered(rows)}: shown in {how}, "
                    f"read as stored in the cell: {example}"
                )


def refuse_similar_units(sheet: Sheet, unit_column: str, keys: Mapping[tuple[str, str], int]) -> None:
    """Refuse units that differ only by an invisible or hardly visible character."""
    seen: dict[str, str] = {}
    for (unit, _), number in keys.items():
        if (other := seen.setdefault(looks(unit), unit)) == unit:
            continue
        first = next(row for (one, _), row in keys.items() if one == other)
        raise GorodError(
            f"{sheet.at(number, unit_column)}: {unit!r} looks like {other!r} of row {first}, but is another name",
            f"Write one unit in one way: {difference(unit, other)}.",
        )
