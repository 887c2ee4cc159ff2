"""The commands: what they answer, in which words, and with which exit code."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.deliveries import Candidate, Slice
from pipelines.loading.candidates import load_candidate
from pipelines.loading.landing import land
from pipelines.settings import PROJECT
from tests.pipeline.conftest import environment_of, gorod
from tests.support import crash, forked
from tests.support.portal import ADDRESS, HEADER, PERSON, Portal

TODAY = (datetime.now(UTC) + timedelta(hours=3)).date()


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def answer_of(*arguments: str, code: int = 0) -> Any:
    done = call(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def refused(portal: Portal) -> str:
    """A sound load, and one of which half the rows have an unknown state."""
    portal.take("2024-01", portal.rows("2024-01", 5))
    rows = [portal.row(number, "2024-02", status="9" if number % 2 else "5") for number in range(1, 21)]
    return portal.take("2024-02", rows).load_id


def test_help_tells_the_whole_story() -> None:
    done = call("--help")
    assert done.exit_code == 0
    for word in ("run", "status", "explain", "waive", "replay", "trace", "sql", "Exit codes"):
        assert word in done.stdout


def test_status_counts_loads_by_state(refused: str) -> None:
    feeds = answer_of("status", code=6)["feeds"]
    (feed,) = [one for one in feeds if (one["source"], one["feed"]) == ("appeals_115", "requests")]
    assert (feed["accepted"], feed["rejected"], feed["rows"]) == (1, 1, 5)
    shown = call("status", "--loads")
    assert shown.exit_code == 6
    assert f"gorod explain {refused}" in shown.stdout
    assert "behind the ledger" in shown.stdout


def test_explain_tells_row_column_value_rule_and_remedy(refused: str, tmp_path: Path) -> None:
    given = answer_of("explain", "2024-02")
    assert given["load"]["load_id"] == refused
    assert given["decision"] == "Загрузка не принята."
    assert {(row["row"], row["column"], row["value"]) for row in given["rows"]} == {
        (number, "status", "9") for number in range(1, 21, 2)
    }
    assert all(row["rule"] and row["remedy"] for row in given["rows"])
    book = tmp_path / "answer.xlsx"
    done = call("explain", refused, "--xlsx", str(book))
    assert done.exit_code == 0
    assert "status" in done.stdout
    assert "Обращения о проблемах города и жилья, г. Минск, 2024-02\nЗагрузка не принята.\n" in done.stdout
    assert "\nотклонена\t" in done.stdout
    english = call("explain", refused, "--lang", "en").stdout
    assert "of housing, Minsk, 2024-02\nThe load is refused.\n" in english and "\nrejected\t" in english
    assert "column values must be in set (column: status, value_set: " in english
    assert "«what to do» is in Russian" in english.replace("\n", " ")
    lines = CalamineWorkbook.from_path(str(book)).get_sheet_by_name("Строки").to_python()
    assert lines[0][:4] == ["Строка", "Столбец", "Дано", "Правило"]
    assert [(line[0], line[1], line[2]) for line in lines[1:]] == [
        (number, "status", "9") for number in range(1, 21, 2)
    ]
    for secret in (PERSON, ADDRESS):
        assert secret not in done.stdout
        assert secret not in str(CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python())


def test_a_load_that_is_not_there_is_told(refused: str) -> None:
    for arguments in (("explain", "nothing-like-it"), ("replay", "nothing-like-it")):
        done = call(*arguments)
        assert done.exit_code == 1
        assert "no load 'nothing-like-it'" in done.stderr
        assert "gorod status --loads" in done.stderr
        assert "Traceback" not in done.stderr
    assert "2 loads fit 'appeals'" in call("replay", "appeals", "--why", "w").stderr
    assert refused


def test_explain_takes_the_newest_of_several(refused: str, portal: Portal) -> None:
    (older,) = [load for load in portal.states() if load != refused]
    given = answer_of("explain", "appeals")
    assert (given["load"]["load_id"], given["also"]) == (refused, [older])
    assert older in call("explain", "appeals").stdout.replace("\n", "")
    assert call("replay", refused, "--why", "проверка").exit_code == 6
    assert answer_of("explain", "2024-02")["load"]["load_id"] == f"{refused}~2"
    exact = answer_of("explain", refused)
    assert (exact["load"]["load_id"], exact["also"]) == (refused, [])


def test_waive_lets_in_and_replay_judges_again(refused: str, portal: Portal) -> None:
    arguments = ("--by", "Петров", "--why", "обещали исправить")
    past = call("waive", refused, *arguments, "--until", "2020-01-01")
    assert past.exit_code == 1
    assert "past" in past.stderr
    done = call("waive", refused, *arguments, "--until", f"{TODAY}", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "load_id": refused, "by": "Петров", "why": "обещали исправить", "until": f"{TODAY}", "replaces": [],
    }  # fmt: skip
    assert portal.states()[refused] == "waived"
    events = answer_of("explain", refused)["events"]
    assert (events[-1]["by_whom"], events[-1]["why"], events[-1]["until"]) == (
        "Петров",
        "обещали исправить",
        f"{TODAY}",
    )
    again = call("replay", refused, "--why", "проверка", "--json")
    assert again.exit_code == 6
    assert (json.loads(again.stdout)["load_id"], json.loads(again.stdout)["state"]) == (
        f"{refused}~2",
        "rejected",
    )
    assert portal.states()[f"{refused}~2"] == "rejected"


def test_waive_asks_for_who_why_and_until(refused: str) -> None:
    for missing in ("--by", "--why", "--until"):
        options = {"--by": "Петров", "--why": "w", "--until": f"{TODAY}"}
        del options[missing]
        done = call("waive", refused, *(part for option in options.items() for part in option))
        assert done.exit_code == 2
        assert missing in done.output


WAIVER = ("--by", "Петров", "--why", "обещали исправить", "--until", f"{TODAY}")


def half_refused(portal: Portal, sound: int) -> str:
    """A refused load of 20 rows, 10 of them sound, after an accepted one of the same month."""
    portal.take("2024-02", portal.rows("2024-02", sound))
    rows = [portal.row(number, "2024-02", status="9" if number % 2 else "5") for number in range(1, 21)]
    return portal.take("2024-02", rows).load_id


def test_a_waiver_that_would_lose_rows_is_not_made_unasked(portal: Portal) -> None:
    load = half_refused(portal, 11)
    done = call("waive", load, *WAIVER)
    assert done.exit_code == 1
    assert "would bring 10 rows in and replace 11 accepted ones" in done.stderr
    assert "--anyway" in done.stderr
    assert portal.states()[load] == "rejected"
    assert call("waive", load, *WAIVER, "--anyway").exit_code == 0
    assert sorted(portal.states().values()) == ["superseded", "waived"]


def test_what_would_count_twice_is_waived_by_nobody(portal: Portal) -> None:
    """Thirds of a month: two are accepted, what comes then cuts through both."""
    ids = []
    for first, last in ((1, 10), (11, 20), (5, 15)):
        sound = {"opened": f"2024-02-{first:02} 2024", "planned": "2024-02-28"}
        rows = [portal.row(10 * first + number, "2024-02", **sound) for number in range(3)]
        text = "\n".join([HEADER, *rows]) + "\n"
        candidate = Candidate(
            source="appeals_115", feed="requests", instance="minsk", origin="test", fingerprint=None, synthetic=True,
            slice=Slice("", date(2024, 2, first), date(2024, 2, last)),
            fetch=lambda folder, text=text: (folder / "days.csv").write_text(text, encoding="utf-8") and None,
        )  # fmt: skip
        ids.append(load_candidate(candidate, portal.settings, portal.warehouse).load_id)
    done = call("waive", ids[-1], *WAIVER, "--anyway")
    assert done.exit_code == 1
    assert "does not cover" in done.stderr
    assert "2024-02-01..2024-02-10" in done.stderr
    assert "Traceback" not in done.output
    assert list(portal.states().values()) == ["accepted", "accepted", "rejected"]
    assert call("warehouse", "check").exit_code == 0


def test_an_old_delivery_takes_the_place_of_a_newer_one_if_it_is_said(portal: Portal) -> None:
    old = portal.take("2024-02", portal.rows("2024-02", 3)).load_id
    portal.take("2024-02", portal.rows("2024-02", 4))
    done = call("replay", old)
    assert done.exit_code == 1
    assert "--anyway" in done.stderr
    assert call("replay", old, "--anyway").exit_code == 0
    assert portal.states()[f"{old}~2"] == "accepted"


def test_what_is_not_as_it_came_is_told_with_its_path(portal: Portal) -> None:
    load = portal.take("2024-02", portal.rows("2024-02", 3)).load_id
    (file,) = portal.settings.landing.glob("appeals_115/**/*.csv")
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"6.30", b"6.31", 1))
    assert call("warehouse", "check").exit_code == 0  # the rows are those that came
    for arguments in (("warehouse", "check", "--landing"), ("warehouse", "reconcile"), ("replay", load)):
        done = call(*arguments)
        assert done.exit_code == 5, arguments
        assert str(file) in done.output.replace("\n", "")
        assert "6.31" not in done.output
    assert list(portal.states().values()) == ["accepted"]


def test_a_waiver_that_loses_no_row_is_made_and_tells_what_it_replaces(portal: Portal) -> None:
    load = half_refused(portal, 10)
    done = call("waive", load, *WAIVER)
    assert done.exit_code == 0, done.output
    assert "which has 10 rows" in done.stderr
    assert portal.states()[load] == "waived"


def test_a_person_at_a_terminal_is_asked(portal: Portal) -> None:
    load = half_refused(portal, 11)
    for word, state, code in (("n", "rejected", 1), ("y", "waived", 0)):
        terminal, inside = pty.openpty()
        os.write(terminal, f"{word}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "waive", load, *WAIVER],
            cwd=PROJECT, env=environment_of(portal.settings.home), stdin=inside, capture_output=True, text=True,
            check=False, timeout=100,
        )  # fmt: skip
        os.close(terminal)
        os.close(inside)
        assert done.returncode == code, done.stderr
        assert "replace 11 accepted ones" in done.stderr
        assert portal.states()[load] == state


def test_reading_before_anything_is_published(portal: Portal) -> None:
    done = call("sql", "select 1")
    assert done.exit_code == 1
    assert "nothing is published yet" in done.stderr
    assert "gorod run" in done.stderr
    assert portal.states() == {}


@pytest.mark.parametrize(
    "arguments", [("--source", "nowhere"), ("--feed", "nothing"), ("--instance", "atlantis")]
)
def test_a_run_of_what_is_not_declared(arguments: tuple[str, str], portal: Portal) -> None:
    done = call("run", *arguments)
    assert done.exit_code == 1
    assert arguments[1] in done.stderr
    assert portal.states() == {}


@pytest.mark.parametrize("what", ["missing", "file"])
def test_an_origin_that_cannot_be_read_stops_only_itself(
    what: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.loading.plan import Wanted, make_plan

    # public origins are not asked, and nobody waits before trying them again
    for scheme in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    portal.put("2024-01", portal.rows("2024-01", 3))
    if what == "file":
        (portal.folder.parent / "territories").write_text("not a folder", encoding="utf-8")
    plan = make_plan(Wanted(), portal.settings, portal.warehouse)
    assert ("appeals_115", "requests") in plan.candidates
    assert ("territory_register", "population") in plan.failures
    assert "territories" in str(plan.failures["territory_register", "population"])


@pytest.mark.usefixtures("portal")
def test_a_run_with_an_unreadable_origin_leaves_with_3() -> None:
    done = call("run", "--source", "territory_register")
    assert done.exit_code == 3
    assert "cannot be read" in done.stderr
    assert "territories" in done.stderr


@pytest.mark.slow
def test_sql_reads_and_cannot_write_or_reach_files(country: Portal, tmp_path: Path) -> None:
    rows = answer_of(
        "sql", "select obs_value from pub_indicator_value_v1 where indicator = 'population' limit 3"
    )
    assert len(rows) == 3
    lines = call("sql", "select 1 as one, 'а,б' as two", "--csv").stdout.splitlines()
    assert lines == ["one,two", '1,"а,б"']
    secret = tmp_path / "secret.txt"
    secret.write_text("тайна", encoding="utf-8")
    for query in (
        "delete from pub_indicator_value_v1",
        "drop table pub_indicator_value_v1",
        "create table published.mine as select 1",
        f"select * from read_text('{secret}')",
        f"select * from '{country.settings.warehouse}'",
        f"attach '{country.settings.warehouse}' as w",
        f"copy (select 1) to '{tmp_path / 'out.csv'}'",
        "set enable_external_access = true",
        "install httpfs",
        "selec 1",
    ):
        done = call("sql", query)
        assert done.exit_code == 1, query
        assert "тайна" not in done.output
        assert "Traceback" not in done.output
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("country")
def test_trace_ends_at_rows_of_the_delivered_file() -> None:
    given = answer_of("trace", "appeals_per_1000", "c-minsk", "2024-02")
    text = json.dumps(given, ensure_ascii=False)
    assert "opendata-115-2024-02-01.csv" in text
    shown = call("trace", "appeals_per_1000", "c-minsk", "2024-02")
    assert shown.exit_code == 0
    assert "opendata-115-2024-02-01.csv" in shown.stdout
    head = "Обращения на 1 000 жителей (appeals_per_1000), Минск (c-minsk), 2024-02: "
    assert shown.stdout.startswith(head) and "на 1 000 жителей\n" in shown.stdout
    assert "Обращения зарегистрированные (appeals_registered), Минск (c-minsk), 2024-02: 30" in shown.stdout
    english = call("trace", "appeals_per_1000", "c-minsk", "2024-02", "--lang", "en").stdout
    assert english.startswith("Requests per 1,000 inhabitants (appeals_per_1000), Minsk (c-minsk), 2024-02: ")
    assert not re.search("[а-яё]", english)
    part = call("trace", "appeals_per_1000", "c-minsk", "2024-02", "--breakdown", "G6").stdout
    assert "2024-02, группа 6 классификатора (G6): " in part.splitlines()[0]
    for arguments in (
        ("no_indicator", "BY", "2024"),
        ("population", "atlantis", "2024"),
        ("population", "BY", "1812"),
    ):
        done = call("trace", *arguments)
        assert done.exit_code == 1
        assert "Traceback" not in done.output
        assert done.stderr.startswith("error:")


@pytest.mark.slow
def test_a_second_run_says_that_nothing_is_new(country: Portal) -> None:
    before = country.states()
    done = gorod(country.settings.home, "run", "--source", "appeals_115")
    assert done.returncode == 0
    assert "Nothing new" in done.stdout
    told = json.loads(gorod(country.settings.home, "run", "--source", "appeals_115", "--json").stdout)
    assert told["nothing_new"] is True
    assert told["loads"] == []
    assert country.states() == before


@pytest.mark.slow
def test_what_landed_is_loaded_though_its_origin_offers_it_no_more(country: Portal) -> None:
    path = country.put("2024-05", country.rows("2024-05", 7))
    (candidate,) = country.candidates()
    land(candidate, country.settings)  # and the run is killed, or the ledger restored to an earlier moment
    path.unlink()
    said = country.settings.home / "said.txt"
    # a run that ends when everything is loaded
    process = forked.start(said, environment_of(country.settings.home), crash.main, False, None)
    process.join()
    assert process.exitcode == 0, said.read_text(encoding="utf-8")[-3000:]
    loads = country.warehouse.query(
        "select state, rows_accepted from ops.load_state where source = 'appeals_115' and slice = '2024-05'"
    )
    assert loads == [{"state": "accepted", "rows_accepted": 7}]
