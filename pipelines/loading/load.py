"""A delivery's way through the gate: land, validate, enter. Each load ends in the ledger, accepted or refused."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from pipelines.declarations.sources import Source, load_sources
from pipelines.deliveries import DROPPED, Candidate, Delivery, ExpectationResult, LastSeen, origin_kind
from pipelines.disk import disk_errors, raise_if_of_the_machine
from pipelines.errors import GorodError, LandingError, OriginError, WarehouseError
from pipelines.interrupts import interrupts_raised
from pipelines.loading import landing
from pipelines.loading.context import cut_of, looks_back, validation_task
from pipelines.loading.past import compared_with_history
from pipelines.loading.prefetch import SMALL, PendingValidation, apart, prefetched, validators
from pipelines.loading.retention import removed
from pipelines.loading.validate import BROKEN, Validated, broken, fatal, where
from pipelines.settings import Settings
from pipelines.warehouse.base import Entry, Event, LoadRecord, Seen, Warehouse

# What DuckDB says of a warehouse that is not as it should be, whatever is entered.
OF_THE_WAREHOUSE = (
    duckdb.CatalogException,
    duckdb.BinderException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.TransactionException,
)


@dataclass(frozen=True)
class LoadOutcome:
    """How a delivery ended. ``new`` is False where the same delivery had been loaded before."""

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


def is_known(candidate: Candidate, known: LastSeen) -> bool:
    """Whether the origin still offers what was last taken of it for this slice, as far as a fingerprint tells.

    Of a dropped file only its bytes tell.
    """
    if candidate.remove is not None:
        return False
    key = (candidate.source, candidate.feed, candidate.instance, candidate.slice.key)
    return candidate.fingerprint is not None and (*key, candidate.origin, candidate.fingerprint) in known


def last_seen(warehouse: Warehouse) -> LastSeen:
    """Source, feed, instance, slice, origin and fingerprint of the last candidate taken of each origin and slice.

    The last, not any: a file that comes back as it was, its time and all, replaces what came between. What a clock that
    was ahead has stamped comes before all others, or it would be the last for ever.
    """
    rows = warehouse.query(
        "select source, feed, instance, slice, candidate.origin, max_by(coalesce(fingerprint, ''), "
        "{'believed': seen_at <= now() at time zone 'UTC', 'seen_at': seen_at}) as fingerprint "
        "from ops.candidate as candidate join ops.load using (load_id) group by all"
    )
    return frozenset(tuple(row.values()) for row in rows)


def load_candidate(candidate: Candidate, settings: Settings, warehouse: Warehouse) -> LoadOutcome:
    """Land a candidate and load it. The same delivery twice is one load.

    Raises:
        OriginError: the origin does not give it.
        WarehouseError, WarehouseBusyError: nothing was entered; the delivery stays pending.
    """
    ((_, outcome),) = load_candidates([candidate], settings, warehouse)
    if isinstance(outcome, OriginError):
        raise outcome
    return outcome


def load_candidates(
    candidates: Iterable[Candidate], settings: Settings, warehouse: Warehouse
) -> Iterator[tuple[Candidate, LoadOutcome | OriginError]]:
    """Land offers and load them, in their order; one that cannot be had, or landed, stops no other.

    Some land and are judged ahead of their turn. Where the run ends before, they stay pending. What was dropped is
    removed from the drop folder when its load is in the ledger.

    Raises:
        OriginError: ``candidates`` raised it; what they gave before is loaded.
        WarehouseError, WarehouseBusyError: nothing was entered of this one; it and what landed after it stay pending.
    """
    loaded_before = {
        row["delivery_id"] for row in warehouse.query("select distinct delivery_id from ops.load")
    }
    with validators(settings.gate_processes) as beside, scratch(settings) as folder:

        def landed() -> Iterator[tuple[Candidate, Delivery | OriginError, PendingValidation | None]]:
            for number, candidate in enumerate(candidates):
                try:
                    with disk_errors(settings.home):
                        delivery = landing.land(candidate, settings)
                except OriginError as error:
                    yield candidate, error, None
                    continue
                except GorodError:
                    raise
                except Exception as error:
                    yield candidate, _not_landed(candidate, error), None
                    continue
                pending = None
                # what was loaded before most often is not new
                if (
                    delivery.bytes <= SMALL
                    and delivery.delivery_id not in loaded_before
                    and not looks_back(delivery)
                ):
                    pending = beside.give(
                        validation_task(delivery, settings, warehouse), folder / str(number)
                    )
                yield candidate, delivery, pending

        try:
            for candidate, delivery, pending in prefetched(landed()):
                if isinstance(delivery, OriginError):
                    yield candidate, delivery
                    continue
                outcome = load_delivery(
                    delivery,
                    settings,
                    warehouse,
                    validated=None if pending is None else partial(beside.take, pending),
                    examined=True,
                )
                if pending is not None:
                    beside.drop(pending)
                if candidate.remove is not None:
                    candidate.remove(delivery.sha256)
                yield candidate, outcome
        finally:
            beside.drop_all()


def load_pending(delivery: Delivery, settings: Settings, warehouse: Warehouse) -> LoadOutcome:
    """Load a delivery whose run died before it was entered.

    Where the run that took it up died as well, it may have died of it: then a process of its own judges it.
    """
    if landing.take_up(delivery, settings) == 0:
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
    """Take a landed delivery through the gate and enter its load; ``validated`` tells if it was judged ahead.

    Unless it is known to lie in landing as it came (``examined``), its bytes are read and compared first.
    A replay judges the same delivery again by today's declarations; it is a load of its own, and supersedes.

    Raises:
        WarehouseError, WarehouseBusyError: nothing was entered; the delivery stays pending.
    """
    faults = [] if examined else landing.examined(delivery.folder, settings)[1]
    ahead = broken(delivery, faults) if faults else validated() if validated else None
    failure: Exception | None = None
    with nullcontext() if ahead is None else warehouse.session_held():
        history = known_loads(delivery, warehouse)
        origin = delivery.origin if replayed_by is None else f"replay:{delivery.delivery_id}"
        # what is broken here is not what was offered: whoever still has it may offer it again
        offered = None if faults else delivery.fingerprint
        seen = Seen(origin, offered, datetime.now(UTC).replace(tzinfo=None))
        if replayed_by is None and (already := _already(delivery, history, warehouse, bool(faults))):
            warehouse.commit_candidate(already["load_id"], seen)
            landing.clear_pending(delivery, settings)
            return _outcome(already)
        source = load_sources()[delivery.source]
        with scratch(settings) as folder:
            found = ahead or validation_task(delivery, settings, warehouse)(folder)
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
            # even without a row of it: then it is not the delivery that the warehouse refuses
            raise WarehouseError(
                f"the warehouse takes no load: {type(error).__name__}",
                "Look into the log of the run; gorod warehouse check. The delivery stays pending.",
            ) from failure
    if found.fault:
        logging.getLogger(__name__).error("load %s was refused by a fault:\n%s", record.load_id, found.fault)
    landing.clear_pending(delivery, settings)
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
    """Enter a load as it was judged; its record."""
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


def _already(
    delivery: Delivery, history: list[dict[str, Any]], warehouse: Warehouse, is_broken: bool
) -> dict[str, Any] | None:
    """The load that the delivery is already; None if it is new.

    The load in force, if it has these bytes. Of an origin, also the newest load, and what was last taken from that kind
    of origin, however old: an origin that still offers what it offered has nothing new, and supersedes no correction
    that came by another way. To drop a file is an act: it is new unless that very act was entered already.
    """
    own = [load for load in history if load["slice"] == delivery.slice.key]
    if not own:
        return None
    for load in reversed(own):
        if load["state"] in ("accepted", "waived") and load["sha256"] == delivery.sha256:
            return load
    same = [
        load
        for load in own
        if load["sha256"] == delivery.sha256 and (is_broken or not _was_broken(load, warehouse))
    ]
    if not same:
        return None
    is_dropped = origin_kind(delivery.origin) == DROPPED
    if same[-1] is own[-1] and not is_dropped:
        return same[-1]
    taken = warehouse.query(
        "select load_id, origin, fingerprint from ops.candidate where load_id in (select unnest(?)) order by seen_at",
        [[load["load_id"] for load in own]],
    )
    if is_dropped:
        act = (same[-1]["load_id"], delivery.origin, delivery.fingerprint)
        acts = {(row["load_id"], row["origin"], row["fingerprint"]) for row in taken}
        return same[-1] if delivery.fingerprint and act in acts and same[-1] is own[-1] else None
    kind = origin_kind(delivery.origin)
    offered = [(origin_kind(row["origin"]), row["load_id"]) for row in taken]
    last = next((load_id for of, load_id in reversed(offered) if of == kind), None) or next(
        # never taken from: it stands for the one that was
        (load_id for of, load_id in reversed(offered) if of not in (DROPPED, "replay")),
        None,
    )
    return next((load for load in same if load["load_id"] == last), None)


def _not_landed(candidate: Candidate, error: Exception) -> OriginError:
    """A failure that nobody foresaw, as one of this candidate alone."""
    logging.getLogger(__name__).error("%s could not land:\n%s", candidate.origin, where(error))
    told = (error.strerror or "") if isinstance(error, OSError) else ""
    return OriginError(
        f"{candidate.origin}: could not land: {' '.join((type(error).__name__, told)).strip()}",
        "Look into the log of the run; everything else goes on meanwhile.",
    )


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
        files=delivery.files_told,
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
    """The delivery's id; a number behind it where that delivery was loaded before (a replay, a return to it)."""
    loads = sum(1 for load in history if load["delivery_id"] == delivery_id)
    return delivery_id if not loads else f"{delivery_id}~{loads + 1}"


