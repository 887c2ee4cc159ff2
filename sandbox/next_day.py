"""``python -m sandbox.next_day``: the day after the demo. Invented deliveries are put into the drop folder.

One city corrects a month, so figures are revised; another sends a file that the gate refuses.
"""

from __future__ import annotations

import sys

from pipelines.settings import get_settings
from sandbox.samples import appeals_115 as appeals


def main() -> None:
    """Put the deliveries into the drop folder of a home with the samples; refuse any other home."""
    settings = get_settings()
    if settings.origin != "sample":
        sys.exit(
            f"These deliveries are invented, and GOROD_ORIGIN is {settings.origin}: nothing was dropped."
        )
    if not (settings.published / "current").exists():
        sys.exit(f"There is no demo in {settings.home} yet: run `make demo` first.")
    for name, text in appeals.next_day().items():
        path = settings.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        print(f"dropped    {path}")


if __name__ == "__main__":
    main()
