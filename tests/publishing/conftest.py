"""Fixtures of publication: an invented warehouse, and helpers that other processes import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pipelines.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty home that gives up at once when something is busy."""
    return Settings(home=tmp_path / "home", busy_timeout_s=0)
