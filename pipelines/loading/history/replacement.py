"""What a replacement would lose, and whether its rows are known from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

from expectations.vocabulary import History
from pipelines.deliveries import ExpectationResult
from pipelines.loading.history.loads import (
    ELSEWHERE,
    REPEATED,
    REPLACES,
    Incoming,
    Past,
    failed,
    figures_by_period,
    format_cell,
    format_list,
    format_load,
    format_number,
    format_percent,
    overlap,
    passed,
    sum_counts,
    titles_of,
    undecided,
)
from pipelines.loading.profile import FIGURES, Profile

AGAIN = "Проверьте отбор и выгрузите данные заново."


TRUE_AFTER_ALL = (
    "Если всё верно, это подтверждают: положите рядом с файлом <имя файла>.confirm.yml со строками "
    "confirmed_smaller: true, who: кто, why: почему – или обратитесь к администратору хранилища (gorod waive)."
)


NOT_CONFIRMED = " Файл .confirm.yml рядом с ней ничего не подтверждает: в нём нужны confirmed_smaller: true, непустые who и why."


def check_replacement(history: History, given: Incoming, replaced: Sequence[Past]) -> ExpectationResult:
    """Rows, keys, labels, figures and totals that the loads in force give and the delivery does not."""
    before = sum(load.rows for load in replaced)
    ids = format_list([load.load_id for load in replaced])
    lost = [_fewer("строк", before, given.rows, history.may_lose)]
    for load in replaced:
        old, new = load.profile.sketch("key"), given.profile.sketch("key")
        found = old.found_in(new) if old and new else None
        if found and found[1] >= 10:
            share = 1 - found[0] / found[1]
            # a sketch sees a part: as many hundredths as it may err by are allowed on top
            if share > history.may_lose + 2 * sqrt(history.may_lose / found[1]) and share * load.rows >= 3:
                lost.append(f"из строк {load.load_id} не нашлось {format_percent(share)}")
    for title in history.shares:
        old_labels, new_labels = (
            sum_counts(load.profile.of(f"share:{title}") for load in replaced),
            given.profile.of(f"share:{title}"),
        )
        if len(old_labels) < 100:
            gone = [
                f"«{label}»: {format_number(rows)} → {format_number(new_labels.get(label, 0))}"
                for label, rows in sorted(old_labels.items(), key=lambda item: -item[1])
                if rows >= history.least and new_labels.get(label, 0) < rows * 0.5
            ]
            if gone:
                lost.append(f"{title}: " + format_list(gone))
    for title in history.quantities if history.counted else ():
        old_given, old_total = (
            sum(load.profile.of(f"{metric}:{title}").get("", 0.0) for load in replaced)
            for metric in ("given", "total")
        )
        new_total = given.profile.of(f"total:{title}").get("", 0.0)
        if old_given >= history.least and old_total > 0 and new_total < old_total * (1 - history.may_lose):
            lost.append(f"{title}, сумма: {format_number(old_total)} → {format_number(new_total)}")
    vanished, figures = _vanished(history, given, replaced)
    if len(vanished) > max(history.may_lose * figures, 2):
        lost.append(f"значений было {figures}, пропало {len(vanished)}: {format_list(vanished)}")
    losses = [text for text in lost if text]
    compared = f"действует {ids} ({format_number(before)} строк), передано {format_number(given.rows)} строк"
    if losses and given.confirmed:
        return passed(
            REPLACES,
            f"Новая выгрузка меньше действующей: {'; '.join(losses)}. Подтверждено: {given.confirmed}",
        )
    if losses:
        return failed(
            REPLACES,
            "critical",
            "completeness",
            f"Новая выгрузка теряет то, что есть в действующей: {'; '.join(losses)}. Итого: {compared}."
            + (NOT_CONFIRMED if given.has_confirmation else ""),
            f"{AGAIN} {TRUE_AFTER_ALL}",
        )
    if vanished:
        return failed(
            REPLACES,
            "warning",
            "completeness",
            f"В действующей выгрузке эти значения есть, в новой нет: {format_list(vanished)}.",
            "Проверьте, не пропущены ли они.",
        )
    return passed(REPLACES, f"Потерь против действующей выгрузки нет: {compared}.")


def _fewer(what: str, before: int, now: int, may_lose: float) -> str | None:
    if before - now >= 3 and now < before * (1 - may_lose):
        return f"{what} было {format_number(before)}, стало {format_number(now)}"
    return None


def _vanished(history: History, given: Incoming, replaced: Sequence[Past]) -> tuple[list[str], int]:
    """Figures that the loads in force give and the delivery does not, named; and how many they give."""
    gone, figures = [], 0
    for title in titles_of(given, replaced):
        new = given.profile.of(title)
        for load in replaced:
            old = load.profile.of(title)
            if len(old) == FIGURES or len(new) == FIGURES:
                continue  # cut off, not lost
            figures += len(old)
            least = history.least if history.steady else -inf
            gone += [format_cell(key) for key, value in old.items() if key not in new and value >= least]
    return gone, figures


def check_elsewhere(history: History, given: Incoming, elsewhere: Sequence[Past]) -> ExpectationResult:
    """The same bytes, or the same rows, in force for another instance."""
    for load in elsewhere:
        if load.sha256 == given.sha256 and not (history.steady and load.instance == given.instance):
            return failed(
                ELSEWHERE,
                "critical",
                "accuracy",
                f"Тот же файл уже действует как {format_load(load)}.",
                "Проверьте, тот ли файл передан: у каждой установки и каждого периода он свой.",
            )
    compared = 0
    for load in elsewhere:
        if load.instance == given.instance:
            continue
        found = overlap(given.profile, load.profile, "row")
        compared += found is not None
        if found and found[0] / found[1] > history.may_repeat:
            return failed(
                ELSEWHERE,
                "critical",
                "accuracy",
                f"{format_percent(found[0] / found[1])} строк уже действуют для другой установки: {format_load(load)}.",
                "Проверьте, данные ли это этой установки: источник мог не учесть её в запросе.",
            )
    return passed(ELSEWHERE, "Ни файл, ни его строки не действуют для другой установки.")


def check_repeated(
    history: History, given: Incoming, past: Sequence[Past], elsewhere: Sequence[Past]
) -> ExpectationResult:
    """The rows or figures of one period under the name of another."""
    if not history.steady:
        for load in (*past, *(load for load in elsewhere if load.instance == given.instance)):
            found = overlap(given.profile, load.profile, "row")
            if found and found[0] / found[1] > history.may_repeat:
                return failed(
                    REPEATED,
                    "critical",
                    "accuracy",
                    f"{format_percent(found[0] / found[1])} строк повторяют другой период: {format_load(load)}.",
                    "Проверьте, за тот ли период сделана выгрузка.",
                )
    elif same := [load for load in past if is_same_profile(given.profile, load.profile)]:
        return failed(
            REPEATED,
            "warning",
            "accuracy",
            f"Снимок ничем не отличается от прежнего: {format_load(same[-1])}.",
            "Проверьте, новый ли это снимок.",
        )
    if history.by and history.period:
        twins = _twin_periods(history, given, past)
        if twins:
            return failed(
                REPEATED,
                "critical",
                "accuracy",
                "Значения одного периода совпадают со значениями другого: " + format_list(twins) + ".",
                "Проверьте, за те ли периоды сделана выгрузка.",
            )
    if not past and not history.period:
        return undecided(REPEATED, "других периодов ещё нет")
    return passed(REPEATED, "Строки и значения не повторяют другой период.")


def is_same_profile(given: Profile, before: Profile) -> bool:
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
    for title in titles_of(given, past):
        series = figures_by_period(given.profile.of(title), given.slice)
        others = dict(series)
        for load in past:
            for period, figures in figures_by_period(load.profile.of(title), load.slice).items():
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
