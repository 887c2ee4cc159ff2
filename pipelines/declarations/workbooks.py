"""Tables in a workbook: where the layout map of ``kind: workbook`` says what stands where."""

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
        description="regular expression of the whole header above the column: its rows from the top, merged cells spread, "
        "joined by blanks; a group `unit` is looked up in `units`",
    )
    letter: str | None = Field(
        default=None, pattern=r"^[A-Z]{1,3}$", description="letter of the column, where it has no header"
    )
    title: Pattern | None = Field(
        default=None,
        description="regular expression that is searched for in the cells above the header, then in the headers",
    )
    sheet: Pattern | None = Field(
        default=None, description="regular expression that is searched for in the sheet's name"
    )
    units: dict[str, str] = Field(
        default={},
        description="unit as the header writes it → factor that its numbers are multiplied by, e.g. `тыс. чел.: '1000'`; a unit "
        "that is not named is refused",
    )
    fill_down: bool = Field(
        default=False, description="an empty cell has the value of the one above (merged labels of groups)"
    )
    optional: bool = Field(default=False, description="the layout may lack it")

    @model_validator(mode="after")
    def _stands_somewhere(self) -> SheetColumn:
        given = [key for key in ("header", "letter", "title", "sheet") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError("name one of header, letter, title, sheet")
        has_unit = self.header is not None and "unit" in re.compile(self.header).groupindex
        if bool(self.units) != has_unit:
            raise PlacedError((("units",), "belong to a header with a group `unit`, and the group to units"))
        for unit, factor in self.units.items():
            if not re.fullmatch(r"\d+(\.\d+)?", factor):
                raise PlacedError((("units", unit), f"{factor!r} is no factor"))
        return self


class Unpivot(Declaration):
    """Columns that hold the same for several periods or kinds: each row of the sheet becomes a row for each of them."""

    header: Pattern = Field(
        description="regular expression of the whole header of such a column; its group `key` is what they differ by"
    )
    key: str = Field(description="column of the feed that gets what the group matches")
    value: str = Field(description="column of the feed that gets the cell")

    @model_validator(mode="after")
    def _has_a_key(self) -> Unpivot:
        if "key" not in re.compile(self.header).groupindex:
            raise PlacedError((("header",), "needs a group `key`: (?P<key>…)"))
        return self


class Layout(Declaration):
    """How a sheet is laid out. The first layout whose period and headers fit a workbook is used."""

    since: date | None = Field(
        default=None, description="first day of deliveries that may be so; any when absent"
    )
    until: date | None = Field(
        default=None, description="last day of deliveries that may be so; any when absent"
    )
    sheets: Pattern = Field(
        default=".*",
        description="regular expression of the whole name of the sheets that are read; hidden ones are not, unless it is given",
    )
    several: bool = Field(
        default=False, description="read all sheets that fit, one below the other; else the first that fits"
    )
    header_rows: int = Field(default=1, ge=1, le=20, description="rows that the header takes")
    columns: dict[str, SheetColumn] = Field(description="column of the feed → where it stands")
    unpivot: Unpivot | None = Field(default=None, description="columns that become rows")
    ends_at: Pattern | None = Field(
        default=None,
        description="regular expression of the beginning of the first text of a row: from it on nothing is data "
        "(`Справочно`, notes)",
    )
    leave_out: Pattern | None = Field(
        default=None,
        description="regular expression of the whole first text of rows that are no data (`Итого.*`, numbers of columns)",
    )


class WorkbookFormat(Declaration):
    """A table in a workbook of a spreadsheet: XLSX, XLS, XLSB or ODS, told by its bytes.

    Title rows, headers of several rows, merged cells, footers and layouts that change are data here. What a cell shows is what
    counts: a formula's value as it was saved, numbers with 15 digits. An empty row is no data.
    """

    kind: Literal["workbook"] = Field(default="workbook", description="a table in XLSX, XLS, XLSB or ODS")
    layouts: dict[str, Layout] = Field(
        min_length=1, description="layouts by name, in the order in which they are tried"
    )
    decimal_comma: bool = Field(
        default=True, description="numbers that are written as text have a decimal comma; else a point"
    )

    def problems(self, columns: dict[str, bool]) -> list[Problem]:
        """What does not fit the columns of the feed; ``columns`` says of each whether it is required."""
        found: list[Problem] = []
        for name, layout in self.layouts.items():
            own = [*layout.columns, *((layout.unpivot.key, layout.unpivot.value) if layout.unpivot else ())]
            place = ("format", "layouts", name, "columns")
            found += [((*place, one), "is no column of the feed") for one in own if one not in columns]
            found += [
                ((*place, one), "stands in columns and in unpivot") for one in set(own) if own.count(one) > 1
            ]
            lacking = [one for one, required in columns.items() if required and one not in own]
            found += [(place, f"does not say where {one!r} stands, which is required") for one in lacking]
        return found
