"""Results: rows of figures and ratios between them, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.children import Measured

PACKAGES = ("duckdb", "great-expectations", "pandas", "pyarrow", "dlt", "dbt-core", "dagster")


@dataclass(frozen=True)
class Row:
    """A contestant: medians of wall and CPU seconds, the highest peak, and each single run."""

    what: str
    rows: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    runs: tuple[Measured, ...]

    @property
    def spread(self) -> float:
        """Largest less smallest wall time, as a share of the median."""
        walls = [run.wall_s for run in self.runs]
        return (max(walls) - min(walls)) / self.wall_s

    @property
    def inside_s(self) -> float:
        """Median of what the process itself counted: seconds after its imports."""
        return median(float(run.output["seconds"]) for run in self.runs)


@dataclass(frozen=True)
class Ratio:
    """A figure that depends less on the machine than seconds do, and its target."""

    what: str
    value: float
    reach: str


@dataclass
class Findings:
    """What has been measured so far."""

    console: Console
    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print a line of progress."""
        self.console.print(f"[dim]{datetime.now():%H:%M:%S}[/] {text}")

    def measure(self, rows: int, contestants: dict[str, Callable[[], Measured]], times: int = 1) -> list[Row]:
        """Measure contestants in turn, so many times each, and keep a row for each.

        In turn, so that whatever else the machine does meanwhile falls on all of them.
        """
        runs: dict[str, list[Measured]] = {what: [] for what in contestants}
        for _ in range(times):
            for what, once in contestants.items():
                runs[what].append(once())
                self.say(f"{what}, {rows:,} rows: {runs[what][-1].wall_s:.1f} s")
        found = [
            Row(
                what,
                rows,
                median(run.wall_s for run in each),
                median(run.cpu_s for run in each),
                max(run.peak_mib for run in each),
                tuple(each),
            )
            for what, each in runs.items()
        ]
        self.rows += found
        return found

    def compare(self, what: str, value: float, reach: str) -> None:
        """Keep a ratio."""
        self.ratios.append(Ratio(what, value, reach))

    def show(self) -> None:
        """Print both tables."""
        table = Table("what", *(("rows", "wall, s", "spread", "CPU, s", "peak, MiB")), title="Measured")
        for row in self.rows:
            spread = f"{row.spread:.0%}" if len(row.runs) > 1 else "–"
            table.add_row(
                row.what,
                f"{row.rows:,}",
                f"{row.wall_s:.1f}",
                spread,
                f"{row.cpu_s:.1f}",
                f"{row.peak_mib:,.0f}",
            )
        compared = Table("what", "value", "meant", title="In ratios")
        for ratio in self.ratios:
            compared.add_row(ratio.what, f"{ratio.value:.3g}", ratio.reach)
        for each in (table, compared):
            for column in each.columns[1:]:
                column.justify = "right"
            self.console.print(each)

    def keep(self, folder: Path, options: dict[str, Any]) -> Path:
        """Write everything as JSON, with the machine it was measured on; the path of the file."""
        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        content = {
            "at": now.isoformat(timespec="seconds"),
            "machine": machine(),
            "options": options,
            "ratios": [asdict(ratio) for ratio in self.ratios],
            "rows": [asdict(row) for row in self.rows],
        }
        path = folder / f"{now:%Y%m%dT%H%M%SZ}.json"
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
        return path


def machine() -> dict[str, Any]:
    """Cores, memory, load average and versions."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_average": os.getloadavg(),
        "versions": {name: version(name) for name in PACKAGES},
    }
