"""A warehouse and a portal on a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import get_settings
from pipelines.warehouse.postgres import PostgresWarehouse
from tests.support.portal import Portal, use_home


@pytest.fixture
def warehouse(dsn: str) -> PostgresWarehouse:
    """An empty warehouse on the server."""
    found = PostgresWarehouse(dsn, busy_timeout_s=2)
    found.prepare()
    return found


@pytest.fixture
def portal(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """An invented portal of requests whose warehouse is on the server."""
    mirror = tmp_path / "mirror"
    found = Portal(use_home(monkeypatch, tmp_path / "home", mirror, warehouse=dsn), mirror / "appeals_115")
    found.warehouse.prepare()
    yield found
    get_settings.cache_clear()
