"""What the terminal is shown: nothing that a supplier wrote is obeyed."""

from __future__ import annotations

import json

import pytest

from pipelines import console
from pipelines.commands.answering import escaped

CLEAR, TITLE, CSI, TURN = "\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "‮"


@pytest.mark.parametrize("control", [CLEAR, TITLE, CSI, TURN, "\x7f", "\x00", "\r"])
def test_controls_of_a_value_are_spelled_out(control: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.table("", ("value",), [(f"a{control}b",)])
    console.as_json({"value": f"a{control}b"})
    shown = capsys.readouterr().out
    assert not console.CONTROLS.search(shown.replace("\n", ""))
    assert shown.startswith("value\na\\")
    assert json.loads(shown[shown.index("{") :])["value"] == f"a{control}b"
    assert not console.CONTROLS.search(escaped(f"error: {control}"))


def test_a_line_of_a_piped_table_is_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("", ("one", "two"), [("a\tb\nc", "д")])
    assert capsys.readouterr().out.splitlines() == ["one\ttwo", "a\\tb\\nc\tд"]
