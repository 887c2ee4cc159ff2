"""Feeds whose suites say nothing but what most feeds need: each expectation sees a defect that follows from its kind.

A feed with expectations of its own kind has its defects by hand, in the modules beside.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import FileOrigin
from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.deliveries import Batch, Delivery, named_slice
from pipelines.formats import read
from pipelines.loading.gate import evaluate
from pipelines.loading.quarantine import READABLE
from pipelines.loading.suites import load_suite
from tests.expectations import test_open_sources
from tests.support.gate_context import beside

BY_HAND = {*test_open_sources.DEFECTS, "beltelecom_inventory.resources"}
FEEDS = sorted(
    name
    for source, declared in load_sources().items()
    for feed in declared.feeds
    if (name := f"{source}.{feed}") not in BY_HAND
)
# what no column of the type can hold where anything is asked of it
NEVER = {"text": "'?'", "integer": "-999999", "decimal": "-999999", "date": "date '1900-01-01'"}


# what no kind tells: SQL that breaks it, and the rows that are found (None: the load as a whole)
OWN: dict[str, dict[str, tuple[str, int | None]]] = {
    "traffic_control.incidents": {
        "ended_after_start": (
            "update batch set ended_at = started_at - interval 1 minute where row_no = 3",
            1,
        ),
        "started_at_in_period": ("update batch set started_at = '2026-09-30 23:00' where row_no = 3", 1),
        "started_has_been": (
            "update batch set started_at = '2027-01-01 10:00', ended_at = null where row_no = 3",
            1,
        ),
    },
    "traffic_control.parking": {
        "has_realtime_given": ("update batch set has_realtime = null where row_no = 3", 1),
        "free_is_realtime": ("update batch set has_realtime = false where row_no = 3", 1),
    },
    "nca_register.units": {
        "geometry_given": ("update batch set geometry = null where row_no = 3", 1),
        "ended_after_start": ("update batch set valid_to = date '1994-01-01' where row_no = 8", 1),
        "area_fits_outline": (
            "update batch set area_ha = area_ha / 100 where row_no = 3",
            1,
        ),  # square kilometres
        "in_force_once": (
            "insert into batch select * replace (1000000 as row_no, date '2020-01-01' as valid_from) from batch where row_no = 3",
            None,
        ),
        "regions_whole": ("delete from batch where soato = '5000000000'", None),
        "districts_whole": ("delete from batch where soato = '6208000000'", None),
        "ends_explained": ("update batch set valid_to = date '2020-01-01' where soato = '6208501000'", None),
        "declared_codes_in_force": ("update batch set soato = '6208502000' where soato = '6208501000'", None),
        # the codes of two towns are swapped
        "declared_names_agree": (
            "update batch set soato = case soato when '6208501000' then '6250501000' else '6208501000' end "
            "where soato in ('6208501000', '6250501000')",
            None,
        ),
        "declared_areas_agree": ("update batch set area_ha = area_ha * 1.1 where soato = '6208501000'", None),
    },
    "mobile_coverage.areas": {
        "row.counts": ("update batch set operator = null where row_no = 3", 1),
        "technologies_present": ("update batch set covered_km2 = 0 where technology = '5G'", None),
        # the technologies are swapped
        "nr_within_lte": (
            "update batch set technology = case technology when 'LTE' then '5G' else 'LTE' end where operator = '_T'",
            None,
        ),
    },
    "metering.balance": {
        "billed_within_input": ("update batch set billed_other = network_input where row_no = 3", 1),
    },
    "metering.outages": {
        "ended_after_start": (
            "update batch set ended_at = started_at - interval 1 minute where row_no = 3",
            1,
        ),
        "started_at_in_period": ("update batch set started_at = '2026-09-30 23:00' where row_no = 3", 1),
        "ended_has_been": ("update batch set ended_at = '2027-01-01 10:00' where row_no = 3", 1),
        "ended_soon": ("update batch set ended_at = started_at + interval 31 day where row_no = 3", 1),
    },
    "public_transport.timetable": {
        "service_in_month": ("delete from batch where object = 'call'", None),
        "calendar_covers_month": ("update batch set calendar_ends = date '2026-08-30'", None),
    },
    "sensor_things.observations": {
        "unit_fits_property": ("update batch set unit = 'ppm' where row_no = 3", 1),
        "result_possible": ("update batch set result = 19000 where row_no = 3", 1),
        "zone_told": ("update batch set observed_zone = null where row_no = 3", 1),
        "observed_at_given": ("update batch set observed_at = null where row_no = 3", 1),
        "interval_ends_later": ("update batch set until = observed_at where row_no = 3", 1),
        "level_of_interval": (
            "update batch set until = null "
            "where row_no = (select min(row_no) from batch where observed_property = 'LAeq')",
            1,
        ),
    },
    "city_context.noise": {
        "interval_ends_later": ("update batch set until = observed_at where row_no = 3", 1),
        "zone_told": ("update batch set observed_zone = null where row_no = 3", 1),
        "observed_at_given": ("update batch set observed_at = null where row_no = 3", 1),
    },
    "city_context.traffic_flow": {
        "zone_told": ("update batch set observed_zone = null where row_no = 3", 1),
        "observed_at_given": ("update batch set observed_at = null where row_no = 3", 1),
    },
    "beltelecom_services.services": {
        "row.counts": ("update batch set category = '?', service_state = 'active' where row_no = 3", 1),
        "soato_of_branch": ("update batch set soato = '7401000000' where row_no = 3", 1),
        "broadband_described": (
            "update batch set speed_mbps = null where row_no = (select min(row_no) from batch "
            "where category = 'broadband' and service_state = 'active')",
            1,
        ),
    },
    "beltelecom_services.sites": {
        "row.counts": ("update batch set site_type = '?' where row_no = 1", 1),
        "soato_of_branch": ("update batch set soato = '7401000000' where row_no = 3", 1),
    },
    "e_services.procedures": {
        "row.counts": ("update batch set section = null where row_no = 3", 1),
        "total_present": ("delete from batch where section = 'Итого'", None),
        "sections_add_up": (
            "update batch set carried_out = carried_out * 1000 where section = 'Итого'",
            None,
        ),
    },
    "city_statistics.inputs": {
        "row.counts": ("update batch set unit = null, value = 1 where row_no = 3", 1),
        "part_within_whole": (
            "update batch set value = (select value from batch where input = 'households') + 1 "
            "where input = 'households_electricity'",
            None,
        ),
        "quality_given": ("update batch set quality = null, value = 1 where row_no = 3", 1),
    },
    "programme_register.rollout": {
        "started_if_operating": (
            "update batch set started_on = null where row_no = "
            "(select min(row_no) from batch where stage = 'в эксплуатации')",
            1,
        ),
        "started_by_then": (
            "update batch set started_on = date '2035-01-01', stage = 'в эксплуатации' where row_no = 3",
            1,
        ),
        "delay_explained": (
            "update batch set planned_on = date '2020-01-01', stage = 'внедрение', deviation_reason = null where row_no = 3",
            1,
        ),
    },
    "programme_register.actions": {
        "funds_within_plan": ("update batch set funds_spent = funds_planned + 1 where row_no = 3", 1),
        "spent_if_begun": ("update batch set state = 'не начато', funds_spent = 1 where row_no = 3", 1),
        "delay_explained": (
            "update batch set due_on = date '2020-01-01', state = 'выполняется', deviation_reason = null where row_no = 3",
            1,
        ),
    },
    "giprosvyaz_survey.answers": {
        "row.counts": ("update batch set question = null where row_no = 3", 1),
        "all_questions": ("delete from batch where row_no = 3", None),
        "answered": ("update batch set answer = null where row_no = 3", 1),
        "answer_in_range": ("update batch set answer = '0' where row_no = 3", 1),
        "answer_in_list": ("update batch set answer = 'может быть' where question = 'plan_adopted'", 1),
        "evidence_given": ("update batch set evidence = null where row_no = 1", 1),
        "systems_connected_within_systems_total": (
            "update batch set answer = '85' where question = 'systems_connected'",
            None,
        ),
        "staff_trained_within_staff_total": (
            "update batch set answer = '2151' where question = 'staff_trained'",
            None,
        ),
        "spending_done_within_spending_planned": (
            "update batch set answer = '1840.6' where question = 'spending_done'",
            None,
        ),
    },
    "belstat.wages_by_activity": {
        "row.counts": ("update batch set activity = null where row_no = 3", 1),
        "total_present": ("update batch set activity = 'Итого' where row_no = 1", None),
        "total_within_activities": ("update batch set wage = wage * 10 where row_no = 1", None),
    },
}


def defect_of(name: str, feed: Feed, expectation: Any) -> tuple[str, int | None] | None:
    """SQL that spoils the batch, and the rows that are found (None: the load as a whole); None for an unknown kind."""
    if own := OWN.get(name, {}).get(expectation.meta["name"]):
        return own
    if expectation.meta["level"] != "row":
        return None
    kind = type(expectation).__name__
    if kind in ("ExpectCompoundColumnsToBeUnique", "ExpectColumnValuesToBeUnique"):
        return "insert into batch select * replace (1000000 as row_no) from batch where row_no = 3", 2
    column = expectation.meta.get("columns", [getattr(expectation, "column", None)])[0]
    if column not in feed.kept_columns:
        return None
    value = "null" if kind == "ExpectColumnValuesToNotBeNull" else NEVER.get(feed.kept_columns[column].type)
    return (f"update batch set {column} = {value} where row_no = 3", 1) if value else None


def first_sample(name: str, folder: Path) -> tuple[Batch, Delivery]:
    """The batch of the first file of a feed's sample."""
    source, feed = name.split(".")
    declared = load_sources()[source].feeds[feed]
    origin = declared.origins["sample"]
    assert isinstance(origin, FileOrigin)
    assert declared.file_pattern is not None
    instance = origin.instance or next(iter(load_sources()[source].instances))
    where = SOURCES / source / origin.path.format(instance=instance)
    path, found = next(
        (path, found)
        for path in sorted(where.iterdir())
        if (found := re.fullmatch(declared.file_pattern, path.name))
    )
    groups = found.groupdict()
    delivery = Delivery(
        "d", source, feed, instance, named_slice(groups, None), where, (path.name,), "", 0,
        "", "", synthetic=True,
    )  # fmt: skip
    known = beside(source, feed, delivery.slice, instance) if declared.beside else {}
    return read(delivery, declared, folder / "batch.parquet", beside=known), delivery


