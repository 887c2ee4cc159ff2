"""Faults seeded into an invented past: nearly all are caught, and the past itself raises nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipelines.loading.history.loads import ASKED
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse
from tests.loading.seeded import KINDS, Fault, World, clean_next, clean_past, faults
from tests.support.portal import use_home


@dataclass
class Seeded:
    """What came of one seed."""

    remarks: list[str] = field(default_factory=list)
    found: list[tuple[Fault, str]] = field(default_factory=list)

    def told(self) -> str:
        """Rates by kind, and what was missed."""
        lines = []
        for kind in KINDS:
            ends = Counter(end for fault, end in self.found if fault.kind == kind)
            lines.append(f"{kind}: {dict(ends)}")
        lines += [f"missed: {fault.kind}, {fault.what}" for fault, end in self.found if end == "missed"]
        return "\n".join(lines)


def remarks(world: World, given_seed: int) -> Iterator[str]:
    for given in clean_past(given_seed):
        outcome = world.enter(given)
        said = [r for r in outcome.results if not r.success and r.expectation in ASKED]
        if outcome.state != "accepted" or said:
            yield f"{given.feed} {given.instance} {given.period}: {outcome.state} {[r.says for r in said]}"


def seeded(world: World, seed: int, every: int = 1) -> Seeded:
    """Enter a past, try each ``every``-th fault on it, before and after the new years of the tables came."""
    result = Seeded(list(remarks(world, seed)))
    for of_new_years in (True, False):
        if not of_new_years:
            for given in clean_next(seed):
                accepted, said = world.attempt(given)
                told = [r.says for r in said if r.expectation in ASKED]
                if told or not accepted:
                    result.remarks.append(f"{given.feed} {given.instance} {given.period}: {told or said}")
                if given.source == "belstat":
                    world.enter(given)
        for fault in faults(seed, of_new_years)[seed % every :: every]:
            accepted, said = world.attempt(fault.given)
            end = "refused" if not accepted else "warned" if said else "missed"
            result.found.append((fault, end))
    return result


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings = use_home(monkeypatch, tmp_path / "home", None, gate_processes="0")
    found = World(settings, open_warehouse(settings), tmp_path / "tried")
    found.warehouse.prepare()
    yield found
    get_settings.cache_clear()


@pytest.mark.slow
def test_seeded_faults_are_caught(world: World) -> None:
    found = seeded(world, seed=1, every=3)
    assert found.remarks == []
    assert {fault.kind for fault, _ in found.found} == set(KINDS)
    missed = sum(end == "missed" for _, end in found.found)
    assert len(found.found) >= 35
    assert missed <= 0.05 * len(found.found), found.told()


@pytest.mark.repeated
@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
def test_two_hundred_seeded_faults_are_caught(world: World, seed: int) -> None:
    found = seeded(world, seed)
    assert found.remarks == []
    missed = sum(end == "missed" for _, end in found.found)
    assert len(found.found) >= 100
    assert missed <= 0.05 * len(found.found), found.told()
