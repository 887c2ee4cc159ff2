"""The example of docs/indices.md gives what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.indices.reasons import Reason
from pipelines.indices.tables import COLUMNS
from pipelines.settings import PROJECT

PAGE = (PROJECT / "docs" / "indices.md").read_text(encoding="utf-8")


def test_the_worked_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOROD_HOME", str(tmp_path / "home"))
    for kind, name in (("yaml", "hdi.yml"), ("csv", "hdi.csv")):
        block = re.search(rf"`{name}`:\n```{kind}\n(.*?)```", PAGE, flags=re.DOTALL)
        assert block is not None
        (tmp_path / name).write_text(block[1], encoding="utf-8")
    done = CliRunner().invoke(
        app, ["index", "evaluate", str(tmp_path / "hdi.yml"), str(tmp_path / "hdi.csv"), "--json"]
    )
    assert done.exit_code == 0, done.output
    shown = {row["unit"]: row["score_shown"] for row in json.loads(done.stdout)["ranking"]}
    assert shown == {"Norway": 0.944, "Australia": 0.935, "Denmark": 0.923, "Singapore": 0.911}


def test_every_column_and_every_reason_is_explained() -> None:
    assert {f"`{name}`" for name in COLUMNS} <= set(re.findall(r"`\w+`", PAGE))
    told = {reason.text for reason in Reason if reason.text}
    assert {f"`{reason}`" for reason in told} <= set(re.findall(r"`\w+`", PAGE))
