"""A column that is declared otherwise than its stored values were read: refused, or read again, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.declarations.columns import Column
from pipelines.declarations.sources import load_sources
from pipelines.errors import WarehouseError
from pipelines.formats.typed import pseudonym
from pipelines.loading.decisions import replay, waive
from pipelines.loading.reread import read_changed_again
from pipelines.moments import today
from pipelines.settings import get_settings
from pipelines.warehouse.check import check_warehouse
from pipelines.warehouse.copy import copy_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.support.examples import shortened
from tests.support.portal import PERSON, Portal, use_home

TABLE = "raw.appeals_115__requests"


@pytest.fixture(params=["duckdb", "postgres"])
def portal(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Portal]:
    """A portal on either engine, one month of which is accepted."""
    given = {} if request.param == "duckdb" else {"warehouse": request.getfixturevalue("databases").new()}
    mirror = tmp_path / "mirror"
    found = Portal(use_home(monkeypatch, tmp_path / "home", mirror, **given), mirror / "appeals_115")
    found.warehouse.prepare()
    yield found
    get_settings.cache_clear()


def declare(monkeypatch: pytest.MonkeyPatch, **columns: dict[str, Any] | None) -> None:
    """Declare columns of the feed otherwise; None: not at all."""
    feeds = load_sources()["appeals_115"].feeds
    known = feeds["requests"].columns
    changed = {
        **known,
        **{
            name: Column.model_validate(
                {**({"description": "d"} if name not in known else known[name].model_dump()), **change}
            )
            for name, change in columns.items()
            if change is not None
        },
    }
    left = {name: column for name, column in changed.items() if columns.get(name, {}) is not None}
    monkeypatch.setitem(feeds, "requests", feeds["requests"].model_copy(update={"columns": left}))


def held(portal: Portal, column: str) -> list[Any]:
    return [
        row[column]
        for row in portal.warehouse.query(f"select {column} from {TABLE} order by load_id, row_no")
    ]


@pytest.mark.parametrize(
    ("column", "change", "given", "stored"),
    shortened(
        3,
        [
            ("rating", {"type": "decimal"}, "4", Decimal("4")),
            ("rating", {"type": "text", "bounds": {}}, "04", "04"),
            ("organisation_id", {"type": "integer", "unbounded": "a code"}, "110", 110),
            ("planned", {"type": "timestamp"}, "2024-01-12", datetime(2024, 1, 12)),
            ("planned", {"type": "text"}, "2024-01-12", "2024-01-12"),
            (
                "organisation_id",
                {"personal_data": "pseudonymise"},
                "110",
                pseudonym("110", "key of the tests"),
            ),
            (
                "rating",
                {"personal_data": "pseudonymise", "bounds": {}},
                "4",
                pseudonym("4", "key of the tests"),
            ),
            ("lat", {"personal_data": "coarsen", "coarsen_decimals": 1}, "53.9678", Decimal("54.0")),
            ("lat", {"personal_data": "none", "rounded": True}, "53.967812", Decimal("53.967812")),
            ("lat", {"type": "text", "personal_data": "none", "bounds": {}}, "53.9678", "53.9678"),
            ("status", {"missing": ("", "4"), "type": "integer", "unbounded": "a code"}, "4", None),
        ],
    ),
)
def test_what_was_read_otherwise_is_refused_until_it_is_read_again(
    portal: Portal,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    change: dict[str, Any],
    given: str,
    stored: Any,
) -> None:
    first = portal.take(
        "2024-01", [portal.row(1, "2024-01", **{column: given}), *portal.rows("2024-01", 4, 2)]
    )
    before = held(portal, "opened")
    assert first.state == "accepted"
    stood = held(portal, column)
    declare(monkeypatch, **{column: change})
    with pytest.raises(WarehouseError, match=f"{TABLE}: {column} was") as caught:
        portal.warehouse.prepare()
    assert "gorod warehouse migrate" in caught.value.remedy
    assert held(portal, column) == stood
    done = CliRunner().invoke(app, ["warehouse", "migrate"])
    assert done.exit_code == 0, done.output
    assert column in done.output
    portal.warehouse.prepare()
    assert held(portal, column)[0] == stored
    assert type(held(portal, column)[0]) is type(stored)
    assert held(portal, "opened") == before == [date(2024, 1, 2)] * 5
    assert portal.scalar(f"select count(*) from {TABLE}") == 5
    assert check_warehouse(portal.warehouse).findings == []
    assert read_changed_again(portal.settings, portal.warehouse) == []


def test_what_is_loaded_by_another_declaration_is_not_rounded(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a process that was started before: it asked only then whether the tables are as declared."""
    portal.take("2024-01", portal.rows("2024-01", 5))
    declare(monkeypatch, rating={"type": "decimal"})
    with pytest.raises(WarehouseError, match="rating was integer and is declared decimal"):
        portal.take("2024-02", [portal.row(1, "2024-02", rating="4.5"), *portal.rows("2024-02", 4, 2)])
    assert held(portal, "rating") == [0] * 5
    assert list(portal.states().values()) == ["accepted"]


