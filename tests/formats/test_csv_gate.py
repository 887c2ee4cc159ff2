"""What the reader notes and the gate says of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Delivery, Slice
from pipelines.loading.validate import Validated, validate
from tests.support.gate_context import beside

REQUESTS = load_sources()["appeals_115"].feeds["requests"]


def validated(folder: Path, *rows: str, header: str = ",".join(REQUESTS.columns)) -> Validated:
    path = folder / "opendata-115-2024-05-01.csv"
    path.write_text("\r\n".join([header, *rows, ""]), encoding="utf-8", newline="")
    month = Slice("", date(2024, 5, 1), date(2024, 5, 31))
    delivery = Delivery(
        "d", "appeals_115", "requests", "minsk", month, folder, (path.name,), "", 0, "", "", synthetic=True
    )
    days = {"first_day": "2024-05-01", "last_day": "2024-05-31", "today": "2026-11-30"}
    known = beside("appeals_115", "requests", month, "minsk")
    return validate(delivery, REQUESTS, days, known, "", folder, folder / "judged")


def request(number: int, **changes: str) -> str:
    given_by = {
        "id": str(number),
        "category": "6.30",
        "lat": "53.9",
        "lng": "27.5",
        "status": "5",
        "rating": "0",
        "opened": "2024-05-02 2024",
        "planned": "2024-05-20",
        "organisation_id": "100",
    }
    return ",".join({**dict.fromkeys(REQUESTS.columns, ""), **given_by, **changes}.values())


MONTH_OF_REQUESTS = [request(number) for number in range(1, 49)]


def test_a_month_is_not_retained_only_where_nothing_follows_its_header(tmp_path: Path) -> None:
    header = ",".join(REQUESTS.columns)
    assert validated(tmp_path).not_retained
    assert validated(tmp_path, "", "").not_retained
    stray = header.replace("organisation_id", '"organisation_id')
    for rows in (
        MONTH_OF_REQUESTS,
        [*MONTH_OF_REQUESTS[:19], MONTH_OF_REQUESTS[19] + '"', *MONTH_OF_REQUESTS[20:]],
    ):
        found = validated(tmp_path, *rows, header=stray)
        assert not found.not_retained
        assert not found.validation.accepted
    for nothing in ("   ", "\x1a", '""', ",", "#"):
        found = validated(tmp_path, nothing)
        assert not found.not_retained
        assert not found.validation.accepted


def test_line_breaks_inside_quotes_are_a_warning_of_the_load(tmp_path: Path) -> None:
    clean = validated(tmp_path, *MONTH_OF_REQUESTS)
    assert clean.validation.accepted
    assert clean.validation.warnings == 0
    broken = validated(tmp_path, *MONTH_OF_REQUESTS, request(49, address='"дом 1,\nкв. 2"'))
    assert broken.validation.accepted
    (told,) = [result for result in broken.validation.results if result.expectation == "file.line_breaks"]
    assert (told.severity, told.sample_rows) == ("warning", (49,))
    assert not told.refuses


def test_the_rule_of_request_numbers_says_its_limit(tmp_path: Path) -> None:
    found = validated(tmp_path, *(request(number + 10**12) for number in range(1, 49)))
    (told,) = [result for result in found.validation.results if result.expectation == "id_is_code"]
    assert told.refuses
    assert "от 1 до 12 цифр" in told.says
