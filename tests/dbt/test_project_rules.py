"""The rules of dbt-project-evaluator, by its names, over the project's files; what breaks them now is in a baseline.

The package itself comes from dbt's hub, which an installation without the Internet cannot reach. The baseline only
shrinks: what is no longer found must be taken out of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.catalogue.staging import UNIQUE_KEYS
from pipelines.dbt_project import DBT_PROJECT, generated_files

BASELINE = Path(__file__).with_name("project_rules.json")
UNIQUE = {"unique", "unique_combination"}
LAYERS = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("mart_", "dim_"), "published": ("pub_",)}
FANOUT = 12
SCREEN = 100


@dataclass(frozen=True)
class Model:
    """A model by its file: its layer, and what its SQL refers to."""

    name: str
    layer: str
    sql: str

    @property
    def code(self) -> str:
        """The SQL without comments and Jinja comments."""
        return re.sub(r"--.*", "", re.sub(r"\{#.*?#\}", "", self.sql, flags=re.DOTALL))

    @property
    def refs(self) -> set[str]:
        return set(re.findall(r"ref\(\s*'(\w+)'", self.sql))

    @property
    def sources(self) -> set[tuple[str, str]]:
        return set(re.findall(r"source\(\s*'(\w+)',\s*'(\w+)'\s*\)", self.sql))


@dataclass(frozen=True)
class Project:
    models: dict[str, Model]
    described: dict[str, dict[str, Any]]
    sources: list[dict[str, Any]]
    # the models whose keys have one test together
    unique: set[str]


@pytest.fixture(scope="module")
def project() -> Project:
    files = {
        path.relative_to(DBT_PROJECT).as_posix(): path.read_text(encoding="utf-8")
        for path in (DBT_PROJECT / "models").rglob("*")
        if path.suffix in {".sql", ".yml"}
    }
    files |= generated_files()
    return read(files)


def read(files: dict[str, str]) -> Project:
    models: dict[str, Model] = {}
    described: dict[str, dict[str, Any]] = {}
    sources: list[dict[str, Any]] = []
    unique: set[str] = set()
    for path, text in files.items():
        parts = path.split("/")
        if path == UNIQUE_KEYS:
            unique = set(re.findall(r"ref\('(\w+)'\)", text))
        elif path.startswith("models/") and path.endswith(".sql"):
            name = parts[-1].removesuffix(".sql")
            models[name] = Model(name, parts[1], text)
        elif path.endswith(".yml"):
            told = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            for model in told.get("models") or []:
                name = model["name"]
                described[name if name in models or not model.get("versions") else f"{name}_v1"] = model
            sources += told.get("sources") or []
    return Project(models, described, sources, unique)


def broken(project: Project) -> dict[str, list[str]]:
    """What breaks each rule, by the evaluator's name of the rule."""
    found: dict[str, list[str]] = {
        "fct_direct_join_to_source": [],
        "fct_hard_coded_references": [],
        "fct_missing_primary_key_tests": [],
        "fct_model_naming_conventions": [],
        "fct_multiple_sources_joined": [],
        "fct_root_models": [],
        "fct_staging_dependent_on_marts_or_intermediate": [],
        "fct_staging_dependent_on_staging": [],
        "fct_too_many_lines": [],
        "fct_undocumented_models": [],
        "fct_undocumented_source_tables": [],
        "fct_undocumented_sources": [],
    }
    for name, model in project.models.items():
        about = project.described.get(name, {})
        given = [about, *about.get("columns", [])]
        tests = [test for one in given for test in one.get("data_tests", [])]
        refs = {ref: project.models[ref] for ref in model.refs if ref in project.models}
        # the ledger's views and what the gate accepted are joined in every staging model: what counts is decided there
        sources = {one for one in model.sources if one[0] != "ops"}
        checks = {
            "fct_direct_join_to_source": bool(model.sources and model.refs and model.layer != "staging"),
            "fct_hard_coded_references": re.search(
                r"(?<!distinct )\b(?:from|join)\s+[a-z_]+\.[a-z_]+\b(?!\s*\()", model.code
            )
            is not None,
            "fct_missing_primary_key_tests": not {
                test if isinstance(test, str) else next(iter(test)) for test in tests
            }
            & UNIQUE
            and name not in project.unique,
            "fct_model_naming_conventions": not name.startswith(LAYERS[model.layer]),
            "fct_multiple_sources_joined": len(sources) > 1,
            "fct_root_models": not model.refs and not model.sources and "{{" not in model.sql,
            "fct_staging_dependent_on_marts_or_intermediate": model.layer == "staging"
            and any(ref.layer != "staging" for ref in refs.values()),
            "fct_staging_dependent_on_staging": model.layer == "staging"
            and any(not one.startswith("stg_catalogue__") for one in refs),
            # what is generated has a branch for each measure, and is read in their declarations
            "fct_too_many_lines": len(model.sql.splitlines()) > SCREEN and "Generated from" not in model.sql,
            "fct_undocumented_models": not about.get("description"),
        }
        for rule, is_broken in checks.items():
            if is_broken:
                found[rule].append(name)
    for source in project.sources:
        if not source.get("description"):
            found["fct_undocumented_sources"].append(source["name"])
        for table in source["tables"]:
            columns = table.get("columns") or []
            if (
                not table.get("description")
                or not columns
                or not all(one.get("description") for one in columns)
            ):
                found["fct_undocumented_source_tables"].append(f"{source['name']}.{table['name']}")
    used = Counter(ref for model in project.models.values() for ref in model.refs)
    # what everything is about has many readers
    found["fct_model_fanout"] = [
        name
        for name, count in used.items()
        if count > FANOUT and not name.startswith(("stg_catalogue__", "dim_"))
    ]
    return {rule: sorted(names) for rule, names in sorted(found.items()) if names}


