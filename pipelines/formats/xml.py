"""Records in XML, one row each: read as a stream, with the line where each record begins as its place.

A record is converted to what it would be in JSON (an element with attributes or children is an object, attributes begin with
``@``, its own text is ``$``; several of one name are a list), so paths are those of ``json_records``. A document type is
refused before any of it is read: entities could expand without limit, or read other files.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.parsers import expat

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import XmlFormat, same_name
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.json_document import KEPT_TEXT, is_kept
from pipelines.formats.json_records import SEVERAL, _column_sql
from pipelines.formats.typed import write_batch
from pipelines.json_path import SCALAR, Filter, JsonPath, ShapeError, parse_path, shown
from pipelines.memory import in_memory
from pipelines.sql import literal, quoted

CHUNK = 1 << 18
MANY_ROWS = 5_000
DEEPEST = 200
LARGEST_RECORD = 10_000_000
TEXT = "$"
AGAIN = "Выгрузите файл заново и передайте целиком."
ERRORS = expat.errors


def read(delivery: Delivery, feed: Feed, fmt: XmlFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read the records of one file, or of the pages of an answer. ``row_no`` counts them from 1.

    Raises:
        DeliveryError: a file is not well-formed XML, has a document type, or has no such records.
    """
    paths = {
        name: parse_path(column.from_path or f'"{name}"')
        for name, column in feed.kept_columns.items()
        if name not in fmt.above
    }
    texts = out.with_suffix(".texts.parquet")
    try:
        with _Rows(texts, [*feed.kept_columns]) as rows:
            for path in delivery.paths:
                if path.stat().st_size > feed.max_delivery_bytes:
                    message = f"Файл слишком велик: принимается не больше {feed.max_delivery_bytes} байт."
                    raise _refused(path.name, "file.size", message, "Разделите выгрузку по периодам.")
                _Document(path, fmt, paths, rows).read()
        columns = ", ".join(
            f"{_column_sql(name, paths[name], column) if name in paths else quoted(name)} as {quoted(name)}"
            for name, column in feed.kept_columns.items()
        )
        select = f"select row_no, row_place, broken, broken_column, {columns} from read_parquet({literal(str(texts))})"
        with in_memory(texts) as connection:
            return write_batch(connection, select, feed, out, pseudonym_key)
    finally:
        texts.unlink(missing_ok=True)


class _Rows:
    """Rows of text, written in groups."""

    def __init__(self, path: Path, names: list[str]) -> None:
        own = ["row_place", "broken", "broken_column"]
        self.schema = pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in [*names, *own])])
        self.writer = pq.ParquetWriter(path, self.schema)
        self.rows: list[dict[str, Any]] = []
        self.count = 0

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self.writer.close()

    def add(self, row: dict[str, Any]) -> None:
        self.count += 1
        self.rows.append({"row_no": self.count, **row})
        if len(self.rows) >= MANY_ROWS:
            self._flush()

    def _flush(self) -> None:
        self.writer.write_table(pa.Table.from_pylist(self.rows, self.schema))
        self.rows.clear()


