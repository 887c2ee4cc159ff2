"""Declarations of measures and indicators: what is accepted, and what is said of what is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.declarations.indicator_catalogue import check_sources, load_catalogue
from pipelines.declarations.indicators import Indicator
from pipelines.declarations.sources import load_sources
from pipelines.errors import DeclarationError

NAME = {"ru": "и", "be": "і", "en": "i"}
UNIT = {"code": "PCT", "ru": "%", "be": "%", "en": "%"}


def measure(**changes: Any) -> dict[str, Any]:
    return {
        "name": NAME, "definition_ru": "о", "unit": UNIT, "kind": "flow", "feed": "f", "expr": 1, "freq": "M",
        "territory": "sum", "time": "sum", "absence": "zero", **changes,
    }  # fmt: skip


def side(measure: str = "m", **more: Any) -> dict[str, Any]:
    return {"words": NAME, "terms": [{"measure": measure, **more}]}


def method(**changes: Any) -> dict[str, Any]:
    return {"version": "1.0", "scale": 100, "numerator": side(), "denominator": side(), **changes}


def indicator(**changes: Any) -> dict[str, Any]:
    return {
        "name": NAME, "definition": NAME, "rationale": NAME, "theme": "t", "unit": UNIT, "decimals": 1,
        "direction": "up", "frequencies": ["M", "A"], "levels": ["region"], "rolled_up": ["region"],
        "methods": [method()], "owner": "в", **changes,
    }  # fmt: skip


def by(**changes: Any) -> list[dict[str, Any]]:
    return [method(**changes)]


def declare(folder: Path, measures: dict[str, Any], indicators: dict[str, Any]) -> tuple[Path, Path]:
    for name in ("sources/s", "indicators"):
        (folder / name).mkdir(exist_ok=True, parents=True)
    (folder / "sources" / "s" / "measures.yml").write_text(
        yaml.safe_dump({"measures": measures}), encoding="utf-8"
    )
    (folder / "indicators" / "themes.yml").write_text(
        yaml.safe_dump({"themes": {"t": NAME}}), encoding="utf-8"
    )
    for code, body in indicators.items():
        (folder / "indicators" / f"{code}.yml").write_text(yaml.safe_dump(body), encoding="utf-8")
    return folder / "sources", folder / "indicators"


def test_the_declared_catalogue_is_sound_and_has_its_sources() -> None:
    catalogue = load_catalogue()
    check_sources(catalogue, load_sources())
    assert len(catalogue.indicators) >= 12
    assert {indicator.theme for indicator in catalogue.indicators.values()} <= set(catalogue.themes)


def test_a_sound_pair_is_read(tmp_path: Path) -> None:
    catalogue = load_catalogue(*declare(tmp_path, {"m": measure()}, {"i": indicator()}))
    assert [side for side, _ in catalogue.indicators["i"].terms] == ["numerator", "denominator"]


@pytest.mark.parametrize(
    ("measures", "indicators", "told"),
    [
        ({"m": measure()}, {"i": indicator(theme="nowhere")}, "theme: 'nowhere' is not in themes.yml; there are: t"),
        ({"other": measure()}, {"i": indicator()}, "numerator.terms.0.measure: measure 'm' is not declared; there are: other"),
        ({"m": measure(freq="A", time="none")}, {"i": indicator()}, "m is yearly"),
        ({"m": measure(territory="none")}, {"i": indicator()}, "does not add up over territories"),
        ({"m": measure(time="none")}, {"i": indicator()}, "does not add up over months"),
        ({"m": measure(kind="stock")}, {"i": indicator()}, "a stock is not added up over months"),
        ({"m": measure(colour="red")}, {"i": indicator()}, "colour"),
        ({"m": measure()}, {"i": indicator(rolled_up=["country"])}, "is not among levels"),
        ({"m": measure()}, {"i": indicator(methods=by(scale=0))}, "scale"),
        ({"m": measure()}, {"i": indicator(methods=by(numerator={"words": NAME}))}, "both have terms, or neither"),
        (
            {"m": measure()},
            {"i": indicator(rolled_up=[], methods=by(denominator=None, numerator=side(at="country")))},
            "needs one",
        ),
        ({"m": measure()}, {"i": indicator(methods=by(numerator=side(at="country")))}, "is not additive"),
        (
            {"m": measure(members={"A": NAME})},
            {"i": indicator(methods=by(numerator=side(members=["B"])))},
            "has no members ['B']",
        ),
        ({"m": measure()}, {"i": indicator(methods=by(numerator=side(times="n")))}, "measure 'n' (times) is not declared"),
        ({"m": measure()}, {"i": indicator(methods=[method(), method(version="2.0")])}, "methods.0.valid_to: is needed"),
        (
            {"m": measure()},
            {"i": indicator(methods=[method(valid_to="2020-12-31"), method(version="2.0", valid_from="2020-12-31")])},
            "methods.1.valid_from: must lie after 2020-12-31",
        ),
        ({"m": measure()}, {"i": indicator(methods=by(valid_from="2020-01-02", valid_to="2020-01-01"))}, "lies before"),
        ({"m": measure()}, {"i": indicator(roll_up="percentile")}, "percentile"),
        ({"m": measure()}, {"i": indicator(imputation={"rule": "survey", "freq": "A"})}, "required for the rule survey"),
        (
            {"m": measure()},
            {"i": indicator(imputation={"rule": "survey", "freq": "A", "indicator": "j"})},
            "'j' is not declared in the same unit",
        ),
        (
            {"m": measure()},
            {"i": indicator(imputation={"rule": "linear", "freq": "Q"})},
            "Q is not among frequencies",
        ),
        ({"m": measure()}, {"i": indicator(metadata={"COLOUR": NAME})}, "metadata"),
        ({"m": measure(kind="flow", time="mean")}, {"i": indicator()}, "a flow is added up"),
        ({"m": measure(expr=None)}, {"i": indicator()}, "measures.m.expr: declare either what each row adds"),
        ({"m": measure(models=["int_s__f__contributions"])}, {"i": indicator()}, "measures.m.expr: declare either"),
        (
            {"m": measure(expr=None, filter="a = 1", models=["int_s__f__contributions"])},
            {"i": indicator()},
            "measures.m.models: they decide themselves what counts",
        ),
        ({"m": measure(breakdown_has_total=True)}, {"i": indicator()}, "name the breakdown"),
        ({"m": measure(source="t")}, {"i": indicator()}, "measures.m.source: is 't', its folder is 's'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    tmp_path: Path, measures: dict[str, Any], indicators: dict[str, Any], told: str
) -> None:
    with pytest.raises(DeclarationError) as raised:
        load_catalogue(*declare(tmp_path, measures, indicators))
    assert told in raised.value.message
    assert raised.value.remedy


PERSONS = {"code": "PERSONS", "ru": "человек", "be": "чалавек", "en": "persons"}
ROUBLES = {"code": "BYN", "ru": "рублей", "be": "рублёў", "en": "roubles"}
AREA = {"code": "KM2", "ru": "км²", "be": "км²", "en": "km²"}
MEASURED = {
    "people": measure(unit=PERSONS), "workers": measure(unit=PERSONS), "pay": measure(unit=ROUBLES), "area": measure(unit=AREA),
}  # fmt: skip


def unit(code: str, per: str | None = None) -> dict[str, Any]:
    known = {one["code"]: one for one in (PERSONS, ROUBLES, AREA)}
    return known.get(code) or {**NAME, "code": code, **({} if per is None else {"per": per})}


@pytest.mark.parametrize(
    ("changes", "minimum"),
    [
        ({}, 0),  # a ratio stands for those who report
        (
            {"unit": {**UNIT, "code": "UNITS"}, "methods": by(denominator=None, scale=1)},
            100,
        ),  # a sum would pass for all
        ({"unit": {**UNIT, "code": "UNITS"}, "methods": by(denominator=None, scale=1), "rolled_up": []}, 0),
        ({"minimum_population_coverage_pct": 80}, 80),
    ],
)
def test_how_much_of_the_people_a_figure_needs_where_it_is_not_said(
    changes: dict[str, Any], minimum: int
) -> None:
    declared = Indicator.model_validate(indicator(**changes))
    assert declared.least_population_coverage_pct == minimum
    assert declared.reliable_population_coverage_pct == 50


def test_a_percentile_without_a_denominator_is_no_sum() -> None:
    declared = indicator(methods=by(denominator=None, scale=1), roll_up="percentile", percentile=50)
    assert Indicator.model_validate(declared).least_population_coverage_pct == 0


def ratio(above: Any, below: Any = None, scale: int = 1) -> list[dict[str, Any]]:
    sides = [side(one) if isinstance(one, str) else one for one in (above, below)]
    return [
        {
            "version": "1.0",
            "scale": scale,
            "numerator": sides[0],
            **({"denominator": sides[1]} if sides[1] else {}),
        }
    ]


BOTH = {"words": NAME, "terms": [{"measure": "people"}, {"measure": "pay"}]}


@pytest.mark.parametrize(
    ("code", "per", "methods"),
    [
        ("PERSONS", None, ratio("people")),
        ("PCT", None, ratio("workers", "people", 100)),
        ("PER_1000", "PERSONS", ratio("workers", "people", 1000)),
        ("PER_1000", "PERSONS", ratio("area", "people", 1000)),
        ("KM2_PER_1000", "PERSONS", ratio("area", "people", 1000)),
        ("PER_100_15_64", "PERSONS", ratio("workers", "people", 100)),
        ("PER_KM2", None, ratio("people", "area")),
        ("BYN_PER_KM2", None, ratio("pay", "area")),
        ("BYN", None, ratio("pay", "people")),
        ("BYN", None, ratio(side("pay", times="workers"), "workers")),
    ],
)
def test_units_that_fit(tmp_path: Path, code: str, per: str | None, methods: list[dict[str, Any]]) -> None:
    load_catalogue(*declare(tmp_path, MEASURED, {"i": indicator(unit=unit(code, per), methods=methods)}))


@pytest.mark.parametrize(
    ("code", "per", "methods", "told"),
    [
        ("BYN", None, ratio("people"), "unit BYN does not fit 1 x PERSONS; without a denominator"),
        ("PERSONS", None, ratio("people", scale=1000), "unit PERSONS does not fit 1000 x PERSONS"),
        ("PCT", None, ratio("pay", "people", 100), "unit PCT does not fit 100 x BYN / PERSONS; per cent are a share"),
        ("PCT", None, ratio("workers", "people"), "does not fit 1 x PERSONS / PERSONS; per cent are a share"),
        ("PER_1000", "PERSONS", ratio("workers", "people", 100), "set scale: 1000"),
        ("PER_1000", "PERSONS", ratio("workers", "area", 1000), "unit.per to the unit of the denominator"),
        ("KM2_PER_1000", "PERSONS", ratio("pay", "people", 1000), "does not fit 1000 x BYN / PERSONS"),
        ("PER_KM2", None, ratio("people", "workers"), "use a denominator in KM2 and no scale"),
        ("PER_KM2", None, ratio("people", "area", 1000), "no scale"),
        ("BYN", None, ratio("pay", "pay"), "unit BYN does not fit 1 x BYN / BYN"),
        ("BYN", None, ratio("people", "area"), "a mean is in the unit of its numerator"),
        ("BYN", None, ratio(side("pay", times="workers"), "area"), "does not fit 1 x BYN x PERSONS / KM2"),
        ("PCT", None, ratio(BOTH, "people", 100), "its terms are in different units (BYN, PERSONS)"),
    ],
)  # fmt: skip
def test_units_that_do_not_fit_are_refused(
    tmp_path: Path, code: str, per: str | None, methods: list[dict[str, Any]], told: str
) -> None:
    folders = declare(tmp_path, MEASURED, {"i": indicator(unit=unit(code, per), methods=methods)})
    with pytest.raises(DeclarationError) as raised:
        load_catalogue(*folders)
    assert told in raised.value.message
    assert re.search(r"indicators/i\.yml:\d+: methods\.0: ", raised.value.message)


def test_a_unit_has_one_name(tmp_path: Path) -> None:
    other = {**PERSONS, "ru": "душ"}
    measured = {"people": measure(unit=PERSONS), "souls": measure(unit=other)}
    with pytest.raises(
        DeclarationError, match=r"measures\.souls\.unit: PERSONS has other names than in .*measures\.yml:\d+"
    ):
        load_catalogue(*declare(tmp_path, measured, {}))


def test_surveys_in_a_circle_are_refused(tmp_path: Path) -> None:
    def filled_from(other: str) -> dict[str, Any]:
        return indicator(imputation={"rule": "survey", "freq": "A", "indicator": other})

    declared = {"i": filled_from("j"), "j": filled_from("i")}
    with pytest.raises(DeclarationError) as raised:
        load_catalogue(*declare(tmp_path, {"m": measure()}, declared))
    for line, (code, way) in zip(
        raised.value.message.splitlines(), {"i": "i → j → i", "j": "j → i → j"}.items(), strict=True
    ):
        place = re.escape(str(tmp_path / "indicators" / f"{code}.yml"))
        told = f"imputation.indicator: surveys form a cycle: {way}"
        assert re.fullmatch(rf"{place}:\d+: {told}", line)


WRITTEN = """\
name: {ru: и, be: і, en: i}
definition: {ru: и, be: і, en: i}
rationale: {ru: и, be: і, en: i}
theme: t
unit: {code: PCT, ru: '%', be: '%', en: '%'}
decimals: 1
direction: up
frequencies: [M, A]
levels: [region]
methods:
  - version: '1.0'
    scale: 100
    numerator:
      words: {ru: и, be: і, en: i}
      terms:
        - measure: m
    denominator:
      words: {ru: и, be: і, en: i}
      terms:
        - measure: m
