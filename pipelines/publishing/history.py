"""What was known when: every indicator value with the time from and until which it was known.

dbt's snapshot ``history.known_indicator_value`` stores it; readers use ``pub_indicator_value_history_v1``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.errors import GorodError
from pipelines.moments import format_minsk
from pipelines.publishing.names import Names
from pipelines.sql import literal
from pipelines.wording import STATE

VALUES, HISTORY = "pub_indicator_value_v1", "pub_indicator_value_history_v1"
KNOWN_VALUES = "history.known_indicator_value"


def known_at(moment: datetime) -> str:
    """The SQL condition on ``known_from`` and ``known_to`` for what was known at a moment."""
    then = f"timestamp {literal(stamp(moment))}"
    return f"known_from <= {then} and (known_to is null or known_to > {then})"


def stamp(moment: datetime) -> str:
    """A moment as the warehouse writes it: UTC, without a zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


@dataclass(frozen=True)
class KnownValue:
    """A value as it was known from ``known_from`` until ``known_to`` (UTC; None if it still is)."""

    known_from: datetime
    known_to: datetime | None
    obs_value: Decimal | None
    obs_status: str
    missing_reason: str | None
    numerator: Decimal | None
    denominator: Decimal | None
    method_version: str
    note_ru: str | None
    note_en: str | None


@dataclass(frozen=True)
class Since:
    """A load of one of the indicator's feeds, decided after the value became known. Times are UTC."""

    load_id: str
    source: str
    feed: str
    slice: str
    state: str
    decided_at: datetime


@dataclass(frozen=True)
class LastSeen:
    """A value as it was known at ``as_of``, and what came after.

    ``then`` is None if nothing was known yet, or the value was withdrawn. ``later`` are the values that replaced it,
    in order; ``loads`` is what was loaded between it and the first of them.
    """

    indicator: str
    ref_area: str
    time_period: str
    breakdown: str
    unit_measure: str
    as_of: datetime
    then: KnownValue | None
    later: tuple[KnownValue, ...]
    loads: tuple[Since, ...]


def known(
    connection: duckdb.DuckDBPyConnection,
    indicator: str,
    ref_area: str,
    time_period: str,
    breakdown: str,
    as_of: datetime,
) -> LastSeen:
    """What was known of one value at a moment; ``connection`` is to the warehouse.

    Raises:
        GorodError: the value was never known, or nothing has been built yet.
    """
    names = [field.name for field in fields(KnownValue)]
    try:
        rows = _query(
            connection,
            f"select {', '.join(names)}, unit_measure, first_day, last_day from {KNOWN_VALUES}"
            " where indicator = ? and ref_area = ? and time_period = ? and breakdown = ? order by known_from",
            [indicator, ref_area, time_period, breakdown],
        )
    except duckdb.CatalogException as error:
        raise GorodError("the warehouse holds no history of values yet", "Build it: gorod run.") from error
    if not rows:
        raise GorodError(
            f"{indicator} has never had a value for {ref_area}, {time_period}, {breakdown}",
            "Without --as-of the trace says which there are.",
        )
    moment = as_of.astimezone(UTC).replace(tzinfo=None)
    versions = [KnownValue(**{name: row[name] for name in names}) for row in rows]
    then = next(
        (
            one
            for one in versions
            if one.known_from <= moment and (one.known_to is None or one.known_to > moment)
        ),
        None,
    )
    later = tuple(one for one in versions if one.known_from > moment)
    end = then.known_to if then is not None else None
    return LastSeen(
        indicator,
        ref_area,
        time_period,
        breakdown,
        rows[-1]["unit_measure"],
        as_of,
        then,
        later,
        ()
        if then is None or end is None
        else _loads_between(connection, rows[-1], indicator, then.known_from, end),
    )


