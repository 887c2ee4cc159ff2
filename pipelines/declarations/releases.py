"""The release calendar: the model of ``assets/releases/calendar.yml``."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, nearest
from pipelines.declarations.indicators import IndicatorCatalogue
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.moments import in_minsk
from pipelines.periods import MONTHS, PERIOD, freq_of, span_of
from pipelines.settings import PROJECT

CALENDAR = PROJECT / "assets" / "releases" / "calendar.yml"

CODE = r"[A-Za-z0-9][A-Za-z0-9_-]*"


def _moment(value: object) -> object:
    """A moment; without a time zone it is in Minsk time. A day alone is not enough."""
    if isinstance(value, str) and ":" in value:
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return in_minsk(value)
    raise ValueError(
        f"{value} is not a date and time like 2026-11-13T10:00 (Minsk time, unless a zone is given)"
    )


class CalendarRelease(Declaration):
    """One release: what is published together, and when."""

    period: str = Field(
        pattern=f"^{PERIOD}$",
        description="the period, in SDMX notation: 2026-Q3, 2026-10, 2026",
    )
    title: Names = Field(description="name of the release")
    indicators: Literal["all"] | list[str] = Field(
        default="all", description="what is released: all indicators, or a list; with themes, also theirs"
    )
    themes: list[str] = Field(
        default=[], description="themes whose indicators are released; without indicators, only these"
    )
    embargo_until: Annotated[datetime, BeforeValidator(_moment)] = Field(
        description="nothing about the period is released before this moment; Minsk time, unless a zone is given"
    )
    example: bool = Field(default=False, description="true: invented, to show how it works")
    legal_act: str | None = Field(default=None, description="the act that sets the date")
    note: Names | None = Field(default=None, description="what a reader should know")

    @property
    def span(self) -> tuple[date, date]:
        """First and last day of the period."""
        return span_of(self.period)

    @property
    def freq(self) -> str:
        """SDMX frequency of the period: A, S, Q, M."""
        return freq_of(self.period)

    def covers(self, catalogue: IndicatorCatalogue) -> list[str]:
        """Codes of the released indicators: those named that have figures for periods of this length or shorter.

        A quarterly release does not hold back annual figures.
        """
        named = (
            {code for code, one in catalogue.indicators.items() if one.theme in self.themes}
            if self.themes and self.indicators == "all"
            else {
                code
                for code, one in catalogue.indicators.items()
                if self.indicators == "all" or code in self.indicators or one.theme in self.themes
            }
        )
        return sorted(
            code
            for code in named
            if any(MONTHS[freq] <= MONTHS[self.freq] for freq in catalogue.indicators[code].frequencies)
        )


class ReleaseCalendar(Declaration):
    """``assets/releases/calendar.yml``: all releases, past and future."""

    releases: dict[str, CalendarRelease] = Field(
        description="the releases by code, which names their folders: Latin letters, digits, - and _"
    )

    @field_validator("releases")
    @classmethod
    def _codes_name_folders(cls, releases: dict[str, CalendarRelease]) -> dict[str, CalendarRelease]:
        problems: list[Problem] = [
            ((code,), "a code is written in Latin letters, digits, - and _")
            for code in releases
            if not re.fullmatch(CODE, code)
        ]
        if problems:
            raise PlacedError(*problems)
        return releases


def load_calendar(catalogue: IndicatorCatalogue, path: Path = CALENDAR) -> dict[str, CalendarRelease]:
    """The releases by code, in the order of the file.

    Raises:
        DeclarationError: the file is wrong, or names an indicator or a theme that is not declared.
    """
    releases = read_yaml(path, ReleaseCalendar).releases
    problems = []
    for code, release in releases.items():
        named = [] if release.indicators == "all" else release.indicators
        problems += [
            f"{at(path, 'releases', code, f'{what}s', number)}: {what} {name!r} is not declared; {nearest(name, declared)}"
            for what, names, declared in (
                ("indicator", named, catalogue.indicators),
                ("theme", release.themes, catalogue.themes),
            )
            for number, name in enumerate(names)
            if name not in declared
        ]
        if not release.covers(catalogue):
            problems.append(
                f"{at(path, 'releases', code, 'period')}: none of its indicators has figures of {release.period}"
            )
    if problems:
        raise DeclarationError(
            "\n".join(problems), "Name indicators of assets/indicators and themes of themes.yml."
        )
    return releases
