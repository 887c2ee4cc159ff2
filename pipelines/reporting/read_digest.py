"""Read a report's figures from a published snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import duckdb

from pipelines.declarations.reports import Report, ReportLine
from pipelines.embedded import connect
from pipelines.errors import GorodError, WarehouseError
from pipelines.periods import freq_of, span_of
from pipelines.publishing.publication import Publication
from pipelines.reporting.digest_period import format_period, newest_month_of, report_span, require_figures
from pipelines.reporting.figures import Digest, Indicator, Line, Series, Territory, Value
from pipelines.wording import NOT_BY

# shortest first: if two periods end on the same day, the shorter one is shown
FREQUENCIES = ("M", "Q", "S", "A")


def read_digest(publication: Publication, report: Report, period: str | None = None) -> Digest:
    """The report's figures for a period.

    For a month of a publication: the newest that count by its end. For a period of a release (its own, or
    a named one within it): exactly those of the period; an indicator without figures of this length shows its newest.

    Raises:
        GorodError: nothing was found for the period, it is beyond the release's, or the report names an indicator that is
            not published.
        WarehouseError: the snapshot cannot be read.
    """
    try:
        with connect(publication.database, read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute("set schema = 'published'")
            # older releases lack the column
            connection.execute(
                "create temp view figures as"
                " select * from (select 0.0::double as value_before) where false"
                " union all by name select * from pub_indicator_value_v1"
            )
            period = period or publication.period or newest_month_of(connection, publication, report)
            first_day, last_day = report_span(connection, publication, period)
            indicators = _indicators(connection, publication, report)
            held = [line for line in report.indicators if _holds(connection, publication, line)]
            territories = _territories(connection, last_day)
            areas = [territory.ref_area for territory in territories]
            lines = tuple(
                _line(connection, publication, indicators[line.indicator], line, areas, period)
                for line in held
            )
            shown = list(zip(held, lines, strict=True))
            require_figures(connection, publication, shown, period, (first_day, last_day))
            return Digest(
                report=report,
                period=period,
                period_name=format_period(connection, period),
                publication=publication,
                territories=territories,
                lines=lines,
                outside=tuple(
                    indicators[line.indicator].name if line.indicator in indicators else line.indicator
                    for line in report.indicators
                    if line not in held
                ),
                series=_series(connection, territories, [line.indicator for line in lines], report, last_day),
                loads=tuple(
                    _records(connection, "from pub_load_v1 order by source, feed, instance, slice, load_id")
                ),
                quality=tuple(_records(connection, "from pub_data_quality_v1 order by all")),
                boundaries=_boundaries(connection, areas),
            )
    except duckdb.Error as error:
        raise WarehouseError(
            f"{publication.database}: the published snapshot cannot be read: {error}",
            "Publish again with `gorod run`; if it persists, the contracts have changed under the report.",
        ) from error


def _holds(connection: duckdb.DuckDBPyConnection, publication: Publication, line: ReportLine) -> bool:
    """Whether a release contains the indicator; a publication contains all of them."""
    return publication.period is None or bool(
        connection.execute(
            "select 1 from pub_indicator_value_v1 where indicator = ? limit 1", [line.indicator]
        ).fetchone()
    )


def _records(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Iterable[object] | dict[str, object] = ()
) -> list[dict[str, Any]]:
    answer = connection.execute(sql, parameters)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _territories(connection: duckdb.DuckDBPyConnection, day: date) -> tuple[Territory, ...]:
    """The country, then its regions ordered by the state classifier, as they were on ``day``."""
    rows = connection.execute(
        "select ref_area, level, name_ru from pub_territory_v1 where level in ('country', 'region')"
        " and coalesce(valid_from, $day) <= $day and coalesce(valid_to, $day) >= $day"
        " order by level, soato nulls last, ref_area",
        {"day": day},
    ).fetchall()
    return tuple(Territory(*row) for row in rows)


def _indicators(
    connection: duckdb.DuckDBPyConnection, publication: Publication, report: Report
) -> dict[str, Indicator]:
    """The meaning of the report's indicators; a release lacks those declared later."""
    wanted = [line.indicator for line in report.indicators]
    rows = _records(
        connection, "from pub_indicator_v1 where list_contains($wanted, indicator)", {"wanted": wanted}
    )
    known = {
        row["indicator"]: Indicator(
            code=row["indicator"],
            name=row["name_ru"],
            definition=_text(row["definition_ru"]),
            numerator=_text(row["numerator_ru"]),
            denominator=_text(row["denominator_ru"]),
            unit=_text(row["unit_ru"]),
            decimals=int(row["decimals"]),
            theme=_text(row["theme_ru"]),
            method_version=_text(row["method_version"]),
            sources=_text(row["sources"]),
            attribution=_text(row["attribution"]),
            frameworks=_text(row["frameworks"]),
        )
        for row in rows
    }
    missing = [name for name in wanted if name not in known]
    if missing and publication.period is None:
        raise GorodError(
            f"report {report.report}: not published: {', '.join(missing)}",
            f"Correct the indicators of assets/reports/{report.report}.yml, or publish them.",
        )
    return known


