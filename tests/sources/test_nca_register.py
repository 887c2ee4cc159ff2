"""The register of territorial units: the same units by WFS, Shapefile and GeoPackage, and its disagreements as findings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import shape

from pipelines.deliveries import Slice
from pipelines.errors import OriginError
from pipelines.loading.load import LoadOutcome
from sandbox.geoportal import Geoportal, sample_layers
from sandbox.samples.nca_register import changes, collection, packed, record, units
from sandbox.server import PERSON, Fault, Sandbox, always, running
from tests.sources.asked import PASSING, Home, asking, named
from tests.sources.delivered import through_gate
from tests.support.examples import shortened

WHOLE = Slice()
UNITS, CHANGES = ("units", "by", "snapshot"), ("changes", "by", "snapshot")


def delivered(folder: Path, name: str, content: bytes, covered: Slice = WHOLE) -> dict[str, dict[str, Any]]:
    """The units of a file that is accepted without a remark, by code."""
    folder.mkdir()
    (folder / name).write_bytes(content)
    rows, validation = through_gate("nca_register", "units", "by", covered, folder, name)
    assert [one.expectation for one in validation.results if not one.success or one.unexpected_count] == []
    return {row["soato"]: row for row in rows}


def as_geojson() -> bytes:
    geometries = [{"type": "Polygon", "coordinates": one["rings"]} for one in units()]
    return collection([record(one, number) for number, one in enumerate(units())], geometries).encode()


def test_all_forms_of_the_register_are_the_same_units(tmp_path: Path) -> None:
    """СК-95 to WGS 84 and back loses less than a centimetre; every other field is equal."""
    forms = {
        "units.geojson": as_geojson(),
        "units.zip": packed(units()),
        "units.ZIP.zip": packed(units(), None),
    }
    found = [
        delivered(tmp_path / str(number), "units" + Path(name).suffix, content)
        for number, (name, content) in enumerate(forms.items())
    ]
    plain = ("unit_id", "category", "name_ru", "name_be", "area_ha", "valid_from", "valid_to", "act")
    for other in found[1:]:
        assert other.keys() == found[0].keys() == {one["soato"] for one in units()}
        for soato, row in other.items():
            assert {name: row[name] for name in plain} == {name: found[0][soato][name] for name in plain}
            outlines = [shape(json.loads(one["geometry"])) for one in (row, found[0][soato])]
            # 1e-7 degrees are a centimetre; the sample's Shapefile has millimetres
            assert shapely.hausdorff_distance(*outlines) < 1e-7
    row = found[1]["6208501000"]
    assert (row["name_ru"], row["valid_from"], row["valid_to"]) == ("Борисов", date(1995, 1, 1), None)


def test_outlines_are_measured_on_the_ellipsoid(tmp_path: Path) -> None:
    """A degree between 53 and 54 north is 7,360 km² by the closed formula of the WGS 84 ellipsoid's zone."""
    from math import atanh, pi, radians, sin

    def zone(lat: float) -> float:
        e, b = 0.0818191908426, 6356.7523142
        s = e * sin(radians(lat))
        return pi * b * b * (atanh(s) / e + sin(radians(lat)) / (1 - s * s))

    # the edges follow the parallels closely
    ring = [(27 + n / 200, 53.0) for n in range(201)] + [(28 - n / 200, 54.0) for n in range(201)]
    unit = {**units()[6], "rings": [[*ring, ring[0]]]}
    expected = (zone(54) - zone(53)) / 360
    content = collection(
        [{**record(unit, 0), "AREA_HA": round(expected * 100)}],
        [{"type": "Polygon", "coordinates": [ring + ring[:1]]}],
    )
    (tmp_path / "units.geojson").write_text(content, encoding="utf-8")
    (row,), _ = through_gate("nca_register", "units", "by", WHOLE, tmp_path, "units.geojson")
    assert float(row["outline_km2"]) == pytest.approx(expected, rel=1e-5)


def test_a_file_in_none_of_the_forms_is_refused(tmp_path: Path) -> None:
    from pipelines.errors import DeliveryError

    (tmp_path / "units.kml").write_text("<kml/>")
    with pytest.raises(DeliveryError, match="Shapefile") as caught:
        through_gate("nca_register", "units", "by", WHOLE, tmp_path, "units.kml")
    assert "формат" in caught.value.remedy


def test_swapped_axes_of_a_file_are_reported(tmp_path: Path) -> None:
    from pipelines.errors import DeliveryError

    turned = [[[y, x] for x, y in ring] for ring in units()[6]["rings"]]
    content = collection([record(units()[6], 0)], [{"type": "Polygon", "coordinates": turned}])
    (tmp_path / "units.geojson").write_text(content, encoding="utf-8")
    with pytest.raises(DeliveryError, match="Оси координат переставлены"):
        through_gate("nca_register", "units", "by", WHOLE, tmp_path, "units.geojson")


# --- asked by WFS


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running(Geoportal(sample_layers())) as sandbox:
        yield sandbox


@pytest.fixture
def home(server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    from pipelines.declarations.sources import load_sources

    for feed in load_sources()["nca_register"].feeds.values():
        # pages of ten: several requests for a small layer
        monkeypatch.setitem(
            feed.origins, "mirror", feed.origins["mirror"].model_copy(update={"page_size": 10})
        )
    with asking("geoportal", server, tmp_path, monkeypatch, "2026-11-20") as found:
        yield found


def whole() -> dict[Any, int]:
    return {UNITS: len(units()), CHANGES: len(changes())}


@pytest.mark.slow
def test_pages_of_wfs_have_north_first_and_land_where_they_are(home: Home, server: Sandbox) -> None:
    assert home.load_all() == whole()
    asked = [path for path, _ in server.requests if "nca%3Aunits" in path]
    assert len(asked) == 3 and all("startIndex=" in path for path in asked[1:])
    rows = home.rows("units", "soato, geometry")
    outline = {one["soato"]: shapely.Polygon(one["rings"][0], one["rings"][1:]) for one in units()}
    assert len(rows) == len(outline)
    for row in rows:
        assert shape(json.loads(row["geometry"])).equals(outline[row["soato"]])
    # years later it is asked again: the same answer is the same load
    outcomes = home.on("2028-02-01").load()
    assert outcomes.keys() == whole().keys()
    assert all(isinstance(one, LoadOutcome) and not one.new for one in outcomes.values())


@pytest.mark.slow
@pytest.mark.parametrize("fault", shortened(1, PASSING), ids=named)
def test_what_passes_leaves_no_trace(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan({2: fault}.get)
    assert home.load_all() == whole()
    codes = [row["soato"] for row in home.rows("units", "soato")]
    assert len(codes) == len(set(codes)) == len(units())


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault("no_total")], ids=named)
def test_what_a_fault_cost_is_caught_up(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan(always(fault))
    assert all(isinstance(outcome, OriginError) for outcome in home.load().values())
    assert home.states() == []
    server.plan()
    assert home.load_all() == whole()


@pytest.mark.slow
def test_another_schema_is_refused_and_no_person_is_stored(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("person")))
    assert home.load_all() == whole()
    assert PERSON.split(",")[0] not in home.stored()
    server.plan(always(Fault("schema")))
    outcomes = home.load(again=True)
    assert all(isinstance(one, LoadOutcome) and one.state == "rejected" for one in outcomes.values())
