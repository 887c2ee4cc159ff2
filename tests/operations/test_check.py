"""``gorod check`` says of each fault in what is declared in which file, line and key it is, and runs nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.errors import GorodError
from pipelines.operations.check import _lines
from tests.support.copied import copy_of_the_repository, gorod
from tests.support.examples import shortened

SOURCES = "assets/sources"
# file: text, what stands in its place, what is said
FAULTS: dict[str, tuple[str, str, str, str]] = {
    "an unknown column in a filter": (
        f"{SOURCES}/appeals_115/measures.yml", "filter: rating is not null\n    expr: 1", "filter: ratings > 0\n    expr: 1",
        r"measures\.appeals_rated\.filter: stg_appeals_115__requests has no column 'ratings'; did you mean 'rating'",
    ),
    "a suite": (
        "expectations/city_parking/occupancy.py", "SUITE = [", "SUITE = [nothing,",
        r"the suite of city_parking\.occupancy cannot be imported: NameError",
    ),
    "an unknown key": (
        f"{SOURCES}/appeals_115/source.yml", "\nowner:", "\nowners:", r"owners: there is no such key; did you mean 'owner'",
    ),
    "a term of an unknown measure": (
        "assets/indicators/population.yml", "measure: population", "measure: populations",
        r"methods\.0\.numerator\.terms\.0\.measure: measure 'populations' is not declared; did you mean 'population'",
    ),
    "an indicator of a report": (
        "assets/reports/country_digest.yml", "indicator: appeals_rated_pct", "indicator: appeals_rate_pct",
        r"indicators\.2\.indicator: 'appeals_rate_pct' is not declared; did you mean 'appeals_rated_pct'",
    ),
    "a feed that counts nowhere": (
        f"{SOURCES}/territory_register/source.yml", "    provides: outlines\n", "",
        r"feeds\.boundaries: is loaded, but no measure uses its rows",
    ),
}  # fmt: skip


# where the key stands, if not where the text was changed
STANDS = {"a feed that counts nowhere": "  boundaries:\n"}


def spoil(project: Path, file: str, old: str, new: str, stands: str | None = None) -> int:
    """Put a text in the place of another; the line of that, or of what ``stands`` somewhere else."""
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(stands or old)].count("\n") + 1


@pytest.mark.slow
@pytest.mark.parametrize("name", shortened(2, FAULTS))
def test_a_fault_is_named_with_file_line_and_key(name: str, tmp_path: Path) -> None:
    project = copy_of_the_repository(tmp_path / "copy")
    file, old, new, message = FAULTS[name]
    line = spoil(project, file, old, new, STANDS.get(name))
    done = gorod(project, tmp_path / "home", "check")
    assert done.returncode == 2, done.stdout + done.stderr
    (found,) = [said for said in done.stdout.splitlines() if re.search(message, said)]
    place = re.match(rf"{re.escape(file)}:(\d+): ", found)
    assert place is not None, found
    assert abs(int(place[1]) - line) <= 3
    # what to do stands behind what is wrong
    assert re.search(r"; [A-Z].+$", found), found
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()


@pytest.mark.slow
def test_faults_of_several_files_are_named_at_once(tmp_path: Path) -> None:
    project = copy_of_the_repository(tmp_path / "copy")
    for name in ("an indicator of a report", "a suite"):
        spoil(project, *FAULTS[name][:3])
    done = gorod(project, tmp_path / "home", "check")
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 3, done.stdout
    assert done.stdout.splitlines()[-1] == "2 problems"


def test_what_dbt_says_is_placed_in_its_file() -> None:
    said = "the dbt project does not parse: Compilation Error in model a (models/marts/a.sql)\n  unknown tag\n    line 7"
    (line,) = _lines(GorodError(said, "Repair it."))
    assert line.startswith("dbt/models/marts/a.sql:7: dbt: ")
    assert line.endswith("; Repair it.")
