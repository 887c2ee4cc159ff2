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


def indicator(**changes: Any) -> dict[str, Any]:
    return {
        "name": NAME, "definition_ru": "о", "theme": "t", "unit": UNIT, "decimals": 1, "direction": "up",
        "numerator": {"ru": "ч", "terms": [{"measure": "m"}]}, "denominator": {"ru": "з", "terms": [{"measure": "m"}]},
        "frequencies": ["M", "A"], "levels": ["region"], "rolled_up": ["region"],
        "method": {"version": "1.0", "valid_from": "2026-01-01"}, "owner": "в", **changes,
    }  # fmt: skip


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
        ({"m": measure()}, {"i": indicator(scale=0)}, "scale"),
        ({"m": measure()}, {"i": indicator(numerator={"ru": "ч", "terms": []})}, "numerator.terms"),
        (
            {"m": measure()},
            {"i": indicator(rolled_up=[], denominator=None, numerator={"ru": "ч", "terms": [{"measure": "m", "at": "country"}]})},
            "needs one",
        ),
        (
            {"m": measure(members={"A": NAME})},
            {"i": indicator(numerator={"ru": "ч", "terms": [{"measure": "m", "members": ["B"]}]})},
            "has no members ['B']",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    tmp_path: Path, measures: dict[str, Any], indicators: dict[str, Any], told: str
) -> None:
    with pytest.raises(DeclarationError) as raised:
        load_catalogue(*declare(tmp_path, measures, indicators))
    assert told in raised.value.message
    assert raised.value.remedy


def test_a_measure_declared_twice_is_told(tmp_path: Path) -> None:
    folders = declare(tmp_path, {"m": measure()}, {"i": indicator()})
    (folders[0] / "more.yml").write_text(yaml.safe_dump({"measures": {"m": measure()}}), encoding="utf-8")
    with pytest.raises(DeclarationError, match="'m' is declared twice"):
        load_catalogue(*folders)


def test_a_measure_of_no_source_is_told(tmp_path: Path) -> None:
    catalogue = load_catalogue(*declare(tmp_path, {"m": measure()}, {"i": indicator()}))
    with pytest.raises(DeclarationError, match=r"feed s\.f is not declared"):
        check_sources(catalogue, load_sources())
