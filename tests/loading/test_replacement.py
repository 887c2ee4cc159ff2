"""A replacement is held against what it replaces, and a delivery against those of other instances and periods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations.vocabulary import History
from pipelines.connectors.drop_folder import inbox
from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.deliveries import ExpectationResult
from pipelines.loading.answer import answer
from pipelines.loading.candidates import load_candidate
from pipelines.loading.decisions import replay, waive
from pipelines.loading.load import LoadOutcome
from pipelines.loading.past import CONFIRMED
from pipelines.loading.profile import load_history
from pipelines.loading.suites import load_suite
from pipelines.moments import today
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse
from tests.loading.seeded import (
    AGES,
    Given,
    World,
    answer_of,
    lines,
    list_of,
    month_of,
    requests,
    resources,
    snapshot,
    table,
)
from tests.support.examples import shortened
from tests.support.portal import use_home

SAMPLE = SOURCES / "territory_register" / "sample" / "geo"
SEED = 7
LOOKING_BACK = ("delivery.", "history.")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings = use_home(monkeypatch, tmp_path / "home", None, gate_processes="0")
    found = World(settings, open_warehouse(settings), tmp_path / "tried")
    found.warehouse.prepare()
    yield found
    get_settings.cache_clear()


def register(world: World) -> None:
    assert world.enter(list_of("territories", lines("territories"))).state == "accepted"


def found(outcome: LoadOutcome, expectation: str) -> str:
    """What a failed expectation says; of none else that looks back may be said anything."""
    (result,) = [result for result in looking_back(outcome) if not result.success]
    assert result.expectation == expectation
    return result.says


def silent(outcome: LoadOutcome) -> bool:
    return outcome.state == "accepted" and all(result.success for result in looking_back(outcome))


def looking_back(outcome: LoadOutcome) -> list[ExpectationResult]:
    """What was asked of the loads before; the suite has its own tests."""
    return [one for one in outcome.results if one.expectation.startswith(LOOKING_BACK)]


def refusing(outcome: LoadOutcome) -> set[str]:
    """The expectations that refuse a load."""
    return {one.expectation for one in outcome.results if one.refuses}


def effective(world: World) -> list[str]:
    rows = world.warehouse.query("select load_id from ops.effective_load order by load_no")
    return [row["load_id"] for row in rows]


BREST = requests("brest", "2025-03", SEED)[:48]


def test_every_feed_declares_how_it_is_held_against_its_history() -> None:
    feeds = [(source.source, feed) for source in load_sources().values() for feed in source.feeds]
    assert len(feeds) >= 12
    for source, feed in feeds:
        history = load_history(source, feed)
        assert history != History(), f"{source}.{feed}"
        # hashing each row of a mass feed would cost more than all that is asked of it
        assert history.key or f"{source}.{feed}" == "metering.readings"
        assert load_suite(source, feed)


def test_what_is_remembered_is_not_personal() -> None:
    """Labels and figures stand in the ledger as they are: no personal column is named in them, coarsened ones neither."""
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            history = load_history(source.source, name)
            told = " ".join([*history.shares.values(), *history.quantities.values(), *history.by])
            personal = [column for column, one in feed.columns.items() if one.personal_data != "none"]
            words = set(told.replace("(", " ").replace(")", " ").replace(",", " ").split())
            assert not words & set(personal), f"{source.source}.{name}"


def test_a_resend_cut_short_is_refused_with_both_counts(world: World) -> None:
    whole = world.enter(month_of("brest", "2025-03", BREST))
    cut = world.enter(month_of("brest", "2025-03", BREST[:3]))
    assert (whole.state, cut.state) == ("accepted", "rejected")
    says = found(cut, "delivery.replaces")
    assert "строк было 48, стало 3" in says
    assert whole.load_id in says
    assert effective(world) == [whole.load_id]
    assert [
        finding["expectation"]
        for finding in answer(cut.load_id, world.warehouse).findings
        if not finding["success"] and finding["expectation"].startswith(LOOKING_BACK)
    ] == ["delivery.replaces"]


def test_a_resend_cut_short_is_let_in_by_a_waiver(world: World) -> None:
    whole = world.enter(month_of("brest", "2025-03", BREST))
    cut = world.enter(month_of("brest", "2025-03", BREST[:3]))
    waive(
        cut.load_id, "А. Примерная", "остальные были пробными", today() + timedelta(7), world.settings, world.warehouse
    )  # fmt: skip
    assert effective(world) == [cut.load_id]
    assert whole.load_id not in effective(world)


@pytest.mark.parametrize(
    ("written", "state"),
    shortened(
        3,
        [
            (f"{CONFIRMED}: true\nwho: А. Примерная\nwhy: остальные были пробными\n", "accepted"),
            (f"{CONFIRMED}: false\nwho: А. Примерная\nwhy: остальные были пробными\n", "rejected"),
            (f"{CONFIRMED}: true\nwhy: остальные были пробными\n", "rejected"),
            (f"{CONFIRMED}: true\nwho: ''\nwhy: x\n", "rejected"),
            ("{", "rejected"),
            ("- a list", "rejected"),
        ],
    ),
)
def test_a_resend_cut_short_is_let_in_if_a_side_file_confirms_it(
    world: World, written: str, state: str
) -> None:
    """The side file comes with the file through the drop folder, and what was refused without it is judged anew."""
    world.enter(month_of("brest", "2025-03", BREST))
    folder = world.settings.inbox / "appeals_115" / "requests" / "brest"
    folder.mkdir(parents=True)
    given = month_of("brest", "2025-03", BREST[:3])
    ((name, text),) = given.files.items()
    (folder / name).write_text(text, encoding="utf-8")
    source = load_sources()["appeals_115"]

    def offered() -> Any:
        waiting = inbox(source, "requests", world.settings)
        assert waiting.faults == []
        (candidate,) = waiting.candidates
        return candidate

    refused = load_candidate(offered(), world.settings, world.warehouse)
    assert refused.state == "rejected"
    assert list(folder.iterdir()) == []  # it landed
    (folder / name).write_text(text, encoding="utf-8")
    before = offered().fingerprint
    (folder / f"{name}.confirm.yml").write_text(written, encoding="utf-8")
    candidate = offered()
    assert candidate.fingerprint != before
    outcome = load_candidate(candidate, world.settings, world.warehouse)
    assert (outcome.state, outcome.new, outcome.rows_delivered) == (state, True, 3)
    assert list(folder.iterdir()) == []  # and so did both
    if state == "rejected":
        # a side file that says too little is told so
        assert "ничего не подтверждает" in found(outcome, "delivery.replaces")
    if state == "accepted":
        (result,) = [result for result in outcome.results if result.expectation == "delivery.replaces"]
        assert "А. Примерная – остальные были пробными" in result.says


def test_growth_and_corrections_go_without_remark(world: World) -> None:
    assert silent(world.enter(month_of("brest", "2025-03", BREST)))
    grown = requests("brest", "2025-03", SEED)[:60]
    assert silent(world.enter(month_of("brest", "2025-03", grown)))
    mended = [{**row, "status": "7"} if number < 4 else row for number, row in enumerate(grown)]
    assert silent(world.enter(month_of("brest", "2025-03", mended[:59])))  # one was a mistake


def test_a_third_less_is_refused_and_a_replay_is_not_held_against_itself(world: World) -> None:
    whole = world.enter(month_of("brest", "2025-03", BREST))
    assert world.enter(month_of("brest", "2025-03", BREST[:32])).state == "rejected"
    again = replay(whole.load_id, "a new suite", world.settings, world.warehouse)
    assert silent(again)


def test_as_many_rows_of_something_else_are_refused(world: World) -> None:
    """The counts are the same; none of the requests in force is among them."""
    world.enter(month_of("brest", "2025-03", BREST))
    others = [{**row, "id": str(500_000 + number)} for number, row in enumerate(BREST)]
    assert "не нашлось" in found(world.enter(month_of("brest", "2025-03", others)), "delivery.replaces")


def test_one_day_less_of_a_large_month_is_not_a_loss_but_one_group_is(world: World) -> None:
    rows = requests("homiel", "2025-03", SEED)
    world.enter(month_of("homiel", "2025-03", rows))
    few = [row for row in rows if not row["opened"].startswith("2025-03-31")]
    assert len(few) < len(rows)
    accepted, said = world.attempt(month_of("homiel", "2025-03", few))
    assert accepted
    assert [one for one in said if one.expectation.startswith(LOOKING_BACK)] == []
    without = [row for row in rows if not row["category"].startswith("9.")]
    accepted, said = world.attempt(month_of("homiel", "2025-03", without))
    assert not accepted
    assert "«9»" in next(one.says for one in said if one.expectation.startswith(LOOKING_BACK))


def test_a_register_with_few_of_its_territories_is_refused(world: World) -> None:
    rows = lines("territories")
    register(world)
    above = [row for row in rows if row["level"] in ("country", "oblast")]
    short = [*above, *[row for row in rows if row["level"] == "raion"][:10]]
    cut = world.enter(list_of("territories", short))
    assert refusing(cut) == {"list_whole", "delivery.replaces"}
    assert f"строк было {len(rows)}, стало {len(short)}" in found(cut, "delivery.replaces")


def test_regions_under_the_name_of_districts_are_refused(world: World) -> None:
    register(world)
    layers = {part: (SAMPLE / f"{part}.geojson").read_text(encoding="utf-8") for part in ("adm1", "adm2")}

    def layer(part: str, text: str) -> Given:
        return Given("territory_register", "boundaries", "by", None, part, {f"{part}.geojson": text})

    for part, text in layers.items():
        assert silent(world.enter(layer(part, text)))
    districts = len(json.loads(layers["adm2"])["features"])
    # reordered, so that the bytes are not those of the layer of regions
    regions = json.loads(layers["adm1"])
    regions["features"].reverse()
    outcome = world.enter(layer("adm2", json.dumps(regions, ensure_ascii=False)))
    assert refusing(outcome) == {"layer_whole", "delivery.replaces"}
    assert f"строк было {districts}, стало 7" in found(outcome, "delivery.replaces")
    assert "delivery.elsewhere" in refusing(world.enter(layer("adm2", layers["adm1"])))


def test_two_outlines_exchanged_are_refused(world: World) -> None:
    register(world)
    path = SAMPLE / "adm2.geojson"
    given = Given(
        "territory_register", "boundaries", "by", None, "adm2", {path.name: path.read_text(encoding="utf-8")}
    )
    assert silent(world.enter(given))
    document = json.loads(given.files[path.name])
    one, two = document["features"][0], document["features"][5]
    one["geometry"], two["geometry"] = two["geometry"], one["geometry"]
    accepted, said = world.attempt(replace(given, files={path.name: json.dumps(document)}))
    assert not accepted
    assert {result.expectation for result in said} == {"history.figures"}


def test_figures_that_vanish_are_told_and_many_are_refused(world: World) -> None:
    register(world)
    path = "wages/wage_10218000003_2020-2026.json"
    answered = table(path, SEED)
    assert silent(world.enter(answer_of("wages", path, answered, None)))
    districts = [row for row in answered["tableRows"] if row[0]["level"] == 2]

    def without(rows: list[Any], column: int) -> tuple[bool, list[Any]]:
        changed = json.loads(json.dumps(answered))
        for row in changed["tableRows"]:
            if any(row[0]["value"] == gone[0]["value"] for gone in rows):
                row[column]["value"] = None
        return world.attempt(answer_of("wages", path, changed, None))

    accepted, said = without(districts[:1], 3)
    assert accepted
    assert [(result.expectation, result.severity) for result in said] == [("delivery.replaces", "warning")]
    assert districts[0][0]["value"] in said[0].says
    changed = json.loads(json.dumps(answered))
    for row in changed["tableRows"]:
        if row[0]["level"] == 2:
            row[3]["value"] = None
    accepted, said = world.attempt(answer_of("wages", path, changed, None))
    assert not accepted
    assert "пропало" in said[0].says


def test_a_corrected_figure_and_a_new_year_go_without_remark(world: World) -> None:
    register(world)
    path = "wages/wage_10218000003_2020-2026.json"
    answered = table(path, SEED)
    early = json.loads(json.dumps(answered))
    for row in early["tableRows"]:
        row[6]["value"] = None  # the last year was not published yet
    assert silent(world.enter(answer_of("wages", path, early, None)))
    district = next(row for row in answered["tableRows"] if row[0]["level"] == 2)
    district[3]["value"] = district[2]["value"]
    assert silent(world.enter(answer_of("wages", path, answered, None)))


def test_two_years_exchanged_are_refused(world: World) -> None:
    register(world)
    answered = table(AGES, SEED)
    assert silent(world.enter(answer_of("population_by_age", AGES, answered, None)))
    for row in answered["tableRows"]:
        row[5]["value"], row[6]["value"] = row[6]["value"], row[5]["value"]
    accepted, said = world.attempt(answer_of("population_by_age", AGES, answered, None))
    assert not accepted
    assert "2020 и 2021 переставлены" in said[0].says


def test_the_same_file_or_the_same_rows_of_another_instance_are_refused(world: World) -> None:
    world.enter(month_of("brest", "2025-03", BREST))
    same = world.enter(month_of("homiel", "2025-03", BREST))
    assert "brest" in found(same, "delivery.elsewhere")
    rows = [{**row, "id": str(700_000 + number)} for number, row in enumerate(reversed(BREST))]
    own = requests("homiel", "2025-03", SEED)[:20]
    mixed = world.enter(month_of("homiel", "2025-03", [*rows, *own]))
    assert "brest" in found(mixed, "delivery.elsewhere")
    # a request or two of the neighbour's are nothing
    assert silent(world.enter(month_of("homiel", "2025-03", [*rows[:2], *own])))


def test_an_inventory_that_is_a_neighbours_is_refused(world: World) -> None:
    register(world)
    things = resources("brest", "2026-08", SEED)
    assert world.enter(snapshot("brest", "2026-08", things)).state == "accepted"
    accepted, said = world.attempt(snapshot("gomel", "2026-08", list(reversed(things))))
    assert not accepted
    # not one row is fit to be held against the neighbour's: each says another region's code already
    assert "soato_of_branch" in {result.expectation for result in said if result.refuses}


def test_a_month_without_rows_is_nobodys(world: World) -> None:
    """The portal has deleted the month of two cities: the same header is no one's file."""
    for city in ("brest", "homiel"):
        assert world.enter(month_of(city, "2025-03", [])).not_retained


