"""Which loads count, said in plain Python by sets of days; and random lives of a ledger that are held against it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import strategies as st

from pipelines.deliveries import Batch, Candidate, ExpectationResult, Slice, ValidationResult
from pipelines.errors import GorodError
from pipelines.loading import gate
from pipelines.loading import load as load_module
from pipelines.loading.decisions import replay, waive
from pipelines.loading.load import load_candidate
from pipelines.warehouse.check import check_warehouse
from tests.support.portal import HEADER, Portal

TODAY = (datetime.now(UTC) + timedelta(hours=3)).date()  # Minsk
START = date(2024, 1, 1)
DAYS = 8
EVERY_DAY = frozenset(range(-1, DAYS + 1))  # of a snapshot: more than any delivery with days can hold
BAD = "666"


@dataclass
class Load:
    """What the model knows of a load."""

    number: int
    key: tuple[str, str]  # instance, part
    days: frozenset[int]
    content: tuple[int, int]  # sound rows, bad rows
    refused: bool
    until: date | None = None
    load_id: str = ""

    @property
    def empty(self) -> bool:
        """The source no longer keeps these days."""
        return self.content == (0, 0)

    @property
    def rows(self) -> int:
        return self.content[0]

    def counts(self, today: date) -> bool:
        """Accepted, or let in until a day that has not passed."""
        return not self.refused or (self.until is not None and self.until >= today)


def fit(one: Load, other: Load) -> bool:
    """Whether both may count: another key, no day in common, or the later holds all days of the earlier."""
    earlier, later = sorted((one, other), key=lambda load: load.number)
    return one.key != other.key or not one.days & other.days or earlier.days <= later.days


def in_force(loads: Sequence[Load], today: date) -> set[int]:
    """Numbers of the loads that count today: each paints its days over those of the earlier ones.

    For loads of which any two fit (:func:`fit`); whoever still has a day has all of them.
    """
    counting = sorted((load for load in loads if load.counts(today)), key=lambda load: load.number)
    painted: dict[tuple[tuple[str, str], int], Load] = {}
    for load in counting:
        if not load.empty:
            painted |= {(load.key, day): load for day in load.days}
    found: set[int] = set()
    for load in counting:
        if not load.empty:
            own = {day for day in load.days if painted[load.key, day] is load}
            assert own in (set(), load.days), "a load counts by half"
            if own:
                found.add(load.number)
        elif not any(
            load.days <= other.days and (not other.empty or other.number > load.number)
            for other in counting
            if other is not load and other.key == load.key
        ):
            found.add(load.number)
    return found


@dataclass
class Life:
    """A ledger that lives through deliveries, waivers, replays and days, and the model of it."""

    portal: Portal
    today: date = TODAY
    loads: list[Load] = field(default_factory=list)
    offered: dict[tuple[tuple[str, str], frozenset[int]], Load] = field(default_factory=dict)

    def deliver(self, key: tuple[str, str], span: tuple[int, int] | None, content: tuple[int, int]) -> None:
        days = EVERY_DAY if span is None else frozenset(range(span[0], span[1] + 1))
        first, last = (None, None) if span is None else (START + timedelta(days=one) for one in span)
        text = "\n".join([HEADER, *self._lines(key, content)]) + "\n"
        candidate = Candidate(
            source="appeals_115", feed="requests", instance=key[0], slice=Slice(key[1], first, last),
            origin="test", fingerprint=None, synthetic=True,
            fetch=lambda folder: (folder / "days.csv").write_text(text, encoding="utf-8") and None,
        )  # fmt: skip
        outcome = load_candidate(candidate, self.portal.settings, self.portal.warehouse)
        known = self._known(key, days, content)
        if known is not None:
            assert (outcome.new, outcome.load_id) == (False, known.load_id)
        else:
            self._entered(key, days, content, outcome.load_id, outcome.state)
        self.offered[key, days] = known or self.loads[-1]

    def _known(self, key: tuple[str, str], days: frozenset[int], content: tuple[int, int]) -> Load | None:
        """The load that a delivery is already: in force, the newest of its slice, or what was offered last."""
        own = [load for load in self.loads if (load.key, load.days) == (key, days)]
        forced = in_force(self.loads, self.today)
        candidates = [load for load in reversed(own) if load.number in forced]
        candidates += [*own[-1:], *([self.offered[key, days]] if (key, days) in self.offered else [])]
        return next((load for load in candidates if load.content == content), None)

    def replay(self, number: int, anyway: bool) -> None:
        old = self.loads[number % len(self.loads)]
        forced = in_force(self.loads, self.today)
        has_its_place = any(
            load.number in forced and load.key == old.key and load.days & old.days
            and not load.empty and load.number > old.number
            and (load.days, load.content) != (old.days, old.content)
            for load in self.loads
        )  # fmt: skip
        try:
            outcome = replay(old.load_id, "test", self.portal.settings, self.portal.warehouse, anyway=anyway)
        except GorodError as error:
            assert "superseded by a newer delivery" in error.message
            assert has_its_place
            assert not anyway
            return
        assert anyway or not has_its_place
        self._entered(old.key, old.days, old.content, outcome.load_id, outcome.state)

    def waive(self, number: int, days: int) -> None:
        load = self.loads[number % len(self.loads)]
        until = self.today + timedelta(days=days)
        before, load.until = load.until if load.counts(self.today) else None, until
        others = [other for other in self.loads if other is not load and other.counts(self.today)]
        fits = all(fit(load, other) for other in others if not other.empty)
        sooner = before is not None and until <= before
        allowed = load.refused and load.rows > 0 and not load.empty and (
            sooner or (fits and load.number in in_force([*others, load], self.today))
        )  # fmt: skip
        # the clock of the ledger is the machine's: the model's is moved against it
        real = TODAY + timedelta(days=days)
        try:
            waive(load.load_id, "Петров", "test", real, self.portal.settings, self.portal.warehouse)
        except GorodError as error:
            assert error.remedy
            assert not allowed, error.message
            load.until = before
        else:
            assert allowed

    def pass_days(self, number: int) -> None:
        """As if the clock were set ahead: every waiver ends so many days sooner."""
        self.today += timedelta(days=number)
        with self.portal.warehouse.connection() as connection:
            connection.execute(f"update ops.load_event set until = until - {number} where until is not null")

    def compare(self) -> None:
        """The ledger against the model, and against what must never be."""
        expected = in_force(self.loads, self.today)
        states = self.portal.warehouse.query(
            "select load_id, state, rows_accepted, not_retained from ops.load_state order by load_no"
        )
        assert [row["load_id"] for row in states] == [load.load_id for load in self.loads]
        for row, load in zip(states, self.loads, strict=True):
            if load.number in expected:
                state = "waived" if load.refused else "accepted"
            else:
                state = "superseded" if load.counts(self.today) else "rejected"
            assert row["state"] == state, (row, load)
        rows = self.portal.warehouse.query(
            "select load_id, count(*) as rows from raw.appeals_115__requests group by all"
        )
        entered = {row["load_id"]: row["rows"] for row in rows}
        # superseded or ended, what was let in stays readable, and never holds a row of the quarantine
        assert entered == {
            load.load_id: load.rows
            for load in self.loads
            if load.rows and (not load.refused or load.until is not None)
        }

    def _entered(
        self, key: tuple[str, str], days: frozenset[int], content: tuple[int, int], load_id: str, state: str
    ) -> None:
        load = Load(len(self.loads), key, days, content, refused=content[1] > 0, load_id=load_id)
        counting = [other for other in self.loads if other.counts(self.today) and not other.empty]
        if not load.empty and not all(fit(load, other) for other in counting):
            load.refused = True
        assert state == ("rejected" if load.refused else "accepted")
        self.loads.append(load)

    @staticmethod
    def _lines(key: tuple[str, str], content: tuple[int, int]) -> list[str]:
        sound, bad = content
        first = 1 + 100 * ["minsk", "brest"].index(key[0]) + 50 * ["", "x"].index(key[1])
        return [
            *(Portal.row(first + one, "2024-01") for one in range(sound)),
            *(Portal.row(first + 25 + one, "2024-01", organisation_id=BAD) for one in range(bad)),
        ]


keys = st.sampled_from([("minsk", ""), ("minsk", ""), ("minsk", "x"), ("brest", "")])
spans = st.one_of(
    st.tuples(st.integers(0, DAYS - 1), st.integers(0, DAYS - 1)).map(lambda span: (min(span), max(span))),
    st.tuples(st.integers(0, DAYS - 1), st.integers(0, DAYS - 1)).map(lambda span: (min(span), max(span))),
    st.none(),
)
contents = st.sampled_from([(1, 0), (2, 0), (3, 0), (2, 1), (1, 2), (0, 2), (0, 0)])
steps = st.one_of(
    st.tuples(st.just("deliver"), keys, spans, contents),
    st.tuples(st.just("deliver"), keys, spans, contents),
    st.tuples(st.just("waive"), st.integers(0, 20), st.integers(0, 4)),
    st.tuples(st.just("replay"), st.integers(0, 20), st.booleans()),
    st.tuples(st.just("pass_days"), st.integers(1, 3)),
)  # fmt: skip


def live(portal: Portal, lived: Sequence[tuple[Any, ...]]) -> None:
    """One life, from an empty ledger on; it is compared after each step."""
    empty(portal)
    life = Life(portal)
    for what, *arguments in lived:
        if what in ("waive", "replay") and not life.loads:
            continue
        getattr(life, what)(*arguments)
        life.compare()
    assert check_warehouse(portal.warehouse).findings == []


def empty(portal: Portal) -> None:
    """As if nothing had ever been delivered."""
    shutil.rmtree(portal.settings.landing, ignore_errors=True)
    with portal.warehouse.connection() as connection:
        for table in (
            "load",
            "load_event",
            "candidate",
            "load_result",
            "quarantine",
            "flagged_row",
            "refused_batch",
            "load_profile",
        ):
            connection.execute(f"delete from ops.{table}")
        connection.execute("delete from raw.appeals_115__requests")


def stand_in(batch: Batch, _suite: Any, _parameters: Any, folder: Path, *_: Any) -> ValidationResult:
    """A gate that costs no time: bad rows are kept back, and any of them refuses the load."""
    out = folder / "quarantine.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select row_no, '[]' as reasons, '{{}}' as record from '{batch.path}'"
            f" where organisation_id = '{BAD}') to '{out}' (format parquet)"
        )
        (bad,) = connection.execute(f"select count(*) from '{out}'").fetchone() or (0,)
    result = ExpectationResult(
        "sound", "row", "critical", "validity", None, not bad, batch.rows, bad, "says", "remedy"
    )
    return ValidationResult((result,), out if bad else None, bad)


@pytest.fixture
def quick_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is what is tried here, not the gate."""
    monkeypatch.setattr(gate, "evaluate", stand_in)
    monkeypatch.setattr(load_module, "compared_with_history", lambda _, found, __: found)
