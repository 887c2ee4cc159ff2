"""Pages of TM Forum TMF639 v4 resources: one row for each resource, its place in the snapshot is ``row_no``.

A delivery holds the answers of the inventory as they came (``page-00001.json`` …, each a JSON array of
``Resource``) and ``snapshot.json``, which says how many there must be. Only the parts of a resource that a
declared column asks for are looked at, so what is not declared (persons above all) never becomes a row.
``from_path`` of a column:

* ``category``: a field of the resource;
* ``place.id``: a field of an object in it;
* ``resourceCharacteristic[soato]``: the value of the characteristic with that name;
* ``resourceRelationship[containedIn]``: the identifier of the resource that it is related to in that way;
* any of these followed by `` ~ <regular expression>``: the part of the text that the first group matches.

Each page is proved to be strict JSON first (about 25 µs a resource); rows are then made by DuckDB, set by set.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.declarations.sources import Column, Feed, Tmf639Format
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeclarationError, DeliveryError, Reason
from pipelines.formats import clock
from pipelines.formats.json_document import KEPT_TEXT, MANY_REASONS, JsonError, parse, plain
from pipelines.formats.typed import write_batch
from pipelines.sql import literal, quoted

SNAPSHOT = "snapshot.json"
LARGEST_PAGE = 100_000_000
LISTS = {
    "resourceCharacteristic": '[{"name":"VARCHAR","value":"JSON"}]',
    # The two published files of v4.0.0 differ: the related resource is under "resource", or beside the type.
    "resourceRelationship": '[{"relationshipType":"VARCHAR","id":"VARCHAR","resource":{"id":"VARCHAR"}}]',
}
LIST_VALUES = {
    "resourceCharacteristic": ("name", "item.value ->> '$'"),
    "resourceRelationship": ("relationshipType", "coalesce(item.resource.id, item.id)"),
}
JSON_TYPES = {list: "массив", dict: "объект", str: "текст", bool: "логическое значение", type(None): "null"}
WORDS = {"name", "value", "relationshipType", "id", "resource"}
V5_ONLY = {"lifecycleState", "alarmStatus", "availabilityStatus", "supportingResource", "externalIdentifier"}


class Snapshot(BaseModel):
    """What ``snapshot.json`` says: nothing in it changes from pull to pull of the same inventory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    pages: int = Field(ge=1, le=1_000_000)
    total: int = Field(ge=0, description="X-Total-Count of every page")


def page_name(number: int) -> str:
    """File name of page ``number`` (from 1)."""
    return f"page-{number:05}.json"


@dataclass(frozen=True)
class FieldPath:
    """A parsed ``from_path``: a field of the resource, and where the value stands in it."""

    field: str
    key: str | None = None
    item: str | None = None
    pattern: str | None = None


PATH = re.compile(r"(?P<field>[@\w]+)(?:\.(?P<key>[@\w]+)|\[(?P<item>[^\]]+)\])?(?: ~ (?P<pattern>.+))?")


def parse_path(text: str) -> FieldPath:
    """Parse a ``from_path``.

    Raises:
        DeclarationError: it is written in none of the forms above.
    """
    match = PATH.fullmatch(text)
    if match is None or (match["item"] and match["field"] not in LISTS):
        raise DeclarationError(
            f"from_path {text!r} cannot be read",
            f"Write field, field.key or list[name]; the lists are {', '.join(LISTS)}.",
        )
    return FieldPath(match["field"], match["key"], match["item"], match["pattern"])


def read(delivery: Delivery, feed: Feed, fmt: Tmf639Format, out: Path, pseudonym_key: str) -> Batch:  # noqa: ARG001
    """Read the pages of a snapshot. ``row_no`` counts resources through all pages from 1.

    Raises:
        DeliveryError: the snapshot is not whole, a page is no JSON array of resources, or they are not v4.
    """
    snapshot, pages = _whole(delivery)
    paths = {name: parse_path(column.from_path or name) for name, column in feed.kept_columns.items()}
    words = WORDS | {part for path in paths.values() for part in (path.field, path.key) if part}
    connection = duckdb.connect()
    try:
        with TemporaryDirectory(dir=out.parent) as folder:
            proved = _proved(pages, words, Path(folder))
            if proved.rows != snapshot.total:
                message = (
                    f"Сервер назвал {snapshot.total} ресурсов (X-Total-Count), в страницах их {proved.rows}."
                )
                remedy = "Снимите учёт заново: снимок принимается только целиком."
                raise DeliveryError(SNAPSHOT, [Reason("snapshot.whole", message, remedy)])
            _refuse_other_version(connection, proved, paths, feed.kept_columns)
            rows_sql = _rows_sql(proved.pages, paths, feed.kept_columns, proved.has_unkept)
            return write_batch(connection, rows_sql, feed, out, pseudonym_key, {"total": snapshot.total})
    except duckdb.IOException:
        raise  # of a file, not of what is in it
    # DuckDB's message quotes the resource, which may name persons: it is not carried on.
    except duckdb.Error:
        out.unlink(missing_ok=True)
        message = "Страницы – верный JSON, но таблица из них не получилась; причина не установлена."
        remedy = "Передайте снимок администратору хранилища: это ошибка чтения, а не учёта."
        raise DeliveryError(pages[0].name, [Reason("page.table", message, remedy)]) from None
    finally:
        connection.close()


