"""dbt's exposures: the documents, data products and readers that use the published contracts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from pipelines.declarations.dbt_files import dumped
from pipelines.declarations.reports import digest_names, load_profile_report, load_report, profile_names
from pipelines.settings import PROJECT

REPORTING = PROJECT / "pipelines" / "reporting"
EXPORTS = PROJECT / "pipelines" / "publishing" / "exports"
CONTRACT = re.compile(r"\bpub_[a-z_]+_v\d+\b")
# by type: who is asked before a contract that it reads is changed
OWNERS = {
    "analysis": "Analysts of the ministry of communications and informatization",
    "application": "Data engineers of Gorod",
    "dashboard": "Administrators of the published database",
}


def exposures(contracts: Collection[str]) -> str:
    """A file with every exposure: each declared report, each kind of export, and the readers of the publication.

    ``contracts`` are the published tables that dbt builds, with their version.
    """
    found = [
        _exposure(
            f"report_{name}",
            "analysis",
            title,
            f"The report that assets/reports/{name}.yml declares: gorod report.",
            named_in(sorted(folder.glob("*.py")), contracts),
        )
        for name, title, folder in (
            *((name, load_report(name).title.en, REPORTING) for name in digest_names()),
            *((name, load_profile_report(name).title.en, REPORTING / "profiles") for name in profile_names()),
        )
    ]
    for path in sorted(EXPORTS.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"^def make\(", text, re.MULTILINE):
            parts = EXPORTS.glob(f"{path.stem}*.py")
            reads = sorted(contracts) if "snapshot.tables.values()" in text else named_in(parts, contracts)
            found.append(
                _exposure(
                    f"export_{path.stem}",
                    "application",
                    f"Export {path.stem}",
                    f"The data product of gorod export {path.stem}: docs/exports.md.",
                    reads,
                )
            )
    found.append(
        _exposure(
            "publication",
            "dashboard",
            "Published tables in SQL and BI tools",
            "All contracts, as analysts and dashboards read them: a DuckDB file, Parquet, a schema on PostgreSQL.",
            sorted(contracts),
        )
    )
    return dumped({"version": 2, "exposures": found})


def named_in(files: Iterable[Path], contracts: Collection[str]) -> list[str]:
    """The contracts that Python files name, which are those that they read."""
    named = {name for path in files for name in CONTRACT.findall(path.read_text(encoding="utf-8"))}
    return sorted(named & set(contracts))


def _exposure(name: str, kind: str, label: str, description: str, reads: Iterable[str]) -> dict[str, Any]:
    split = (one.rsplit("_v", 1) for one in reads)
    return {
        "name": name,
        "label": label,
        "type": kind,
        "maturity": "high",
        "description": description,
        "owner": {"name": OWNERS[kind]},
        "depends_on": [f"ref('{model}', v={version})" for model, version in split],
    }
