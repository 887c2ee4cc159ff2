"""A home whose sources ask simulated systems, on a day that is set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from pipelines import moments
from pipelines.errors import OriginError
from pipelines.loading.candidates import load_candidate
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import Settings, get_settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse
from sandbox.server import Fault, Sandbox
from sandbox.systems import SYSTEMS
from tests.support.portal import use_home

# what passes by itself, and what makes a snapshot that is not whole: each is asked again
PASSING = [
    # an answer that says so, one that ends early, one that looks whole: tests of a source begin with these
    Fault("status", status=429, retry_after="1"),
    Fault("cut"),
    Fault("duplicate"),
    Fault("status", status=500),
    Fault("status", status=503),
    Fault("slow", seconds=0.05),
    Fault("close"),
    Fault("truncate"),
    Fault("html"),
    Fault("missing"),
    Fault("drift"),
    Fault("empty"),
    Fault("total"),
]


def named(fault: Fault) -> str:
    return f"{fault.kind}-{fault.status}" if fault.kind == "status" else fault.kind


Key = tuple[str, str, str]


@dataclass
class Home:
    """A home of its own, in which one source asks one simulated system."""

    settings: Settings
    source: str
    monkeypatch: pytest.MonkeyPatch
    warehouse: Warehouse = field(init=False)

    def __post_init__(self) -> None:
        self.warehouse = open_warehouse(self.settings)
        self.warehouse.prepare()

    def on(self, day: str) -> Home:
        """Let it be that day."""
        noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=moments.MINSK)

        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:
                return noon.astimezone(tz)

        self.monkeypatch.setattr(moments, "datetime", Clock)
        return self

    def load(self, **wanted: Any) -> dict[Key, LoadOutcome | OriginError]:
        """Load what is new; the outcomes by feed, instance and slice."""
        outcomes: dict[Key, LoadOutcome | OriginError] = {}
        plan = make_plan(Wanted(source=self.source, **wanted), self.settings, self.warehouse)
        assert plan.failures == {}
        for (_, feed), offered in plan.candidates.items():
            for candidate in offered:
                key = (feed, candidate.instance, candidate.slice.key)
                try:
                    outcomes[key] = load_candidate(candidate, self.settings, self.warehouse)
                except OriginError as error:
                    outcomes[key] = error
        return outcomes

    def load_all(self, **wanted: Any) -> dict[Key, int]:
        """Load what is new and has to be accepted whole; the rows by feed, instance and slice."""
        rows = {}
        for key, outcome in self.load(**wanted).items():
            assert isinstance(outcome, LoadOutcome), outcome
            assert outcome.state == "accepted", (key, outcome)
            rows[key] = outcome.rows_accepted
        return rows

    def rows(self, feed: str, select: str = "*", where: str = "true") -> list[dict[str, Any]]:
        """Rows in force of a feed."""
        return self.warehouse.query(
            f"select {select} from raw.{self.source}__{feed} as given "
            f"inner join ops.effective_load as loads on given.load_id = loads.load_id where {where}"
        )

    def states(self) -> list[str]:
        """State of every load, in order."""
        found = self.warehouse.query("select state from ops.load_state order by load_no")
        return [row["state"] for row in found]

    def stored(self) -> str:
        """All that ledger, quarantine and raw tables hold, as text."""
        tables = self.warehouse.query(
            "select table_schema as s, table_name as n from information_schema.tables "
            "where table_schema in ('ops', 'raw') and table_type = 'BASE TABLE'"
        )
        return "\n".join(
            str(self.warehouse.query(f'select * from "{one["s"]}"."{one["n"]}"')) for one in tables
        )


@contextmanager
def asking(
    system: str, sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch, day: str
) -> Iterator[Home]:
    """A home whose source asks the running ``system``. Nobody waits longer than a moment before asking again."""
    simulated = SYSTEMS[system]
    for name, value in simulated.environment(sandbox.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.005)))
    sandbox.plan()
    home = Home(use_home(monkeypatch, folder / "home", folder / "mirror"), simulated.source, monkeypatch)
    yield home.on(day)
    get_settings.cache_clear()
