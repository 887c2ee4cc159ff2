"""Bad deliveries end in the ledger with a clear answer, and the others of the same run are loaded."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.errors import OriginError
from pipelines.loading.answer import Answer, answer
from pipelines.loading.candidates import load_candidate
from pipelines.loading.decisions import replay
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import get_settings
from tests.support.portal import ADDRESS, HEADER, PERSON, Portal, use_home

MONTHS = [f"{year}-{month:02}" for year in range(2019, 2023) for month in range(1, 13)]
SOUND = ["2024-01", "2024-02"]


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def _file(month: str, rows: int = 60) -> str:
    return "\n".join([HEADER, *Portal.rows(month, rows)]) + "\n"


def _spoilt(month: str, spoil: dict[int, dict[str, str]], rows: int = 60) -> str:
    given = [Portal.row(number, month, **spoil.get(number, {})) for number in range(1, rows + 1)]
    return "\n".join([HEADER, *given]) + "\n"


# what is wrong: the file of a month, and the expectation that refuses it
REFUSED = {
    "cp1251": (lambda m: _file(m).encode("cp1251"), "file.encoding"),
    "UTF-16": (lambda m: _file(m).encode("utf-16"), "file.encoding"),
    "semicolons": (lambda m: _replaced(_file(m), ",", ";"), "file.delimiter"),
    "column missing": (
        lambda m: _replaced(_file(m), ",rating,", ",").replace(",5,0,", ",5,"),
        "file.columns",
    ),
    "column too many": (lambda m: _replaced(_file(m), "\n", ",1\n"), "file.columns"),
    "column renamed": (lambda m: _replaced(_file(m), "planned,", "plan_date,"), "file.columns"),
    "column twice": (lambda m: _replaced(_file(m), "opened,planned", "opened,opened"), "file.columns"),
    "cut": (lambda m: _file(m)[:-30], "file.whole"),
    "empty": (lambda _: "", "file.not_empty"),
    "HTML": (lambda _: "<html><body>Bad gateway</body></html>", "file.format"),
    "gzip": (lambda m: gzip.compress(_file(m).encode()), "file.format"),
    "endless line": (lambda m: _file(m) + "x" * 2_000_000, "file.line_length"),
    "all dates are dotted": (
        lambda m: _spoilt(m, {n: {"planned": f"12.{m[5:]}.{m[:4]}"} for n in range(1, 61)}),
        "row.readable",
    ),
    "all coordinates have commas": (
        lambda m: _spoilt(m, {n: {"lat": '"53,9"'} for n in range(1, 61)}),
        "row.readable",
    ),
    "all codes became numbers": (
        lambda m: _spoilt(m, {n: {"category": "6.3E+00"} for n in range(1, 61)}),
        "category_is_code",
    ),
    "another month": (lambda _: _file("2023-05"), "opened_in_month"),
}

# row: what is wrong with it, the expectation that keeps it back, the column and the value that are told
KEPT_BACK = {
    3: ({"planned": "2023-3-1"}, "row.readable", "planned", "2023-3-1"),
    5: ({"planned": "01.03.2023"}, "row.readable", "planned", "01.03.2023"),
    7: ({"planned": "03/01/2023"}, "row.readable", "planned", "03/01/2023"),
    9: ({"lat": '"53,91"'}, "row.readable", "lat", None),
    11: ({"category": "6.3E+00"}, "category_is_code", "category", "6.3E+00"),
    13: ({"status": "12"}, "status_known", "status", "12"),
    15: ({"rating": "4.5"}, "row.readable", "rating", "4.5"),
    17: ({"lng": "2.75"}, "lng_in_country", "lng", "2.750000"),
}


@dataclass
class Run:
    portal: Portal
    outcomes: dict[str, LoadOutcome | OriginError]
    months: dict[str, str]
    files: dict[Path, bytes]

    def answer(self, month: str) -> Answer:
        outcome = self.outcomes[month]
        assert isinstance(outcome, LoadOutcome)
        return answer(outcome.load_id, self.portal.warehouse)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run over a portal with every kind of bad file, and sound ones before and after."""
    folder = tmp_path_factory.mktemp("bad")
    with pytest.MonkeyPatch.context() as monkeypatch:
        portal = Portal(
            use_home(monkeypatch, folder / "home", folder / "mirror"), folder / "mirror" / "appeals_115"
        )
        portal.warehouse.prepare()
        months = dict(zip(REFUSED, MONTHS, strict=False))
        for name, month in months.items():
            portal.put(month, REFUSED[name][0](month))
        portal.put("2023-03", _spoilt("2023-03", {n: changes for n, (changes, *_) in KEPT_BACK.items()}, 400))
        portal.put("2023-04", HEADER + "\n")
        for month in SOUND:
            portal.put(month, _file(month))
        files = {path: path.read_bytes() for path in portal.folder.iterdir()}
        done = Run(portal, portal.load(), months, files)
    get_settings.cache_clear()
    return done


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_and_explained(name: str, run: Run) -> None:
    month = run.months[name]
    given = run.answer(month)
    assert given.load["state"] == "rejected"
    assert given.load["files"] == f"opendata-115-{month}-01.csv"
    refusing = [f for f in given.findings if not f["success"] and f["severity"] == "critical"]
    assert REFUSED[name][1] in {found["expectation"] for found in refusing}
    for found in refusing:
        assert found["says"] and found["remedy"]
        assert any("а" <= letter <= "я" for letter in found["says"].lower())
    assert not run.portal.warehouse.query(
        "select 1 from raw.appeals_115__requests where load_id = ?", [given.load["load_id"]]
    )


