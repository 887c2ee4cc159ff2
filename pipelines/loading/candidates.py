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
    """Whether the origin, judging by the fingerprint, still offers what was last taken from it for this slice.

    A dropped file is only known by its bytes.
    """
    if candidate.remove is not None:
        return False
    key = (candidate.source, candidate.feed, candidate.instance, candidate.slice.key)
    return candidate.fingerprint is not None and (*key, candidate.origin, candidate.fingerprint) in known


def last_seen(warehouse: Warehouse) -> LastSeen:
    """Source, feed, instance, slice, origin and fingerprint of the last candidate taken for each origin and slice.

    Only the last one counts: a file that returns unchanged, even in its timestamp, replaces what came in between.
    Timestamps in the future sort first, or a clock that ran ahead would make its candidate the last for ever.
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
        OriginError: the origin does not deliver it.
        WarehouseError, WarehouseBusyError: nothing was entered; the delivery stays pending.
    """
    ((_, outcome),) = load_candidates([candidate], settings, warehouse)
    if isinstance(outcome, OriginError):
        raise outcome
    return outcome


def load_candidates(
    candidates: Iterable[Candidate], settings: Settings, warehouse: Warehouse
) -> Iterator[tuple[Candidate, LoadOutcome | OriginError]]:
    """Land candidates and load them in order; one that cannot be fetched or landed does not stop the others.

    Some land and are validated ahead of their turn; if the run ends first, they stay pending. A dropped file is removed
    from the drop folder once its load is in the ledger.

    Raises:
        OriginError: raised by ``candidates``; everything before is loaded.
        WarehouseError, WarehouseBusyError: nothing of this one was entered; it and those that landed after it stay pending.
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
                # what was loaded before is rarely new
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
    """An unexpected failure, reported for this candidate alone."""
    logging.getLogger(__name__).error("%s could not land:\n%s", candidate.origin, where(error))
    detail = (error.strerror or "") if isinstance(error, OSError) else ""
    return OriginError(
        f"{candidate.origin}: could not land: {' '.join((type(error).__name__, detail)).strip()}",
        "Look into the log of the run; everything else goes on meanwhile.",
    )
