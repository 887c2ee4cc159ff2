"""What replaces dbt's own macros still replaces what it was written for (docs/decisions/0026-dbts-own-macros.md)."""

from __future__ import annotations

import hashlib
import re
from importlib.util import find_spec
from pathlib import Path

from pipelines.dbt_project import DBT_PROJECT

DEFINITION = re.compile(
    r"\{%-?\s*(macro|materialization)\s+(.*?)\s*-?%\}(.*?)\{%-?\s*end(?:macro|materialization)\s*-?%\}",
    re.DOTALL,
)
# dbt's own, by the hash of its definition with its parameters: another one is to be read before the hash is changed
REPLACED = {
    "macro default__persist_docs": "62e3cea49981",
    "macro default__get_table_columns_and_constraints": "25bc938a42e7",
    "macro generate_schema_name": "1b65ac43206b",
    "macro should_full_refresh": "98463897bbb5",
    "macro duckdb__snapshot_get_time": "9cc59229d1b7",
    "macro postgres__snapshot_get_time": "db07c593389c",
    "materialization table duckdb": "f8d7845571d3",
    "materialization view default": "b0a9a6342b7f",
}
# dbt has a view of its own for every engine but none for DuckDB, which ours is for
OURS = {**dict.fromkeys(REPLACED), "materialization view duckdb": None}
del OURS["materialization view default"]


def definitions(folder: Path) -> dict[str, str]:
    """Every macro and materialization of a folder by its kind, name and engine, with its text."""
    found = {}
    for path in sorted(folder.rglob("*.sql")):
        for kind, head, body in DEFINITION.findall(path.read_text(encoding="utf-8")):
            name = re.split(r"[(,\s]", head)[0]
            engine = re.search(r"adapter\s*=\s*['\"](\w+)", head)
            suffix = "" if kind == "macro" else f" {engine.group(1) if engine else 'default'}"
            found[f"{kind} {name}{suffix}"] = f"{head}{body}"
    return found


def of_dbt() -> dict[str, str]:
    """The macros of dbt and of its adapters, as they are installed."""
    spec = find_spec("dbt.include")
    assert spec is not None
    assert spec.submodule_search_locations
    return {
        name: text
        for root in spec.submodule_search_locations
        for name, text in definitions(Path(root)).items()
    }


def digest(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:12]


def test_what_is_replaced_is_what_it_was_when_it_was_replaced() -> None:
    known = of_dbt()
    assert {name: digest(known[name]) for name in REPLACED} == REPLACED


def test_no_other_macro_of_dbt_is_replaced() -> None:
    own, known = definitions(DBT_PROJECT / "macros"), of_dbt()
    assert len(known) > 300
    same = {name for name in own if name in known or name.replace(" duckdb", " default") in known}
    assert same == set(OURS)