def test_a_replay_and_a_waiver_are_not_rounded_either(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = portal.take(
        "2024-01", [*portal.rows("2024-01", 20), *(portal.row(n, "2023-12") for n in range(21, 41))]
    )
    assert bad.state == "rejected"
    good = portal.take("2024-02", portal.rows("2024-02", 5))
    declare(monkeypatch, rating={"type": "decimal"})
    with pytest.raises(WarehouseError, match="rating was integer and is declared decimal"):
        replay(good.load_id, "anew", portal.settings, portal.warehouse)
    assert portal.states() == {bad.load_id: "rejected", good.load_id: "accepted"}
    read_changed_again(portal.settings, portal.warehouse)
    again = replay(good.load_id, "anew", portal.settings, portal.warehouse)
    anew = replay(bad.load_id, "anew", portal.settings, portal.warehouse)
    waive(anew.load_id, "A. Who", "w", today(), portal.settings, portal.warehouse)
    assert (again.state, portal.states()[anew.load_id]) == ("accepted", "waived")
    assert set(held(portal, "rating")) == {Decimal(0)}
    assert check_warehouse(portal.warehouse).findings == []


def test_rows_in_quarantine_stay_out_when_a_load_is_read_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = portal.row(100, "2024-01", rating="x")
    portal.take("2024-01", [wrong, *portal.rows("2024-01", 99)])
    assert held(portal, "row_no")[:2] == [2, 3]
    declare(monkeypatch, rating={"type": "text", "bounds": {}})
    read_changed_again(portal.settings, portal.warehouse)
    assert portal.scalar(f"select min(row_no) from {TABLE}") == 2
    assert set(held(portal, "rating")) == {"0"}


def test_a_column_that_becomes_personal_is_taken_out(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        declare(earlier, name={"personal_data": "none"})
        portal.warehouse.prepare()
        portal.take("2024-01", portal.rows("2024-01", 5))
        assert set(held(portal, "name")) == {PERSON}
    with pytest.raises(WarehouseError, match="name was text and may not be kept"):
        portal.warehouse.prepare()
    read_changed_again(portal.settings, portal.warehouse)
    portal.warehouse.prepare()
    assert "name" not in portal.warehouse.query(f"from {TABLE} limit 1")[0]
    assert len(held(portal, "id")) == 5


def test_a_removed_column_stays_and_one_that_is_named_anew_is_empty(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.take("2024-01", portal.rows("2024-01", 5))
    declare(monkeypatch, organisation_id=None, organisation={"type": "text"})
    portal.warehouse.prepare()
    assert held(portal, "organisation_id") == ["110"] * 5
    assert held(portal, "organisation") == [None] * 5


def test_what_cannot_be_read_as_declared_changes_nothing_and_is_named(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = portal.take("2024-01", portal.rows("2024-01", 5))
    declare(monkeypatch, category={"type": "integer", "unbounded": "a code"})
    with pytest.raises(WarehouseError, match=f"load {load.load_id}, row 1: category '6.30'") as caught:
        read_changed_again(portal.settings, portal.warehouse)
    assert "`missing`" in caught.value.remedy
    assert held(portal, "category") == ["6.30"] * 5
    assert check_warehouse(portal.warehouse).findings == []


def test_what_has_to_be_read_again_is_not_copied_before(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The copy would say of it that it was read as it is declared now."""
    portal.take("2024-01", portal.rows("2024-01", 5))
    declare(monkeypatch, lat={"coarsen_decimals": 1})
    target = DuckDBWarehouse(tmp_path / "target.duckdb")
    with pytest.raises(WarehouseError, match="lat was decimal, coarsened to 3 places"):
        copy_warehouse(portal.warehouse, target)
    assert not target.path.exists()
    read_changed_again(portal.settings, portal.warehouse)
    copy_warehouse(portal.warehouse, target)
    assert {row["lat"] for row in target.query(f"select lat from {TABLE}")} == {Decimal("53.9")}


def test_a_table_without_rows_follows_its_declaration(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(monkeypatch, rating={"type": "decimal"})
    portal.warehouse.prepare()
    portal.take("2024-01", [portal.row(1, "2024-01", rating="4.5"), *portal.rows("2024-01", 4, 2)])
    assert held(portal, "rating")[0] == Decimal("4.5")


def test_a_warehouse_of_before_takes_its_columns_for_what_is_declared(portal: Portal) -> None:
    """It says of no column what it was read as."""
    portal.take("2024-01", portal.rows("2024-01", 5))
    with portal.warehouse.connection() as connection:
        for column in ("lat", "rating"):
            statement = f"comment on column {TABLE}.{column} is null"
            connection.execute(
                statement
                if portal.warehouse.engine == "duckdb"
                else f"call postgres_execute(current_database(), '{statement}')"
            )
    portal.warehouse.prepare()
    assert read_changed_again(portal.settings, portal.warehouse) == []
