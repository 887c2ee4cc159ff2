"""One small warehouse for the tests of the models."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.small_warehouse import SmallWarehouse


@pytest.fixture(scope="session")
def small(built_small: SmallWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first deliveries, built by ``dbt build`` with all tests of the project."""
    return built_small.copy(tmp_path_factory.mktemp("small"))
