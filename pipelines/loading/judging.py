"""A delivery before the gate: read and judged, without the ledger and without the warehouse."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import formats
from pipelines.declarations.sources import Feed
from pipelines.disk import disk_errors
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.typed import literal
from pipelines.interrupts import interrupts_raised
from pipelines.loading import gate
from pipelines.loading.delivery import Batch, Delivery

BROKEN = "delivery.landing"


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

    @property
    def fingerprint(self) -> str | None:
        """That of the batch, if the load is refused and has rows that a waiver could let in."""
        return (
            None
            if self.verdict.accepted or not self.batch or not self.batch.rows
            else fingerprint(self.batch)
        )


def fingerprint(batch: Batch) -> str:
    """What was read: the number of rows, and a sum over all values with the names of their columns."""
    with duckdb.connect() as connection:
        row = connection.execute(
            "select count(*) || '-' || coalesce(bit_xor(md5_number(to_json(batch)::varchar)), 0) "
            f"from read_parquet({literal(str(batch.path))}) as batch"
        ).fetchone()
    assert row is not None
    return str(row[0])


def read(delivery: Delivery, feed: Feed, pseudonym_key: str, home: Path, folder: Path) -> Batch:
    """Read a delivery into ``folder``, without judging it.

    Raises:
        DeliveryError: it cannot be read.
        WarehouseError: the disk of ``home`` is full.
    """
    with disk_errors(home), interrupts_raised():
        folder.mkdir(parents=True, exist_ok=True)
        return formats.read(delivery, feed, folder / "batch.parquet", pseudonym_key)


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
        try:
            batch = read(delivery, feed, pseudonym_key, home, folder)
        except DeliveryError as error:
            verdict = gate.unreadable(error.reasons)
        else:
            if batch.rows == 0:
                verdict = gate.Verdict((_on_empty(feed),))
                not_retained = feed.empty_delivery == "not_retained"
            else:
                given = {**parameters, **batch.facts}
                verdict = gate.evaluate(batch, suite, given, folder, context, _tellable(feed))
            told = tuple(gate.from_reason(reason, "warning") for reason in batch.findings)
            verdict = replace(verdict, results=(*verdict.results, *told))
    return Judged(batch, verdict, gate.suite_hash(suite, asked), not_retained, time.monotonic() - started)


def _tellable(feed: Feed) -> list[str]:
    """The columns that hold nothing of persons."""
    return [name for name, column in feed.columns.items() if column.personal_data == "none"]


def broken(delivery: Delivery, faults: list[str]) -> Judged:
    """The judgement on a delivery that is not in landing as it came: nobody reads it."""
    suite = gate.load_suite(delivery.source, delivery.feed)
    asked = gate.load_context(delivery.source, delivery.feed)
    reason = Reason(
        BROKEN,
        f"Поставка изменена или повреждена после приёма и не читалась: {'; '.join(faults)}.",
        "Администратору: восстановить landing из резервной копии и выполнить gorod replay. Поставщику: передать снова.",
    )
    return Judged(None, gate.unreadable([reason]), gate.suite_hash(suite, asked), False, 0.0)


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
