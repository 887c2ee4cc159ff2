"""Delimited text: judged as a whole first, then split and typed by DuckDB in one pass."""

from __future__ import annotations

import csv
import difflib
from pathlib import Path

import duckdb

from pipelines.declarations.sources import CsvFormat, Feed
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.typed import literal, quoted, write_batch
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
    path = (
        delivered if fmt.encoding == "utf-8" else _as_utf8(delivered, out.with_suffix(".utf8"), fmt.encoding)
    )
    header = _header(path, feed, fmt)
    connection = duckdb.connect()
    try:
        return _read(connection, path, header, feed, fmt, out, pseudonym_key)
    except duckdb.Error as error:
        raise DeliveryError(delivered.name, [_told(error, path)]) from error
    finally:
        connection.close()
        if path != delivered:
            path.unlink()


def _read(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
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
        f"select row_number() over () as record_no, {columns}{absent} from read_csv({literal(str(path))}, "
        f"auto_detect=false, header=true, delim={literal(fmt.delimiter)}, quote='\"', escape='\"', "
        f"columns={{{types}}}, compression='none', max_line_size={LONGEST_LINE}, "
        f"store_rejects=true, rejects_limit={MANY_BROKEN})"
    )
    batch = write_batch(
        connection,
        f"select record_no as row_no, * exclude (record_no) from ({scan})",
        feed,
        out,
        pseudonym_key,
    )
    broken = connection.execute(
        "select line - 1 as row_no, any_value(error_type::varchar) as error_type, any_value(error_message) from reject_errors "
        "group by line order by line"
    ).fetchall()
    if not broken:
        return batch
    _refuse_unreadable(path, broken, len(header))
    # Rows that could not be split are missing from the count: put them back at their place, so that a row
    # number always names the same row of the file.
    whole = out.with_suffix(".whole.parquet")
    connection.execute("create temp table broken_row (row_no BIGINT, position BIGINT, broken VARCHAR)")
    connection.executemany(
        "insert into broken_row values (?, ?, ?)",
        [
            (row_no, row_no - index, _broken_text(kind, len(header)))
            for index, (row_no, kind, _) in enumerate(broken)
        ],
    )
    names = ", ".join(quoted(name) for name in feed.kept_columns)
    nulls = ", ".join(f"NULL as {quoted(name)}" for name in feed.kept_columns)
    connection.execute(
        f"""copy (
            select row_no + (select count(*) from broken_row where position <= batch.row_no) as row_no, {names}, parse_errors
            from {literal(str(out))} as batch
            union all
            select row_no, {nulls}, '[' || json_object('column', null, 'value', null, 'expected', broken) || ']'
            from broken_row
            order by row_no
        ) to {literal(str(whole))} (format parquet)"""
    )
    whole.replace(out)
    return Batch(out, batch.rows + len(broken), batch.facts)


def _broken_text(kind: str, columns: int) -> str:
    if kind == "MISSING COLUMNS":
        return f"строка из {columns} столбцов; столбцов меньше"
    if kind == "TOO MANY COLUMNS":
        return f"строка из {columns} столбцов; столбцов больше (лишний разделитель или кавычки не закрыты)"
    return "строка, которую можно разделить на столбцы (проверьте кавычки)"


def _refuse_unreadable(path: Path, broken: list[tuple[int, str, str]], columns: int) -> None:
    """Some breaks are not one row's: the file's encoding, a line without end, a file cut short."""
    for row_no, kind, message in broken:
        if kind == "INVALID ENCODING":
            raise DeliveryError(path.name, [_encoding_reason(path, row_no)])
        if kind == "LINE SIZE OVER MAXIMUM":
            raise DeliveryError(path.name, [_long_line_reason(row_no)])
        if len(broken) >= MANY_BROKEN:
            raise DeliveryError(
                path.name,
                [
                    Reason(
                        "file.columns",
                        f"Слишком много строк, где не {columns} столбцов ({message}).",
                        "Выгрузите файл заново.",
                        row_no,
                    )
                ],
            )
    last_row, kind, _ = broken[-1]
    if kind in ("MISSING COLUMNS", "UNQUOTED VALUE") and _is_cut(path, last_row + 1):
        raise DeliveryError(
            path.name,
            [
                Reason(
                    "file.whole",
                    "Файл обрывается посреди строки: передан не полностью.",
                    "Передайте файл заново целиком и сравните его размер с исходным.",
                    last_row,
                )
            ],
        )


