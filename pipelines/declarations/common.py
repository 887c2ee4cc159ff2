"""Pieces that every declaration shares, and the one way of reading a YAML file with its line numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import DeclarationError


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
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text)
        data: Any = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DeclarationError(
            f"{path}: cannot be read: {error}", "Mend the file; it must be YAML in UTF-8."
        ) from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [
            f"{path}:{_line(node, problem['loc'])}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise DeclarationError(
            "\n".join(lines), f"What is allowed: {model.__name__} in docs/declarations.md"
        ) from error


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """The line (from 1) of the deepest part of ``location`` that exists in the file."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
