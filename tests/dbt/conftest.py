"""One small warehouse for the tests of the models, built once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import small_warehouse as helper


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first deliveries, built by ``dbt build`` with all tests of the project."""
    warehouse = helper.SmallWarehouse(tmp_path_factory.mktemp("small"))
    warehouse.ids = helper.fill(warehouse)
    done = warehouse.dbt("build")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return warehouse
