"""Where a figure comes from: value → terms → observations → loads → files → rows.

Works on the warehouse, where the source rows are. The path is that of the models, followed backwards.
No source, territory or indicator is referred to by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import duckdb
import pyarrow as pa

from pipelines.errors import GorodError
from pipelines.publishing.exports.words import IMPUTATIONS
from pipelines.publishing.names import Names

Row = dict[str, Any]
ObservationKey = tuple[str, str, str, str, str]

VALUE_KEY = ("indicator", "ref_area", "freq", "time_period", "breakdown")


class TraceError(GorodError):
    """The value to trace does not exist, or the models were not built."""


@dataclass(frozen=True)
class SourceRows:
    """Rows of one load behind a figure: all are counted, the first few are shown."""

    count: int
    row_numbers: tuple[int, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class LoadOrigin:
    """A load and its delivered files."""

    load_id: str
    source: str
    feed: str
    instance: str
    slice: str
    state: str
    origin: str
    files: str
    sha256: str
    received_at: datetime
    rows_accepted: int
    not_retained: bool
    synthetic: bool


@dataclass(frozen=True)
class Observation:
    """One observed figure. ``load`` is None if nothing was delivered, ``rows`` if no row contains it.

    If a reviewed correction was applied, ``correction`` names it, and ``reported_value`` is the source's value.
    """

    measure: str
    ref_area: str
    freq: str
    time_period: str
    breakdown: str
    obs_value: Decimal | None
    obs_status: str
    missing_reason: str | None
    correction: str | None
    reported_value: Decimal | None
    load: LoadOrigin | None
    rows: SourceRows | None


@dataclass(frozen=True)
class Term:
    """A term of the numerator or denominator: ``weight`` x the figure of a measure for one territory.

    With ``times_measure`` the figure is multiplied by that of another measure; its observations are listed with the others.
    """

    side: Literal["numerator", "denominator"]
    reported_by: str
    measure: str
    times_measure: str | None
    weight: Decimal
    ref_area: str
    freq: str
    time_period: str | None
    breakdown: str
    value: Decimal | None
    missing_reason: str | None
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class Trace:
    """A value with everything behind it.

    ``derivation``: the territory's own figure, rolled up from those below, a percentile of them, or absent. ``imputed_by``:
    the rule that imputed a missing value, and ``imputed_from`` its inputs; ``donors`` are these values,
    traced as well.
    """

    indicator: str
    ref_area: str
    freq: str
    time_period: str
    breakdown: str
    obs_value: Decimal | None
    obs_status: str
    missing_reason: str | None
    imputed_by: str | None
    imputed_from: str | None
    numerator: Decimal | None
    denominator: Decimal | None
    scale: Decimal
    unit_measure: str
    quality_class: str | None
    method_version: str
    derivation: Literal["own", "rolled_up", "percentile", "absent"]
    coverage_population_pct: Decimal
    coverage_time_pct: Decimal
    note_ru: str | None
    note_en: str | None
    terms: tuple[Term, ...]
    donors: tuple[Trace, ...] = ()

    @property
    def loads(self) -> tuple[LoadOrigin, ...]:
        """The loads behind the value, each once, ordered by id."""
        found = {
            observation.load.load_id: observation.load
            for term in (*self.terms, *(term for donor in self.donors for term in donor.terms))
            for observation in term.observations
            if observation.load is not None
        }
        return tuple(found[load_id] for load_id in sorted(found))


def trace(
    connection: duckdb.DuckDBPyConnection,
    indicator: str,
    ref_area: str,
    time_period: str,
    breakdown: str = "_T",
    row_limit: int = 10,
) -> Trace:
    """Trace one value; ``row_limit`` rows are shown for each observation and load.

    Raises:
        TraceError: there is no row for these codes (the message says what there is), or no build yet.
    """
    value = _value(connection, indicator, ref_area, time_period, breakdown)
    own, *donors = _traces(connection, [value, *_donors(connection, value)], row_limit)
    return replace(own, donors=tuple(donors))


def _traces(connection: duckdb.DuckDBPyConnection, values: list[Row], row_limit: int) -> list[Trace]:
    """The traces of several values, queried together."""
    wanted = _terms(connection, values)
    observed = _observations(connection, wanted)
    loads = _loads(
        connection, {row["load_id"] for rows in observed.values() for row in rows if row["load_id"]}
    )
    rows = _source_rows(connection, observed, loads, row_limit)
    terms = tuple(
        Term(
            **{name: term[name] for name in _TERM_COLUMNS},
            observations=tuple(
                Observation(
                    **{name: row[name] for name in _OBSERVATION_COLUMNS},
                    load=loads.get(row["load_id"]),
                    rows=rows.get((*_key(row), row["load_id"])),
                )
                for row in observed.get(number, [])
            ),
        )
        for number, term in enumerate(wanted)
    )
    return [
        Trace(
            **{name: value[name] for name in _VALUE_COLUMNS},
            terms=tuple(
                term for term, row in zip(terms, wanted, strict=True) if row["value_number"] == number
            ),
        )
        for number, value in enumerate(values)
    ]


_VALUE_COLUMNS = (
    "indicator", "ref_area", "freq", "time_period", "breakdown", "obs_value", "obs_status", "missing_reason",
    "imputed_by", "imputed_from", "numerator", "denominator", "scale", "unit_measure", "quality_class",
    "method_version", "derivation",
    "coverage_population_pct", "coverage_time_pct", "note_ru", "note_en",
)  # fmt: skip
_TERM_COLUMNS = (
    "side", "reported_by", "measure", "times_measure", "weight", "ref_area", "freq", "time_period", "breakdown", "value",
    "missing_reason",
)  # fmt: skip
_OBSERVATION_COLUMNS = (
    "measure", "ref_area", "freq", "time_period", "breakdown", "obs_value", "obs_status", "missing_reason",
    "correction", "reported_value",
)  # fmt: skip


def _value(
    connection: duckdb.DuckDBPyConnection, indicator: str, ref_area: str, time_period: str, breakdown: str
) -> Row:
    try:
        found = _query(
            connection,
            """
            select figures.*, methods.scale
            from marts.mart_indicator_value as figures
            inner join catalogue.indicator_method as methods
                on figures.indicator = methods.indicator and figures.method_version = methods.method_version
            where figures.indicator = ? and figures.ref_area = ? and time_period = ? and breakdown = ?
            """,
            [indicator, ref_area, time_period, breakdown],
        )
    except duckdb.CatalogException as error:
        raise TraceError("the warehouse holds no indicator values yet", "Build it: gorod run.") from error
    if found:
        return found[0]
    known = (
        "select distinct {0} as known from marts.mart_indicator_value where {1} order by known desc limit 12"
    )
    if not (rows := _query(connection, known.format("indicator", "indicator = ?"), [indicator])):
        rows = _query(connection, known.format("indicator", "true").replace(" limit 12", ""), [])
        raise TraceError(f"there is no indicator {indicator!r}", f"There are: {_listed(rows)}.")
    where = "indicator = ? and ref_area = ?"
    if not (rows := _query(connection, known.format("time_period", where), [indicator, ref_area])):
        rows = _query(connection, known.format("ref_area", "indicator = ?"), [indicator])
        raise TraceError(f"{indicator} has no values for {ref_area!r}", f"It has some for: {_listed(rows)} …")
    where += " and time_period = ?"
    if not (
        parts := _query(connection, known.format("breakdown", where), [indicator, ref_area, time_period])
    ):
        raise TraceError(
            f"{indicator} has no value for {ref_area} and {time_period!r}",
            f"The latest are: {_listed(rows)}.",
        )
    raise TraceError(
        f"{indicator} for {ref_area}, {time_period} has no breakdown {breakdown!r}",
        f"It has: {_listed(parts)} …",
    )


def _donors(connection: duckdb.DuckDBPyConnection, value: Row) -> list[Row]:
    """The observed values from which a missing one was imputed."""
    if value["imputed_by"] is None:
        return []
    return _query(
        connection,
        f"""
        select figures.*, methods.scale
        from marts.mart_trace_donor as donors
        inner join marts.mart_indicator_value as figures
            on
                donors.donor_indicator = figures.indicator
                and donors.donor_ref_area = figures.ref_area
                and donors.freq = figures.freq
                and donors.donor_period = figures.time_period
                and donors.breakdown = figures.breakdown
        inner join catalogue.indicator_method as methods
            on figures.indicator = methods.indicator and figures.method_version = methods.method_version
        where {_equal(f"donors.{name}" for name in VALUE_KEY)}
        order by donors.donor_indicator, donors.donor_ref_area, donors.donor_period
        """,
        [value[name] for name in VALUE_KEY],
    )


def _terms(connection: duckdb.DuckDBPyConnection, values: list[Row]) -> list[Row]:
    """The terms of the values, for each contributing territory."""
    return [
        {**term, "value_number": number}
        for number, value in enumerate(values)
        for term in _query(
            connection,
            f"""
            select
                side, reported_by, measure, times_measure, weight, term_ref_area as ref_area, term_freq as freq,
                term_period as time_period, term_breakdown as breakdown, value, missing_reason
            from marts.mart_trace_term
            where {_equal(VALUE_KEY)}
            order by side desc, term_no, term_breakdown = '_U', term_ref_area
            """,
            [value[name] for name in VALUE_KEY],
        )
    ]


def _observations(connection: duckdb.DuckDBPyConnection, terms: Sequence[Row]) -> dict[int, list[Row]]:
    """The observations of each term, by term number; a longer period is listed by month."""
    found: dict[int, list[Row]] = defaultdict(list)
    wanted: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for number, term in enumerate(terms):
        if term["time_period"] is None:
            continue
        for measure, breakdown in ((term["measure"], term["breakdown"]), (term["times_measure"], "_T")):
            if measure is not None:
                wanted[measure, term["freq"], term["time_period"]].append(
                    {"number": number, "ref_area": term["ref_area"], "breakdown": breakdown}
                )
    for key, places in wanted.items():
        connection.register("traced_terms", pa.Table.from_pylist(places))
        try:
            rows = _query(
                connection,
                f"""
                select
                    terms.number, observed.measure, observed.ref_area, observed.observed_freq as freq,
                    observed.observed_period as time_period, observed.breakdown, observed.obs_value,
                    observed.obs_status, observed.missing_reason, observed.correction, observed.reported_value,
                    observed.load_id
                from traced_terms as terms
                inner join (
                    select * from marts.mart_trace_observation where {_equal(("measure", "freq", "time_period"))}
                ) as observed using (ref_area, breakdown)
                order by terms.number, observed.observed_period, observed.load_id
                """,
                list(key),
            )
        finally:
            connection.unregister("traced_terms")
        for row in rows:
            found[row["number"]].append(row)
    # for a product, the months of both measures are listed side by side
    return {
        number: sorted(rows, key=lambda row: (row["time_period"], row["measure"]))
        for number, rows in found.items()
    }


def _loads(connection: duckdb.DuckDBPyConnection, load_ids: Collection[str]) -> dict[str | None, LoadOrigin]:
    """The loads by their ids."""
    if not load_ids:
        return {}
    columns = ", ".join(LoadOrigin.__dataclass_fields__)
    where, constants = _among("loads", [{"load_id": load_id} for load_id in load_ids], "load_id")
    rows = _query(connection, f"select {columns} from ops.load_state as loads where {where}", constants)
    return {row["load_id"]: LoadOrigin(**row) for row in rows}


def _source_rows(
    connection: duckdb.DuckDBPyConnection,
    observed: dict[int, list[Row]],
    loads: dict[str | None, LoadOrigin],
    row_limit: int,
) -> dict[tuple[Any, ...], SourceRows]:
    """The rows behind each observation and load: all are counted, the first few are shown."""
    names = ("measure", "ref_area", "freq", "time_period", "breakdown", "load_id")
    keys = {
        (*_key(row), row["load_id"]) for rows in observed.values() for row in rows if row["load_id"] in loads
    }
    if not keys:
        return {}
    wanted = [dict(zip(names, key, strict=True)) for key in sorted(keys)]
    where, constants = _among("parts", wanted, "load_id", "measure")
    connection.register("traced_keys", pa.Table.from_pylist(wanted))
    try:
        counted = _query(
            connection,
            f"""
            select
                {", ".join("parts." + name for name in names)},
                count(*) as rows,
                list(distinct parts.row_no order by parts.row_no)[1:{int(row_limit)}] as row_numbers
            from marts.mart_trace_row as parts
            inner join traced_keys using ({", ".join(names)})
            where {where}
            group by all
            """,
            constants,
        )
    finally:
        connection.unregister("traced_keys")
    by_feed: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for row in counted:
        load = loads[row["load_id"]]
        by_feed[f"{load.source}__{load.feed}"].update((load.load_id, number) for number in row["row_numbers"])
    shown = {
        place: row
        for feed, places in by_feed.items()
        for place, row in _raw_rows(connection, feed, places).items()
    }
    return {
        tuple(row[name] for name in names): SourceRows(
            row["rows"],
            tuple(row["row_numbers"]),
            tuple(shown[row["load_id"], number] for number in row["row_numbers"]),
        )
        for row in counted
    }


def _equal(columns: Iterable[str]) -> str:
    """A condition that compares each column with one parameter: nothing else is pushed down into the views as well."""
    return " and ".join(f"{name} = ?" for name in columns)


def _among(alias: str, rows: Iterable[Row], *columns: str) -> tuple[str, list[str]]:
    """A condition that restricts columns to their values in some rows, and its parameters.

    Constants are pushed down to the tables below a view; a join alone would read all of their rows.
    """
    given = list(rows)
    values = {name: sorted({row[name] for row in given}) for name in columns}
    told = [f"{alias}.{name} in ({', '.join('?' * len(values[name]))})" for name in columns]
    return " and ".join(told), [value for name in columns for value in values[name]]


def _raw_rows(
    connection: duckdb.DuckDBPyConnection, feed: str, wanted: set[tuple[str, int]]
) -> dict[tuple[str, int], Row]:
    """Accepted rows by load and row number, with the kept columns."""
    if not wanted:
        return {}
    pairs = [{"load_id": load_id, "row_no": row_no} for load_id, row_no in sorted(wanted)]
    connection.register("traced_rows", pa.Table.from_pylist(pairs))
    try:
        rows = _query(
            connection,
            f"select kept.* from raw.{feed} as kept inner join traced_rows using (load_id, row_no)",
        )
    finally:
        connection.unregister("traced_rows")
    return {(row["load_id"], row["row_no"]): row for row in rows}


def _key(row: Row) -> ObservationKey:
    return row["measure"], row["ref_area"], row["freq"], row["time_period"], row["breakdown"]


def _listed(rows: Iterable[Row]) -> str:
    return ", ".join(str(row["known"]) for row in rows)


def _query(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    cursor = connection.execute(sql, list(parameters))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


CODES = Names("en")
DERIVATIONS = {
    "own": ("собственные данные", "own"),
    "rolled_up": ("по входящим территориям", "rolled up"),
    "percentile": ("процентиль", "percentile"),
    "absent": ("данных нет", "absent"),
}
SIDES = {"numerator": "числитель", "denominator": "знаменатель"}


def show(found: Trace, names: Names = CODES, term_limit: int = 8) -> list[str]:
    """The trace as lines of text: the figure, its ratio, and under each term what was delivered."""
    say, number = names.say, names.number
    measures = tuple(term.measure for term in found.terms)
    value = (
        say("нет значения", "no value")
        if found.obs_value is None
        else f"{number(found.obs_value)} {names.unit(found.indicator, found.unit_measure)}"
    )
    lines = [
        f"{names.of('indicator', found.indicator)}, {names.of('territory', found.ref_area)}, {found.time_period}"
        f"{names.part(found.breakdown, *measures)}: {value}",
        f"  {say('статус', 'status')}: {names.status(found.obs_status)}"
        + (f" ({names.missing(found.missing_reason)})" if found.missing_reason else "")
        + f", {say(*DERIVATIONS[found.derivation])}, {say('методика', 'method')} {found.method_version}, "
        + (
            say("охват населения неизвестен", "covers people whose number is not known")
            if found.obs_value is not None and found.coverage_population_pct == 0 and found.imputed_by is None
            else say(
                f"охват {number(found.coverage_population_pct)} % населения",
                f"covers {number(found.coverage_population_pct)} % of the people",
            )
        )
        + say(
            f" и {number(found.coverage_time_pct)} % месяцев",
            f" and {number(found.coverage_time_pct)} % of the months",
        ),
    ]
    if note := names.say(found.note_ru or "", found.note_en or ""):
        lines.append(f"  {note}")
    if found.imputed_by is not None:
        rule = IMPUTATIONS.get(found.imputed_by)
        by = found.imputed_by.replace("_", " ") if rule is None else rule.get(names.language)
        lines.append(f"  {say('восполнено', 'filled in')}: {by}, {say('по', 'from')} {found.imputed_from}")
    if found.derivation == "percentile":
        lines.append(
            say(
                "  = процентиль значений территорий ниже",
                "  = percentile of the values of the territories below",
            )
        )
    elif found.numerator is not None:
        ratio = f"{number(found.scale)} x {number(found.numerator)}"
        lines.append(
            f"  = {ratio}" + ("" if found.denominator is None else f" / {number(found.denominator)}")
        )
    for side in SIDES:
        terms = [term for term in found.terms if term.side == side]
        if terms:
            count = say(f"величин: {len(terms)}", f"{len(terms)} figure{'s' if len(terms) > 1 else ''}")
            lines.append(f"{say(SIDES[side], side)}: {count}")
            lines += [line for term in terms[:term_limit] for line in _term_lines(term, names)]
        if len(terms) > term_limit:
            more = len(terms) - term_limit
            lines.append(say(f"  … и ещё {more} (все: --json)", f"  … and {more} more (--json has all)"))
    for donor in found.donors:
        lines += [
            say("восполнено по:", "filled in from:"),
            *(f"  {line}" for line in show(donor, names, term_limit)),
        ]
    if not found.terms and not found.donors:
        lines.append(
            say(
                "не передано ничего, из чего можно получить это значение",
                "nothing was delivered that this figure could be made of",
            )
        )
    return lines


def _term_lines(term: Term, names: Names) -> list[str]:
    say, number = names.say, names.number
    weight = "" if term.weight == 1 else f"{number(term.weight)} x "
    value = names.missing(term.missing_reason) if term.value is None else number(term.value)
    period = "" if term.time_period in (None, "_Z") else f", {term.time_period}"
    times = "" if term.times_measure is None else f" x {names.of('measure', term.times_measure)}"
    lines = [
        f"  {weight}{names.of('measure', term.measure)}{times}, {names.of('territory', term.ref_area)}{period}"
        f"{names.part(term.breakdown, term.measure)}: {value}"
    ]
    for observation in term.observations:
        figure = (
            names.missing(observation.missing_reason)
            if observation.obs_value is None
            else number(observation.obs_value)
        )
        what = "" if term.times_measure is None else f"{names.of('measure', observation.measure)} "
        line = f"    {what}{observation.time_period}: {figure}"
        if observation.correction is not None and observation.reported_value is not None:
            reported = number(observation.reported_value)
            line += say(
                f" (у источника {reported}; корректировка {observation.correction})",
                f" (the source says {reported}; correction {observation.correction})",
            )
        if observation.load is None:
            lines.append(f"{line}, {say('поставки нет', 'no delivery')}")
            continue
        load = observation.load
        line += f", {say('загрузка', 'load')} {load.load_id} {load.files} sha256 {load.sha256[:12]}"
        if observation.rows is None:
            lines.append(f"{line}, {say('строк нет', 'no rows')}")
            continue
        numbers = ", ".join(map(str, observation.rows.row_numbers[:6]))
        more = ", …" if observation.rows.count > min(6, len(observation.rows.row_numbers)) else ""
        count = say(f"строк {observation.rows.count}", f"{observation.rows.count} rows")
        lines.append(f"{line}, {count}: {numbers}{more}")
    return lines
