"""The same test on a DuckDB file and on a PostgreSQL server: a module that is about both imports these fixtures.

What is about one of them alone says ``@pytest.mark.parametrize("engine", ["duckdb"], indirect=True)``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import get_settings
from tests.support.portal import Portal, use_home


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def portal(
    engine: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Portal]:
    """An empty portal, and an empty warehouse on either engine."""
    mirror = tmp_path / "mirror"
    if engine == "postgres":
        settings = use_home(monkeypatch, tmp_path / "home", mirror, warehouse=request.getfixturevalue("dsn"))
        found = Portal(settings, mirror / "appeals_115")
        found.warehouse.prepare()
    else:
        settings = use_home(monkeypatch, tmp_path / "home", mirror)
        found = Portal(settings, mirror / "appeals_115")
        settings.home.mkdir()
        shutil.copyfile(request.getfixturevalue("empty_warehouse"), settings.warehouse)
    yield found
    get_settings.cache_clear()
