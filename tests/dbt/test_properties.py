"""What must hold of the indicators whatever the data: parts add up, order and slicing do not matter, units cancel out.

A year is an invented world (worlds.py), so one build by the real models computes all of them. Each value is held against a
computation of its own, in fractions.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from tests.support.cases import (
    BRANCHES,
    CITIES,
    EMPLOYED,
    METHODS,
    MONTHS,
    PLACES,
    REPORTING,
    TIME,
    Method,
    World,
    build,
    children,
    draw,
    gives_minsk,
    gives_regions,
    whole_people,
)
from tests.support.small_warehouse import SmallWarehouse

pytestmark = pytest.mark.slow

# the years of one world: as it is, delivered in other ways, and last in another unit
WAYS = ("plain", "shuffled", "covered", "days", "replaced")
FIRST, SEED = 2001, 317
TIMES = 7


class Value(NamedTuple):
    """A value as published."""

    obs_value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    coverage: Decimal | None
    reason: str | None


Values = dict[tuple[str, ...], Value]


def _worlds(by: random.Random) -> dict[int, World]:
    worlds = {}
    for year, way in enumerate(WAYS, start=FIRST):
        worlds[year] = draw(random.Random(SEED))
        worlds[year].way = way
    worlds[FIRST + len(WAYS)] = _rescaled(draw(random.Random(SEED)))
    for year in range(2007, 2014):
        worlds[year] = draw(by)
    # of the country's requests in February one alone is of category 6
    worlds[2007].requests = {
        "brest": list(
            zip((7, 1, 6, 1, 6, 4, 7, 7, 0, 0, 5, 0), (0, 4, 3, 8, 1, 0, 4, 0, 9, 3, 8, 4), strict=True)
        ),
        "minsk": list(
            zip((5, 0, 8, 2, 6, 6, 6, 9, 4, 0, 3, 9), (8, 7, 8, 4, 0, 4, 2, 1, 6, 9, 8, 4), strict=True)
        ),
    }
    worlds[2008] = draw(by, most=0)
    worlds[2009] = draw(by, longest=10**17)  # beyond what a double tells apart
    worlds[2010].gaps = {("minsk_oblast", 5), ("brest", 12), *(("minsk_city", month) for month in (7, 8, 9))}
    return worlds


def _rescaled(world: World) -> World:
    """The same in another unit: each length and each count is ``TIMES`` as much."""
    world.resources = {
        key: (TIMES * unused, TIMES * used, TIMES * points, [TIMES * length for length in lengths])
        for key, (unused, used, points, lengths) in world.resources.items()
    }
    return world


@pytest.fixture(scope="module")
def worlds() -> dict[int, World]:
    return _worlds(random.Random(2026))


@pytest.fixture(scope="module")
def values(worlds: dict[int, World]) -> Iterator[Values]:
    with TemporaryDirectory() as name:
        small = SmallWarehouse(Path(name))
        build(small, worlds, Path(name), random.Random(7))
        rows = small.query(
            "select indicator, ref_area, time_period, breakdown, obs_value, numerator, denominator, "
            "coverage_population_pct, missing_reason from marts.mart_indicator_value"
        )
    assert len({row[:4] for row in rows}) == len(rows)
    yield {row[:4]: Value(*row[4:]) for row in rows}


def _periods(year: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Months, quarters, half-years and the year, each with its months."""
    yield from ((f"{year}-{month:02}", (month,)) for month in MONTHS)
    yield from ((f"{year}-Q{n}", tuple(range(3 * n - 2, 3 * n + 1))) for n in range(1, 5))
    yield from ((f"{year}-S{n}", tuple(range(6 * n - 5, 6 * n + 1))) for n in (1, 2))
    yield str(year), tuple(MONTHS)


