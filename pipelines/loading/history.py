"""A delivery held against the loads before it: what it replaces, its own past, and its neighbours. Pure arithmetic.

Each question is one function, and its answer a gate's result: kept (what was compared with what), failed (both numbers
told), or undecided, where history is too short: then ``evaluated_count`` is 0, and nothing fails.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import exp, inf, log, pi, sqrt
from statistics import median

from expectations.vocabulary import Dimension, History, Severity
from pipelines.deliveries import ExpectationResult
from pipelines.loading.profile import FIGURES, UNIT, Profile, Sketch

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
AGAIN = "Проверьте отбор и выгрузите данные заново."
TRUE_AFTER_ALL = (
    "Если всё верно, это подтверждают: положите рядом с файлом <имя файла>.confirm.yml со строками "
    "confirmed_smaller: true, who: кто, why: почему – или обратитесь к администратору хранилища (gorod waive)."
)
NOT_CONFIRMED = " Файл .confirm.yml рядом с ней ничего не подтверждает: в нём нужны confirmed_smaller: true, непустые who и why."
ASK = "Проверьте выгрузку. Если всё верно, обратитесь к администратору хранилища (gorod waive)."
# So many slices before it the number of rows, shares and distribution are compared with, of so many months.
AROUND, MONTHS = 8, 12
# A factor that no change of a month makes: other units.
GROSS = log(20)
NAMED = 3
# Of so many periods on both sides the level of a figure is made.
LEVEL = 5


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


def asked_of(history: History) -> dict[str, str]:
    """The questions that a feed's deliveries are asked, by name."""
    asks = {
        VOLUME: history.volume,
        SHARES: bool(history.shares),
        DISTRIBUTION: bool(history.quantities) and not history.by,
        FIGURED: bool(history.by),
        STEADY: history.steady,
        REPEATED: bool(history.row or (history.by and history.period)),
    }
    return {name: says for name, says in ASKED.items() if asks.get(name, True)}


def compare_with_history(
    history: History,
    given: Incoming,
    replaced: Sequence[Past],
    past: Sequence[Past],
    elsewhere: Sequence[Past],
) -> list[ExpectationResult]:
    """What is found when a delivery is held against other loads in force.

    Args:
        history: what the feed declares.
        given: the delivery.
        replaced: loads that it would supersede.
        past: loads of the same instance and part that stay.
        elsewhere: those of other instances, parts and slices of the feed that hold the same bytes or, by their sketch, some of
            the same rows.
    """
    answers: dict[str, Callable[[], ExpectationResult]] = {
        REPLACES: lambda: _replaces(history, given, replaced),
        ELSEWHERE: lambda: _elsewhere(history, given, elsewhere),
        VOLUME: lambda: _volume(history, given, past),
        SHARES: lambda: _shares(history, given, past),
        DISTRIBUTION: lambda: _distribution(history, given, past),
        FIGURED: lambda: _figures(history, given, replaced, past),
        STEADY: lambda: _steady(history, given, past),
        REPEATED: lambda: _repeated(history, given, past, elsewhere),
    }
    return [answers[name]() for name in asked_of(history) if replaced or name != REPLACES]


# --- against what it replaces


