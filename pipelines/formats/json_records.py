"""Records in JSON: one row for each; ``row_no`` counts them through all files of a delivery, from 1.

``records`` of the format is the path of the list of records in a file, ``from_path`` of a column the path of its value
in a record; the syntax of paths: :mod:`pipelines.json_path`. A delivery is one file, or a whole snapshot of pages
(:mod:`pipelines.formats.snapshot`). Only declared columns are read, so what is not declared (above all about persons)
never becomes part of a row.

Numbers keep their digits as written. Several different values under one path are joined (``1 | 2``), so that the type or
the suite refuses them. One file at a time is held in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import JsonRecordsFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats import clock
from pipelines.formats.json_document import (
    KEPT_TEXT,
    MANY_REASONS,
    Digits,
    is_kept,
    read_document,
)
from pipelines.formats.snapshot import (
    LARGEST_PAGE,
    is_snapshot,
    refuse_other_total,
    whole_snapshot,
)
from pipelines.formats.typed import write_batch
from pipelines.json_path import SCALAR, JsonPath, ShapeError, parse_path, scalar_text, shown
from pipelines.memory import in_memory
from pipelines.sql import literal, quoted

# how many rows are collected in Python before they are written
MANY_ROWS = 5_000
ODD = object()
SEVERAL = " | "
KINDS = {list: "массив", dict: "объект", str: "текст", bool: "логическое значение", type(None): "null"}

# Receives the records of the first file and what is wrong with the form of each; may raise DeliveryError
FormCheck = Callable[[str, list[Any], list[str | None]], None]

Form = Callable[[dict[str, Any]], dict[str, Any]]


def read(delivery: Delivery, feed: Feed, fmt: JsonRecordsFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read the records of a delivery.

    Raises:
        DeliveryError: a file is not strict JSON or has no such list, or the snapshot is incomplete.
    """
    return read_records(
        delivery, feed, parse_path(fmt.records), out, pseudonym_key, _refuse_other_form, fmt.decimal_comma
    )


def read_records(
    delivery: Delivery,
    feed: Feed,
    records: JsonPath,
    out: Path,
    pseudonym_key: str,
    check_form: FormCheck,
    decimal_comma: bool = False,
    form: Form | None = None,
) -> Batch:
    """Read the records of a delivery; ``check_form`` may refuse the first file with records.

    ``form`` turns a record into the form that the paths know; without it, records are taken as they are.
    """
    snapshot, files = whole_snapshot(delivery) if is_snapshot(delivery) else (None, delivery.paths)
    paths = {name: parse_path(column.from_path or f'"{name}"') for name, column in feed.kept_columns.items()}
    words = records.words.union(*(path.words for path in paths.values()))
    largest = min(LARGEST_PAGE, feed.max_delivery_bytes)
    texts = out.with_suffix(".texts.parquet")
    try:
        with _Writer(texts, paths) as writer:
            for path in files:
                items = _records(read_document(path, largest, words), records, path.name, writer.rows)
                is_first = writer.rows == 0
                problems = writer.add([one and form(one) for one in items] if form else items)
                if is_first and items:
                    check_form(path.name, items, problems)
        facts: dict[str, Any] = {}
        if snapshot is not None:
            refuse_other_total(snapshot, writer.rows)
            facts = {"total": snapshot.total}
        with in_memory(texts) as connection:
            return write_batch(
                connection, _rows_sql(texts, paths, feed, decimal_comma), feed, out, pseudonym_key, facts
            )
    finally:
        texts.unlink(missing_ok=True)


def _records(document: Any, records: JsonPath, file: str, rows_before: int) -> list[Any]:
    """The records of a file; if they are not records, nothing of their content is quoted."""
    try:
        found = records.find(document)
    except ShapeError:
        found = [document]
    body = found[0] if found else None
    if not isinstance(body, list):
        is_error = isinstance(body, dict) and {"code", "reason"} <= body.keys()
        given = "описание ошибки (code, reason)" if is_error else kind_of(body)
        where = shown(records.alternatives[0]) if records.words else "файл"
        message = f"Ожидается массив записей ({where}), получено: {given}."
        remedy = "Запросите данные заново; если повторится, проверьте сервер, который их передаёт."
        raise DeliveryError(file, [Reason("page.array", message, remedy)])
    reasons = (
        Reason(
            "page.array",
            f"Запись должна быть объектом, получено: {kind_of(one)}.",
            "Исправьте ответ сервера.",
            row=rows_before + number,
        )
        for number, one in enumerate(body, start=1)
        if one is not None and not isinstance(one, dict)
    )
    if refused := list(islice(reasons, MANY_REASONS)):
        raise DeliveryError(file, refused)
    return body


def _refuse_other_form(file: str, items: list[Any], problems: list[str | None]) -> None:  # noqa: ARG001
    """One odd record goes to quarantine; a first file with odd records only is from another interface."""
    if problems and all(problems):
        message = f"Ни одна запись не имеет объявленной формы: {problems[0]}."
        remedy = "Проверьте, ту ли версию интерфейса передаёт источник; пути значений объявлены в source.yml (from_path)."
        raise DeliveryError(file, [Reason("records.form", message, remedy, row=1)])


