"""A server that goes away: waited for, told in words, nothing lost and nothing twice."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import WarehouseError
from pipelines.settings import get_settings
from pipelines.warehouse.check import check_warehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from sandbox import postgres
from tests.support.portal import Portal, use_home


@pytest.fixture
def instance() -> Iterator[postgres.Instance]:
    """A server of its own, to be shut down; what it promised it keeps."""
    folder = Path(tempfile.mkdtemp(prefix="gorod-test-"))
    try:
        with postgres.running(folder) as made:
            postgres.create_database(made.dsn("postgres"), "gorod")
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def portal(instance: postgres.Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    mirror = tmp_path / "mirror"
    home = use_home(
        monkeypatch, tmp_path / "home", mirror, warehouse=instance.dsn("gorod"), busy_timeout_s="10"
    )
    found = Portal(home, mirror / "appeals_115")
    found.warehouse.prepare()
    yield found
    get_settings.cache_clear()


def test_a_server_that_comes_back_is_waited_for(instance: postgres.Instance) -> None:
    warehouse = PostgresWarehouse(instance.dsn("gorod"), busy_timeout_s=15)
    warehouse.prepare()
    instance.stop("immediate")
    back = threading.Timer(1.5, instance.start)
    back.start()
    started = time.monotonic()
    try:
        assert warehouse.query("select count(*) as n from ops.load") == [{"n": 0}]
    finally:
        back.join()
    assert time.monotonic() - started > 1


@pytest.mark.slow
@pytest.mark.parametrize("place", ["insert_candidate", "insert_batch"])
def test_a_server_that_dies_while_a_load_enters_and_comes_back(
    portal: Portal, instance: postgres.Instance, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    from pipelines.warehouse import ledger_rows

    original, died = getattr(ledger_rows, place), []

    def dying(*arguments: Any) -> None:
        original(*arguments)
        if not died:
            died.append(True)
            instance.stop("immediate")
            instance.start()

    monkeypatch.setattr(ledger_rows, place, dying)
    for month in ("2024-01", "2024-02"):
        portal.put(month, portal.rows(month, 5))
    with portal.warehouse.writing():  # as a run holds it, and the restart takes it away
        portal.load()
    assert died
    assert list(portal.states().values()) == ["accepted", "accepted"]
    assert portal.scalar("select count(*) from raw.appeals_115__requests") == 10
    assert check_warehouse(portal.warehouse).findings == []


@pytest.mark.slow
def test_a_server_that_stays_away_is_told_and_the_delivery_waits(
    portal: Portal, instance: postgres.Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.warehouse import ledger_rows

    portal.warehouse.server.__dict__["busy_timeout_s"] = 1.0  # type: ignore[attr-defined]
    original = ledger_rows.insert_batch

    def dying(*arguments: Any) -> None:
        original(*arguments)
        instance.stop("immediate")

    monkeypatch.setattr(ledger_rows, "insert_batch", dying)
    portal.put("2024-01", portal.rows("2024-01", 5))
    with pytest.raises(WarehouseError) as caught:
        portal.load()
    assert "nothing was half written" in caught.value.remedy
    monkeypatch.setattr(ledger_rows, "insert_batch", original)
    instance.start()
    assert portal.states() == {}
    portal.load()
    assert list(portal.states().values()) == ["accepted"]
    assert portal.scalar("select count(*) from raw.appeals_115__requests") == 5