def _replaces(history: History, given: Incoming, replaced: Sequence[Past]) -> ExpectationResult:
    """Rows, keys, labels, figures and totals that the loads in force give and the delivery does not."""
    before = sum(load.rows for load in replaced)
    ids = _listed([load.load_id for load in replaced])
    lost = [_fewer("строк", before, given.rows, history.may_lose)]
    for load in replaced:
        old, new = load.profile.sketch("key"), given.profile.sketch("key")
        found = old.found_in(new) if old and new else None
        if found and found[1] >= 10:
            share = 1 - found[0] / found[1]
            # a sketch sees a part: as many hundredths as it may err by are allowed on top
            if share > history.may_lose + 2 * sqrt(history.may_lose / found[1]) and share * load.rows >= 3:
                lost.append(f"из строк {load.load_id} не нашлось {_percent(share)}")
    for title in history.shares:
        old_labels, new_labels = (
            _sum(load.profile.of(f"share:{title}") for load in replaced),
            given.profile.of(f"share:{title}"),
        )
        if len(old_labels) < 100:
            gone = [
                f"«{label}»: {_n(rows)} → {_n(new_labels.get(label, 0))}"
                for label, rows in sorted(old_labels.items(), key=lambda item: -item[1])
                if rows >= history.least and new_labels.get(label, 0) < rows * 0.5
            ]
            if gone:
                lost.append(f"{title}: " + _listed(gone))
    for title in history.quantities if history.counted else ():
        old_given, old_total = (
            sum(load.profile.of(f"{metric}:{title}").get("", 0.0) for load in replaced)
            for metric in ("given", "total")
        )
        new_total = given.profile.of(f"total:{title}").get("", 0.0)
        if old_given >= history.least and old_total > 0 and new_total < old_total * (1 - history.may_lose):
            lost.append(f"{title}, сумма: {_n(old_total)} → {_n(new_total)}")
    vanished, figures = _vanished(history, given, replaced)
    if len(vanished) > max(history.may_lose * figures, 2):
        lost.append(f"значений было {figures}, пропало {len(vanished)}: {_listed(vanished)}")
    told = [text for text in lost if text]
    compared = f"действует {ids} ({_n(before)} строк), передано {_n(given.rows)} строк"
    if told and given.confirmed:
        return _kept(
            REPLACES, f"Новая выгрузка меньше действующей: {'; '.join(told)}. Подтверждено: {given.confirmed}"
        )
    if told:
        return _failed(
            REPLACES,
            "critical",
            "completeness",
            f"Новая выгрузка теряет то, что есть в действующей: {'; '.join(told)}. Итого: {compared}."
            + (NOT_CONFIRMED if given.has_confirmation else ""),
            f"{AGAIN} {TRUE_AFTER_ALL}",
        )
    if vanished:
        return _failed(
            REPLACES,
            "warning",
            "completeness",
            f"В действующей выгрузке эти значения есть, в новой нет: {_listed(vanished)}.",
            "Проверьте, не пропущены ли они.",
        )
    return _kept(REPLACES, f"Потерь против действующей выгрузки нет: {compared}.")


def _fewer(what: str, before: int, now: int, may_lose: float) -> str | None:
    if before - now >= 3 and now < before * (1 - may_lose):
        return f"{what} было {_n(before)}, стало {_n(now)}"
    return None


def _vanished(history: History, given: Incoming, replaced: Sequence[Past]) -> tuple[list[str], int]:
    """Figures that the loads in force give and the delivery does not, named; and how many they give."""
    gone, figures = [], 0
    for title in _titles(given, replaced):
        new = given.profile.of(title)
        for load in replaced:
            old = load.profile.of(title)
            if len(old) == FIGURES or len(new) == FIGURES:
                continue  # cut off, not lost
            figures += len(old)
            least = history.least if history.steady else -inf
            gone += [_cell(key) for key, value in old.items() if key not in new and value >= least]
    return gone, figures


# --- against neighbours


def _elsewhere(history: History, given: Incoming, elsewhere: Sequence[Past]) -> ExpectationResult:
    """The same bytes, or the same rows, in force for another instance."""
    for load in elsewhere:
        if load.sha256 == given.sha256 and not (history.steady and load.instance == given.instance):
            return _failed(
                ELSEWHERE,
                "critical",
                "accuracy",
                f"Тот же файл уже действует как {_named(load)}.",
                "Проверьте, тот ли файл передан: у каждой установки и каждого периода он свой.",
            )
    compared = 0
    for load in elsewhere:
        if load.instance == given.instance:
            continue
        found = _found(given.profile, load.profile, "row")
        compared += found is not None
        if found and found[0] / found[1] > history.may_repeat:
            return _failed(
                ELSEWHERE,
                "critical",
                "accuracy",
                f"{_percent(found[0] / found[1])} строк уже действуют для другой установки: {_named(load)}.",
                "Проверьте, данные ли это этой установки: источник мог не учесть её в запросе.",
            )
    return _kept(ELSEWHERE, "Ни файл, ни его строки не действуют для другой установки.")


