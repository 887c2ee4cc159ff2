"""The figures of a report, read from a published snapshot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from pipelines.declarations.reports import Report, ReportLine
from pipelines.deliveries import month_span
from pipelines.errors import GorodError, WarehouseError
from pipelines.publishing.publication import Publication
from pipelines.wording import REVISED, STATUS

# finest first: of two periods that end on one day the finer is shown
FREQUENCIES = ("M", "Q", "S", "A")

# a full stop and a blank, but not those of «г. Брест»
END_OF_SENTENCE = r"(?<!\bг\.)(?<=\.) "
# how the note of such a figure begins (macro value_note)
LOW_COVERAGE = "Низкий охват"


@dataclass(frozen=True)
class Territory:
    """The country or a region."""

    ref_area: str
    level: str
    name: str


@dataclass(frozen=True)
class Indicator:
    """What a figure means, in Russian, as published."""

    code: str
    name: str
    definition: str
    numerator: str
    denominator: str
    unit: str
    decimals: int
    theme: str
    method_version: str
    sources: str
    attribution: str
    frameworks: str


@dataclass(frozen=True)
class Value:
    """One published figure, or the reason why there is none. ``coverage_pct`` is of the population, 0-100."""

    ref_area: str
    value: float | None
    obs_status: str
    missing_reason: str | None
    coverage_pct: float | None
    coverage_time_pct: float | None
    method_version: str
    synthetic: bool
    note: str | None
    value_before: float | None
    """The figure that was published before this one was revised."""

    @property
    def mark(self) -> str:
        """The letters that stand behind the figure; empty for a normal one, and where there is none."""
        if self.value is None:
            return ""
        letters = [STATUS[self.obs_status][0]] if self.obs_status in STATUS else []
        return " ".join(letters + [REVISED[0]] * self.is_revised)

    @property
    def is_revised(self) -> bool:
        """Whether another figure was published before."""
        return self.value_before is not None

    @property
    def sentences(self) -> list[str]:
        """The note, sentence by sentence."""
        return [sentence for sentence in re.split(END_OF_SENTENCE, self.note or "") if sentence]

    @property
    def low_coverage(self) -> str | None:
        """That the figure covers too few of the people, and whom it stands for; None where it does not."""
        return next((sentence for sentence in self.sentences if sentence.startswith(LOW_COVERAGE)), None)


@dataclass(frozen=True)
class Line:
    """An indicator with its newest published figures by ``ref_area``; empty if it has none at all."""

    indicator: Indicator
    time_period: str
    period_name: str
    values: dict[str, Value]

    @property
    def synthetic(self) -> bool:
        return any(value.synthetic for value in self.values.values())


@dataclass(frozen=True)
class Series:
    """One row of the long table."""

    indicator: str
    name: str
    territory: str
    ref_area: str
    freq: str
    time_period: str
    unit: str
    decimals: int
    value: Value


@dataclass(frozen=True)
class Digest:
    """All that the documents show. ``loads`` and ``quality`` are rows by column name."""

    report: Report
    period: str
    period_name: str
    publication: Publication
    territories: tuple[Territory, ...]
    lines: tuple[Line, ...]
    series: tuple[Series, ...]
    loads: tuple[dict[str, Any], ...]
    quality: tuple[dict[str, Any], ...]
    boundaries: dict[str, dict[str, Any]]

    @property
    def synthetic(self) -> bool:
        return any(line.synthetic for line in self.lines)

    def line(self, indicator: str) -> Line:
        return next(line for line in self.lines if line.indicator.code == indicator)

    @property
    def regions(self) -> tuple[Territory, ...]:
        return tuple(territory for territory in self.territories if territory.level == "region")


def read_digest(publication: Publication, report: Report, period: str) -> Digest:
    """The report's figures as of the end of the month ``period`` (``YYYY-MM``).

    Raises:
        GorodError: the period is no month, nothing is known of it or before, or the report names an indicator that is not
            published.
        WarehouseError: the snapshot cannot be read.
    """
    last_day = _last_day(period)
    try:
        with duckdb.connect(str(publication.database), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute("set schema = 'published'")
            # releases of before lack the column
            connection.execute(
                "create temp view figures as"
                " select * from (select 0.0::double as value_before) where false"
                " union all by name select * from pub_indicator_value_v1"
            )
            territories = _territories(connection, last_day)
            indicators = _indicators(connection, report)
            areas = [territory.ref_area for territory in territories]
            lines = tuple(
                _line(connection, indicators[line.indicator], line, areas, last_day)
                for line in report.indicators
            )
            if not any(value.value is not None for line in lines for value in line.values.values()):
                raise GorodError(
                    f"no report of {period}: {publication.id} has no figure of a period that ended by then",
                    'Months that have figures: gorod sql "select min(last_day), max(last_day) from'
                    ' pub_indicator_value_v1 where obs_value is not null"',
                )
            return Digest(
                report=report,
                period=period,
                period_name=_period_name(connection, period),
                publication=publication,
                territories=territories,
                lines=lines,
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


def _last_day(period: str) -> date:
    try:
        if len(period) != 7:
            raise ValueError
        return month_span(date.fromisoformat(f"{period}-01"))[1]
    except ValueError:
        raise GorodError(f"period {period!r} is no month", "Write it as YYYY-MM, e.g. 2018-04.") from None


def _records(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Iterable[object] | dict[str, object] = ()
) -> list[dict[str, Any]]:
    answer = connection.execute(sql, parameters)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _territories(connection: duckdb.DuckDBPyConnection, day: date) -> tuple[Territory, ...]:
    """The country, then its regions in the order of the state classifier, as they were on ``day``."""
    rows = connection.execute(
        "select ref_area, level, name_ru from pub_territory_v1 where level in ('country', 'region')"
        " and coalesce(valid_from, $day) <= $day and coalesce(valid_to, $day) >= $day"
        " order by level, soato nulls last, ref_area",
        {"day": day},
    ).fetchall()
    return tuple(Territory(*row) for row in rows)


def _indicators(connection: duckdb.DuckDBPyConnection, report: Report) -> dict[str, Indicator]:
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
    if missing:
        raise GorodError(
            f"report {report.report}: not published: {', '.join(missing)}",
            f"Correct the indicators of assets/reports/{report.report}.yml, or publish them.",
        )
    return known


def _text(value: object) -> str:
    """Text as it is, a list joined, nothing as empty text."""
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
    indicator: Indicator,
    line: ReportLine,
    areas: list[str],
    last_day: date,
) -> Line:
    """The newest period that counts by ``last_day`` and has a figure for any of the ``areas``."""
    scope = (
        "from temp.figures where indicator = $indicator and breakdown = '_T'"
        " and list_contains($areas, ref_area)"
    )
    parameters: dict[str, object] = {"indicator": indicator.code, "areas": areas}
    day = {"start": "first_day", "end": "last_day"}[line.counts_from]
    found = connection.execute(
        f"select time_period, freq {scope} and {day} <= $last_day"
        " and ($freq is null or freq = $freq)"
        " group by time_period, freq order by max(obs_value is not null) desc, max(last_day) desc,"
        " list_position($frequencies, freq) limit 1",
        {**parameters, "last_day": last_day, "freq": line.freq, "frequencies": list(FREQUENCIES)},
    ).fetchone()
    if found is None:
        return Line(indicator, "", "", {})
    time_period, _ = found
    rows = connection.execute(
        f"select {_VALUE_COLUMNS} {scope} and time_period = $time_period",
        {**parameters, "time_period": time_period},
    ).fetchall()
    return Line(
        indicator, time_period, _period_name(connection, time_period), {row[0]: _value(row) for row in rows}
    )


def _period_name(connection: duckdb.DuckDBPyConnection, time_period: str) -> str:
    found = connection.execute(
        "select name_ru from pub_period_v1 where time_period = $period", {"period": time_period}
    ).fetchone()
    return str(found[0]) if found else time_period


def _series(
    connection: duckdb.DuckDBPyConnection,
    territories: tuple[Territory, ...],
    indicators: list[Indicator],
    report: Report,
    last_day: date,
) -> tuple[Series, ...]:
    """All published periods of the report's indicators that count, in the order of report, territory, time."""
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
