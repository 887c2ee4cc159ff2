"""A table in Apache Parquet: its values become text again, so that one place decides what a value is.

``row_no`` is the number of the row in the file. Numbers keep their digits; a floating-point number is written out without an
exponent; a timestamp with a time zone keeps it as an offset.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import ParquetFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.disk import full_disk
from pipelines.errors import DeliveryError, Reason
from pipelines.formats import clock
from pipelines.formats.typed import write_batch
from pipelines.memory import in_memory
from pipelines.sql import literal, quoted

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
AGAIN = "Выгрузите файл заново и передайте целиком."
INTEGERS = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
}


def read(delivery: Delivery, feed: Feed, fmt: ParquetFormat, out: Path, pseudonym_key: str) -> Batch:  # noqa: ARG001
    """Read one file.

    Raises:
        DeliveryError: it is not a complete Parquet file, or its columns are not the declared ones.
    """
    path = delivery.paths[0]
    _refuse_what_is_no_parquet(path, feed)
    with in_memory(path) as connection:
        try:
            described = connection.execute(
                f"describe select * from read_parquet({literal(str(path))})"
            ).fetchall()
            types = {str(name): str(kind) for name, kind, *_ in described}
            _refuse_other_columns(path.name, types, feed)
            columns = ", ".join(
                f"{_as_text(name, column, types, path.name)} as {quoted(name)}"
                for name, column in feed.kept_columns.items()
            )
            rows = (
                f"select file_row_number + 1 as row_no, {columns} "
                f"from read_parquet({literal(str(path))}, file_row_number=true)"
            )
            return write_batch(connection, rows, feed, out, pseudonym_key)
        # on a broken file DuckDB may raise any error, and quote its content: the message is dropped
        except duckdb.Error as error:
            if full_disk(str(error)):
                raise
            raise _refused(
                path.name, "file.whole", "Файл Parquet повреждён: его строки не читаются.", AGAIN
            ) from None


def _refuse_what_is_no_parquet(path: Path, feed: Feed) -> None:
    size = path.stat().st_size
    if size > feed.max_delivery_bytes:
        message = f"Файл слишком велик: {size} байт, принимается не больше {feed.max_delivery_bytes}."
        raise _refused(path.name, "file.size", message, "Разделите выгрузку по периодам.")
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(max(0, size - 4))
        end = stream.read(4)
    if start == ENCRYPTED:
        raise _refused(path.name, "file.format", "Файл Parquet зашифрован.", "Передайте его без шифрования.")
    if start != MAGIC:
        raise _refused(
            path.name, "file.format", "Это не файл Parquet.", "Передайте таблицу в формате Parquet."
        )
    if end != MAGIC or size < 12:
        raise _refused(path.name, "file.whole", "Файл Parquet передан не полностью: у него нет конца.", AGAIN)


def _refuse_other_columns(file: str, types: dict[str, str], feed: Feed) -> None:
    named = {column.from_path or name: name for name, column in feed.columns.items()}
    reasons = [
        Reason("file.columns", f"Нет столбца «{given}».", f"Ожидаются столбцы: {', '.join(named)}.", 0, name)
        for given, name in named.items()
        if given not in types and feed.columns[name].required and name in feed.kept_columns
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Лишний столбец, {number}-й по счёту.",
            "Уберите столбец или согласуйте его добавление: в неизвестном столбце могут быть персональные данные.",
            0,
        )
        for number, given in enumerate(types, 1)
        if given not in named
    ]
    twice = [name for name, count in Counter(given.casefold() for given in types).items() if count > 1]
    reasons += [
        Reason(
            "file.columns",
            f"Названия столбцов отличаются только регистром букв: «{name}».",
            "Оставьте один.",
            0,
        )
        for name in twice
        if name in {given.casefold() for given in named}
    ]
    if reasons:
        raise DeliveryError(file, reasons)


def _as_text(name: str, column: Column, types: dict[str, str], file: str) -> str:
    """SQL: the text of a value, as it would be written in a CSV."""
    given = column.from_path or name
    if given not in types:
        return "NULL::VARCHAR"
    value, kind = quoted(given), types[given]
    if (
        kind in ("VARCHAR", "BOOLEAN", "DATE", "UUID", "TIME")
        or kind in INTEGERS
        or kind.startswith("DECIMAL")
    ):
        return f"{value}::VARCHAR"
    if kind in ("FLOAT", "DOUBLE"):
        text = f"{value}::VARCHAR"
        return f"case when {text} like '%e%' then coalesce(try_cast({value} as DECIMAL(38, 18))::VARCHAR, {text}) else {text} end"
    if kind in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        return _moment(f"{value}::VARCHAR", column)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return _moment(f"({value} at time zone 'UTC')::VARCHAR || 'Z'", column)
    message = f"Столбец «{given}» – вида {kind.partition('(')[0]}, а не текст, число, дата или время."
    raise DeliveryError(file, [Reason("file.columns", message, "Передайте его простым значением.", 0, name)])


def _moment(text: str, column: Column) -> str:
    """The day alone for a date column: the day in the column's time zone."""
    if column.type == "date" and column.format is None:
        return f"({clock.iso_sql(text, column.time_zone)})::DATE::VARCHAR"
    return text


def _refused(file: str, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(file, [Reason(expectation, message, remedy)])
