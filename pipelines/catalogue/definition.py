"""The hash of everything that defines the figures and their checks."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from pipelines.settings import PROJECT

# What determines the figures besides the data: declarations, code lists, and the SQL of models and macros. Tests decide
# whether they are published: a build that passed different tests does not count.
DEFINING = (
    ("assets", ("*.yml", "territories/*.csv")),
    # what they generate follows from the declarations and from themselves
    ("pipelines/declarations", ("generated_models.py", "generated_staging.py", "dbt_files.py")),
    ("pipelines/catalogue", ("staging.py", "tables.py")),
    (
        "dbt",
        (
            "models/**/*.sql",
            "models/**/*.yml",
            "macros/**/*.sql",
            "tests/**/*.sql",
            "snapshots/*.yml",
            "dbt_project.yml",
        ),
    ),
)

# Access and the layout of documents change no figure.
NOT_DEFINING = ("access.yml", "reports")


@lru_cache(maxsize=1)
def definitions_hash() -> str:
    """SHA-256 over the names and contents of everything that defines the figures."""
    digest = hashlib.sha256()
    for folder, patterns in DEFINING:
        root = PROJECT / folder
        files = {path for pattern in patterns for path in root.rglob(pattern) if path.is_file()}
        for path in sorted(files):
            parts = path.relative_to(root).parts
            if "sample" in parts or parts[0] in NOT_DEFINING:
                continue
            digest.update(path.relative_to(PROJECT).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()
