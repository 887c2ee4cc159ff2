"""The declared index methods as rows of ``catalogue``: the components of an index and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.declarations.common import nearest
from pipelines.declarations.indicators import Indicator
from pipelines.declarations.method_tree import IndexNode
from pipelines.declarations.methods import METHODS, IndexMethod
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError

Rows = list[dict[str, Any]]

# name -> columns with their types; the order is the order of the columns
INDEX_TABLES: dict[str, dict[str, str]] = {
    "index_method": {
        "index_method": "text",
        "method_version": "text",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
        "note_ru": "text",
        "note_be": "text",
        "note_en": "text",
        "method_status": "text",
        "valid_from": "date",
        "valid_to": "date",
        "legal_act": "text",
        "reference": "text",
        "level": "text",
        "freq": "text",
        "decimals": "integer",
    },
    "index_node": {
        "index_method": "text",
        "method_version": "text",
        "node": "text",
        "parent": "text",
        "node_no": "integer",
        "node_level": "integer",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
        "indicator": "text",
        "weight": "decimal",
        "normalisation": "text",
        "direction": "text",
        "aggregation": "text",
    },
}


def index_rows(methods: Mapping[str, IndexMethod]) -> dict[str, Rows]:
    """Rows of the tables of ``INDEX_TABLES``; nodes from the top, with the settings that they inherit."""
    # imported here: the tree needs the engine and numpy, which most commands do not
    from pipelines.indices.resolve import resolve
    from pipelines.indices.tree import Leaf

    tables: dict[str, Rows] = {name: [] for name in INDEX_TABLES}
    for method in methods.values():
        note = method.note.model_dump() if method.note else {}
        tables["index_method"].append(
            {
                "index_method": method.method,
                "method_version": method.version,
                **{f"title_{language}": text for language, text in method.title.model_dump().items()},
                **{f"note_{language}": note.get(language) for language in ("ru", "be", "en")},
                "method_status": method.status,
                "valid_from": method.valid_from,
                "valid_to": method.valid_to,
                "legal_act": method.legal_act,
                "reference": method.reference,
                "level": method.territory_level,
                "freq": method.freq,
                "decimals": method.decimals,
            }
        )
        if not method.index.nodes:  # a method for any table: its tree comes with the data
            continue
        names = {node.code: node.name for node in method.index.walk()}
        for number, node in enumerate(resolve(method).from_the_top, start=1):
            name, leaf = names.get(node.code), isinstance(node, Leaf)
            tables["index_node"].append(
                {
                    "index_method": method.method,
                    "method_version": method.version,
                    "node": node.code,
                    "parent": node.parent,
                    "node_no": number,
                    "node_level": node.level,
                    **{f"name_{language}": getattr(name, language, None) for language in ("ru", "be", "en")},
                    "indicator": node.indicator if isinstance(node, Leaf) else None,
                    "weight": Decimal(repr(round(node.weight, 6))),
                    "normalisation": node.normalise.kind if isinstance(node, Leaf) else None,
                    "direction": node.direction if isinstance(node, Leaf) else None,
                    "aggregation": None if leaf else getattr(node, "aggregate", None),
                }
            )
    return tables


def check_methods(
    methods: Mapping[str, IndexMethod], indicators: Mapping[str, Indicator], folder: Path = METHODS
) -> None:
    """Refuse a method with inconsistent nodes, or a warehouse method whose leaves are not indicators of its
    territory level and frequency.

    Raises:
        DeclarationError: the message lists every such node by file, line and key.
    """
    # imported here: the tree needs the engine and numpy, which most commands do not
    from pipelines.indices.resolve import tree_problems

    problems: list[str] = []

    def look(method: IndexMethod, path: Path, node: IndexNode, place: tuple[int | str, ...]) -> None:
        for number, part in enumerate(node.nodes):
            look(method, path, part, (*place, "nodes", number))
        if node.nodes:
            return
        name = node.indicator or node.code
        where = at(path, *place, "indicator" if node.indicator else "code")
        indicator = indicators.get(name)
        if indicator is None:
            problems.append(f"{where}: no indicator {name!r}; {nearest(name, indicators)}")
        elif method.territory_level not in indicator.levels:
            problems.append(
                f"{where}: {name} has the levels {', '.join(indicator.levels)}, not {method.territory_level}"
            )
        elif method.freq not in indicator.frequencies:
            problems.append(
                f"{where}: {name} has the frequencies {', '.join(indicator.frequencies)}, not {method.freq}"
            )

    for code, method in methods.items():
        path = folder / f"{code}.yml"
        # without a territory level it is for any table, and its tree may come with the data
        if method.index.nodes or method.territory_level is not None:
            problems += [f"{at(path, *one.location)}: {one.message}" for one in tree_problems(method)]
        if method.index.nodes and method.territory_level is not None:
            look(method, path, method.index, ("index",))
    if problems:
        raise DeclarationError(
            "\n".join(problems),
            "Correct it: docs/indices.md says what each setting does; the indicators are those of assets/indicators.",
        )
