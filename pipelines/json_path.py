"""Where a value stands in JSON: the paths that declarations are written with.

* ``place.id``: a key in an object in an object; a key with other signs than letters, digits and ``_ - @ $ :`` is quoted,
  ``"postal code".text``;
* ``phones[0]``: an item of a list by its number, from 0;
* ``characteristic[name=lengthKm].value``: of the items whose ``name`` is ``lengthKm`` (a list of pairs instead of an object);
* ``resource.id | id``: what the first of several paths finds, in their order; one that does not fit the document finds nothing
  (``pm10.value | pm10``: the same whether the value stands in an object or alone);
* any of these followed by `` ~ <regular expression>``: the part of the text that the first group matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

KEY = r'[\w@$:-]+|"[^"]+"'
STEP = re.compile(rf"(?P<dot>\.?)(?P<key>{KEY})|\[(?P<number>[0-9]+)\]|\[(?P<by>{KEY})=(?P<value>[^\[\]]+)\]")
PATTERN = " ~ "
ALTERNATIVE = " | "
ARRAY, OBJECT, SCALAR = "массивом", "объектом", "текстом или числом"


class PathError(ValueError):
    """A path has none of the forms above."""


class ShapeError(Exception):
    """A document has something else where the path leads; ``place`` is the part of the path up to there."""

    def __init__(self, place: str, expected: str) -> None:
        super().__init__(f"поле {place} должно быть {expected}")


@dataclass(frozen=True)
class Filter:
    """The items of a list whose ``key`` is ``value``."""

    key: str
    value: str


Steps = tuple[str | int | Filter, ...]


@dataclass(frozen=True)
class Lookup:
    """Steps that are keys, with at most one filter among them, after ``head``."""

    head: tuple[str, ...]
    filter: Filter | None = None
    tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class JsonPath:
    """A parsed path: its alternatives, and the part of the text that is meant. Without steps: the document itself."""

    alternatives: tuple[Steps, ...]
    pattern: str | None = None

    @cached_property
    def lookups(self) -> tuple[Lookup, ...]:
        """The alternatives, if all of them are keys with at most one filter among them, as nearly all paths are."""
        found = tuple(map(_lookup, self.alternatives))
        return tuple(one for one in found if one is not None) if None not in found else ()

    @property
    def words(self) -> set[str]:
        """The keys that the path names."""
        steps = [step for steps in self.alternatives for step in steps]
        return {step.key if isinstance(step, Filter) else step for step in steps if not isinstance(step, int)}

    def find(self, document: Any) -> list[Any]:
        """The values at the path: none if it is absent or null, several if several items of a list are meant.

        Raises:
            ShapeError: on the path of every alternative, something is not an object, or not a list.
        """
        odd: list[ShapeError] = []
        for steps in self.alternatives:
            try:
                if found := _find(document, steps, 0):
                    return found
            except ShapeError as error:
                odd.append(error)
        if len(odd) == len(self.alternatives):
            raise odd[0]
        return []


@lru_cache(maxsize=1024)
def parse_path(text: str) -> JsonPath:
    """Parse a path; an empty one is the document itself.

    Raises:
        PathError: it cannot be parsed.
    """
    places, _, pattern = text.partition(PATTERN)
    if pattern:
        try:
            if re.compile(pattern).groups < 1:
                raise PathError(
                    f"{text!r}: the expression after ~ needs a group: what it matches is the value"
                )
        except re.error as error:
            raise PathError(f"{text!r}: what follows ~ is not a regular expression: {error}") from error
    elif PATTERN.rstrip() in text:
        raise PathError(f"{text!r}: no regular expression follows ~")
    if not places:
        return JsonPath(((),))
    return JsonPath(tuple(_steps(one, text) for one in places.split(ALTERNATIVE)), pattern or None)


def _steps(path: str, text: str) -> Steps:
    steps: list[str | int | Filter] = []
    place = 0
    while place < len(path):
        match = STEP.match(path, place)
        # a dot precedes each key but the first
        if match is None or (match["key"] and bool(match["dot"]) != bool(steps)):
            break
        if match["number"]:
            steps.append(int(match["number"]))
        elif match["by"]:
            steps.append(Filter(match["by"].strip('"'), match["value"]))
        else:
            steps.append(match["key"].strip('"'))
        place = match.end()
    if place < len(path) or not path:
        raise PathError(
            f"{text!r} cannot be read from character {place + 1} of {path!r} on; write key.key, list[0], list[key=value].key"
        )
    return tuple(steps)


def _lookup(steps: Steps) -> Lookup | None:
    filters = [number for number, step in enumerate(steps) if isinstance(step, Filter)]
    keys = tuple(step for step in steps if isinstance(step, str))
    if not keys or len(filters) > 1 or len(keys) + len(filters) < len(steps):
        return None
    if not filters:
        return Lookup(keys)
    (number,) = filters
    by = steps[number]
    return Lookup(keys[:number], by, keys[number:]) if isinstance(by, Filter) else None


def _find(found: Any, steps: Steps, place: int) -> list[Any]:
    for number in range(place, len(steps)):
        step = steps[number]
        if found is None:
            return []
        if isinstance(step, str):
            if not isinstance(found, dict):
                raise ShapeError(shown(steps[:number]), OBJECT)
            found = found.get(step)
        elif not isinstance(found, list):
            raise ShapeError(shown(steps[:number]), ARRAY)
        elif isinstance(step, int):
            found = found[step] if step < len(found) else None
        else:
            key, wanted = step.key, step.value
            values = []
            for item in found:
                if not isinstance(item, dict):
                    continue
                given = item.get(key)
                if given == wanted or (given.__class__ is not str and scalar_text(given) == wanted):
                    values += _find(item, steps, number + 1)
            return values
    return [] if found is None else [found]


def scalar_text(value: Any) -> str | None:
    """A text, a number or a boolean as text; None for an object or a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def shown(steps: Steps) -> str:
    """Steps in their notation."""
    return "".join(_shown(steps)) or "записи"


def _shown(steps: Steps) -> Iterator[str]:
    for number, step in enumerate(steps):
        if isinstance(step, int):
            yield f"[{step}]"
        elif isinstance(step, Filter):
            yield f"[{step.key}={step.value}]"
        else:
            yield f"{'.' if number else ''}{step}"
