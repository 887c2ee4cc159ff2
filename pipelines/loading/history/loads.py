"""What is compared, and how a finding is worded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log
from statistics import median

from expectations.vocabulary import Dimension, Severity
from pipelines.deliveries import ExpectationResult
from pipelines.loading.profile import UNIT, Profile, Sketch

REPLACES, ELSEWHERE = "delivery.replaces", "delivery.elsewhere"


VOLUME, SHARES, DISTRIBUTION, FIGURED, REPEATED, STEADY = (
    "history.volume",
    "history.shares",
    "history.distribution",
    "history.figures",
    "history.repeated",
    "history.steady",
)


# What each asks, as those who look at the checks read it.
ASKED = {
    REPLACES: "Новая выгрузка не теряет того, что было в действующей за тот же период.",
    ELSEWHERE: "Те же строки не приняты от другой установки.",
    VOLUME: "Число строк такое, как бывает в прежние периоды и в то же время года.",
    SHARES: "Доли категорий такие, как в прежних выгрузках.",
    DISTRIBUTION: "Значения того же порядка, что в прежних выгрузках.",
    FIGURED: "Показатели территорий и разрезов продолжают свои ряды.",
    REPEATED: "Данные не повторяют другой период.",
    STEADY: "Объекты прежнего снимка есть и в новом.",
}


ASK = "Проверьте выгрузку. Если всё верно, обратитесь к администратору хранилища (gorod waive)."


# So many slices before it the number of rows, shares and distribution are compared with, of so many months.
AROUND, MONTHS = 8, 12


# A factor that no change of a month makes: other units.
GROSS = log(20)


NAMED = 3


@dataclass(frozen=True)
class Past:
    """A load in force. ``rows`` are those that were accepted; the profile may be missing for loads of before."""

    load_id: str
    instance: str
    slice: str
    first_day: date | None
    sha256: str
    rows: int
    profile: Profile


@dataclass(frozen=True)
class Incoming:
    """The delivery that is judged; ``confirmed`` is what its side file says, if it has one that says enough."""

    instance: str
    slice: str
    first_day: date | None
    sha256: str
    profile: Profile
    confirmed: str | None = None
    has_confirmation: bool = False

    @property
    def rows(self) -> int:
        """Rows that would be accepted."""
        return self.profile.rows


def loads_before(given: Incoming, past: Sequence[Past]) -> list[Past]:
    """The slices of the year before, latest first; those with rows alone. What comes after tells nothing: it grew from this."""
    near = [
        load
        for load in past
        if load.rows > 0
        and given.first_day
        and load.first_day
        and 0 < months_between(load.first_day, given.first_day) <= MONTHS
    ]
    return sorted(near, key=lambda load: load.first_day or date.min, reverse=True)[:AROUND]


def months_between(one: date | None, two: date | None) -> int:
    assert one is not None
    assert two is not None
    return (two.year - one.year) * 12 + two.month - one.month


def spread_of(values: Sequence[float]) -> float:
    """Standard deviation as the median distance from the median tells it, whatever a few outliers do."""
    if len(values) < 2:
        return 0.0
    middle = median(values)
    return 1.4826 * median(abs(value - middle) for value in values)


def sum_counts(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)


def overlap(one: Profile, two: Profile, name: str) -> tuple[int, int] | None:
    """How many of one load's rows another has, as their sketches show; None where too few can be seen."""
    first, second = one.sketch(name), two.sketch(name)
    found = _sketched(first, second)
    return found if found and found[1] >= 10 else None


def _sketched(one: Sketch | None, two: Sketch | None) -> tuple[int, int] | None:
    return one.found_in(two) if one and two else None


def titles_of(given: Incoming, loads: Sequence[Past]) -> list[str]:
    """The kinds of figures that any of them gives: what the delivery gives none of it may have lost."""
    profiles = [given.profile, *(load.profile for load in loads)]
    return sorted({name for profile in profiles for name in profile.metrics if name.startswith("figure:")})


def figures_by_period(figures: Mapping[str, float], slice_: str) -> dict[str, dict[str, float]]:
    """Figures by period and subject; without a period of their own, by the slice."""
    found: dict[str, dict[str, float]] = {}
    for key, value in figures.items():
        subject, _, period = key.partition(UNIT)
        found.setdefault(period or slice_.rpartition("@")[2], {})[subject] = value
    return found


def format_rows(
    figures: Mapping[str, Mapping[str, float]], periods: Sequence[str]
) -> dict[str, tuple[float | None, ...]]:
    subjects = {subject for period in periods for subject in figures[period]}
    return {subject: tuple(figures[period].get(subject) for period in periods) for subject in subjects}


def format_cell(key: str) -> str:
    subject, _, period = key.partition(UNIT)
    return f"{subject} {period}".strip()


def format_load(load: Past) -> str:
    return f"{load.instance}, {load.slice} ({load.load_id})"


def format_list(values: Iterable[str]) -> str:
    named = list(values)
    more = f" и ещё {len(named) - NAMED}" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more


def format_number(value: float) -> str:
    """A number as it is read: 48, 1 234, 0,12."""
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.4g}"
    return text.replace(",", "\u00a0").replace(".", ",")


def format_percent(share: float) -> str:
    return f"{share * 100:.0f}\u00a0%"


def format_times(apart: float) -> str:
    """A logarithm of a ratio in words."""
    if abs(apart) < 0.02:
        return "без изменений"
    return f"в {format_number(round(exp(abs(apart)), 2))} раза {'больше' if apart > 0 else 'меньше'}"


def result_of(
    name: str,
    severity: Severity,
    dimension: Dimension,
    success: bool,
    evaluated: int,
    unexpected: int,
    says: str,
    remedy: str,
) -> ExpectationResult:
    return ExpectationResult(
        expectation=name,
        level="load",
        severity=severity,
        dimension=dimension,
        column=None,
        success=success,
        evaluated_count=evaluated,
        unexpected_count=unexpected,
        says=says,
        remedy=remedy,
    )


def failed(name: str, severity: Severity, dimension: Dimension, says: str, remedy: str) -> ExpectationResult:
    return result_of(name, severity, dimension, False, 1, 1, says, remedy)


def passed(name: str, says: str) -> ExpectationResult:
    return result_of(name, "critical", "consistency", True, 1, 0, says, "")


def undecided(name: str, why: str) -> ExpectationResult:
    says = f"{ASKED[name]} Не судится: история слишком коротка ({why})."
    return result_of(name, "critical", "consistency", True, 0, 0, says, "")
