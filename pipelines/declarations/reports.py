"""What a report is: the model of ``assets/reports/<report>.yml``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, nearest
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

REPORTS = PROJECT / "assets" / "reports"
# a file whose name ends so declares a profile, every other a digest
PROFILE = "_profile"


class ReportLine(Declaration):
    """One indicator of the report. ``freq`` fixes its frequency; by default the newest available one."""

    indicator: str = Field(description="code of the indicator")
    freq: Literal["M", "Q", "S", "A"] | None = Field(
        default=None, description="its frequency in the report; absent: the newest available one"
    )
    counts_from: Literal["start", "end"] = Field(
        default="end",
        description="when a figure of a period is shown: after its end, or from its start (the population on 1 January)",
    )


class Report(Declaration):
    """A periodic report over the regions. ``chart`` and ``map`` name two of its indicators."""

    report: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="code of the report; its file has the same name"
    )
    title: Names = Field(description="title on its first page")
    languages: tuple[Literal["ru"], ...] = Field(default=("ru",), min_length=1, description="its languages")
    indicators: tuple[ReportLine, ...] = Field(
        min_length=1, description="its lines, in the order of the table"
    )
    chart: str = Field(description="the indicator that is charted")
    map: str = Field(description="the indicator that is mapped")

    @model_validator(mode="after")
    def _shown_are_listed(self) -> Report:
        listed = [line.indicator for line in self.indicators]
        problems: list[Problem] = [
            (("indicators", number, "indicator"), f"{name!r} is listed twice")
            for number, name in enumerate(listed)
            if name in listed[:number]
        ]
        problems += [
            ((role,), f"{name!r} is not among the report's indicators; {nearest(name, listed)}")
            for role, name in (("chart", self.chart), ("map", self.map))
            if name not in listed
        ]
        if problems:
            raise PlacedError(*problems)
        return self


class ProfileReport(Declaration):
    """A profile of each territory of some levels: its newest figures, what they are compared with, plan and fact."""

    report: str = Field(
        pattern=r"^[a-z][a-z0-9_]*_profile$", description="code of the report; its file has the same name"
    )
    title: Names = Field(description="title above the name of the territory")
    languages: tuple[Literal["ru", "be", "en"], ...] = Field(
        default=("ru",), min_length=1, description="a document is made in each of them"
    )
    levels: tuple[Literal["region", "city"], ...] = Field(
        min_length=1, description="whose profiles are made; of the cities, those with a code in codes.csv"
    )
    indicators: tuple[str, ...] = Field(
        default=(), description="the indicators that are shown, by theme; absent: all that have a figure"
    )
    contact: Names = Field(description="who answers questions about the figures")


R = TypeVar("R", Report, ProfileReport)


def digest_names(folder: Path = REPORTS) -> list[str]:
    """The declared digests."""
    return [path.stem for path in sorted(folder.glob("*.yml")) if not path.stem.endswith(PROFILE)]


def profile_names(folder: Path = REPORTS) -> list[str]:
    """The declared reports on each territory."""
    return [path.stem for path in sorted(folder.glob(f"*{PROFILE}.yml"))]


def load_report(name: str, folder: Path = REPORTS) -> Report:
    """The declared digest.

    Raises:
        DeclarationError: none has that name, or its file is wrong.
    """
    return _load(name, folder, Report, digest_names(folder))


def load_profile_report(name: str, folder: Path = REPORTS) -> ProfileReport:
    """The declared report on each territory.

    Raises:
        DeclarationError: none has that name, or its file is wrong.
    """
    return _load(name, folder, ProfileReport, profile_names(folder))


def _load(name: str, folder: Path, model: type[R], names: list[str]) -> R:
    if name not in names:
        raise DeclarationError(f"no report {name!r} is declared", f"Declared: {', '.join(names)}.")
    path = folder / f"{name}.yml"
    report = read_yaml(path, model)
    if report.report != name:
        raise DeclarationError(
            f"{at(path, 'report')}: is {report.report!r}", "Give the file and the report the same name."
        )
    return report
