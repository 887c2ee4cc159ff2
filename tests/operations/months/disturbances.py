"""What goes wrong in the machine room, and what has to be told of it. Which night, and at which moment: by a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

from tests.operations.months.deliveries import ARRIVALS, EMBARGO_DAY, may_be_disturbed
from tests.support import forked
from tests.support.crash import act_at, die

Place = tuple[str, str, int]

# before the ledger knows anything of it
LOADING: list[Place] = [
    ("pipelines.loading.landing:mark_pending", "after", 1),
    ("pipelines.loading.validate:formats.read", "after", 1),
    ("pipelines.loading.validate:gate.evaluate", "after", 1),
    ("pipelines.warehouse.ledger:_insert_batch", "after", 1),
    ("pipelines.loading.landing:clear_pending", "before", 1),
]
# dbt is on this model; the ledger is ahead of the marts
MODELS = [
    "int_observations_by_load",
    "int_indicator_value",
    "int_embargo_indicator",
    "mart_region_indicator_value",
    "pub_indicator_value_v1",
]
PUBLISHING: list[Place] = [
    ("pipelines.publishing.index_contract:evaluate_methods", "before", 1),
    ("pipelines.publishing.publication:seal", "before", 1),
]

Counts = dict[str, tuple[int, int]]  # kind of alert -> how often at least, at most
ONCE, AT_MOST_ONCE = (1, 1), (0, 1)


@dataclass(frozen=True)
class Disturbance:
    """What happens in a night, and which alerts that has to raise until the next morning."""

    kind: str
    alerts: Counts
    place: Place | None = None
    model: str | None = None
    seconds: float = 0.0
    leave_kb: int = 0
    phase: str = ""

    def __str__(self) -> str:
        about = self.place or self.model or self.phase or ""
        return f"{self.kind} {about} {f'{self.seconds:.1f} s' if self.seconds else ''} {self.leave_kb or ''}".strip()


def killed_run(place: Place) -> None:
    """``gorod run`` that dies at a place, for ``forked.start``."""
    act_at(*place, die)
    forked.command("run")


def plan(seed: int) -> dict[date, Disturbance]:
    """What happens in which night."""
    rng = Random(seed)
    nights = [day for day in ARRIVALS if may_be_disturbed(day)]
    dropped = [day for day in nights if any(one.dropped for one in ARRIVALS[day])]
    # the daemon sees what is dropped
    planned: dict[date, Disturbance] = {}
    for phase, day in zip(("load", "build"), rng.sample(dropped, 2), strict=True):
        # each of the files that were dropped has a run of its own
        told = {"run_failed": (0, 3), "build_stale": ONCE if phase == "build" else AT_MOST_ONCE}
        planned[day] = Disturbance(
            "daemon and run killed",
            {"scheduler_silent": (2, 2), **told},
            phase=phase,
            seconds=rng.uniform(0.0, 6.0),
        )
    planned[EMBARGO_DAY] = Disturbance(
        "killed in dbt", {"run_failed": ONCE, "build_stale": ONCE}, model=rng.choice(MODELS)
    )
    left = [day for day in nights if day not in planned]
    rng.shuffle(left)
    planned.update(zip(left, _of_the_command(rng), strict=False))
    return dict(sorted(planned.items()))


def _of_the_command(rng: Random) -> Iterator[Disturbance]:
    yield Disturbance(
        "full disk for an hour",
        {"run_failed": (0, 2), "warehouse_unreadable": AT_MOST_ONCE},
        leave_kb=rng.choice((0, 60, 700, 3000, 9000)),
    )
    for place in rng.sample(LOADING, 1):
        # what the ledger has before the kill (settle) is what the marts are behind
        behind = {"build_stale": ONCE} if "clear_pending" in place[0] else {}
        yield Disturbance("killed while it loads", {"run_failed": ONCE, **behind}, place=place)
    yield Disturbance("killed in dbt", {"run_failed": ONCE, "build_stale": ONCE}, model=rng.choice(MODELS))
    for place in PUBLISHING:
        yield Disturbance("killed while it publishes", {"run_failed": ONCE, "build_stale": ONCE}, place=place)
    while True:
        yield Disturbance(
            "killed at a random moment", {"run_failed": AT_MOST_ONCE, "build_stale": AT_MOST_ONCE},
            seconds=rng.uniform(0.5, 12.0),
        )  # fmt: skip