@dataclass
class _Writer:
    """Writes the texts of records as Parquet, a group of rows at a time."""

    path: Path
    paths: dict[str, JsonPath]
    rows: int = 0
    columns: dict[str, list[str | None]] = field(default_factory=dict)

    def __enter__(self) -> _Writer:
        names = (*self.paths, "broken", "broken_column")
        self.schema = pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in names)])
        self.writer = pq.ParquetWriter(self.path, self.schema)
        self.columns = {name: [] for name in names}
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self.writer.close()

    def add(self, items: list[Any]) -> list[str | None]:
        """Add records; returns what is wrong with the form of each, or None."""
        columns = [(name, path, self.columns[name].append) for name, path in self.paths.items()]
        broken, broken_column = self.columns["broken"], self.columns["broken_column"]
        before = len(broken)
        for item in items:
            problem = blamed = None
            indices: dict[tuple[tuple[str, ...], str], Any] = {}
            for name, path, append in columns:
                text = _plain_text(item, path, indices)
                if text is ODD:
                    text, wrong = _text(item, path)
                    if wrong is not None and problem is None:
                        problem, blamed = wrong, name
                append(text)
            broken.append(problem)
            broken_column.append(blamed)
        self.rows += len(items)
        found = [None if problem == KEPT_TEXT else problem for problem in broken[before:]]
        if len(broken) >= MANY_ROWS:
            self._flush()
        return found

    def _flush(self) -> None:
        count = len(self.columns["broken"])
        first = self.rows - count + 1
        arrays = [pa.array(range(first, first + count), pa.int64())]
        arrays += [pa.array(values, pa.string()) for values in self.columns.values()]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        for values in self.columns.values():
            values.clear()


def _plain_text(record: Any, path: JsonPath, indices: dict[tuple[tuple[str, ...], str], Any]) -> Any:
    """The text at a path, or ``ODD`` if it is anything but a plain text or integer. The quick way for nearly all values.

    ``indices`` caches, for one record, the items of each list by the key that filters use.
    """
    if not path.lookups:
        return ODD
    for lookup in path.lookups:
        value, keys = record, lookup.head
        if lookup.filter is not None:
            place = (lookup.head, lookup.filter.key)
            index = indices.get(place)
            if index is None:
                index = indices[place] = _index(record, *place)
            if index is ODD:
                return ODD
            value, keys = index.get(lookup.filter.value), lookup.tail
        for key in keys:
            if value is None:
                break
            if value.__class__ is not dict:
                return ODD
            value = value.get(key)
        if value is None:
            continue
        if value.__class__ is str and is_kept(value):
            return value
        return str(value) if value.__class__ is int else ODD
    return None


def _index(record: Any, head: tuple[str, ...], by: str) -> Any:
    """The items of a list by one of their keys; ``ODD`` if two are equal, one is not a text, or it is not a list."""
    value = record
    for key in head:
        if value is None:
            break
        if value.__class__ is not dict:
            return ODD
        value = value.get(key)
    if value is None:
        return {}
    if value.__class__ is not list:
        return ODD
    index = {}
    for item in value:
        name = item.get(by) if item.__class__ is dict else None
        if name.__class__ is not str or name in index:
            return ODD
        index[name] = item
    return index


def _text(record: Any, path: JsonPath) -> tuple[str | None, str | None]:
    """The text at a path, and what is expected there if it is not a text that can be stored."""
    try:
        found = path.find(record)
    except ShapeError as error:
        return None, str(error)
    texts = [_written(value) for value in found]
    if None in texts:
        return None, f"поле {shown(path.alternatives[0])} должно быть {SCALAR}"
    text = SEVERAL.join(dict.fromkeys(filter(None, texts))) if len(texts) > 1 else texts[0] if texts else None
    return (text, None) if text is None or is_kept(text) else (None, KEPT_TEXT)


def _written(value: Any) -> str | None:
    """A value as text; a number with its digits, without an exponent."""
    if isinstance(value, Digits):
        return format(Decimal(value.digits), "f") if "e" in value.digits.lower() else value.digits
    return scalar_text(value)


def _rows_sql(texts: Path, paths: dict[str, JsonPath], feed: Feed, decimal_comma: bool = False) -> str:
    columns = ", ".join(
        f"{_column_sql(name, paths[name], column, decimal_comma)} as {quoted(name)}"
        for name, column in feed.kept_columns.items()
    )
    return f"select row_no, broken, broken_column, {columns} from read_parquet({literal(str(texts))})"


def _column_sql(name: str, path: JsonPath, column: Column, decimal_comma: bool = False) -> str:
    text = quoted(name)
    if path.pattern:
        text = f"nullif(regexp_extract({text}, {literal(path.pattern)}, 1), '')"
    if decimal_comma and column.type == "decimal":
        # a number of JSON has a point; only a text can have a comma
        text = f"case when regexp_full_match({text}, '[+-]?[0-9]+,[0-9]+') then replace({text}, ',', '.') else {text} end"
    if column.type == "date" and column.format is None:
        # the day of a date-time (RFC 3339) is the day in the column's time zone, whatever offset the server writes
        day = f"({clock.iso_sql(text, column.time_zone)})::DATE::VARCHAR"
        text = f"coalesce(case when regexp_full_match({text}, '{clock.WITH_TIME}') then {day} end, {text})"
    return text


def kind_of(value: object) -> str:
    """The JSON type of a value, in Russian."""
    return KINDS.get(type(value), "число")