def _repeated(
    history: History, given: Incoming, past: Sequence[Past], elsewhere: Sequence[Past]
) -> ExpectationResult:
    """The rows or figures of one period under the name of another."""
    if not history.steady:
        for load in (*past, *(load for load in elsewhere if load.instance == given.instance)):
            found = _found(given.profile, load.profile, "row")
            if found and found[0] / found[1] > history.may_repeat:
                return _failed(
                    REPEATED,
                    "critical",
                    "accuracy",
                    f"{_percent(found[0] / found[1])} строк повторяют другой период: {_named(load)}.",
                    "Проверьте, за тот ли период сделана выгрузка.",
                )
    elif same := [load for load in past if _is_same(given.profile, load.profile)]:
        return _failed(
            REPEATED,
            "warning",
            "accuracy",
            f"Снимок ничем не отличается от прежнего: {_named(same[-1])}.",
            "Проверьте, новый ли это снимок.",
        )
    if history.by and history.period:
        twins = _twin_periods(history, given, past)
        if twins:
            return _failed(
                REPEATED,
                "critical",
                "accuracy",
                "Значения одного периода совпадают со значениями другого: " + _listed(twins) + ".",
                "Проверьте, за те ли периоды сделана выгрузка.",
            )
    if not past and not history.period:
        return _undecided(REPEATED, "других периодов ещё нет")
    return _kept(REPEATED, "Строки и значения не повторяют другой период.")


def _is_same(given: Profile, before: Profile) -> bool:
    """Whether all that is remembered is the same, but for the periods of figures."""
    if given.rows < 100 or not before.metrics:
        return False
    return all(
        dict(before.of(metric)) == dict(values)
        for metric, values in given.metrics.items()
        if not metric.startswith("figure:")
    )


def _twin_periods(history: History, given: Incoming, past: Sequence[Past]) -> list[str]:
    twins = []
    for title in _titles(given, past):
        series = _by_period(given.profile.of(title), given.slice)
        others = dict(series)
        for load in past:
            for period, figures in _by_period(load.profile.of(title), load.slice).items():
                others.setdefault(period, figures)
        for period, figures in series.items():
            for other, before in others.items():
                if other == period or (other in series and other > period):
                    continue
                common = [
                    (figures[key], before[key])
                    for key in figures.keys() & before.keys()
                    if abs(figures[key]) >= history.least
                ]
                same = sum(new == old for new, old in common)
                if len(common) >= 7 and same > 0.8 * len(common):
                    twins.append(f"{period} и {other} ({same} из {len(common)})")
    return twins


def _steady(history: History, given: Incoming, past: Sequence[Past]) -> ExpectationResult:
    """Things of the snapshot before that are gone, or are described otherwise."""
    nearest = _before(given, past)[:1]
    found = _found(nearest[0].profile, given.profile, "key") if nearest else None
    if found is None:
        return _undecided(STEADY, "прежнего снимка для сравнения нет")
    before = nearest[0]
    lost = 1 - found[0] / found[1]
    kept = found[0] / found[1]
    alike = _found(before.profile, given.profile, "row")
    changed = max(0.0, 1 - alike[0] / alike[1] / kept) if alike and kept else 0.0
    says = (
        f"Из объектов прежнего снимка ({_named(before)}, {_n(before.rows)}) не нашлось {_percent(lost)}, "
        f"описание изменилось у {_percent(changed)} остальных; сейчас объектов {_n(given.rows)}."
    )
    allowed = history.may_lose + 2 * sqrt(history.may_lose / found[1])
    if lost > allowed:
        severity: Severity = "critical" if lost > 2 * allowed and not given.confirmed else "warning"
        return _failed(STEADY, severity, "completeness", says, f"{AGAIN} {TRUE_AFTER_ALL}")
    if changed > allowed / 2:
        return _failed(STEADY, "critical" if changed > 3 * allowed else "warning", "consistency", says, ASK)
    return _kept(STEADY, says)


# --- against its own past


