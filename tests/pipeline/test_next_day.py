"""The day after the demo, as `make demo-next` goes through it: a revision with the value before, and a refusal."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.declarations.sources import SOURCES
from pipelines.exit_codes import ExitCode
from pipelines.settings import PROJECT
from tests.conftest import run_on_samples as gorod
from tests.pipeline.conftest import environment_of
from tests.support import crash, forked

SAMPLE = SOURCES / "appeals_115" / "sample" / "requests"


def next_day(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox.next_day"],
        cwd=PROJECT, env=environment_of(home, GOROD_INBOX_QUIET_S="0", **environment), capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "told"),
    [({"GOROD_ORIGIN": "mirror"}, "nothing was dropped"), ({"GOROD_ORIGIN": "sample"}, "make demo")],
)
def test_nothing_is_dropped_beside_real_data_or_before_the_demo(
    environment: dict[str, str], told: str, tmp_path: Path
) -> None:
    done = next_day(tmp_path, **environment)
    assert done.returncode == 1
    assert told in done.stderr
    assert not (tmp_path / "inbox").exists()


@pytest.mark.slow
def test_the_next_day_corrects_one_city_and_has_another_refused(samples: Path, tmp_path: Path) -> None:
    """What is dropped, and what the gate decides of it; what is built of it is seen in the long form."""
    home = tmp_path / "home"
    shutil.copytree(samples, home, symlinks=True)
    assert next_day(home, GOROD_ORIGIN="sample").returncode == 0
    environment = environment_of(home, GOROD_ORIGIN="sample", GOROD_INBOX_QUIET_S="0")
    process = forked.start(tmp_path / "said.txt", environment, crash.main, False, None)
    process.join()
    assert process.exitcode == 0, (tmp_path / "said.txt").read_text(encoding="utf-8")[-3000:]
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        decided = warehouse.execute(
            "select instance, state from ops.load_state where source = 'appeals_115' and slice = '2026-10'"
            " and instance in ('brest', 'homiel') order by load_no desc limit 2"
        ).fetchall()
    assert sorted(decided) == [("brest", "accepted"), ("homiel", "rejected")]


@pytest.mark.long
def test_the_next_day_of_the_demo(samples: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(samples, home, symlinks=True)
    assert next_day(home, GOROD_ORIGIN="sample").returncode == 0
    dropped = home / "inbox" / "appeals_115" / "requests" / "brest" / "opendata-115-2026-10-01.csv"
    with dropped.open(encoding="utf-8", newline="") as stream:
        corrected = len(list(csv.DictReader(stream)))
    with (SAMPLE / "brest" / dropped.name).open(encoding="utf-8", newline="") as stream:
        first = len(list(csv.DictReader(stream)))
    done = gorod(home, "run", GOROD_ORIGIN="sample", GOROD_INBOX_QUIET_S="0")
    assert done.returncode == ExitCode.LOADS_REFUSED, done.stdout + done.stderr
    answer = gorod(home, "explain", "requests.homiel.2026-10")
    assert "Загрузка не принята." in answer.stdout
    assert "не переставлены ли широта и долгота" in answer.stdout

    with duckdb.connect(str(home / "published" / "current" / "gorod.duckdb"), read_only=True) as published:
        ((value, before, revised, people),) = published.execute(
            "select obs_value, value_before, is_revised, denominator from published.pub_indicator_value_v1 "
            "where indicator = 'appeals_per_1000' and ref_area = 'c-brest' and time_period = '2026-10' "
            "and breakdown = '_T'"
        ).fetchall()
        assert revised
        assert abs(value - Decimal(1000 * corrected) / people) < Decimal("0.000001")
        assert abs(before - Decimal(1000 * first) / people) < Decimal("0.000001")
        # what was refused changes nothing
        ((homiel,),) = published.execute(
            "select count(*) from published.pub_indicator_value_v1 where ref_area = 'c-homiel' and is_revised"
        ).fetchall()
        assert homiel == 0
        invented = published.execute(
            "select distinct synthetic from published.pub_indicator_value_v1 where obs_value is not null"
        ).fetchall()
        assert invented == [(True,)]
