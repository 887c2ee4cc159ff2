"""Indicators of feeds without a model of their own: recomputed from the delivered files, by what is declared alone."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.dbt_project import staging_by_hand
from pipelines.declarations.formats import CsvFormat
from pipelines.declarations.generated_staging import staging_model
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.measures import Measure
from pipelines.declarations.origins import FileOrigin
from pipelines.declarations.sources import SOURCES, load_sources

CATALOGUE = load_catalogue()


def is_simple(measure: Measure) -> bool:
    """Whether it adds up a column of a delivered table, over all rows."""
    feed = load_sources()[measure.source].feeds[measure.feed]
    return (
        staging_model(measure.source, measure.feed) not in staging_by_hand()
        and isinstance(feed.format, CsvFormat)
        and feed.territory is not None
        and measure.expr in feed.columns
    )


SIMPLE = sorted(
    code
    for code, indicator in CATALOGUE.indicators.items()
    if indicator.is_measured
    and "M" in indicator.frequencies
    and all(is_simple(CATALOGUE.measures[term.measure]) and term.at == "same" for _, term in indicator.terms)
)


def delivered(measure: Measure) -> dict[tuple[str, str], Decimal]:
    """The sum of the measure's column by territory and month, from the sample's files."""
    source = load_sources()[measure.source]
    feed = source.feeds[measure.feed]
    origin, layout = feed.origins["sample"], feed.format
    assert isinstance(origin, FileOrigin)
    assert isinstance(layout, CsvFormat)
    assert feed.file_pattern is not None
    column = str(measure.expr)
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for path in sorted((SOURCES / measure.source / origin.path).iterdir()):
        if (named := re.fullmatch(feed.file_pattern, path.name)) is None:
            continue
        text = path.read_bytes().decode(layout.encoding)
        for row in csv.DictReader(io.StringIO(text), delimiter=layout.delimiter):
            city = row[feed.columns[str(feed.territory)].named(str(feed.territory))[0]]
            amount = row[feed.columns[column].named(column)[0]].replace(",", ".")
            found[source.territories[city], named["period"]] += Decimal(amount)
    return found


def is_declared(measure: Measure) -> bool:
    """Whether its condition and expression say all that is counted: its staging model is generated, too."""
    return (
        staging_model(measure.source, measure.feed) not in staging_by_hand()
        and not measure.models
        and not measure.breakdown_has_total
        and measure.freq == "M"
    )


# the population is counted by tests of the register
DECLARED = sorted(
    code
    for code, indicator in CATALOGUE.indicators.items()
    if indicator.is_measured
    and code not in SIMPLE
    and any(term.measure != "population" for _, term in indicator.terms)
    and all(
        term.at == "same" and (is_declared(CATALOGUE.measures[term.measure]) or term.measure == "population")
        for _, term in indicator.terms
    )
)


# their rows get a territory from SOATO by hand; the rest is declared
BY_SOATO = [
    "access_port_utilisation_pct",
    "fixed_broadband_100_mbps_pct",
    "homes_connected_pct",
    "onu_utilisation_pct",
]


@pytest.mark.slow
@pytest.mark.parametrize("code", [*DECLARED, *BY_SOATO])
def test_an_indicator_is_what_its_measures_declare(code: str, samples: Path) -> None:
    """Added up over the rows in force, as the declarations read, beside the engine."""
    with duckdb.connect(str(samples / "warehouse.duckdb"), read_only=True) as connection:
        compare_with_rows(code, connection)


def added_up(
    measure: Measure, connection: duckdb.DuckDBPyConnection, members: tuple[str, ...] = ()
) -> dict[tuple[str, str], Decimal]:
    """What a measure, or these members of its breakdown, add up to, by territory and period."""
    counted = f"({measure.filter}) and {measure.breakdown} in {members}" if members else measure.filter
    rows = connection.execute(
        f"select ref_area, time_period, sum(cast({measure.expr} as decimal(24, 6))) "
        f"from staging.{staging_model(measure.source, measure.feed)} where {counted} group by all"
    ).fetchall()
    return {(area, month): amount for area, month, amount in rows}


def compare_with_rows(code: str, connection: duckdb.DuckDBPyConnection) -> None:
    """Hold the published figures of territories that deliver against the rows."""
    method = CATALOGUE.indicators[code].method
    sums: dict[str, dict[tuple[str, str], Decimal]] = {"numerator": {}, "denominator": {}}
    for side, term in method.terms:
        if term.measure != "population":
            sums[side] = added_up(CATALOGUE.measures[term.measure], connection)
    assert sums["numerator"]
    levels = CATALOGUE.indicators[code].levels
    for (area, month), above in sums["numerator"].items():
        # the rows of Minsk are those of the city, which is a region, too
        shown = "BY-HM" if area == "c-minsk" and "city" not in levels else area
        (row,) = connection.execute(
            "select obs_value, numerator, denominator from published.pub_indicator_value_v1 "
            "where indicator = ? and ref_area = ? and time_period = ? and breakdown = '_T'",
            [code, shown, month],
        ).fetchall()
        assert row[1] == above
        if sums["denominator"]:
            assert row[2] == sums["denominator"][area, month]
        if row[2] == 0:
            # nothing is due yet: there is no share
            assert row[0] is None and above == 0
            continue
        assert abs(row[0] - method.scale * above / (row[2] or 1)) < Decimal("0.000001")


# what cities count for frameworks: each side is an input, or the population
OF_INPUTS = sorted(
    code
    for code, indicator in CATALOGUE.indicators.items()
    if any(CATALOGUE.measures[term.measure].source == "city_statistics" for _, term in indicator.terms)
)


@pytest.mark.slow
def test_the_indicators_of_frameworks_are_ratios_of_the_inputs(samples: Path) -> None:
    assert len(OF_INPUTS) > 100
    with duckdb.connect(str(samples / "warehouse.duckdb"), read_only=True) as connection:
        compared = sum(compare_with_inputs(code, connection) for code in OF_INPUTS)
    # two cities; some inputs are not counted by one
    assert len(OF_INPUTS) < compared < 2 * len(OF_INPUTS)


def compare_with_inputs(code: str, connection: duckdb.DuckDBPyConnection) -> int:
    """Hold the figures of the cities that deliver against their rows; how many there are."""
    method = CATALOGUE.indicators[code].method
    sides: dict[str, dict[tuple[str, str], Decimal]] = {}
    for side, term in method.terms:
        assert term.at == "same" and term.weight == 1 and side not in sides
        if term.measure == "population":
            sides[side] = {
                (area, period): Decimal(people)
                for area, period, people in connection.execute(
                    "select ref_area, time_period, obs_value from published.pub_indicator_value_v1 "
                    "where indicator = 'population' and obs_value is not null"
                ).fetchall()
            }
        else:
            assert isinstance(term.members, tuple)
            sides[side] = added_up(CATALOGUE.measures[term.measure], connection, term.members)
    assert sides["numerator"]
    published = {
        (area, period): (value, above, below)
        for area, period, value, above, below in connection.execute(
            "select ref_area, time_period, obs_value, numerator, denominator from published.pub_indicator_value_v1 "
            "where indicator = ? and obs_value is not null",
            [code],
        ).fetchall()
    }
    both = sides["numerator"].keys() & sides["denominator"].keys()
    assert published.keys() == both
    for place in both:
        above, below = sides["numerator"][place], sides["denominator"][place]
        assert published[place][1:] == (above, below)
        assert abs(published[place][0] - method.scale * above / below) < Decimal("0.000001")
    return len(both)


@pytest.mark.slow
@pytest.mark.parametrize("code", SIMPLE)
def test_a_simple_indicator_is_that_of_the_delivered_files(code: str, samples: Path) -> None:
    compare(code, samples / "published" / "current" / "gorod.duckdb")


def compare(code: str, database: Path) -> None:
    """Hold the published figures of territories that deliver against the files."""
    method = CATALOGUE.indicators[code].method
    sums = {side: delivered(CATALOGUE.measures[term.measure]) for side, term in method.terms}
    assert sums["numerator"]
    with duckdb.connect(str(database), read_only=True) as connection:
        for (area, month), above in sums["numerator"].items():
            (row,) = connection.execute(
                "select obs_value, numerator, denominator from published.pub_indicator_value_v1 "
                "where indicator = ? and ref_area = ? and time_period = ? and breakdown = '_T'",
                [code, area, month],
            ).fetchall()
            below = sums["denominator"][area, month] if method.denominator else None
            assert row[1:] == (above, below)
            expected = method.scale * above / (below or 1)
            assert abs(row[0] - expected) < Decimal("0.000001")