def _last_day(year: int, months: tuple[int, ...]) -> date:
    return (date(year, months[-1], 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _rounded(number: Fraction | Decimal | int, places: int = 6) -> Decimal:
    """Half away from zero."""
    scaled = Fraction(number) * 10**places
    away = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(away if scaled > 0 else -away).scaleb(-places)


def _members(above: str, day: date) -> list[str]:
    """The highest territories below that have figures of their own."""
    found: list[str] = []
    for code in children(above, day):
        found += [code] if code in REPORTING else _members(code, day)
    return found


class Reckoning:
    """Every value of the invented indicators, from what is delivered."""

    def __init__(self, worlds: Mapping[int, World]) -> None:
        self.worlds = worlds
        self.people = {year: whole_people(world, date(year, 1, 1)) for year, world in worlds.items()}
        self.people_within = cache(lambda year, day: whole_people(worlds[year], day))
        self.figure = cache(self._figure)

    def _figure(self, measure: str, place: str, year: int, months: tuple[int, ...]) -> Fraction | None:
        if measure == "population":
            return Fraction(self.people[year][place])
        if year not in self.worlds:
            return None
        figures = [self.worlds[year].figure(measure, place, month) for month in months]
        if TIME[measure] == "last":
            figures = figures[-1:]
        known = [Fraction(figure) for figure in figures if figure is not None]
        if len(known) < len(figures):
            return None
        if TIME[measure] == "mean":
            return Fraction(_rounded(sum(known) / len(known)))
        return max(known) if TIME[measure] == "max" else sum(known, Fraction(0))

    def sides(
        self, method: Method, place: str, year: int, months: tuple[int, ...]
    ) -> tuple[Fraction, Fraction] | None:
        """Numerator and denominator of a territory with figures of its own; None where one is missing."""
        above = Fraction(0)
        for measure, weight, times in method.numerator:
            factors = [self.figure(name, place, year, months) for name in (measure, times) if name]
            if None in factors:
                return None
            above += weight * factors[0] * (factors[1] if times else 1)
        before = year - (method.at == "previous_year")
        below = self.figure(method.denominator, place, before, months) if method.denominator else Fraction(1)
        return None if below is None else (above, below)

    def value(self, method: Method, area: str, year: int, months: tuple[int, ...]) -> Value:
        day = _last_day(year, months)
        own = area in REPORTING
        found = {
            code: self.sides(method, code, year, months) for code in ([area] if own else _members(area, day))
        }
        whole = {code: sides for code, sides in found.items() if sides is not None}
        if not whole:
            return Value(None, None, None, Decimal(0), "missing")
        people = self.people_within(year, day)
        covered, of = sum(people[code] for code in whole), people[area]
        coverage = _rounded(Fraction(100 * covered, of), 2)
        if not own and not method.denominator and not method.percentile and coverage < 100:
            # a sum of some of the parts is no figure of the whole
            return Value(None, None, None, coverage, "missing")
        if method.percentile and not own:
            each = sorted(Fraction(_rounded(method.scale * above / below)) for above, below in whole.values())
            at = Fraction(method.percentile * (len(each) - 1), 100)
            step = each[int(at)]
            step += (at - int(at)) * ([*each, 0][int(at) + 1] - step)
            return Value(_rounded(step), _rounded(step), None, coverage, None)
        above = sum((sides[0] for sides in whole.values()), Fraction(0))
        below = sum((sides[1] for sides in whole.values()), Fraction(0))
        if not own and covered == of and not any(times for *_, times in method.numerator):
            more = self.nowhere(method, area, year, months)
            above, below = above + more[0], below + more[1]
        shown = _rounded(below) if method.denominator else None
        if method.denominator and below == 0:
            return Value(None, _rounded(above), shown, coverage, "not_applicable")
        ratio = method.scale * (above / below if method.denominator else above)
        if method.unit == "PCT" and method.at == "same" and not 0 <= ratio <= 100:
            return Value(None, None, None, coverage, "held_back")
        return Value(_rounded(ratio), _rounded(above), shown, coverage, None)

    def nowhere(
        self, method: Method, area: str, year: int, months: tuple[int, ...]
    ) -> tuple[Fraction, Fraction]:
        """What lies in a region and in none of its districts."""
        above, below = Fraction(0), Fraction(0)
        for branch, region in BRANCHES.items():
            if area in (region, PLACES[region].parent):
                place = f"_U {branch}"
                for measure, weight, _ in method.numerator:
                    above += weight * (self.figure(measure, place, year, months) or 0)
                if method.denominator in TIME:
                    below += self.figure(method.denominator, place, year, months) or 0
        return above, below


def test_every_value_is_as_reckoned(worlds: dict[int, World], values: Values) -> None:
    reckoning = Reckoning(worlds)
    compared, wrong = 0, []
    for indicator, method in METHODS.items():
        areas = [code for code in PLACES if code in REPORTING or method.at == "same"]
        for year in worlds:
            for period, months in _periods(year):
                for area in areas:
                    expected = reckoning.value(method, area, year, months)
                    found = values.get((indicator, area, period, "_T"))
                    if found is not None and found.reason not in (None, "not_applicable", "held_back"):
                        found = found._replace(reason="missing")
                    if found != expected:
                        wrong.append((indicator, area, period, found, expected))
                    compared += 1
    assert (len(wrong), wrong[:5]) == (0, [])
    assert compared > 50_000


@pytest.mark.parametrize("indicator", ["laid", "ports", "used", "points"])
def test_parts_make_the_whole(indicator: str, worlds: dict[int, World], values: Values) -> None:
    """District from towns, region from districts and cities, country from regions, as published and as they lay then."""
    compared = dict.fromkeys(("country", "region", "district"), 0)
    measure = METHODS[indicator].numerator[0][0]
    reckoning = Reckoning(worlds)
    for year in worlds:
        for period, months in _periods(year):
            for area in PLACES:
                whole = values[indicator, area, period, "_T"]
                level = PLACES[area].level
                if area in REPORTING or whole.obs_value is None:
                    continue
                parts = [
                    values[indicator, code, period, "_T"] for code in children(area, _last_day(year, months))
                ]
                total = sum(part.obs_value or 0 for part in parts)
                if level == "country" and {part.coverage for part in (whole, *parts)} != {100}:
                    continue  # what is in no district counts where all of it reports
                if level == "region" and whole.coverage == 100:
                    (branch,) = (branch for branch, region in BRANCHES.items() if region == area)
                    total += _rounded(reckoning.figure(measure, f"_U {branch}", year, months) or 0)
                assert whole.obs_value == total, (area, period)
                compared[level] += 1
    assert min(compared.values()) >= 19, compared


def _of(year: int, values: Values) -> dict[tuple[str, ...], Value]:
    """The values of a year that no other year has part in, by keys that do not name it."""
    return {
        (indicator, area, period[4:], part): value
        for (indicator, area, period, part), value in values.items()
        if period[:4] == str(year) and indicator not in ("growth", "employed_per_100")
    }


@pytest.mark.parametrize("way", WAYS[1:])
def test_how_a_month_is_delivered_does_not_matter(way: str, worlds: dict[int, World], values: Values) -> None:
    """Its rows in another order, after one of its days, by days, or after a delivery that it replaces."""
    (year,) = (year for year, world in worlds.items() if world.way == way)
    figures = _of(FIRST, values)
    assert len(figures) > 4000
    assert {key: value for key, value in _of(year, values).items() if value != figures.get(key)} == {}
    assert figures.keys() == _of(year, values).keys()


def test_units_cancel_out_or_stay(values: Values) -> None:
    """What is measured in another unit is as many times more; a share of it is the same. Values are rounded before."""
    rescaled = _of(FIRST + len(WAYS), values)
    compared = 0
    for (indicator, area, period, part), value in _of(FIRST, values).items():
        if indicator in METHODS and value.obs_value is not None:
            factor = 1 if METHODS[indicator].unit == "PCT" else TIMES
            found = rescaled[indicator, area, period, part].obs_value
            assert found is not None
            assert abs(found - factor * value.obs_value) < Decimal("0.0001"), (indicator, area, period)
            compared += bool(value.obs_value)
    assert compared > 2000
    weighted = {key[1:]: value.obs_value for key, value in values.items() if key[0] == "laid_threefold"}
    plain = {key[1:]: value.obs_value for key, value in values.items() if key[0] == "laid"}
    assert weighted == {key: None if value is None else 3 * value for key, value in plain.items()}


def test_minsk_is_counted_once_in_its_oblast_or_beside_it(worlds: dict[int, World], values: Values) -> None:
    for year, world in worlds.items():
        found = {
            code: values["employed_per_100", code, str(year), "_T"].numerator
            for code in ("BY", *BRANCHES.values())
        }
        if gives_regions(year):
            expected: dict[str, int | None] = {code: world.employed[code] for code in BRANCHES.values()}
            if not gives_minsk(year):  # then nobody knows what of the oblast is Minsk
                expected |= {"BY-HM": None, "BY-MI": None}
        else:
            expected = {"BY-HM": None}
            for region in ("BY-BR", "BY-MI"):
                parts = children(region, date(year, 12, 31))
                expected[region] = sum(world.employed[code] for code in parts if code in EMPLOYED)
        total = {"BY": sum(filter(None, expected.values()))}
        assert found == expected | total, year
    assert {(gives_regions(year), gives_minsk(year)) for year in worlds} == {
        (True, True),
        (True, False),
        (False, False),
    }


def test_requests_of_pieces_are_those_of_the_year(worlds: dict[int, World], values: Values) -> None:
    """However a year is cut; and the rate of the country is the ratio of sums over the cities."""
    for year, world in worlds.items():
        people = {CITIES[city]: world.people[CITIES[city]] for city in CITIES}
        people["BY"] = sum(people.values())
        for area, period, counts in _counts(year, world):
            registered = sum(counts.values())
            rated = values["appeals_rated_pct", area, period, "_T"]
            assert rated.denominator == registered, (area, period)
            assert values["appeals_per_1000", area, period, "_T"][:3] == (
                _rounded(Fraction(1000 * registered, people[area])), registered, people[area],
            ), (area, period)  # fmt: skip


def test_what_is_shown_and_hidden_makes_the_total(worlds: dict[int, World], values: Values) -> None:
    """None of what is hidden can be found by subtraction.

    Hidden are the parts of 1 or 2 requests; where there is only one such part, the smallest of the others too.
    """
    seen = {None: 0, "suppressed": 0}
    for year, world in worlds.items():
        for area, period, counts in _counts(year, world):
            delivered = {part: count for part, count in counts.items() if count}
            small = [part for part, count in delivered.items() if count <= 2]
            hidden = set(delivered) if len(small) == 1 else set(small)
            for part, count in delivered.items():
                value = values["appeals_per_1000", area, period, part]
                expected = (None, "suppressed") if part in hidden else (count, None)
                assert (value.numerator, value.reason) == expected, (area, period)
                seen[value.reason] += 1
    assert min(seen.values()) > 50, seen


def _counts(year: int, world: World) -> Iterator[tuple[str, str, dict[str, int]]]:
    """The requests by category as delivered: of each city and of the country, in each period."""
    years = {CITIES[city]: counts for city, counts in world.requests.items()}
    months_of_all = zip(*world.requests.values(), strict=True)
    years["BY"] = [tuple(map(sum, zip(*cities, strict=True))) for cities in months_of_all]
    for area, counts in years.items():
        for period, months in _periods(year):
            sixes, twenties = (sum(counts[month - 1][at] for month in months) for at in (0, 1))
            yield area, period, {"G6": sixes, "G20": twenties}
