"""The small interface of every warehouse: what loading, reading and the commands need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import duckdb
import pyarrow as pa

from pipelines.declarations.feeds import Feed
from pipelines.deliveries import ExpectationResult
from pipelines.warehouse.migrations import Step
from pipelines.warehouse.raw import Change

Row = dict[str, Any]
# a build that started and did not finish: a copied warehouse has no marts yet
COPIED = "copied"


@dataclass(frozen=True)
class LoadRecord:
    """A row of ``ops.load`` without its number, which the warehouse assigns."""

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
    """A row of ``ops.load_event``: a decision about a load, by whom, why, and until when."""

    event: str
    at: datetime
    by_whom: str
    why: str | None = None
    until: date | None = None


@dataclass(frozen=True)
class Approval:
    """A row of ``ops.approval``: a step of a load that somebody approves or revokes."""

    step: str
    decision: Literal["approved", "revoked"]
    at: datetime
    by_whom: str
    note: str | None = None


@dataclass(frozen=True)
class Extension:
    """A row of ``ops.extension``: until when a delivery that is owed may come."""

    source: str
    feed: str
    instance: str
    time_period: str
    until: date
    at: datetime
    by_whom: str
    why: str


@dataclass(frozen=True)
class Seen:
    """A row of ``ops.candidate``: where a delivery was found, and its cheap fingerprint if the origin has one."""

    origin: str
    fingerprint: str | None
    at: datetime


@dataclass(frozen=True)
class Entry:
    """A load to be entered. The files are Parquet; None if there are no such rows, ``batch`` also if it is refused.

    For a refused load, ``fingerprint`` identifies what was read, so that a waiver accepts nothing else.
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
        """The engine that holds the tables; also the name of dbt's target."""

    @property
    def name(self) -> str:
        """The address for messages, without a password."""

    def migrate(self) -> list[Step]:
        """Migrate an older schema version to the newest, step by step, each in one transaction; return the steps taken."""

    def prepare(self) -> None:
        """Create what is missing: Gorod's schemas and an empty raw table for each declared feed."""

    def commit_load(self, entry: Entry) -> None:
        """Enter a load: ledger, results, quarantine, flags, profile and (if it has a batch) its rows, in one transaction."""

    def commit_candidate(self, load_id: str, candidate: Seen) -> None:
        """Record that a known delivery was found again, perhaps in another place."""

    def commit_waiver(
        self, load_id: str, event: Event, feed: Feed, batch: Path | None, fingerprint: str | None
    ) -> None:
        """Enter a waiver and, if they are not there yet, the rows that it accepts, in one transaction.

        These are the rows of ``batch`` that the ledger does not have in quarantine; None if they are already there.

        Raises:
            GorodError: the load would count days or rows twice, or count nothing, or ``batch`` is not what was refused.
            WarehouseError: the number of rows or quarantined rows is not what the ledger says.
        """

    def commit_approval(self, load_id: str, approval: Approval) -> None:
        """Enter an approval, or its revocation, in one transaction.

        Raises:
            GorodError: the load needs no such step, it is not its turn, or the load could not count.
        """

    def note_extension(self, extension: Extension) -> None:
        """Record that a delivery may come later."""

    def raw_changes(self, source: str, feed: str, declared: Feed) -> list[Change]:
        """The columns of a feed's raw table whose declaration has changed since they were read."""

    def read_again(self, source: str, feed: str, declared: Feed, batches: Iterable[tuple[str, Path]]) -> None:
        """Replace the values of changed columns in a feed's raw table by those in the loads' batches.

        The set of rows stays the same: the gate's decisions are not repeated. All in one transaction.

        Raises:
            WarehouseError: an existing row is not in its batch, or one of its values can no longer be read.
        """

    def note_embargoed_read(self, what: str, until: datetime, by: str, why: str) -> None:
        """Record who reads figures under embargo, which, and why."""

    def note_removed(self, delivery_ids: Sequence[str], kept_days: int) -> None:
        """Record that these deliveries are removed from landing: their feed's ``landing_days`` are over."""

    def session_held(self) -> AbstractContextManager[None]:
        """One connection for the queries and writes within; at its end, uncommitted work is rolled back."""

    def kept_open(self) -> AbstractContextManager[None]:
        """Keep between the connections within what is costly to open, and prepare the warehouse once."""

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[Row]:
        """Rows of a read-only query."""

    def tables(self, queries: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, pa.Table]:
        """Results of read-only queries by name, on one connection; each query gets the ``$values`` that it uses."""

    def connection(self, *, read_only: bool = False) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection that uses DuckDB's SQL, closed at the end; uncommitted work is rolled back."""

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str | None = None) -> str:
        """Attach the warehouse for reading to a DuckDB that writes elsewhere; return its name there."""

    def writing(self) -> AbstractContextManager[None]:
        """Hold the lock of the only process that loads, builds and publishes, if several homes can reach the warehouse.

        Raises:
            WarehouseBusyError: another process holds it; the message names that process.
        """


def raw_table(source: str, feed: str) -> str:
    """Name of a feed's raw table."""
    return f"raw.{source}__{feed}"