def known_loads(delivery: Delivery, warehouse: Warehouse) -> list[dict[str, Any]]:
    """The loads whose days touch the delivery's, in the order of their entry."""
    days = delivery.slice
    return warehouse.query(
        "select * from ops.load_state where source = ? and feed = ? and instance = ? and part = ? "
        "and (first_day is null or (first_day <= ? and last_day >= ?)) order by load_no",
        [
            delivery.source,
            delivery.feed,
            delivery.instance,
            days.part,
            days.last_day or date.max,
            days.first_day or date.min,
        ],
    )


def _was_broken(load: dict[str, Any], warehouse: Warehouse) -> bool:
    """Whether a load was refused because of what had happened to it in landing: the same delivery, whole, is new."""
    return not load["readable"] and bool(
        warehouse.query(
            "select 1 as one from ops.load_result where load_id = ? and expectation = ?",
            [load["load_id"], BROKEN],
        )
    )


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


def delivery_of(found: dict[str, Any], settings: Settings, warehouse: Warehouse) -> Delivery:
    """The delivery of a load, as it came.

    Raises:
        LandingError: it is not in landing any more, or not at all; its files or its receipt are not those that came.
    """
    folder = settings.landing / found["folder"]
    left_at = removed(warehouse).get(found["delivery_id"])
    if left_at is not None and not folder.exists():
        raise LandingError(
            f"the delivery of load {found['load_id']} left landing on {left_at:%Y-%m-%d}: the days for which its feed is "
            "kept were over",
            "What it brought stays in the figures. It can be judged again only if the supplier delivers it again.",
        )
    delivery, faults = landing.examined(folder, settings, found)
    if faults or delivery is None:
        raise LandingError(
            f"the delivery of load {found['load_id']} is not as it came: {'; '.join(faults)}",
            "Nothing was changed. Restore landing from the backup. All of it is examined by: gorod warehouse reconcile",
        )
    return delivery


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
