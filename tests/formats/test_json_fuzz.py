"""Documents with defects, many and of every kind: each is refused with reasons, or read as an oracle reads it."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Delivery, parse_slice
from pipelines.errors import DeliveryError
from pipelines.formats import read
from tests.formats.strict_json import HALF, NotStrictError, Number, mutant, strict

PERSON = "Секретова"
TEXT = {"type": "text", "description": "-"}
WHOLE, DECIMAL = {"type": "integer", "description": "-"}, {"type": "decimal", "description": "-"}


def a_feed(format: dict[str, Any], columns: dict[str, Any]) -> Feed:
    names = {"ru": "-", "be": "-", "en": "-"}
    return Feed.model_validate(
        {"title": names, "description": "-", "cadence": "yearly", "origins": {}, "format": format, "columns": columns}
    )  # fmt: skip


def rows_of(
    files: dict[str, bytes], feed: Feed, folder: Path, period: str | None
) -> list[dict[str, Any]] | None:
    """The rows; None where the delivery is refused, in words of ours alone."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    delivery = Delivery(
        "d", "s", "f", "i", parse_slice(period, None), folder, tuple(sorted(files)), "", 0, "", "", synthetic=True
    )  # fmt: skip
    try:
        batch = read(delivery, feed, folder / "batch.parquet")
    except DeliveryError as error:
        assert error.reasons and all(reason.message and reason.remedy for reason in error.reasons)
        assert PERSON not in f"{error} {error.reasons}"
        return None
    found = duckdb.sql(f"from '{batch.path}' order by row_no")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert [row["row_no"] for row in rows] == list(range(1, len(rows) + 1))
    # what a row repeats are texts that any warehouse keeps
    assert HALF not in json.dumps(rows, default=str, ensure_ascii=False)
    return rows


# pivot tables


def table_row(territory: str, sex: str, level: int, *values: str | None) -> list[Any]:
    labels = [{"value": territory, "level": level}, {"value": sex, "level": 1}]
    return [*labels, *({"value": value, "level": 0} for value in values)]


TABLE = {
    "tableName": "Таблица",
    "tableHeader": [["2023", "2024"]],
    "tableHeaderDimColumns": ["Территория", "Пол"],
    "tableRows": [
        table_row("Страна", "Оба пола", 0, "1\u00a0234,5", "0"),
        table_row("г. Минск ", "мужчины", 1, None, "-12"),
        table_row("Южный", "женщины", 2, "12", None),
    ],
    "user": PERSON,
}
TABLE_FEED = a_feed(
    {"kind": "pivot_json", "dimensions": {"territory": "Территория", "sex": "Пол"}},
    {"territory": TEXT, "sex": TEXT, "territory_level": WHOLE, "period": TEXT, "value": DECIMAL},
)
NUMBER = re.compile(
    r"[+\-\u2212]?(?:[1-9][0-9]{0,2}(?:[ \u00a0\u2009\u202f][0-9]{3})+|[0-9]+)(?:,([0-9]+))?", re.ASCII
)


def plain(text: str) -> str:
    spaced = "".join(
        " " if unicodedata.category(sign) == "Zs" else sign for sign in unicodedata.normalize("NFC", text)
    )
    return " ".join(part for part in spaced.split(" ") if part)


def is_name(text: str) -> bool:
    """No sign that nobody sees, no word of two alphabets."""
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") for sign in text):
        return False
    scripts = [
        "L"
        if "LATIN" in unicodedata.name(sign, "")
        else "C"
        if "CYRILLIC" in unicodedata.name(sign, "")
        else "-"
        for sign in (*text, " ")
    ]
    return not re.search("LC|CL", "".join(scripts))


def number(text: str | None) -> Decimal | None:
    if text is None:
        return None
    given = (
        plain("x" + text)[1:]
        if not text
        else text.strip("".join(sign for sign in text if unicodedata.category(sign) == "Zs") or " ")
    )
    match = NUMBER.fullmatch(given)
    if match is None or len((match[1] or "").rstrip("0")) > 6:
        raise ValueError
    value = Decimal(re.sub("[ \u00a0\u2009\u202f]", "", given).replace(",", ".").replace("\u2212", "-"))
    if abs(value) >= 10**12:
        raise ValueError
    return value