def _volume(history: History, given: Incoming, past: Sequence[Past]) -> ExpectationResult:
    """Rows against the slices around, and against the same season of other years: what is nearer counts."""
    around = _regular(given, past)
    if len(around) < history.fewest:
        return _undecided(VOLUME, f"прежних периодов подряд {len(around)}, нужно {history.fewest}")
    logs = [log(load.rows) for load in around]
    expected, what = median(logs), f"в прежние периоды – около {_n(exp(median(logs)))}"
    now = log(max(given.rows, 0.5))
    seasons = _seasons(given, past)
    if seasons:
        in_season = median(log(load.rows) for load in seasons)
        if abs(now - in_season) < abs(now - expected):
            expected = in_season
        what += f", в то же время года – около {_n(exp(in_season))}"
    if max(given.rows, exp(expected)) < history.least:
        return _undecided(VOLUME, f"строк мало: {_n(given.rows)}, {what}")
    spread = sqrt((_spread(logs) ** 2 + 1 / exp(expected)) / 2 + 0.05**2)
    steps = [abs(b - a) for a, b in pairwise(_in_order(around))]
    down, up = max(history.may_drop, 3 * spread), max(history.may_rise, 4 * spread, 2 * max(steps, default=0))
    apart = now - expected
    says = f"Строк {_n(given.rows)}; {what}."
    if -apart > down or apart > up:
        gross = apart < -max(1.6 * down, log(3)) or apart > 2 * up
        return _failed(
            VOLUME,
            "critical" if gross and not given.confirmed else "warning",
            "completeness",
            f"{says} Это {_times(apart)}.",
            AGAIN if not gross else f"{AGAIN} {TRUE_AFTER_ALL}",
        )
    return _kept(VOLUME, says)


def _shares(history: History, given: Incoming, past: Sequence[Past]) -> ExpectationResult:
    """Rows by label: how many have moved between labels, and labels that were never seen or are seen no more."""
    around = _before(given, past)[:1] if history.steady else _regular(given, past)
    around = [load for load in around if load.rows >= history.least]
    enough = 1 if history.steady else history.fewest
    if len(around) < enough or given.rows < history.least:
        return _undecided(
            SHARES, f"прежних периодов подряд {len(around)}, нужно {enough}; строк {_n(given.rows)}"
        )
    told, gross = [], False
    compared = []
    for title in history.shares:
        metric = f"share:{title}"
        new = given.profile.of(metric)
        groups = [load.profile.of(metric) for load in around if load.profile.of(metric)]
        if len(groups) < enough or not new:
            continue
        pooled = _sum(groups)
        moved, by_chance = _moved(new, pooled)
        if not history.steady:
            # how far the slices before it were from each other, beyond chance: seasons, and a portal that grows
            drift = [
                max(0.0, apart - chance)
                for apart, chance in (
                    _moved(group, _sum(other for other in groups if other is not group)) for group in groups
                )
            ]
            season = [load.profile.of(metric) for load in _seasons(given, past) if load.profile.of(metric)]
            if season:
                moved, by_chance = min(
                    (moved, by_chance), _moved(new, _sum(season)), key=lambda found: found[0] - found[1]
                )
            allowed = by_chance + max(history.may_shift, 1.5 * max(drift, default=0.0))
        else:
            allowed = history.may_shift
        compared.append(f"{title}: сместилось {_percent(moved)} строк (допустимо {_percent(allowed)})")
        if moved > allowed:
            told.append(
                f"{title}: между категориями сместилось {_percent(moved)} строк, {_most_moved(new, pooled)}"
            )
            gross |= moved > max(2 * allowed, 0.5)
        known = pooled.keys() | _sum(load.profile.of(metric) for load in past).keys()
        unknown = {label: rows for label, rows in new.items() if label not in known}
        if len(known) < 100 and sum(unknown.values()) > max(5, 0.04 * given.rows):
            share = sum(unknown.values()) / given.rows
            told.append(
                f"{title}: {_percent(share)} строк с категориями, которых раньше не было: {_listed(unknown)}"
            )
            gross |= share > 0.25
        total = sum(pooled.values())
        gone = [
            label
            for label, rows in pooled.items()
            if label not in new and rows / total * given.rows >= 12 and len(new) < 100
        ]
        if gone:
            told.append(f"{title}: нет ни одной строки категорий {_listed(gone)}")
    if told:
        return _failed(SHARES, "critical" if gross else "warning", "consistency", "; ".join(told) + ".", ASK)
    if not compared:
        return _undecided(SHARES, "прежние загрузки приняты без профиля")
    return _kept(SHARES, "; ".join(compared) + ".")