def _loads_between(
    connection: duckdb.DuckDBPyConnection, row: dict[str, Any], indicator: str, start: datetime, end: datetime
) -> tuple[Since, ...]:
    """Loads of an indicator's feeds that were decided within a time range and overlap the period or the year before."""
    loads = _query(
        connection,
        """
        select load_id, source, feed, slice, state, decided_at
        from ops.load_state
        where
            decided_at > $start and decided_at <= $end
            and (source, feed) in (
                select (measures.source, measures.feed)
                from catalogue.indicator_term as terms
                inner join catalogue.measure as measures on measures.measure in (terms.measure, terms.times_measure)
                where terms.indicator = $indicator
            )
            and coalesce(last_day >= $first_day::date - interval 1 year and first_day <= $last_day, true)
        order by load_no
        """,
        {
            "start": start,
            "end": end,
            "indicator": indicator,
            "first_day": row["first_day"],
            "last_day": row["last_day"],
        },
    )
    return tuple(Since(**load) for load in loads)


def _query(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | dict[str, Any]
) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def show_known(found: LastSeen, names: Names) -> list[str]:
    """What was known, as lines of text."""
    say, number = names.say, names.number
    lines = [
        f"{names.of('indicator', found.indicator)}, {names.of('territory', found.ref_area)}, {found.time_period}"
        f"{names.part(found.breakdown)}, {say('на', 'as of')} {format_minsk(found.as_of)}: "
        + (
            say("ничего не было известно", "nothing was known")
            if found.then is None
            else _figure(found.then, found, names)
        )
    ]
    if found.then is not None:
        lines.append(
            f"  {say('известно с', 'known from')} {_when(found.then.known_from)}, "
            f"{say('методика', 'method')} {found.then.method_version}"
        )
        if found.then.numerator is not None:
            lines.append(
                f"  {say('числитель', 'numerator')} {number(found.then.numerator)}"
                + (
                    ""
                    if found.then.denominator is None
                    else f", {say('знаменатель', 'denominator')} {number(found.then.denominator)}"
                )
            )
        # values from before notes existed in English have none
        if note := names.say(found.then.note_ru or "", found.then.note_en or found.then.note_ru or ""):
            lines.append(f"  {note}")
        if found.then.known_to is None:
            lines.append(
                say(
                    "  это известно и сегодня: без --as-of видны и строки",
                    "  it is what is known today: without --as-of the trace leads to the rows",
                )
            )
            return lines
        lines.append(f"  {say('до', 'until')} {_when(found.then.known_to)}")
    lines += [
        f"  {say('затем', 'then')}: {_figure(one, found, names)}, {say('известно с', 'known from')} "
        f"{_when(one.known_from)}, {say('методика', 'method')} {one.method_version}"
        for one in found.later
    ]
    if found.then is not None and not found.later:
        lines.append(say("  затем: значения нет, оно отозвано", "  then: no value; it was withdrawn"))
    if found.loads:
        lines.append(say("  за это время загружено из его источников:", "  loaded in between, of its feeds:"))
        lines += [
            f"    {load.load_id} ({load.source}.{load.feed} {load.slice}), "
            + say(
                f"{STATE.get(load.state, load.state)}, решение {_when(load.decided_at)}",
                f"{load.state}, decided {_when(load.decided_at)}",
            )
            for load in found.loads
        ]
    elif found.then is not None:
        lines.append(
            say(
                "  из его источников за это время ничего не загружено: изменились решение, корректировка или описание",
                "  nothing of its feeds was loaded in between: a waiver, a correction or a definition changed",
            )
        )
    if found.then is not None:
        lines.append(
            say(
                "  Слагаемые того времени не хранятся. Заменённые загрузки остаются в raw и в журнале (gorod explain LOAD);"
                " выпуск хранит весь путь таким, каким он был.",
                "  The terms of that time are not kept. Superseded loads are still in raw and in the ledger (gorod explain"
                " LOAD); a release keeps the whole road as it was when it was cut.",
            )
        )
    return lines


def _figure(value: KnownValue, found: LastSeen, names: Names) -> str:
    if value.obs_value is None:
        return f"{names.say('нет значения', 'no value')} ({names.missing(value.missing_reason)})"
    unit = names.unit(found.indicator, found.unit_measure)
    return f"{names.number(value.obs_value)} {unit}, {names.say('статус', 'status')}: {names.status(value.obs_status)}"


def _when(moment: datetime) -> str:
    return format_minsk(moment.replace(tzinfo=UTC))
