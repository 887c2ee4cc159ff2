"""Pieces that every declaration shares, and the one way of reading a YAML file with its line numbers."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from pipelines.errors import DeclarationError

Location = tuple[int | str, ...]
# where, and what is wrong there
Problem = tuple[Location, str]

# libyaml, where it is there, is ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# no declaration is nested so deep; beyond, PyYAML would end in a fault of its own
DEEPEST = 50


class Declaration(BaseModel):
    """Base of all declarations: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Names(Declaration):
    """A name in the three languages; ``ru`` is what officials read."""

    ru: str = Field(description="in Russian")
    be: str = Field(description="in Belarusian")
    en: str = Field(description="in English")


M = TypeVar("M", bound=BaseModel)


class PlacedError(ValueError):
    """What a rule of a model finds at keys further down, each with its place below the model."""

    def __init__(self, *found: Problem) -> None:
        super().__init__("; ".join(f"{_key(location)}: {told}" for location, told in found))
        self.found = found


class Version(Protocol):
    """What is in force between two days; an open end is None."""

    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...


def overlaps(versions: Sequence[Version]) -> Iterator[Problem]:
    """Versions, oldest first, of which one is still in force when the next begins: the key to change, by number."""
    for number, (older, newer) in enumerate(pairwise(versions)):
        if older.valid_to is None:
            yield (number, "valid_to"), "is needed: each version ends before the next one begins (valid_from)"
        elif newer.valid_from is None or newer.valid_from <= older.valid_to:
            yield (
                (number + 1, "valid_from"),
                f"must lie after {older.valid_to}, the last day of the version before",
            )


def read_yaml(path: Path, model: type[M]) -> M:
    """Read one declaration. What is written is what it says: ``yes`` is no number, ``2026`` no day, ``"5"`` no 5.

    Raises:
        DeclarationError: with file, line, key, and what is allowed there.
    """
    data = load_yaml(path)
    if odd := list(_odd(data)):
        node = composed(path)
        raise DeclarationError(
            "\n".join(f"{path}:{_line(node, location)}: {_key(location)}: {told}" for location, told in odd),
            f"What is allowed: {model.__name__} in docs/declarations.md",
        )
    try:
        # as JSON, where a list may be a tuple and a text a day, and nothing else is made of something else
        return model.model_validate_json(json.dumps(data, default=_iso), strict=True)
    except ValidationError as error:
        node = composed(path)
        raise DeclarationError(
            "\n".join(
                f"{path}:{_line(node, location)}: {_key(location)}: {told}"
                for problem in error.errors()
                for location, told in explained(problem, model, data)
            ),
            f"What is allowed: {model.__name__} in docs/declarations.md",
        ) from error


def _iso(value: date) -> str:
    """A day or a moment of YAML as text."""
    return value.isoformat()


def _odd(data: Any, location: Location = ()) -> Iterator[Problem]:
    """What YAML can say and no declaration does."""
    match data:
        case dict():
            for key, value in data.items():
                if isinstance(key, str):
                    yield from _odd(value, (*location, key))
                else:
                    yield (*location, str(key)), "is a key, and no text; write it in quotes"
        case list():
            for number, value in enumerate(data):
                yield from _odd(value, (*location, number))
        case int() if abs(data) >= 1 << 63:
            yield location, "is a number of more than 64 bits"
        case None | bool() | int() | float() | str() | date():
            pass
        case _:
            yield location, f"is a {type(data).__name__}, which no declaration has"


