"""What validating imports, and what it leaves until it is used."""

from __future__ import annotations

import subprocess
import sys

ASKED = """
import sys
import pipelines.loading.prefetch, great_expectations.expectations
print("scipy.stats._stats_py" in sys.modules)
from scipy import stats
print(stats.norm.cdf(0), "scipy.stats._stats_py" in sys.modules)
"""


def test_great_expectations_has_scipy_when_it_uses_it() -> None:
    said = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["False", "0.5 True"]
