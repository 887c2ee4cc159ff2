"""Tables in a workbook: the layouts of ``kind: workbook``."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pipelines.declarations.common import Declaration, PlacedError, Problem


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class SheetColumn(Declaration):
    """Where the values of one column stand: one of `header`, `letter`, `title` and `sheet` says it.

    Texts are compared with runs of blanks and line ends as one blank. What the group `value` of `title` and `sheet` matches (or
    the whole match) is the value of every row.
    """

    header: Pattern | None = Field(
        default=None,
        description="regular expression of the whole header above the column: its rows from the top, merged cells repeated, "
        "joined by spaces; a group `unit` is looked up in `units`",
    )
    letter: str | None = Field(
        default=None, pattern=r"^[A-Z]{1,3}$", description="letter of the column, if it has no header"
    )
    title: Pattern | None = Field(
        default=None,
        description="regular expression to search in the cells above the header, then in the headers",
    )
    sheet: Pattern | None = Field(
        default=None, description="regular expression to search in the sheet's name"
    )
    units: dict[str, str] = Field(
        default={},
        description="unit in the header → factor for its numbers, e.g. `тыс. чел.: '1000'`; other units are refused",
    )
    fill_down: bool = Field(
        default=False, description="an empty cell has the value of the one above (merged labels of groups)"
    )
    optional: bool = Field(default=False, description="the column may be missing")

    @model_validator(mode="after")
    def _stands_somewhere(self) -> SheetColumn:
        given = [key for key in ("header", "letter", "title", "sheet") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError("declare exactly one of header, letter, title, sheet")
        has_unit = self.header is not None and "unit" in re.compile(self.header).groupindex
        if bool(self.units) != has_unit:
            raise PlacedError((("units",), "belong to a header with a group `unit`, and the group to units"))
        for unit, factor in self.units.items():
            if not re.fullmatch(r"\d+(\.\d+)?", factor):
                raise PlacedError((("units", unit), f"{factor!r} is not a factor"))
        return self


class Unpivot(Declaration):
    """Columns with the same quantity for several periods or kinds: each row of the sheet becomes one row for each of them."""

    header: Pattern = Field(
        description="regular expression of the whole header of such a column; its group `key` distinguishes them"
    )
    key: str = Field(description="column of the feed for the matched `key`")
    value: str = Field(description="column of the feed for the cell's value")

    @model_validator(mode="after")
    def _has_a_key(self) -> Unpivot:
        if "key" not in re.compile(self.header).groupindex:
            raise PlacedError((("header",), "needs a group `key`: (?P<key>…)"))
        return self


class Layout(Declaration):
    """How a sheet is laid out. The first layout whose period and headers fit a workbook is used."""

    since: date | None = Field(
        default=None, description="first day of the deliveries to which it applies; absent: any"
    )
    until: date | None = Field(
        default=None, description="last day of the deliveries to which it applies; absent: any"
    )
    sheets: Pattern = Field(
        default=".*",
        description="regular expression of the whole name of the sheets to read; absent: all visible sheets",
    )
    several: bool = Field(
        default=False,
        description="read all sheets that fit, one after the other; otherwise only the first that fits",
    )
    header_rows: int = Field(default=1, ge=1, le=20, description="number of header rows")
    columns: dict[str, SheetColumn] = Field(description="column of the feed → where it is")
    unpivot: Unpivot | None = Field(default=None, description="columns that become rows")
    ends_at: Pattern | None = Field(
        default=None,
        description="regular expression of the beginning of the first text of a row, from which on there are no data "
        "(`Справочно`, notes)",
    )
    leave_out: Pattern | None = Field(
        default=None,
        description="regular expression of the whole first text of rows to skip (`Итого.*`, numbers of columns)",
    )


class WorkbookFormat(Declaration):
    """A table in a spreadsheet file: XLSX, XLS, XLSB or ODS, recognised by its bytes.

    Title rows, headers of several rows, merged cells, footers and changing layouts are declared. The displayed value of a cell
    counts: the saved value of a formula, numbers with 15 digits. Empty rows are skipped.
    """

    kind: Literal["workbook"] = Field(default="workbook", description="a table in XLSX, XLS, XLSB or ODS")
    layouts: dict[str, Layout] = Field(
        min_length=1, description="layouts by name, in the order in which they are tried"
    )
    archive: bool = Field(
        default=False,
        description="a delivery may also be a ZIP archive with one workbook and the files that show what it says, which stay in "
        "landing with it",
    )
    decimal_comma: bool = Field(
        default=True, description="numbers stored as text have a decimal comma; otherwise a point"
    )

    def problems(self, columns: dict[str, bool]) -> list[Problem]:
        """What does not fit the columns of the feed; ``columns``: name → whether it is required."""
        found: list[Problem] = []
        for name, layout in self.layouts.items():
            own = [*layout.columns, *((layout.unpivot.key, layout.unpivot.value) if layout.unpivot else ())]
            place = ("format", "layouts", name, "columns")
            found += [((*place, one), "is not a column of the feed") for one in own if one not in columns]
            found += [
                ((*place, one), "is in columns and in unpivot") for one in set(own) if own.count(one) > 1
            ]
            lacking = [one for one, required in columns.items() if required and one not in own]
            found += [(place, f"does not say where {one!r} is, which is required") for one in lacking]
        return found
