"""Reading a declaration: YAML validated by its model; each problem with file, line and key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines.declarations.common import Location, PlacedError, Problem, format_key, nearest
from pipelines.declarations.yaml_document import composed, line_of, load_yaml
from pipelines.errors import DeclarationError

M = TypeVar("M", bound=BaseModel)


def read_yaml(path: Path, model: type[M]) -> M:
    """Read one declaration strictly: ``yes`` is not a number, ``2026`` is not a date, ``"5"`` is not 5.

    Raises:
        DeclarationError: with file, line, key, and what is allowed there.
    """
    data = load_yaml(path)
    if unsupported := list(unsupported_values(data)):
        node = composed(path)
        raise DeclarationError(
            "\n".join(
                f"{path}:{line_of(node, location)}: {format_key(location)}: {reason}"
                for location, reason in unsupported
            ),
            f"What is allowed: {model.__name__} in docs/declarations.md",
        )
    try:
        # JSON mode accepts a list as a tuple and text as a date, and converts nothing else
        return model.model_validate_json(json.dumps(data, default=_iso), strict=True)
    except ValidationError as error:
        node = composed(path)
        raise DeclarationError(
            "\n".join(
                f"{path}:{line_of(node, location)}: {format_key(location)}: {reason}"
                for problem in error.errors()
                for location, reason in explain(problem, model, data)
            ),
            f"What is allowed: {model.__name__} in docs/declarations.md",
        ) from error


def _iso(value: date) -> str:
    """A date or timestamp of YAML as text."""
    return value.isoformat()


def unsupported_values(data: Any, location: Location = ()) -> Iterator[Problem]:
    """Values that YAML allows and declarations do not."""
    match data:
        case dict():
            for key, value in data.items():
                if isinstance(key, str):
                    yield from unsupported_values(value, (*location, key))
                else:
                    yield (*location, str(key)), "is a key, but not a text; write it in quotes"
        case list():
            for number, value in enumerate(data):
                yield from unsupported_values(value, (*location, number))
        case int() if abs(data) >= 1 << 63:
            yield location, "is a number of more than 64 bits"
        case None | bool() | int() | float() | str() | date():
            pass
        case _:
            yield location, f"is a {type(data).__name__}, which is not allowed in a declaration"


def explain(problem: ErrorDetails, model: type[BaseModel], data: Any) -> list[Problem]:
    """An error of a model for people: the key as written in ``data``, and what is allowed there."""
    location, message = location_as_written(problem, data), problem["msg"]
    match problem["type"]:
        case "extra_forbidden":
            known = {name for one in models_at(model, problem["loc"][:-1], data) for name in one.model_fields}
            reason = nearest(str(location[-1]), known)
            return [(location, "there is no such key" + (f"; {reason}" if known else ""))]
        case "union_tag_invalid" | "union_tag_not_found":
            kinds = [kind for one in models_at(model, problem["loc"], data) for kind in _kinds(one)]
            given = problem["ctx"].get("tag")
            reason = (
                f"no kind {given!r}; {nearest(given, kinds)}" if given else f"is needed; {nearest('', kinds)}"
            )
            return [((*location, "kind"), reason)]
        case "value_error":
            error = problem["ctx"]["error"]
            if isinstance(error, PlacedError):
                return [((*location, *place), reason) for place, reason in error.found]
            # messages about several keys begin with the key to change
            message = str(error)
            key, colon, rest = message.partition(": ")
            if colon and key.isidentifier():
                return [((*location, key), rest)]
    return [(location, message)]


def location_as_written(problem: ErrorDetails, data: Any) -> Location:
    """The location without the names of variants (a kind, ``list[str]``), which pydantic inserts as if they were keys."""
    found: list[int | str] = []
    for part in problem["loc"]:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            continue
        found.append(part)
    return (*found, problem["loc"][-1]) if problem["type"] == "missing" else tuple(found)


def models_at(model: type[BaseModel], location: Location, data: Any) -> list[type[BaseModel]]:
    """The models possible at a location: several if its kind is not given."""
    candidates = [model]
    for part in location:
        fields = [one.model_fields[str(part)] for one in candidates if part in one.model_fields]
        if fields:
            candidates = [found for field in fields for found in _models(field.annotation)]
        # positions and map keys say nothing about the model; a part that is not in the data is the kind of a variant
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            candidates = [one for one in candidates if part in _kinds(one)] or candidates
    return candidates


def _kinds(model: type[BaseModel]) -> list[str]:
    """The values of a variant's ``kind``; none if the model is not a variant."""
    return list(get_args(model.model_fields["kind"].annotation)) if "kind" in model.model_fields else []


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type, at any depth: ``dict[str, tuple[Term, ...]] | None`` has ``Term``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models(argument)]
