"""Two months of operation, disturbed and undisturbed: the same figures, each alert once, a disk within its bound.

Both worlds get the same deliveries on the same days, by a clock that is set. In one nothing else happens; in the other
runs are killed, the daemon is killed, the disk is full for an hour, and the run after an embargo's end is killed.
``GOROD_SEED`` chooses which night meets what; it is shown with a failure.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.moments import MINSK
from pipelines.settings import PROJECT, Settings
from tests.operations.months import set_clock
from tests.operations.months.deliveries import (
    CALENDAR_END,
    EMBARGO_DAY,
    EMBARGO_END,
    FIRST,
    SILENT,
    SILENT_FROM,
    SILENT_UNTIL,
    bad,
    days,
)
from tests.operations.months.disturbances import Disturbance, plan

pytestmark = [pytest.mark.long, pytest.mark.repeated, pytest.mark.timeout(7200)]

SEED = int(os.environ.get("GOROD_SEED", "2026"))
# of a checkout, what a world needs
PARTS = (
    "assets", "dbt", "expectations", "pipelines", "sandbox", "tests", "dagster.yaml", "workspace.yaml", "pyproject.toml",
)  # fmt: skip
DISK = "1500m"
PARTS_OF_MIGRATION = ("net_oblast", "net_raion", "arrivals_oblast", "arrivals_raion")
MB = 1 << 20


def checkout(folder: Path) -> Path:
    """A checkout with a calendar of its own: the third quarter comes out at night."""
    for part in PARTS:
        if (PROJECT / part).is_dir():
            shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("target", "logs"))
        else:
            shutil.copy2(PROJECT / part, folder / part)
    calendar = folder / "assets" / "releases" / "calendar.yml"
    text = calendar.read_text(encoding="utf-8")
    assert text.count(CALENDAR_END) == 1
    calendar.write_text(text.replace(CALENDAR_END, EMBARGO_END), encoding="utf-8")
    return folder


@dataclass
class Lived:
    """A world that has come to its end."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "disk" / "home"

    def story(self, what: str) -> list[dict[str, Any]]:
        """The lines of its story that begin so."""
        with (self.folder / "story.jsonl").open(encoding="utf-8") as stream:
            return [entry for line in stream if (entry := json.loads(line))["what"].startswith(what)]

    def journal(self) -> list[dict[str, Any]]:
        """What the file of alerts says, with the day of Minsk that begins at five in the morning."""
        with (self.home / "alerts.jsonl").open(encoding="utf-8") as stream:
            entries = [json.loads(line) for line in stream]
        for entry in entries:
            at = datetime.fromisoformat(entry["at"]).astimezone(MINSK)
            entry["day"] = (at - timedelta(hours=5)).date()
        return entries


def begin(project: Path, library: Path, folder: Path, how: str) -> subprocess.Popen[bytes]:
    """Start a world; it says what went wrong in ``folder/said.log``."""
    (folder / "disk").mkdir(parents=True, exist_ok=True)
    moment = datetime(FIRST.year, FIRST.month, FIRST.day, 4, 0, tzinfo=MINSK)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOROD_", "DAGSTER_"))}
    with (folder / "said.log").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.operations.months.world", str(folder), how],
            cwd=project, stdout=said, stderr=said, start_new_session=True,
            env={**kept, **set_clock.environment(library, folder / "clock", moment), "PYTHONPATH": str(project)},
        )  # fmt: skip


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk that can be filled."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "gorod-tests", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("a small disk cannot be mounted here: " + done.stderr.decode().strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lived, Lived]]:
    """The undisturbed world and the disturbed one; both live at once."""
    folder = tmp_path_factory.mktemp("two-months")
    try:
        library = set_clock.build(folder)
    except FileNotFoundError as error:
        pytest.skip(f"a clock cannot be set here: {error}")
    (folder / "project").mkdir()
    project = checkout(folder / "project")
    calm, disturbed = Lived(folder / "calm"), Lived(folder / "disturbed")
    with small_disk(disturbed.folder / "disk"):
        running = [
            begin(project, library, calm.folder, "calm"),
            begin(project, library, disturbed.folder, str(SEED)),
        ]
        try:
            for process, world in zip(running, (calm, disturbed), strict=True):
                code = process.wait()
                assert code == 0, f"seed {SEED}: " + (world.folder / "said.log").read_text("utf-8")[-6000:]
        finally:
            for process in running:
                if process.poll() is None:
                    os.killpg(process.pid, 9)
                    process.wait()
        print(f"seed {SEED}:", *(f"{day}: {what}" for day, what in plan(SEED).items()), sep="\n  ")
        yield calm, disturbed