def _is_cut(path: Path, line: int) -> bool:
    """Whether the file ends in ``line`` (from 1) without an end of line."""
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        if stream.read(1) in b"\r\n":
            return False
        stream.seek(0)
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b"")) + 1 <= line


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


def _header(path: Path, feed: Feed, fmt: CsvFormat) -> list[str]:
    with path.open("rb") as stream:
        line = stream.readline(LONGEST_LINE)
    if len(line) >= LONGEST_LINE:
        raise DeliveryError(path.name, [_long_line_reason(0)])
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DeliveryError(path.name, [_encoding_reason(path, 0)]) from error
    names = [name.strip() for name in next(csv.reader([text], delimiter=fmt.delimiter), [])]
    if len(names) == 1 and len(feed.columns) > 1:
        for other, title in DELIMITERS.items():
            if other != fmt.delimiter and text.count(other) >= len(feed.columns) // 2:
                raise _refused(
                    path,
                    "file.delimiter",
                    f"Столбцы разделены не тем знаком: {title}, ожидается {DELIMITERS.get(fmt.delimiter, fmt.delimiter)}.",
                    "Сохраните файл с нужным разделителем.",
                )
    reasons = [
        Reason("file.columns", f"Нет столбца «{name}».", _rename_hint(name, names, feed), 0, name)
        for name, column in feed.columns.items()
        if column.required and name not in names
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Лишний столбец «{name}».",
            "Уберите столбец или согласуйте его добавление: в неизвестном столбце могут быть персональные данные.",
            0,
            name,
        )
        for name in names
        if name not in feed.columns
    ]
    reasons += [
        Reason("file.columns", f"Столбец «{name}» повторяется.", "Оставьте один.", 0, name)
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if reasons:
        raise DeliveryError(path.name, reasons)
    return names


def _rename_hint(name: str, names: list[str], feed: Feed) -> str:
    close = difflib.get_close_matches(
        name, [given for given in names if given not in feed.columns], n=1, cutoff=0.5
    )
    given = f" Возможно, он переименован в «{close[0]}»." if close else ""
    return f"Ожидаются столбцы: {', '.join(feed.columns)}.{given}"


def _as_utf8(path: Path, out: Path, encoding: str) -> Path:
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
    return out


def _told(error: duckdb.Error, path: Path) -> Reason:
    """What DuckDB refuses, in the supplier's words."""
    text = str(error)
    if "line size" in text.lower():
        return _long_line_reason(None)
    if "unicode" in text.lower() or "utf-8" in text.lower() or "encoding" in text.lower():
        return _encoding_reason(path, None)
    return Reason(
        "file.format", f"Файл не читается как CSV: {text.splitlines()[0]}", "Выгрузите файл заново."
    )


def _encoding_reason(path: Path, row: int | None) -> Reason:
    line = _first_line_not_utf8(path)
    where = f" (строка файла {line})" if line else ""
    return Reason(
        "file.encoding",
        f"Файл не в кодировке UTF-8{where}; похоже на Windows-1251.",
        "Сохраните файл в UTF-8 (Excel: «CSV UTF-8»).",
        line - 1 if line else row,
    )


def _first_line_not_utf8(path: Path) -> int | None:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(LONGEST_LINE):
            number += 1
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return None


def _long_line_reason(row: int | None) -> Reason:
    return Reason(
        "file.line_length",
        f"Строка длиннее {LONGEST_LINE} байт: вероятно, не закрыты кавычки или нет концов строк.",
        "Проверьте кавычки и концы строк, выгрузите файл заново.",
        row,
    )


def _refused(path: Path, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(path.name, [Reason(expectation, message, remedy)])
