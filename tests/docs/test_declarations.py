"""The reference of declarations is what the models say, and every declaration holds to its schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipelines.declarations.reference import KINDS, Kind, files_of, outputs, schema_of
from pipelines.settings import PROJECT

FILES = [(kind, path) for kind in KINDS for path in files_of(kind)]


def shown(item: object) -> str:
    return item.name if isinstance(item, Kind) else item.name if isinstance(item, Path) else str(item)


@pytest.mark.parametrize("path", outputs(), ids=str)
def test_reference_is_up_to_date(path: Path) -> None:
    told = "run: python -m pipelines.declarations.reference"
    assert (PROJECT / path).read_text(encoding="utf-8") == outputs()[path], told


def test_every_kind_has_files() -> None:
    assert {kind.name for kind, _ in FILES} == {kind.name for kind in KINDS}


@pytest.mark.parametrize(("kind", "path"), FILES, ids=shown)
def test_declaration_names_its_schema_and_holds_to_it(kind: Kind, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named, "the first line names the schema"
    schema_path = (path.parent / named[1]).resolve()
    assert schema_path == PROJECT / "docs" / "schemas" / f"{kind.name}.schema.json"
    # as an editor sees it: a date is text
    data: Any = json.loads(json.dumps(yaml.safe_load(text), default=str))
    jsonschema.Draft202012Validator(json.loads(schema_path.read_text(encoding="utf-8"))).validate(data)


@pytest.mark.parametrize("kind", KINDS, ids=shown)
def test_schema_refuses_an_unknown_key(kind: Kind) -> None:
    data: Any = json.loads(
        json.dumps(yaml.safe_load(files_of(kind)[0].read_text(encoding="utf-8")), default=str)
    )
    data["tittle"] = "a slip of the pen"
    with pytest.raises(jsonschema.ValidationError, match="tittle"):
        jsonschema.Draft202012Validator(schema_of(kind)).validate(data)


@pytest.mark.parametrize("kind", KINDS, ids=shown)
def test_every_key_is_explained(kind: Kind) -> None:
    schema = schema_of(kind)
    models = {kind.model.__name__: schema, **schema["$defs"]}
    silent = [
        f"{model}.{key}"
        for model, described in models.items()
        for key, about in described.get("properties", {}).items()
        if not about.get("description")
    ]
    assert not silent, f"give these a Field(description=…): {silent}"
