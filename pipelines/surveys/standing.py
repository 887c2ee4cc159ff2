"""How a survey stands: who has answered, who is late, until when a deadline was extended, what is approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines.declarations.sources import load_sources
from pipelines.declarations.surveys import Survey, load_surveys, period_of
from pipelines.errors import GorodError
from pipelines.moments import MINSK, today
from pipelines.periods import number_of, span_of
from pipelines.warehouse.base import Extension, Warehouse


@dataclass(frozen=True)
class Standing:
    """One territory and half-year. ``answer`` is the newest load of it; ``days_left`` until the last day, while it owes one.

    ``state`` is that of the load, or `owed`. ``approved`` are the steps that it has, ``next_step`` the first that it lacks.
    """

    survey: str
    period: str
    territory: str
    title: str
    last_day: date
    extended: bool
    state: str
    answer: str | None
    received_on: date | None
    late: bool
    approved: tuple[str, ...]
    next_step: str | None
    days_left: int | None

    @property
    def owes(self) -> bool:
        """Whether no answer has passed the gate."""
        return self.state in ("owed", "rejected")


def last_days(survey: Survey, period: str, warehouse: Warehouse) -> dict[str, date]:
    """The last day for each territory: as declared, or as extended; the last word counts."""
    declared = survey.last_day(period)
    found = dict.fromkeys(load_sources()[survey.source].instances, declared)
    for row in warehouse.query(
        "select instance, until from ops.extension where source = ? and feed = ? and time_period = ? order by granted_at",
        [survey.source, survey.feed, period],
    ):
        if row["instance"] in found:
            found[row["instance"]] = row["until"]
    return found


def asked_period(survey: Survey, day: date) -> str:
    """The half-year whose answers are due next or were due last: the newest that has ended, or the first that is asked for."""
    running = period_of(day)
    year, half = int(running[:4]), running[-1]
    ended = f"{year}-S1" if half == "2" else f"{year - 1}-S2"
    return ended if number_of(ended) >= number_of(survey.first_period) else survey.first_period


def standing(name: str, survey: Survey, period: str, warehouse: Warehouse) -> list[Standing]:
    """How each territory stands, in the order of the declaration."""
    first, last = span_of(period)
    newest: dict[str, dict[str, Any]] = {}
    for load in warehouse.query(
        "select load_id, instance, state, received_at from ops.load_state where source = ? and feed = ?"
        " and first_day = ? and last_day = ? order by load_no",
        [survey.source, survey.feed, first, last],
    ):
        # a refused correction leaves what was let in before it
        if load["state"] != "rejected" or newest.get(load["instance"], load)["state"] == "rejected":
            newest[load["instance"]] = load
    arrived = _arrivals(survey, first, last, warehouse)
    approved: dict[str, list[tuple[str, bool]]] = {}
    for row in warehouse.query(
        "select steps.load_id, steps.step, given.load_id is not null as has from ops.approval_step as steps"
        " join ops.load as loads on loads.load_id = steps.load_id left join (select distinct load_id, step_no from"
        " ops.approval_in_force) as given on given.load_id = steps.load_id and given.step_no = steps.step_no"
        " where loads.source = ? and loads.feed = ? order by steps.step_no",
        [survey.source, survey.feed],
    ):
        approved.setdefault(row["load_id"], []).append((row["step"], row["has"]))
    found = []
    for territory, until in last_days(survey, period, warehouse).items():
        answer = newest.get(territory)
        state = answer["state"] if answer else "owed"
        steps = approved.get(answer["load_id"], []) if answer else []
        received = arrived.get(territory)
        owes = state in ("owed", "rejected")
        found.append(
            Standing(
                survey=name,
                period=period,
                territory=territory,
                title=load_sources()[survey.source].instances[territory].title.ru,
                last_day=until,
                extended=until != survey.last_day(period),
                state=state,
                answer=answer["load_id"] if answer else None,
                received_on=received,
                late=(today() if received is None else received) > until,
                approved=tuple(step for step, has in steps if has),
                next_step=None if owes else next((step for step, has in steps if not has), None),
                days_left=(until - today()).days if owes else None,
            )
        )
    return found


def _arrivals(survey: Survey, first: date, last: date, warehouse: Warehouse) -> dict[str, date]:
    """The day in Minsk on which the first answer of each territory that passed the gate arrived."""
    found: dict[str, date] = {}
    for load in warehouse.query(
        "select instance, received_at from ops.load_state where source = ? and feed = ? and first_day = ? and last_day = ?"
        " and state <> 'rejected' order by load_no desc",
        [survey.source, survey.feed, first, last],
    ):
        found[load["instance"]] = load["received_at"].replace(tzinfo=UTC).astimezone(MINSK).date()
    return found


@dataclass(frozen=True)
class Reminder:
    """Somebody to be reminded. ``stage`` changes with each reminder of the same answer: days before the deadline, or late."""

    standing: Standing
    stage: str

    @property
    def says(self) -> str:
        """In Russian, for the alert."""
        one = self.standing
        when = (
            f"срок истёк {one.last_day:%d.%m.%Y}"
            if one.late
            else f"срок {one.last_day:%d.%m.%Y}, осталось дней: {one.days_left}"
        )
        what = (
            "форма отклонена контролем, исправленная не передана" if one.state == "rejected" else "ответа нет"
        )
        return f"Анкета {one.survey}, {one.period}, {one.title}: {what}; {when}"


def reminders(warehouse: Warehouse) -> Iterator[Reminder]:
    """Who owes answers about half-years that have ended, from the first day of reminding on."""
    for name, survey in load_surveys().items():
        # a survey that was declared since: its feed has no deliveries yet, and nothing to be late with
        period = asked_period(survey, today())
        if span_of(period)[1] >= today():
            continue
        for one in standing(name, survey, period, warehouse):
            if not one.owes or one.days_left is None:
                continue
            passed = [days for days in survey.remind_days_before if one.days_left <= days]
            if one.late:
                yield Reminder(one, "late")
            elif passed:
                yield Reminder(one, f"{min(passed)}d")


def extend(
    name: str,
    survey: Survey,
    period: str,
    territory: str,
    until: date,
    by: str,
    why: str,
    warehouse: Warehouse,
) -> None:
    """Let a territory answer later.

    Raises:
        GorodError: the day is not after the declared one, later than the survey allows, or nobody or no reason is named.
    """
    declared = survey.last_day(period)
    longest = declared + timedelta(days=survey.longest_extension_days)
    if not declared < until <= longest:
        raise GorodError(
            f"{until} is no extension of {declared}",
            f"Nothing was changed. Give a day after {declared}, until {longest}.",
        )
    if not by.strip() or not why.strip():
        raise GorodError(
            "--by and --why are needed", f"Say who lets {territory} answer {name} later, and why."
        )
    now = datetime.now(UTC).replace(tzinfo=None)
    warehouse.note_extension(
        Extension(survey.source, survey.feed, territory, period, until, now, by.strip(), why.strip())
    )