@dataclass(frozen=True)
class _Proved:
    """Pages of strict JSON, each an array of objects (or null): the files to read, and what is in them."""

    pages: list[Path]
    rows: int
    first: list[Any]
    has_unkept: bool


def _proved(pages: list[Path], words: Collection[str], folder: Path) -> _Proved:
    """Look through the pages; one with a mark of order of bytes or half a surrogate pair is copied without, to ``folder``.

    Raises:
        DeliveryError: a page is too large, no strict JSON, or no array of resources.
    """
    files: list[Path] = []
    first: list[Any] = []
    rows, has_unkept = 0, False
    for page in pages:
        if page.stat().st_size > LARGEST_PAGE:
            message = f"Страница больше {LARGEST_PAGE} байт."
            remedy = "Уменьшите page_size источника."
            raise DeliveryError(page.name, [Reason("file.size", message, remedy)])
        content = page.read_bytes()
        try:
            body = parse(content, words)
        except JsonError as error:
            raise DeliveryError(page.name, error.reasons) from None
        if reasons := list(islice(_not_resources(body, rows), MANY_REASONS)):
            raise DeliveryError(page.name, reasons)
        given = plain(content)
        files.append(page if given == content else folder / page.name)
        if given != content:
            files[-1].write_bytes(given)
        has_unkept |= b"\\u0000" in given
        first = first or body
        rows += len(body)
    return _Proved(files, rows, first, has_unkept)


def _not_resources(body: Any, rows_before: int) -> Iterator[Reason]:
    """What of a page is no resource; nothing of its content is quoted."""
    if not isinstance(body, list):
        is_error = isinstance(body, dict) and {"code", "reason"} <= body.keys()
        said = "описание ошибки (code, reason)" if is_error else _kind(body)
        remedy = "Запросите снимок заново; если повторится, проверьте сервер учёта."
        yield Reason("page.array", f"Ожидается массив ресурсов, получено: {said}.", remedy)
        return
    for number, one in enumerate(body, start=1):
        if one is not None and not isinstance(one, dict):
            message = f"Ресурс должен быть объектом, получено: {_kind(one)}."
            yield Reason("page.array", message, "Исправьте ответ сервера.", row=rows_before + number)


def _whole(delivery: Delivery) -> tuple[Snapshot, list[Path]]:
    """The snapshot's description and its pages in order; refused if a page is missing."""
    pages = sorted(
        (path for path in delivery.paths if re.fullmatch(r"page-\d+\.json", path.name)),
        key=lambda path: (len(path.name), path.name),
    )
    remedy = "Снимите учёт заново: снимок принимается только целиком."
    try:
        snapshot = Snapshot.model_validate(parse((delivery.folder / SNAPSHOT).read_bytes()))
    except FileNotFoundError:
        reason = Reason("snapshot.whole", f"Нет файла {SNAPSHOT}: полнота не доказана.", remedy)
        raise DeliveryError(SNAPSHOT, [reason]) from None
    except (JsonError, ValidationError):
        reason = Reason("snapshot.whole", "Описание повреждено: нужны base_url, pages, total.", remedy)
        raise DeliveryError(SNAPSHOT, [reason]) from None
    expected = [page_name(number) for number in range(1, snapshot.pages + 1)]
    if [path.name for path in pages] != expected:
        missing = sorted(set(expected) - {path.name for path in pages})
        said = f"нет {', '.join(missing[:5])}" if missing else "есть лишние страницы"
        message = f"В снимке должно быть страниц: {snapshot.pages}, передано: {len(pages)} ({said})."
        raise DeliveryError(SNAPSHOT, [Reason("snapshot.whole", message, remedy)])
    return snapshot, pages


