"""What is observed: the model of ``assets/sources/<source>/measures.yml``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.sources import SOURCES
from pipelines.declarations.units import Unit
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError

# The six classes of the U4SSC KPIs verification manual (ITU, 2022, p. 163), best first.
Quality = Literal[
    "measured", "survey", "higher_level", "assumptions", "personal_estimate", "unknown_methodology"
]


QUALITIES: dict[str, tuple[str, str, str]] = {
    "measured": (
        "точные измерения",
        "дакладныя вымярэнні",
        "based on accurate measurements",
    ),
    "survey": (
        "распространение данных опроса жителей",
        "пашырэнне даных апытання жыхароў",
        "extrapolated from a survey of inhabitants",
    ),
    "higher_level": (
        "распространение данных вышестоящего уровня",
        "пашырэнне даных вышэйшага ўзроўню",
        "extrapolated from data of a higher level",
    ),
    "assumptions": (
        "оценка на основе допущений",
        "ацэнка на аснове дапушчэнняў",
        "estimated on certain assumptions",
    ),
    "personal_estimate": ("личная оценка", "асабістая ацэнка", "personal estimation"),
    "unknown_methodology": (
        "методика неизвестна, проследить нельзя",
        "методыка невядомая, прасачыць нельга",
        "unknown methodology, not traceable",
    ),
}


def feed_of(model: str) -> tuple[str, str]:
    """Source and feed of a hand-written contributions model, from its name."""
    source, feed, *_ = (*model.removeprefix("int_").split("__"), "")
    return source, feed


class Measure(Declaration):
    """An observed quantity: which rows of the feed's staging model count, and what each adds.

    ``filter`` and ``expr`` are SQL over the columns of the staging model, named as in dbt's semantic models, and must run
    on both DuckDB and PostgreSQL. Territory, period and the part not allocated to a lower territory come from columns
    that every staging model has (``ref_area``, ``time_period``, ``allocation``). What cannot be expressed this way is
    computed by hand-written models, listed in ``models``.
    """

    name: Names = Field(description="name of the measure")
    definition_ru: str = Field(description="what exactly is counted, in Russian, as published")
    unit: Unit = Field(description="unit of the figures")
    kind: Literal["flow", "stock"] = Field(description="a flow is counted over a period, a stock at its end")
    source: str = Field(default="", description="source of the figures: that of the folder")
    feed: str = Field(description="feed of that source")
    filter: str = Field(
        default="true",
        description="SQL condition over the staging model's columns: the rows that count; absent: all",
    )
    expr: str | int | None = Field(
        default=None, description="SQL expression that is added up: a column for a sum, 1 for a count"
    )
    breakdown: str | None = Field(
        default=None,
        description="column or SQL expression of the member that a row counts in, in addition to the total; a row without "
        "one counts only in the total",
    )
    breakdown_has_total: bool = Field(
        default=False,
        description="the rows of the member `_T` are the total; it is not the sum of the others",
    )
    models: tuple[str, ...] = Field(
        default=(),
        description="instead of `expr`: the hand-written models that compute it; their names begin "
        "`int_<source>__<feed>__`",
    )
    freq: Literal["M", "A"] = Field(description="the frequency at which it is observed")
    territory: Literal["sum", "none"] = Field(description="whether territories may be added up")
    time: Literal["sum", "last", "mean", "max", "none"] = Field(
        description="how months become quarters, half-years and years; a flow is added up, a stock is that of the last "
        "month, the mean of the months, or the greatest"
    )
    absence: Literal["zero", "not_published"] = Field(
        description="what it means that an accepted delivery has no row: nothing happened, or it is unknown"
    )
    reporting: Literal["instance", "place"] = Field(
        default="place", description="territory of the figures: that of the instance, or the one in the row"
    )
    constant: bool = Field(default=False, description="has no period: its time_period is _Z")
    carry_forward_years: int = Field(
        default=0,
        ge=0,
        le=10,
        description="as a denominator: the latest figure, at most this many years old, is used",
    )
    minimum_cell: int = Field(
        default=0,
        ge=0,
        description="parts (not totals) above zero and below this are suppressed when published",
    )
    quality: Quality = Field(
        default="measured",
        description="how the figures are obtained: a class of the U4SSC verification manual",
    )
    holds: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="territories whose figures include those of others that are separate in the register (an oblast with "
        "its republican city); the others' figures are subtracted",
    )
    breakdown_ru: str | None = Field(default=None, description="name of the breakdown")
    members: dict[str, Names] = Field(default_factory=dict, description="names of the breakdown's members")

    @model_validator(mode="after")
    def _time_fits(self) -> Measure:
        if self.freq == "M" and self.kind == "flow" and self.time in ("last", "max", "mean"):
            raise ValueError(f"time: a flow is added up over months (sum); {self.time} is for a stock")
        if self.kind == "stock" and self.time == "sum":
            raise ValueError("time: a stock is not added up over months; use last, mean or max")
        return self

    @property
    def feeds(self) -> set[tuple[str, str]]:
        """The (source, feed) pairs whose rows it uses: its own, and those in the names of hand-written models."""
        return {(self.source, self.feed), *map(feed_of, self.models)}

    @model_validator(mode="after")
    def _says_what_is_added(self) -> Measure:
        if (self.expr is None) == (not self.models):
            raise ValueError(
                "expr: declare either what each row adds (1 for a count), or the models that compute it"
            )
        if self.models and (self.filter != "true" or self.breakdown or self.breakdown_has_total):
            raise ValueError(
                "models: they decide themselves what counts; remove filter, breakdown and breakdown_has_total"
            )
        if self.breakdown_has_total and self.breakdown is None:
            raise ValueError("breakdown_has_total: name the breakdown whose member _T is the total")
        return self


class MeasureFile(Declaration):
    """``assets/sources/<source>/measures.yml``: the measures of one source."""

    measures: dict[str, Measure] = Field(description="the measures by code; a code is unique in all files")


@lru_cache(maxsize=4)
def load_measures(folder: Path = SOURCES) -> tuple[dict[str, Measure], dict[str, Path]]:
    """All declared measures ordered by code, and the file of each.

    Raises:
        DeclarationError: a file is wrong, or a code is declared twice.
    """
    declared: dict[str, Measure] = {}
    files: dict[str, Path] = {}
    for path in sorted(folder.glob("*/measures.yml")):
        source = path.parent.name
        for code, measure in read_yaml(path, MeasureFile).measures.items():
            if code in declared:
                raise DeclarationError(
                    f"{at(path, 'measures', code)}: measure {code!r} is declared twice; first in {files[code]}",
                    "Rename or delete one of them.",
                )
            if measure.source not in ("", source):
                raise DeclarationError(
                    f"{at(path, 'measures', code, 'source')}: is {measure.source!r}, its folder is {source!r}",
                    "Move the measure to its source, or remove the key.",
                )
            declared[code], files[code] = measure.model_copy(update={"source": source}), path
    return dict(sorted(declared.items())), files
