"""Gorod: landing, reader, gate with its whole suite, raw; by the functions that ``gorod run`` calls.

``python -m bench.by_gorod FILE`` with GOROD_HOME and GOROD_ORIGIN in the environment; FILE lies in the drop folder of
that home.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipelines import formats
from pipelines.connectors.drop_folder import inbox
from pipelines.declarations.sources import load_sources
from pipelines.loading import gate, landing
from pipelines.loading.load import load_candidate
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse

STEPS: tuple[tuple[Any, str, str], ...] = (
    (landing, "land", "landing"),
    (formats, "read", "reader"),
    (gate, "evaluate", "gate"),
    (DuckDBWarehouse, "commit_load", "raw and ledger"),
    (PostgresWarehouse, "commit_load", "raw and ledger"),
)


def main() -> None:
    """Load the one file that waits in the drop folder, and print how long each step took."""
    seconds: dict[str, float] = {}
    for owner, function, title in STEPS:
        setattr(owner, function, _timed(getattr(owner, function), title, seconds))
    settings = get_settings().model_copy(update={"inbox_quiet_s": 0.0})
    warehouse = open_warehouse(settings)
    warehouse.prepare()
    (candidate,) = inbox(load_sources()["appeals_115"], "requests", settings).candidates
    # the file stays: it is measured more than once
    outcome = load_candidate(replace(candidate, remove=None), settings, warehouse)
    output = {
        "state": outcome.state,
        "rows": outcome.rows_accepted,
        "expectations": len(outcome.results),
        "steps_s": seconds,
    }
    print(json.dumps(output))


def _timed(function: Callable[..., Any], title: str, seconds: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        started = time.monotonic()
        try:
            return function(*arguments, **options)
        finally:
            seconds[title] = round(time.monotonic() - started, 2)

    return timed


if __name__ == "__main__":
    main()