def _rows_sql(
    pages: list[Path], paths: dict[str, FieldPath], columns: dict[str, Column], has_unkept: bool
) -> str:
    """SQL that yields ``row_no``, ``broken`` and each column as text, in one pass over the pages.

    ``has_unkept``: some text may have U+0000; where a column does, the row is broken and the column empty.
    """
    fields = sorted({path.field for path in paths.values()})
    types = ", ".join(f"{literal(field)}: 'JSON'" for field in fields)
    files = ", ".join(literal(str(page)) for page in pages)
    lists = "".join(
        f", from_json({quoted(field)}, {literal(shape)}) as {quoted(field + '[]')}"
        for field, shape in LISTS.items()
        if any(path.field == field and path.item for path in paths.values())
    )
    texts = ", ".join(f"{_text(paths[name], column)} as {quoted(name)}" for name, column in columns.items())
    longest = max(page.stat().st_size for page in pages)
    read = f"select row_no, {_broken(list(paths.values()))} as broken, {texts} from opened"
    if has_unkept:
        found = " ".join(f"when contains({quoted(name)}, chr(0)) then {literal(name)}" for name in columns)
        kept = ", ".join(
            f"case when not contains({quoted(name)}, chr(0)) then {quoted(name)} end as {quoted(name)}"
            for name in columns
        )
        read = f"""
            select row_no, coalesce(broken, case when broken_column is not null then {literal(KEPT_TEXT)} end) as broken,
                broken_column, {kept}
            from (select *, case {found} end as broken_column from ({read}))"""
    return f"""
        with resource as (
            select row_number() over () as row_no, {", ".join(map(quoted, fields))}
            from read_json([{files}], format='array', columns={{{types}}}, compression='uncompressed',
                maximum_object_size={max(longest, 16_000_000)})
        ),
        opened as (select *{lists} from resource)
        {read}"""


def _text(path: FieldPath, column: Column) -> str:
    """SQL of a column's text."""
    if path.item:
        name, value = LIST_VALUES[path.field]
        # Two different values under one name: both are shown, so that the type or the suite refuses them.
        text = (
            f"list_aggregate(list_distinct(list_transform(list_filter({quoted(path.field + '[]')}, "
            f"lambda item: item.{quoted(name)} = {literal(path.item)}), lambda item: {value})), "
            "'string_agg', ' | ')"
        )
    else:
        key = literal(f'$."{path.key}"' if path.key else "$")
        text = f"({quoted(path.field)} ->> {key})"
    if path.pattern:
        text = f"nullif(regexp_extract({text}, {literal(path.pattern)}, 1), '')"
    if column.type == "date" and column.format is None:
        # the day of a date-time (RFC 3339) is the day on the column's clock, whatever offset the server writes
        day = f"({clock.iso_sql(text, column.time_zone)})::DATE::VARCHAR"
        text = f"coalesce(case when regexp_full_match({text}, '{clock.WITH_TIME}') then {day} end, {text})"
    return text


def _broken(paths: list[FieldPath]) -> str:
    """SQL: what a resource should look like, where it does not; NULL where it does."""
    shapes = {path.field: "ARRAY" if path.item else "OBJECT" if path.key else "" for path in paths}
    checks = []
    for field, shape in shapes.items():
        found = f"coalesce(json_type({quoted(field)}), 'NULL')"
        if shape:
            condition = f"{found} not in ('NULL', '{shape}')"
            said = "массивом" if shape == "ARRAY" else "объектом"
        else:
            condition = f"{found} in ('ARRAY', 'OBJECT')"
            said = "текстом или числом"
        checks.append((condition, f"поле {field} должно быть {said} (TMF639 v4)"))
    return "case " + " ".join(f"when {condition} then {literal(said)}" for condition, said in checks) + " end"


def _refuse_other_version(
    connection: duckdb.DuckDBPyConnection,
    proved: _Proved,
    paths: dict[str, FieldPath],
    columns: dict[str, Column],
) -> None:
    """One odd resource is kept back; a first page of odd resources alone is another interface."""
    rows_sql = _rows_sql(proved.pages[:1], paths, columns, has_unkept=False)
    odd = connection.execute(
        f"select count(*), count(broken), any_value(broken) from ({rows_sql})"
    ).fetchone()
    if odd is None or odd[0] == 0 or odd[1] < odd[0]:
        return
    v5 = any(isinstance(one.get("place"), list) or V5_ONLY & one.keys() for one in proved.first if one)
    message = (
        "Ресурсы переданы в форме TMF639 v5, а источник объявлен как v4."
        if v5
        else f"Ни один ресурс первой страницы не соответствует TMF639 v4: {odd[2]}."
    )
    remedy = "Укажите адрес интерфейса версии v4 (…/resourceInventoryManagement/v4)."
    raise DeliveryError(proved.pages[0].name, [Reason("protocol.version", message, remedy, row=1)])


def _kind(value: object) -> str:
    return JSON_TYPES.get(type(value), "число")