def _distribution(history: History, given: Incoming, past: Sequence[Past]) -> ExpectationResult:
    """The middle and the tail of each quantity, against those of the slices around."""
    told, gross, compared = [], False, []
    for title in history.quantities:
        if given.profile.of(f"given:{title}").get("", 0) < history.least:
            continue
        metric = f"quantile:{title}"
        around = [
            load.profile.of(metric)
            for load in (_before(given, past)[:1] if history.steady else _regular(given, past))
            if load.profile.of(f"given:{title}").get("", 0) >= history.least and load.profile.of(metric)
        ]
        if len(around) < (1 if history.steady else history.fewest):
            continue
        for point, words in (("0.5", "середина"), ("0.9", "верхняя десятая")):
            new = given.profile.of(metric).get(point)
            before = [quantiles[point] for quantiles in around if point in quantiles]
            if not new or not before:
                continue
            logs = [log(value) for value in before]
            apart = log(new) - median(logs)
            says = f"{title}, {words}: {_n(new)}, раньше около {_n(exp(median(logs)))}"
            compared.append(says)
            if abs(apart) > max(history.may_jump, 4 * _spread(logs)):
                told.append(f"{says}, {_times(apart)}")
                gross |= abs(apart) > GROSS
    if told:
        return _failed(
            DISTRIBUTION,
            "critical" if gross else "warning",
            "accuracy",
            "; ".join(told) + ".",
            "Проверьте единицу измерения и выгрузите данные заново.",
        )
    if not compared:
        return _undecided(DISTRIBUTION, "прежних значений мало")
    return _kept(DISTRIBUTION, "; ".join(compared) + ".")


# --- figures


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


def _figures(
    history: History, given: Incoming, replaced: Sequence[Past], past: Sequence[Past]
) -> ExpectationResult:
    """Each figure against the one that it replaces, and against the one of its subject a period before."""
    told: list[tuple[Severity, str]] = []
    compared = 0
    for title in _titles(given, [*replaced, *past]):
        balance = title.removeprefix("figure:") in history.balances
        new = _by_period(given.profile.of(title), given.slice)
        old: dict[str, dict[str, float]] = {}
        for load in replaced:
            for period, figures in _by_period(load.profile.of(title), load.slice).items():
                old.setdefault(period, {}).update(figures)
        kept: dict[str, dict[str, float]] = {}
        for load in past:
            for period, figures in _by_period(load.profile.of(title), load.slice).items():
                kept.setdefault(period, {}).update(figures)
        told += _exchanged(history, new, old)
        for period in new.keys() & old.keys():
            steps = _steps(history, new[period], old[period], period, period)
            compared += len(steps)
            told += _parted(history, steps, "прежде было", max(history.may_move, 0.5), balance)
        if kept and min(kept) < min(new, default=""):
            timeline = sorted(new.keys() | kept.keys())
            told += _missing(history, new, kept, given)
            for before, after in pairwise(timeline):
                if before not in new and after not in new:
                    continue
                one = new.get(before) or kept[before]
                two = new.get(after) or kept[after]
                steps = _steps(history, two, one, after, before)
                compared += len(steps)
                # what moves, moves further in five years than in one
                may_move = history.may_move * min(_periods_between(before, after), 5)
                told += _parted(history, steps, None, may_move, balance)
            if not balance:
                told += _swapped(history, new, kept)
    if told:
        severity: Severity = "critical" if any(found == "critical" for found, _ in told) else "warning"
        return _failed(
            FIGURED,
            severity,
            "accuracy",
            "; ".join(text for _, text in told[:5])
            + (f"; и ещё {len(told) - 5}" if len(told) > 5 else "")
            + ".",
            "Проверьте, те ли это территории, разрезы, периоды и единица. " + ASK,
        )
    if not compared:
        return _undecided(FIGURED, "прежних значений для сравнения нет")
    return _kept(FIGURED, f"Сравнено значений с прежними: {_n(compared)}.")


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
    told: list[tuple[Severity, str]] = []
    if len(steps) >= 3 and abs(middle) > (GROSS if balance else history.may_jump):
        told.append(
            (
                "critical" if abs(middle) > GROSS else "warning",
                f"{where}: все значения {_times(middle)} (в середине)",
            )
        )
    if balance:
        return told
    # alone, a figure has no others whose way it could part from
    way = middle if len(steps) >= 5 else 0.0
    spread = _spread([step.log_ratio for step in steps]) if len(steps) >= 5 else 0.0
    by_chance = [
        3 * sqrt(1 / abs(step.old) + 1 / abs(step.new)) if history.counted else 0.0 for step in steps
    ]
    odd = [
        step
        for step, chance in zip(steps, by_chance, strict=True)
        if abs(step.log_ratio - way) > max(may_move, 6 * spread) + chance
    ]
    if abs(way) <= history.may_jump and len(steps) < 5 and told:
        odd = []
    for step in sorted(odd, key=lambda step: -abs(step.log_ratio - way))[:NAMED]:
        apart = step.log_ratio - way
        gross = abs(apart) > max(log(5), 8 * spread)
        told.append(
            (
                "critical" if gross else "warning",
                f"{where}, {step.subject}: {_n(step.old)} → {_n(step.new)}, остальные {_times(way)}",
            )
        )
    return told


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
    spread = _spread(list(moved.values()))
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
    return [("warning", f"{where}: похоже, что значения переставлены: {_listed(pairs)}")] if pairs else []


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
    told: list[tuple[Severity, str]] = []
    rows_new, rows_old = _rows(new, periods), _rows(old, periods)
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
        told.append(("critical", f"значения переставлены против действующих: {_listed(pairs)}"))
    for number, one in enumerate(periods):
        for two in periods[number + 1 :]:
            common = [
                key
                for key in new[one].keys() & old[two].keys() & new[two].keys() & old[one].keys()
                if old[one][key] != old[two][key]
            ]
            crossed = sum(new[one][key] == old[two][key] and new[two][key] == old[one][key] for key in common)
            if len(common) >= 5 and crossed > 0.8 * len(common):
                told.append(("critical", f"значения за {one} и {two} переставлены против действующих"))
    return told


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
            f"нет значений для {_listed(gone)} (за {nearest} были по {len(known)}, сейчас нет {len(gone)})",
        )
    ]


