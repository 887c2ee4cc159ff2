"""What ``gorod new`` writes passes the check, loads and builds as it is, and edits nothing that was there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.declarations.common import Names
from pipelines.exit_codes import ExitCode
from pipelines.operations.skeletons import indicator_files, report_files, source_files, write_new
from pipelines.settings import PROJECT
from tests.declarations.test_texts import flaws
from tests.support.copied import copy_of_the_repository, files_of, gorod


@pytest.mark.slow
@pytest.mark.parametrize("published", [False, pytest.param(True, marks=pytest.mark.long)])
def test_what_is_new_passes_the_check_and_the_gate_and_is_published(published: bool, tmp_path: Path) -> None:
    """The short form ends with the check: it reads the sample's suite, the measures, and has dbt parse the models."""
    project, home = copy_of_the_repository(tmp_path / "copy"), tmp_path / "home"
    # the other samples are not needed for a first figure
    for sample in (project / "assets" / "sources").glob("*/sample"):
        if sample.parent.name != "territory_register":
            shutil.rmtree(sample)
    before = files_of(project)
    for arguments in (
        ("source", "snow_cleared"),
        ("indicator", "snow_cleared_units", "--measure", "snow_cleared_amount"),
        ("report", "snow_digest"),
    ):
        done = gorod(project, home, "new", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    after = files_of(project)
    assert {name: after[name] for name in before} == before
    added = sorted(set(after) - set(before))
    assert [name for name in added if "/sample/" not in name] == [
        "assets/indicators/snow_cleared_units.yml",
        "assets/reports/snow_digest.yml",
        "assets/sources/snow_cleared/measures.yml",
        "assets/sources/snow_cleared/source.yml",
        "expectations/snow_cleared/readings.py",
    ]
    for tool in (["check"], ["format", "--check"]):
        suite = project / "expectations" / "snow_cleared"
        configured = ["--config", str(PROJECT / "pyproject.toml")]
        subprocess.run([sys.executable, "-m", "ruff", *tool, *configured, str(suite)], check=True)
    checked = gorod(project, home, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    if not published:
        return
    done = gorod(project, home, "run", "--json")
    # the samples of all other sources are gone: they are told, and the two that are there are built once
    assert done.returncode == ExitCode.ORIGIN, done.stdout + done.stderr
    told = json.loads(done.stdout)
    loads = {(load["source"], load["state"]) for load in told["loads"]}
    assert loads == {("territory_register", "accepted"), ("snow_cleared", "accepted")}
    assert told["built"]
    with duckdb.connect(str(home / "published" / "current" / "gorod.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select ref_area, obs_value, synthetic from published.pub_indicator_value_v1 "
            "where indicator = 'snow_cleared_units' and time_period = '2026-10' and obs_value is not null order by 1"
        ).fetchall()
    # the sample: 12,5 + 13 and 7 + 6,5
    assert [(area, float(value), invented) for area, value, invented in found] == [
        ("c-barysau", 13.5, True),
        ("c-brest", 25.5, True),
    ]


def test_its_texts_are_sound_in_three_languages() -> None:
    written = {
        **source_files("snow_cleared"),
        **indicator_files("snow_pct", None),
        **report_files("snow_digest"),
    }
    declared = [yaml.safe_load(text) for path, text in written.items() if path.suffix == ".yml"]
    assert len(declared) == 4
    found = [names for content in declared for names in _names(content)]
    assert len(found) > 10
    assert [flaws(names) for names in found] == [[]] * len(found)


def _names(content: Any) -> Iterator[Names]:
    if isinstance(content, dict) and {"ru", "be", "en"} <= set(content):
        yield Names(**{language: content[language] for language in ("ru", "be", "en")})
    elif isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            yield from _names(part)


def test_nothing_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.errors import GorodError
    from pipelines.operations import skeletons

    monkeypatch.setattr(skeletons, "PROJECT", tmp_path)
    there, other = tmp_path / "there.yml", tmp_path / "other.yml"
    there.write_text("mine")
    with pytest.raises(GorodError, match=r"there\.yml already exists"):
        write_new({other: "o", there: "t"})
    assert there.read_text() == "mine"
    assert not other.exists()


@pytest.mark.parametrize("name", ["Snow", "2snow", "snow-cleared", "snow__cleared", "../snow", ""])
def test_a_name_is_a_code(name: str, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from pipelines.cli import app

    before = files_of(PROJECT)
    done = CliRunner().invoke(app, ["new", "source", name], env={"GOROD_HOME": str(tmp_path)})
    assert done.exit_code == 1
    assert files_of(PROJECT) == before
