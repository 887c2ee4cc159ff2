"""The shipped methods, and what is said of a method that does not fit."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.catalogue.index_methods import check_methods, index_rows
from pipelines.catalogue.write import write_catalogue
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.methods import METHODS, load_methods, read_method
from pipelines.errors import DeclarationError
from pipelines.indices.resolve import resolve
from tests.indices.small import NAMES, method

SHIPPED = load_methods()


def test_what_is_shipped() -> None:
    assert {"u4ssc_scoring", "min_max_goalposts", "digital_development_example"} <= set(SHIPPED)


def test_leaves_on_the_warehouse_are_indicators_with_their_direction_level_and_frequency() -> None:
    indicators = load_catalogue().indicators
    on_warehouse = [shipped for shipped in SHIPPED.values() if shipped.territory_level]
    assert on_warehouse
    for shipped in on_warehouse:
        for leaf in resolve(shipped).leaves:
            indicator = indicators[leaf.indicator]
            assert leaf.direction == indicator.direction, leaf.indicator
            assert shipped.territory_level in indicator.levels
            assert shipped.freq in indicator.frequencies


def test_u4ssc_has_its_91_indicators_in_their_places() -> None:
    tree = resolve(SHIPPED["u4ssc_scoring"])
    assert len(tree.leaves) == 91
    for node in tree.nodes.values():
        if node.parent not in (None, "U4SSC"):
            assert node.code.rsplit(":", 1)[0] == node.parent


def test_an_example_says_so_in_title_status_and_note() -> None:
    example = SHIPPED["digital_development_example"]
    assert example.status == "example"
    assert example.legal_act is None
    assert example.note is not None
    for text, word in ((example.title, "ПРИМЕР"), (example.note, "ПРИМЕР")):
        assert word in text.ru
    assert ("ПРЫКЛАД" in example.title.be, "EXAMPLE" in example.title.en) == (True, True)


def test_belarusian_and_russian_keep_to_their_letters() -> None:
    for path in METHODS.glob("*.yml"):

        def names(node: Any) -> list[tuple[str, str]]:
            if isinstance(node, dict):
                own = [(node["ru"], node["be"])] if {"ru", "be", "en"} <= set(node) else []
                return own + [found for value in node.values() for found in names(value)]
            return [found for value in node for found in names(value)] if isinstance(node, list) else []

        for ru, be in names(yaml.safe_load(path.read_text(encoding="utf-8"))):
            assert not re.search("[іўІЎ]", ru), ru
            assert not re.search("[ищъИЩЪ]", be), be


def write(folder: Path, **changes: Any) -> Path:
    body = {
        "method": "small", "title": NAMES, "status": "example", "version": "1.0", "valid_from": "2020-01-01",
        "legal_act": None, "reference": "none", "index": {"code": "index", "nodes": [{"code": "a"}]}, **changes,
    }  # fmt: skip
    path = folder / "small.yml"
    path.write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")
    return path


def leaf(**settings: Any) -> dict[str, Any]:
    return {"code": "index", "nodes": [{"code": "a", **settings}]}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"index": leaf(weight=-1)}, "index.nodes.0.weight"),
        ({"index": leaf(weight=float("inf"))}, "finite"),
        ({"index": leaf(wieght=1)}, "wieght"),
        ({"index": leaf(weight=0)}, "at least one needs a weight above zero"),
        (
            {"index": {"code": "index", "nodes": [{"code": "a"}, {"code": "a"}]}},
            "index.nodes.1.code: 'a' is used twice; each node needs its own code",
        ),
        ({"index": leaf(normalise={"kind": "magic"})}, "index.nodes.0.normalise"),
        ({"index": leaf(normalise={"kind": "min_max", "low": 5, "high": 5})}, "low: must be below high"),
        (
            {"index": leaf(normalise={"kind": "bands", "thresholds": [2, 1], "points": [1, 2, 3]})},
            "must ascend",
        ),
        ({"index": leaf(normalise={"kind": "bands", "thresholds": [1], "points": [1]})}, "points"),
        ({"index": leaf(transform=[{"kind": "log", "base": 1}])}, "a positive number other than 1"),
        ({"index": leaf(transform=[{"kind": "winsorise", "lower": 90, "upper": 10}])}, "must be below upper"),
        ({"index": leaf(transform=[{"kind": "bound"}])}, "give a floor"),
        ({"index": leaf(indicator="x", nodes=[{"code": "b"}])}, "only a leaf has one"),
        ({"reference_set": "base_period"}, "base_period"),
        ({"status": "official"}, "names the act"),
        ({"valid_to": "2019-01-01"}, "is before valid_from"),
        (
            {"sensitivity": {"normalisations": [{"kind": "min_max", "low": 1}]}},
            "sensitivity.normalisations.0.low: goalposts belong to one leaf",
        ),
        ({"peer_groups": {"column": "p", "bounds": [1], "names": ["one"]}}, "2 are needed"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError) as error:
        read_method(write(tmp_path, **changes))
    assert re.search(r"small\.yml:\d+: ", error.value.message)
    assert told in error.value.message


@pytest.mark.parametrize(
    ("index", "changes", "told"),
    [
        ({"code": "index"}, {"territory_level": "region"}, "{index}: index.nodes: index index has no nodes; declare them here"),
        (
            leaf(normalise={"kind": "none"}, direction="down"),
            {},
            "{normalise}: index.nodes.0.normalise: a: none keeps the value as it is, but direction is down; use a kind that",
        ),
        # said at the root, and told there
        (
            {**leaf(direction="down"), "normalise": {"kind": "none"}},
            {},
            "{normalise}: index.normalise: a: none keeps the value as it is",
        ),
        # said nowhere: it is min-max, which is for the leaf to change
        (
            {**leaf(), "aggregate": "points_share", "normalise": {"kind": "min_max", "clip": False}},
            {},
            "{normalise}: index.normalise: a: min_max has no maximum; points_share of index needs one: bands",
        ),
        (
            leaf(transform=[{"kind": "log"}], normalise={"kind": "min_max", "low": 0, "high": 9}),
            {},
            "{low}: index.nodes.0.normalise.low: a: 0 has no logarithm; it must be above zero",
        ),
        (
            leaf(transform=[{"kind": "log"}], impute={"kind": "constant", "value": -1}),
            {},
            "{value}: index.nodes.0.impute.value: a: -1 has no logarithm",
        ),
        (
            leaf(impute={"kind": "mean", "among": "group"}),
            {},
            "{among}: index.nodes.0.impute.among: a: group needs peer_groups of the method; declare them, or use all",
        ),
        (
            leaf(normalise={"kind": "rank"}),
            {"reference_set": "base_period", "base_period": "2020"},
            "{normalise}: index.nodes.0.normalise: a: rank: ranks need all units together, which reference_set: base_period does",
        ),
        (
            leaf(),
            {
                "reference_set": "base_period", "base_period": "2020",
                "sensitivity": {"normalisations": [{"kind": "z_score"}, {"kind": "percentile_rank"}]},
            },
            "{last_kind}: sensitivity.normalisations.1: percentile_rank: ranks need all units together",
        ),
        (
            {**leaf(normalise={"kind": "z_score"}), "aggregate": "points_share"},
            {},
            "{normalise}: index.nodes.0.normalise: a: z_score has no maximum; points_share of index needs one",
        ),
        (
            {
                "code": "index", "aggregate": "points_share",
                "nodes": [{"code": "p", "aggregate": "arithmetic", "nodes": [{"code": "a"}]}],
            },
            {},
            "{last_aggregate}: index.nodes.0.aggregate: p: arithmetic has no points; points_share of index needs points_share",
        ),
        (
            {**leaf(), "aggregate": "points_share"},
            {"sensitivity": {"aggregations": ["geometric"]}},
            "{aggregations}: sensitivity.aggregations: points cannot be compared with other scales; vary only the weights",
        ),
    ],
)  # fmt: skip
def test_nodes_that_do_not_fit_are_told(
    tmp_path: Path, index: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    path = write(tmp_path, index=index, **changes)
    lines: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        key = line.lstrip("- ").partition(":")[0]
        lines.setdefault(key, number)
        lines[f"last_{key}"] = number
    with pytest.raises(DeclarationError) as error:
        check_methods(load_methods(tmp_path), {}, tmp_path)
    assert error.value.message.startswith(f"{path}:{told.format(**lines)}")
    # who knows no file tells the method
    with pytest.raises(DeclarationError) as error:
        resolve(method(index, **changes))
    assert error.value.message.startswith(f"method small: {told.partition(': ')[2]}")


def test_a_method_is_checked_when_the_catalogue_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(
        tmp_path,
        index={"code": "index", "nodes": [{"code": "a", "impute": {"kind": "mean", "among": "group"}}]},
    )
    monkeypatch.setattr("pipelines.catalogue.write.load_methods", partial(load_methods, tmp_path))
    monkeypatch.setattr("pipelines.catalogue.write.check_methods", partial(check_methods, folder=tmp_path))
    with duckdb.connect(":memory:") as connection, pytest.raises(DeclarationError) as error:
        write_catalogue(connection)
    assert re.match(rf"{re.escape(str(path))}:\d+: index\.nodes\.0\.impute\.among: a: ", error.value.message)


def test_a_shipped_file_bears_the_name_of_its_method(tmp_path: Path) -> None:
    write(tmp_path, method="other")
    with pytest.raises(DeclarationError, match=r"\.yml:\d+: method: is 'other'"):
        load_methods(tmp_path)


def versions(folder: Path, older: dict[str, Any], newer: dict[str, Any]) -> list[Path]:
    """Files of two versions of a method, the older beside the newer."""
    paths = []
    for changes in ({"version": "1.0", **older}, {"version": "2.0", **newer}):
        path = write(folder, **changes)
        if changes is not newer and not paths:
            path = path.rename(folder / f"small-{changes['version']}.yml")
        paths.append(path)
    return paths


def test_versions_of_a_method_stand_beside_each_other(tmp_path: Path) -> None:
    versions(tmp_path, {"valid_to": "2025-12-31"}, {"valid_from": "2026-01-01"})
    found = load_methods(tmp_path)
    assert {name: one.version for name, one in found.items()} == {"small": "2.0", "small-1.0": "1.0"}
    rows = index_rows(found)
    assert {(row["index_method"], row["method_version"]) for row in rows["index_method"]} == {
        ("small", "1.0"),
        ("small", "2.0"),
    }
    assert len(rows["index_node"]) == 2 * len({row["node"] for row in rows["index_node"]})


@pytest.mark.parametrize(
    ("older", "newer", "file", "key", "told"),
    [
        ({}, {"valid_from": "2026-01-01"}, "small-1.0", "valid_to", "open, but "),
        (
            {"valid_to": "2026-01-01"},
            {"valid_from": "2026-01-01"},
            "small-1.0",
            "valid_to",
            "2026-01-01, but ",
        ),
        (
            {"valid_to": "2025-12-31"},
            {"valid_from": "2026-01-01", "version": "1.0"},
            "small",
            "version",
            "1.0 is also the version of ",
        ),
    ],
)
def test_versions_that_are_valid_on_one_day_or_have_one_number_are_refused(
    tmp_path: Path, older: dict[str, Any], newer: dict[str, Any], file: str, key: str, told: str
) -> None:
    versions(tmp_path, older, newer)
    path = tmp_path / f"{file}.yml"
    lines = path.read_text(encoding="utf-8").splitlines()
    # a key that is missing is told at the beginning of the file
    line = next((n for n, text in enumerate(lines, 1) if text.startswith(f"{key}:")), 1)
    with pytest.raises(DeclarationError) as error:
        load_methods(tmp_path)
    assert f"{path}:{line}: {key}: {told}" in error.value.message
    assert "before the next begins" in (error.value.remedy or "")


def test_a_method_of_the_warehouse_names_indicators_that_there_are(tmp_path: Path) -> None:
    indicators = load_catalogue().indicators
    check_methods(SHIPPED, indicators)
    text = (METHODS / "digital_development_example.yml").read_text(encoding="utf-8")
    wrong = {
        "indicator: fibre_km_per_1000,": "indicator: fibre_km_per_100,",
        "indicator: appeals_rated_pct,": "indicator: population_density_per_km2,",
    }
    lines = {}
    for old, new in wrong.items():
        assert old in text
        lines[new] = next(n for n, line in enumerate(text.splitlines(), 1) if old in line)
        text = text.replace(old, new)
    (tmp_path / "digital_development_example.yml").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as error:
        check_methods(load_methods(tmp_path), indicators, tmp_path)
    first, second = error.value.message.splitlines()
    file = tmp_path / "digital_development_example.yml"
    assert first.startswith(f"{file}:{lines['indicator: fibre_km_per_100,']}: index.nodes")
    assert "indicator: no indicator 'fibre_km_per_100'; did you mean 'fibre_km_per_1000'?" in first
    assert second.startswith(f"{file}:{lines['indicator: population_density_per_km2,']}: index.nodes")
    assert "population_density_per_km2 has the" in second
