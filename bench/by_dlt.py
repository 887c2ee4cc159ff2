"""dlt into DuckDB, then the same suite in Great Expectations on pandas: how one would build it from parts.

``python -m bench.by_dlt FILE FOLDER READER``; READER is ``read_csv``, the ordinary reader of dlt's ``filesystem`` source
(pandas chunks to dictionaries), or ``arrow``, its fastest (``read_csv_duckdb`` yielding Arrow batches).

What is personal is left out on the way, and codes are read as text, so that the suite can pass: as the feed's
declaration has it for Gorod. There is no landing, no quarantine and no ledger here.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import dlt
import great_expectations as gx
import pandas as pd
from dlt.sources.filesystem import filesystem, read_csv, read_csv_duckdb
from great_expectations.data_context.types.base import ProgressBarsConfig

from bench.portable import PORTABLE

KEPT = ["id", "category", "lat", "lng", "status", "rating", "opened", "planned", "organisation_id"]
CODES = ["id", "category", "status", "organisation_id"]


def main(file: str, folder: str, reader: str) -> None:
    """Load the file, read the table back, validate it; print how long each step took."""
    path = Path(file)
    started = time.monotonic()
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=folder,
        destination=dlt.destinations.duckdb(f"{folder}/dlt.duckdb"),
        dataset_name="raw",
    )
    files = filesystem(path.parent.as_uri(), file_glob=path.name)
    rows = files | (
        read_csv(usecols=KEPT, dtype=dict.fromkeys(CODES, "str"))
        if reader == "read_csv"
        else read_csv_duckdb(chunk_size=100_000, use_pyarrow=True, dtype=dict.fromkeys(CODES, "VARCHAR"))
    )
    pipeline.run(rows.with_name("requests"), write_disposition="replace")
    loaded = time.monotonic()
    with (
        pipeline.sql_client() as client,
        client.execute_query(f"select {', '.join(KEPT)} from requests") as cursor,
    ):
        frame = cursor.df()
    assert frame is not None
    frame["opened"] = pd.to_datetime(frame["opened"].str[:10])
    frame["planned"] = pd.to_datetime(frame["planned"])
    passed, evaluated = _validate(frame)
    output = {
        "rows": len(frame),
        "passed": passed,
        "expectations": evaluated,
        "steps_s": {"dlt": round(loaded - started, 2), "GX on pandas": round(time.monotonic() - loaded, 2)},
    }
    print(json.dumps(output))


def _validate(frame: pd.DataFrame) -> tuple[bool, int]:
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch: Any = (
        context.data_sources.add_pandas("frames")
        .add_dataframe_asset("requests")
        .add_batch_definition_whole_dataframe("requests")
    )
    suite = context.suites.add(gx.ExpectationSuite("suite", expectations=[e.copy() for e in PORTABLE]))
    outcome = context.validation_definitions.add(
        gx.ValidationDefinition(name="gate", data=batch, suite=suite)
    ).run(
        batch_parameters={"dataframe": frame},
        expectation_parameters={
            "first_day": frame["opened"].min().to_pydatetime(),
            "last_day": frame["opened"].max().to_pydatetime(),
        },
        result_format="SUMMARY",
    )
    return bool(outcome.success), len(outcome.results)


if __name__ == "__main__":
    main(*sys.argv[1:])