def test_the_other_deliveries_of_the_run_are_loaded(run: Run) -> None:
    for month in SOUND:
        found = run.answer(month).load
        assert (found["state"], found["rows_accepted"]) == ("accepted", 60)
    assert len(run.outcomes) == len(REFUSED) + len(SOUND) + 2


def test_bad_rows_are_kept_back_with_row_column_value_rule_and_remedy(run: Run) -> None:
    given = run.answer("2023-03")
    assert (given.load["state"], given.load["rows_delivered"]) == ("accepted", 400)
    assert given.load["rows_accepted"] == 400 - len(KEPT_BACK)
    rules = {
        row["row_no"]: {reason["expectation"] for reason in json.loads(row["reasons"])}
        for row in run.portal.warehouse.query(
            "select row_no, reasons from ops.quarantine where load_id = ?", [given.load["load_id"]]
        )
    }
    assert {row: {rule for rule in found if rule == KEPT_BACK[row][1]} for row, found in rules.items()} == {
        row: {expectation} for row, (_, expectation, _, _) in KEPT_BACK.items()
    }
    told = {(reason.row, reason.column, reason.value) for reason in given.rows}
    assert {(row, column, value) for row, (_, _, column, value) in KEPT_BACK.items()} <= told
    assert all(reason.rule and reason.remedy for reason in given.rows)
    accepted = {
        row["row_no"]
        for row in run.portal.warehouse.query(
            "select row_no from raw.appeals_115__requests where load_id = ?", [given.load["load_id"]]
        )
    }
    assert accepted == set(range(1, 401)) - set(KEPT_BACK)


def test_a_supplier_reads_the_name_that_a_column_has_in_his_file(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = load_sources()["appeals_115"]
    feed = source.feeds["requests"]
    rating = feed.columns["rating"].model_copy(update={"header": ("оценка", "балл")})
    renamed = feed.model_copy(update={"columns": {**feed.columns, "rating": rating}})
    given = source.model_copy(update={"feeds": {"requests": renamed}})
    monkeypatch.setattr("pipelines.loading.answer.load_sources", lambda: {"appeals_115": given})
    told = {(reason.row, reason.column) for reason in run.answer("2023-03").rows}
    assert {(15, "оценка"), (13, "status")} <= told


def test_the_place_of_a_broken_encoding_is_told(run: Run) -> None:
    (found,) = run.answer(run.months["cp1251"]).findings
    assert found["sample_rows"] == "1"
    assert "UTF-8" in found["says"] and "cp1251" in found["says"]


def test_the_missing_column_is_named(run: Run) -> None:
    (found,) = run.answer(run.months["column missing"]).findings
    assert found["column_name"] == "rating"
    renamed = run.answer(run.months["column renamed"]).findings
    # a name that is not declared is told by its place: it may be a person's
    assert {found["column_name"] for found in renamed} == {"planned", None}
    assert not any("plan_date" in found["says"] + found["remedy"] for found in renamed)


def test_a_deleted_month_is_not_retained_and_no_zero(run: Run) -> None:
    found = run.answer("2023-04").load
    assert (found["state"], found["not_retained"], found["rows_delivered"]) == ("accepted", True, 0)


def test_every_delivery_is_kept_as_it_came(run: Run) -> None:
    for path, content in run.files.items():
        assert path.read_bytes() == content
    for row in run.portal.warehouse.query("select folder, files from ops.load"):
        landed = run.portal.settings.landing / row["folder"] / row["files"]
        assert landed.read_bytes() == run.files[run.portal.folder / row["files"]]


def test_a_second_run_has_nothing_to_do(run: Run) -> None:
    before = run.portal.states()
    assert run.portal.candidates() == []
    assert run.portal.load() == {}
    assert run.portal.states() == before


def test_no_person_is_in_the_warehouse(run: Run) -> None:
    content = Path(run.portal.settings.warehouse).read_bytes()
    for secret in (PERSON, ADDRESS, "53.91234567"):
        assert secret.encode() not in content
    quarantine = run.portal.warehouse.query("select record, reasons from ops.quarantine")
    assert quarantine
    assert not any(
        name in json.loads(row["record"]) for row in quarantine for name in ("author", "name", "address")
    )


def test_a_file_that_vanishes_stops_only_itself(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 3))
    gone = portal.put("2024-02", portal.rows("2024-02", 3))
    portal.put("2024-03", portal.rows("2024-03", 3))
    candidates = portal.candidates()
    gone.unlink()
    loaded, failed = [], []
    for candidate in candidates:
        try:
            loaded.append(load_candidate(candidate, portal.settings, portal.warehouse).state)
        except OriginError as error:
            failed.append(error)
    assert loaded == ["accepted", "accepted"]
    (error,) = failed
    assert "opendata-115-2024-02-01.csv" in error.message
    assert error.remedy


