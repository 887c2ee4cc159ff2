"""Primary and foreign keys of the contracts, for BI tools and data packages.

They are constraints in the contracts of dbt's models, and are read from there. A publication declares those that hold.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pipelines.dbt_project import DBT_PROJECT
from pipelines.declarations.yaml_document import load_yaml

TERRITORY, INDICATOR, PERIOD = "pub_territory_v1", "pub_indicator_v1", "pub_period_v1"
REFERENCE = re.compile(r"(\w+) \(([\w, ]+)\)")


@dataclass(frozen=True)
class Keys:
    """The primary key of a contract, and its foreign keys: columns, and the contract whose primary key they refer to."""

    primary: tuple[str, ...] = ()
    foreign: Mapping[tuple[str, ...], str] = field(default_factory=dict)


# what no model of dbt builds
BESIDE_DBT = {
    "publication": Keys(foreign={("region",): TERRITORY}),
    "pub_index_value_v1": Keys(
        foreign={
            ("ref_area",): TERRITORY,
            ("region",): TERRITORY,
            ("indicator",): INDICATOR,
            ("time_period",): PERIOD,
            ("index_method", "method_version"): "pub_index_method_v1",
        }
    ),
}


def primary_key(table: str) -> tuple[str, ...]:
    """Columns of the primary key of a contract; empty if it has none."""
    return contract_keys().get(table, Keys()).primary


def references(table: str, columns: Collection[str]) -> dict[tuple[str, ...], str]:
    """Foreign keys of a contract that has these columns, with the contract each refers to."""
    foreign = contract_keys().get(table, Keys()).foreign
    return {given: target for given, target in foreign.items() if set(given) <= set(columns)}


@cache
def contract_keys() -> dict[str, Keys]:
    """The keys of every contract, by its name."""
    declared = {
        f"{model['name']}_v{version['v']}": keys_of(model.get("constraints", ()))
        for path in sorted((DBT_PROJECT / "models" / "published").glob("*.yml"))
        for model in _models(load_yaml(path))
        for version in model["versions"]
    }
    return {**declared, **BESIDE_DBT}


def _models(content: Any) -> Iterator[dict[str, Any]]:
    yield from (content or {}).get("models") or ()


def keys_of(constraints: Collection[Mapping[str, Any]]) -> Keys:
    """The keys among the constraints of a model, in its YAML or in dbt's manifest."""
    primary: tuple[str, ...] = ()
    foreign = {}
    for one in constraints:
        if one["type"] == "primary_key":
            primary = tuple(one["columns"])
        elif one["type"] == "foreign_key":
            target = REFERENCE.fullmatch(one["expression"])
            assert target is not None, one
            foreign[tuple(one["columns"])] = target[1]
    return Keys(primary, foreign)
