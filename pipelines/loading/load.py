"""A delivery's way through the gate: land, validate, enter. Each load ends in the ledger, accepted or refused."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.declarations.sources import Source, load_sources
from pipelines.deliveries import Delivery, ExpectationResult
from pipelines.disk import disk_errors, raise_if_of_the_machine
from pipelines.errors import GorodError, WarehouseError
from pipelines.interrupts import interrupts_raised
from pipelines.loading import pending_markers, receipts
from pipelines.loading.context import cut_of, validation_task
from pipelines.loading.earlier_loads import known_loads, same_load
from pipelines.loading.past import compared_with_history
from pipelines.loading.prefetch import apart
from pipelines.loading.validate import Validated, broken, fatal
from pipelines.settings import Settings
from pipelines.warehouse.base import Entry, Event, LoadRecord, Seen, Warehouse

# DuckDB's errors for a broken warehouse, whatever is entered
OF_THE_WAREHOUSE = (
    duckdb.CatalogException,
    duckdb.BinderException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.TransactionException,
)


@dataclass(frozen=True)
class LoadOutcome:
    """The outcome of a delivery. ``new`` is False if the same delivery had been loaded before."""

    load_id: str
    state: str
    new: bool
    rows_delivered: int
    rows_accepted: int
    rows_quarantined: int
    warnings: int
    not_retained: bool
    seconds: float
    results: tuple[ExpectationResult, ...] = ()


def load_pending(delivery: Delivery, settings: Settings, warehouse: Warehouse) -> LoadOutcome:
    """Load a delivery whose run died before entering it.

    If a later attempt died as well, the delivery may be the cause: a separate process then validates it.
    """
    if pending_markers.take_up(delivery, settings) == 0:
        return load_delivery(delivery, settings, warehouse)
    with scratch(settings) as folder:
        task = validation_task(delivery, settings, warehouse)
        return load_delivery(
            delivery, settings, warehouse, validated=lambda: apart(task, folder) or fatal(delivery)
        )


def load_delivery(
    delivery: Delivery,
    settings: Settings,
    warehouse: Warehouse,
    *,
    validated: Callable[[], Validated] | None = None,
    examined: bool = False,
    replayed_by: str | None = None,
    replayed_why: str | None = None,
) -> LoadOutcome:
    """Take a landed delivery through the gate and enter its load; ``validated`` returns the result if there is one already.

    Its bytes are first read and compared with the receipt, unless that was done already (``examined``).
    A replay validates the same delivery again by today's declarations; it is a separate load, and supersedes.

    Raises:
        WarehouseError, WarehouseBusyError: nothing was entered; the delivery stays pending.
    """
    faults = [] if examined else receipts.examined(delivery.folder, settings)[1]
    ahead = broken(delivery, faults) if faults else validated() if validated else None
    failure: Exception | None = None
    with ExitStack() as held:
        held.enter_context(warehouse.session_held())
        history = known_loads(delivery, warehouse)
        origin = delivery.origin if replayed_by is None else f"replay:{delivery.delivery_id}"
        # the damaged files are not what was offered: the origin may offer the intact ones again
        offered = None if faults else delivery.fingerprint
        seen = Seen(origin, offered, datetime.now(UTC).replace(tzinfo=None))
        if replayed_by is None and (already := same_load(delivery, history, warehouse, bool(faults))):
            warehouse.commit_candidate(already["load_id"], seen)
            pending_markers.clear_pending(delivery, settings)
            return _outcome(already)
        source = load_sources()[delivery.source]
        with scratch(settings) as folder:
            if ahead is None:
                task = validation_task(delivery, settings, warehouse)
                # it may take long, and others may read meanwhile
                held.close()
                found = task(folder)
                held.enter_context(warehouse.session_held())
            else:
                found = ahead
            cut = cut_of(delivery, history) if found.batch and found.batch.rows else None
            if cut is not None:
                found = found.refused_for(cut)
            now = now_utc()
            events = [Event("received", datetime.fromisoformat(delivery.received_at), "gorod")]
            if replayed_by is not None:
                events.append(Event("replayed", now, replayed_by, replayed_why))
            try:
                with interrupts_raised():
                    if cut is None:
                        found = compared_with_history(delivery, found, warehouse)
                    record = _enter(delivery, source, found, history, seen, events, settings, warehouse)
            except (GorodError, *OF_THE_WAREHOUSE):
                raise
            except Exception as error:
                raise_if_of_the_machine(error)
                failure = error
    if failure is not None:
        found = found.failed(delivery, failure)
        try:
            record = _enter(delivery, source, found, history, seen, events, settings, warehouse)
        except GorodError:
            raise
        except Exception as error:
            # it fails even without a row, so the delivery is not the cause
            raise WarehouseError(
                f"the warehouse takes no load: {type(error).__name__}",
                "Look into the log of the run; gorod warehouse check. The delivery stays pending.",
            ) from failure
    if found.fault:
        logging.getLogger(__name__).error("load %s was refused by a fault:\n%s", record.load_id, found.fault)
    pending_markers.clear_pending(delivery, settings)
    return LoadOutcome(
        record.load_id,
        record.outcome,
        True,
        record.rows_delivered,
        record.rows_accepted,
        record.rows_quarantined,
        record.warnings,
        record.not_retained,
        record.seconds,
        found.validation.results,
    )


def _enter(
    delivery: Delivery,
    source: Source,
    found: Validated,
    history: list[dict[str, Any]],
    seen: Seen,
    events: list[Event],
    settings: Settings,
    warehouse: Warehouse,
) -> LoadRecord:
    """Enter a load with its validation result; return its record."""
    now = now_utc()
    record = _record(delivery, source, found, history, now, settings.landing)
    enters = found.validation.accepted and found.batch is not None
    warehouse.commit_load(
        Entry(
            record=record,
            candidate=seen,
            events=[*events, Event("accepted" if found.validation.accepted else "rejected", now, "gate")],
            results=found.validation.results,
            feed=source.feeds[delivery.feed],
            batch=found.batch.path if enters and found.batch else None,
            quarantine=found.validation.quarantine,
            flagged=found.validation.flagged if found.validation.accepted else None,
            fingerprint=found.fingerprint,
            profile=found.profile,
        )
    )
    return record


def _record(
    delivery: Delivery,
    source: Source,
    validated: Validated,
    history: list[dict[str, Any]],
    now: datetime,
    landed: Path,
) -> LoadRecord:
    rows = validated.batch.rows if validated.batch else 0
    return LoadRecord(
        load_id=_free_id(delivery.delivery_id, history),
        source=delivery.source,
        feed=delivery.feed,
        instance=delivery.instance,
        ref_area=source.instances[delivery.instance].ref_area,
        part=delivery.slice.part,
        slice=delivery.slice.key,
        first_day=delivery.slice.first_day,
        last_day=delivery.slice.last_day,
        delivery_id=delivery.delivery_id,
        sha256=delivery.sha256,
        files=delivery.files_shown,
        folder=str(delivery.folder.relative_to(landed)),
        origin=delivery.origin,
        synthetic=delivery.synthetic,
        received_at=datetime.fromisoformat(delivery.received_at),
        decided_at=now,
        outcome="accepted" if validated.validation.accepted else "rejected",
        readable=validated.batch is not None and validated.batch.rows > 0,
        not_retained=validated.not_retained,
        rows_delivered=rows,
        rows_accepted=rows - validated.validation.quarantined if validated.validation.accepted else 0,
        rows_quarantined=validated.validation.quarantined,
        warnings=validated.validation.warnings,
        suite_hash=validated.suite_hash,
        seconds=validated.seconds,
    )


def _free_id(delivery_id: str, history: list[dict[str, Any]]) -> str:
    """The delivery's id, with a number appended if it was loaded before (a replay, or a return to it)."""
    loads = sum(1 for load in history if load["delivery_id"] == delivery_id)
    return delivery_id if not loads else f"{delivery_id}~{loads + 1}"


def _outcome(row: dict[str, Any]) -> LoadOutcome:
    return LoadOutcome(
        row["load_id"],
        row["state"],
        False,
        row["rows_delivered"],
        row["rows_accepted"],
        row["rows_quarantined"],
        row["warnings"],
        row["not_retained"],
        row["seconds"],
    )


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    folder = settings.work / uuid.uuid4().hex
    with disk_errors(settings.home):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def now_utc() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
