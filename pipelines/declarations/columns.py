"""The columns of a feed: their types, the bounds of numbers, and what is done with personal data."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.common import Declaration, PlacedError
from pipelines.text import normal, unseen_sign

ColumnType = Literal["text", "integer", "decimal", "date", "timestamp", "boolean"]
PersonalData = Literal["none", "drop", "pseudonymise", "coarsen"]
NUMBERS = ("integer", "decimal")


class Bound(Declaration):
    """Between which values a number of a column lies, in the rows that ``where`` takes.

    A value beyond it is kept back; if fewer than ``mostly`` of the values lie within, the delivery is refused.
    """

    where: str = Field(
        default="true",
        description="SQL condition over the kept columns: the rows that the bound is for; all when absent",
    )
    rows: str = Field(default="", description="which rows these are, in Russian, as the supplier reads it")
    min: float = Field(description="least value that can be")
    max: float = Field(description="greatest value that can be")
    remedy: str = Field(
        default="Проверьте значение, его единицу измерения и то, к чему оно относится.",
        description="what the supplier has to do, in Russian",
    )
    severity: Literal["critical", "warning"] = Field(
        default="critical", description="whether a value beyond is kept back or let in with a mark"
    )
    mostly: float = Field(
        default=0.95, gt=0, le=1, description="share of values within, below which the delivery is refused"
    )

    @model_validator(mode="after")
    def _is_a_span(self) -> Bound:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}")
        return self


def _or_one_text(schema: dict[str, Any]) -> None:
    """A list of texts may be written as one text."""
    schema.pop("type")
    schema["anyOf"] = [{"type": "string"}, {"type": "array", "items": schema.pop("items")}]


class Column(Declaration):
    """One column of a feed, as it is delivered.

    ``personal_data`` says what the format reader does before anybody sees a row: ``drop`` leaves the column
    out of the batch, ``pseudonymise`` replaces it by a keyed hash, ``coarsen`` rounds a coordinate in degrees to
    ``coarsen_decimals`` places; what is none (text, metres) is not kept.
    """

    type: ColumnType = Field(
        description="what the reader makes of the text; what cannot be read as it goes to quarantine"
    )
    description: str = Field(description="what the column holds, in English")
    required: bool = Field(default=True, description="the delivery must have this column")
    unit: str | None = Field(default=None, description="unit of measurement of a number")
    bounds: dict[str, Bound] = Field(
        default={},
        description="what a number can be, by name: an expectation `<column>_<name>` for each, made by itself",
    )
    unbounded: str | None = Field(default=None, description="why a number has no bounds")
    rounded: bool = Field(
        default=False, description="a decimal of more than six places is rounded to six; else it is not read"
    )
    format: str | None = Field(
        default=None, description="strptime pattern of a date or timestamp; ISO 8601 when absent"
    )
    time_zone: Literal["Europe/Minsk", "UTC"] = Field(
        default="Europe/Minsk",
        description="the clock on which a timestamp is kept; one without an offset is of this clock, one with an offset is "
        "converted to it",
    )
    missing: tuple[str, ...] = Field(default=("",), description="texts that mean: no value")
    header: tuple[str, ...] = Field(
        default=(),
        json_schema_extra=_or_one_text,
        description="the name of the column in the header of a delivered CSV, in any script, or a list of the names that it may "
        "have there; its own name when absent",
    )
    from_path: str | None = Field(
        default=None, description="where the value stands in a nested record; its name when absent"
    )
    personal_data: PersonalData = Field(
        default="none", description="what the format reader does to the column"
    )
    coarsen_decimals: int = Field(
        default=3, ge=0, le=4, description="decimal places that a coarsened coordinate keeps"
    )
    why_personal: str | None = Field(
        default=None, description="what personal data the column holds, and the ground"
    )

    @field_validator("header", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("header")
    @classmethod
    def _can_be_seen(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """A name that is compared sign by sign is written so that a reader of source.yml sees every sign of it."""
        for name in names:
            if not name or name != normal(name).strip() or unseen_sign(name):
                raise ValueError(
                    f"{name!r} is no name of a column: write it composed (NFC), without blanks around it and "
                    "without signs that nobody sees"
                )
        return names

    def named(self, name: str) -> tuple[str, ...]:
        """The names that the column called ``name`` may have in a header; the first is what a supplier is told."""
        return self.header or (name,)

    @model_validator(mode="after")
    def _can_be_coarsened(self) -> Column:
        if self.personal_data == "coarsen" and self.type != "decimal":
            problem = (
                f"coarsen rounds a decimal, and the type is {self.type}; declare type: decimal, or drop it"
            )
            raise PlacedError((("personal_data",), problem))
        return self

    @field_validator("format")
    @classmethod
    def _holds_no_offset(cls, pattern: str | None) -> str | None:
        if pattern is not None and re.search(r"(?<!%)(?:%%)*%[zZ]", pattern):
            raise ValueError(
                "a pattern holds no offset or zone; without a pattern, ISO 8601 with an offset is read"
            )
        return pattern

    @model_validator(mode="after")
    def _bounds_fit(self) -> Column:
        if self.bounds and self.type not in NUMBERS:
            raise ValueError(f"bounds are for numbers; the type is {self.type}")
        return self
