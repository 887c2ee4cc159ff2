"""The sample of municipal car parks: a monthly table, as an operator saves it from a spreadsheet.

Neither the car parks nor the numbers are real.
"""

from __future__ import annotations

import calendar
from random import Random

HEADER = "дата;город;парковка_код;мест_всего;занято"
MONTHS = [(2026, 8), (2026, 9), (2026, 10)]
# city -> places of each car park, share that is usually occupied
CITIES = {"Борисов": ([120, 60, 45], 0.55), "Брест": ([240, 80, 150], 0.7)}


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {f"occupancy/parking-{year}-{month:02}.csv": _month(year, month) for year, month in MONTHS}


def _month(year: int, month: int) -> bytes:
    rng = Random(f"city_parking {year} {month}")
    lines = [HEADER]
    for day in range(1, calendar.monthrange(year, month)[1] + 1):
        for city, (car_parks, usual) in CITIES.items():
            for number, places in enumerate(car_parks, start=1):
                occupied = round(places * min(1, max(0, rng.gauss(usual, 0.1))), 1)
                written = f"{occupied:g}".replace(".", ",")
                lines.append(f"{day:02}.{month:02}.{year};{city};P-{number:03};{places};{written}")
    return "\r\n".join([*lines, ""]).encode("cp1251")
