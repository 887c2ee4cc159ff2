"""What the terminal is shown: nothing that a supplier wrote is obeyed."""

from __future__ import annotations

import json

import pytest

from pipelines import console
from pipelines.commands.answering import escaped
from pipelines.loading.gate import plain
from pipelines.signs import printable

CLEAR, TITLE, CSI, TURN = "\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "‮"


@pytest.mark.parametrize(
    "control", [CLEAR, TITLE, CSI, TURN, "\x7f", "\x00", "\r", "\u200b", "\u2028", "\U000e0041"]
)
def test_controls_of_a_value_are_spelled_out(control: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.table("", ("value",), [(f"a{control}b",)])
    console.as_json({"value": f"a{control}b"})
    shown = capsys.readouterr().out
    assert printable(shown, keep="\n") == shown
    assert shown.startswith("value\na\\")
    assert json.loads(shown[shown.index("{") :])["value"] == f"a{control}b"
    assert printable(told := escaped(f"error: {control}"), keep="\n\t") == told
    assert control not in told


def test_a_line_of_a_piped_table_is_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("", ("one", "two"), [("a\tb\nc", "д")])
    assert capsys.readouterr().out.splitlines() == ["one\ttwo", "a\\tb\\nc\tд"]


def test_what_is_seen_stays_and_half_characters_are_spelled() -> None:
    seen = "Гродна\u00a0– 7\u202f%, ёж, 🏙, a\u0301"
    assert printable(seen) == plain(seen, 100) == seen
    assert printable("a\udcffb\u202ec\n", keep="\n") == "a\\udcffb\\u202ec\n"
