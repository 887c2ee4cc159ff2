"""The list of territories at the gate: what is a change is let in and told, what is cut short is refused by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.declarations.sources import SOURCES
from pipelines.errors import OriginError
from pipelines.loading.candidates import load_candidate
from pipelines.loading.context import has_register, validated_against
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse
from tests.support.portal import use_home

pytestmark = pytest.mark.slow

SAMPLE = SOURCES / "territory_register" / "sample" / "territories"
HEAD = "kind,territory_id,from_id,to_id,valid_from,weight,act\n"
Row = dict[str, str]


class Register:
    """A warehouse, and a folder of lists that it is loaded from."""

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        self.warehouse, self.folder = warehouse, folder
        self.folder.mkdir(parents=True)

    def take(self, feed: str, name: str, text: str) -> LoadOutcome:
        (self.folder / name).write_text(text, encoding="utf-8")
        plan = make_plan(Wanted(source="territory_register", feed=feed), get_settings(), self.warehouse)
        (candidate,) = plan.candidates["territory_register", feed]
        outcome = load_candidate(candidate, get_settings(), self.warehouse)
        assert not isinstance(outcome, OriginError)
        return outcome

    def lists(self, change: Callable[[list[Row]], list[Row]] = list) -> LoadOutcome:
        """The sample's list of territories, changed."""
        return self.take("territories", "territories.csv", table("territories.csv", change))

    def towns(self, change: Callable[[list[Row]], list[Row]] = list) -> LoadOutcome:
        return self.take("town_districts", "city_raion.csv", table("city_raion.csv", change))


def table(name: str, change: Callable[[list[Row]], list[Row]]) -> str:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows, names = change(list(reader)), reader.fieldnames or []
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def without(*codes: str) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [row for row in rows if row["territory_id"] not in codes]


def put(code: str, **values: str) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [
        row | values if code in (row.get("territory_id"), row.get("city_id")) else row for row in rows
    ]


def told(outcome: LoadOutcome) -> dict[str, str]:
    """What was found, by expectation."""
    return {result.expectation: result.says for result in outcome.results if not result.success}


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    settings = use_home(monkeypatch, tmp_path / "home", tmp_path / "mirror")
    warehouse = open_warehouse(settings)
    warehouse.prepare()
    yield Register(warehouse, tmp_path / "mirror" / "territories")
    get_settings.cache_clear()


def test_changes_are_loaded_before_the_register_and_all_else_after_it() -> None:
    assert validated_against("territory_register", "territories") == [("territory_register", "changes")]
    assert validated_against("territory_register", "changes") == []
    assert ("territory_register", "territories") in validated_against("territory_register", "town_districts")


def test_a_district_that_leaves_is_told_and_several_are_refused(register: Register) -> None:
    assert not has_register(register.warehouse)
    assert register.lists().warnings == 0
    assert has_register(register.warehouse)
    register.towns()
    one = register.lists(without("r-kobrynski"))
    assert (one.state, set(told(one))) == ("accepted", {"territories_ended", "delivery.replaces"})
    assert "Кобринский район (r-kobrynski; упоминает список городов)" in told(one)["territories_ended"]
    several = register.lists(without("r-kobrynski", "r-lidski", "r-minski", "r-pinski"))
    assert several.state == "rejected"
    assert "r-lidski" in told(several)["list_whole"] and "r-kobrynski" not in told(several)["list_whole"]
    # the same, after somebody told where they went
    names = ("r-lidski", "r-minski", "r-pinski")
    rows = "".join(f"merge,{name},,r-brescki,2026-07-01,,Решение\n" for name in names)
    assert register.take("changes", "changes.csv", HEAD + rows).state == "accepted"
    merged = register.lists(lambda rows: without("r-kobrynski", *names)(rows)[::-1])
    assert (merged.state, set(told(merged))) == ("accepted", {"territories_ended", "delivery.replaces"})


def test_a_region_never_leaves(register: Register) -> None:
    register.lists()
    gone = register.lists(
        lambda rows: [row for row in rows if "BY-HM" not in (row["territory_id"], row["parent_id"])]
    )
    assert gone.state == "rejected"
    assert "г. Минск (BY-HM)" in told(gone)["list_whole"]


def test_the_first_list_must_be_whole(register: Register) -> None:
    cut = register.lists(without("r-lidski"))
    assert cut.state == "rejected"
    assert "BY-HR" in told(cut)["first_list_whole"]


@pytest.mark.parametrize(
    "change",
    [
        put("r-lidski", area_km2="много"),
        put("c-lida", lat="95"),
        put("BY-BR", parent_id="BY-VI"),
        put("r-lidski", level="city"),
        put("r-lidski", parent_id="r-minski"),
    ],
)
def test_no_row_of_the_list_may_fail(register: Register, change: Callable[[list[Row]], list[Row]]) -> None:
    """A row in quarantine would be a territory that vanished, with all that lies in it."""
    assert register.lists(change).state == "rejected"


def test_new_moved_and_renamed_territories_are_told_by_name(register: Register) -> None:
    register.lists()

    def changed(rows: list[Row]) -> list[Row]:
        lida = next(row for row in rows if row["territory_id"] == "r-lidski")
        rows = put("r-slonimski", parent_id="BY-BR")(rows)
        rows = put("r-minski", name_ru="Столичный район")(rows)
        return [*rows, lida | {"territory_id": "r-novy", "name_ru": "Новый район"}]

    outcome = register.lists(changed)
    found = told(outcome)
    assert outcome.state == "accepted"
    assert "Новый район (r-novy)" in found["territories_new"]
    assert "Слонимский район (r-slonimski): теперь в BY-BR, прежде в BY-HR" in found["territories_moved"]
    assert "r-minski: «Столичный район», прежде «Минский район»" in found["territories_renamed"]
    assert outcome.warnings == len(found) == 3


def test_a_town_in_another_district_is_told_and_many_are_refused(register: Register) -> None:
    register.lists()
    assert register.towns().warnings == 0
    one = register.towns(put("c-barysau", raion_id="r-maladziechanski"))
    assert one.state == "accepted"
    assert (
        "Борисов (c-barysau): теперь в r-maladziechanski, прежде в r-barysauski" in told(one)["towns_moved"]
    )
    many = register.towns(lambda rows: [row | {"raion_id": "r-minski"} for row in rows])
    assert many.state == "rejected"
    assert "few_towns_move" in told(many)
