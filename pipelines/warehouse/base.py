"""The small interface that every warehouse has: what loading, reading and the commands need of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import duckdb
import pyarrow as pa

from pipelines.declarations.sources import Feed
from pipelines.deliveries import ExpectationResult
from pipelines.warehouse.migrations import Step
from pipelines.warehouse.raw import Change

Row = dict[str, Any]
# a build that has begun and not ended: a copied warehouse has no marts yet
COPIED = "copied"


@dataclass(frozen=True)
class LoadRecord:
    """A row of ``ops.load`` without its number, which the warehouse gives."""

    load_id: str
    source: str
    feed: str
    instance: str
    ref_area: str
    part: str
    slice: str
    first_day: date | None
    last_day: date | None
    delivery_id: str
    sha256: str
    files: str
    folder: str
    origin: str
    synthetic: bool
    received_at: datetime
    decided_at: datetime
    outcome: str
    readable: bool
    not_retained: bool
    rows_delivered: int
    rows_accepted: int
    rows_quarantined: int
    warnings: int
    suite_hash: str
    seconds: float


@dataclass(frozen=True)
class Event:
    """A row of ``ops.load_event``: what was decided about a load, by whom, why, and until when."""

    event: str
    at: datetime
    by_whom: str
    why: str | None = None
    until: date | None = None


@dataclass(frozen=True)
class Seen:
    """A row of ``ops.offer``: where a delivery was offered, and its cheap fingerprint if the origin gives one."""

    origin: str
    fingerprint: str | None
    at: datetime


@dataclass(frozen=True)
class Entry:
    """A load as it enters. The files are Parquet; None where there are no such rows, ``batch`` also where it is refused.

    ``fingerprint`` is that of what was read of a load which is refused, so that a waiver lets in nothing else.
    """

    record: LoadRecord
    candidate: Seen
    events: list[Event]
    results: tuple[ExpectationResult, ...]
    feed: Feed
    batch: Path | None
    quarantine: Path | None
    flagged: Path | None
    fingerprint: str | None
    profile: Path | None


class Warehouse(Protocol):
    """A warehouse that holds raw rows, the ledger, and what dbt builds."""

    @property
    def engine(self) -> Literal["duckdb", "postgres"]:
        """What holds the tables; also the name of dbt's target."""

    @property
    def name(self) -> str:
        """Where it is, for messages; without a password."""

    def migrate(self) -> list[Step]:
        """Bring an older form to the newest, step by step, each in one transaction; the steps that were taken."""

    def prepare(self) -> None:
        """Create what is missing: Gorod's schemas and an empty raw table for each declared feed."""

    def commit_load(self, entry: Entry) -> None:
        """Enter a load: ledger, results, quarantine, flags, profile and (if it has a batch) its rows, in one transaction."""

    def commit_candidate(self, load_id: str, candidate: Seen) -> None:
        """Note that a known delivery was offered again, perhaps from elsewhere."""

    def commit_waiver(
        self, load_id: str, event: Event, feed: Feed, batch: Path | None, fingerprint: str | None
    ) -> None:
        """Enter a waiver and, if they are not there yet, the rows that it lets in, in one transaction.

        These are the rows of ``batch`` that the ledger has not in quarantine; None if they are there.

        Raises:
            GorodError: the load would count days or rows twice or nothing at all, or ``batch`` is not what was refused.
            WarehouseError: rows or quarantine are not as many as the ledger says.
        """

    def raw_changes(self, source: str, feed: str, declared: Feed) -> list[Change]:
        """The columns of a feed's raw table that were read otherwise than they are declared."""

    def read_again(self, source: str, feed: str, declared: Feed, batches: Iterable[tuple[str, Path]]) -> None:
        """Let a feed's raw table hold what the loads' batches say in the columns that were read otherwise.

        The rows stay those that stand there: what the gate decided is not decided again. All in one transaction.

        Raises:
            WarehouseError: a row that stands there is not in its batch, or a value of it cannot be read any more.
        """

    def note_embargoed_read(self, what: str, until: datetime, by: str, why: str) -> None:
        """Enter who reads figures under embargo, which, and why."""

    def note_removed(self, delivery_ids: Sequence[str], kept_days: int) -> None:
        """Enter that these deliveries leave landing: the days of their feed are over."""

    def session_held(self) -> AbstractContextManager[None]:
        """One connection for the queries and entries within; what was begun and not committed is undone at its end."""

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[Row]:
        """Rows of a read-only query."""

    def tables(self, queries: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, pa.Table]:
        """The answers of read-only queries by their names, on one connection; each takes the ``$values`` that it names."""

    def connection(self, *, read_only: bool = False) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection that speaks DuckDB's SQL, closed at the end; what was begun and not committed is undone."""

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str | None = None) -> str:
        """Attach the warehouse, to read, to a DuckDB that writes elsewhere; its name there."""

    def writing(self) -> AbstractContextManager[None]:
        """Be the only one who loads, builds and publishes, where more than one home can reach the warehouse.

        Raises:
            WarehouseBusyError: somebody else is; the message says who.
        """


def raw_table(source: str, feed: str) -> str:
    """Name of a feed's raw table."""
    return f"raw.{source}__{feed}"
