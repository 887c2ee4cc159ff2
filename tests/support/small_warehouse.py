"""A small invented warehouse, filled row by row, on which dbt runs."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.catalogue.definition import definitions_hash
from pipelines.catalogue.write import write_catalogue
from pipelines.declarations.sources import load_sources
from pipelines.deliveries import parse_slice
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.support import forked

NET = "Миграционный прирост, убыль (-) по территории Республики Беларусь"


class SmallWarehouse:
    """A warehouse whose deliveries are entered directly into the ledger, as the gate would have decided."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse.duckdb"
        self.folder = folder
        self.loads = 0
        self.ids: dict[str, str] = {}
        DuckDBWarehouse(self.path).prepare()
        with self.connect() as connection:
            write_catalogue(connection)

    def copy(self, folder: Path) -> SmallWarehouse:
        """The same warehouse in another folder, with all that dbt left."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other = copy.copy(self)
        other.folder, other.path = folder, folder / self.path.name
        return other

    def connect(self, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.path), read_only=read_only)

    def load(
        self,
        feed: str,
        period: str | None,
        rows: Sequence[dict[str, Any]],
        *,
        instance: str,
        part: str | None = None,
        outcome: str = "accepted",
        not_retained: bool = False,
    ) -> str:
        """Enter one delivery of ``source.feed``; return its id."""
        more = {"instance": instance, "part": part, "outcome": outcome, "not_retained": not_retained}
        (load_id,) = self.load_all([{"feed": feed, "period": period, "rows": rows, **more}])
        return load_id

    def load_all(self, deliveries: Sequence[dict[str, Any]]) -> list[str]:
        """Enter deliveries in order, each with the arguments of ``load``; many together take little longer than one."""
        entered = [self._enter(**delivery) for delivery in deliveries]
        tables: dict[str, list[dict[str, Any]]] = {}
        for records in entered:
            for table, rows in records.items():
                tables.setdefault(table, []).extend(rows)
        with self.connect() as connection:
            for table, rows in tables.items():
                _insert(connection, table, rows)
        return [records["ops.load"][0]["load_id"] for records in entered]

    def _enter(
        self,
        feed: str,
        period: str | None,
        rows: Sequence[dict[str, Any]],
        *,
        instance: str,
        part: str | None = None,
        outcome: str = "accepted",
        not_retained: bool = False,
    ) -> dict[str, list[dict[str, Any]]]:
        """The rows that a delivery adds to each table."""
        source, name = feed.split(".")
        declared = load_sources()[source]
        self.loads += 1
        load_id = f"load-{self.loads:03}"
        span = parse_slice(period, part)
        record = {
            "load_id": load_id, "load_no": self.loads, "source": source, "feed": name, "instance": instance,
            "ref_area": declared.instances[instance].ref_area, "part": part or "", "slice": span.key,
            "first_day": span.first_day, "last_day": span.last_day, "delivery_id": load_id,
            "sha256": f"{self.loads:064x}", "files": json.dumps([f"{load_id}.csv"]), "folder": "",
            "origin": f"{load_id}.csv", "synthetic": True,
            "received_at": date(2026, 1, 1), "decided_at": date(2026, 1, 1), "outcome": outcome,
            "readable": True, "not_retained": not_retained, "rows_delivered": len(rows),
            "rows_accepted": len(rows), "rows_quarantined": 0, "warnings": 0, "suite_hash": "", "seconds": 0,
        }  # fmt: skip
        event = {
            "load_id": load_id,
            "event_no": 1,
            "event": outcome,
            "happened_at": date(2026, 1, 1),
            "by_whom": "test",
        }
        numbered = [{"load_id": load_id, "row_no": number, **row} for number, row in enumerate(rows, start=1)]
        return {"ops.load": [record], "ops.load_event": [event], f"raw.{source}__{name}": numbered}

    def environment(self, of_gorod: bool = True) -> dict[str, str]:
        """Environment of a dbt process started in ``folder``."""
        return os.environ | {
            "GOROD_WAREHOUSE_PATH": self.path.name,
            "GOROD_DEFINITIONS_HASH": definitions_hash() if of_gorod else "",
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
        }

    def dbt(
        self, *arguments: str, of_gorod: bool = True, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run dbt in a separate process, as Gorod does or as people do by hand; the caller checks the exit code.

        ``more`` are further variables of its environment.
        """
        return forked.dbt(self.environment(of_gorod) | dict(more or {}), self.folder, *arguments)

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.connect(read_only=True) as connection:
            # as dbt does (macro plan_quickly): views over all feeds are planned in a fifth of the time
            connection.execute("set disabled_optimizers = 'statistics_propagation'")
            return connection.execute(sql, list(parameters)).fetchall()

    def value(self, indicator: str, ref_area: str, time_period: str, breakdown: str = "_T") -> dict[str, Any]:
        """One published value as a dictionary."""
        with self.connect(read_only=True) as connection:
            cursor = connection.execute(
                "select * from published.pub_indicator_value_v1 "
                "where indicator = ? and ref_area = ? and time_period = ? and breakdown = ?",
                [indicator, ref_area, time_period, breakdown],
            )
            names = [column[0] for column in cursor.description or []]
            rows = cursor.fetchall()
        assert len(rows) == 1, f"{indicator} {ref_area} {time_period} {breakdown}: {len(rows)} rows"
        return dict(zip(names, rows[0], strict=True))


