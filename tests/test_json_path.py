"""Paths to values in JSON, held against a reader that walks them in another way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.json_path import PathError, ShapeError, parse_path

DOCUMENT = {
    "id": "p-1",
    "place": {"id": "site-1", "postal code": {"text": "224000"}},
    "phones": ["1", "2"],
    "characteristic": [
        {"name": "lengthKm", "value": 3.5},
        {"name": "soato", "value": "1410000000"},
        {"name": "twice", "value": 1},
        {"name": "twice", "value": 2},
        {"name": 7, "value": "by a number"},
        "odd",
    ],
    "none": None,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("id", ["p-1"]),
        ("place.id", ["site-1"]),
        ('place."postal code".text', ["224000"]),
        ("phones[1]", ["2"]),
        ("phones[2]", []),
        ("characteristic[0].value", [3.5]),
        ("characteristic[name=soato].value", ["1410000000"]),
        ("characteristic[name=twice].value", [1, 2]),
        ("characteristic[name=7].value", ["by a number"]),
        ("characteristic[name=none].value", []),
        ("none", []),
        ("none.deeper[name=x].still", []),
        ("absent.deeper", []),
        ("absent | place.id", ["site-1"]),
        ("place.id | id", ["site-1"]),
        ("id.value | id", ["p-1"]),
        ("phones.value | phones[0]", ["1"]),
        ("id.deeper | absent", []),
        ("", [DOCUMENT]),
    ],
)
def test_what_a_path_finds(path: str, found: list[Any]) -> None:
    assert parse_path(path).find(DOCUMENT) == found


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("id.deeper", "поле id должно быть объектом"),
        ("place[0]", "поле place должно быть массивом"),
        ("id.deeper | phones.deeper", "поле id должно быть объектом"),
        ("place[a=b].c", "поле place должно быть массивом"),
        ("phones.first", "поле phones должно быть объектом"),
    ],
)
def test_another_shape_is_named_with_its_place(path: str, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        parse_path(path).find(DOCUMENT)


@pytest.mark.parametrize(
    "path",
    [
        "a b",
        ".a",
        "a.",
        "a..b",
        "a[x]",
        "a[]",
        "a[-1]",
        "a[b=]",
        "a]",
        "a | ",
        " | a",
        "a ~ ",
        "a ~ x",
        "a ~ (",
        "a.[0]",
    ],
)
def test_a_path_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        parse_path(path)


def test_the_part_of_a_text_that_is_meant() -> None:
    path = parse_path("splitRatio ~ ^1:([0-9]+)$")
    assert (path.pattern, path.find({"splitRatio": "1:64"})) == ("^1:([0-9]+)$", ["1:64"])


keys = st.sampled_from(["a", "b", "name", "value"])
documents = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["a", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
step = keys | st.integers(0, 2) | st.tuples(keys, st.sampled_from(["a", "x", "3"]))
steps = st.builds(lambda first, rest: [first, *rest], keys, st.lists(step, max_size=3))


def oracle(documents: list[Any], steps: list[Any]) -> list[Any] | None:
    """All values after each step, breadth first; None where the form is another."""
    for step in steps:
        documents = [one for one in documents if one is not None]
        following: list[Any] = []
        for one in documents:
            match step, one:
                case str(), dict():
                    following.append(one.get(step))
                case int(), list():
                    following += one[step : step + 1]
                case (key, value), list():
                    chosen = [item for item in one if isinstance(item, dict) and key in item]
                    following += [item for item in chosen if written(item[key]) == value]
                case _:
                    return None
        documents = following
    return [one for one in documents if one is not None]


def written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@settings(max_examples=25, deadline=None)
@given(document=documents, chosen=st.lists(steps, min_size=5, max_size=5))
def test_any_path_of_any_document(document: Any, chosen: list[list[Any]]) -> None:
    for path in chosen:
        text = "".join(
            f".{step}"
            if isinstance(step, str)
            else f"[{step}]"
            if isinstance(step, int)
            else f"[{step[0]}={step[1]}]"
            for step in path
        ).removeprefix(".")
        expected = oracle([document], path)
        if expected is None:
            with pytest.raises(ShapeError):
                parse_path(text).find(document)
        else:
            assert parse_path(text).find(document) == expected
