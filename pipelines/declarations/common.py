"""Pieces that every declaration shares, and the one way of reading a YAML file with its line numbers."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from pipelines.errors import DeclarationError

Location = tuple[int | str, ...]

# libyaml, where it is there, is ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Declaration(BaseModel):
    """Base of all declarations: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Names(Declaration):
    """A name in the three languages; ``ru`` is what officials read."""

    ru: str = Field(description="in Russian")
    be: str = Field(description="in Belarusian")
    en: str = Field(description="in English")


M = TypeVar("M", bound=BaseModel)


def read_yaml(path: Path, model: type[M]) -> M:
    """Read one declaration.

    Raises:
        DeclarationError: with file, line, key, and what is allowed there.
    """
    try:
        loader = LOADER(path.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            twice = [
                f"{path}:{line}: {key}: stands twice here; first in line {first}"
                for key, first, line in _twice(node)
            ]
            data: Any = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DeclarationError(
            f"{path}: cannot be read: {error}", "Mend the file; it must be YAML in UTF-8."
        ) from error
    # YAML would take the last of two equal keys, and say nothing of the first
    if twice:
        raise DeclarationError("\n".join(twice), "Rename or delete one of them.")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise DeclarationError(
            "\n".join(_told(path, _composed(path), model, problem) for problem in error.errors()),
            f"What is allowed: {model.__name__} in docs/declarations.md",
        ) from error


def at(path: Path, *location: int | str) -> str:
    """``file:line: key`` of a part of a declaration, for what is wrong only beside other files."""
    return f"{path}:{_line(_composed(path), location)}: {_key(location)}"


def _composed(path: Path) -> yaml.Node | None:
    """A file with the lines of its keys; values that were read from it have merged what it refers to."""
    try:
        node: yaml.Node | None = yaml.compose(path.read_text(encoding="utf-8"), LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return node


def nearest(name: str, known: Iterable[str]) -> str:
    """What is allowed in the place of a wrong name: the nearest one, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}"


def _told(path: Path, node: yaml.Node | None, model: type[BaseModel], problem: ErrorDetails) -> str:
    location, message = problem["loc"], problem["msg"]
    if problem["type"] == "extra_forbidden":
        known = _allowed(model, location)
        message = "there is no such key" + (f"; {nearest(str(location[-1]), known)}" if known else "")
    elif problem["type"] == "value_error":
        # rules over several keys begin with the key that is to be changed
        message = str(problem["ctx"]["error"])
        key, colon, rest = message.partition(": ")
        if colon and key.isidentifier():
            location, message = (*location, key), rest
    return f"{path}:{_line(node, location)}: {_key(location)}: {message}"


def _key(location: Location) -> str:
    return ".".join(map(str, location))


def _line(node: yaml.Node | None, location: Location) -> int:
    """The line (from 1) of the deepest part of ``location`` that exists in the file."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            # what is not in the file is the name of a variant that pydantic tried, or a key that is missing
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _twice(node: yaml.Node | None) -> Iterator[tuple[str, int, int]]:
    """Keys that stand twice in a mapping, with both lines."""
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in first:
                    yield key.value, first[key.value], line
                first.setdefault(key.value, line)
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _twice(value)


def _allowed(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that are allowed where ``location`` ends in one that is not."""
    candidates = [model]
    for part in location[:-1]:
        fields = [one.model_fields[str(part)] for one in candidates if part in one.model_fields]
        if fields:
            candidates = [found for field in fields for found in _models(field.annotation)]
        # the place in a list or map says nothing; the kind of a variant says which one it is
        candidates = [
            one
            for one in candidates
            if "kind" in one.model_fields and part in get_args(one.model_fields["kind"].annotation)
        ] or candidates
    return sorted({name for one in candidates for name in one.model_fields})


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type, however deep: ``dict[str, tuple[Term, ...]] | None`` has ``Term``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models(argument)]
