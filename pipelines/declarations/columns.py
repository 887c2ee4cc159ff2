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
    """The range of a column's values, in the rows that ``where`` selects.

    A value outside goes to quarantine; if fewer than ``mostly`` of the values lie within, the delivery is refused.
    """

    where: str = Field(
        default="true",
        description="SQL condition over the kept columns: the rows to which the bound applies; absent: all",
    )
    rows: str = Field(default="", description="which rows these are, in Russian, as the supplier reads it")
    min: float = Field(description="lowest possible value")
    max: float = Field(description="highest possible value")
    remedy: str = Field(
        default="Проверьте значение, его единицу измерения и то, к чему оно относится.",
        description="what the supplier has to do, in Russian",
    )
    severity: Literal["critical", "warning"] = Field(
        default="critical",
        description="whether a row with a value outside goes to quarantine or is accepted with a mark",
    )
    mostly: float = Field(
        default=0.95,
        gt=0,
        le=1,
        description="the delivery is refused if a smaller share of values lies within",
    )

    @model_validator(mode="after")
    def _is_a_span(self) -> Bound:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}")
        return self


def _or_one_text(schema: dict[str, Any]) -> None:
    """Allow a single text instead of a list of texts."""
    schema.pop("type")
    schema["anyOf"] = [{"type": "string"}, {"type": "array", "items": schema.pop("items")}]


class Column(Declaration):
    """A column of a feed, as delivered.

    ``personal_data`` says what the format reader does before anyone can see a row: ``drop`` leaves the column
    out of the batch, ``pseudonymise`` replaces it by a keyed hash, ``coarsen`` rounds a coordinate in degrees to
    ``coarsen_decimals`` places; a value that is not one (text, metres) is not kept.
    """

    type: ColumnType = Field(
        description="type to which the text is converted; a row whose text cannot be converted goes to quarantine"
    )
    description: str = Field(description="what the column contains, in English")
    required: bool = Field(default=True, description="the delivery must have this column")
    unit: str | None = Field(default=None, description="unit of measurement of a number")
    bounds: dict[str, Bound] = Field(
        default={},
        description="possible values of a number, by name; each creates an expectation `<column>_<name>`",
    )
    unbounded: str | None = Field(default=None, description="why a number has no bounds")
    rounded: bool = Field(
        default=False,
        description="a decimal with more than six places is rounded to six; otherwise it is refused",
    )
    format: str | None = Field(
        default=None, description="strptime pattern of a date or timestamp; absent: ISO 8601"
    )
    time_zone: Literal["Europe/Minsk", "UTC"] = Field(
        default="Europe/Minsk",
        description="time zone in which a timestamp is stored; one without an offset is taken to be in it, one with an offset "
        "is converted to it",
    )
    missing: tuple[str, ...] = Field(default=("",), description="texts that mean that there is no value")
    header: tuple[str, ...] = Field(
        default=(),
        json_schema_extra=_or_one_text,
        description="name of the column in the header of a delivered CSV, in any script, or a list of possible names; "
        "absent: the column's name",
    )
    from_path: str | None = Field(
        default=None, description="where the value stands in a nested record; its name when absent"
    )
    personal_data: PersonalData = Field(
        default="none", description="what the format reader does to the column"
    )
    coarsen_decimals: int = Field(
        default=3, ge=0, le=4, description="decimal places of a coarsened coordinate"
    )
    why_personal: str | None = Field(
        default=None, description="which personal data the column contains, and the legal ground"
    )

    @field_validator("header", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("header")
    @classmethod
    def _can_be_seen(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """Names are compared character by character, so every character must be visible in source.yml."""
        for name in names:
            if not name or name != normal(name).strip() or unseen_sign(name):
                raise ValueError(
                    f"{name!r} is not a valid column name: write it composed (NFC), without surrounding spaces and "
                    "without invisible characters"
                )
        return names

    def named(self, name: str) -> tuple[str, ...]:
        """Header names of the column called ``name``; suppliers are shown the first."""
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
                "a pattern cannot contain an offset or a zone; without a pattern, ISO 8601 with an offset is read"
            )
        return pattern

    @model_validator(mode="after")
    def _bounds_fit(self) -> Column:
        if self.bounds and self.type not in NUMBERS:
            raise ValueError(f"bounds are for numbers; the type is {self.type}")
        return self
