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
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.declarations.sources import Column, Feed, Tmf639Format
from pipelines.errors import DeclarationError, DeliveryError, Reason
from pipelines.formats.typed import literal, quoted, write_batch
from pipelines.loading.delivery import Batch, Delivery

SNAPSHOT = "snapshot.json"
LONGEST_RESOURCE_BYTES = 16_000_000
MOST_REASONS = 20
# The calendar day of a moment is the day in Belarus, whatever offset the server writes.
CLOCK = "Europe/Minsk"

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
V5_ONLY = {"lifecycleState", "alarmStatus", "availabilityStatus", "supportingResource", "externalIdentifier"}


class Snapshot(BaseModel):
    """What ``snapshot.json`` says: nothing in it changes from pull to pull of the same inventory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    pages: int = Field(ge=1)
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
    rows_sql = _rows_sql(pages, paths, feed.kept_columns)
    connection = duckdb.connect()
    try:
        _refuse_other_version(connection, pages[0], paths, feed.kept_columns)
        batch = write_batch(connection, rows_sql, feed, out, pseudonym_key, {"total": snapshot.total})
    # DuckDB's message quotes the resource, which may name persons: it is not carried on.
    except (duckdb.Error, UnicodeDecodeError):
        out.unlink(missing_ok=True)
        raise _diagnosis(pages) from None
    finally:
        connection.close()
    if batch.rows != snapshot.total:
        out.unlink(missing_ok=True)
        raise _diagnosis(pages, snapshot.total, batch.rows)
    return batch


def _whole(delivery: Delivery) -> tuple[Snapshot, list[Path]]:
    """The snapshot's description and its pages in order; refused if a page is missing."""
    pages = sorted(
        (path for path in delivery.paths if re.fullmatch(r"page-\d+\.json", path.name)),
        key=lambda path: (len(path.name), path.name),
    )
    remedy = "Снимите учёт заново: снимок принимается только целиком."
    try:
        snapshot = Snapshot.model_validate_json((delivery.folder / SNAPSHOT).read_bytes())
    except FileNotFoundError:
        reason = Reason("snapshot.whole", f"Нет файла {SNAPSHOT}: полнота не доказана.", remedy)
        raise DeliveryError(SNAPSHOT, [reason]) from None
    except ValidationError:
        reason = Reason("snapshot.whole", "Описание повреждено: нужны base_url, pages, total.", remedy)
        raise DeliveryError(SNAPSHOT, [reason]) from None
    expected = [page_name(number) for number in range(1, snapshot.pages + 1)]
    if [path.name for path in pages] != expected:
        missing = sorted(set(expected) - {path.name for path in pages})
        said = f"нет {', '.join(missing[:5])}" if missing else "есть лишние страницы"
        message = f"В снимке должно быть страниц: {snapshot.pages}, передано: {len(pages)} ({said})."
        raise DeliveryError(SNAPSHOT, [Reason("snapshot.whole", message, remedy)])
    return snapshot, pages


def _rows_sql(pages: list[Path], paths: dict[str, FieldPath], columns: dict[str, Column]) -> str:
    """SQL that yields ``row_no``, ``broken`` and each column as text, in one pass over the pages."""
    fields = sorted({path.field for path in paths.values()})
    types = ", ".join(f"{literal(field)}: 'JSON'" for field in fields)
    files = ", ".join(literal(str(page)) for page in pages)
    lists = "".join(
        f", from_json({quoted(field)}, {literal(shape)}) as {quoted(field + '[]')}"
        for field, shape in LISTS.items()
        if any(path.field == field and path.item for path in paths.values())
    )
    texts = ", ".join(f"{_text(paths[name], column)} as {quoted(name)}" for name, column in columns.items())
    return f"""
        with resource as (
            select row_number() over () as row_no, {", ".join(map(quoted, fields))}
            from read_json([{files}], format='array', columns={{{types}}}, compression='uncompressed',
                maximum_object_size={LONGEST_RESOURCE_BYTES})
        ),
        opened as (select *{lists} from resource)
        select row_no, {_broken(list(paths.values()))} as broken, {texts} from opened"""


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
    if column.type in ("date", "timestamp") and column.format is None:
        text = _local_time(text, column.type)
    return text


