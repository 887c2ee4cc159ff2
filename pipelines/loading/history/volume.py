"""Volume, shares of categories and the distribution of the main quantity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from math import exp, log, pi, sqrt
from statistics import median

from expectations.vocabulary import History, Severity
from pipelines.deliveries import ExpectationResult
from pipelines.loading.history.loads import (
    AROUND,
    ASK,
    DISTRIBUTION,
    GROSS,
    SHARES,
    STEADY,
    VOLUME,
    Incoming,
    Past,
    failed,
    format_list,
    format_load,
    format_number,
    format_percent,
    format_times,
    loads_before,
    months_between,
    overlap,
    passed,
    spread_of,
    sum_counts,
    undecided,
)
from pipelines.loading.history.replacement import AGAIN, TRUE_AFTER_ALL


def check_snapshot(history: History, given: Incoming, past: Sequence[Past]) -> ExpectationResult:
    """Things of the snapshot before that are gone, or are described otherwise."""
    nearest = loads_before(given, past)[:1]
    found = overlap(nearest[0].profile, given.profile, "key") if nearest else None
    if found is None:
        return undecided(STEADY, "прежнего снимка для сравнения нет")
    before = nearest[0]
    lost = 1 - found[0] / found[1]
    kept = found[0] / found[1]
    alike = overlap(before.profile, given.profile, "row")
    changed = max(0.0, 1 - alike[0] / alike[1] / kept) if alike and kept else 0.0
    says = (
        f"Из объектов прежнего снимка ({format_load(before)}, {format_number(before.rows)}) не нашлось {format_percent(lost)}, "
        f"описание изменилось у {format_percent(changed)} остальных; сейчас объектов {format_number(given.rows)}."
    )
    allowed = history.may_lose + 2 * sqrt(history.may_lose / found[1])
    if lost > allowed:
        severity: Severity = "critical" if lost > 2 * allowed and not given.confirmed else "warning"
        return failed(STEADY, severity, "completeness", says, f"{AGAIN} {TRUE_AFTER_ALL}")
    if changed > allowed / 2:
        return failed(STEADY, "critical" if changed > 3 * allowed else "warning", "consistency", says, ASK)
    return passed(STEADY, says)


def check_volume(history: History, given: Incoming, past: Sequence[Past]) -> ExpectationResult:
    """Rows against the slices around, and against the same season of other years: what is nearer counts."""
    around = regular_loads(given, past)
    if len(around) < history.fewest:
        return undecided(VOLUME, f"прежних периодов подряд {len(around)}, нужно {history.fewest}")
    logs = [log(load.rows) for load in around]
    expected, what = median(logs), f"в прежние периоды – около {format_number(exp(median(logs)))}"
    now = log(max(given.rows, 0.5))
    seasons = _seasons(given, past)
    if seasons:
        in_season = median(log(load.rows) for load in seasons)
        if abs(now - in_season) < abs(now - expected):
            expected = in_season
        what += f", в то же время года – около {format_number(exp(in_season))}"
    if max(given.rows, exp(expected)) < history.least:
        return undecided(VOLUME, f"строк мало: {format_number(given.rows)}, {what}")
    spread = sqrt((spread_of(logs) ** 2 + 1 / exp(expected)) / 2 + 0.05**2)
    steps = [abs(b - a) for a, b in pairwise(_in_order(around))]
    down, up = max(history.may_drop, 3 * spread), max(history.may_rise, 4 * spread, 2 * max(steps, default=0))
    apart = now - expected
    says = f"Строк {format_number(given.rows)}; {what}."
    if -apart > down or apart > up:
        gross = apart < -max(1.6 * down, log(3)) or apart > 2 * up
        return failed(
            VOLUME,
            "critical" if gross and not given.confirmed else "warning",
            "completeness",
            f"{says} Это {format_times(apart)}.",
            AGAIN if not gross else f"{AGAIN} {TRUE_AFTER_ALL}",
        )
    return passed(VOLUME, says)


def check_shares(history: History, given: Incoming, past: Sequence[Past]) -> ExpectationResult:
    """Rows by label: how many have moved between labels, and labels that were never seen or are seen no more."""
    around = loads_before(given, past)[:1] if history.steady else regular_loads(given, past)
    around = [load for load in around if load.rows >= history.least]
    enough = 1 if history.steady else history.fewest
    if len(around) < enough or given.rows < history.least:
        return undecided(
            SHARES,
            f"прежних периодов подряд {len(around)}, нужно {enough}; строк {format_number(given.rows)}",
        )
    findings, gross = [], False
    compared = []
    for title in history.shares:
        metric = f"share:{title}"
        new = given.profile.of(metric)
        groups = [load.profile.of(metric) for load in around if load.profile.of(metric)]
        if len(groups) < enough or not new:
            continue
        pooled = sum_counts(groups)
        moved, by_chance = share_moved(new, pooled)
        if not history.steady:
            # how far the slices before it were from each other, beyond chance: seasons, and a portal that grows
            drift = [
                max(0.0, apart - chance)
                for apart, chance in (
                    share_moved(group, sum_counts(other for other in groups if other is not group))
                    for group in groups
                )
            ]
            season = [load.profile.of(metric) for load in _seasons(given, past) if load.profile.of(metric)]
            if season:
                moved, by_chance = min(
                    (moved, by_chance),
                    share_moved(new, sum_counts(season)),
                    key=lambda found: found[0] - found[1],
                )
            allowed = by_chance + max(history.may_shift, 1.5 * max(drift, default=0.0))
        else:
            allowed = history.may_shift
        compared.append(
            f"{title}: сместилось {format_percent(moved)} строк (допустимо {format_percent(allowed)})"
        )
        if moved > allowed:
            findings.append(
                f"{title}: между категориями сместилось {format_percent(moved)} строк, {most_moved(new, pooled)}"
            )
            gross |= moved > max(2 * allowed, 0.5)
        known = pooled.keys() | sum_counts(load.profile.of(metric) for load in past).keys()
        unknown = {label: rows for label, rows in new.items() if label not in known}
        if len(known) < 100 and sum(unknown.values()) > max(5, 0.04 * given.rows):
            share = sum(unknown.values()) / given.rows
            findings.append(
                f"{title}: {format_percent(share)} строк с категориями, которых раньше не было: {format_list(unknown)}"
            )
            gross |= share > 0.25
        total = sum(pooled.values())
        gone = [
            label
            for label, rows in pooled.items()
            if label not in new and rows / total * given.rows >= 12 and len(new) < 100
        ]
        if gone:
            findings.append(f"{title}: нет ни одной строки категорий {format_list(gone)}")
    if findings:
        return failed(
            SHARES, "critical" if gross else "warning", "consistency", "; ".join(findings) + ".", ASK
        )
    if not compared:
        return undecided(SHARES, "прежние загрузки приняты без профиля")
    return passed(SHARES, "; ".join(compared) + ".")


def check_distribution(history: History, given: Incoming, past: Sequence[Past]) -> ExpectationResult:
    """The middle and the tail of each quantity, against those of the slices around."""
    findings, gross, compared = [], False, []
    for title in history.quantities:
        if given.profile.of(f"given:{title}").get("", 0) < history.least:
            continue
        metric = f"quantile:{title}"
        around = [
            load.profile.of(metric)
            for load in (loads_before(given, past)[:1] if history.steady else regular_loads(given, past))
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
            says = f"{title}, {words}: {format_number(new)}, раньше около {format_number(exp(median(logs)))}"
            compared.append(says)
            if abs(apart) > max(history.may_jump, 4 * spread_of(logs)):
                findings.append(f"{says}, {format_times(apart)}")
                gross |= abs(apart) > GROSS
    if findings:
        return failed(
            DISTRIBUTION,
            "critical" if gross else "warning",
            "accuracy",
            "; ".join(findings) + ".",
            "Проверьте единицу измерения и выгрузите данные заново.",
        )
    if not compared:
        return undecided(DISTRIBUTION, "прежних значений мало")
    return passed(DISTRIBUTION, "; ".join(compared) + ".")


def regular_loads(given: Incoming, past: Sequence[Past]) -> list[Past]:
    """The slices before, where they follow each other: what stands between gaps tells nothing of a month."""
    before = [
        load
        for load in loads_before(given, past)
        if months_between(load.first_day, given.first_day) <= AROUND
    ]
    span = max((months_between(load.first_day, given.first_day) for load in before), default=0)
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


def _in_order(loads: Iterable[Past]) -> list[float]:
    return [log(load.rows) for load in sorted(loads, key=lambda load: load.first_day or date.min)]


def share_moved(new: Mapping[str, float], old: Mapping[str, float]) -> tuple[float, float]:
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


def most_moved(new: Mapping[str, float], old: Mapping[str, float]) -> str:
    n, m = sum(new.values()), sum(old.values())
    labels = sorted(
        new.keys() | old.keys(), key=lambda label: -abs(new.get(label, 0) / n - old.get(label, 0) / m)
    )
    return "больше всего: " + ", ".join(
        f"«{label}» {format_percent(old.get(label, 0) / m)} → {format_percent(new.get(label, 0) / n)}"
        for label in labels[:2]
    )
