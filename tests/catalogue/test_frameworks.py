"""The frameworks of others: everything that was handed over is there, once, with its status and in three languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from pydantic import BaseModel

from pipelines.catalogue.frameworks import framework_rows
from pipelines.catalogue.write import write_catalogue
from pipelines.declarations.common import Names
from pipelines.declarations.frameworks import Framework, check_answers, load_frameworks
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.errors import DeclarationError

FRAMEWORKS = load_frameworks()

# How many indicators each clause has; ISO 37122:2019, clauses 5 to 23, 80 in all.
ISO_CLAUSES = dict(
    zip(range(5, 24), (4, 3, 10, 3, 2, 4, 3, 2, 4, 1, 1, 6, 4, 3, 14, 3, 4, 5, 4), strict=True)
)
# The twenty-two categories: U4SSC KPIs Verification Manual (2022), p. 15.
CATEGORIES = {
    "ICT Infrastructure", "Water and Sanitation", "Drainage", "Electricity Supply", "Transport", "Public Sector",
    "Innovation", "Employment", "Waste", "Buildings", "Urban Planning", "Air Quality", "Environmental Quality",
    "Public Space and Nature", "Energy", "Education", "Health", "Culture", "Housing", "Social Inclusion", "Safety",
    "Food Security",
}  # fmt: skip


def every_name(node: object) -> Iterator[Names]:
    if isinstance(node, Names):
        yield node
    elif isinstance(node, BaseModel):
        for key in type(node).model_fields:
            yield from every_name(getattr(node, key))
    elif isinstance(node, dict):
        for value in node.values():
            yield from every_name(value)
    elif isinstance(node, tuple):
        for value in node:
            yield from every_name(value)


def test_u4ssc_is_whole() -> None:
    u4ssc = FRAMEWORKS["u4ssc"]
    codes = [one.code for one in u4ssc.indicators]
    assert len(codes) == len(set(codes)) == 91
    assert all(re.fullmatch(r"(EC|EN|SC): [A-Z]+: [A-Z]+: \d[CA]", code) for code in codes)
    kinds = Counter(place.kind for place in u4ssc.structure)
    assert (kinds["dimension"], kinds["sub_dimension"]) == (3, 7)
    assert {place.name.en for place in u4ssc.structure if place.kind == "category"} == CATEGORIES
    assert {one.place for one in u4ssc.indicators} == {
        place.code for place in u4ssc.structure if place.kind == "category"
    }


def test_the_code_of_u4ssc_says_place_and_level() -> None:
    for one in FRAMEWORKS["u4ssc"].indicators:
        assert one.level == {"C": "core", "A": "advanced"}[one.code[-1]]
        # the one indicator of health whose code says education
        expected = "SC: EH: H" if one.code == "SC: EH: ED: 5A" else one.code.rsplit(": ", 1)[0]
        assert one.place == expected


def test_numbers_of_a_category_follow_each_other() -> None:
    numbers: dict[str, list[int]] = {}
    for one in FRAMEWORKS["u4ssc"].indicators:
        category, number = one.code.rsplit(": ", 1)
        numbers.setdefault(category, []).append(int(number[:-1]))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_iso_37122_is_whole() -> None:
    iso = FRAMEWORKS["iso_37122"]
    assert [one.code for one in iso.indicators] == [
        f"{clause}.{number}" for clause, count in ISO_CLAUSES.items() for number in range(1, count + 1)
    ]
    assert len(iso.indicators) == 80
    assert all(one.place == one.code.split(".")[0] for one in iso.indicators)


def test_only_what_names_its_page_is_verified() -> None:
    for framework in FRAMEWORKS.values():
        assert all(one.reference for one in framework.indicators if one.formula_status == "verified")
    assert {one.formula_status for one in FRAMEWORKS["iso_37122"].indicators} == {"to_be_checked"}
    assert Counter(one.formula_status for one in FRAMEWORKS["u4ssc"].indicators) == {
        "verified": 16,
        "name_verified": 75,
    }


@pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=FRAMEWORKS)
def test_each_language_keeps_to_its_letters(framework: Framework) -> None:
    found = list(every_name(framework))
    assert len(found) > 2 * framework.indicator_count
    for name in found:
        assert not re.search("[иИщЩъЪ]", name.be), name.be
        assert not re.search("[іІўЎ]", name.ru), name.ru
        assert not re.search("[а-яА-ЯёЁіІўЎ]", name.en), name.en
        # an apostrophe of Belarusian is ’, and a letter before ў is a vowel
        assert "'" not in name.be
        assert not re.search("[бвгджзйклмнпрстфхцчшьБВГДЖЗЙКЛМНПРСТФХЦЧШ][ўЎ]", name.be), name.be
        for text in (name.ru, name.be, name.en):
            assert text == text.strip()
            assert text.count("(") == text.count(")"), text
            assert not re.search(r'"|  |,$|\bNone\b|\bnan\b', text), text


@pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=FRAMEWORKS)
def test_per_cent_is_a_hundredfold_ratio(framework: Framework) -> None:
    for one in framework.indicators:
        assert (one.multiplier == 100) == (one.unit in ("PCT", "PCT_AND_NUMBER")), one.code
        assert one.denominator is not None or one.multiplier == 1, one.code
    assert set(framework.units) == {one.unit for one in framework.indicators}


def test_answers_are_declared_indicators() -> None:
    indicators = load_catalogue().indicators
    check_answers(FRAMEWORKS, indicators)
    answers = [
        answer
        for framework in FRAMEWORKS.values()
        for one in framework.indicators
        for answer in one.answered_by
    ]
    assert answers
    assert {answer.indicator for answer in answers} <= set(indicators)
    with pytest.raises(DeclarationError) as raised:
        check_answers(FRAMEWORKS, set(indicators) - {answers[0].indicator})
    assert f"indicator {answers[0].indicator!r} is not declared" in raised.value.message


def test_the_catalogue_holds_them() -> None:
    with duckdb.connect(":memory:") as connection:
        write_catalogue(connection)
        counts = connection.execute(
            "select framework, count(*), count(distinct code) from catalogue.framework_indicator group by 1 order by 1"
        ).fetchall()
        assert counts == [("iso_37122", 80, 80), ("sdg", 19, 19), ("u4ssc", 91, 91)]
        top = connection.execute(
            "select framework, count(distinct dimension) from catalogue.framework_place group by 1 order by 1"
        ).fetchall()
        assert top == [("iso_37122", 19), ("sdg", 4), ("u4ssc", 3)]
        way = connection.execute(
            "select path_ru, path_en from catalogue.framework_place where place = 'EC: I: UP'"
        ).fetchall()
        assert way == [
            ("Экономика / Инфраструктура / Градостроительство", "Economy / Infrastructure / Urban Planning")
        ]


def test_what_there_is_none_of_is_null() -> None:
    rows = {row["code"]: row for row in framework_rows(FRAMEWORKS)["framework_indicator"]}
    assert rows["EC: ICT: ICT: 5C"]["denominator_ru"] is None
    assert rows["EC: ICT: ICT: 4C"]["data_points_en"] == "3G; 4G"
    assert rows["EC: ICT: ICT: 5C"]["data_points_en"] is None


NAME = {"ru": "и", "be": "і", "en": "i"}


def one(**changes: Any) -> dict[str, Any]:
    reason = {} if changes.get("answered_by") else {"unanswered_ru": "п"}
    return {
        "code": "1.1", "place": "1", "unit": "PCT", "multiplier": 100, "direction": "up", "formula_status": "verified",
        "name": NAME, "numerator": NAME, "denominator": NAME, "source_ru": "и", **reason, **changes,
    }  # fmt: skip


def framework(*indicators: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "framework": "some", "short": "S", "title": NAME, "publisher": "p", "reference": "r", "verified_ru": "в",
        "indicator_count": len(indicators), "unverified_ru": "н", "translation_ru": "п", "units": {"PCT": NAME},
        "structure": [{"code": "1", "kind": "clause", "name": NAME}], "indicators": list(indicators), **changes,
    }  # fmt: skip


def test_a_sound_framework_is_read(tmp_path: Path) -> None:
    (tmp_path / "some.yml").write_text(yaml.safe_dump(framework(one())), encoding="utf-8")
    assert [known.code for known in load_frameworks(tmp_path)["some"].indicators] == ["1.1"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (framework(one(), one()), "'1.1' is listed twice"),
        (framework(one(place="2")), "place '2' is not in structure"),
        (framework(one(unit="KM")), "unit 'KM' is not in units"),
        (framework(one(), indicator_count=2), "indicator_count: is 2, but 1 are listed"),
        (framework(one(), framework="other"), "framework: is 'other'"),
        (framework(one(formula_status="good")), "indicators.0.formula_status"),
        (
            framework(one(), structure=[{"code": "1", "kind": "clause", "name": NAME, "parent": "0"}]),
            "structure.0.parent: '0' is not listed above '1'; there are: none",
        ),
        (
            framework(
                one(
                    formula_status="name_verified",
                    answered_by=[{"indicator": "i", "match": "same", "note_ru": "и"}],
                )
            ),
            "same needs formula_status verified",
        ),
        (framework(one(unanswered_ru=None)), "indicators.0.unanswered_ru: say why no indicator answers it"),
        (
            framework(
                one(answered_by=[{"indicator": "i", "match": "close", "note_ru": "и"}], unanswered_ru="п")
            ),
            "indicators.0.unanswered_ru: it is answered; delete it",
        ),
        (
            framework(one(answered_by=[{"indicator": "i", "match": "close", "note_ru": "и"}] * 2)),
            "'i' is listed twice",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, body: dict[str, Any], told: str) -> None:
    (tmp_path / "some.yml").write_text(yaml.safe_dump(body), encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        load_frameworks(tmp_path)
    assert told in raised.value.message
    assert raised.value.remedy