class _Document:
    """The parser of one file."""

    def __init__(self, path: Path, fmt: XmlFormat, paths: dict[str, JsonPath], rows: _Rows) -> None:
        self.path, self.fmt, self.paths, self.rows = path, fmt, paths, rows
        self.lists = {tag for found in paths.values() for tag in _lists(found)}
        self.above = {column: same_path(text) for column, text in fmt.above.items()}
        self.constants: dict[str, str] = {}
        self.tags: list[str] = []
        self.texts: list[list[str]] = []
        self.nodes: list[dict[str, Any]] = []
        self.line = 0
        self.size = 0
        # the element that would contain the records exists: the list is empty, the document is the right one
        self.seen_parent = False
        self.is_at_root = fmt.records.startswith("/") or len(fmt.steps) > 1
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def read(self) -> None:
        before = self.rows.count
        try:
            with self.path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    self.parser.Parse(chunk, False)
                self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise self._unsound(error) from None
        except (LookupError, ValueError, UnicodeError):
            raise _refused(
                self.path.name,
                "file.encoding",
                "Кодировка файла не та, что в нём названа, или неизвестна.",
                "Передайте его в UTF-8.",
            ) from None
        if self.rows.count == before and not self.seen_parent:
            message = f"Нет записей по пути {self.fmt.records}."
            raise _refused(
                self.path.name, "xml.records", message, "Передайте ответ того же вида, что и прежде."
            )

    def _unsound(self, error: expat.ExpatError) -> DeliveryError:
        name, line = self.path.name, error.lineno
        if error.code in (
            expat.errors.codes[ERRORS.XML_ERROR_NO_ELEMENTS],
            expat.errors.codes[ERRORS.XML_ERROR_UNCLOSED_TOKEN],
            expat.errors.codes[ERRORS.XML_ERROR_PARTIAL_CHAR],
        ):
            return _refused(
                name, "file.whole", f"Файл обрывается (строка файла {line}): передан не полностью.", AGAIN
            )
        return _refused(name, "xml.sound", f"Это не правильный XML: ошибка в строке файла {line}.", AGAIN)

    def _doctype(self, *_: object) -> None:
        message = "В файле объявлен тип документа (DOCTYPE): такие файлы не читаются."
        raise _refused(
            self.path.name, "xml.doctype", message, "Передайте XML без DOCTYPE и своих сущностей (ENTITY)."
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.tags.append(same_name(tag))
        if len(self.tags) > DEEPEST:
            raise _refused(self.path.name, "xml.depth", f"Элементы вложены глубже {DEEPEST}.", AGAIN)
        self.texts.append([])
        if self.nodes or self._is_record():
            if not self.nodes:
                self.line, self.size = self.parser.CurrentLineNumber, 0
            self.size += sum(map(len, attributes.values())) + len(tag)
            self._refuse_large()
            self.nodes.append({f"@{same_name(name)}": value for name, value in attributes.items()})
            return
        steps = self.fmt.steps[:-1]
        if steps and tuple(self.tags[-len(steps) :]) == steps:
            self.seen_parent = True
        for column, path in self.above.items():
            if path[-1].startswith("@") and tuple(self.tags) == path[:-1]:
                wanted = path[-1][1:]
                found = [value for name, value in attributes.items() if same_name(name) == wanted]
                if found:
                    self.constants[column] = found[0]

    def _is_record(self) -> bool:
        steps = self.fmt.steps
        tags = tuple(self.tags)
        return tags == steps if self.is_at_root else tags[-1:] == steps

    def _text(self, text: str) -> None:
        if self.nodes or self.above:
            self.texts[-1].append(text)
            if self.nodes:
                self.size += len(text)
                self._refuse_large()

    def _refuse_large(self) -> None:
        if self.size > LARGEST_RECORD:
            message = f"Запись больше {LARGEST_RECORD} знаков (строка файла {self.line})."
            raise _refused(self.path.name, "xml.size", message, AGAIN)

    def _end(self, _tag: str) -> None:
        path = tuple(self.tags)
        tag, text = self.tags.pop(), "".join(self.texts.pop()).strip()
        if not self.nodes:
            for column, place in self.above.items():
                if place == path:
                    self.constants[column] = text
            return
        node = self.nodes.pop()
        if text:
            node[TEXT] = text
        if not self.nodes:
            self._add(node)
            return
        # an element that contains only text becomes a plain value
        value: Any = node if node.keys() - {TEXT} else node.get(TEXT)
        parent = self.nodes[-1]
        if tag in parent or tag in self.lists:
            given = parent.setdefault(tag, [])
            if not isinstance(given, list):
                parent[tag] = given = [given]
            given.append(value)
        else:
            parent[tag] = value

    def _add(self, record: dict[str, Any]) -> None:
        row: dict[str, Any] = {"row_place": f"{self.path.name}, строка файла {self.line}", **self.constants}
        for name, path in self.paths.items():
            try:
                found = path.find(record)
            except ShapeError as error:
                row.setdefault("broken", str(error))
                row.setdefault("broken_column", name)
                continue
            texts = [_scalar(value) for value in found]
            if None in texts:
                row.setdefault("broken", f"поле {shown(path.alternatives[0])} должно быть {SCALAR}")
                row.setdefault("broken_column", name)
                continue
            text = SEVERAL.join(dict.fromkeys(map(str, texts))) if texts else None
            if text is not None and not is_kept(text):
                row |= {"broken": KEPT_TEXT, "broken_column": name}
                continue
            row[name] = text
        self.rows.add(row)


def _scalar(value: Any) -> str | None:
    """The text of a value; for an element with attributes, its own text."""
    if isinstance(value, dict) and all(key == TEXT or key.startswith("@") for key in value):
        value = value.get(TEXT)
    return value if isinstance(value, str) else None


def _lists(path: JsonPath) -> set[str]:
    """The names followed by an index or a filter: elements that are a list even if there is only one."""
    found = set()
    for steps in path.alternatives:
        for before, step in pairwise(steps):
            if isinstance(step, int | Filter) and isinstance(before, str):
                found.add(before)
    return found


def same_path(path: str) -> tuple[str, ...]:
    """The element names of a path from the root."""
    return tuple(path.strip("/").split("/"))


def _refused(file: str, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(file, [Reason(expectation, message, remedy)])
