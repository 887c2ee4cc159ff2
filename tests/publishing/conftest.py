"""Fixtures of publication: an invented warehouse, and helpers that other processes import."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.publishing.publication import Publication, current_publication
from pipelines.publishing.publish import publish
from pipelines.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty home that gives up at once when something is busy."""
    return Settings(home=tmp_path / "home", busy_timeout_s=0)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a publication of every contract, with invented figures that say so."""
    return _published(tmp_path_factory.mktemp("exports"), synthetic=True)


@pytest.fixture(scope="session")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same as if nothing in it were invented."""
    return _published(tmp_path_factory.mktemp("exports_real"), synthetic=False)


@pytest.fixture(scope="session")
def publication(home: Settings) -> Publication:
    """The publication of ``home``."""
    found = current_publication(home)
    assert found is not None
    return found


def _published(folder: Path, synthetic: bool) -> Settings:
    from tests.support import invented_contracts

    settings = Settings(home=folder, busy_timeout_s=0)
    invented_contracts.write(Path(settings.warehouse), synthetic)
    publish(settings)
    return settings
