"""Delimited text: judged as a whole first, then split and typed by DuckDB, then numbered."""

from __future__ import annotations

import codecs
import csv
import difflib
import re
from array import array
from bisect import bisect_left
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from pipelines.declarations.sources import CsvFormat, Feed
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.typed import ROW_GROUP, literal, quoted, write_batch
from pipelines.loading.delivery import Batch, Delivery

LONGEST_LINE = 1_000_000
MANY_BROKEN = 10_000
ARCHIVES = {b"PK\x03\x04": "ZIP", b"\x1f\x8b": "GZIP", b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR"}
DELIMITERS = {",": "запятая", ";": "точка с запятой", "\t": "табуляция", "|": "вертикальная черта"}


def read(delivery: Delivery, feed: Feed, fmt: CsvFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one delimited file. Row numbers count data rows: row 1 is the line after the header.

    Raises:
        DeliveryError: the file is no such text, or its columns are not the declared ones.
    """
    delivered = delivery.paths[0]
    _refuse_what_is_no_text(delivered, feed)
    path = delivered if fmt.encoding == "utf-8" else out.with_suffix(".utf8")
    try:
        if path != delivered:
            _write_utf8(delivered, path, fmt.encoding)
        _refuse_broken_text(path, delivered.name)
        header = _header(path, delivered.name, feed, fmt)
        with duckdb.connect() as connection:
            return _read(connection, path, delivered.name, header, feed, fmt, out, pseudonym_key)
    except duckdb.Error as error:
        raise DeliveryError(delivered.name, [_told(error)]) from error
    finally:
        if path != delivered:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Broken:
    """A record that could not be split: its place in the file from 0 (the header), and what DuckDB found."""

    line: int
    kinds: tuple[str, ...]
    text: str
    position: int


def _read(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file: str,
    header: list[str],
    feed: Feed,
    fmt: CsvFormat,
    out: Path,
    pseudonym_key: str,
) -> Batch:
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    kept = [name for name in header if name in feed.kept_columns]
    columns = ", ".join(
        f"replace({quoted(name)}, ',', '.') as {quoted(name)}"
        if fmt.decimal_comma and feed.columns[name].type == "decimal"
        else quoted(name)
        for name in kept
    )
    absent = "".join(f", NULL::VARCHAR as {quoted(name)}" for name in feed.kept_columns if name not in header)
    scan = (
        f"select NULL::BIGINT as row_no, {columns}{absent} from read_csv({literal(str(path))}, "
        f"auto_detect=false, header=true, delim={literal(fmt.delimiter)}, quote='\"', escape='\"', "
        f"columns={{{types}}}, compression='none', max_line_size={LONGEST_LINE}, "
        f"store_rejects=true, rejects_limit={MANY_BROKEN * len(header)})"
    )
    # Rows are read on all cores, in the order of the file; they are counted in what was written, because to
    # count them while reading keeps DuckDB to one core.
    records = out.with_suffix(".records.parquet")
    batch = write_batch(connection, scan, feed, records, pseudonym_key)
    # one line has as many errors as it lacks columns
    broken = [
        _Broken(line - 1, tuple(kinds), text or "", (position or 1) - 1)
        for line, kinds, text, position in connection.execute(
            "select line, list(distinct error_type::varchar), max(csv_line), min(line_byte_position) "
            "from reject_errors group by line order by line"
        ).fetchall()
    ]
    if not broken:
        _write_numbered(connection, "file_row_number + 1", records, "", out)
        return replace(batch, path=out)
    (errors,) = connection.execute("select count(*) from reject_errors").fetchone() or (0,)
    too_many = errors >= MANY_BROKEN * len(header) or len(broken) >= MANY_BROKEN
    blanks = _blank_lines(path)
    rows = [record.line - bisect_left(blanks, record.position) for record in broken]
    _refuse_unreadable(path, file, broken, rows, len(header), too_many)
    # Rows that could not be split are missing from the count: put them back at their place, so that a row
    # number always names the same row of the file.
    connection.execute("create temp table broken_row (row_no BIGINT, so_far BIGINT, broken VARCHAR)")
    connection.execute(
        "insert into broken_row select unnest(?), unnest(?), unnest(?)",
        [
            rows,
            list(range(1, len(rows) + 1)),
            [_broken_text(record.kinds, len(header)) for record in broken],
        ],
    )
    nulls = ", ".join(f"NULL as {quoted(name)}" for name in feed.kept_columns)
    _write_numbered(
        connection,
        "file_row_number + 1 + coalesce(so_far, 0)",
        records,
        f"""
        asof left join (
            select row_no - so_far as record_no, max(so_far) as so_far from broken_row group by 1
        ) as before on file_row_number >= before.record_no
        union all
        select row_no, {nulls}, '[' || json_object('column', null, 'value', null, 'expected', broken) || ']'
        from broken_row
        order by row_no
        """,
        out,
    )
    return replace(batch, path=out, rows=batch.rows + len(broken))


def _write_numbered(
    connection: duckdb.DuckDBPyConnection, row_no: str, records: Path, rest: str, out: Path
) -> None:
    """Write the batch of the records: each with its row number, an expression of its place ``file_row_number``."""
    connection.execute(
        f"""copy (
            select {row_no} as row_no, record.* exclude (row_no, file_row_number)
            from read_parquet({literal(str(records))}, file_row_number=true) as record {rest}
        ) to {literal(str(out))} (format parquet, row_group_size {ROW_GROUP})"""
    )
    records.unlink()


def _broken_text(kinds: tuple[str, ...], columns: int) -> str:
    if "UNQUOTED VALUE" in kinds:
        return "строка, которую можно разделить на столбцы (проверьте кавычки)"
    if "MISSING COLUMNS" in kinds:
        return f"строка из {columns} столбцов; столбцов меньше"
    if "TOO MANY COLUMNS" in kinds:
        return f"строка из {columns} столбцов; столбцов больше (лишний разделитель или кавычки не закрыты)"
    return "строка, которую можно разделить на столбцы (проверьте кавычки)"


def _refuse_unreadable(
    path: Path, file: str, broken: list[_Broken], rows: list[int], columns: int, too_many: bool
) -> None:
    """Some breaks are not one row's: a line without end, quotes that swallow rows, a file cut short."""
    again = "Выгрузите файл заново."
    last = broken[-1]
    if {"MISSING COLUMNS", "UNQUOTED VALUE"} & set(last.kinds) and _ends_in(path, last):
        raise DeliveryError(
            file,
            [
                Reason(
                    "file.whole",
                    "Файл обрывается посреди строки: передан не полностью.",
                    "Передайте файл заново целиком и сравните его размер с исходным.",
                    rows[-1],
                )
            ],
        )
    for row, record in zip(rows, broken, strict=True):
        if "LINE SIZE OVER MAXIMUM" in record.kinds:
            raise DeliveryError(file, [_long_line_reason(row)])
        if "UNQUOTED VALUE" in record.kinds and "\n" in record.text.strip():
            message = "Кавычки не закрыты: следующие строки читаются как продолжение этой."
            remedy = "Закройте кавычки; кавычка внутри значения пишется дважды. " + again
            raise DeliveryError(file, [Reason("file.quotes", message, remedy, row)])
    if too_many:
        message = f"Слишком много строк, где не {columns} столбцов."
        raise DeliveryError(file, [Reason("file.columns", message, again, rows[0])])


def _ends_in(path: Path, record: _Broken) -> bool:
    """Whether the file ends in this record, without an end of line."""
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        if stream.read(1) in b"\r\n":
            return False
        stream.seek(record.position)
        return stream.read(len(record.text.encode()) + 1) == record.text.encode()


def _blank_lines(path: Path) -> array[int]:
    """Byte positions of the empty lines outside quotes: DuckDB skips them, but counts them as lines."""
    positions = array("q")
    position, is_quoted = 0, False
    with path.open("rb") as stream:
        for line in stream:
            if not is_quoted and not line.strip(b"\r\n"):
                positions.append(position)
            is_quoted ^= bool(line.count(b'"') % 2)
            position += len(line)
    return positions


def _refuse_what_is_no_text(path: Path, feed: Feed) -> None:
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
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(path, "file.encoding", "Файл в кодировке UTF-16.", "Сохраните файл в UTF-8.")
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


def _refuse_broken_text(path: Path, file: str) -> None:
    """Look at all bytes once: UTF-8 throughout, no NUL, no line without end.

    DuckDB looks only into the columns that are kept, and passes over a last line that fills its buffer.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, unbroken, pending = 0, 0, b""
    with path.open("rb") as stream:
        while chunk := stream.read(LONGEST_LINE):
            zero = chunk.find(b"\x00")
            if zero >= 0:
                line = _line_at(path, start + zero)
                message = f"В файле нулевой байт (строка файла {line}): файл двоичный или повреждён."
                reason = Reason("file.format", message, "Сохраните таблицу как CSV UTF-8.", line - 1)
                raise DeliveryError(file, [reason])
            first_end = chunk.find(b"\n")
            if unbroken + (first_end if first_end >= 0 else len(chunk)) >= LONGEST_LINE:
                raise DeliveryError(file, [_long_line_reason(_line_at(path, start) - 1)])
            unbroken = len(chunk) - chunk.rfind(b"\n") - 1 if first_end >= 0 else unbroken + len(chunk)
            try:
                if pending or not _is_utf8(chunk):
                    decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line = _line_at(path, start - len(pending) + error.start)
                raise DeliveryError(file, [_encoding_reason(line)]) from error
            pending = decoder.getstate()[0]
            start += len(chunk)
    if pending:
        line = _line_at(path, start)
        message = f"Файл обрывается посреди знака (строка файла {line}): передан не полностью."
        remedy = "Передайте файл заново целиком и сравните его размер с исходным."
        raise DeliveryError(file, [Reason("file.whole", message, remedy, line - 1)])


def _is_utf8(chunk: bytes) -> bool:
    """Whether these bytes are whole UTF-8 characters; several times faster than to decode them."""
    import pyarrow as pa

    ends = pa.py_buffer(array("i", [0, len(chunk)]))
    try:
        pa.StringArray.from_buffers(1, ends, pa.py_buffer(chunk)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _line_at(path: Path, position: int) -> int:
    """The line of the file, from 1, that a byte stands in."""
    with path.open("rb") as stream:
        lines, left = 1, position
        while left and (chunk := stream.read(min(left, LONGEST_LINE))):
            lines += chunk.count(b"\n")
            left -= len(chunk)
    return lines


def _header(path: Path, file: str, feed: Feed, fmt: CsvFormat) -> list[str]:
    with path.open("rb") as stream:
        text = stream.readline(LONGEST_LINE).decode("utf-8-sig").rstrip("\r\n")
    if "\r" in text:
        raise DeliveryError(file, [_line_ends_reason()])
    try:
        names = [name.strip() for name in next(csv.reader([text], delimiter=fmt.delimiter), [])]
    except csv.Error as error:
        message = "Первая строка не читается как заголовок CSV."
        raise _refused(path, "file.format", message, "Выгрузите файл заново.") from error
    if len(names) == 1 and len(feed.columns) > 1:
        for other, title in DELIMITERS.items():
            if other != fmt.delimiter and text.count(other) >= len(feed.columns) // 2:
                raise _refused(
                    path,
                    "file.delimiter",
                    f"Столбцы разделены не тем знаком: {title}, ожидается {DELIMITERS.get(fmt.delimiter, fmt.delimiter)}.",
                    "Сохраните файл с нужным разделителем.",
                )
    if not set(names) & set(feed.columns):
        # a row of data may stand there: what it holds is not repeated
        message = "Первая строка – не заголовок: в ней нет ни одного из ожидаемых столбцов."
        remedy = f"Первой строкой передайте названия столбцов: {', '.join(feed.columns)}."
        raise DeliveryError(file, [Reason("file.columns", message, remedy, 0)])
    reasons = [
        Reason("file.columns", f"Нет столбца «{name}».", _rename_hint(name, names, feed), 0, name)
        for name, column in feed.columns.items()
        if column.required and name not in names
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Лишний столбец {_shown(name, number)}.",
            "Уберите столбец или согласуйте его добавление: в неизвестном столбце могут быть персональные данные.",
            0,
            name if _is_name(name) else None,
        )
        for number, name in enumerate(names, start=1)
        if name not in feed.columns
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Столбец {_shown(name, names.index(name) + 1)} повторяется.",
            "Оставьте один.",
            0,
            name if _is_name(name) else None,
        )
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if reasons:
        raise DeliveryError(file, reasons)
    return names


def _is_name(text: str) -> bool:
    """Whether this is a column's name. A row without an end of line before it may stand in the header, persons and all."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None


def _shown(name: str, number: int) -> str:
    return f"«{name}»" if _is_name(name) else f"({number}-й по счёту; название не повторяется)"


def _rename_hint(name: str, names: list[str], feed: Feed) -> str:
    close = difflib.get_close_matches(
        name, [given for given in names if given not in feed.columns and _is_name(given)], n=1, cutoff=0.5
    )
    given = f" Возможно, он переименован в «{close[0]}»." if close else ""
    return f"Ожидаются столбцы: {', '.join(feed.columns)}.{given}"


def _write_utf8(path: Path, out: Path, encoding: str) -> None:
    try:
        with (
            path.open(encoding=encoding, newline="") as source,
            out.open("w", encoding="utf-8", newline="") as target,
        ):
            while chunk := source.read(1 << 20):
                target.write(chunk)
    except UnicodeDecodeError as error:
        raise _refused(
            path,
            "file.encoding",
            f"Файл не в кодировке {encoding}.",
            "Сохраните файл в объявленной кодировке.",
        ) from error


def _told(error: duckdb.Error) -> Reason:
    """What DuckDB refuses, in the supplier's words."""
    text = str(error)
    if "line size" in text.lower():
        return _long_line_reason(None)
    if "invalid state" in text:
        return _line_ends_reason()
    return Reason(
        "file.format",
        f"Файл не читается как CSV: {text.splitlines()[0]}",
        "Проверьте кавычки и концы строк, выгрузите файл заново.",
    )


def _encoding_reason(line: int) -> Reason:
    return Reason(
        "file.encoding",
        f"Файл не в кодировке UTF-8 (строка файла {line}); похоже на Windows-1251.",
        "Сохраните файл в UTF-8 (Excel: «CSV UTF-8»).",
        line - 1,
    )


def _line_ends_reason() -> Reason:
    return Reason(
        "file.line_ends",
        "Концы строк разные или устаревшие (CR).",
        "Сохраните файл с одинаковыми концами строк (LF или CRLF).",
    )


def _long_line_reason(row: int | None) -> Reason:
    return Reason(
        "file.line_length",
        f"Строка длиннее {LONGEST_LINE} байт: вероятно, не закрыты кавычки или нет концов строк.",
        "Проверьте кавычки и концы строк, выгрузите файл заново.",
        row,
    )


def _refused(path: Path, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(path.name, [Reason(expectation, message, remedy)])
