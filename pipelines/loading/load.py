"""A delivery's way through the gate: land, judge, enter. Each load ends in the ledger, accepted or refused."""

from __future__ import annotations

import getpass
import logging
import re
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
import pyarrow as pa

from pipelines.declarations.sources import Source, load_sources
from pipelines.disk import disk_errors, raise_if_of_the_machine
from pipelines.errors import DeliveryError, GorodError, LandingError, OriginError, Reason, WarehouseError
from pipelines.interrupts import interrupts_raised
from pipelines.loading import gate, landing
from pipelines.loading.ahead import SMALL, Judgement, apart, judges, some_ahead
from pipelines.loading.delivery import DROPPED, Delivery, Known, Offer, Slice, origin_kind
from pipelines.loading.judging import BROKEN, Judged, broken, fatal, fingerprint, judge, read, where
from pipelines.loading.past import held_against_history
from pipelines.loading.retention import removed
from pipelines.moments import today
from pipelines.settings import Settings
from pipelines.warehouse.base import Entry, Event, LoadRecord, Seen, Warehouse, raw_table

# The feed that says which territories there are, and the parameter of a suite that holds their codes.
REGISTER = ("territory_register", "territories")
REGISTERED = "territories"
# What DuckDB says of a warehouse that is not as it should be, whatever is entered.
OF_THE_WAREHOUSE = (
    duckdb.CatalogException,
    duckdb.BinderException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.TransactionException,
)
NO_REGISTER = (
    "nothing is built: no register of territories is in force yet, and without it no figure has a place\n"
    "Load it first: gorod run --source territory_register (if it was refused: gorod explain territory_register). "
    "What was accepted stays, and is built then."
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
    results: tuple[gate.Result, ...] = ()


def is_known(offer: Offer, known: Known) -> bool:
    """Whether the origin still offers what was last taken of it for this slice, as far as a fingerprint tells.

    Of a dropped file only its bytes tell.
    """
    if offer.remove is not None:
        return False
    key = (offer.source, offer.feed, offer.instance, offer.slice.key)
    return offer.fingerprint is not None and (*key, offer.origin, offer.fingerprint) in known


def known_offers(warehouse: Warehouse) -> Known:
    """Source, feed, instance, slice, origin and fingerprint of the last offer taken of each origin and slice.

    The last, not any: a file that comes back as it was, its time and all, replaces what came between. What a clock that
    was ahead has stamped comes before all others, or it would be the last for ever.
    """
    rows = warehouse.query(
        "select source, feed, instance, slice, offer.origin, max_by(coalesce(fingerprint, ''), "
        "{'believed': seen_at <= now() at time zone 'UTC', 'seen_at': seen_at}) as fingerprint "
        "from ops.offer as offer join ops.load using (load_id) group by all"
    )
    return frozenset(tuple(row.values()) for row in rows)


def load_offer(offer: Offer, settings: Settings, warehouse: Warehouse) -> LoadOutcome:
    """Land an offer and load it. The same delivery twice is one load.

    Raises:
        OriginError: the origin does not give it.
        WarehouseError, WarehouseBusyError: nothing was entered; the delivery stays pending.
    """
    ((_, outcome),) = load_offers([offer], settings, warehouse)
    if isinstance(outcome, OriginError):
        raise outcome
    return outcome


def load_offers(
    offers: Iterable[Offer], settings: Settings, warehouse: Warehouse
) -> Iterator[tuple[Offer, LoadOutcome | OriginError]]:
    """Land offers and load them, in their order; one that cannot be had, or landed, stops no other.

    Some land and are judged ahead of their turn. Where the run ends before, they stay pending. What was dropped is
    removed from the drop folder when its load is in the ledger.

    Raises:
        OriginError: ``offers`` raised it; what they gave before is loaded.
        WarehouseError, WarehouseBusyError: nothing was entered of this one; it and what landed after it stay pending.
    """
    loaded_before = {
        row["delivery_id"] for row in warehouse.query("select distinct delivery_id from ops.load")
    }
    with judges(settings.gate_processes) as beside, scratch(settings) as folder:

        def landed() -> Iterator[tuple[Offer, Delivery | OriginError, Judgement | None]]:
            for number, offer in enumerate(offers):
                try:
                    with disk_errors(settings.home):
                        delivery = landing.land(offer, settings)
                except OriginError as error:
                    yield offer, error, None
                    continue
                except GorodError:
                    raise
                except Exception as error:
                    yield offer, _not_landed(offer, error), None
                    continue
                judgement = None
                # what was loaded before most often is not new
                if (
                    delivery.bytes <= SMALL
                    and delivery.delivery_id not in loaded_before
                    and not _looks_back(delivery)
                ):
                    judgement = beside.give(judging_of(delivery, settings, warehouse), folder / str(number))
                yield offer, delivery, judgement

        try:
            for offer, delivery, judgement in some_ahead(landed()):
                if isinstance(delivery, OriginError):
                    yield offer, delivery
                    continue
                outcome = load_delivery(
                    delivery,
                    settings,
                    warehouse,
                    judged=None if judgement is None else partial(beside.take, judgement),
                    examined=True,
                )
                if judgement is not None:
                    beside.drop(judgement)
                if offer.remove is not None:
                    offer.remove(delivery.sha256)
                yield offer, outcome
        finally:
            beside.drop_all()


def load_pending(delivery: Delivery, settings: Settings, warehouse: Warehouse) -> LoadOutcome:
    """Load a delivery whose run died before it was entered.

    Where the run that took it up died as well, it may have died of it: then a process of its own judges it.
    """
    if landing.take_up(delivery, settings) == 0:
        return load_delivery(delivery, settings, warehouse)
    with scratch(settings) as folder:
        task = judging_of(delivery, settings, warehouse)
        return load_delivery(
            delivery, settings, warehouse, judged=lambda: apart(task, folder) or fatal(delivery)
        )


def load_delivery(
    delivery: Delivery,
    settings: Settings,
    warehouse: Warehouse,
    *,
    judged: Callable[[], Judged] | None = None,
    examined: bool = False,
    replayed_by: str | None = None,
    replayed_why: str | None = None,
) -> LoadOutcome:
    """Take a landed delivery through the gate and enter its load; ``judged`` tells if it was judged ahead.

    Unless it is known to lie in landing as it came (``examined``), its bytes are read and compared first.
    A replay judges the same delivery again by today's declarations; it is a load of its own, and supersedes.

    Raises:
        WarehouseError, WarehouseBusyError: nothing was entered; the delivery stays pending.
    """
    faults = [] if examined else landing.examined(delivery.folder, settings)[1]
    ahead = broken(delivery, faults) if faults else judged() if judged else None
    failure: Exception | None = None
    with nullcontext() if ahead is None else warehouse.sitting():
        history = _history(delivery, warehouse)
        origin = delivery.origin if replayed_by is None else f"replay:{delivery.delivery_id}"
        # what is broken here is not what was offered: whoever still has it may offer it again
        offered = None if faults else delivery.fingerprint
        seen = Seen(origin, offered, datetime.now(UTC).replace(tzinfo=None))
        if replayed_by is None and (already := _already(delivery, history, warehouse, bool(faults))):
            warehouse.commit_offer(already["load_id"], seen)
            landing.settle(delivery, settings)
            return _outcome(already)
        source = load_sources()[delivery.source]
        with scratch(settings) as folder:
            found = ahead or judging_of(delivery, settings, warehouse)(folder)
            cut = _cut(delivery, history) if found.batch and found.batch.rows else None
            if cut is not None:
                found = found.refused_for(cut)
            now = _now()
            events = [Event("received", datetime.fromisoformat(delivery.received_at), "gorod")]
            if replayed_by is not None:
                events.append(Event("replayed", now, replayed_by, replayed_why))
            try:
                with interrupts_raised():
                    if cut is None:
                        found = held_against_history(delivery, found, warehouse)
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
    landing.settle(delivery, settings)
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
        found.verdict.results,
    )


