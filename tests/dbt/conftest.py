"""One small warehouse for the tests of the models, built once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


def _helper() -> Any:
    path = Path(__file__).with_name("small_warehouse.py")
    spec = importlib.util.spec_from_file_location("small_warehouse", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["small_warehouse"] = module
    spec.loader.exec_module(module)
    return module


helper = _helper()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first deliveries, built by ``dbt build`` with all tests of the project."""
    warehouse = helper.SmallWarehouse(tmp_path_factory.mktemp("small"))
    warehouse.ids = helper.fill(warehouse)
    done = warehouse.dbt("build")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return warehouse
