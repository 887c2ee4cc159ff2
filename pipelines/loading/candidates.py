"""What an origin offers, landed and loaded in order; some deliveries are validated ahead of their turn."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import partial

from pipelines.deliveries import Candidate, Delivery, LastSeen
from pipelines.disk import disk_errors
from pipelines.errors import GorodError, OriginError
from pipelines.loading import landing
from pipelines.loading.context import looks_back, validation_task
from pipelines.loading.load import LoadOutcome, load_delivery, scratch
from pipelines.loading.prefetch import SMALL, PendingValidation, prefetched, validators
from pipelines.loading.validate import where
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse


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
    """Land candidates and load them, in their order; one that cannot be had, or landed, stops no other.

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


def _not_landed(candidate: Candidate, error: Exception) -> OriginError:
    """A failure that nobody foresaw, as one of this candidate alone."""
    logging.getLogger(__name__).error("%s could not land:\n%s", candidate.origin, where(error))
    detail = (error.strerror or "") if isinstance(error, OSError) else ""
    return OriginError(
        f"{candidate.origin}: could not land: {' '.join((type(error).__name__, detail)).strip()}",
        "Look into the log of the run; everything else goes on meanwhile.",
    )
