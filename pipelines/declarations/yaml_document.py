"""YAML as declarations use it: a tree with unique keys, and the line of each key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pipelines.declarations.common import Location, format_key
from pipelines.errors import DeclarationError

# libyaml, if available, is ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# far deeper than any declaration; PyYAML itself fails on much deeper ones
DEEPEST = 50


class _Loader(LOADER):  # type: ignore[misc, valid-type]
    """Construct YAML's values; an invalid one is an error with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        # a 13th month, a number of 5000 digits: Python raises errors of many kinds
        except Exception as error:
            raise error_at(f"{node.tag.rpartition(':')[2]} cannot be read: {error}", node) from error
        if isinstance(value, str) and "\0" in value:
            raise error_at("a text contains the character U+0000", node)
        return value


def load_yaml(path: Path) -> Any:
    """The contents of a file.

    Raises:
        DeclarationError: it cannot be read, or a key is duplicated; with file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        require_tree(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            twice = [
                f"{path}:{line}: {key}: is a duplicate; first in line {first}"
                for key, first, line in duplicate_keys(node, loader)
            ]
            data: Any = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DeclarationError(
            f"{path}:{line}: cannot be read: {error.problem}", "Correct the file; it must be YAML in UTF-8."
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DeclarationError(
            f"{path}: cannot be read: {error}", "Correct the file; it must be YAML in UTF-8."
        ) from error
    # YAML silently takes the last of two equal keys
    if twice:
        raise DeclarationError("\n".join(twice), "Rename or delete one of them.")
    return data


def require_tree(text: str) -> None:
    """Require that the document is a tree: not nested too deeply, and not containing itself.

    Raises:
        yaml.YAMLError: it is not, or it is not YAML.
    """
    within: list[str | None] = []
    for event in yaml.parse(text, LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            within.append(event.anchor)
            if len(within) > DEEPEST:
                raise error_at(f"nested deeper than {DEEPEST} levels", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            within.pop()
        elif isinstance(event, yaml.AliasEvent) and event.anchor in within:
            raise error_at(f"*{event.anchor} is inside what it refers to", event)


def error_at(message: str, where: Any) -> yaml.MarkedYAMLError:
    """An error at the start of an event or a node."""
    return yaml.MarkedYAMLError(problem=message, problem_mark=where.start_mark)


def at(path: Path, *location: int | str) -> str:
    """``file:line: key`` of a part of a declaration, for problems that involve several files."""
    return f"{path}:{line_of(composed(path), location)}: {format_key(location)}"


def composed(path: Path) -> yaml.Node | None:
    """The nodes of a file, which have lines; None if it cannot be read."""
    try:
        node: yaml.Node | None = yaml.compose(path.read_text(encoding="utf-8"), LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return node


def line_of(node: yaml.Node | None, location: Location) -> int:
    """The line (from 1) of the deepest part of ``location`` that exists in the file."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            # missing, or merged (<<) from elsewhere: the line of what should contain it
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def duplicate_keys(node: yaml.Node | None, loader: Any) -> Iterator[tuple[str, int, int]]:
    """Duplicate keys of a mapping, however they are spelled (``yes``, ``true``), with both lines."""
    found, seen = [node], set()
    while found:
        node = found.pop()
        # a node with several aliases is visited once
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
