"""Delimited text: checked as a whole first, then split and typed by DuckDB, then numbered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import CsvFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.csv_columns import check_columns
from pipelines.formats.csv_header import Header, read_header
from pipelines.formats.csv_reasons import LONGEST_LINE
from pipelines.formats.csv_records import count_records, write_sound
from pipelines.formats.csv_scan import Flaw, Records
from pipelines.formats.csv_text import check_is_text, write_utf8
from pipelines.formats.typed import ROW_GROUP, write_batch
from pipelines.memory import in_memory
from pipelines.sql import literal, quoted


def read(delivery: Delivery, feed: Feed, fmt: CsvFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one delimited file. Row numbers count data rows: row 1 is the line after the header.

    Raises:
        DeliveryError: the file is not such a text, or its columns are not the declared ones.
    """
    delivered = delivery.paths[0]
    file = delivered.name
    check_is_text(delivered, feed, fmt)
    recoded, sound = out.with_suffix(".utf8"), out.with_suffix(".sound")
    path = delivered
    try:
        if fmt.encoding != "utf-8":
            write_utf8(delivered, recoded, fmt)
            path = recoded
        header = read_header(path, file, fmt.delimiter)
        check_columns(header.names, file, feed, fmt)
        header = replace(header, names=[feed.headers[name] for name in header.names])
        if not header.ended:
            raise DeliveryError(file, [_cut_header()])
        records = count_records(path, file, header, fmt.delimiter)
        if records.flaws:
            write_sound(path, records.flaws, sound)
            path = sound
        with in_memory(path) as connection:
            return read_counted(connection, path, file, header, records, feed, fmt, out, pseudonym_key)
    finally:
        recoded.unlink(missing_ok=True)
        sound.unlink(missing_ok=True)


def read_counted(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file: str,
    header: Header,
    records: Records,
    feed: Feed,
    fmt: CsvFormat,
    out: Path,
    pseudonym_key: str,
) -> Batch:
    """Split and type the records of a text in UTF-8 that were counted; of its columns, those that the feed keeps."""
    names = header.names
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    columns = ", ".join(
        quoted(name) if name in names else f"NULL::VARCHAR as {quoted(name)}" for name in feed.kept_columns
    )
    scan = (
        f"select NULL::BIGINT as row_no, {columns} from read_csv({literal(str(path))}, "
        f"auto_detect=false, header=true, delim={literal(fmt.delimiter)}, quote='\"', escape='\"', "
        f"columns={{{types}}}, compression='none', max_line_size={LONGEST_LINE})"
    )
    # Rows are read on all cores, in the order of the file, and numbered afterwards: numbering them while reading would
    # keep DuckDB to one core.
    read = out.with_suffix(".records.parquet")
    try:
        batch = write_batch(
            connection, scan, feed, read, pseudonym_key, decimal="," if fmt.decimal_comma else "."
        )
    # DuckDB's message quotes the text, which may contain personal data: it is not passed on.
    except duckdb.InvalidInputException:
        raise DeliveryError(file, [_unaccounted()]) from None
    if batch.rows + len(records.flaws) != records.count:
        raise DeliveryError(file, [_unaccounted()])
    _write_numbered(connection, read, records.flaws, feed, out)
    return replace(batch, path=out, rows=records.count, findings=_findings(records))


def _write_numbered(
    connection: duckdb.DuckDBPyConnection, read: Path, flaws: list[Flaw], feed: Feed, out: Path
) -> None:
    """Write the batch: each row with its record number in the file, flawed records without values."""
    row_no, rest = "file_row_number + 1", ""
    if flaws:
        connection.execute("create temp table flaw (row_no BIGINT, so_far BIGINT, expected VARCHAR)")
        connection.execute(
            "insert into flaw select unnest(?), unnest(?), unnest(?)",
            [
                [flaw.row for flaw in flaws],
                list(range(1, len(flaws) + 1)),
                [flaw.expected for flaw in flaws],
            ],
        )
        row_no += " + coalesce(so_far, 0)"
        nulls = ", ".join(f"NULL as {quoted(name)}" for name in feed.kept_columns)
        rest = f"""
            asof left join (
                select row_no - so_far as record_no, max(so_far) as so_far from flaw group by 1
            ) as before on file_row_number >= before.record_no
            union all
            select row_no, {nulls},
                '[' || json_object('column', null, 'value', null, 'expected', expected) || ']'
            from flaw
            order by row_no"""
    connection.execute(
        f"""copy (
            select {row_no} as row_no, record.* exclude (row_no, file_row_number)
            from read_parquet({literal(str(read))}, file_row_number=true) as record {rest}
        ) to {literal(str(out))} (format parquet, row_group_size {ROW_GROUP})"""
    )
    read.unlink()


def _findings(records: Records) -> tuple[Reason, ...]:
    if not records.breaks:
        return ()
    message = (
        f"Концов строк внутри кавычек: {records.breaks}; строк с ними: {records.rows_with_breaks}. "
        "Каждая такая строка занимает несколько строк файла."
    )
    remedy = "Сравните число строк с исходным: лишняя кавычка соединяет соседние строки в одну."
    return (Reason("file.line_breaks", message, remedy, records.first_with_breaks),)


def _cut_header() -> Reason:
    message = "Файл кончается на заголовке, и даже конца строки за ним нет: были ли за ним строки, не видно."
    remedy = "Передайте файл заново целиком; если строк нет, заголовок кончается концом строки."
    return Reason("file.whole", message, remedy, 0)


def _unaccounted() -> Reason:
    message = "Строки файла нельзя отделить друг от друга однозначно: кавычки стоят не по правилам."
    remedy = "Значение с кавычкой возьмите в кавычки, кавычку внутри него удвойте. Выгрузите файл заново."
    return Reason("file.quotes", message, remedy)
