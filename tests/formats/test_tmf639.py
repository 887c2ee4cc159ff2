"""Pages of resources become typed rows; what cannot be read is told in the supplier's words."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Batch, Delivery, Slice
from pipelines.errors import DeliveryError
from pipelines.formats import read
from sandbox.inventory import inventory, read_cities
from sandbox.tmf639 import SAMPLE

FEED: Feed = load_sources()["beltelecom_inventory"].feeds["resources"]
Resource = dict[str, Any]


def port(**changes: Any) -> Resource:
    """A PON port as the specification has it, with invented values."""
    return {
        "id": "olt-1410-017-4-7",
        "href": "https://inventory.invalid/resource/olt-1410-017-4-7",
        "@type": "PhysicalResource",
        "@baseType": "Resource",
        "category": "xPON.Port",
        "name": "OLT-17 slot4 port7",
        "startOperatingDate": "2019-05-14T00:00:00+03:00",
        "administrativeState": "unlocked",
        "operationalState": "enable",
        "usageState": "active",
        "resourceStatus": "available",
        "place": {
            "id": "site-17",
            "href": "/site-17",
            "name": "ул. Вымышленная, 5",
            "role": "installationSite",
        },
        "relatedParty": [{"id": "p-1", "name": "Примеров А. Б.", "@referredType": "Individual"}],
        "note": [{"author": "Образцова", "text": "ключ у вахтёра"}],
        "resourceCharacteristic": characteristics(
            technology="GPON", splitRatio="1:64", onuConnected=41, soato="1410000000"
        ),
        "resourceRelationship": [{"relationshipType": "containedIn", "resource": {"id": "olt-1410-017"}}],
        **changes,
    }


def characteristics(**values: Any) -> list[Resource]:
    return [{"name": name, "value": value} for name, value in values.items()]


def deliver(folder: Path, pages: Sequence[bytes | list[Any]], total: int | None = None) -> Delivery:
    """Write a delivery; a page is given as bytes or as its resources."""
    for number, page in enumerate(pages, start=1):
        data = page if isinstance(page, bytes) else json.dumps(page, ensure_ascii=False).encode()
        (folder / f"page-{number:05}.json").write_bytes(data)
    if total is None:
        total = sum(len(page) for page in pages if isinstance(page, list))
    snapshot = {"base_url": "https://inventory.invalid/v4", "pages": len(pages), "total": total}
    (folder / "snapshot.json").write_text(json.dumps(snapshot))
    return received(folder)


def received(folder: Path) -> Delivery:
    files = tuple(sorted(path.name for path in folder.iterdir()))
    span = Slice("", date(2025, 3, 1), date(2025, 3, 31))
    return Delivery("d", "s", "resources", "i", span, folder, files, "", 0, "", "", False)


def rows_of(batch: Batch) -> list[dict[str, Any]]:
    table = duckdb.sql(f"from '{batch.path}' order by row_no")
    return [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]


@pytest.fixture
def read_pages(tmp_path: Path) -> Callable[..., Batch]:
    def run(*pages: bytes | list[Any], total: int | None = None) -> Batch:
        folder = tmp_path / "delivery"
        folder.mkdir()
        return read(deliver(folder, pages, total), FEED, tmp_path / "batch.parquet")

    return run


def test_a_port_in_full(read_pages: Callable[..., Batch]) -> None:
    (row,) = rows_of(read_pages([port()]))
    assert {name: value for name, value in row.items() if value is not None} == {
        "row_no": 1,
        "resource_id": "olt-1410-017-4-7",
        "resource_type": "PhysicalResource",
        "category": "xPON.Port",
        "administrative_state": "unlocked",
        "operational_state": "enable",
        "usage_state": "active",
        "resource_status": "available",
        "start_operating_date": date(2019, 5, 14),
        "place_id": "site-17",
        "soato": "1410000000",
        "technology": "GPON",
        "split_ratio": "1:64",
        "onu_capacity": 64,
        "onu_connected": 41,
        "contained_in": "olt-1410-017",
    }
    assert row.keys() == {"row_no", *FEED.kept_columns, "parse_errors"}


def test_no_person_no_address_no_note_in_the_batch(read_pages: Callable[..., Batch]) -> None:
    made = inventory(read_cities(SAMPLE / "cities.csv"), "mogilev")
    persons = {party["name"] for one in made for party in one["relatedParty"]}
    addresses = {one["place"]["name"] for one in made}
    assert persons and addresses
    batch = read_pages([*made, port()])
    text = duckdb.sql(f"select string_agg(to_json(b)::varchar) from '{batch.path}' b").fetchall()[0][0]
    for word in (*persons, *addresses, "Примеров", "Образцова", "вахтёра", "person-", "Вымышленная"):
        assert word not in text, word
    assert batch.rows == len(made) + 1


def test_rows_count_through_all_pages(read_pages: Callable[..., Batch]) -> None:
    """Fifty thousand resources on a hundred pages, one of them empty, each at its place."""
    pages: list[list[Any]] = [
        [port(id=f"r-{page * 500 + index}") for index in range(500)] for page in range(100)
    ]
    pages.insert(40, [])
    batch = read_pages(*pages)
    assert batch.rows == batch.facts["total"] == 50_000
    wrong = duckdb.sql(f"select count(*) from '{batch.path}' where resource_id <> 'r-' || (row_no - 1)")
    assert wrong.fetchall() == [(0,)]


def test_a_large_page(read_pages: Callable[..., Batch]) -> None:
    """One answer of more than 16 MB, on one line."""
    batch = read_pages([port(id=f"r-{index}", description="я" * 4000) for index in range(3000)])
    assert batch.rows == 3000


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2019-05-14T00:00:00+03:00", date(2019, 5, 14)),
        # 21:00 in Greenwich is midnight in Minsk.
        ("2019-05-13T21:00:00Z", date(2019, 5, 14)),
        ("2019-05-13T20:59:59.999Z", date(2019, 5, 13)),
        ("2019-05-13T23:00:00", date(2019, 5, 13)),
        ("2019-05-14", date(2019, 5, 14)),
    ],
)
def test_a_moment_becomes_its_day_in_belarus(text: str, day: date, read_pages: Callable[..., Batch]) -> None:
    (row,) = rows_of(read_pages([port(startOperatingDate=text)]))
    assert (row["start_operating_date"], row["parse_errors"]) == (day, None)


def test_both_published_forms_of_a_relationship(read_pages: Callable[..., Batch]) -> None:
    beside = [
        {"relationshipType": "connectedTo", "id": "other"},
        {"relationshipType": "containedIn", "id": "olt-2"},
    ]
    rows = rows_of(
        read_pages([port(), port(id="b", resourceRelationship=beside), port(id="c", resourceRelationship=[])])
    )
    assert [row["contained_in"] for row in rows] == ["olt-1410-017", "olt-2", None]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"startOperatingDate": "14.05.2019"}, "start_operating_date"),
        ({"startOperatingDate": "2019-13-45T00:00:00Z"}, "start_operating_date"),
        ({"resourceCharacteristic": characteristics(onuConnected="сорок")}, "onu_connected"),
        ({"resourceCharacteristic": characteristics(onuConnected=4.5)}, "onu_connected"),
        ({"resourceCharacteristic": characteristics(lengthKm="3,5")}, "length_km"),
        # Two different values of one name: neither is chosen in silence.
        (
            {"resourceCharacteristic": [*characteristics(onuConnected=1), *characteristics(onuConnected=2)]},
            "onu_connected",
        ),
    ],
)
def test_what_is_no_value_is_told_with_its_column(
    changes: Resource, column: str, read_pages: Callable[..., Batch]
) -> None:
    good, bad = rows_of(read_pages([port(), port(id="b", **changes)]))
    assert good["parse_errors"] is None
    (problem,) = json.loads(bad["parse_errors"])
    assert problem["column"] == column and problem["value"] and problem["expected"]
    assert bad[column] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"place": [{"id": "site-1"}]}, "place"),
        ({"resourceCharacteristic": {"soato": "1410000000"}}, "resourceCharacteristic"),
        ({"resourceRelationship": "olt-1"}, "resourceRelationship"),
        ({"category": {"ru": "порт"}}, "category"),
    ],
)
def test_one_odd_resource_is_marked_and_the_rest_is_read(
    changes: Resource, field: str, read_pages: Callable[..., Batch]
) -> None:
    good, bad = rows_of(read_pages([port(), port(id="b", **changes)]))
    assert good["parse_errors"] is None
    assert field in bad["parse_errors"] and bad["resource_id"] == "b"


def test_version_5_is_recognised(read_pages: Callable[..., Batch]) -> None:
    resources = [
        port(id=str(number), place=[{"id": "site"}], operationalState="enabled") for number in range(3)
    ]
    with pytest.raises(DeliveryError, match="v5") as caught:
        read_pages(resources)
    assert "v4" in caught.value.reasons[0].remedy


GOOD = json.dumps([port(id="g")]).encode()
SECRET = "Секретов".encode()


@pytest.mark.parametrize(
    ("page", "said", "row"),
    [
        (b"", "пуст", None),
        (b"  \n", "пуст", None),
        (b"<!DOCTYPE html><p>" + SECRET, "HTML", None),
        (b'{"code": "50", "reason": "' + SECRET + b'"}', "описание ошибки", None),
        (b'{"id": "' + SECRET + b'"}', "объект", None),
        (b'[{"id": "' + SECRET + b'"', "обрывается", None),
        (b'[{"id": "a", "name": "' + SECRET, "обрывается", None),
        (b'[{"id": "a"}] ' + SECRET, "ошибка записи", None),
        (b'[{"id": "a",, "name": "' + SECRET + b'"}]', "ошибка записи", None),
        (b'[{"id": "a"}, "' + SECRET + b'"]', "получено: текст", 3),
        (b'[{"id": "a", "id": "' + SECRET + b'"}]', "дважды", None),
        (b'[{"id": "\xff"}]', "UTF-8", None),
        ("[]".encode("utf-16"), "UTF-8", None),
        ('[{"id": "ё"}]'.encode("cp1251"), "UTF-8", None),
    ],
)
def test_a_bad_page_is_named_and_its_content_is_not_quoted(
    page: bytes, said: str, row: int | None, read_pages: Callable[..., Batch], tmp_path: Path
) -> None:
    with pytest.raises(DeliveryError) as caught:
        read_pages(GOOD, page, total=3)
    assert caught.value.file == "page-00002.json"
    reason = caught.value.reasons[0]
    assert said in reason.message and reason.remedy and reason.row == row
    assert SECRET.decode() not in f"{caught.value} {caught.value.reasons} {caught.value.__cause__}"
    assert not (tmp_path / "batch.parquet").exists()


def test_resources_that_are_missing_are_missed(read_pages: Callable[..., Batch]) -> None:
    with pytest.raises(DeliveryError, match="назвал 5 записей"):
        read_pages([port(id="a")], [port(id="b")], total=5)


@pytest.mark.parametrize("gone", ["page-00001.json", "page-00002.json", "snapshot.json"])
def test_a_file_that_is_missing_is_missed(gone: str, tmp_path: Path) -> None:
    folder = tmp_path / "delivery"
    folder.mkdir()
    deliver(folder, [[port(id="a")], [port(id="b")], [port(id="c")]])
    (folder / gone).unlink()
    with pytest.raises(DeliveryError, match=gone):
        read(received(folder), FEED, tmp_path / "batch.parquet")


def test_a_damaged_description_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "delivery"
    folder.mkdir()
    deliver(folder, [[port()]])
    (folder / "snapshot.json").write_text('{"pages": 1}')
    with pytest.raises(DeliveryError, match=r"snapshot\.json"):
        read(received(folder), FEED, tmp_path / "batch.parquet")


def test_null_in_the_place_of_a_resource_is_a_row_without_an_identifier(
    read_pages: Callable[..., Batch],
) -> None:
    rows = rows_of(read_pages([port(), None]))
    assert [row["resource_id"] for row in rows] == ["olt-1410-017-4-7", None]


def test_an_empty_inventory_is_an_empty_batch(read_pages: Callable[..., Batch]) -> None:
    assert read_pages([]).rows == 0


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
@example("1410000000")
@example('"\\\n')
@example("null")
@example("\xa0")
@example("\u3000a b\xa0")
def test_any_text_survives(text: str) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "delivery"
        folder.mkdir()
        data = json.dumps(
            [port(category=text, resourceCharacteristic=characteristics(technology=text))]
        ).encode()
        batch = read(deliver(folder, [data], total=1), FEED, Path(name) / "batch.parquet")
        (row,) = rows_of(batch)
    assert row["category"] == row["technology"]
    # texts are trimmed of every kind of space (Unicode category Zs), nothing else
    spaces = "".join(sign for sign in set(text) if unicodedata.category(sign) == "Zs")
    assert (row["category"] or "") == text.strip(spaces or " ")