def cells_of(document: Any) -> list[tuple[Any, ...] | None]:
    """Labels, level, period and value of each cell in their order; None for a cell that cannot be read.

    Raises:
        Exception: the document is no table, in whatever way.
    """
    titles = [plain(title) for title in document["tableHeaderDimColumns"]]
    assert sorted(titles) == ["Пол", "Территория"] and isinstance(document["tableName"], str)
    (periods,) = document["tableHeader"]
    assert sorted(plain(period) for period in periods) == ["2023", "2024"]
    found: list[tuple[Any, ...] | None] = []
    assert isinstance(document["tableRows"], list)
    for row in document["tableRows"]:
        assert isinstance(row, list) and len(row) == 4
        labels = dict(zip(titles, row, strict=False))
        for cell in row:
            assert isinstance(cell["level"], Number) and re.fullmatch("-?[0-9]+", cell["level"])
        for cell in labels.values():
            assert isinstance(cell["value"], str) and not isinstance(cell["value"], Number)
        for period, cell in zip(periods, row[2:], strict=True):
            assert cell["value"] is None or (
                isinstance(cell["value"], str) and not isinstance(cell["value"], Number)
            )
            names = plain(labels["Территория"]["value"]), plain(labels["Пол"]["value"])
            level = int(labels["Территория"]["level"])
            try:
                value = number(cell["value"])
            except ValueError:
                found.append(None)
                continue
            sound = all(map(is_name, names)) and -(2**63) <= level < 2**63
            found.append((*names, level, plain(period), value) if sound else None)
    return found


def check_table(seed: int, folder: Path) -> None:
    content = mutant(TABLE, random.Random(seed))
    rows = rows_of({"table.json": content}, TABLE_FEED, folder, "2023-2024")
    if rows is None:
        return
    expected = cells_of(strict(content))
    read_back = [
        (row["territory"], row["sex"], row["territory_level"], row["period"], row["value"])
        if row["parse_errors"] is None
        else None
        for row in rows
    ]
    assert read_back == expected, content.decode()


# GeoJSON

SQUARE = [[27.0, 53.0], [28.0, 53.0], [28.0, 54.0], [27.0, 54.0], [27.0, 53.0]]
HOLE = [[27.25, 53.25], [27.5, 53.25], [27.5, 53.5], [27.25, 53.25]]
FAR = [[29.0, 53.0], [30.0, 53.0], [30.0, 54.0], [29.0, 53.0]]


def feature(code: str, kind: str, coordinates: Any, **properties: str) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": {"id": code, **properties}, "geometry": geometry}


LAYER = {
    "type": "FeatureCollection",
    "features": [
        feature("BY-HM", "Polygon", [SQUARE, HOLE], editor=PERSON),
        feature("BY-MI", "MultiPolygon", [[SQUARE], [FAR]]),
        feature("BY-BR", "Polygon", [FAR]),
    ],
}
LAYER_FEED = a_feed(
    {"kind": "geojson"},
    {"feature_id": {**TEXT, "from_path": "properties.id"}, "geometry_type": TEXT, "geometry": TEXT,
     **dict.fromkeys(("west", "south", "east", "north"), DECIMAL)},
)  # fmt: skip
Point = tuple[Fraction, Fraction]


def cross(a: Point, b: Point, c: Point) -> Fraction:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def is_sound(geometry: Any) -> bool:
    """No two edges cross, and no ring is flat: exact, edge against edge."""
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        return True
    edges: list[tuple[Point, Point]] = []
    for ring in (ring for polygon in polygons for ring in polygon):
        points = [(Fraction(str(point[0])), Fraction(str(point[1]))) for point in ring]
        if len(points) < 4 or points[0] != points[-1]:
            return False
        if all(cross(a, b, c) == 0 for a, b, c in combinations(points, 3)):
            return False
        edges += pairwise(points)
    return not any(
        cross(a, b, c) * cross(a, b, d) < 0 and cross(c, d, a) * cross(c, d, b) < 0
        for (a, b), (c, d) in combinations(edges, 2)
    )


def numbers(value: Any) -> Any:
    """Coordinates as numbers; a text that is none is not equal to any."""
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return float(value) if isinstance(value, Number) else object()


