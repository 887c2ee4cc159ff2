"""Of several things that are amiss, the exit code tells the gravest; the table in the documents is the one in the code."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.exit_codes import GRAVEST_FIRST, ExitCode, gravest
from pipelines.loading.lateness import Late
from pipelines.operations.status import FeedStatus, Status
from pipelines.orchestration.run import RunSummary
from pipelines.settings import PROJECT

REFUSED = {"state": "rejected", "load_id": "l"}


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (RunSummary(), 0),
        (RunSummary(held_back=["h"]), 7),
        (RunSummary(held_back=["h"], failures=["f"]), 3),
        (RunSummary(failures=["f"], loads=[REFUSED]), 6),
        (RunSummary(failures=["f"], loads=[REFUSED], unbuilt="u"), 8),
        (RunSummary(failures=["f"], loads=[REFUSED], failed_build="b"), 1),
    ],
)
def test_the_gravest_of_a_run_wins(summary: RunSummary, code: int) -> None:
    assert summary.exit_code == code


def status(**given: object) -> Status:
    late = [Late("brest", 3)] if given.pop("late", False) else []
    feed = FeedStatus("s", "f", 1, 0, 0, 0, 1, 0, "2026-01", 2, late)
    about = {
        "refused": [], "stale": False, "unpublished": False, "failed_build": None, "publication": None,
        "inbox_faults": [], "inbox_waiting": [], **given,
    }  # fmt: skip
    return Status(feeds=[feed], loads=[], **about)  # type: ignore[arg-type]


def test_the_gravest_of_a_status_wins() -> None:
    assert status().exit_code == 0
    assert status(stale=True).exit_code == 0  # the next run builds
    assert status(late=True).exit_code == 9
    assert status(late=True, inbox_faults=["f"]).exit_code == 3
    assert status(late=True, inbox_faults=["f"], refused=["l"]).exit_code == 6


def test_every_code_has_its_place() -> None:
    assert sorted(GRAVEST_FIRST) == sorted(ExitCode)
    assert gravest([]) == ExitCode.DONE


def test_the_documents_tell_every_code_and_no_other() -> None:
    for name in ("docs/operations.md",):
        text = (PROJECT / name).read_text(encoding="utf-8")
        table = dict(re.findall(r"^\| (\d+) \| ([^|]+?)(?:;[^|]*)? \|", text, flags=re.MULTILINE))
        assert {int(code) for code in table} == {code.value for code in ExitCode}
        for code in ExitCode:
            assert table[str(code.value)] == code.says
        order = re.search(r"most serious first: ([\d, ]+)", text)
        assert order is not None
        assert [int(code) for code in order[1].split(",")] == [code.value for code in GRAVEST_FIRST]
    helped = " ".join(CliRunner().invoke(app, ["--help"]).stdout.replace("│", " ").split())
    for code in ExitCode:
        assert f"{code.value} {code.says}" in helped
