"""dbt in its own folder, as in any project: one model, the documentation, and the keys of the contracts in the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.publishing.keys import BESIDE_DBT, contract_keys, keys_of
from tests.support.small_warehouse import SmallWarehouse

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own(small: SmallWarehouse, tmp_path_factory: pytest.TempPathFactory) -> SmallWarehouse:
    return small.copy(tmp_path_factory.mktemp("by-hand"))


def written(given: SmallWarehouse, name: str) -> Any:
    return json.loads(Path(given.folder, "target", name).read_text(encoding="utf-8"))


def test_one_model_is_built_with_its_tests(own: SmallWarehouse) -> None:
    with own.connect() as connection:
        connection.execute("drop table published.pub_period_v1")
    done = own.dbt("build", "--select", "pub_period", of_gorod=False)
    assert done.returncode == 0, done.stdout[-3000:]
    results = written(own, "run_results.json")["results"]
    models = [one["unique_id"] for one in results if one["unique_id"].startswith("model.")]
    assert models == ["model.gorod.pub_period.v1"]
    assert {"test.gorod.unique_pub_period_v1_time_period"} <= {
        one["unique_id"].rsplit(".", 1)[0] for one in results
    }
    assert own.query("select count(*) > 0 from published.pub_period_v1") == [(True,)]


def test_the_documentation_is_made_with_types_and_descriptions(own: SmallWarehouse) -> None:
    done = own.dbt("docs", "generate", of_gorod=False)
    assert done.returncode == 0, done.stdout[-3000:]
    catalogue = written(own, "catalog.json")
    assert catalogue["errors"] is None
    table = catalogue["nodes"]["model.gorod.pub_indicator_value.v1"]
    assert table["columns"]["obs_value"]["type"].startswith("DECIMAL")
    assert table["metadata"]["comment"]


def test_the_keys_of_a_contract_are_constraints_in_the_manifest(own: SmallWarehouse) -> None:
    models = [
        one for one in written(own, "manifest.json")["nodes"].values() if one["name"].startswith("pub_")
    ]
    stated = {one["alias"]: keys_of(one["constraints"]) for one in models if one["resource_type"] == "model"}
    known = contract_keys()
    assert len(stated) > 25
    assert stated == {name: keys for name, keys in known.items() if name not in BESIDE_DBT}
    columns = {one["alias"]: set(one["columns"]) for one in models if one["resource_type"] == "model"}
    for name, keys in stated.items():
        for given, target in keys.foreign.items():
            assert set(given) <= columns[name], (name, given)
            assert len(given) == len(known[target].primary), (name, given)


def test_a_build_leaves_the_keys_to_the_publication(own: SmallWarehouse) -> None:
    """A row that breaks a key is for a test to show, with all the others; it does not stop the model."""
    found = own.query(
        "select distinct constraint_type from duckdb_constraints() where schema_name = 'published'"
    )
    assert found == [("NOT NULL",)]
