"""The period of a report: which months have figures, and what a period is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import duckdb

from pipelines.declarations.reports import Report, ReportLine
from pipelines.embedded import connect
from pipelines.errors import GorodError
from pipelines.periods import PERIOD, freq_of, span_of
from pipelines.publishing.publication import Publication
from pipelines.reporting.figures import Line


def newest_month(publication: Publication, report: Report) -> str:
    """The newest month (``YYYY-MM``) for which a publication has figures for the report.

    Raises:
        GorodError: it has none.
    """
    with connect(publication.database, read_only=True) as connection:
        connection.execute("set schema = 'published'")
        return newest_month_of(connection, publication, report)


def newest_month_of(connection: duckdb.DuckDBPyConnection, publication: Publication, report: Report) -> str:
    months = _months_with_figures(connection, report.indicators)
    if not months:
        raise GorodError(f"Отчёт не составлен: в «{publication.id}» нет ни одного значения его показателей.")
    return months[-1]


def _months_with_figures(connection: duckdb.DuckDBPyConnection, lines: Sequence[ReportLine]) -> list[str]:
    """The months in which a figure of the country or a region began to count, earliest first."""
    rows = connection.execute(
        "select distinct strftime(case when list_contains($from_start, indicator) then first_day else last_day end,"
        " '%Y-%m') as month from pub_indicator_value_v1"
        " where list_contains($codes, indicator) and breakdown = '_T' and obs_value is not null"
        " and first_day is not null"
        " and ref_area in (select ref_area from pub_territory_v1 where level in ('country', 'region'))"
        " order by month",
        {
            "codes": [line.indicator for line in lines],
            "from_start": [line.indicator for line in lines if line.counts_from == "start"],
        },
    ).fetchall()
    return [month for (month,) in rows]


def report_span(
    connection: duckdb.DuckDBPyConnection, publication: Publication, period: str
) -> tuple[date, date]:
    """First and last day of the report's period."""
    if not re.fullmatch(PERIOD, period) or (publication.period is None and freq_of(period) != "M"):
        raise GorodError(f"period {period!r} is not a month", "Write it as YYYY-MM, e.g. 2018-04.")
    span = span_of(period)
    if publication.period is not None and span[1] > span_of(publication.period)[1]:
        raise GorodError(
            f"Отчёт за период «{format_period(connection, period)}» не составлен: выпуск {publication.id} содержит"
            f" показатели только за период «{format_period(connection, publication.period)}» и более ранние."
        )
    return span


def require_figures(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    shown: Sequence[tuple[ReportLine, Line]],
    period: str,
    span: tuple[date, date],
) -> None:
    """Refuse pages of dashes, or of older figures only: they would look like a report for the period."""
    for declared, line in shown:
        if any(value.value is not None for value in line.values.values()):
            first_day, last_day = span_of(line.time_period)
            if span[0] <= (first_day if declared.counts_from == "start" else last_day) <= span[1]:
                return
    months = _months_with_figures(connection, [declared for declared, _ in shown])
    before = [month for month in months if month < f"{span[0]:%Y-%m}"]
    last = f"; последний месяц до него, за который они есть: {before[-1]}" if before else ""
    raise GorodError(
        f"Отчёт за период «{format_period(connection, period)}» не составлен: в «{publication.id}» нет значений его"
        f" показателей за этот период{last}."
    )


def format_period(connection: duckdb.DuckDBPyConnection, time_period: str) -> str:
    found = connection.execute(
        "select name_ru from pub_period_v1 where time_period = $period", {"period": time_period}
    ).fetchone()
    return str(found[0]) if found else time_period
