"""A delivery before the gate: read and judged, without the ledger and without the warehouse."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines import formats
from pipelines.declarations.sources import Feed
from pipelines.disk import disk_errors
from pipelines.errors import DeliveryError, Reason
from pipelines.interrupts import interrupts_raised
from pipelines.loading import gate
from pipelines.loading.delivery import Batch, Delivery


@dataclass(frozen=True)
class Judged:
    """A delivery read and judged in ``seconds``, before it enters. ``batch`` is None where it could not be read."""

    batch: Batch | None
    verdict: gate.Verdict
    suite_hash: str
    not_retained: bool
    seconds: float

    def refused_for(self, reason: Reason) -> Judged:
        """The same, refused by the ledger as well."""
        results = (*self.verdict.results, gate.from_reason(reason))
        return replace(self, verdict=replace(self.verdict, results=results))


def judge(
    delivery: Delivery,
    feed: Feed,
    parameters: dict[str, Any],
    context: dict[str, pa.Table],
    pseudonym_key: str,
    home: Path,
    folder: Path,
) -> Judged:
    """Read a delivery, and evaluate its feed's suite on it; batch, quarantine and flags are written into ``folder``.

    ``parameters`` and ``context`` are those of the suite, but for the batch's own facts (:func:`gate.evaluate`).

    Raises:
        WarehouseError: the disk of ``home`` is full.
        GorodError: the suite is broken.
    """
    started = time.monotonic()
    suite = gate.load_suite(delivery.source, delivery.feed)
    asked = gate.load_context(delivery.source, delivery.feed)
    batch: Batch | None = None
    not_retained = False
    with disk_errors(home), interrupts_raised():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            batch = formats.read(delivery, feed, folder / "batch.parquet", pseudonym_key)
        except DeliveryError as error:
            verdict = gate.unreadable(error.reasons)
        else:
            if batch.rows == 0:
                verdict = gate.Verdict((_on_empty(feed),))
                not_retained = feed.empty_delivery == "not_retained"
            else:
                verdict = gate.evaluate(batch, suite, {**parameters, **batch.facts}, folder, context)
            told = tuple(gate.from_reason(reason, "warning") for reason in batch.findings)
            verdict = replace(verdict, results=(*verdict.results, *told))
    return Judged(batch, verdict, gate.suite_hash(suite, asked), not_retained, time.monotonic() - started)


def _on_empty(feed: Feed) -> gate.Result:
    """What a delivery without rows means is declared by the feed: gone at the source, none, or a mistake."""
    says = {
        "not_retained": "Строк нет: источник больше не хранит этот период. Это не означает «ноль».",
        "zero": "Строк нет: за период ничего не произошло.",
        "reject": "В файле только заголовок: строк нет.",
    }[feed.empty_delivery]
    return gate.Result(
        expectation="delivery.rows",
        level="load",
        severity="critical",
        dimension="completeness",
        column=None,
        success=feed.empty_delivery != "reject",
        evaluated_count=1,
        unexpected_count=int(feed.empty_delivery == "reject"),
        says=says,
        remedy="" if feed.empty_delivery != "reject" else "Выгрузите данные заново.",
    )
