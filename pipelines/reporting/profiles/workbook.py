"""A profile as a workbook: typed numbers with their units, one table a sheet; what is missing says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from pipelines.declarations.reports import ProfileReport
from pipelines.reporting.profiles.document import document_data, mark_of
from pipelines.reporting.profiles.narrative import reason_of
from pipelines.reporting.profiles.phrases import Language, Phrases
from pipelines.reporting.profiles.read_profile import Profile, Row
from pipelines.reporting.workbook_layout import A4, ACCENT, WARNING, Formats, number_format

# heading, width, and the cell of a row: a column's name for a figure with the indicator's decimals, or a function
Column = tuple[str, float, str | Callable[[Row], Any]]


def write_workbook(profile: Profile, report: ProfileReport, language: Language, path: Path) -> None:
    """Write the workbook. The same profile gives the same bytes: its dates are the publication's."""
    say = Phrases(language)
    data = document_data(profile, report, language)
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties(
            {
                "title": f"{data['title']}: {data['territory']}",
                "subject": data["made_from"],
                "author": data["project"],
                "created": profile.publication.created_at.replace(tzinfo=None),
            }
        )
        formats = Formats(book)
        _cover(book, data, formats)
        _sheet(book, say("sheet_figures"), data, formats, _figures(profile, say), profile.figures, say)
        if profile.plans:
            _sheet(book, say("plans"), data, formats, _plans(say), profile.plans, say)


def _cover(book: xlsxwriter.Workbook, data: dict[str, Any], formats: Formats) -> None:
    """The first sheet: what the workbook is, what it says in short, and how to read it."""
    sheet = book.add_worksheet(data["headings"]["in_short"])
    sheet.hide_gridlines(2)
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 110)
    lines: list[tuple[str, dict[str, Any]]] = [
        (data["title"], {"font_color": ACCENT}),
        (data["territory"], {"bold": True, "font_size": 15, "font_color": ACCENT}),
        (data["made_from"], {}),
        (data["banner"], {"bold": True, "font_color": WARNING}),
        (data["peers"], {}),
        *((sentence, {}) for sentence in data["sentences"]),
        (data["headings"]["reading"], {"bold": True, "font_color": ACCENT}),
        *((sentence, {}) for sentence in data["reading"]),
        (data["contact"], {}),
    ]
    for number, (text, look) in enumerate((text, look) for text, look in lines if text):
        sheet.write_string(number, 0, text, formats(text_wrap=True, **look))


def _figures(profile: Profile, say: Phrases) -> list[Column]:
    def of_theme(row: Row) -> str:
        return profile.themes[row["theme"]][say.language]

    def significant(row: Row) -> str:
        found = row["year_change_is_significant"]
        return "–" if found is None else say("yes" if found else "no")

    return [
        (say("column_theme"), 18, of_theme),
        (say("column_indicator").partition(",")[0], 44, lambda row: row[f"indicator_{say.language}"]),
        (say("column_unit"), 16, lambda row: row[f"unit_{say.language}"] or "–"),
        (say("column_period"), 10, lambda row: row["time_period"]),
        (say("column_value"), 16, "obs_value"),
        (say("column_mark"), 9, lambda row: mark_of(row, say) or "–"),
        (say("column_country"), 13, "country_value"),
        (say("column_rank"), 8, lambda row: row["level_rank"]),
        (say("column_rank_of"), 8, lambda row: row["rank_of"]),
        (say("column_group_median"), 13, "group_median"),
        (say("column_year_before"), 13, "year_before_value"),
        (say("column_year"), 13, "year_change"),
        (say("column_significant"), 12, significant),
        (say("column_lower"), 13, "interval_lower"),
        (say("column_upper"), 13, "interval_upper"),
        (say("column_coverage"), 12, lambda row: row["coverage_population_pct"]),
        (say("column_method"), 10, lambda row: row["method_version"]),
        (say("column_note"), 60, lambda row: row[f"note_{say.language}"] or "–"),
    ]


def _plans(say: Phrases) -> list[Column]:
    return [
        (say("column_indicator").partition(",")[0], 44, lambda row: row[f"indicator_{say.language}"]),
        (say("column_unit"), 16, lambda row: row[f"unit_{say.language}"] or "–"),
        (say("column_period"), 10, lambda row: row["time_period"]),
        (say("column_plan"), 13, "plan_value"),
        (say("column_fact"), 16, "obs_value"),
        (say("column_gap"), 13, "gap_left"),
        (say("column_state"), 24, lambda row: say(f"state_{row['rag_status']}")),
    ]


def _sheet(
    book: xlsxwriter.Workbook,
    title: str,
    data: dict[str, Any],
    formats: Formats,
    columns: Sequence[Column],
    rows: Sequence[Row],
    say: Phrases,
) -> None:
    """A table of its own: a cell without a figure says why, and none is empty."""
    sheet = book.add_worksheet(title)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(
        0, 0, f"{data['territory']}. {title}", formats(bold=True, font_size=13, font_color=ACCENT)
    )
    if data["banner"]:
        sheet.write_string(1, 0, data["banner"], formats(bold=True, font_color=WARNING))
        sheet.set_header(f"&C&B{data['banner']}")
    head = 2
    for position, (name, width, _) in enumerate(columns):
        sheet.set_column(position, position, width)
        sheet.write_string(
            head, position, name, formats(bold=True, bottom=1, text_wrap=True, font_color=ACCENT)
        )
    for number, row in enumerate(rows, start=head + 1):
        for position, (_, _, cell) in enumerate(columns):
            value = row[cell] if isinstance(cell, str) else cell(row)
            if value is None:
                text = reason_of(row, say) if cell == "obs_value" else "–"
                sheet.write_string(number, position, text, formats(align="right"))
            elif isinstance(value, str):
                sheet.write_string(number, position, value, formats(text_wrap=True))
            else:
                look = number_format(row["decimals"], "") if isinstance(cell, str) else "General"
                sheet.write_number(number, position, float(value), formats(num_format=look))
    sheet.freeze_panes(head + 1, 2)
    sheet.repeat_rows(head)
    sheet.autofilter(head, 0, head + len(rows), len(columns) - 1)
