"""What tests of every area share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from pipelines.settings import get_settings
from tests.portal import Portal, use_home

# machines differ, and share their processors
hypothesis_settings.register_profile("any_machine", deadline=None)
hypothesis_settings.load_profile("any_machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests that take long come first: then two processes end at about the same time."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """An empty warehouse and an empty portal."""
    mirror = tmp_path / "mirror"
    found = Portal(use_home(monkeypatch, tmp_path / "home", mirror), mirror / "appeals_115")
    found.warehouse.prepare()
    yield found
    get_settings.cache_clear()
