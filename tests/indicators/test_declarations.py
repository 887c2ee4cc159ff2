"""Declarations of measures and indicators: what is accepted, and what is said of what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.declarations.indicators import check_sources, load_catalogue
from pipelines.declarations.sources import load_sources
from pipelines.errors import DeclarationError

NAME = {"ru": "и", "be": "і", "en": "i"}
UNIT = {"code": "PCT", "ru": "%", "be": "%", "en": "%"}


def measure(**changes: Any) -> dict[str, Any]:
    return {
        "name": NAME, "definition_ru": "о", "unit": UNIT, "kind": "flow", "source": "s", "feed": "f", "freq": "M",
        "territory": "sum", "time": "sum", "absence": "zero", **changes,
    }  # fmt: skip


def side(measure: str = "m", **more: Any) -> dict[str, Any]:
    return {"words": NAME, "terms": [{"measure": measure, **more}]}


def method(**changes: Any) -> dict[str, Any]:
    return {"version": "1.0", "numerator": side(), "denominator": side(), **changes}


def indicator(**changes: Any) -> dict[str, Any]:
    return {
        "name": NAME, "definition": NAME, "rationale": NAME, "theme": "t", "unit": UNIT, "decimals": 1,
        "direction": "up", "frequencies": ["M", "A"], "levels": ["region"], "rolled_up": ["region"],
        "methods": [method()], "owner": "в", **changes,
    }  # fmt: skip


def by(**changes: Any) -> list[dict[str, Any]]:
    return [method(**changes)]


def declare(folder: Path, measures: dict[str, Any], indicators: dict[str, Any]) -> tuple[Path, Path]:
    for name in ("measures", "indicators"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "measures" / "all.yml").write_text(yaml.safe_dump({"measures": measures}), encoding="utf-8")
    (folder / "indicators" / "themes.yml").write_text(
        yaml.safe_dump({"themes": {"t": NAME}}), encoding="utf-8"
    )
    for code, body in indicators.items():
        (folder / "indicators" / f"{code}.yml").write_text(yaml.safe_dump(body), encoding="utf-8")
    return folder / "measures", folder / "indicators"


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
        ({"m": measure()}, {"i": indicator(theme="nowhere")}, "theme 'nowhere' is not in themes.yml"),
        ({"other": measure()}, {"i": indicator()}, "numerator: measure 'm' is not declared"),
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
        ({"m": measure()}, {"i": indicator(methods=[method(), method(version="2.0")])}, "1.0 must end before 2.0 begins"),
        (
            {"m": measure()},
            {"i": indicator(methods=[method(valid_to="2020-12-31"), method(version="2.0", valid_from="2020-12-31")])},
            "must end before",
        ),
        ({"m": measure()}, {"i": indicator(methods=by(valid_from="2020-01-02", valid_to="2020-01-01"))}, "lies before"),
        ({"m": measure()}, {"i": indicator(roll_up="percentile")}, "percentile"),
        ({"m": measure()}, {"i": indicator(imputation={"rule": "survey", "freq": "A"})}, "named for the rule survey"),
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
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    tmp_path: Path, measures: dict[str, Any], indicators: dict[str, Any], told: str
) -> None:
    with pytest.raises(DeclarationError) as raised:
        load_catalogue(*declare(tmp_path, measures, indicators))
    assert told in raised.value.message
    assert raised.value.remedy


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
    (folders[0] / "more.yml").write_text(yaml.safe_dump({"measures": {"m": measure()}}), encoding="utf-8")
    with pytest.raises(DeclarationError, match="'m' is declared twice"):
        load_catalogue(*folders)


def test_a_measure_of_no_source_is_told(tmp_path: Path) -> None:
    catalogue = load_catalogue(*declare(tmp_path, {"m": measure()}, {"i": indicator()}))
    with pytest.raises(DeclarationError, match=r"feed s\.f is not declared"):
        check_sources(catalogue, load_sources())
