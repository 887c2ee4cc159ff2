"""A delivery before the gate: read and judged, without the ledger and without the warehouse."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines import formats
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch, Delivery, ExpectationResult, Slice, ValidationResult
from pipelines.disk import disk_errors, raise_if_of_the_machine
from pipelines.errors import DeliveryError, GorodError, Reason
from pipelines.interrupts import interrupts_raised
from pipelines.loading import gate, results, suites
from pipelines.loading.profile import load_history, write_profile
from pipelines.memory import in_memory
from pipelines.moments import today
from pipelines.sql import literal

BROKEN = "delivery.landing"


@dataclass(frozen=True)
class Validated:
    """A delivery read and judged in ``seconds``, before it enters. ``batch`` is None where it could not be read.

    ``fault`` is where in the code that failed which should have read it; it says nothing of what is in the delivery.
    ``profile`` is what will be remembered of its rows; None where there are none.
    """

    batch: Batch | None
    validation: ValidationResult
    suite_hash: str
    not_retained: bool
    seconds: float
    fault: str | None = None
    profile: Path | None = None

    def with_results(self, *more: ExpectationResult) -> Validated:
        """The same, with what was found beside the suite."""
        return replace(self, validation=replace(self.validation, results=(*self.validation.results, *more)))

    def refused_for(self, reason: Reason) -> Validated:
        """The same, refused by the ledger as well."""
        return self.with_results(results.result_from_reason(reason))

    def failed(self, delivery: Delivery, error: Exception) -> Validated:
        """The same, refused because of a failure that nobody foresaw; nothing of its content is kept."""
        validation = results.unreadable_delivery([_failure(delivery, type(error).__name__)])
        fault = where(error)
        return replace(self, batch=None, validation=validation, not_retained=False, fault=fault, profile=None)

    @property
    def fingerprint(self) -> str | None:
        """That of the batch, if the load is refused and has rows that a waiver could let in."""
        return (
            None
            if self.validation.accepted or not self.batch or not self.batch.rows
            else fingerprint(self.batch)
        )


def fingerprint(batch: Batch) -> str:
    """What was read: the number of rows, and a sum over all values with the names of their columns."""
    with in_memory(batch.path) as connection:
        row = connection.execute(
            "select count(*) || '-' || coalesce(bit_xor(md5_number(to_json(batch)::varchar)), 0) "
            f"from read_parquet({literal(str(batch.path))}) as batch"
        ).fetchone()
    assert row is not None
    return str(row[0])


def read(
    delivery: Delivery,
    feed: Feed,
    pseudonym_key: str,
    home: Path,
    folder: Path,
    beside: Mapping[str, pa.Table],
) -> Batch:
    """Read a delivery into ``folder``, without judging it; ``beside`` holds the tables that its format needs.

    Raises:
        DeliveryError: it cannot be read.
        WarehouseError: the disk of ``home`` is full.
    """
    with disk_errors(home), interrupts_raised():
        folder.mkdir(parents=True, exist_ok=True)
        return formats.read(delivery, feed, folder / "batch.parquet", pseudonym_key, beside)


def validate(
    delivery: Delivery,
    feed: Feed,
    parameters: dict[str, Any],
    context: dict[str, pa.Table],
    pseudonym_key: str,
    home: Path,
    folder: Path,
) -> Validated:
    """Read a delivery, and evaluate its feed's suite on it; batch, quarantine and flags are written into ``folder``.

    ``parameters`` and ``context`` are those of the suite, but for the batch's own facts (:func:`gate.evaluate`).
    Whatever else fails because of the delivery refuses it: one that could not be judged would be tried again for ever.

    Raises:
        WarehouseError: the disk of ``home`` is full, or cannot be written.
        GorodError: the suite is broken.
    """
    started = time.monotonic()
    suite = suites.load_suite(delivery.source, delivery.feed)
    asked = suites.load_context(delivery.source, delivery.feed)
    history = load_history(delivery.source, delivery.feed)
    batch: Batch | None = None
    profile: Path | None = None
    not_retained = False
    fault: str | None = None
    with disk_errors(home):
        try:
            with interrupts_raised():
                if untimely := _untimely(delivery.slice, feed):
                    validation = results.unreadable_delivery([untimely])
                else:
                    batch = read(delivery, feed, pseudonym_key, home, folder, context)
                    if batch.rows == 0:
                        validation = ValidationResult((_on_empty(feed),))
                        not_retained = feed.empty_delivery == "not_retained"
                    else:
                        given = {**parameters, **batch.facts}
                        validation = gate.evaluate(batch, suite, given, folder, context, _tellable(feed))
                        remembered = folder / "profile.parquet"
                        profile = write_profile(history, batch.path, validation.quarantine, remembered)
                    warnings = tuple(
                        results.result_from_reason(reason, "warning") for reason in batch.findings
                    )
                    validation = replace(validation, results=(*validation.results, *warnings))
        except DeliveryError as error:
            validation = results.unreadable_delivery(error.reasons)
        except GorodError:
            raise
        except Exception as error:
            raise_if_of_the_machine(error)
            batch, profile, validation, fault = (
                None,
                None,
                results.unreadable_delivery([_failure(delivery, type(error).__name__)]),
                where(error),
            )
    return Validated(
        batch,
        validation,
        suites.suite_hash(suite, asked),
        not_retained,
        time.monotonic() - started,
        fault,
        profile,
    )


def _untimely(covered: Slice, feed: Feed) -> Reason | None:
    """A period that has not begun, or is older than the source, cannot have been delivered: the name is wrong.

    The period that it is now is sound: an inventory is delivered for it. Of several years the last must have begun.
    What is refused so is not read either: a waiver could let in nothing.
    """
    first, last = covered.first_day, covered.last_day
    if first is None or last is None:
        return None
    # a feed of months may come as a span that begins before them; the years of a table are all the source's
    now, earliest = today(), feed.first_day
    if max(first, date(last.year, 1, 1)) > now:
        says = f"Период {covered.key} ещё не начался: сегодня {now}."
    elif earliest is not None and (last if feed.first_month else first) < earliest:
        says = f"Период {covered.key} начинается раньше, чем у источника есть данные: {earliest}."
    else:
        return None
    return Reason("delivery.period", says, "Исправьте период в имени файла и передайте файл снова.")


def _failure(delivery: Delivery, kind: str) -> Reason:
    """The kind of a failure that nobody foresaw; what an error says may repeat what is in the delivery."""
    return Reason(
        "delivery.read",
        f"Поставку ({', '.join(delivery.files[:3])}) не удалось прочитать и проверить: {kind}.",
        "Передайте выгрузку заново. Если отказ повторится, обратитесь к администратору хранилища: "
        "место сбоя записано в журнал запуска.",
    )


def fatal(delivery: Delivery) -> Validated:
    """A delivery of which the process that reads it dies: refused without being read again."""
    suite = suites.load_suite(delivery.source, delivery.feed)
    asked = suites.load_context(delivery.source, delivery.feed)
    validation = results.unreadable_delivery([_failure(delivery, "процесс чтения оборвался")])
    return Validated(
        None,
        validation,
        suites.suite_hash(suite, asked),
        False,
        0.0,
        "the process that read it died each time",
    )


def where(error: BaseException) -> str:
    """Where in the code an error came up, and those that led to it: kinds and places, no messages."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    # an error may be raised from itself
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return "\n".join(
        f"{type(one).__name__}\n{''.join(traceback.format_tb(one.__traceback__, -20))}" for one in chain
    )


def _tellable(feed: Feed) -> list[str]:
    """The columns that hold nothing of persons."""
    return [name for name, column in feed.columns.items() if column.personal_data == "none"]


def broken(delivery: Delivery, faults: list[str]) -> Validated:
    """The judgement on a delivery that is not in landing as it came: nobody reads it."""
    suite = suites.load_suite(delivery.source, delivery.feed)
    asked = suites.load_context(delivery.source, delivery.feed)
    reason = Reason(
        BROKEN,
        f"Поставка изменена или повреждена после приёма и не читалась: {'; '.join(faults)}.",
        "Администратору: восстановить landing из резервной копии и выполнить gorod replay. Поставщику: передать снова.",
    )
    return Validated(None, results.unreadable_delivery([reason]), suites.suite_hash(suite, asked), False, 0.0)


def _on_empty(feed: Feed) -> ExpectationResult:
    """What a delivery without rows means is declared by the feed: gone at the source, none, or a mistake."""
    says = {
        "not_retained": "Строк нет: источник больше не хранит этот период. Это не означает «ноль».",
        "zero": "Строк нет: за период ничего не произошло.",
        "reject": "В файле только заголовок: строк нет.",
    }[feed.empty_delivery]
    return ExpectationResult(
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