def test_months_in_reverse_or_with_gaps_are_not_judged_by_what_came_after(world: World) -> None:
    """A portal that grows sevenfold, and its older months later: history is undecided, nothing is refused."""
    rows = requests("homiel", "2025-03", SEED)
    months = ["2025-04", "2025-03", "2024-11", "2024-08", "2024-07"]
    for number, month in enumerate(months):
        own = requests("homiel", month, SEED)
        outcome = world.enter(month_of("homiel", month, own[: len(rows) // (number + 1)]))
        assert silent(outcome)
        undecided = [r for r in looking_back(outcome) if r.evaluated_count == 0]
        assert "history.volume" in {result.expectation for result in undecided}
        assert all("история слишком коротка" in result.says for result in undecided)


def test_what_is_undecided_is_told(world: World) -> None:
    first = world.enter(month_of("brest", "2025-03", BREST))
    told = answer(first.load_id, world.warehouse).findings
    assert {finding["expectation"] for finding in told} >= {"history.volume", "history.shares"}
    assert all(finding["success"] for finding in told if finding["expectation"].startswith(LOOKING_BACK))


def test_loads_of_before_there_were_profiles_are_remembered_by_their_rows(world: World) -> None:
    register(world)
    rows = lines("population")
    assert silent(world.enter(list_of("population", rows)))
    with world.warehouse.connection() as connection:
        connection.execute("delete from ops.load_profile")
    one, two = "c-brest", "c-hrodna"
    exchange = {one: two, two: one}
    changed = [
        {**row, "territory_id": exchange.get(row["territory_id"], row["territory_id"])} for row in rows
    ]
    accepted, said = world.attempt(list_of("population", changed))
    assert not accepted
    assert "c-brest и c-hrodna" in said[0].says
