"""Each expectation on network resources sees the defect that it is there for, and nothing else does."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Delivery, Slice, ValidationResult
from pipelines.formats import read
from pipelines.loading import gate
from pipelines.loading.suites import load_suite
from sandbox.inventory import inventory, read_cities
from sandbox.tmf639 import SAMPLE
from tests.support.gate_context import beside

pytestmark = pytest.mark.slow

SUITE = load_suite("beltelecom_inventory", "resources")
FEED = load_sources()["beltelecom_inventory"].feeds["resources"]
Resource = dict[str, Any]
Defect = Callable[[Resource], object]


def characteristic(name: str, value: Any) -> Defect:
    """Give a characteristic another value; None takes it away."""

    def change(resource: Resource) -> None:
        others = [one for one in resource["resourceCharacteristic"] if one["name"] != name]
        resource["resourceCharacteristic"] = others + (
            [{"name": name, "value": value}] if value is not None else []
        )

    return change


def field(name: str, value: Any) -> Defect:
    return lambda resource: resource.update({name: value})


def olt(identifier: str) -> Defect:
    """Say that a port stands in another OLT."""
    return lambda resource: resource.update(
        resourceRelationship=[{"relationshipType": "containedIn", "resource": {"id": identifier}}]
    )


def both(*changes: Defect) -> Defect:
    return lambda resource: [change(resource) for change in changes]


PORT, FIBRE, WIFI, RACK = "xPON.Port", "FibreLine", "WiFi.AccessPoint", "Rack"

# Which expectation, on what kind of resource, by what change. Each is seeded on a resource of its own.
DEFECTS: list[tuple[str, str, Defect]] = [
    ("resource_id_present", FIBRE, field("id", None)),
    ("resource_id_is_code", FIBRE, field("id", "1.04E+05")),
    ("resource_id_is_code", FIBRE, field("id", "1,04E+05")),
    ("place_id_is_code", PORT, field("place", {"id": "1.04E+05", "role": "installationSite"})),
    ("contained_in_is_code", PORT, olt("4.4E+09")),
    ("category_present", WIFI, field("category", None)),
    ("category_known", WIFI, field("category", "WiFi")),
    ("place_present", PORT, field("place", None)),
    ("place_present", PORT, field("place", {"name": "site", "role": "installationSite"})),
    ("soato_present", PORT, characteristic("soato", None)),
    ("soato_ten_digits", PORT, characteristic("soato", "4.4E+09")),
    ("soato_ten_digits", PORT, characteristic("soato", 4.4e9)),
    ("soato_ten_digits", PORT, characteristic("soato", "440100000")),
    ("soato_ten_digits", PORT, characteristic("soato", "8401000000")),
    ("soato_ten_digits", PORT, characteristic("soato", "440100000О")),
    ("soato_listed", PORT, characteristic("soato", "5299801001")),
    ("administrative_state_known", PORT, field("administrativeState", "shuttingDown")),
    ("operational_state_known", PORT, field("operationalState", "enabled")),
    ("operational_state_present", PORT, field("operationalState", None)),
    ("usage_state_known", FIBRE, field("usageState", "ACTIVE")),
    ("resource_status_known", PORT, field("resourceStatus", "ok")),
    ("start_operating_date_plausible", PORT, field("startOperatingDate", "1970-01-01T00:00:00Z")),
    ("start_operating_date_plausible", PORT, field("startOperatingDate", "2031-01-01T00:00:00Z")),
    ("technology_known", FIBRE, characteristic("technology", "медь")),
    ("pon_technology", PORT, characteristic("technology", "Wi-Fi 5")),
    ("split_ratio_present", PORT, characteristic("splitRatio", None)),
    ("split_ratio_known", PORT, characteristic("splitRatio", "64")),
    ("onu_connected_present", PORT, characteristic("onuConnected", None)),
    ("onu_connected_possible", PORT, characteristic("onuConnected", -1)),
    (
        "onu_within_capacity",
        PORT,
        both(
            characteristic("splitRatio", "1:32"),
            characteristic("onuConnected", 33),
            field("usageState", "busy"),
        ),
    ),
    ("used_port_is_not_idle", PORT, both(characteristic("onuConnected", 5), field("usageState", "idle"))),
    ("port_in_olt", PORT, field("resourceRelationship", [])),
    ("length_present", FIBRE, characteristic("lengthKm", None)),
    ("length_km_possible", FIBRE, characteristic("lengthKm", 0)),
    ("length_km_possible", FIBRE, characteristic("lengthKm", 200)),  # metres
    ("fibre_count_possible", FIBRE, characteristic("fibreCount", 0)),
    ("speed_mbps_possible", WIFI, characteristic("speedMbps", 0)),
    ("speed_mbps_possible", WIFI, characteristic("speedMbps", 100_000)),  # Kbit/s
    ("capacity_possible", RACK, both(characteristic("capacity", 0), characteristic("occupied", 0))),
    ("occupied_possible", RACK, both(characteristic("occupied", -1), characteristic("capacity", 42))),
    ("occupied_within_capacity", RACK, characteristic("occupied", 43)),
    ("soato_of_branch", PORT, characteristic("soato", "1401000000")),  # Brest
]
# A tenth of what the sample has: the same of all, sooner judged.
SCALE = 0.1
LOAD_LEVEL = {"classes_delivered", "olt_of_port_delivered"}
OF_LENGTHS = {"sections_short"}


@pytest.fixture(scope="module")
def resources() -> list[Resource]:
    return inventory(read_cities(SAMPLE / "cities.csv", SCALE), "minsk_city")


def validate(resources: list[Resource], folder: Path, branch: str = "minsk_city") -> ValidationResult:
    """Deliver, read and judge resources as a snapshot of March 2026."""
    delivered = folder / "delivery"
    delivered.mkdir(parents=True)
    (delivered / "page-00001.json").write_text(json.dumps(resources, ensure_ascii=False))
    snapshot = {"base_url": "https://inventory.invalid", "pages": 1, "total": len(resources)}
    (delivered / "snapshot.json").write_text(json.dumps(snapshot))
    span = Slice("", date(2026, 3, 1), date(2026, 3, 31))
    files = ("page-00001.json", "snapshot.json")
    delivery = Delivery("d", "s", "f", "i", span, delivered, files, "", 0, "", "", True)
    batch = read(delivery, FEED, folder / "batch.parquet")
    parameters = {"first_day": "2026-03-01", "last_day": "2026-03-31", **batch.facts}
    known = beside("beltelecom_inventory", "resources", span, branch)
    return gate.evaluate(batch, SUITE, parameters, folder, known)


@pytest.fixture(scope="module")
def seeded(
    resources: list[Resource], tmp_path_factory: pytest.TempPathFactory
) -> tuple[ValidationResult, dict[str, set[int]]]:
    """The verdict on an inventory with all defects at once, and the rows that each expectation must find."""
    spoiled = copy.deepcopy(resources)
    free = {
        kind: [row for row, one in enumerate(spoiled) if one["category"] == kind]
        for kind in (PORT, FIBRE, WIFI, RACK)
    }
    rows: dict[str, set[int]] = {}
    for name, kind, change in DEFECTS:
        row = free[kind].pop()
        change(spoiled[row])
        rows.setdefault(name, set()).add(row + 1)
    twice, again = free[PORT].pop(), free[PORT].pop()
    spoiled[again]["id"] = spoiled[twice]["id"]
    rows["resource_id_unique"] = {twice + 1, again + 1}
    # a class that nobody knows counts nowhere
    rows["row.counts"] = rows["category_present"] | rows["category_known"]
    return validate(spoiled, tmp_path_factory.mktemp("seeded")), rows


def test_every_row_level_expectation_is_tried(seeded: tuple[ValidationResult, dict[str, set[int]]]) -> None:
    assert set(seeded[1]) | LOAD_LEVEL | OF_LENGTHS == {expectation.meta["name"] for expectation in SUITE}


@pytest.mark.parametrize(
    "name", sorted({*(name for name, _, _ in DEFECTS), "resource_id_unique", "row.counts"})
)
def test_a_seeded_defect_is_found_where_it_is(
    name: str, seeded: tuple[ValidationResult, dict[str, set[int]]]
) -> None:
    validation, rows = seeded
    (result,) = (result for result in validation.results if result.expectation == name)
    expected = set(rows[name])
    if name == "technology_known":
        expected -= rows["pon_technology"]
    assert set(result.sample_rows) == expected
    assert result.unexpected_count == len(expected)
    assert result.says and result.remedy


def test_spoiled_rows_are_kept_back_or_flagged_and_the_rest_is_accepted(
    seeded: tuple[ValidationResult, dict[str, set[int]]],
) -> None:
    validation, rows = seeded
    severity = {expectation.meta["name"]: expectation.severity for expectation in SUITE}
    critical = set[int]().union(*(found for name, found in rows.items() if severity[name] == "critical"))
    warning = set[int]().union(*(found for name, found in rows.items() if severity[name] == "warning"))
    assert validation.accepted
    assert validation.quarantine is not None and validation.flagged is not None
    kept_back = duckdb.sql(f"select row_no from '{validation.quarantine}'").fetchall()
    flagged = duckdb.sql(f"select row_no from '{validation.flagged}'").fetchall()
    assert {row for (row,) in kept_back} == critical and validation.quarantined == len(critical)
    assert {row for (row,) in flagged} == warning


@pytest.mark.parametrize("branch", load_sources()["beltelecom_inventory"].instances)
def test_the_invented_inventory_of_every_branch_passes(branch: str, tmp_path: Path) -> None:
    validation = validate(inventory(read_cities(SAMPLE / "cities.csv", SCALE), branch), tmp_path, branch)
    assert [result.expectation for result in validation.results if result.unexpected_count] == []
    assert validation.accepted and validation.quarantined == 0 and validation.warnings == 0


def test_another_branch_s_resources_are_refused(resources: list[Resource], tmp_path: Path) -> None:
    """The server ignores the branch in the address: what it gives for Brest is Minsk's."""
    validation = validate(resources, tmp_path, "brest")
    assert not validation.accepted
    failed = {
        result.expectation: result.unexpected_count for result in validation.results if not result.success
    }
    assert failed == {"soato_of_branch": len(resources)}


