"""What arrives in two months, day by day: the samples of the repository, at their time, with faults and corrections.

All of it is synthetic, and the same in every world: refused deliveries are the suppliers' affair, not the machine's.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipelines.declarations.sources import SOURCES

FIRST, LAST = date(2026, 9, 21), date(2026, 11, 20)
# the third quarter comes out in this night; the shipped calendar says at ten in the morning
EMBARGO_END = "2026-11-13T02:30"
CALENDAR_END = "2026-11-13T10:00"
EMBARGO_DAY = date(2026, 11, 13)

REQUESTS = SOURCES / "appeals_115" / "sample" / "requests"
REGISTER = SOURCES / "territory_register" / "sample"
STATISTICS = SOURCES / "belstat" / "sample"
CAR_PARKS = SOURCES / "city_parking" / "sample" / "occupancy"
CITIES = tuple(sorted(path.name for path in REQUESTS.iterdir() if path.is_dir()))
# it delivers September so late that it is an alert from 22 October on
SILENT, SILENT_FROM, SILENT_UNTIL = "mahilou", date(2026, 10, 22), date(2026, 10, 29)
NEWEST_MIGRATION = "2024-2025"

Change = Callable[[str], str]


@dataclass(frozen=True)
class Arrival:
    """A file that arrives: at the origin (the mirror) or, where ``dropped`` says for whom, in the drop folder."""

    path: str
    text: str
    dropped: str | None = None
    is_bad: bool = False
    encoding: str = "utf-8"

    def put(self, mirror: Path, inbox: Path) -> None:
        """Let it arrive."""
        folder = mirror if self.dropped is None else inbox / self.dropped
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(self.text, encoding=self.encoding)
        part.replace(path)


def month(
    city: str, period: str, change: Change = str, *, of: str | None = None, is_bad: bool = False
) -> Arrival:
    """A month of requests; ``of``: the rows are of that month."""
    text = (REQUESTS / city / f"opendata-115-{of or period}-01.csv").read_text(encoding="utf-8")
    name = f"opendata-115-{period}-01.csv"
    if city == "minsk":
        return Arrival(f"appeals_115/{name}", change(text), is_bad=is_bad)
    return Arrival(name, change(text), f"appeals_115/requests/{city}", is_bad)


def car_parks(period: str) -> Arrival:
    """A month of the car parks, as their operator exports it."""
    name = f"parking-{period}.csv"
    text = (CAR_PARKS / name).read_text(encoding="cp1251")
    return Arrival(name, text, "city_parking/occupancy/operator", encoding="cp1251")


def _rows(change: Callable[[int, dict[str, str]], dict[str, str]]) -> Change:
    def changed(text: str) -> str:
        read = csv.DictReader(io.StringIO(text))
        out = io.StringIO()
        writer = csv.DictWriter(out, read.fieldnames or (), lineterminator="\n")
        writer.writeheader()
        writer.writerows(change(number, row) for number, row in enumerate(read))
        return out.getvalue()

    return changed


rated = _rows(lambda number, row: {**row, "rating": "4"} if number % 7 == 3 else row)
unknown_states = _rows(lambda number, row: {**row, "status": "9"} if number % 2 else row)


def semicolons(text: str) -> str:
    """As a spreadsheet writes it."""
    return text.replace(",", ";")


def cut_short(text: str) -> str:
    """A transfer that broke off."""
    return text[: len(text) // 2]


def migration(part: str, change: Change = str, *, is_bad: bool = False) -> Arrival:
    """The newest table of migration."""
    name = f"belstat_{part}_{NEWEST_MIGRATION}.json"
    text = (STATISTICS / "migration" / name).read_text(encoding="utf-8")
    return Arrival(f"belstat/migration/{name}", change(text), is_bad=is_bad)


def areas() -> Arrival:
    """The list of areas again, with another area of a town."""
    lines = (REGISTER / "territories" / "admin_areas.csv").read_text(encoding="utf-8").splitlines()
    number = next(at for at, line in enumerate(lines) if line.startswith("c-barysau"))
    before, area = lines[number].rsplit(",", 1)
    lines[number] = f"{before},{float(area) + 1:.2f}"
    return Arrival("territories/admin_areas.csv", "\n".join(lines) + "\n")


ARRIVALS: dict[date, list[Arrival]] = {
    # on the first of a month the inventory is pulled, and a period has ended
    date(2026, 10, 1): [],
    date(2026, 10, 5): [month("minsk", "2026-09"), month("brest", "2026-09", unknown_states, is_bad=True)],
    date(2026, 10, 6): [month("brest", "2026-09"), month("homiel", "2026-09"), car_parks("2026-09")],
    date(2026, 10, 10): [
        month("hrodna", "2026-09", of="2026-08", is_bad=True),
        migration("net_oblast", cut_short, is_bad=True),
        *(migration(part) for part in ("net_raion", "arrivals_oblast", "arrivals_raion")),
    ],
    date(2026, 10, 11): [
        *(month(city, "2026-09") for city in ("hrodna", "viciebsk", "barysau")),
        migration("net_oblast"),
    ],
    SILENT_UNTIL: [month(SILENT, "2026-09"), areas()],
    date(2026, 11, 1): [],
    date(2026, 11, 5): [month("minsk", "2026-10"), month("brest", "2026-10", semicolons, is_bad=True)],
    date(2026, 11, 6): [month("brest", "2026-10"), month("homiel", "2026-10"), car_parks("2026-10")],
    date(2026, 11, 10): [month(city, "2026-10") for city in ("hrodna", "viciebsk", "barysau")],
    date(2026, 11, 16): [month(SILENT, "2026-10")],
    # what has come out is revised
    date(2026, 11, 18): [month("brest", "2026-09", rated)],
}


def days() -> list[date]:
    """All days of the two months."""
    return [FIRST + timedelta(number) for number in range((LAST - FIRST).days + 1)]


def bad(day: date) -> int:
    """How many deliveries of a day are to be refused."""
    return sum(arrival.is_bad for arrival in ARRIVALS.get(day, ()))


def may_be_disturbed(day: date) -> bool:
    """Something arrives, nothing of it is bad, and nothing arrives on the day after.

    A night that is lost is then made good before there is anything new: every state that readers of the undisturbed world
    see, readers of the disturbed one see a day later, so that nothing but times may differ at the end.
    """
    return day in ARRIVALS and not bad(day) and day + timedelta(1) not in ARRIVALS and day != EMBARGO_DAY


def lay_beginning(mirror: Path, inbox: Path) -> None:
    """What there is on the first day: register, newest statistics (of migration older ones), August of each city."""
    shutil.copytree(REGISTER / "territories", mirror / "territories")
    shutil.copytree(REGISTER / "geo", mirror / "geo")
    for folder, without in (
        ("wages", "*_2015-2019.json"),
        ("population", ""),
        ("migration", f"*_{NEWEST_MIGRATION}.json"),
    ):
        shutil.copytree(
            STATISTICS / folder, mirror / "belstat" / folder, ignore=shutil.ignore_patterns(without)
        )
    for city in CITIES:
        month(city, "2026-08").put(mirror, inbox)
    car_parks("2026-08").put(mirror, inbox)
