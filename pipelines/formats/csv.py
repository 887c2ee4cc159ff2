"""Delimited text: judged as a whole first, then split and typed by DuckDB, then numbered."""

from __future__ import annotations

import codecs
import difflib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb

from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import CsvFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.encodings import (
    CALLED,
    Encoding,
    Evidence,
    encoding_of,
    looks_like,
    remedy,
    utf8_word,
    utf16_of,
)
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.records import (
    LONGEST_LINE,
    Flaw,
    Header,
    Records,
    count_records,
    read_header,
    write_sound,
)
from pipelines.formats.typed import ROW_GROUP, write_batch
from pipelines.sql import literal, quoted
from pipelines.text import differing_sign, unseen_sign

ARCHIVES = {b"PK\x03\x04": "ZIP", b"\x1f\x8b": "GZIP", b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR"}
CHUNK = 1 << 20
DELIMITERS = {",": "запятая", ";": "точка с запятой", "\t": "табуляция", "|": "вертикальная черта"}


def read(delivery: Delivery, feed: Feed, fmt: CsvFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one delimited file. Row numbers count data rows: row 1 is the line after the header.

    Raises:
        DeliveryError: the file is no such text, or its columns are not the declared ones.
    """
    delivered = delivery.paths[0]
    file = delivered.name
    _refuse_what_is_no_text(delivered, feed, fmt)
    recoded, sound = out.with_suffix(".utf8"), out.with_suffix(".sound")
    path = delivered
    try:
        if fmt.encoding != "utf-8":
            _write_utf8(delivered, recoded, fmt)
            path = recoded
        header = read_header(path, file, fmt.delimiter)
        _refuse_other_columns(header.names, file, feed, fmt)
        header = replace(header, names=[feed.headers[name] for name in header.names])
        if not header.ended:
            raise DeliveryError(file, [_cut_header()])
        records = count_records(path, file, header, fmt.delimiter)
        if records.flaws:
            write_sound(path, records.flaws, sound)
            path = sound
        with duckdb.connect() as connection:
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
    # Rows are read on all cores, in the order of the file; they are counted in what was written, because to
    # count them while reading keeps DuckDB to one core.
    read = out.with_suffix(".records.parquet")
    try:
        batch = write_batch(
            connection, scan, feed, read, pseudonym_key, decimal="," if fmt.decimal_comma else "."
        )
    # DuckDB's message quotes the text, which may name persons: it is not carried on.
    except duckdb.InvalidInputException:
        raise DeliveryError(file, [_unaccounted()]) from None
    if batch.rows + len(records.flaws) != records.count:
        raise DeliveryError(file, [_unaccounted()])
    _write_numbered(connection, read, records.flaws, feed, out)
    return replace(batch, path=out, rows=records.count, findings=_findings(records))


def _write_numbered(
    connection: duckdb.DuckDBPyConnection, read: Path, flaws: list[Flaw], feed: Feed, out: Path
) -> None:
    """Write the batch: each row with its number among the records of the file, flawed ones without their values."""
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


def _refuse_what_is_no_text(path: Path, feed: Feed, fmt: CsvFormat) -> None:
    size = path.stat().st_size
    if size == 0:
        raise _refused(
            path, "file.not_empty", "Файл пуст: в нём нет даже заголовка.", "Выгрузите файл заново."
        )
    if size > feed.max_delivery_bytes:
        raise _refused(
            path,
            "file.size",
            f"Файл слишком велик: {size} байт, принимается не больше {feed.max_delivery_bytes}.",
            "Разделите выгрузку по периодам.",
        )
    with path.open("rb") as stream:
        start = stream.read(4096)
    for magic, name in ARCHIVES.items():
        if start.startswith(magic):
            raise _refused(
                path,
                "file.format",
                f"Это архив {name}, а не CSV; архивы не распаковываются.",
                "Передайте сам файл CSV.",
            )
    utf16 = utf16_of(start)
    if (utf16 is not None) != (fmt.encoding == "utf-16"):
        raise _other_encoding(path, fmt, encoding_of(start))
    if utf16 is not None:
        start = start.decode(utf16, errors="ignore").encode()
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise _refused(
            path,
            "file.format",
            "Вместо CSV передана страница HTML или XML (часто это сообщение об ошибке портала).",
            "Откройте файл в блокноте, устраните ошибку портала и выгрузите данные снова.",
        )
    if b"\x00" in start:
        raise _refused(
            path, "file.format", "Файл двоичный, а не текстовый CSV.", "Сохраните таблицу как CSV UTF-8."
        )


def _refuse_other_columns(names: list[str], file: str, feed: Feed, fmt: CsvFormat) -> None:
    """Hold the header against the declared columns. Only declared names are repeated: a row of data may stand there."""
    if not any(names):
        message, remedy = "Первая строка пуста.", "Заголовок должен стоять в первой строке файла."
        raise DeliveryError(file, [Reason("file.columns", message, remedy, 0)])
    if re.fullmatch("sep=.?", names[0], re.IGNORECASE):
        message = "Первая строка – указание разделителя для Excel (sep=), а не заголовок."
        raise DeliveryError(file, [Reason("file.columns", message, "Уберите первую строку.", 0)])
    if len(names) == 1 and len(feed.columns) > 1:
        _refuse_other_delimiter(names[0], file, feed, fmt)
    if not set(names) & set(feed.headers):
        message = "Первая строка – не заголовок: в ней нет ни одного из ожидаемых столбцов."
        said = f"Первой строкой передайте названия столбцов: {_expected(feed)}."
        raise DeliveryError(file, [Reason("file.columns", message, said, 0)])
    unknown = {number: name for number, name in enumerate(names, start=1) if name not in feed.headers}
    given = Counter(feed.headers[name] for name in names if name in feed.headers)
    reasons = [
        Reason(
            "file.columns",
            f"Нет столбца {' или '.join(f'«{wanted}»' for wanted in column.named(name))}.",
            _rename_hint(column.named(name), unknown, feed),
            0,
            name,
        )
        for name, column in feed.columns.items()
        if column.required and name not in given
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Лишний столбец, {number}-й по счёту{_telling(name, names, feed)}.",
            "Уберите столбец или согласуйте его добавление: в неизвестном столбце могут быть персональные данные.",
            0,
        )
        for number, name in unknown.items()
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Столбец {_given_as(column, names, feed)} повторяется.",
            "Оставьте один.",
            0,
            column,
        )
        for column, times in given.items()
        if times > 1
    ]
    if reasons:
        raise DeliveryError(file, reasons)


def _expected(feed: Feed) -> str:
    """The columns by the first of their names."""
    return ", ".join(column.named(name)[0] for name, column in feed.columns.items())


def _given_as(column: str, names: list[str], feed: Feed) -> str:
    """The names under which a column was given."""
    return " и ".join(f"«{name}»" for name in dict.fromkeys(names) if feed.headers.get(name) == column)


def _refuse_other_delimiter(line: str, file: str, feed: Feed, fmt: CsvFormat) -> None:
    for other, title in DELIMITERS.items():
        if other != fmt.delimiter and line.count(other) >= len(feed.columns) // 2:
            message = f"Столбцы разделены не тем знаком: {title}, ожидается {DELIMITERS[fmt.delimiter]}."
            remedy = "Сохраните файл с нужным разделителем."
            raise DeliveryError(file, [Reason("file.delimiter", message, remedy)])


def _telling(name: str, names: list[str], feed: Feed) -> str:
    """What of an unknown name can be told without repeating it: that it is empty, the sign that nobody sees, the nearest one."""
    if not name:
        return ": без названия (в заголовке лишний разделитель)"
    for declared in feed.headers:
        if declared in names and (told := differing_sign(name, declared)):
            return f": название похоже на «{declared}»: {told}"
    if told := unseen_sign(name):
        return f": в названии {told}"
    near = difflib.get_close_matches(name, feed.headers, n=1)
    return f"; ближайшее из объявленных названий – «{near[0]}»" if near else ""


def _rename_hint(wanted: tuple[str, ...], unknown: dict[int, str], feed: Feed) -> str:
    expected = f"Ожидаются столбцы: {_expected(feed)}."
    for number, given in unknown.items():
        for name in wanted:
            if told := differing_sign(given, name):
                return f"{expected} Его название, {number}-е по счёту, отличается одним знаком: {told}."
    close = [one for name in wanted for one in difflib.get_close_matches(name, unknown.values(), 1, 0.5)]
    near = [number for number, given in unknown.items() if given in close]
    return expected + (f" Похоже на него названо {near[0]}-е по счёту." if near else "")


def _write_utf8(path: Path, out: Path, fmt: CsvFormat) -> None:
    """Write the text anew in UTF-8.

    Raises:
        DeliveryError: it is not in the declared encoding, as far as its bytes tell, or not all of it.
    """
    evidence, lines, utf8_line = Evidence(), 1, 0
    with path.open("rb") as source, out.open("wb") as target:
        start = source.read(CHUNK)
        codec = utf16_of(start) if fmt.encoding == "utf-16" else fmt.encoding
        decoder = codecs.getincrementaldecoder(codec or "utf-16")()
        source.seek(0)
        try:
            while chunk := source.read(CHUNK):
                if fmt.encoding != "utf-16":
                    evidence.take(chunk)
                    if not utf8_line and (place := utf8_word(chunk)) is not None:
                        utf8_line = lines + chunk.count(b"\n", 0, place)
                    lines += chunk.count(b"\n")
                target.write(decoder.decode(chunk).encode())
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise _other_encoding(path, fmt, evidence.other_than(fmt.encoding)) from None
    if found := evidence.other_than(fmt.encoding):
        raise _other_encoding(path, fmt, found)
    if utf8_line:
        message = f"Файл в двух кодировках: {CALLED[fmt.encoding]} и, со строки файла {utf8_line}, UTF-8."
        raise _refused(path, "file.encoding", message, remedy(None, fmt.encoding))


def _other_encoding(path: Path, fmt: CsvFormat, found: Encoding | None) -> DeliveryError:
    message = f"Файл не в кодировке {CALLED[fmt.encoding]}{looks_like(found)}."
    return _refused(path, "file.encoding", message, remedy(found, fmt.encoding))


def _cut_header() -> Reason:
    message = "Файл кончается на заголовке, и даже конца строки за ним нет: были ли за ним строки, не видно."
    remedy = "Передайте файл заново целиком; если строк нет, заголовок кончается концом строки."
    return Reason("file.whole", message, remedy, 0)


def _unaccounted() -> Reason:
    message = "Строки файла нельзя отделить друг от друга однозначно: кавычки стоят не по правилам."
    remedy = "Значение с кавычкой возьмите в кавычки, кавычку внутри него удвойте. Выгрузите файл заново."
    return Reason("file.quotes", message, remedy)


def _refused(path: Path, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(path.name, [Reason(expectation, message, remedy)])