def lengths(resources: list[Resource], length: Callable[[int], float]) -> list[Resource]:
    spoiled = copy.deepcopy(resources)
    for number, one in enumerate(one for one in spoiled if one["category"] == FIBRE):
        characteristic("lengthKm", length(number))(one)
    return spoiled


def test_sections_in_metres_are_refused_though_all_are_short(
    resources: list[Resource], tmp_path: Path
) -> None:
    """200 to 449 metres read as kilometres: no section within one territorial unit is as long."""
    spoiled = lengths(resources, lambda number: 200 + number % 250)
    validation = validate(spoiled, tmp_path)
    (found,) = [result for result in validation.results if result.expectation == "length_km_possible"]
    assert not validation.accepted
    assert found.unexpected_count == sum(1 for one in spoiled if one["category"] == FIBRE)


def test_sections_of_tens_of_metres_are_told_by_their_mean(resources: list[Resource], tmp_path: Path) -> None:
    """21 to 90 could be kilometres one by one, not all of them: Minsk's mean would be far above what lies in a town."""
    validation = validate(lengths(resources, lambda number: 21 + number % 70), tmp_path)
    (found,) = [result for result in validation.results if result.expectation == "sections_short"]
    assert not found.success
    assert found.severity == "warning"
    assert "СОАТО 5000" in found.says
    whole = validate(lengths(resources, lambda _: 19.9), tmp_path / "whole")
    assert [result.expectation for result in whole.results if not result.success] == []


