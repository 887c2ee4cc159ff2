"""The queries of a trace: the path of the models, followed backwards to the delivered rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.operations.trace_model import LoadOrigin, Row, SourceRows

ObservationKey = tuple[str, str, str, str, str]
VALUE_KEY = ("indicator", "ref_area", "freq", "time_period", "breakdown")


def donors_of(connection: duckdb.DuckDBPyConnection, value: Row) -> list[Row]:
    """The observed values from which a missing one was imputed."""
    if value["imputed_by"] is None:
        return []
    return query_rows(
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


def terms_of(connection: duckdb.DuckDBPyConnection, values: list[Row]) -> list[Row]:
    """The terms of the values, for each contributing territory."""
    return [
        {**term, "value_number": number}
        for number, value in enumerate(values)
        for term in query_rows(
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


def observations_of(connection: duckdb.DuckDBPyConnection, terms: Sequence[Row]) -> dict[int, list[Row]]:
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
            rows = query_rows(
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


def loads_by_id(
    connection: duckdb.DuckDBPyConnection, load_ids: Collection[str]
) -> dict[str | None, LoadOrigin]:
    """The loads by their ids."""
    if not load_ids:
        return {}
    columns = ", ".join(LoadOrigin.__dataclass_fields__)
    where, constants = _among("loads", [{"load_id": load_id} for load_id in load_ids], "load_id")
    rows = query_rows(connection, f"select {columns} from ops.load_state as loads where {where}", constants)
    return {row["load_id"]: LoadOrigin(**row) for row in rows}


def source_rows(
    connection: duckdb.DuckDBPyConnection,
    observed: dict[int, list[Row]],
    loads: dict[str | None, LoadOrigin],
    row_limit: int,
) -> dict[tuple[Any, ...], SourceRows]:
    """The rows behind each observation and load: all are counted, the first few are shown."""
    names = ("measure", "ref_area", "freq", "time_period", "breakdown", "load_id")
    keys = {
        (*observation_key(row), row["load_id"])
        for rows in observed.values()
        for row in rows
        if row["load_id"] in loads
    }
    if not keys:
        return {}
    wanted = [dict(zip(names, key, strict=True)) for key in sorted(keys)]
    where, constants = _among("parts", wanted, "load_id", "measure")
    connection.register("traced_keys", pa.Table.from_pylist(wanted))
    try:
        counted = query_rows(
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
    conditions = [f"{alias}.{name} in ({', '.join('?' * len(values[name]))})" for name in columns]
    return " and ".join(conditions), [value for name in columns for value in values[name]]


def _raw_rows(
    connection: duckdb.DuckDBPyConnection, feed: str, wanted: set[tuple[str, int]]
) -> dict[tuple[str, int], Row]:
    """Accepted rows by load and row number, with the kept columns."""
    if not wanted:
        return {}
    pairs = [{"load_id": load_id, "row_no": row_no} for load_id, row_no in sorted(wanted)]
    connection.register("traced_rows", pa.Table.from_pylist(pairs))
    try:
        rows = query_rows(
            connection,
            f"select kept.* from raw.{feed} as kept inner join traced_rows using (load_id, row_no)",
        )
    finally:
        connection.unregister("traced_rows")
    return {(row["load_id"], row["row_no"]): row for row in rows}


def observation_key(row: Row) -> ObservationKey:
    return row["measure"], row["ref_area"], row["freq"], row["time_period"], row["breakdown"]


def query_rows(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    cursor = connection.execute(sql, list(parameters))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