def template(folder: Path) -> SmallWarehouse:
    """The first deliveries, built by ``dbt build`` with all tests of the project; what is in the folder already is taken."""
    if not (folder / "warehouse.duckdb").exists():
        made = SmallWarehouse(folder)
        (folder / "ids.json").write_text(json.dumps(fill(made)), encoding="utf-8")
        done = made.dbt("build")
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    found = SmallWarehouse.__new__(SmallWarehouse)
    found.folder, found.path = folder, folder / "warehouse.duckdb"
    found.ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
    found.loads = len(found.query("select 1 from ops.load"))
    return found


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        names = dict.fromkeys(name for row in rows for name in row)
        connection.register(
            "incoming_rows", pa.table({name: [row.get(name) for row in rows] for name in names})
        )
        connection.execute(f"insert into {table} by name select * from incoming_rows")
        connection.unregister("incoming_rows")


def requests(groups: Sequence[str], month: str, rating: int = 0, days: int = 4) -> list[dict[str, Any]]:
    """Requests of a month, one for each given group, each planned ``days`` after the first."""
    return [
        {
            "id": f"{month}-{number}", "category": f"{group}.{number}", "status": "5", "rating": rating,
            "opened": f"{month}-01", "planned": f"{month}-{1 + days:02}",
        }
        for number, group in enumerate(groups, start=1)
    ]  # fmt: skip


def cells(figures: Sequence[tuple[str, str, float | None]], **more: Any) -> list[dict[str, Any]]:
    """Cells of a statistical table: the office's name for the territory, year, value."""
    return [
        {"territory": territory, "period": year, "value": value, "table_name": "", **more}
        for territory, year, value in figures
    ]


