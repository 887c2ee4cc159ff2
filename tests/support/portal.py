"""A separate home, and an invented portal of requests that fills it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines.deliveries import Candidate
from pipelines.errors import OriginError
from pipelines.loading.candidates import load_candidate
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import Settings, get_settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse

HEADER = "id,category,author,name,address,lat,lng,status,rating,opened,planned,organisation_id"
PERSON = "Иванка Выдуманская"
ADDRESS = "переулок Несуществующий, 71-13"


@dataclass
class Portal:
    """A home, and a folder in place of the portal of requests: one file for each month of Minsk."""

    settings: Settings
    folder: Path
    warehouse: Warehouse = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.warehouse = open_warehouse(self.settings)

    @staticmethod
    def row(number: int, month: str, **changes: str) -> str:
        """A valid request of a month; its author's name and address must not appear anywhere later."""
        given = {
            "id": str(number), "category": "6.30", "author": "901", "name": PERSON, "address": f'"{ADDRESS}"',
            "lat": "53.91234567", "lng": "27.51234567", "status": "5", "rating": "0",
            "opened": f"{month}-02 {month[:4]}", "planned": f"{month}-12", "organisation_id": "110",
        }  # fmt: skip
        return ",".join({**given, **changes}.values())

    @staticmethod
    def rows(month: str, count: int, first: int = 1) -> list[str]:
        """Valid requests, numbered from ``first``."""
        return [Portal.row(number, month) for number in range(first, first + count)]

    def put(self, month: str, content: Sequence[str] | str | bytes) -> Path:
        """Publish a month: rows under the header, or a given file."""
        path = self.folder / f"opendata-115-{month}-01.csv"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            path.write_text("\n".join([HEADER, *content]) + "\n", encoding="utf-8")
        return path

    def candidates(self, **wanted: str) -> list[Candidate]:
        """What the portal has and the ledger does not."""
        plan = make_plan(Wanted(source="appeals_115", **wanted), self.settings, self.warehouse)
        return [candidate for candidates in plan.candidates.values() for candidate in candidates]

    def load(self, **wanted: str) -> dict[str, LoadOutcome | OriginError]:
        """Load what is new; return outcomes by slice."""
        outcomes: dict[str, LoadOutcome | OriginError] = {}
        for candidate in self.candidates(**wanted):
            try:
                outcomes[candidate.slice.key] = load_candidate(candidate, self.settings, self.warehouse)
            except OriginError as error:
                outcomes[candidate.slice.key] = error
        return outcomes

    def take(self, month: str, content: Sequence[str] | str | bytes) -> LoadOutcome:
        """Publish a month and load it."""
        self.put(month, content)
        outcome = self.load()[month]
        assert isinstance(outcome, LoadOutcome)
        return outcome

    def states(self) -> dict[str, str]:
        """State of every load by id."""
        return {
            row["load_id"]: row["state"]
            for row in self.warehouse.query("select load_id, state from ops.load_state order by load_no")
        }

    def scalar(self, sql: str, *parameters: Any) -> Any:
        """The single value of a query."""
        (row,) = self.warehouse.query(sql, list(parameters))
        (value,) = row.values()
        return value


def use_home(monkeypatch: pytest.MonkeyPatch, home: Path, mirror: Path | None, **settings: str) -> Settings:
    """Give this process and its children a separate home."""
    given = {
        "home": str(home),
        "origin": "mirror" if mirror else "sample",
        "busy_timeout_s": "1",
        "inbox_quiet_s": "0",
        "pseudonym_key": "key of the tests",
        **({"mirror": str(mirror)} if mirror else {}),
        **settings,
    }
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GOROD_{name.upper()}", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(f"GOROD_{name.upper()}", value)
    get_settings.cache_clear()
    return get_settings()