# A pulled snapshot says from which port it came, so its hash and the loads named by it differ from world to world.
PULLED = re.compile(r"(beltelecom_inventory\.resources\.[^\s,]+)\.[0-9a-f]{12}")
SHA256 = re.compile(r"[0-9a-f]{64}")


def without_port(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row, as if all inventories were served at one port."""
    if not any(isinstance(value, str) and PULLED.search(value) for value in row):
        return row
    return tuple(
        SHA256.sub("", PULLED.sub(r"\1", value)) if isinstance(value, str) else value for value in row
    )


# A run that was killed may have entered one load of several: a daemon that comes back builds that one, and the others a
# moment later. Readers of the disturbed world then saw a true state that those of the undisturbed one never saw.
HISTORY = "published.pub_indicator_value_history_v1"
MOMENTARY = "known_to - known_from < interval 12 hours"


def published(world: Lived) -> dict[str, Counter[tuple[Any, ...]]]:
    """All that readers see, without the moments at which it was made: rows, and how often, by table.

    Of the history without what was known for less than half a day.
    """
    path = world.home / "published" / "current" / "gorod.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute(
            "select table_name, list(column_name order by column_index)"
            "   filter (where data_type not like 'TIMESTAMP%')"
            " from duckdb_columns() where schema_name = 'published' and table_name like 'pub\\_%' escape '\\'"
            " group by 1 order by 1"
        ).fetchall()
        return {
            table: Counter(
                map(
                    without_port,
                    connection.execute(
                        f"select {', '.join(f'{name}::varchar' for name in columns)} from published.{table}"
                        + (f" where ({MOMENTARY}) is not true" if HISTORY.endswith(f".{table}") else "")
                    ).fetchall(),
                )
            )
            for table, columns in tables
        }


def test_readers_see_the_figures_of_an_undisturbed_world(worlds: tuple[Lived, Lived]) -> None:
    calm, disturbed = map(published, worlds)
    assert {"pub_indicator_value_v1", "pub_observation_v1", "pub_load_v1"} <= set(calm)
    assert set(calm) == set(disturbed)
    for table, rows in calm.items():
        missing, added = rows - disturbed[table], disturbed[table] - rows
        assert not missing and not added, (
            f"seed {SEED}: {table}: {missing.total()} rows are missing, as {list(missing)[:3]};"
            f" {added.total()} are added, as {list(added)[:3]}"
        )
    # something was there to be seen
    assert calm["pub_indicator_value_v1"].total() > 1_000
    assert calm["pub_load_v1"].total() >= 40


def test_what_was_known_for_a_moment_followed_a_disturbance(worlds: tuple[Lived, Lived]) -> None:
    for world, disturbed in zip(worlds, ({}, plan(SEED)), strict=True):
        path = world.home / "published" / "current" / "gorod.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute(
                f"select distinct cast(known_from + interval 3 hours as date) from {HISTORY} where {MOMENTARY}"
            ).fetchall()
        assert {day for (day,) in rows} <= {day + timedelta(1) for day in disturbed}, SEED


def test_the_ledger_knows_the_same_loads(worlds: tuple[Lived, Lived]) -> None:
    """Nothing is lost, nothing is twice; ``gorod warehouse check`` and ``reconcile`` have found nothing amiss."""
    found = []
    for world in worlds:
        with duckdb.connect(str(world.home / "warehouse.duckdb"), read_only=True) as connection:
            rows = connection.execute(
                "select load_id, state, rows_delivered, rows_accepted, rows_quarantined, sha256 from ops.load_state"
            ).fetchall()
            found.append(sorted(map(without_port, rows), key=str))
        assert not any((world.home / "work").glob("*"))
        assert not [path for path in (world.home / "landing").glob(".*/*") if path.is_file()]
        assert not [path for path in (world.home / "inbox").rglob("*") if path.is_file()]
        assert world.story("end")
    assert found[0] == found[1]
    assert sum(state == "rejected" for _, state, *_ in found[0]) == sum(map(bad, days()))


def test_nothing_leaks_before_an_embargo_ends_and_all_is_there_afterwards(
    worlds: tuple[Lived, Lived],
) -> None:
    before, on_the_day, after = EMBARGO_DAY - timedelta(1), EMBARGO_DAY, EMBARGO_DAY + timedelta(1)
    # July was never delivered, so there is no figure of it, nor of the quarter
    third_quarter = [f"appeals_per_1000 2026-{month}" for month in ("08", "09")]
    for world, seen_on in zip(worlds, (on_the_day, after), strict=True):
        seen = {date.fromisoformat(entry["day"]): entry["figures"] for entry in world.story("readers see")}
        assert set(seen) == {before, on_the_day, after}
        for day, figures in seen.items():
            assert figures == (third_quarter if day >= seen_on else []), (SEED, day)


def test_each_alert_is_told_once_by_each_channel(worlds: tuple[Lived, Lived]) -> None:
    disturbed = worlds[1]
    journal = disturbed.journal()
    raised = [entry for entry in journal if entry["event"] == "raised"]
    of_keys = Counter(entry["alert"] for entry in raised)
    (told,) = disturbed.story("told")
    for channel in ("mails", "hook"):
        assert Counter(key for message in told[channel] for key in message) == of_keys, (SEED, channel)
    # by day and kind
    found: dict[date, Counter[str]] = {}
    for entry in raised:
        found.setdefault(entry["day"], Counter())[entry["alert"].split("/")[0]] += 1
    planned = plan(SEED)
    for day in days():
        counts = found.get(day, Counter())
        expected = expected_of(day, planned.get(day))
        for kind in counts.keys() | expected.keys():
            least, most = expected.get(kind, (0, 0))
            assert least <= counts[kind] <= most, (SEED, f"{day}", str(planned.get(day)), kind, dict(counts))
    refused = [key for key in of_keys if key.startswith("load_refused/")]
    assert len(refused) == sum(map(bad, days())) and {of_keys[key] for key in refused} == {1}
    late = {key: count for key, count in of_keys.items() if key.startswith("feed_late/")}
    migration = {f"feed_late/belstat.migration/by/{part}": 1 for part in PARTS_OF_MIGRATION}
    assert late == {f"feed_late/appeals_115.requests/{SILENT}": 1, **migration}


def expected_of(day: date, disturbance: Disturbance | None) -> dict[str, tuple[int, int]]:
    """Which alerts a day has to raise, by kind: how often at least, at most."""
    expected = dict(disturbance.alerts) if disturbance else {}
    if bad(day):
        expected["load_refused"] = (bad(day), bad(day))
    # the newest tables of migration are of 2018-2019 on the first day; the silent city is late when September was due
    if day == FIRST:
        expected["feed_late"] = (len(PARTS_OF_MIGRATION),) * 2
    if day == SILENT_FROM:
        expected["feed_late"] = (1, 1)
    return expected


def test_each_alert_ends_when_what_it_told_of_is_over(worlds: tuple[Lived, Lived]) -> None:
    opened: dict[str, date] = {}
    lasted: list[tuple[str, date, date]] = []
    for entry in worlds[1].journal():
        if entry["event"] == "raised":
            opened[entry["alert"]] = entry["day"]
        elif entry["event"] == "cleared" and entry["alert"] in opened:
            lasted.append((entry["alert"], opened.pop(entry["alert"]), entry["day"]))
    # the daemon was stopped, and its sensors are on
    assert set(opened) <= {"scheduler_silent"}, SEED
    for key, since, until in lasted:
        kind = key.split("/")[0]
        if kind in ("run_failed", "build_stale"):
            assert until - since <= timedelta(1), (SEED, key, since, until)
        elif kind == "load_refused":
            # corrected on the day after, and that night may be lost
            assert until - since <= timedelta(2), (SEED, key, since, until)
        elif key.endswith(f"/{SILENT}"):
            assert (since, until) == (SILENT_FROM, SILENT_UNTIL)


def test_the_disk_stays_within_what_is_declared_to_be_kept(worlds: tuple[Lived, Lived]) -> None:
    """docs/operations.md, "What is kept": from its rules, and from how much was delivered and run."""
    world = worlds[1]
    home, settings = world.home, Settings(home=world.home)
    publications = [
        path for path in (home / "published").iterdir() if path.is_dir() and not path.is_symlink()
    ]
    assert 0 < len(publications) <= settings.keep_publications
    keep = timedelta(days=settings.keep_runs_days)
    ran = [datetime.fromisoformat(entry["at"]) for entry in world.story("gorod run")]
    # what is kept of runs: those of two weeks, wherever they lie, and the newest of each job and partition
    most = max(sum(since <= at < since + keep for at in ran) for since in ran)
    loads = sum(len(entry["loads"]) for entry in world.story("run"))
    allowed = (5.5 * most + 0.5 * loads) * MB
    assert size(home / "dagster") <= allowed, (SEED, size(home / "dagster") / MB, allowed / MB)
    assert size(home / "dbt") <= 6 * 10 * MB + 40 * MB
    end = datetime.combine(days()[-1], datetime.max.time(), MINSK)
    old = [
        log.name for log in (home / "logs").iterdir() if end.timestamp() - log.stat().st_mtime > 17 * 86400
    ]
    assert not old, SEED


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