def fill(small: SmallWarehouse) -> dict[str, str]:
    """The first deliveries. Numbers are small and round, so each expected value can be computed by hand."""
    territories = [
        ("BY", "country", None, None), ("BY-BR", "oblast", "BY", None), ("BY-HM", "oblast", "BY", 7),
        ("BY-MI", "oblast", "BY", None), ("r-brescki", "raion", "BY-BR", 100), ("r-pinski", "raion", "BY-BR", 60),
        ("r-minski", "raion", "BY-MI", 50), ("r-smalavicki", "raion", "BY-MI", 50), ("c-brest", "city", "BY-BR", None),
        ("c-pinsk", "city", "BY-BR", None), ("c-minsk", "city", "BY-HM", None), ("c-zhodzina", "city", "BY-MI", None),
        ("c-biaroza", "city", "BY-BR", None),
    ]  # fmt: skip
    by = {"instance": "by"}
    loads = {
        "territories": small.load(
            "territory_register.territories", None,
            [
                {
                    "territory_id": code, "level": level, "name_ru": "Пинский район" if code == "r-pinski" else code,
                    "name_be": "Пінскі" if code == "r-pinski" else code, "parent_id": parent, "area_km2": area,
                }
                for code, level, parent, area in territories
            ], **by,
        ),
        "population": small.load(
            "territory_register.population", None,
            [
                {"territory_id": code, "year": year, "population": people, "status": "e"}
                for year in (2018, 2019)
                for code, people in (
                    ("BY", 1000), ("BY-BR", 500), ("BY-HM", 200), ("BY-MI", 300), ("r-brescki", 300), ("c-brest", 180),
                    ("r-pinski", 200), ("c-pinsk", 120), ("c-minsk", 200), ("r-minski", 100), ("r-smalavicki", 200),
                    ("c-zhodzina", 150), ("c-biaroza", 20),
                )
            ], **by,
        ),
        "town_districts": small.load(
            "territory_register.town_districts", None, [{"city_id": "c-biaroza", "raion_id": "r-brescki"}], **by
        ),
        "town_areas": small.load(
            "territory_register.town_areas", None,
            [
                {"city_id": code, "admin_area_km2": area}
                for code, area in (("c-brest", 40), ("c-pinsk", 10), ("c-minsk", 20), ("c-zhodzina", 5))
            ], **by,
        ),
        "wages": small.load(
            "belstat.wages", "2010-2019",
            cells([
                ("Республика Беларусь", "2015", 4_000_000), ("Республика Беларусь", "2016", 500),
                ("Брестская область", "2015", 3_000_000), ("Брестская область", "2016", 450),
                ("Брестский", "2016", None), ("Минская область", "2016", 600), ("г. Минск", "2016", 700),
            ]), **by,
        ),
        "employment": small.load(
            "belstat.employment", "2010-2019",
            cells([
                ("Брестский", "2018", 60), ("г. Брест", "2018", 90), ("Пинский", "2018", 30), ("г. Пинск", "2018", None),
                ("Минский", "2018", 50), ("Смолевичский", "2018", 20), ("г. Жодино", "2018", 70),
                ("Не распределено по районам Минской области", "2018", 10),
            ]), **by,
        ),
        "migration": small.load(
            "belstat.migration", "2010-2019",
            [
                {
                    "table_name": NET, "territory": "Брестская область", "period": "2018", "value": value,
                    "country": "Всего по странам", "education": "всего по уровням образования",
                    "flow": flow, "age": "По всем возрастам", "sex": "Оба пола", "locality": "Всего по типам местности",
                }
                for flow, value in (("Всего по всем потокам миграции", -5), ("Международная миграция", 3))
            ], part="net_oblast", **by,
        ),
        "inventory": small.load(
            "beltelecom_inventory.resources", "2019-06",
            [
                {"resource_id": f"p{number}", "category": "xPON.Port", "usage_state": state, "soato": soato}
                for number, (state, soato) in enumerate(
                    [("active", "1401000000")] * 4 + [("busy", "1401000000")] + [("idle", "1401000000")] * 4
                    + [("idle", "1445000000"), ("active", "1299801001")]
                )
            ]
            + [{"resource_id": "w1", "category": "WiFi.AccessPoint", "usage_state": "active", "soato": "1401000000"}],
            instance="brest",
        ),
    }  # fmt: skip
    minsk, brest = {"instance": "minsk"}, {"instance": "brest"}
    requested = "appeals_115.requests"
    loads |= {
        "minsk-01": small.load(requested, "2019-01", requests(["6"] * 5 + ["20"], "2019-01"), **minsk),
        "minsk-02": small.load(requested, "2019-02", [], not_retained=True, **minsk),
        "minsk-03": small.load(requested, "2019-03", requests(["6"] * 4, "2019-03"), **minsk),
        "minsk-04": small.load(
            requested, "2019-04", requests(["6"] * 8, "2019-04", rating=5, days=10), **minsk
        ),
        "minsk-05": small.load(requested, "2019-05", requests(["6"] * 2, "2019-05"), **minsk),
        "minsk-06": small.load(requested, "2019-06", requests(["20"] * 10, "2019-06"), **minsk),
        "brest-04": small.load(requested, "2019-04", requests(["6"] * 3, "2019-04"), **brest),
        "brest-06": small.load(requested, "2019-06", requests(["6"] * 6, "2019-06", rating=3), **brest),
        "refused": small.load(
            requested, "2019-05", requests(["6"] * 50, "2019-05"), outcome="rejected", **brest
        ),
        # nothing for July, so its figures are imputed
        "inventory-08": small.load(
            "beltelecom_inventory.resources",
            "2019-08",
            [{"resource_id": "p0", "category": "xPON.Port", "usage_state": "active", "soato": "1401000000"}],
            instance="brest",
        ),
    }
    return loads
