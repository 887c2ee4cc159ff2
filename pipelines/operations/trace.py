"""Where a figure comes from: value → terms → observations → loads → files → rows.

Works on the warehouse, where the source rows are. No source, territory or indicator is referred to by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import duckdb

from pipelines.operations.trace_model import Observation, Row, Term, Trace, TraceError
from pipelines.operations.trace_queries import (
    donors_of,
    loads_by_id,
    observation_key,
    observations_of,
    query_rows,
    source_rows,
    terms_of,
)


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
        TraceError: there is no row for these codes (the message lists the existing ones), or no build yet.
    """
    # the rows stand in a union of the views of all feeds, which it takes seconds to plan: as in the macro plan_quickly
    connection.execute("set disabled_optimizers = 'statistics_propagation'")
    value = _value(connection, indicator, ref_area, time_period, breakdown)
    own, *donors = _traces(connection, [value, *donors_of(connection, value)], row_limit)
    return replace(own, donors=tuple(donors))


def _traces(connection: duckdb.DuckDBPyConnection, values: list[Row], row_limit: int) -> list[Trace]:
    """The traces of several values, queried together."""
    wanted = terms_of(connection, values)
    observed = observations_of(connection, wanted)
    loads = loads_by_id(
        connection, {row["load_id"] for rows in observed.values() for row in rows if row["load_id"]}
    )
    rows = source_rows(connection, observed, loads, row_limit)
    terms = tuple(
        Term(
            **{name: term[name] for name in _TERM_COLUMNS},
            observations=tuple(
                Observation(
                    **{name: row[name] for name in _OBSERVATION_COLUMNS},
                    load=loads.get(row["load_id"]),
                    rows=rows.get((*observation_key(row), row["load_id"])),
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
        found = query_rows(
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
        raise TraceError("the warehouse has no indicator values yet", "Build them: gorod run.") from error
    if found:
        return found[0]
    known = (
        "select distinct {0} as known from marts.mart_indicator_value where {1} order by known desc limit 12"
    )
    if not (rows := query_rows(connection, known.format("indicator", "indicator = ?"), [indicator])):
        rows = query_rows(connection, known.format("indicator", "true").replace(" limit 12", ""), [])
        raise TraceError(f"there is no indicator {indicator!r}", f"Indicators: {_listed(rows)}.")
    where = "indicator = ? and ref_area = ?"
    if not (rows := query_rows(connection, known.format("time_period", where), [indicator, ref_area])):
        rows = query_rows(connection, known.format("ref_area", "indicator = ?"), [indicator])
        raise TraceError(
            f"{indicator} has no values for {ref_area!r}", f"It has values for: {_listed(rows)} …"
        )
    where += " and time_period = ?"
    if not (
        parts := query_rows(connection, known.format("breakdown", where), [indicator, ref_area, time_period])
    ):
        raise TraceError(
            f"{indicator} has no value for {ref_area} and {time_period!r}",
            f"The latest periods: {_listed(rows)}.",
        )
    raise TraceError(
        f"{indicator} for {ref_area}, {time_period} has no breakdown {breakdown!r}",
        f"Breakdowns: {_listed(parts)} …",
    )


def _listed(rows: Iterable[Row]) -> str:
    return ", ".join(str(row["known"]) for row in rows)