# --- helpers


def _before(given: Incoming, past: Sequence[Past]) -> list[Past]:
    """The slices of the year before, latest first; those with rows alone. What comes after tells nothing: it grew from this."""
    near = [
        load
        for load in past
        if load.rows > 0
        and given.first_day
        and load.first_day
        and 0 < _months(load.first_day, given.first_day) <= MONTHS
    ]
    return sorted(near, key=lambda load: load.first_day or date.min, reverse=True)[:AROUND]


def _regular(given: Incoming, past: Sequence[Past]) -> list[Past]:
    """The slices before, where they follow each other: what stands between gaps tells nothing of a month."""
    before = [load for load in _before(given, past) if _months(load.first_day, given.first_day) <= AROUND]
    span = max((_months(load.first_day, given.first_day) for load in before), default=0)
    return before if len(before) >= 0.8 * span else []


def _seasons(given: Incoming, past: Sequence[Past]) -> list[Past]:
    """The same month of other years."""
    return [
        load
        for load in past
        if load.rows > 0
        and given.first_day
        and load.first_day
        and (load.first_day.month, load.first_day.day) == (given.first_day.month, given.first_day.day)
        and load.first_day.year != given.first_day.year
        and abs(load.first_day.year - given.first_day.year) <= 3
    ]


def _periods_between(before: str, after: str) -> int:
    """How many years, or months, two periods lie apart."""
    one, two = ([int(part) for part in period.split("-") if part.isdigit()] for period in (before, after))
    if len(one) == len(two) == 1:
        return max(two[0] - one[0], 1)
    return max((two[0] - one[0]) * 12 + two[1] - one[1], 1) if len(one) == len(two) == 2 else 1


def _in_order(loads: Iterable[Past]) -> list[float]:
    return [log(load.rows) for load in sorted(loads, key=lambda load: load.first_day or date.min)]


def _months(one: date | None, two: date | None) -> int:
    assert one is not None
    assert two is not None
    return (two.year - one.year) * 12 + two.month - one.month


def _spread(values: Sequence[float]) -> float:
    """Standard deviation as the median distance from the median tells it, whatever a few outliers do."""
    if len(values) < 2:
        return 0.0
    middle = median(values)
    return 1.4826 * median(abs(value - middle) for value in values)


