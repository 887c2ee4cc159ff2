"""What every fork of dbt would make anew, made once in the process that is forked.

Imported by that process alone (``support/forked.py``): schemas of dbt's own files, and the project as it was parsed.
"""

from __future__ import annotations

import gc

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.artifacts.resources.v1.config import Hook
from dbt.contracts.project import Configuration, PackageConfig, ProfileConfig, Project, ProjectFlags
from dbt.contracts.selection import SelectorFile

from tests.support import warm_dbt

for contract in (
    Configuration, DuckDBCredentials, Hook, PackageConfig, ProfileConfig, Project, ProjectFlags, SelectorFile,
):  # fmt: skip
    contract.json_schema()
warm_dbt.preload()
# what is here now stays to the end of every fork: nobody has to look whether it has become garbage
gc.collect()
gc.freeze()
