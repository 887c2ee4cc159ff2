"""Fixtures of reporting: one invented publication, and a report over its indicators."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.declarations.common import Names
from pipelines.declarations.reports import Report, ReportLine
from pipelines.publishing.publish import publish
from pipelines.reporting.digest import ReportResult, make_digest
from pipelines.settings import Settings
from tests.support import invented_warehouse as invented


@pytest.fixture(scope="session")
def report() -> Report:
    """All invented indicators; one charted, another mapped."""
    return Report(
        report="invented",
        title=Names(ru="Вымышленный обзор", be="Выдуманы агляд", en="Invented digest"),
        indicators=tuple(ReportLine(indicator=name) for name in invented.INDICATORS),
        chart="net_migration_per_1000",
        map="wage_byn",
    )


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with one publication of invented figures."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), busy_timeout_s=0)
    invented.write(Path(settings.warehouse))
    publish(settings)
    return settings


@pytest.fixture(scope="session")
def digest(settings: Settings, report: Report) -> ReportResult:
    """The digest of December 2025."""
    return make_digest(settings, "2025-12", report)