class _Loader(LOADER):  # type: ignore[misc, valid-type]
    """Values as YAML has them; what looks like one and is none is told with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        # a 13th month, a number of 5000 digits: Python's own errors, of many kinds
        except Exception as error:
            raise _at_mark(f"{node.tag.rpartition(':')[2]} cannot be read: {error}", node) from error
        if isinstance(value, str) and "\0" in value:
            raise _at_mark("a text holds the sign U+0000", node)
        return value


def load_yaml(path: Path) -> Any:
    """What a file holds.

    Raises:
        DeclarationError: it cannot be read, or a key stands twice: with file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _hold_to_a_tree(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            twice = [
                f"{path}:{line}: {key}: stands twice here; first in line {first}"
                for key, first, line in _twice(node, loader)
            ]
            data: Any = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DeclarationError(
            f"{path}:{line}: cannot be read: {error.problem}", "Mend the file; it must be YAML in UTF-8."
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DeclarationError(
            f"{path}: cannot be read: {error}", "Mend the file; it must be YAML in UTF-8."
        ) from error
    # YAML would take the last of two equal keys, and say nothing of the first
    if twice:
        raise DeclarationError("\n".join(twice), "Rename or delete one of them.")
    return data


def _hold_to_a_tree(text: str) -> None:
    """Refuse what is nested too deep, or holds itself.

    Raises:
        yaml.YAMLError: it is, or it is no YAML.
    """
    within: list[str | None] = []
    for event in yaml.parse(text, LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            within.append(event.anchor)
            if len(within) > DEEPEST:
                raise _at_mark(f"nested deeper than {DEEPEST} levels", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            within.pop()
        elif isinstance(event, yaml.AliasEvent) and event.anchor in within:
            raise _at_mark(f"*{event.anchor} stands within what it refers to", event)


def _at_mark(told: str, where: Any) -> yaml.MarkedYAMLError:
    """An error at the beginning of an event or a node."""
    return yaml.MarkedYAMLError(problem=told, problem_mark=where.start_mark)


def at(path: Path, *location: int | str) -> str:
    """``file:line: key`` of a part of a declaration, for what is wrong only beside other files."""
    return f"{path}:{_line(composed(path), location)}: {_key(location)}"


def composed(path: Path) -> yaml.Node | None:
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


def explained(problem: ErrorDetails, model: type[BaseModel], data: Any) -> list[Problem]:
    """What a model says of ``data``: the keys as they are written there, and what is allowed."""
    location, message = _as_written(problem, data), problem["msg"]
    match problem["type"]:
        case "extra_forbidden":
            known = {
                name for one in _candidates(model, problem["loc"][:-1], data) for name in one.model_fields
            }
            told = nearest(str(location[-1]), known)
            return [(location, "there is no such key" + (f"; {told}" if known else ""))]
        case "union_tag_invalid" | "union_tag_not_found":
            kinds = [kind for one in _candidates(model, problem["loc"], data) for kind in _kinds(one)]
            given = problem["ctx"].get("tag")
            told = (
                f"no kind {given!r}; {nearest(given, kinds)}" if given else f"is needed; {nearest('', kinds)}"
            )
            return [((*location, "kind"), told)]
        case "value_error":
            error = problem["ctx"]["error"]
            if isinstance(error, PlacedError):
                return [((*location, *place), told) for place, told in error.found]
            # rules over several keys begin with the key that is to be changed
            message = str(error)
            key, colon, rest = message.partition(": ")
            if colon and key.isidentifier():
                return [((*location, key), rest)]
    return [(location, message)]


def _as_written(problem: ErrorDetails, data: Any) -> Location:
    """The place without the names of variants (a kind, ``list[str]``), which stand in it as if they were keys."""
    found: list[int | str] = []
    for part in problem["loc"]:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            continue
        found.append(part)
    return (*found, problem["loc"][-1]) if problem["type"] == "missing" else tuple(found)


def _key(location: Location) -> str:
    return ".".join(map(str, location))


def _line(node: yaml.Node | None, location: Location) -> int:
    """The line (from 1) of the deepest part of ``location`` that exists in the file."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            # missing, or merged (<<) from elsewhere: the line of what should hold it
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _twice(node: yaml.Node | None, loader: Any) -> Iterator[tuple[str, int, int]]:
    """Keys that stand twice in a mapping, however they are spelled (``yes``, ``true``), with both lines."""
    found, seen = [node], set()
    while found:
        node = found.pop()
        # what several aliases refer to is looked at once
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            found += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            found += [value for _, value in reversed(node.value)]
            first: dict[str, int] = {}
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    line = key.start_mark.line + 1
                    name = key.value if key.value == "<<" else str(loader.construct_object(key))
                    if name in first:
                        yield key.value, first[name], line
                    first.setdefault(name, line)


def _candidates(model: type[BaseModel], location: Location, data: Any) -> list[type[BaseModel]]:
    """The models that may stand in a place: several, where it is not said of which kind it is."""
    candidates = [model]
    for part in location:
        fields = [one.model_fields[str(part)] for one in candidates if part in one.model_fields]
        if fields:
            candidates = [found for field in fields for found in _models(field.annotation)]
        # a place in a list or map says nothing, whatever its name; what is not in the data is the kind of a variant
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            candidates = [one for one in candidates if part in _kinds(one)] or candidates
    return candidates


def _kinds(model: type[BaseModel]) -> list[str]:
    """The kinds that a variant is told by; none where it is no variant."""
    return list(get_args(model.model_fields["kind"].annotation)) if "kind" in model.model_fields else []


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type, however deep: ``dict[str, tuple[Term, ...]] | None`` has ``Term``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models(argument)]
