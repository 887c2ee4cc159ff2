"""Surveys: which questions a form asks of whom, by when, and who approves the answers."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, nearest
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.sources import load_sources
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

SURVEYS = PROJECT / "assets" / "surveys"
DAY = r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
EVERY = "*"


class Question(Declaration):
    """One question of a form: one row in it."""

    text: Names = Field(description="the question, as it stands in the form")
    type: Literal["integer", "decimal", "choice", "text"] = Field(description="what an answer is")
    unit: Names | None = Field(default=None, description="unit of a number")
    choices: tuple[str, ...] = Field(default=(), description="for `choice`: the possible answers, in Russian")
    least: float | None = Field(default=None, description="smallest possible number")
    most: float | None = Field(default=None, description="largest possible number")
    required: bool = Field(default=True, description="whether it has to be answered")
    evidence: bool = Field(
        default=False, description="whether an answer needs a document or a file that shows it"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Question:
        problems: list[Problem] = []
        is_number = self.type in ("integer", "decimal")
        if (self.type == "choice") != bool(self.choices):
            problems.append((("choices",), "are needed for a choice, and for nothing else"))
        # a spreadsheet takes a list of at most 255 characters
        if len(",".join(self.choices)) > 255 or any("," in choice for choice in self.choices):
            problems.append((("choices",), "are at most 255 characters together, without commas"))
        if is_number and (self.least is None or self.most is None or self.least > self.most):
            problems.append((("least",), "a number needs a range: least, most"))
        if is_number and self.unit is None:
            problems.append((("unit",), "is needed for a number"))
        if not is_number and (self.unit, self.least, self.most) != (None, None, None):
            problems.append((("type",), f"{self.type} has no unit and no range"))
        if problems:
            raise PlacedError(*problems)
        return self


class AnswerCheck(Declaration):
    """A check between two answers: one number is at most another. It does not apply if one of them is missing."""

    part: str = Field(description="question with the smaller number")
    whole: str = Field(description="question with the larger number")
    says: str = Field(description="what must hold, in Russian: a sentence that the respondent reads")


class Due(Declaration):
    """By when the answers about a half-year are due."""

    before: str = Field(
        pattern=f"^{DAY}$", description="MM-DD of the day before which they must have arrived"
    )
    years_later: Literal[0, 1] = Field(
        description="whether that is in the year of the half-year, or in the next"
    )


class Survey(Declaration):
    """A questionnaire that territories answer every half-year, in a form that comes back as a delivery of a feed."""

    title: Names = Field(description="name of the survey, as it stands on the form")
    version: str = Field(
        pattern=r"^[0-9]+(\.[0-9]+)*$", description="version of the form: raised whenever a question changes"
    )
    act: str = Field(description="the legal act that it is based on")
    note: Names = Field(description="what a respondent must know about its questions; stands on the form")
    source: str = Field(description="source whose feed takes the answers")
    feed: str = Field(description="feed that takes the answers; declares the steps of approval")
    first_period: str = Field(pattern=r"^\d{4}-S[12]$", description="first half-year that is asked for")
    due: dict[Literal["S1", "S2"], Due] = Field(description="by when the answers are due, by half-year")
    holidays: tuple[date, ...] = Field(
        default=(),
        description="days on which nobody works beside Saturdays and Sundays; a last day that falls on one, or on a weekend, "
        "moves to the next working day; absent: deadlines do not move",
    )
    remind_days_before: tuple[int, ...] = Field(
        default=(), description="days before the deadline on which those who have not answered are reminded"
    )
    longest_extension_days: int = Field(ge=0, le=366, description="for how long a deadline may be extended")
    approvers: dict[str, dict[str, tuple[str, ...]]] = Field(
        description="step of approval → territory (an instance of the source; `*`: all) → who may approve: an office or a person"
    )
    questions: dict[str, Question] = Field(description="the questions by code, in the order of the form")
    checks: tuple[AnswerCheck, ...] = Field(default=(), description="checks between answers")

    @model_validator(mode="after")
    def _is_whole(self) -> Survey:
        problems: list[Problem] = [
            (("due", half), "is needed") for half in ("S1", "S2") if half not in self.due
        ]
        problems += [
            (("questions", code), "is not a code: lower-case letters, digits, underscores")
            for code in self.questions
            if not re.fullmatch("[a-z][a-z0-9_]*", code)
        ]
        numbers = [code for code, one in self.questions.items() if one.type in ("integer", "decimal")]
        for number, check in enumerate(self.checks):
            for key, code in (("part", check.part), ("whole", check.whole)):
                if code not in numbers:
                    problems.append(
                        (
                            ("checks", number, key),
                            f"{code!r} is not a question about a number; {nearest(code, numbers)}",
                        )
                    )
        if problems:
            raise PlacedError(*problems)
        return self

    def approvers_of(self, step: str, instance: str) -> list[str]:
        """Who may approve the answers of a territory at a step."""
        named = self.approvers.get(step, {})
        return [*named.get(instance, ()), *named.get(EVERY, ())]

    def last_day(self, period: str) -> date:
        """The last day on which the answers about a half-year are on time, as declared.

        It moves to a working day only if the survey lists holidays: whether an act moves it is for the survey to say.
        """
        year, half = period.split("-")
        due = self.due["S1" if half == "S1" else "S2"]
        month, day = map(int, due.before.split("-"))
        last = date(int(year) + due.years_later, month, day) - timedelta(days=1)
        while self.holidays and (last.weekday() >= 5 or last in self.holidays):
            last += timedelta(days=1)
        return last

    def form_key(self, name: str, period: str, instance: str) -> str:
        """What identifies a form: survey, half-year, territory, version. It stands in a hidden cell of the form."""
        return f"{name}/{period}/{instance}/{self.version}"


def period_of(day: date) -> str:
    """The half-year of a day."""
    return f"{day.year}-S{1 if day.month <= 6 else 2}"


@lru_cache(maxsize=1)
def load_surveys(folder: Path = SURVEYS) -> dict[str, Survey]:
    """All declared surveys by name, in alphabetical order.

    Raises:
        DeclarationError: a file is wrong, or does not fit the feed that takes the answers.
    """
    return {path.stem: _fitting(path, read_yaml(path, Survey)) for path in sorted(folder.glob("*.yml"))}


def _fitting(path: Path, survey: Survey) -> Survey:
    """The survey, if it fits its feed.

    Raises:
        DeclarationError: it does not.
    """
    sources = load_sources()
    if survey.source not in sources:
        raise _wrong(path, "source", f"{survey.source!r} is not declared; {nearest(survey.source, sources)}")
    source = sources[survey.source]
    if survey.feed not in source.feeds:
        raise _wrong(path, "feed", f"{survey.feed!r} is not declared; {nearest(survey.feed, source.feeds)}")
    steps = source.feeds[survey.feed].approval
    if tuple(survey.approvers) != steps:
        raise _wrong(
            path,
            "approvers",
            f"are {', '.join(survey.approvers)}; the feed declares: {', '.join(steps) or 'no approval'}",
        )
    for step, named in survey.approvers.items():
        for instance in named:
            if instance != EVERY and instance not in source.instances:
                reason = nearest(instance, source.instances)
                raise _wrong(
                    path, f"approvers.{step}.{instance}", f"is not an instance of the source; {reason}"
                )
        if lacking := [one for one in source.instances if not survey.approvers_of(step, one)]:
            raise _wrong(path, f"approvers.{step}", f"nobody may approve for {', '.join(lacking)}")
    return survey


def _wrong(path: Path, key: str, message: str) -> DeclarationError:
    return DeclarationError(
        f"{at(path, *key.split('.'))}: {message}", "Correct it, or the source of the survey."
    )


def survey_of(source: str, feed: str) -> Survey | None:
    """The survey whose answers a feed takes; None if it takes none."""
    return next((one for one in load_surveys().values() if (one.source, one.feed) == (source, feed)), None)
