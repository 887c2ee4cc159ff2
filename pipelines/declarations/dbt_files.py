"""Pieces of the dbt files that are generated from declarations: YAML, documented columns, comments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import yaml


def documented(names: Iterable[str]) -> list[dict[str, Any]]:
    """Columns with the descriptions of ``dbt/models/columns.md``."""
    return [{"name": name, "description": f"{{{{ doc({name!r}) }}}}".replace("'", '"')} for name in names]


def unique_combination(columns: Sequence[str]) -> dict[str, Any]:
    # the rows of a load never change: only those are tested that no successful build has tested
    return {"unique_combination": {"arguments": {"columns": list(columns), "new_loads": True}}}


def dumped(content: Any) -> str:
    """A file of dbt's YAML."""
    text: str = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=116)
    return "# Generated from the declarations.\n" + text


# libyaml's is ten times as fast, and PyYAML may be built without it
_Quickest: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Quickest):  # type: ignore[misc]
    """Writes every value in full: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def comment(*lines: str) -> str:
    return "".join(f"-- {line}\n" for line in lines)