def check_layer(seed: int, folder: Path) -> None:
    content = mutant(LAYER, random.Random(seed))
    rows = rows_of({"layer.json": content}, LAYER_FEED, folder, None)
    if rows is None:
        return
    document = strict(content)
    assert document["type"] == "FeatureCollection" and len(document["features"]) == len(rows)
    for feature, row in zip(document["features"], rows, strict=True):
        if row["parse_errors"] is not None:
            assert PERSON not in row["parse_errors"]
            continue
        assert feature["type"] == "Feature"
        given = feature.get("properties")
        code = given.get("id") if isinstance(given, dict) else None
        assert not isinstance(code, dict | list)
        if isinstance(code, str) and not isinstance(code, Number):
            trimmed = plain(code) if plain(code) == "" else code
            assert (row["feature_id"] or "") == trimmed.strip("\u00a0 "), content.decode()
        geometry = feature.get("geometry")
        if geometry is None:
            assert row["geometry"] is None
            continue
        kept = json.loads(row["geometry"])
        assert kept.keys() == {"type", "coordinates"}
        assert kept["type"] == geometry["type"] == row["geometry_type"]
        assert kept["coordinates"] == numbers(geometry["coordinates"])
        assert is_sound(kept), content.decode()


# pages of an inventory

INVENTORY_FEED = load_sources()["beltelecom_inventory"].feeds["resources"]


def resource(identifier: str, **values: Any) -> dict[str, Any]:
    return {
        "id": identifier, "@type": "PhysicalResource", "category": "xPON.Port", "name": PERSON,
        "place": {"id": "site-1", "name": PERSON},
        "relatedParty": [{"name": PERSON}],
        "resourceCharacteristic": [{"name": "soato", "value": "1410000000"}, {"name": "onuConnected", "value": 41}],
        "resourceRelationship": [{"relationshipType": "containedIn", "resource": {"id": "olt-1"}}],
        **values,
    }  # fmt: skip


PAGE = [resource("a"), resource("b", note=[{"text": PERSON}]), resource("c")]


def text_of(value: Any) -> Any:
    """What a declared text column holds; an object that equals nothing where it should hold none."""
    if value is None:
        return None
    if isinstance(value, Number):
        return value
    if isinstance(value, str):
        return (
            value.strip("".join(sign for sign in value if unicodedata.category(sign) == "Zs") or " ") or None
        )
    return object()


def check_page(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    content = mutant(PAGE, chance)
    total = 3 if chance.random() < 0.8 else chance.randint(0, 5)
    snapshot = {"base_url": "https://inventory.invalid/v4", "pages": 1, "total": total}
    files = {"page-00001.json": content, "snapshot.json": json.dumps(snapshot).encode()}
    rows = rows_of(files, INVENTORY_FEED, folder, "2025-03")
    if rows is None:
        return
    resources = strict(content)
    assert isinstance(resources, list) and len(resources) == len(rows) == total
    for one, row in zip(resources, rows, strict=True):
        assert PERSON not in json.dumps(
            {**row, "parse_errors": None}, default=str, ensure_ascii=False
        ) or PERSON in str([one.get(key) for key in ("id", "category", "@type")])
        if row["parse_errors"] is not None:
            continue
        one = one or {}
        for column, key in (("resource_id", "id"), ("category", "category"), ("resource_type", "@type")):
            value = one.get(key)
            if not isinstance(value, Number) and not isinstance(value, bool):
                assert row[column] == text_of(value), content.decode()
            assert value is None or HALF not in str(value)


CHECKS: dict[str, Callable[[int, Path], None]] = {
    "table": check_table,
    "layer": check_layer,
    "page": check_page,
}


@pytest.mark.parametrize("kind", CHECKS)
@settings(max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_a_defect_is_refused_or_read_as_it_stands(
    kind: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    CHECKS[kind](seed, tmp_path_factory.mktemp(kind))


@pytest.mark.repeated
@pytest.mark.long
@pytest.mark.parametrize("kind", CHECKS)
def test_thousands_of_defects_are_refused_or_read_as_they_stand(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(kind)
    for seed in range(3000):
        CHECKS[kind](seed, folder)


@pytest.mark.parametrize(
    ("document", "feed", "period", "count"),
    [(TABLE, TABLE_FEED, "2023-2024", 6), (LAYER, LAYER_FEED, None, 3)],
    ids=["table", "layer"],
)
def test_without_a_defect_all_is_read(
    document: Any, feed: Feed, period: str | None, count: int, tmp_path: Path
) -> None:
    rows = rows_of({"sound.json": json.dumps(document).encode()}, feed, tmp_path, period)
    assert rows is not None and len(rows) == count
    assert all(row["parse_errors"] is None for row in rows)


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1,"a":2}',
        b"[1,]",
        b"[01]",
        b"[NaN]",
        b'["\t"]',
        b"[1e999]",
        b'["\\x"]',
        b"[1] 2",
        b"\xef\xbb\xbf" * 2 + b"[]",
    ],
)
def test_the_oracle_is_strict(content: bytes) -> None:
    with pytest.raises(NotStrictError):
        strict(content)
