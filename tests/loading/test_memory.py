"""Small data are looked at by one thread, large ones by all cores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.memory import SMALL, in_memory


@pytest.mark.parametrize(
    ("sizes", "is_small"), [([], True), ([10, SMALL // 2], True), ([SMALL // 2] * 2, False)]
)
def test_threads_follow_the_size_of_all_files(tmp_path: Path, sizes: list[int], is_small: bool) -> None:
    files = [tmp_path / str(number) for number in range(len(sizes))]
    for path, size in zip(files, sizes, strict=True):
        with path.open("wb") as file:
            file.truncate(size)
    with in_memory(*files) as connection:
        (threads,) = connection.execute("select current_setting('threads')").fetchone() or ()
    assert threads == (1 if is_small else len(os.sched_getaffinity(0)))