def _moved(new: Mapping[str, float], old: Mapping[str, float]) -> tuple[float, float]:
    """The share of rows that would have to move to turn one into the other; and what chance alone would move."""
    n, m = sum(new.values()), sum(old.values())
    if not n or not m:
        return 0.0, 1.0
    labels = new.keys() | old.keys()
    moved = sum(abs(new.get(label, 0) / n - old.get(label, 0) / m) for label in labels) / 2
    # mean of |difference| of two multinomial shares, and two standard deviations of their sum
    terms = [
        (1 / n + 1 / m) * p * (1 - p)
        for p in ((new.get(label, 0) + old.get(label, 0)) / (n + m) for label in labels)
    ]
    mean = sum(sqrt(2 * term / pi) for term in terms) / 2
    deviation = sqrt(sum(term * (1 - 2 / pi) for term in terms)) / 2
    return moved, mean + 2 * deviation


def _most_moved(new: Mapping[str, float], old: Mapping[str, float]) -> str:
    n, m = sum(new.values()), sum(old.values())
    labels = sorted(
        new.keys() | old.keys(), key=lambda label: -abs(new.get(label, 0) / n - old.get(label, 0) / m)
    )
    return "больше всего: " + ", ".join(
        f"«{label}» {_percent(old.get(label, 0) / m)} → {_percent(new.get(label, 0) / n)}"
        for label in labels[:2]
    )


def _sum(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)


def _found(one: Profile, two: Profile, name: str) -> tuple[int, int] | None:
    """How many of one load's rows another has, as their sketches show; None where too few can be seen."""
    first, second = one.sketch(name), two.sketch(name)
    found = _sketched(first, second)
    return found if found and found[1] >= 10 else None


def _sketched(one: Sketch | None, two: Sketch | None) -> tuple[int, int] | None:
    return one.found_in(two) if one and two else None


def _titles(given: Incoming, loads: Sequence[Past]) -> list[str]:
    """The kinds of figures that any of them gives: what the delivery gives none of it may have lost."""
    profiles = [given.profile, *(load.profile for load in loads)]
    return sorted({name for profile in profiles for name in profile.metrics if name.startswith("figure:")})


def _by_period(figures: Mapping[str, float], slice_: str) -> dict[str, dict[str, float]]:
    """Figures by period and subject; without a period of their own, by the slice."""
    found: dict[str, dict[str, float]] = {}
    for key, value in figures.items():
        subject, _, period = key.partition(UNIT)
        found.setdefault(period or slice_.rpartition("@")[2], {})[subject] = value
    return found


def _rows(
    figures: Mapping[str, Mapping[str, float]], periods: Sequence[str]
) -> dict[str, tuple[float | None, ...]]:
    subjects = {subject for period in periods for subject in figures[period]}
    return {subject: tuple(figures[period].get(subject) for period in periods) for subject in subjects}


def _cell(key: str) -> str:
    subject, _, period = key.partition(UNIT)
    return f"{subject} {period}".strip()


def _named(load: Past) -> str:
    return f"{load.instance}, {load.slice} ({load.load_id})"


def _listed(values: Iterable[str]) -> str:
    named = list(values)
    more = f" и ещё {len(named) - NAMED}" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more


def _n(value: float) -> str:
    """A number as it is read: 48, 1 234, 0,12."""
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.4g}"
    return text.replace(",", "\u00a0").replace(".", ",")


def _percent(share: float) -> str:
    return f"{share * 100:.0f}\u00a0%"


def _times(apart: float) -> str:
    """A logarithm of a ratio in words."""
    if abs(apart) < 0.02:
        return "без изменений"
    return f"в {_n(round(exp(abs(apart)), 2))} раза {'больше' if apart > 0 else 'меньше'}"


def _result(
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


def _failed(name: str, severity: Severity, dimension: Dimension, says: str, remedy: str) -> ExpectationResult:
    return _result(name, severity, dimension, False, 1, 1, says, remedy)


def _kept(name: str, says: str) -> ExpectationResult:
    return _result(name, "critical", "consistency", True, 1, 0, says, "")


def _undecided(name: str, why: str) -> ExpectationResult:
    says = f"{ASKED[name]} Не судится: история слишком коротка ({why})."
    return _result(name, "critical", "consistency", True, 0, 0, says, "")
