"""Figures of territories and periods: steps, exchanges, what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt
from statistics import median

from expectations.vocabulary import History, Severity
from pipelines.deliveries import ExpectationResult
from pipelines.loading.history.loads import (
    ASK,
    FIGURED,
    GROSS,
    NAMED,
    Incoming,
    Past,
    failed,
    figures_by_period,
    format_list,
    format_number,
    format_rows,
    format_times,
    passed,
    spread_of,
    titles_of,
    undecided,
)
from pipelines.loading.profile import FIGURES

# Of so many periods on both sides the level of a figure is made.
LEVEL = 5


@dataclass(frozen=True)
class _Step:
    """How a figure went from one time it was told to the next."""

    subject: str
    period: str
    before_period: str
    old: float
    new: float

    @property
    def log_ratio(self) -> float:
        return log(self.new / self.old)


def check_figures(
    history: History, given: Incoming, replaced: Sequence[Past], past: Sequence[Past]
) -> ExpectationResult:
    """Each figure against the one that it replaces, and against the one of its subject a period before."""
    findings: list[tuple[Severity, str]] = []
    compared = 0
    for title in titles_of(given, [*replaced, *past]):
        balance = title.removeprefix("figure:") in history.balances
        new = figures_by_period(given.profile.of(title), given.slice)
        old: dict[str, dict[str, float]] = {}
        for load in replaced:
            for period, figures in figures_by_period(load.profile.of(title), load.slice).items():
                old.setdefault(period, {}).update(figures)
        kept: dict[str, dict[str, float]] = {}
        for load in past:
            for period, figures in figures_by_period(load.profile.of(title), load.slice).items():
                kept.setdefault(period, {}).update(figures)
        findings += _exchanged(history, new, old)
        for period in new.keys() & old.keys():
            steps = _steps(history, new[period], old[period], period, period)
            compared += len(steps)
            findings += _parted(history, steps, "прежде было", max(history.may_move, 0.5), balance)
        if kept and min(kept) < min(new, default=""):
            timeline = sorted(new.keys() | kept.keys())
            findings += _missing(history, new, kept, given)
            for before, after in pairwise(timeline):
                if before not in new and after not in new:
                    continue
                one = new.get(before) or kept[before]
                two = new.get(after) or kept[after]
                steps = _steps(history, two, one, after, before)
                compared += len(steps)
                # what moves, moves further in five years than in one
                may_move = history.may_move * min(_periods_between(before, after), 5)
                findings += _parted(history, steps, None, may_move, balance)
            if not balance:
                findings += _swapped(history, new, kept)
    if findings:
        severity: Severity = "critical" if any(found == "critical" for found, _ in findings) else "warning"
        return failed(
            FIGURED,
            severity,
            "accuracy",
            "; ".join(text for _, text in findings[:5])
            + (f"; и ещё {len(findings) - 5}" if len(findings) > 5 else "")
            + ".",
            "Проверьте, те ли это территории, разрезы, периоды и единица. " + ASK,
        )
    if not compared:
        return undecided(FIGURED, "прежних значений для сравнения нет")
    return passed(FIGURED, f"Сравнено значений с прежними: {format_number(compared)}.")


def _steps(
    history: History, new: Mapping[str, float], old: Mapping[str, float], period: str, before: str
) -> list[_Step]:
    return [
        _Step(subject, period, before, old[subject], value)
        for subject, value in new.items()
        if subject in old and old[subject] * value > 0 and max(abs(old[subject]), abs(value)) >= history.least
    ]


def _parted(
    history: History, steps: list[_Step], word: str | None, may_move: float, balance: bool
) -> list[tuple[Severity, str]]:
    """Steps that part from the way of the others: all at once, one by one, or two that fit when exchanged."""
    if not steps:
        return []
    middle = median(step.log_ratio for step in steps)
    where = f"{steps[0].period}" + ("" if word else f" против {steps[0].before_period}")
    findings: list[tuple[Severity, str]] = []
    if len(steps) >= 3 and abs(middle) > (GROSS if balance else history.may_jump):
        findings.append(
            (
                "critical" if abs(middle) > GROSS else "warning",
                f"{where}: все значения {format_times(middle)} (в середине)",
            )
        )
    if balance:
        return findings
    # alone, a figure has no others whose way it could part from
    way = middle if len(steps) >= 5 else 0.0
    spread = spread_of([step.log_ratio for step in steps]) if len(steps) >= 5 else 0.0
    by_chance = [
        3 * sqrt(1 / abs(step.old) + 1 / abs(step.new)) if history.counted else 0.0 for step in steps
    ]
    odd = [
        step
        for step, chance in zip(steps, by_chance, strict=True)
        if abs(step.log_ratio - way) > max(may_move, 6 * spread) + chance
    ]
    if abs(way) <= history.may_jump and len(steps) < 5 and findings:
        odd = []
    for step in sorted(odd, key=lambda step: -abs(step.log_ratio - way))[:NAMED]:
        apart = step.log_ratio - way
        gross = abs(apart) > max(log(5), 8 * spread)
        findings.append(
            (
                "critical" if gross else "warning",
                f"{where}, {step.subject}: {format_number(step.old)} → {format_number(step.new)}, остальные {format_times(way)}",
            )
        )
    return findings


def _swapped(
    history: History, new: Mapping[str, Mapping[str, float]], kept: Mapping[str, Mapping[str, float]]
) -> list[tuple[Severity, str]]:
    """Two that leave the others and would not, had they each other's figures: of all new years against the years before."""
    earlier = sorted(period for period in kept if period < min(new))[-LEVEL:]
    later = [period for period in sorted(new) if period not in kept][:LEVEL]
    old_levels, new_levels = (
        _levels(history, figures, periods) for figures, periods in ((kept, earlier), (new, later))
    )
    moved = {
        subject: new_levels[subject] - old_levels[subject]
        for subject in new_levels.keys() & old_levels.keys()
    }
    if len(moved) < 8:
        return []
    spread = spread_of(list(moved.values()))
    few = sorted(subject for subject, apart in moved.items() if abs(apart) > max(5 * spread, 0.03))
    if len(few) > 60:
        return []
    pairs = []
    for number, one in enumerate(few):
        for two in few[number + 1 :]:
            crossed = (abs(new_levels[one] - old_levels[two]), abs(new_levels[two] - old_levels[one]))
            near = min(2 * spread + 0.005, 0.3 * min(abs(moved[one]), abs(moved[two])))
            if moved[one] * moved[two] < 0 and max(crossed) < near:
                pairs.append(f"{one} и {two}")
    where = f"{', '.join(later)} против {', '.join(earlier)}"
    return [("warning", f"{where}: похоже, что значения переставлены: {format_list(pairs)}")] if pairs else []


