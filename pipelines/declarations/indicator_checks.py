"""Whether an indicator fits what it refers to: themes, measures, surveys, units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from pipelines.declarations.common import Location, Problem, nearest
from pipelines.declarations.indicators import Indicator, IndicatorCatalogue, Method, Side, Term
from pipelines.declarations.measures import Measure
from pipelines.declarations.units import QUOTIENT, Unit
from pipelines.declarations.yaml_document import at


def indicator_problems(code: str, indicator: Indicator, catalogue: IndicatorCatalogue) -> Iterator[Problem]:
    """Inconsistencies between an indicator and what it refers to: the location in its file, and what is allowed."""
    if indicator.theme not in catalogue.themes:
        yield (
            ("theme",),
            f"{indicator.theme!r} is not in themes.yml; {nearest(indicator.theme, catalogue.themes)}",
        )
    yield from _survey_problems(code, indicator, catalogue)
    for number, method in enumerate(indicator.methods):
        sound = True
        for side, place, term in _placed_terms(method):
            for key, message in _term_problems(indicator, side, term, catalogue.measures):
                sound = False
                yield ("methods", number, *place, key), message
        if sound:
            problem = unit_problem(indicator.unit, method, catalogue.measures)
            if problem is not None:
                yield ("methods", number), problem


def _placed_terms(method: Method) -> Iterator[tuple[str, Location, Term]]:
    for side in ("numerator", "denominator"):
        declared: Side | None = getattr(method, side)
        for number, term in enumerate(declared.terms if declared else ()):
            yield side, (side, "terms", number), term


def _survey_problems(code: str, indicator: Indicator, catalogue: IndicatorCatalogue) -> Iterator[Problem]:
    """A survey must be another indicator in the same unit that is not itself imputed from this one."""
    followed = [code]
    while indicator.imputation is not None and (survey_code := indicator.imputation.indicator) is not None:
        place = ("imputation", "indicator")
        survey = catalogue.indicators.get(survey_code)
        if survey_code in followed:
            yield place, f"surveys form a cycle: {' → '.join([*followed, survey_code])}"
            return
        if survey is None or survey.unit.code != indicator.unit.code:
            if len(followed) == 1:
                fit = [
                    one
                    for one, other in catalogue.indicators.items()
                    if other.unit.code == indicator.unit.code
                ]
                message = f"{survey_code!r} is not declared in the same unit ({indicator.unit.code})"
                yield place, f"{message}; {nearest(survey_code, {*fit} - {code})}"
            return
        followed.append(survey_code)
        indicator = survey


def _term_problems(
    indicator: Indicator, side: str, term: Term, measures: Mapping[str, Measure]
) -> Iterator[tuple[str, str]]:
    """Inconsistent keys of a term, and why."""
    measure = measures.get(term.measure)
    if measure is None:
        yield "measure", f"measure {term.measure!r} is not declared; {nearest(term.measure, measures)}"
        return
    if (
        measure.freq == "A"
        and set(indicator.frequencies) - {"A"}
        and not (side == "denominator" and (measure.carry_forward_years or measure.constant))
    ):
        yield (
            "measure",
            f"{term.measure} is yearly, but frequencies has {', '.join(indicator.frequencies)}; keep only A",
        )
    if measure.time == "none" and measure.freq == "M" and set(indicator.frequencies) - {"M"}:
        yield (
            "measure",
            f"{term.measure} does not add up over months (time: none); frequencies may only have M",
        )
    if term.times is not None and term.times not in measures:
        yield "times", f"measure {term.times!r} (times) is not declared; {nearest(term.times, measures)}"
    if (
        indicator.rolled_up
        and indicator.roll_up == "ratio_of_sums"
        and measure.territory == "none"
        and term.times is None
    ):
        yield (
            "measure",
            (
                f"{term.measure} does not add up over territories, but rolled_up is set; weight it (times), leave rolled_up"
                " empty, or set roll_up: percentile"
            ),
        )
    if term.members != "same" and measure.members:
        unknown = sorted(set(term.members) - set(measure.members) - {"_T"})
        if unknown:
            allowed = ", ".join(["_T", *sorted(measure.members)])
            yield "members", f"{term.measure} has no members {unknown}; there are: {allowed}"


def unit_problem(unit: Unit, method: Method, measures: Mapping[str, Measure]) -> str | None:
    """Why the unit does not follow from the units of the terms and the scale; None if it does.

    Terms that are added have one unit. With n and d the units of numerator and denominator, the values are in n if
    there is no denominator; per cent are 100 x n / n; PER_<number> are number x n / per; PER_<unit> are n / unit; anything
    else is a mean: n / d is shown in n, and (u x d) / d, a weighted one, in u.
    """
    sides: dict[str, set[tuple[str, ...]]] = {"numerator": set(), "denominator": set()}
    for side, term in method.terms:
        named = [term.measure] if term.times is None else [term.measure, term.times]
        sides[side].add(tuple(sorted(measures[name].unit.code for name in named)))
    for side, units in sides.items():
        if len(units) > 1:
            return f"{side}: its terms are in different units ({format_units(units)}); only terms of one unit can be added"
    if not sides["numerator"]:
        return None
    (above,) = sides["numerator"]
    (below,) = sides["denominator"] or {()}
    message = f"unit {unit.code} does not fit {method.scale:f} x {format_units([above])}"
    message += f" / {format_units([below])}" if below else ""
    quotient = QUOTIENT.fullmatch(unit.code)
    scale = Decimal(1)
    if not below:
        fits = above == (unit.code,)
        expected = "without a denominator the unit is that of the terms"
    elif unit.code == "PCT":
        scale, fits = Decimal(100), above == below
        expected = "per cent are a share of the same unit, with scale: 100"
    elif quotient and quotient["count"]:
        scale = Decimal(quotient["count"])
        fits = below == (unit.per,) and quotient["of"] in (None, *above)
        expected = f"set scale: {quotient['count']}, and unit.per to the unit of the denominator"
    elif quotient:
        fits = below == (quotient["unit"],) and quotient["of"] in (None, *above)
        expected = f"use a denominator in {quotient['unit']} and no scale"
    else:
        fits = above != below and above in ((unit.code,), tuple(sorted((unit.code, *below))))
        expected = (
            "a mean is in the unit of its numerator, and has no scale; the codes of shares are PCT and PER_…"
        )
    return None if fits and method.scale == scale else f"{message}; {expected}"


def format_units(units: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(sorted(" x ".join(unit) for unit in units))


def units_with_two_names(catalogue: IndicatorCatalogue, indicators: Path) -> list[str]:
    """Units whose names differ from those given to the same code elsewhere."""
    declared: list[tuple[Path, Location, Unit]] = [
        *(
            (catalogue.files[code], ("measures", code, "unit"), one.unit)
            for code, one in catalogue.measures.items()
        ),
        *((indicators / f"{code}.yml", ("unit",), one.unit) for code, one in catalogue.indicators.items()),
    ]
    first: dict[str, tuple[Path, Location, Unit]] = {}
    problems = []
    for path, location, unit in declared:
        where, place, known = first.setdefault(unit.code, (path, location, unit))
        if (unit.ru, unit.be, unit.en) != (known.ru, known.be, known.en):
            problems.append(
                f"{at(path, *location)}: {unit.code} has other names than in {at(where, *place)}; use the same names"
            )
    return problems