def _enter(
    delivery: Delivery,
    source: Source,
    found: Judged,
    history: list[dict[str, Any]],
    seen: Seen,
    events: list[Event],
    settings: Settings,
    warehouse: Warehouse,
) -> LoadRecord:
    """Enter a load as it was judged; its record."""
    now = _now()
    record = _record(delivery, source, found, history, now, settings.landing)
    enters = found.verdict.accepted and found.batch is not None
    warehouse.commit_load(
        Entry(
            record=record,
            offer=seen,
            events=[*events, Event("accepted" if found.verdict.accepted else "rejected", now, "gate")],
            results=found.verdict.results,
            feed=source.feeds[delivery.feed],
            batch=found.batch.path if enters and found.batch else None,
            quarantine=found.verdict.quarantine,
            flagged=found.verdict.flagged if found.verdict.accepted else None,
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
        "select load_id, origin, fingerprint from ops.offer where load_id in (select unnest(?)) order by seen_at",
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


def _not_landed(offer: Offer, error: Exception) -> OriginError:
    """A failure that nobody foresaw, as one of this offer alone."""
    logging.getLogger(__name__).error("%s could not land:\n%s", offer.origin, where(error))
    told = (error.strerror or "") if isinstance(error, OSError) else ""
    return OriginError(
        f"{offer.origin}: could not land: {' '.join((type(error).__name__, told)).strip()}",
        "Look into the log of the run; everything else goes on meanwhile.",
    )


def replay(
    load_id: str, why: str, settings: Settings, warehouse: Warehouse, *, anyway: bool = False
) -> LoadOutcome:
    """Judge a load's delivery again by today's suite and declarations.

    Raises:
        GorodError: there is no such load, or another delivery has its place and it is not to take that ``anyway``.
        LandingError: its delivery is not in landing, or is not as it came.
    """
    found = find_load(load_id, warehouse)
    delivery = delivery_of(found, settings, warehouse)
    newer = [load for load in _history(delivery, warehouse) if _has_its_place(load, found)]
    if newer and not anyway:
        other = newer[-1]
        raise GorodError(
            f"load {found['load_id']} was superseded by a newer delivery ({other['load_id']}); a replay would put the old "
            "one in its place",
            f"Nothing was changed. Replay the newer one: gorod replay {other['load_id']}. If the old one is meant: --anyway",
        )
    return load_delivery(
        delivery, settings, warehouse, examined=True, replayed_by=getpass.getuser(), replayed_why=why
    )


def _has_its_place(load: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a load in force is of another delivery, newer than the one that was found, with rows for its days."""
    return (
        load["state"] in ("accepted", "waived")
        and not load["not_retained"]
        and load["load_no"] > found["load_no"]
        and load["delivery_id"] != found["delivery_id"]
    )


def waive(load_id: str, by: str, why: str, until: date, settings: Settings, warehouse: Warehouse) -> None:
    """Let a refused load in until a day, on somebody's word; rows in quarantine stay there.

    The rows that enter are those that the gate counted then, whatever suite and register say today.

    Raises:
        GorodError: no such load, it is accepted already, it could not be read, the day is past; or it would count
            something twice, or nothing, or is not read as it was then.
        LandingError: its delivery is not in landing, or is not as it came.
    """
    found = find_load(load_id, warehouse)
    if found["outcome"] == "accepted":
        raise GorodError(
            f"load {load_id} is accepted: there is nothing to waive", "See: gorod explain " + load_id
        )
    if not found["readable"]:
        raise GorodError(
            f"load {load_id} could not be read: there are no rows that a waiver could let in",
            "The supplier has to deliver again. See: gorod explain " + load_id,
        )
    if until < today():
        raise GorodError(f"--until {until} is past", "Give a day from today on.")
    feed = load_sources()[found["source"]].feeds[found["feed"]]
    event = Event("waived", _now(), by, why, until)
    table = raw_table(found["source"], found["feed"])
    has_rows = warehouse.query(
        f"select 1 as entered from {table} where load_id = ? limit 1", [found["load_id"]]
    )
    # a waiver that is made longer, or ended, needs no delivery any more
    delivery = (
        None
        if has_rows and found["delivery_id"] in removed(warehouse)
        else delivery_of(found, settings, warehouse)
    )
    if has_rows or delivery is None:
        warehouse.commit_waiver(found["load_id"], event, feed, None, None)
        return
    with scratch(settings) as folder:
        try:
            batch = read(delivery, feed, settings.pseudonym_key.get_secret_value(), settings.home, folder)
        except DeliveryError as error:
            raise GorodError(
                f"the delivery of load {found['load_id']} could be read when it was refused, and cannot be read now",
                f"Nothing was changed. Have it judged as it is read today: gorod replay {found['load_id']}",
            ) from error
        warehouse.commit_waiver(found["load_id"], event, feed, batch.path, fingerprint(batch))


def would_replace(load_id: str, warehouse: Warehouse) -> list[dict[str, Any]]:
    """Loads in force that a waiver of this one would supersede: ``load_id``, ``rows_accepted``, in order of entry."""
    return warehouse.query(
        """
        select older.load_id, older.rows_accepted
        from ops.effective_load as older, ops.load as newer
        where
            newer.load_id = ? and older.load_id <> newer.load_id
            and (older.load_no < newer.load_no or older.not_retained)
            and older.source = newer.source and older.feed = newer.feed
            and older.instance = newer.instance and older.part = newer.part
            and (newer.first_day is null
                or (newer.first_day <= older.first_day and newer.last_day >= older.last_day))
        order by older.load_no
        """,
        [load_id],
    )


def fitting_loads(load_id: str, warehouse: Warehouse) -> list[dict[str, Any]]:
    """Rows of ``ops.load_state`` whose id is this, or has this piece, in the order of their entry."""
    return warehouse.query("select * from ops.load_state where load_id = ?", [load_id]) or warehouse.query(
        "select * from ops.load_state where contains(load_id, ?) order by load_no", [load_id]
    )


def find_load(load_id: str, warehouse: Warehouse) -> dict[str, Any]:
    """A row of ``ops.load_state``; an unambiguous piece of the id is enough.

    Raises:
        GorodError: none or several loads fit.
    """
    rows = fitting_loads(load_id, warehouse)
    if len(rows) == 1:
        return rows[0]
    listing = ", ".join(row["load_id"] for row in rows[:5])
    raise GorodError(
        f"no load {load_id!r}" if not rows else f"{len(rows)} loads fit {load_id!r}: {listing}",
        "See: gorod status --loads",
    )


def judging_of(delivery: Delivery, settings: Settings, warehouse: Warehouse) -> Callable[[Path], Judged]:
    """The judging of a delivery, given a scratch folder: everything it needs of ledger and settings is in it."""
    return partial(
        judge,
        delivery,
        load_sources()[delivery.source].feeds[delivery.feed],
        _parameters(delivery, warehouse),
        _context(delivery, warehouse),
        settings.pseudonym_key.get_secret_value(),
        settings.home,
    )


def _cut(delivery: Delivery, history: list[dict[str, Any]]) -> Reason | None:
    """A delivery must replace whole slices: days that cut through an accepted load would count twice."""
    for load in history:
        # what is waived and gives way already counts for nothing, and gives way to this one too
        gives_way = load["state"] == "conflicting" and load["outcome"] == "rejected"
        if load["state"] == "rejected" or load["not_retained"] or gives_way:
            continue
        if not _covers(delivery.slice, load["first_day"], load["last_day"]):
            return Reason(
                "delivery.slice",
                f"Период {delivery.slice.key} лишь частично совпадает с принятым периодом "
                f"{load['slice']} ({load['load_id']}).",
                "Передайте период, который совпадает с принятым, целиком его покрывает или не задевает: "
                f"{load['slice']}.",
            )
    return None


def _covers(given: Slice, first: date | None, last: date | None) -> bool:
    """Whether a slice holds all days of another; a snapshot holds all that there are."""
    if given.first_day is None or given.last_day is None:
        return True
    return first is not None and last is not None and given.first_day <= first and last <= given.last_day


def _parameters(delivery: Delivery, warehouse: Warehouse) -> dict[str, Any]:
    """What a suite may ask of the delivery and of the register in force; the batch adds its facts."""
    suite = gate.load_suite(delivery.source, delivery.feed)
    days = delivery.slice
    return {
        "instance": delivery.instance,
        "ref_area": load_sources()[delivery.source].instances[delivery.instance].ref_area,
        "part": days.part,
        "first_day": days.first_day.isoformat() if days.first_day else "0001-01-01",
        "last_day": days.last_day.isoformat() if days.last_day else "9999-12-31",
        "today": today().isoformat(),
        **({REGISTERED: _territories(warehouse)} if REGISTERED in gate.parameters_of(suite) else {}),
    }


def _context(delivery: Delivery, warehouse: Warehouse) -> dict[str, pa.Table]:
    """The tables that a suite's queries find beside the batch: ``delivery`` (one row), and what its ``CONTEXT`` asks for."""
    days = delivery.slice
    known = {
        "source": delivery.source,
        "feed": delivery.feed,
        "instance": delivery.instance,
        "part": days.part,
        "first_day": days.first_day,
        "last_day": days.last_day,
        "today": today(),
    }
    ref_area = load_sources()[delivery.source].instances[delivery.instance].ref_area
    row = {**known, "ref_area": ref_area, "slice": days.key}
    dated = {name: pa.date32() for name in ("first_day", "last_day", "today")}
    schema = pa.schema([(name, dated.get(name, pa.string())) for name in row])
    asked = gate.load_context(delivery.source, delivery.feed)
    return {"delivery": pa.Table.from_pylist([row], schema), **warehouse.tables(asked, known)}


def _looks_back(delivery: Delivery) -> bool:
    """Whether the suite looks at loads of its own feed: then what enters before this one may decide about it."""
    own = raw_table(delivery.source, delivery.feed)
    return any(own in sql for sql in gate.load_context(delivery.source, delivery.feed).values())


def judged_by(source: str, feed: str) -> list[tuple[str, str]]:
    """The feeds that a suite looks at beside its own: they are loaded before.

    The register waits for those alone that do not wait for it.
    """
    suite = gate.load_suite(source, feed)
    feeds = {REGISTER} if REGISTERED in gate.parameters_of(suite) else set()
    for sql in gate.load_context(source, feed).values():
        feeds |= set(re.findall(r"\braw\.([a-z0-9_]+?)__(\w+)", sql))
    feeds -= {(source, feed)}
    if (source, feed) == REGISTER:
        feeds = {other for other in feeds if REGISTER not in judged_by(*other)}
    return sorted(feeds)


def has_register(warehouse: Warehouse) -> bool:
    """Whether a register of territories is in force: before there is one, nothing can be built."""
    return bool(_territories(warehouse))


def _territories(warehouse: Warehouse) -> list[str]:
    """Codes of the register in force; none before there is one: then what refers to it is refused."""
    rows = warehouse.query(
        f"select distinct territory_id from {raw_table(*REGISTER)}"
        " join ops.effective_load using (load_id) where territory_id is not null order by 1"
    )
    return [row["territory_id"] for row in rows]


def _record(
    delivery: Delivery,
    source: Source,
    judged: Judged,
    history: list[dict[str, Any]],
    now: datetime,
    landed: Path,
) -> LoadRecord:
    rows = judged.batch.rows if judged.batch else 0
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
        outcome="accepted" if judged.verdict.accepted else "rejected",
        readable=judged.batch is not None and judged.batch.rows > 0,
        not_retained=judged.not_retained,
        rows_delivered=rows,
        rows_accepted=rows - judged.verdict.quarantined if judged.verdict.accepted else 0,
        rows_quarantined=judged.verdict.quarantined,
        warnings=judged.verdict.warnings,
        suite_hash=judged.suite_hash,
        seconds=judged.seconds,
    )


def _free_id(delivery_id: str, history: list[dict[str, Any]]) -> str:
    """The delivery's id; a number behind it where that delivery was loaded before (a replay, a return to it)."""
    loads = sum(1 for load in history if load["delivery_id"] == delivery_id)
    return delivery_id if not loads else f"{delivery_id}~{loads + 1}"


def _history(delivery: Delivery, warehouse: Warehouse) -> list[dict[str, Any]]:
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


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