def _levels(
    history: History, figures: Mapping[str, Mapping[str, float]], periods: Sequence[str]
) -> dict[str, float]:
    """How far each subject stands from the middle one, as the mean of the logarithms over the periods."""
    apart: dict[str, list[float]] = defaultdict(list)
    for period in periods:
        logs = {
            key: log(value) for key, value in figures[period].items() if value >= max(history.least, 1e-9)
        }
        middle = median(logs.values()) if logs else 0.0
        for subject, value in logs.items():
            apart[subject].append(value - middle)
    return {subject: sum(values) / len(values) for subject, values in apart.items()}


def _exchanged(
    history: History, new: Mapping[str, Mapping[str, float]], old: Mapping[str, Mapping[str, float]]
) -> list[tuple[Severity, str]]:
    """Figures that were those of another subject, or another period, in what is replaced: to the last digit."""
    periods = sorted(new.keys() & old.keys())
    if not periods:
        return []
    findings: list[tuple[Severity, str]] = []
    rows_new, rows_old = format_rows(new, periods), format_rows(old, periods)
    changed = {
        subject for subject in rows_new.keys() & rows_old.keys() if rows_new[subject] != rows_old[subject]
    }
    owner = defaultdict(set)
    for subject in changed:
        owner[rows_old[subject]].add(subject)
    pairs = []
    for subject in sorted(changed):
        figures = [value for value in rows_new[subject] if value is not None]
        if len(figures) < 2 and max((abs(value) for value in figures), default=0) < history.least:
            continue
        pairs += [
            f"{subject} и {other}"
            for other in sorted(owner.get(rows_new[subject], set()))
            if subject < other and rows_new[other] == rows_old[subject]
        ]
    if pairs:
        findings.append(("critical", f"значения переставлены против действующих: {format_list(pairs)}"))
    for number, one in enumerate(periods):
        for two in periods[number + 1 :]:
            common = [
                key
                for key in new[one].keys() & old[two].keys() & new[two].keys() & old[one].keys()
                if old[one][key] != old[two][key]
            ]
            crossed = sum(new[one][key] == old[two][key] and new[two][key] == old[one][key] for key in common)
            if len(common) >= 5 and crossed > 0.8 * len(common):
                findings.append(("critical", f"значения за {one} и {two} переставлены против действующих"))
    return findings


def _missing(
    history: History,
    new: Mapping[str, Mapping[str, float]],
    kept: Mapping[str, Mapping[str, float]],
    given: Incoming,
) -> list[tuple[Severity, str]]:
    """Subjects of the nearest period before (or after) of which the delivery tells nothing at all."""
    if not new or sum(len(figures) for figures in new.values()) >= FIGURES:
        return []
    nearest = max(period for period in kept if period < min(new))
    known = {subject for subject, value in kept[nearest].items() if abs(value) >= history.least}
    told_of = {subject for figures in new.values() for subject in figures}
    gone = sorted(known - told_of)
    if not gone:
        return []
    share = len(gone) / len(known)
    gross = share > history.may_lose and len(gone) >= 3 and not given.confirmed
    return [
        (
            "critical" if gross else "warning",
            f"нет значений для {format_list(gone)} (за {nearest} были по {len(known)}, сейчас нет {len(gone)})",
        )
    ]


def _periods_between(before: str, after: str) -> int:
    """How many years, or months, two periods lie apart."""
    one, two = ([int(part) for part in period.split("-") if part.isdigit()] for period in (before, after))
    if len(one) == len(two) == 1:
        return max(two[0] - one[0], 1)
    return max((two[0] - one[0]) * 12 + two[1] - one[1], 1) if len(one) == len(two) == 2 else 1