def test_a_territory_that_does_not_exist_is_kept_back_with_its_row(portal: Portal) -> None:
    assert portal.settings.mirror is not None
    folder = portal.settings.mirror / "territories"
    shutil.copytree(SOURCES / "territory_register" / "sample" / "territories", folder)
    people = folder / "population.csv"
    lines = people.read_text(encoding="utf-8").splitlines()
    people.write_text("\n".join([*lines, "c-nowhere,2024,700,e"]) + "\n", encoding="utf-8")
    outcomes = {}
    for (_, feed), candidates in make_plan(
        Wanted(source="territory_register"), portal.settings, portal.warehouse
    ).candidates.items():
        for candidate in candidates:
            outcomes[feed] = load_candidate(candidate, portal.settings, portal.warehouse)
    assert {outcome.state for outcome in outcomes.values()} == {"accepted"}
    assert outcomes["population"].rows_accepted == len(lines) - 1
    given = answer(outcomes["population"].load_id, portal.warehouse)
    (kept,) = given.rows
    assert (kept.row, kept.column, kept.value) == (len(lines), "territory_id", "c-nowhere")
    assert "реестр" in kept.rule
    assert "territories.csv" in kept.remedy
    # what history leaves undecided is told as well
    assert [found["expectation"] for found in given.findings if found["evaluated_count"]] == [
        "territory_id_listed"
    ]


def test_what_refers_to_the_register_is_refused_before_there_is_one_and_replayed_after(
    portal: Portal,
) -> None:
    assert portal.settings.mirror is not None
    sample, folder = (
        SOURCES / "territory_register" / "sample" / "territories",
        portal.settings.mirror / "territories",
    )
    folder.mkdir()
    shutil.copy(sample / "population.csv", folder)
    outcomes = {}
    for feed in ("population", "territories"):
        plan = make_plan(Wanted("territory_register", feed), portal.settings, portal.warehouse)
        for candidate in plan.candidates["territory_register", feed]:
            outcomes[feed] = load_candidate(candidate, portal.settings, portal.warehouse)
        shutil.copy(sample / "territories.csv", folder)
    assert (outcomes["population"].state, outcomes["territories"].state) == ("rejected", "accepted")
    findings = answer(outcomes["population"].load_id, portal.warehouse).findings
    assert {found["expectation"] for found in findings} == {"territory_id_listed"}
    again = replay(
        outcomes["population"].load_id, "the register is there now", portal.settings, portal.warehouse
    )
    assert (again.state, again.rows_quarantined) == ("accepted", 0)


def test_names_in_the_drop_folder_that_fit_nothing_are_told_and_the_others_are_taken(portal: Portal) -> None:
    portal.put("2024-01", _file("2024-01"))
    folder = portal.settings.inbox / "appeals_115" / "requests" / "minsk"
    folder.mkdir(parents=True)
    for name in (
        "opendata-115-2024-02-01.csv", "opendata-115-2026-13-01.csv", "заявки за май.csv", ".hidden",
        "opendata-115-2024-03-01.csv.part",
    ):  # fmt: skip
        (folder / name).write_text(_file("2024-02"), encoding="utf-8")
    plan = make_plan(Wanted("appeals_115"), portal.settings, portal.warehouse)
    (candidates,) = plan.candidates.values()
    # what was dropped comes after what the origin has: it has the last word
    assert [candidate.slice.key for candidate in candidates] == ["2024-01", "2024-02"]
    hidden, unfinished = plan.waiting
    assert ".hidden: is hidden" in hidden
    assert ".csv.part: is unfinished by its name" in unfinished
    told = plan.failures["appeals_115", "requests"].message.splitlines()
    assert len(told) == 2
    assert "2026-13-01.csv: period '2026-13'" in told[0]
    assert "заявки за май.csv: the name does not match deliveries of appeals_115.requests" in told[1]
    assert r"opendata-115" in told[1]


def test_a_bad_name_in_a_mirror_stops_only_itself(portal: Portal) -> None:
    for month in ("2024-01", "2024-02"):
        portal.put(month, _file(month))
    (portal.folder / "opendata-115-2024-00-01.csv").write_text("", encoding="utf-8")
    plan = make_plan(Wanted("appeals_115"), portal.settings, portal.warehouse)
    assert [candidate.slice.key for (candidates) in plan.candidates.values() for candidate in candidates] == [
        "2024-01",
        "2024-02",
    ]
    assert "opendata-115-2024-00-01.csv" in plan.failures["appeals_115", "requests"].message