def test_no_rule_is_broken_but_where_the_baseline_says_so(project: Project) -> None:
    assert len(project.models) > 100
    assert broken(project) == json.loads(BASELINE.read_text(encoding="utf-8"))


def test_only_the_staging_models_of_the_catalogue_read_it(project: Project) -> None:
    readers = {
        name for name, model in project.models.items() if any(one[0] == "catalogue" for one in model.sources)
    }
    assert readers
    assert {name for name in readers if not name.startswith("stg_catalogue__")} == set()


@pytest.mark.parametrize(
    ("rule", "path", "sql"),
    [
        ("fct_direct_join_to_source", "models/marts/mart_a.sql",
         "from {{ ref('stg_a__b') }} join {{ source('ops', 'load') }}"),
        ("fct_hard_coded_references", "models/marts/mart_a.sql", "select * from raw.a__b"),
        ("fct_missing_primary_key_tests", "models/marts/mart_a.sql", "from {{ ref('stg_a__b') }}"),
        ("fct_model_naming_conventions", "models/marts/figures.sql", "from {{ ref('stg_a__b') }}"),
        ("fct_multiple_sources_joined", "models/staging/stg_a__c.sql",
         "from {{ source('raw', 'a__b') }} join {{ source('raw', 'a__c') }}"),
        ("fct_root_models", "models/marts/mart_a.sql", "select 1 as one"),
        ("fct_staging_dependent_on_marts_or_intermediate", "models/staging/stg_a__c.sql", "from {{ ref('int_a') }}"),
        ("fct_staging_dependent_on_staging", "models/staging/stg_a__c.sql", "from {{ ref('stg_a__b') }}"),
        ("fct_too_many_lines", "models/marts/mart_a.sql", "\n" * 101 + "from {{ ref('stg_a__b') }}"),
        ("fct_undocumented_models", "models/marts/mart_a.sql", "from {{ ref('stg_a__b') }}"),
    ],
)  # fmt: skip
def test_each_rule_is_seen_when_it_is_broken(rule: str, path: str, sql: str) -> None:
    files = {
        "models/intermediate/int_a.sql": "from {{ ref('stg_a__b') }}",
        "models/staging/stg_a__b.sql": "from {{ source('raw', 'a__b') }}",
    }
    name = path.split("/")[-1].removesuffix(".sql")
    assert name not in broken(read(files)).get(rule, [])
    assert name in broken(read({**files, path: sql}))[rule]