def _local_time(text: str, kind: str) -> str:
    """SQL: a date-time of RFC 3339 as date or time on the clock of Belarus; other texts stay as they are."""
    sql_type = "DATE" if kind == "date" else "TIMESTAMP"
    with_offset = r"\d{4}-\d{2}-\d{2}[Tt].+([Zz]|[+-]\d{2}:?\d{2})"
    without = r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
    local = f"try_cast({text} as TIMESTAMPTZ) at time zone {literal(CLOCK)}"
    return (
        f"coalesce((case when regexp_full_match({text}, '{with_offset}') then {local} "
        f"when regexp_full_match({text}, '{without}') then try_cast({text} as TIMESTAMP) end)"
        f"::{sql_type}::VARCHAR, {text})"
    )


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
    connection: duckdb.DuckDBPyConnection, page: Path, paths: dict[str, FieldPath], columns: dict[str, Column]
) -> None:
    """One odd resource is kept back; a first page of odd resources alone is another interface."""
    odd = connection.execute(
        f"select count(*), count(broken), any_value(broken) from ({_rows_sql([page], paths, columns)})"
    ).fetchone()
    if odd is None or odd[0] == 0 or odd[1] < odd[0]:
        return
    resources = json.loads(page.read_bytes().decode("utf-8-sig"))
    v5 = any(isinstance(one.get("place"), list) or V5_ONLY & one.keys() for one in resources)
    message = (
        "Ресурсы переданы в форме TMF639 v5, а источник объявлен как v4."
        if v5
        else f"Ни один ресурс первой страницы не соответствует TMF639 v4: {odd[2]}."
    )
    remedy = "Укажите адрес интерфейса версии v4 (…/resourceInventoryManagement/v4)."
    raise DeliveryError(page.name, [Reason("protocol.version", message, remedy, row=1)])


def _diagnosis(pages: list[Path], total: int | None = None, read_rows: int | None = None) -> DeliveryError:
    """Why the pages cannot be read, found by looking at each (slow, and only after reading failed)."""
    reasons: list[Reason] = []
    first_file = ""
    rows_before = 0
    for page in pages:
        found, rows = _page_reasons(page, rows_before)
        if found and not first_file:
            first_file = page.name
        reasons += found
        rows_before += rows
        if len(reasons) >= MOST_REASONS:
            break
    if reasons:
        return DeliveryError(first_file, reasons[:MOST_REASONS])
    if total is not None:
        message = f"Сервер назвал {total} ресурсов (X-Total-Count), в страницах их {read_rows}."
        remedy = "Снимите учёт заново: снимок принимается только целиком."
        return DeliveryError(SNAPSHOT, [Reason("snapshot.whole", message, remedy)])
    longest = LONGEST_RESOURCE_BYTES // 1_000_000
    message = f"Страницы не удалось прочитать: ресурс длиннее {longest} МБ или вложен слишком глубоко."
    return DeliveryError(pages[0].name, [Reason("page.json", message, "Сократите описание ресурса в учёте.")])


class _RepeatedKeyError(ValueError):
    """An object of a page has one key twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    repeated = next((key for key in keys if keys.count(key) > 1), None)
    if repeated is not None:
        raise _RepeatedKeyError(repeated)
    return dict(pairs)


def _page_reasons(page: Path, rows_before: int) -> tuple[list[Reason], int]:
    """What is wrong with one page, and how many resources it holds. Nothing of its content is quoted."""
    again = "Запросите снимок заново; если повторится, проверьте сервер учёта."
    data = page.read_bytes()
    if not data.strip():
        return [Reason("page.json", "Страница пуста.", again)], 0
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"Страница не в кодировке UTF-8 (байт {error.start + 1})."
        return [Reason("page.json", message, "Отдавайте JSON в UTF-8.")], 0
    if text.lstrip().startswith("<"):
        message = "Вместо JSON передана страница HTML или XML (вход в систему, прокси, ошибка сервера)."
        return [
            Reason("page.json", message, "Проверьте адрес, доступ и прокси, затем снимите учёт заново.")
        ], 0
    try:
        body = json.loads(text, object_pairs_hook=_once)
    except _RepeatedKeyError as error:
        message = f"В одном объекте дважды стоит ключ {str(error)[:40]!r}."
        return [Reason("page.json", message, "Каждый ключ объекта должен встречаться один раз.")], 0
    except json.JSONDecodeError as error:
        where = f"строка {error.lineno}, знак {error.colno}"
        cut = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        message = (
            f"JSON обрывается ({where}): страница передана не полностью." if cut else f"Ошибка JSON: {where}."
        )
        return [Reason("page.json", message, again)], 0
    except RecursionError:
        return [Reason("page.json", "JSON вложен слишком глубоко.", again)], 0
    if not isinstance(body, list):
        said = (
            "описание ошибки" if isinstance(body, dict) and {"code", "reason"} <= body.keys() else _kind(body)
        )
        message = f"Ожидается массив ресурсов, получено: {said}."
        return [Reason("page.array", message, again)], 0
    return list(_not_objects(body, rows_before)), len(body)


def _not_objects(body: list[Any], rows_before: int) -> Iterator[Reason]:
    for index, one in enumerate(body, start=1):
        if not isinstance(one, dict):
            message = f"Ресурс должен быть объектом, получено: {_kind(one)}."
            yield Reason("page.array", message, "Исправьте ответ сервера.", row=rows_before + index)


def _kind(value: object) -> str:
    return JSON_TYPES.get(type(value), "число")
