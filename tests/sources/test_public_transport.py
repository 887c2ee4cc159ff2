"""Timetables with a seeded fault at the gate: what the canonical validator of GTFS finds, the suite finds, too."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Delivery, ValidationResult, parse_slice
from pipelines.formats import read
from pipelines.loading.gate import evaluate
from pipelines.loading.suites import load_suite
from sandbox.samples.public_transport import gtfs
from tests.support.gate_context import beside

pytestmark = pytest.mark.slow

OCTOBER = parse_slice("2026-10", None)


def validated(tables: dict[str, str], folder: Path) -> ValidationResult:
    """What the gate says of a timetable."""
    name = "timetable-2026-10.zip"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member, text in tables.items():
            archive.writestr(member, text)
    delivery = Delivery(
        "d", "public_transport", "timetable", "brest", OCTOBER, folder, (name,), "", 0, "", "", synthetic=True
    )
    batch = read(delivery, load_sources()["public_transport"].feeds["timetable"], folder / "batch.parquet")
    days = {"first_day": str(OCTOBER.first_day), "last_day": str(OCTOBER.last_day)}
    known = beside("public_transport", "timetable", OCTOBER, "brest")
    return evaluate(batch, load_suite("public_transport", "timetable"), days | batch.facts, folder, known)


def found(result: ValidationResult) -> set[str]:
    return {one.expectation for one in result.results if one.unexpected_count or not one.success}


def test_a_clean_timetable_is_accepted_without_a_remark(tmp_path: Path) -> None:
    result = validated(gtfs(2026, 10), tmp_path)
    assert result.accepted and found(result) == set()


@pytest.mark.parametrize(
    ("notice", "table", "spoil", "expectation", "accepted", "quarantined"),
    [
        ("foreign_key_violation", "stop_times.txt", lambda text: text.replace(",S02,", ",S99,", 1), "references_found", True, 1),
        ("duplicate_key", "stops.txt", lambda text: text + text.splitlines()[1] + "\r\n", "row_unique", True, 2),
        (
            "stop_time_with_arrival_before_previous_departure_time", "stop_times.txt",
            lambda text: text.replace("06:20:00,06:20:00", "05:20:00,05:20:00", 1), "times_possible", True, 1,
        ),
        ("fast_travel", "stops.txt", lambda text: text.replace(",52.0", ",53.0", 1), "fastest_kmh_between", False, None),
        ("far from the city", "stops.txt", lambda text: text + "S77,Дача,53.90,27.56\r\n", "km_from_centre_between", False, None),
        ("stop_without_stop_time", "stops.txt", lambda text: text + "S77,Лишняя,52.09,23.69\r\n", "used", True, 0),
        (
            "expired_calendar", "calendar.txt",
            lambda text: text.replace("20261001", "20250101").replace("20261031", "20250131"), "service_in_month", False, None,
        ),
        (
            "expires within the month", "calendar.txt", lambda text: text.replace("20261031", "20261020"),
            "calendar_covers_month", True, 0,
        ),
    ],
)  # fmt: skip
def test_a_seeded_fault_is_found(
    notice: str, table: str, spoil: Callable[[str], str], expectation: str, accepted: bool, quarantined: int | None,
    tmp_path: Path,
) -> None:  # fmt: skip
    tables = gtfs(2026, 10)
    spoilt = tables | {table: spoil(tables[table])}
    assert spoilt != tables, notice
    result = validated(spoilt, tmp_path)
    assert expectation in found(result), notice
    assert result.accepted == accepted
    assert quarantined is None or result.quarantined == quarantined
