"""``python -m pipelines.declarations.reference``: write the reference of declarations, for people and for editors.

The pydantic models are the source of ``docs/declarations.md`` and of a JSON Schema for each kind of file in ``docs/schemas/``;
the declared frameworks are that of ``docs/frameworks.ru.md``.
A YAML file of ``assets/`` names its schema in its first line, so an editor completes and checks it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipelines.declarations.access import Access
from pipelines.declarations.corrections import CorrectionFile
from pipelines.declarations.framework_page import framework_page
from pipelines.declarations.frameworks import Framework
from pipelines.declarations.indicators import Indicator, Themes
from pipelines.declarations.measures import MeasureFile
from pipelines.declarations.methods import IndexMethod
from pipelines.declarations.plausibility import Plausibility
from pipelines.declarations.releases import ReleaseCalendar
from pipelines.declarations.reports import ProfileReport, Report
from pipelines.declarations.sources import Source
from pipelines.declarations.surveys import Survey
from pipelines.declarations.targets import Programme
from pipelines.settings import PROJECT

Schema = dict[str, Any]

INTRODUCTION = """\
# Declarations

Gorod is declared in YAML under `assets/`. This page and the JSON Schemas in [schemas/](schemas) are
generated from the models in `pipelines/` by `python -m pipelines.declarations.reference`; do not edit them by hand.

A key that is not listed is an error; the message names file, line and key. The models also check the keys of a file
against each other, and files against each other (a measure of an undeclared feed, an indicator that adds up what is not
additive). `gorod check` reads all files, as do `gorod run` and `make test`.

An editor with a YAML language server completes keys and shows these descriptions, because the first line of a file
names its schema: `# yaml-language-server: $schema=…`.
"""


@dataclass(frozen=True)
class Kind:
    """A kind of declaration: its name, its model, its files, and their paths as the page shows them."""

    name: str
    model: type[BaseModel]
    files: str
    shown: str


THEMES = "assets/indicators/themes.yml"

KINDS = (
    Kind("source", Source, "assets/sources/*/source.yml", "assets/sources/<source>/source.yml"),
    Kind("measures", MeasureFile, "assets/sources/*/measures.yml", "assets/sources/<source>/measures.yml"),
    Kind("indicator", Indicator, "assets/indicators/*.yml", "assets/indicators/<indicator>.yml"),
    Kind("themes", Themes, THEMES, THEMES),
    Kind("framework", Framework, "assets/frameworks/*.yml", "assets/frameworks/<framework>.yml"),
    Kind("method", IndexMethod, "assets/methods/*.yml", "assets/methods/<method>.yml"),
    Kind("target", Programme, "assets/targets/*.yml", "assets/targets/<programme>.yml"),
    Kind("plausibility", Plausibility, "assets/plausibility.yml", "assets/plausibility.yml"),
    Kind("corrections", CorrectionFile, "assets/corrections/*.yml", "assets/corrections/<source>.yml"),
    Kind("release", ReleaseCalendar, "assets/releases/calendar.yml", "assets/releases/calendar.yml"),
    Kind("survey", Survey, "assets/surveys/*.yml", "assets/surveys/<survey>.yml"),
    Kind("access", Access, "assets/access.yml", "assets/access.yml"),
    Kind("report", Report, "assets/reports/*_digest.yml", "assets/reports/<report>.yml"),
    Kind("profile", ProfileReport, "assets/reports/*_profile.yml", "assets/reports/<report>_profile.yml"),
)


def files_of(kind: Kind, root: Path = PROJECT) -> list[Path]:
    """The declarations of a kind, in the order of their paths."""
    return [path for path in sorted(root.glob(kind.files)) if kind.files == THEMES or path != root / THEMES]


def schema_of(kind: Kind) -> Schema:
    """The JSON Schema of a kind of file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **kind.model.model_json_schema(mode="validation"),
    }


def reference(kinds: tuple[Kind, ...] = KINDS) -> str:
    """The page: a section for each kind of file, a table for each model in it. Each model is explained once."""
    parts, explained = [INTRODUCTION], set[str]()
    for kind in kinds:
        schema = schema_of(kind)
        parts.append(f"## {kind.name}: `{kind.shown}`\n")
        parts.append(_section(schema))
        for name in _mentioned(schema, schema["$defs"]):
            if name not in explained:
                explained.add(name)
                parts.append(f"### {name}\n")
                parts.append(_section(schema["$defs"][name]))
    return "\n".join(parts)


def outputs() -> dict[Path, str]:
    """Every generated file, by its path below the project."""
    docs = Path("docs")
    schemas = {
        docs / "schemas" / f"{kind.name}.schema.json": json.dumps(
            schema_of(kind), ensure_ascii=False, indent=1
        )
        + "\n"
        for kind in KINDS
    }
    return {docs / "declarations.md": reference(), docs / "frameworks.ru.md": framework_page(), **schemas}


def _section(schema: Schema) -> str:
    """The model's docstring, and a row for each of its keys."""
    lines = [str(schema.get("description", "")).replace("``", "`"), ""]
    required = set(schema.get("required", ()))
    lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, key in schema.get("properties", {}).items():
        default = "**required**" if name in required else _default(key)
        cells = (f"`{name}`", _type(key), default, str(key.get("description", "")))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _default(key: Schema) -> str:
    value = key.get("default")
    if value is None or value in ([], {}):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def _type(key: Schema) -> str:
    """The value of a key in words, e.g. ``list of Term``, ``M, A``, ``map of Column``."""
    if "$ref" in key:
        return _link(key["$ref"])
    if "const" in key:
        return f"`{key['const']}`"
    if "enum" in key:
        return ", ".join(f"`{value}`" for value in key["enum"])
    if variants := key.get("oneOf") or key.get("anyOf"):
        texts = [_type(variant) for variant in variants if variant.get("type") != "null"]
        return "number" if set(texts) == {"number", "text"} else " or ".join(texts)
    if items := key.get("prefixItems"):
        return f"list of {len(items)}: {', '.join(map(_type, items))}"
    if key.get("type") == "array":
        return f"list of {_type(key['items'])}"
    if key.get("type") == "object":
        names = key.get("propertyNames", {}).get("enum", ())
        given = f" by {', '.join(f'`{name}`' for name in sorted(names))}" if names else ""
        return f"map of {_type(key['additionalProperties'])}{given}"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return {"date": "date", "date-time": "moment"}.get(str(key.get("format")), words[key["type"]])


def _link(reference: str) -> str:
    name = reference.rsplit("/", 1)[-1]
    return f"[{name}](#{name.lower()})"


def _mentioned(schema: Schema, definitions: Schema) -> Iterator[str]:
    """Names of the models that a schema refers to, each once, in the order of reference."""
    seen: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(target := node.get("$ref"), str):
                name = target.rsplit("/", 1)[-1]
                if name not in seen:
                    seen.append(name)
                    walk(definitions[name])
            for key, value in node.items():
                if key != "$defs":
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    yield from seen


def main() -> None:
    """Write the files, and print which changed."""
    for path, text in outputs().items():
        target = PROJECT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        changed = not target.exists() or target.read_text(encoding="utf-8") != text
        if changed:
            target.write_text(text, encoding="utf-8")
        print(f"{path}: {'written' if changed else 'up to date'}")


if __name__ == "__main__":
    main()
