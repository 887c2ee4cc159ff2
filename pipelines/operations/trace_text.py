"""A trace as lines of text."""

from __future__ import annotations

from pipelines.operations.trace_model import Term, Trace
from pipelines.publishing.exports.words import IMPUTATIONS
from pipelines.publishing.names import Names

CODES = Names("en")
DERIVATIONS = {
    "own": ("собственные данные", "own"),
    "rolled_up": ("по входящим территориям", "rolled up"),
    "percentile": ("процентиль", "percentile"),
    "absent": ("данных нет", "absent"),
}


SIDES = {"numerator": "числитель", "denominator": "знаменатель"}


def show(found: Trace, names: Names = CODES, term_limit: int = 8) -> list[str]:
    """The trace as lines of text: the figure, its ratio, and under each term what was delivered."""
    say, number = names.say, names.number
    measures = tuple(term.measure for term in found.terms)
    value = (
        say("нет значения", "no value")
        if found.obs_value is None
        else f"{number(found.obs_value)} {names.unit(found.indicator, found.unit_measure)}"
    )
    lines = [
        f"{names.of('indicator', found.indicator)}, {names.of('territory', found.ref_area)}, {found.time_period}"
        f"{names.part(found.breakdown, *measures)}: {value}",
        f"  {say('статус', 'status')}: {names.status(found.obs_status)}"
        + (f" ({names.missing(found.missing_reason)})" if found.missing_reason else "")
        + f", {say(*DERIVATIONS[found.derivation])}, {say('методика', 'method')} {found.method_version}, "
        + (
            say("охват населения неизвестен", "population coverage not known")
            if found.obs_value is not None and found.coverage_population_pct == 0 and found.imputed_by is None
            else say(
                f"охват {number(found.coverage_population_pct)} % населения",
                f"covers {number(found.coverage_population_pct)} % of the population",
            )
        )
        + say(
            f" и {number(found.coverage_time_pct)} % месяцев",
            f" and {number(found.coverage_time_pct)} % of the months",
        ),
    ]
    if note := names.say(found.note_ru or "", found.note_en or ""):
        lines.append(f"  {note}")
    if found.imputed_by is not None:
        rule = IMPUTATIONS.get(found.imputed_by)
        by = found.imputed_by.replace("_", " ") if rule is None else rule.get(names.language)
        lines.append(f"  {say('восполнено', 'imputed')}: {by}, {say('по', 'from')} {found.imputed_from}")
    if found.derivation == "percentile":
        lines.append(
            say(
                "  = процентиль значений территорий ниже",
                "  = percentile of the values of the territories below",
            )
        )
    elif found.numerator is not None:
        ratio = f"{number(found.scale)} x {number(found.numerator)}"
        lines.append(
            f"  = {ratio}" + ("" if found.denominator is None else f" / {number(found.denominator)}")
        )
    for side in SIDES:
        terms = [term for term in found.terms if term.side == side]
        if terms:
            count = say(f"величин: {len(terms)}", f"{len(terms)} figure{'s' if len(terms) > 1 else ''}")
            lines.append(f"{say(SIDES[side], side)}: {count}")
            lines += [line for term in terms[:term_limit] for line in _term_lines(term, names)]
        if len(terms) > term_limit:
            more = len(terms) - term_limit
            lines.append(say(f"  … и ещё {more} (все: --json)", f"  … and {more} more (all: --json)"))
    for donor in found.donors:
        lines += [
            say("восполнено по:", "imputed from:"),
            *(f"  {line}" for line in show(donor, names, term_limit)),
        ]
    if not found.terms and not found.donors:
        lines.append(
            say(
                "не передано ничего, из чего можно получить это значение",
                "nothing was delivered from which this figure could be computed",
            )
        )
    return lines


def _term_lines(term: Term, names: Names) -> list[str]:
    say, number = names.say, names.number
    weight = "" if term.weight == 1 else f"{number(term.weight)} x "
    value = names.missing(term.missing_reason) if term.value is None else number(term.value)
    period = "" if term.time_period in (None, "_Z") else f", {term.time_period}"
    times = "" if term.times_measure is None else f" x {names.of('measure', term.times_measure)}"
    lines = [
        f"  {weight}{names.of('measure', term.measure)}{times}, {names.of('territory', term.ref_area)}{period}"
        f"{names.part(term.breakdown, term.measure)}: {value}"
    ]
    for observation in term.observations:
        figure = (
            names.missing(observation.missing_reason)
            if observation.obs_value is None
            else number(observation.obs_value)
        )
        what = "" if term.times_measure is None else f"{names.of('measure', observation.measure)} "
        line = f"    {what}{observation.time_period}: {figure}"
        if observation.correction is not None and observation.reported_value is not None:
            reported = number(observation.reported_value)
            line += say(
                f" (у источника {reported}; корректировка {observation.correction})",
                f" (the source says {reported}; correction {observation.correction})",
            )
        if observation.load is None:
            lines.append(f"{line}, {say('поставки нет', 'no delivery')}")
            continue
        load = observation.load
        line += f", {say('загрузка', 'load')} {load.load_id} {load.files} sha256 {load.sha256[:12]}"
        if observation.rows is None:
            lines.append(f"{line}, {say('строк нет', 'no rows')}")
            continue
        numbers = ", ".join(map(str, observation.rows.row_numbers[:6]))
        more = ", …" if observation.rows.count > min(6, len(observation.rows.row_numbers)) else ""
        count = say(f"строк {observation.rows.count}", f"{observation.rows.count} rows")
        lines.append(f"{line}, {count}: {numbers}{more}")
    return lines