def test_codes_that_only_look_like_numbers_are_left_alone(resources: list[Resource], tmp_path: Path) -> None:
    lawful = copy.deepcopy(resources)
    for one, code in zip(
        lawful, ("0012345", "12e4", "3E5", "550e8400-e29b-41d4-a716-446655440000"), strict=False
    ):
        one["id"] = code
    validation = validate(lawful, tmp_path)
    (result,) = (result for result in validation.results if result.expectation == "resource_id_is_code")
    assert result.success and result.unexpected_count == 0


def test_a_part_of_a_listed_town_is_no_unknown_unit(resources: list[Resource], tmp_path: Path) -> None:
    lawful = copy.deepcopy(resources)
    for one, code in zip(lawful, ("1410501003", "5000000000", "6250501000", "7401999999"), strict=False):
        characteristic("soato", code)(one)
    validation = validate(lawful, tmp_path)
    (result,) = (result for result in validation.results if result.expectation == "soato_listed")
    assert result.success and result.unexpected_count == 0


def test_a_part_of_a_listed_town_of_a_district_is_an_unknown_unit(tmp_path: Path) -> None:
    resources = copy.deepcopy(inventory(read_cities(SAMPLE / "cities.csv", SCALE), "minsk_oblast"))
    characteristic("soato", "6238501001")(resources[0])
    validation = validate(resources, tmp_path, "minsk_oblast")
    found = {
        result.expectation: result.sample_rows for result in validation.results if result.unexpected_count
    }
    assert found == {"soato_listed": (1,)}


def test_half_an_inventory_is_refused(resources: list[Resource], tmp_path: Path) -> None:
    validation = validate([one for one in resources if one["category"] != "OLT"], tmp_path)
    failed = {result.expectation for result in validation.results if not result.success}
    assert failed == LOAD_LEVEL and not validation.accepted


def test_codes_that_became_numbers_are_refused(resources: list[Resource], tmp_path: Path) -> None:
    spoiled = copy.deepcopy(resources)
    for one in spoiled:
        characteristic("soato", "1.41E+09")(one)
    validation = validate(spoiled, tmp_path)
    assert not validation.accepted
    (result,) = (result for result in validation.results if not result.success)
    assert result.expectation == "soato_ten_digits"
    assert result.unexpected_count == len(spoiled)
    assert "1.41E+09" in result.says and "текстом" in result.remedy
