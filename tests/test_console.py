"""What the terminal is shown: nothing that a supplier wrote is obeyed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from rich.console import Console

from pipelines import console
from pipelines.commands.answering import escaped
from pipelines.loading.results import plain
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


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setattr(console, "out", Console(width=80, force_terminal=True, color_system=None))


@pytest.mark.usefixtures("narrow")
def test_what_is_too_wide_is_shown_record_by_record(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"column_{number}" for number in range(24)]
    console.table("", names, [[f"value-{row}-{name}" for name in names] for row in (1, 2)])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("1 / 2 ─")
    assert lines[1] == "column_0   value-1-column_0"
    assert lines[24] == "column_23  value-1-column_23"
    assert lines[25].startswith("2 / 2 ─")


@pytest.mark.parametrize(("longest", "is_table"), [(17, True), (18, False)])
@pytest.mark.usefixtures("narrow")
def test_no_word_of_a_table_is_broken(
    longest: int, is_table: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four columns of 19, 20, 17 or 18, and 13 signs with what parts them: 80 are enough, 81 are not."""
    row = ("a" * 19, "два слова " + "б" * 20, "c" * longest, "d" * 13)
    console.table("", ("one", "two", "three", "four"), [row])
    shown = capsys.readouterr().out
    assert all(word in shown for cell in row for word in cell.split())
    assert ("1 / 1" not in shown) == is_table
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_numbers_keep_their_digits_and_lose_empty_ones() -> None:
    given = (1912183.0, 0.1, Decimal("29720.000000"), Decimal("0.00"), Decimal("0.048762"), Decimal("1E+3"))
    assert [console.text(value) for value in given] == ["1912183", "0.1", "29720", "0", "0.048762", "1000"]


def test_what_is_seen_stays_and_half_characters_are_spelled() -> None:
    seen = "Гродна\u00a0– 7\u202f%, ёж, 🏙, a\u0301"
    assert printable(seen) == plain(seen, 100) == seen
    assert printable("a\udcffb\u202ec\n", keep="\n") == "a\\udcffb\\u202ec\n"
