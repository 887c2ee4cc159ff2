"""A run that has to wait says for whom."""

from __future__ import annotations

import pytest
from dagster import DagsterInstance

from pipelines.loading.plan import Wanted
from pipelines.orchestration import run, stale
from pipelines.orchestration.environment import COMMAND_CONFIG, WRITER_POOL, prepare_dagster_home
from tests.portal import Portal


@pytest.mark.slow
def test_a_run_of_the_ui_that_writes_is_named(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale, "stale_since", lambda _: None)
    monkeypatch.setattr(stale, "is_unpublished", lambda *_: False)
    portal.put("2024-01", portal.rows("2024-01", 3))
    home = prepare_dagster_home(portal.settings)
    with DagsterInstance.from_config(str(home), COMMAND_CONFIG) as instance:
        slots = instance.event_log_storage
        slots.set_concurrency_slots(WRITER_POOL, 1)
        slots.claim_concurrency_slot(WRITER_POOL, "run-of-the-ui", "step")
        said: list[str] = []

        def hear(step: str) -> None:
            said.append(step)
            if step.startswith("waiting:"):
                slots.free_concurrency_slots_for_run("run-of-the-ui")

        summary = run.run(Wanted(source="appeals_115"), portal.settings, watcher=hear)
    assert [step for step in said if "run-of-the-ui" in step]
    assert [load["state"] for load in summary.loads] == ["accepted"]
