"""dbt's exposures follow from the declared reports and from what the exports read."""

from __future__ import annotations

from pathlib import Path

import yaml

from pipelines.dbt_project import DBT_PROJECT
from pipelines.declarations.exposures import exposures, named_in
from pipelines.declarations.reports import REPORTS
from pipelines.publishing.exports.products import PRODUCTS

CONTRACTS = {path.stem for path in (DBT_PROJECT / "models" / "published").glob("*.sql")}


def test_each_report_and_each_product_is_an_exposure_of_what_it_reads() -> None:
    found = {one["name"]: one for one in yaml.safe_load(exposures(CONTRACTS))["exposures"]}
    reports = {f"report_{path.stem}" for path in REPORTS.glob("*.yml")}
    assert reports
    assert set(found) == reports | {f"export_{name}" for name in PRODUCTS} | {"publication"}
    assert all(one["depends_on"] for one in found.values())
    assert "ref('pub_progress', v=1)" in found["export_fiware"]["depends_on"]
    assert "ref('pub_progress', v=1)" not in found["export_sdmx"]["depends_on"]
    everything = len(CONTRACTS)
    assert (
        len(found["publication"]["depends_on"])
        == len(found["export_datapackage"]["depends_on"])
        == everything
    )


def test_what_dbt_does_not_build_is_no_dependency(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("'select * from pub_index_value_v1, pub_period_v1'", encoding="utf-8")
    assert named_in([tmp_path / "a.py"], {"pub_period_v1", "pub_load_v1"}) == ["pub_period_v1"]