owner: в
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("theme: t", "theme: tt", "i.yml:4: theme: 'tt' is not in themes.yml; did you mean 't'?"),
        ("direction: up", "direction: upp", "i.yml:7: direction: Input should be 'up', 'down' or 'none'"),
        ("decimals: 1", "decimal: 1", "i.yml:6: decimal: there is no such key; did you mean 'decimals'?"),
        ("        - measure: m\n    den", "        - measure: n\n    den",
         "i.yml:16: methods.0.numerator.terms.0.measure: measure 'n' is not declared; there are: m"),
        ("        - measure: m\nowner", "        - measure: m\n          colour: red\nowner",
         "i.yml:21: methods.0.denominator.terms.0.colour: there is no such key; there are: at, measure, members, times, weight"),
        ("        - measure: m\nowner", "        - measure: m\n          times: n\nowner",
         "i.yml:21: methods.0.denominator.terms.0.times: measure 'n' (times) is not declared; there are: m"),
        ("      terms:\n        - measure: m\nowner", "owner",
         "i.yml:17: methods.0.denominator.terms: numerator and denominator both have terms, or neither has yet"),
        ("    scale: 100", "    scale: 10",
         "i.yml:11: methods.0: unit PCT does not fit 10 x PCT / PCT; per cent are a share of the same"),
        ("owner: в", "  - version: '2.0'\n    numerator:\n      words: {ru: и, be: і, en: i}\nowner: в",
         "i.yml:11: methods.0.valid_to: is needed: each version ends before the next one begins (valid_from)"),
        ("    scale: 100", "    valid_to: 2020-12-31\n    numerator: {words: {ru: и, be: і, en: i}}\n"
         "  - version: '2.0'\n    valid_from: 2020-12-31\n    scale: 100",
         "i.yml:15: methods.1.valid_from: must lie after 2020-12-31, the last day of the version before"),
        ("owner: в", "owner: в\nimputation:\n  rule: survey\n  freq: A\n  indicator: i",
         "i.yml:25: imputation.indicator: surveys form a cycle: i → i"),
        ("owner: в", "owner: в\nimputation:\n  rule: survey\n  freq: A\n  indicator: j",
         "i.yml:25: imputation.indicator: 'j' is not declared in the same unit (PCT); there are: none"),
        ("owner: в", "owner: в\nimputation:\n  rule: linear\n  freq: Q",
         "i.yml:24: imputation.freq: Q is not among frequencies (M, A)"),
        ("levels: [region]", "levels: [region]\nrolled_up: [country]",
         "i.yml:10: rolled_up: ['country'] is not among levels (region)"),
        ("owner: в", "owner: в\ntheme: t", "i.yml:22: theme: is a duplicate; first in line 4"),
        ("    scale: 100", "    valid_from: 2020-02-01\n    valid_to: 2020-01-01", "i.yml:13: methods.0.valid_to: lies before"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_line_key_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    folders = declare(tmp_path, {"m": measure()}, {})
    assert WRITTEN.count(old) == 1
    (tmp_path / "indicators" / "i.yml").write_text(WRITTEN.replace(old, new), encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        load_catalogue(*folders)
    place = f"{tmp_path / 'indicators'}/{told}"
    assert any(line.startswith(place) for line in raised.value.message.splitlines()), raised.value.message


def test_an_indicator_of_which_nothing_is_measured_yet_is_read(tmp_path: Path) -> None:
    nothing = method(numerator={"words": NAME}, denominator=None)
    catalogue = load_catalogue(*declare(tmp_path, {}, {"i": indicator(methods=[nothing])}))
    assert not catalogue.indicators["i"].is_measured


def test_the_newest_version_is_the_method(tmp_path: Path) -> None:
    versions = [method(valid_to="2020-12-31"), method(version="2.0", valid_from="2021-01-01")]
    catalogue = load_catalogue(*declare(tmp_path, {"m": measure()}, {"i": indicator(methods=versions)}))
    assert catalogue.indicators["i"].method.version == "2.0"
    assert len(catalogue.indicators["i"].terms) == 4


def test_a_measure_declared_twice_is_told(tmp_path: Path) -> None:
    folders = declare(tmp_path, {"m": measure()}, {"i": indicator()})
    (folders[0] / "t").mkdir()
    (folders[0] / "t" / "measures.yml").write_text(
        yaml.safe_dump({"measures": {"m": measure()}}), encoding="utf-8"
    )
    with pytest.raises(DeclarationError, match="'m' is declared twice"):
        load_catalogue(*folders)


def test_a_measure_of_no_source_is_told(tmp_path: Path) -> None:
    catalogue = load_catalogue(*declare(tmp_path, {"m": measure()}, {"i": indicator()}))
    with pytest.raises(
        DeclarationError,
        match=r"measures\.yml:\d+: measures\.m\.source: feed s\.f is not declared; there are: app",
    ):
        check_sources(catalogue, load_sources())