def _text(value: object) -> str:
    """Text as it is, a list joined, None as empty text."""
    if isinstance(value, list | tuple):
        return "; ".join(str(item) for item in value)
    return "" if value is None else str(value)


_VALUE_COLUMNS = (
    "ref_area, obs_value, obs_status, missing_reason, coverage_population_pct, coverage_time_pct,"
    " method_version, synthetic, note_ru, value_before"
)


def _value(row: tuple[Any, ...]) -> Value:
    ref_area, number, status, reason, coverage, coverage_time, method, synthetic, note, before = row
    return Value(
        ref_area,
        None if number is None else float(number),
        status,
        reason,
        None if coverage is None else float(coverage),
        None if coverage_time is None else float(coverage_time),
        _text(method),
        bool(synthetic),
        note,
        None if before is None else float(before),
    )


def _line(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    indicator: Indicator,
    line: ReportLine,
    areas: list[str],
    period: str,
) -> Line:
    """For a release, exactly the period, if the indicator has it. Otherwise the newest that counts by its end and has figures for
    any of the ``areas``."""
    scope = (
        "from temp.figures where indicator = $indicator and breakdown = '_T'"
        " and list_contains($areas, ref_area)"
    )
    parameters: dict[str, object] = {"indicator": indicator.code, "areas": areas}
    day = {"start": "first_day", "end": "last_day"}[line.counts_from]
    found = connection.execute(
        f"select time_period, freq {scope} and ({day} <= $last_day or time_period = $exact)"
        " and ($freq is null or freq = $freq or time_period = $exact)"
        " group by time_period, freq order by (time_period = $exact) desc nulls last,"
        " max(obs_value is not null) desc, max(last_day) desc, list_position($frequencies, freq) limit 1",
        {
            **parameters,
            "last_day": span_of(period)[1],
            "exact": None if publication.period is None else period,
            "freq": line.freq,
            "frequencies": list(FREQUENCIES),
        },
    ).fetchone()
    if found is None:
        return Line(indicator, "", "", {})
    time_period, freq = found
    rows = connection.execute(
        f"select {_VALUE_COLUMNS} {scope} and time_period = $time_period",
        {**parameters, "time_period": time_period},
    ).fetchall()
    return Line(
        indicator,
        time_period,
        format_period(connection, time_period),
        {row[0]: _value(row) for row in rows},
        "" if publication.period is None or freq == freq_of(period) else NOT_BY[freq_of(period)],
    )


def _series(
    connection: duckdb.DuckDBPyConnection,
    territories: tuple[Territory, ...],
    indicators: list[Indicator],
    report: Report,
    last_day: date,
) -> tuple[Series, ...]:
    """All published periods of the report's indicators that count, ordered by report, territory, time."""
    names = {territory.ref_area: territory.name for territory in territories}
    codes = [indicator.code for indicator in indicators]
    by_code = {indicator.code: indicator for indicator in indicators}
    rows = connection.execute(
        f"select indicator, freq, time_period, {_VALUE_COLUMNS} from temp.figures"
        " where list_contains($codes, indicator) and list_contains($areas, ref_area)"
        " and breakdown = '_T' and $last_day >="
        " case when list_contains($from_start, indicator) then first_day else last_day end"
        " order by list_position($codes, indicator), list_position($areas, ref_area),"
        " list_position($frequencies, freq), first_day",
        {
            "codes": codes,
            "areas": list(names),
            "last_day": last_day,
            "from_start": [line.indicator for line in report.indicators if line.counts_from == "start"],
            "frequencies": list(FREQUENCIES),
        },
    ).fetchall()
    return tuple(
        Series(
            indicator=code,
            name=by_code[code].name,
            territory=names[value[0]],
            ref_area=value[0],
            freq=freq,
            time_period=time_period,
            unit=by_code[code].unit,
            decimals=by_code[code].decimals,
            value=_value(tuple(value)),
        )
        for code, freq, time_period, *value in rows
    )


def _boundaries(connection: duckdb.DuckDBPyConnection, areas: list[str]) -> dict[str, dict[str, Any]]:
    """GeoJSON geometries of the regions."""
    rows = connection.execute(
        "select ref_area, geometry from pub_boundary_v1"
        " where level = 'region' and list_contains($areas, ref_area) order by ref_area",
        {"areas": areas},
    ).fetchall()
    return {ref_area: json.loads(geometry) for ref_area, geometry in rows}
