"""What all declarations share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

Location = tuple[int | str, ...]
# location and message
Problem = tuple[Location, str]


class Declaration(BaseModel):
    """Base of all declarations: unknown keys are errors, instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Names(Declaration):
    """A name in the three languages; ``ru`` is what officials read."""

    ru: str = Field(description="in Russian")
    be: str = Field(description="in Belarusian")
    en: str = Field(description="in English")


class PlacedError(ValueError):
    """Problems found by a model's validator at keys below the model, each with its location."""

    def __init__(self, *found: Problem) -> None:
        super().__init__("; ".join(f"{format_key(location)}: {message}" for location, message in found))
        self.found = found


class Version(Protocol):
    """Something valid between two days; an open end is None."""

    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...


def overlaps(versions: Sequence[Version]) -> Iterator[Problem]:
    """Overlaps between versions, oldest first: the key to change, and why."""
    for number, (older, newer) in enumerate(pairwise(versions)):
        if older.valid_to is None:
            yield (number, "valid_to"), "is needed: each version ends before the next one begins (valid_from)"
        elif newer.valid_from is None or newer.valid_from <= older.valid_to:
            yield (
                (number + 1, "valid_from"),
                f"must lie after {older.valid_to}, the last day of the version before",
            )


def nearest(name: str, known: Iterable[str]) -> str:
    """A suggestion for a wrong name: the nearest known name, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}"


def format_key(location: Location) -> str:
    return ".".join(map(str, location))
