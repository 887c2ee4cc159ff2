"""The sample of the portal 115.бел: monthly exports of seven cities, with a few seeded defects.

No request, person or address is real. The persons are «Тест» with id 0; they exist to be dropped by the
reader.
"""

from __future__ import annotations

import calendar
import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from sandbox.samples.country import populations

HEADER = "id,category,author,name,address,lat,lng,status,rating,opened,planned,organisation_id"
LAST = (2026, 10)
# more than a year for the smallest city, a quarter and a month for the others: every kind of period in few rows
FIRST = {"barysau": (2025, 1)}
USUAL_FIRST = (2026, 7)

# centre, requests a month per 1,000 people, first organisation, days that a plan allows. The real portal of Minsk took
# 1.7 a month per 1,000 in its first year and 3.5 in its third.
CITIES = {
    "minsk": ((53.9023, 27.5618), 1.4, 110, 9),
    "brest": ((52.0940, 23.6850), 1.2, 210, 11),
    "viciebsk": ((55.1904, 30.2049), 1.1, 310, 14),
    "homiel": ((52.4345, 30.9754), 1.2, 410, 12),
    "hrodna": ((53.6780, 23.8295), 1.1, 510, 8),
    "barysau": ((54.2279, 28.5050), 1.0, 610, 16),
    "mahilou": ((53.9007, 30.3313), 1.0, 710, 13),
}
# 6.3 and 6.30 are two themes: a category is text
USUAL_CATEGORIES = [
    "6.3",
    "6.30",
    "6.324",
    "20.280",
    "20.297",
    "10.85",
    "14.152",
    "9.61",
    "7.45",
    "11.369",
    "21.301",
]
# one theme is so rare that a city has one or two of it in a month: too few to be published
CATEGORIES = [*USUAL_CATEGORIES * 60, "13.207"]
STATUSES = ["5"] * 80 + ["7"] * 12 + ["4"] * 5 + ["3"] * 2 + ["1"]
# months that the portal has deleted: only a header
DELETED = {("barysau", 2026, 7)}

Request = dict[str, str]


def files() -> dict[str, str]:
    """Text by path within the sample's folder."""
    return {
        f"requests/{city}/opendata-115-{year}-{month:02}-01.csv": _month(city, year, month)
        for city in CITIES
        for year in (2025, 2026)
        for month in range(1, 13)
        if FIRST.get(city, USUAL_FIRST) <= (year, month) <= LAST
    }


def _month(city: str, year: int, month: int) -> str:
    requests = [] if (city, year, month) in DELETED else requests_of(city, year, month)
    if (city, year, month) in DEFECTS:
        DEFECTS[city, year, month](requests)
    return _written(requests)


def next_day() -> dict[str, str]:
    """What arrives the day after: text by path within the drop folder.

    Brest sends October again, now with the requests that were still being moderated: its figures are revised. Homiel
    sends October again with latitude and longitude swapped: the gate refuses it, and the figures stay.
    """
    brest = requests_of("brest", 2026, 10)
    late = [
        request | {"id": str(int(request["id"]) + 10_000), "rating": "0", "opened": "2026-10-31 2026"}
        for request in brest
        if request["opened"].startswith("2026-10-31")
    ]
    homiel = [
        request | {"lat": request["lng"], "lng": request["lat"]}
        for request in requests_of("homiel", 2026, 10)
    ]
    return {
        "appeals_115/requests/brest/opendata-115-2026-10-01.csv": _written(brest + late),
        "appeals_115/requests/homiel/opendata-115-2026-10-01.csv": _written(homiel),
    }


def _written(requests: list[Request]) -> str:
    """As the portal exports them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER.split(","), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(requests)
    return text.getvalue()


def requests_of(city: str, year: int, month: int) -> list[Request]:
    """The requests of a city that were opened in a month, without defects."""
    (lat, lng), usual, organisation, days = CITIES[city]
    thousands = populations()[f"c-{city}", year] / 1000
    rng = Random(f"{city} {year} {month}")
    months_passed = (year - 2025) * 12 + month - 1
    # more in winter, slowly more over the years
    season = 1.15 if month in (12, 1, 2, 3) else 0.95
    count = round(usual * thousands * season * (1 + 0.01 * months_passed) * (0.9 + 0.2 * rng.random()))
    length = calendar.monthrange(year, month)[1]
    opened = sorted(date(year, month, 1 + int(rng.random() * length)) for _ in range(count))
    number = 100_000 + months_passed * 20_000
    requests = []
    for day in opened:
        number += 1 + int(rng.random() * 5)
        planned = day + timedelta(days=1 + int(rng.random() * 2 * days))
        rated = rng.random() < 0.06
        requests.append(
            {
                "id": str(number),
                "category": _one(rng, CATEGORIES),
                "author": "0",
                "name": "Тест",
                "address": f"улица Примерная, {1 + int(rng.random() * 150)}",
                "lat": f"{lat + 0.08 * (rng.random() - 0.5):.8f}",
                "lng": f"{lng + 0.14 * (rng.random() - 0.5):.8f}",
                "status": _one(rng, STATUSES),
                "rating": str(1 + int(rng.random() * 5)) if rated else "0",
                "opened": f"{day} {year}",
                "planned": str(planned),
                "organisation_id": str(organisation + int(rng.random() * 12)),
            }
        )
    return requests


def _one(rng: Random, choices: list[str]) -> str:
    return choices[int(rng.random() * len(choices))]


def _outside_the_country(requests: list[Request]) -> None:
    requests[4] |= {"lat": "10.25000000", "lng": "2.34000000"}


def _unknown_status(requests: list[Request]) -> None:
    requests[7]["status"] = "9"


def _planned_before_opened(requests: list[Request]) -> None:
    requests[2]["planned"] = "2026-01-15"


def _category_as_number(requests: list[Request]) -> None:
    requests[11]["category"] = "630"


def _repeated(requests: list[Request]) -> None:
    requests.append(dict(requests[-1]))


def _date_in_another_form(requests: list[Request]) -> None:
    day, month, year = requests[5]["opened"][8:10], requests[5]["opened"][5:7], requests[5]["opened"][:4]
    requests[5]["opened"] = f"{day}.{month}.{year}"


DEFECTS: dict[tuple[str, int, int], Callable[[list[Request]], None]] = {
    ("brest", 2026, 7): _outside_the_country,
    ("homiel", 2026, 8): _unknown_status,
    ("hrodna", 2026, 7): _planned_before_opened,
    ("viciebsk", 2026, 9): _category_as_number,
    ("mahilou", 2026, 8): _repeated,
    ("barysau", 2026, 3): _date_in_another_form,
}