def parameters(delivery: Delivery) -> dict[str, str]:
    return {"first_day": str(delivery.slice.first_day), "last_day": str(delivery.slice.last_day)}


@pytest.mark.parametrize("name", FEEDS)
def test_the_sample_passes_without_a_remark(name: str, tmp_path: Path) -> None:
    batch, delivery = first_sample(name, tmp_path)
    suite = load_suite(*name.split("."))
    known = beside(*name.split("."), delivery.slice, delivery.instance)
    validation = evaluate(batch, suite, parameters(delivery) | batch.facts, tmp_path, known)
    assert batch.rows > 0
    assert validation.accepted
    assert [one.expectation for one in validation.results if one.unexpected_count or not one.success] == []


@pytest.mark.parametrize(
    ("name", "expectation"),
    [(name, one.meta["name"]) for name in FEEDS for one in load_suite(*name.split("."))],
)
def test_an_expectation_sees_the_defect_of_its_kind(name: str, expectation: str, tmp_path: Path) -> None:
    source, feed = name.split(".")
    suite = [one for one in load_suite(source, feed) if one.meta["name"] == expectation]
    defect = defect_of(name, load_sources()[source].feeds[feed], suite[0])
    assert defect is not None, (
        "of no known kind: seed its defect by hand, beside tests/expectations/test_open_sources.py"
    )
    statement, rows = defect
    batch, delivery = first_sample(name, tmp_path)
    spoilt = tmp_path / "spoilt.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create table batch as select * from '{batch.path}'")
        connection.execute(statement)
        connection.execute(f"copy batch to '{spoilt}' (format parquet)")
        (count,) = connection.execute("select count(*) from batch").fetchone() or (0,)
    known = beside(source, feed, delivery.slice, delivery.instance)
    validation = evaluate(Batch(spoilt, count, {}), suite, parameters(delivery), tmp_path, known)
    (result,) = (result for result in validation.results if result.expectation != READABLE)
    critical = result.severity == "critical"
    assert not result.success if rows is None else result.unexpected_count == rows
    assert validation.quarantined == (rows if rows and critical else 0)
    if rows is None:
        assert validation.accepted != critical
