"""One table of a GTFS zip: the rules of CSV are those of :mod:`pipelines.formats.csv`; unknown columns are left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import GtfsFormat
from pipelines.declarations.formats import CsvFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats import csv
from pipelines.formats.archive import extract
from pipelines.formats.csv_header import read_header
from pipelines.formats.csv_records import count_records, write_sound
from pipelines.formats.typed import write_batch
from pipelines.memory import in_memory
from pipelines.sql import quoted

AGAIN = "Соберите архив GTFS заново и передайте целиком."


def read(delivery: Delivery, feed: Feed, fmt: GtfsFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one table. ``row_no`` counts the lines below its header from 1.

    Raises:
        DeliveryError: it is not a GTFS zip, lacks the table, or the table is not valid CSV.
    """
    archive = delivery.paths[0]
    name = f"{fmt.table}.txt"
    table, sound = out.with_suffix(".table"), out.with_suffix(".sound")
    try:
        if not extract(archive, name, table, feed.max_delivery_bytes, fmt.optional):
            return _without_rows(feed, out, pseudonym_key)
        file = f"{archive.name}/{name}"
        rules = CsvFormat()
        if table.stat().st_size == 0:
            raise _refused(file, "file.not_empty", "Файл пуст: в нём нет даже заголовка.", AGAIN)
        header = read_header(table, file, rules.delimiter)
        header = replace(header, names=_columns(file, header.names, feed))
        records = count_records(table, file, header, rules.delimiter)
        path = table
        if records.flaws:
            write_sound(table, records.flaws, sound)
            path = sound
        with in_memory(table) as connection:
            return csv.read_counted(connection, path, file, header, records, feed, rules, out, pseudonym_key)
    finally:
        table.unlink(missing_ok=True)
        sound.unlink(missing_ok=True)


def _columns(file: str, names: list[str], feed: Feed) -> list[str]:
    """The columns of the feed by the names of the header; others get a name that no feed declares.

    Raises:
        DeliveryError: a required one is missing, or one is repeated.
    """
    given = [feed.headers.get(name) for name in names]
    reasons = [
        Reason(
            "file.columns",
            f"Нет столбца «{column.named(name)[0]}».",
            f"Столбцы GTFS: {', '.join(feed.headers)}.",
            0,
            name,
        )
        for name, column in feed.columns.items()
        if column.required and name not in given
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Столбец «{feed.columns[name].named(name)[0]}» повторяется.",
            "Оставьте один.",
            0,
            name,
        )
        for name in dict.fromkeys(filter(None, given))
        if given.count(name) > 1
    ]
    if reasons:
        raise DeliveryError(file, reasons)
    return [name or f" {number}" for number, name in enumerate(given)]


def _without_rows(feed: Feed, out: Path, pseudonym_key: str) -> Batch:
    columns = ", ".join(f"NULL::VARCHAR as {quoted(name)}" for name in feed.kept_columns)
    with in_memory() as connection:
        return write_batch(
            connection, f"select 0::BIGINT as row_no, {columns} where false", feed, out, pseudonym_key
        )


def _refused(file: str, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(file, [Reason(expectation, message, remedy)])
