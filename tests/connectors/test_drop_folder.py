"""The drop folder: what is taken and when, what is told, and that nothing is ever removed but what landed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines.connectors import drop_entries, drop_folder
from pipelines.connectors.drop_folder import survey
from pipelines.deliveries import DROPPED
from pipelines.errors import OriginError
from pipelines.loading import landing, pending_markers
from pipelines.loading.candidates import load_candidates
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import Settings, get_settings
from tests.support import crash, forked
from tests.support.examples import shortened
from tests.support.portal import HEADER, Portal, use_home

WAY = Path("appeals_115") / "requests"


def content(month: str, rows: int = 5) -> bytes:
    return ("\n".join([HEADER, *Portal.rows(month, rows)]) + "\n").encode()


def name(month: str) -> str:
    return f"opendata-115-{month}-01.csv"


def drop(portal: Portal, month: str, rows: int = 5, instance: str = "minsk") -> Path:
    """Put a month into the drop folder."""
    path = portal.settings.inbox / WAY / instance / name(month)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(month, rows))
    return path


def load(portal: Portal) -> dict[str, LoadOutcome | OriginError]:
    """Load what is new, as a run does it; the last outcome of each slice."""
    given = load_candidates(portal.candidates(), portal.settings, portal.warehouse)
    return {candidate.slice.key: outcome for candidate, outcome in given}


def in_force(portal: Portal) -> dict[str, int]:
    """Rows of what is in force, by slice."""
    rows = portal.warehouse.query("select slice, rows_accepted from ops.effective_load order by slice")
    return {row["slice"]: row["rows_accepted"] for row in rows}


# ---- nothing is removed but what was dropped -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mirror",
    shortened(2, ["home/inbox_mirror", "home", "home/inbox2", "home/in%62ox", "home/inbox/../aside", "."]),
)
def test_files_of_a_mirror_are_never_removed(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = use_home(monkeypatch, tmp_path / "home", tmp_path / mirror)
    portal = Portal(given, tmp_path / mirror / "appeals_115")
    portal.warehouse.prepare()
    kept = portal.put("2024-01", portal.rows("2024-01", 5))
    dropped = drop(portal, "2024-02")
    load(portal)
    assert in_force(portal) == {"2024-01": 5, "2024-02": 5}
    assert kept.read_bytes() == content("2024-01")
    assert not dropped.exists()
    get_settings.cache_clear()


@pytest.mark.parametrize("mirror", ["inbox", "inbox/mirror", "link"])
def test_a_mirror_within_the_drop_folder_is_told_and_nothing_of_it_is_touched(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "inbox").mkdir(parents=True)
    (home / "link").symlink_to(home / "inbox")
    given = use_home(monkeypatch, home, home / mirror)
    portal = Portal(given, home / mirror / "appeals_115")
    portal.warehouse.prepare()
    kept = portal.put("2024-01", portal.rows("2024-01", 5))
    plan = make_plan(Wanted("appeals_115"), given, portal.warehouse)
    assert plan.candidates == {}
    assert "lies in the drop folder" in plan.failures["appeals_115", "requests"].message
    assert "set GOROD_MIRROR" in plan.failures["appeals_115", "requests"].remedy
    assert kept.read_bytes() == content("2024-01")
    get_settings.cache_clear()


def test_a_drop_folder_that_is_reached_by_a_link_is_emptied_where_it_is(
    portal: Portal, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "big disk"
    elsewhere.mkdir()
    portal.settings.home.mkdir(exist_ok=True)
    portal.settings.inbox.symlink_to(elsewhere)
    drop(portal, "2024-01")
    load(portal)
    assert in_force(portal) == {"2024-01": 5}
    assert not (elsewhere / WAY / "minsk" / name("2024-01")).exists()


def test_nothing_behind_a_link_is_taken_or_removed(portal: Portal, tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    target.mkdir()
    (target / name("2024-01")).write_bytes(content("2024-01"))
    folder = portal.settings.inbox / WAY
    (folder / "minsk").mkdir(parents=True)
    (folder / "minsk" / name("2024-01")).symlink_to(target / name("2024-01"))
    (folder / "minsk" / name("2024-02")).symlink_to(tmp_path / "nowhere")
    (folder / "minsk" / ".gorod-aside-x").symlink_to(target)
    (folder / "brest").symlink_to(target)
    found = survey(portal.settings)
    assert found.candidates == []
    assert sum("a link" in fault for fault in found.faults) == 3
    assert (target / name("2024-01")).read_bytes() == content("2024-01")
    assert len(list(target.iterdir())) == 1


def rename_over(path: Path) -> None:
    other = path.with_name("other.part")
    other.write_bytes(content("2024-01", 7))
    other.replace(path)


def append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write("\n".join(Portal.rows("2024-01", 2, first=6)).encode() + b"\n")


def rewrite_in_disguise(path: Path) -> None:
    """The same size, inode and time, other bytes."""
    stat = path.stat()
    path.write_bytes(path.read_bytes().replace(b"6.30", b"6.31"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize(("act", "rows"), [(rename_over, 7), (append, 7), (rewrite_in_disguise, 5)])
def test_what_took_the_place_of_a_file_while_it_was_loaded_is_loaded_next(
    act: Callable[[Path], None], rows: int, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(portal, "2024-01")
    clear_pending = pending_markers.clear_pending

    def meanwhile(*arguments: Any) -> None:
        clear_pending(*arguments)
        monkeypatch.setattr(pending_markers, "clear_pending", clear_pending)
        act(path)

    monkeypatch.setattr(pending_markers, "clear_pending", meanwhile)
    load(portal)
    assert path.exists()
    assert in_force(portal) == {"2024-01": 5}
    changed = hashlib.sha256(path.read_bytes()).hexdigest()
    load(portal)
    assert not path.exists()
    assert in_force(portal) == {"2024-01": rows}
    assert portal.scalar("select sha256 from ops.effective_load") == changed
    assert [entry.name for entry in path.parent.iterdir()] == []


def test_whatever_else_has_its_name_by_then_stays_as_it_is(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_bytes(content("2024-01"))
    clear_pending = pending_markers.clear_pending
    acts: list[Callable[[Path], None]] = [
        lambda path: path.symlink_to(theirs),
        lambda path: (path / "in it").mkdir(parents=True),
        lambda path: os.mkfifo(path),
        lambda _: None,
    ]
    for act in acts:
        path = drop(portal, "2024-01")

        def meanwhile(*arguments: Any, path: Path = path, act: Callable[[Path], None] = act) -> None:
            clear_pending(*arguments)
            path.unlink()
            act(path)

        monkeypatch.setattr(pending_markers, "clear_pending", meanwhile)
        load(portal)
        assert theirs.read_bytes() == content("2024-01")
        assert len(list(path.parent.iterdir())) == (0 if act is acts[-1] else 1)
        shutil.rmtree(path.parent)


def test_a_file_that_somebody_has_open_to_write_is_not_removed(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(portal, "2024-01")
    clear_pending = pending_markers.clear_pending
    writers = []

    def meanwhile(*arguments: Any) -> None:
        clear_pending(*arguments)
        writers.append(path.open("ab"))

    monkeypatch.setattr(pending_markers, "clear_pending", meanwhile)
    load(portal)
    (waiting,) = survey(portal.settings).waiting
    assert "is being written" in str(waiting)
    writers[0].write("\n".join(Portal.rows("2024-01", 1, first=6)).encode() + b"\n")
    writers[0].close()
    monkeypatch.setattr(pending_markers, "clear_pending", clear_pending)
    load(portal)
    assert in_force(portal) == {"2024-01": 6}
    assert not path.exists()


# ---- quiet -----------------------------------------------------------------------------------------------------------


@dataclass
class Clock:
    """A clock that goes on when it is told to, and by sleeping."""

    passed: float = 0.0
    asleep: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.real = time

    def time(self) -> float:
        return self.real.time() + self.passed

    def monotonic(self) -> float:
        return self.real.monotonic() + self.passed

    def sleep(self, seconds: float) -> None:
        self.asleep()
        self.passed += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    for module in (drop_folder, drop_entries):
        monkeypatch.setattr(module, "time", found)
    return found


@pytest.fixture
def careful(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """A portal whose drop folder waits 30 s."""
    given = use_home(monkeypatch, portal.settings.home, portal.settings.mirror, inbox_quiet_s="30")
    yield replace(portal, settings=given)


def offered(portal: Portal) -> list[str]:
    return [candidate.slice.key for candidate in survey(portal.settings).candidates]


YEAR = 365 * 24 * 3600


@pytest.mark.parametrize("mtime", [None, -YEAR, YEAR], ids=["now", "of the original", "in the future"])
def test_a_file_is_taken_when_it_has_not_changed_for_a_while(
    mtime: float | None, careful: Portal, clock: Clock
) -> None:
    path = drop(careful, "2024-01", 3)

    def dated() -> None:
        if mtime is not None:
            os.utime(path, (clock.real.time() + mtime,) * 2)

    dated()
    found = survey(careful.settings)
    assert found.candidates == []
    (waiting,) = found.waiting
    assert waiting.path == path
    assert 29 < (waiting.seconds or 0) <= 30
    clock.passed += 25
    assert offered(careful) == []
    with path.open("ab") as stream:  # still growing
        stream.write("\n".join(Portal.rows("2024-01", 2, first=4)).encode())
    dated()
    # the entry changed by the clock of the machine, 25 s behind the one that is looked at
    clock.passed = 0
    assert offered(careful) == []
    clock.passed = 31
    assert offered(careful) == ["2024-01"]


def test_who_loads_waits_a_moment_and_takes_nothing_that_grew_meanwhile(
    portal: Portal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = use_home(monkeypatch, portal.settings.home, portal.settings.mirror, inbox_quiet_s="5")
    portal = replace(portal, settings=given)
    drop(portal, "2024-01")
    growing = drop(portal, "2024-02")

    # its entry is as young after the wait as before
    def grow() -> None:
        append(growing)
        os.utime(growing, (clock.real.time() + 60,) * 2)

    clock.asleep = grow
    plan = make_plan(Wanted("appeals_115"), portal.settings, portal.warehouse)
    assert [candidate.slice.key for candidates in plan.candidates.values() for candidate in candidates] == [
        "2024-01"
    ]
    assert 4 < clock.passed <= 5.1
    (waiting,) = plan.waiting
    assert str(growing) in waiting


def test_who_only_looks_waits_for_nobody_and_long_quiet_is_for_the_next_run(
    careful: Portal, clock: Clock
) -> None:
    drop(careful, "2024-01")
    assert offered(careful) == []
    assert make_plan(Wanted("appeals_115"), careful.settings, careful.warehouse).candidates == {}
    assert clock.passed == 0


def test_a_file_that_was_complete_under_another_name_is_taken_when_it_is_renamed(
    careful: Portal, clock: Clock
) -> None:
    path = drop(careful, "2024-01")
    part = path.rename(path.with_name(path.name + ".part"))
    os.utime(part, (clock.real.time() + YEAR,) * 2)  # so that only what was seen can tell
    assert "unfinished by its name" in str(survey(careful.settings).waiting[0])
    clock.passed += 31
    assert offered(careful) == []
    part.rename(path)
    assert offered(careful) == ["2024-01"]


def test_a_file_with_a_writer_waits_however_old_it_is(portal: Portal) -> None:
    path = drop(portal, "2024-01")
    with path.open("ab") as stream:
        os.utime(path, (1, 1))
        found = survey(portal.settings)
        assert found.candidates == []
        assert "is being written" in str(found.waiting[0])
        stream.write(b"")
    assert offered(portal) == ["2024-01"]
    with path.open("rb"):  # a reader is nobody's business
        assert offered(portal) == ["2024-01"]


# ---- what is new -----------------------------------------------------------------------------------------------------


def test_the_bytes_in_force_dropped_again_are_told_and_do_not_stay(portal: Portal) -> None:
    first = drop(portal, "2024-01")
    load(portal)
    assert not first.exists()
    again = drop(portal, "2024-01")
    outcome = load(portal)["2024-01"]
    assert isinstance(outcome, LoadOutcome)
    assert (outcome.new, outcome.state) == (False, "accepted")
    assert not again.exists()
    assert list(portal.states().values()) == ["accepted"]


def test_refused_bytes_dropped_again_are_judged_again(portal: Portal) -> None:
    for _ in range(2):
        path = drop(portal, "2024-01")
        path.write_bytes(content("2023-05"))
        load(portal)
        assert not path.exists()
    assert list(portal.states().values()) == ["rejected", "rejected"]


def test_other_bytes_of_the_same_name_size_and_time_are_taken(portal: Portal) -> None:
    for category in (b"6.30", b"6.31"):
        path = drop(portal, "2024-01")
        path.write_bytes(content("2024-01").replace(b"6.30", category))
        os.utime(path, (10**9, 10**9))
        load(portal)
    assert list(portal.states().values()) == ["superseded", "accepted"]


def touch(portal: Portal) -> Portal:
    for path in portal.folder.iterdir():
        os.utime(path, (10**9, 10**9))
    return portal


def copied_anew(portal: Portal) -> Portal:
    for path in list(portal.folder.iterdir()):
        shutil.copy(path, portal.folder / "x")
        (portal.folder / "x").rename(path)
    return portal


def moved(portal: Portal) -> Portal:
    elsewhere = portal.settings.home.parent / "another disk" / "mirror"
    shutil.copytree(portal.folder, elsewhere / "appeals_115")
    shutil.rmtree(portal.folder)
    given = portal.settings.model_copy(update={"mirror": elsewhere})
    return Portal(given, elsewhere / "appeals_115")


@pytest.mark.parametrize(
    ("act", "in_one_run"),
    [
        (touch, False), (moved, False), (copied_anew, False), (copied_anew, True),
        *(pytest.param(act, True, marks=pytest.mark.long) for act in (touch, moved)),
    ],
)  # fmt: skip
def test_an_origin_that_offers_what_it_offered_supersedes_no_correction(
    act: Callable[[Portal], Portal], in_one_run: bool, portal: Portal
) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    load(portal)
    drop(portal, "2024-01", 8)
    if not in_one_run:
        load(portal)
    portal = act(portal)
    load(portal)
    assert in_force(portal) == {"2024-01": 8}
    assert len(portal.states()) == 2
    assert portal.candidates() == []  # the new fingerprint is known
    portal.put("2024-01", portal.rows("2024-01", 9))  # something new it is still believed
    load(portal)
    assert in_force(portal) == {"2024-01": 9}


def test_the_public_address_offers_what_its_mirror_offered_and_has_nothing_new(
    portal: Portal,
) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    (mirrored,) = portal.candidates()
    load(portal)
    drop(portal, "2024-01", 8)
    load(portal)
    public = replace(mirrored, origin="https://portal.example/x.csv", fingerprint="etag:1")
    ((_, outcome),) = load_candidates([public], portal.settings, portal.warehouse)
    assert isinstance(outcome, LoadOutcome)
    assert not outcome.new
    assert in_force(portal) == {"2024-01": 8}


def test_a_ledger_of_before_knows_its_mirror_by_its_path(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    load(portal)
    drop(portal, "2024-01", 8)
    load(portal)
    inbox = (portal.settings.inbox / WAY / "minsk" / "x.csv").as_uri()
    with portal.warehouse.connection() as connection:
        connection.execute(
            "update ops.candidate set origin = case when origin like 'inbox:%' then ? else ? end",
            [inbox, "file:///mnt/old/mirror/appeals_115/x.csv"],
        )
    load(touch(portal))
    assert in_force(portal) == {"2024-01": 8}


def test_of_two_that_are_new_at_once_the_drop_folder_has_the_last_word(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    drop(portal, "2024-01", 8)
    load(portal)
    assert in_force(portal) == {"2024-01": 8}


@pytest.mark.parametrize(("origin", "invented"), [("sample", True), ("mirror", False), ("public", False)])
def test_what_is_dropped_beside_the_samples_is_marked_as_invented(
    origin: str, invented: bool, portal: Portal
) -> None:
    given = portal.settings.model_copy(update={"origin": origin})
    drop(portal, "2024-01")
    (candidate,) = [
        candidate
        for candidate in survey(given, "appeals_115").candidates
        if candidate.origin.startswith(DROPPED)
    ]
    assert candidate.synthetic is invented


# ---- killed ----------------------------------------------------------------------------------------------------------

PLACES = [
    ("pipelines.connectors.dropped_file:DroppedFile.fetch", "after"),
    ("pipelines.loading.pending_markers:clear_pending", "before"),
    ("pipelines.connectors.dropped_file:DroppedFile.remove", "before"),
    ("pipelines.connectors.dropped_file:DroppedFile._is_what_landed", "before"),
    ("pipelines.connectors.dropped_file:DroppedFile._is_what_landed", "after"),
    ("pipelines.connectors.dropped_file:restore", "before"),
]


def load_and_die(home: Path, mirror: Path, place: str, when: str) -> None:
    """In a process of its own: load what was dropped, and die on the way."""
    crash.act_at(place, when, 1, crash.die)
    given = Settings(home=home, mirror=mirror, origin="mirror", warehouse="", inbox_quiet_s=0)
    load(Portal(given, mirror / "appeals_115"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "state"),
    [
        (PLACES[0], "accepted"),
        (PLACES[2], "rejected"),
        *(pytest.param(place, "accepted", marks=pytest.mark.long) for place in PLACES[1:]),
        *(pytest.param(place, "rejected", marks=pytest.mark.long) for place in (*PLACES[:2], *PLACES[3:])),
    ],
    ids=lambda given: given if isinstance(given, str) else " ".join(given).rpartition(":")[2],
)
def test_a_run_killed_between_landing_and_removal_loses_nothing_and_loads_it_once(
    place: tuple[str, str], state: str, portal: Portal, tmp_path: Path
) -> None:
    path = drop(portal, "2024-01")
    if state == "rejected":
        path.write_bytes(content("2023-05"))
    assert portal.settings.mirror is not None
    process = forked.start(
        tmp_path / "said.txt",
        dict(os.environ),
        load_and_die,
        portal.settings.home,
        portal.settings.mirror,
        *place,
    )
    process.join()
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "said.txt").read_text()
    # what a run does: first what landed before
    from pipelines.loading.load import load_delivery

    for delivery in pending_markers.pending_deliveries(portal.settings, "appeals_115", "requests"):
        load_delivery(delivery, portal.settings, portal.warehouse)
    load(portal)
    assert list(portal.states().values()) == [state]
    assert list(path.parent.iterdir()) == []
    assert survey(portal.settings).faults == []


# ---- whatever lies there ---------------------------------------------------------------------------------------------

NAMES = [
    name("2024-01"), name("2024-02"), name("2062-10"), name("9999-12"), name("0000-01"), name("2014-01"),
    "opendata-115-٢٠٢٤-٠١-01.csv", "2024-01.csv", ".hidden", name("2024-03") + ".part", "заявки за май.csv",
    "two\nlines.csv", "x" * 255, os.fsdecode(b"\xff\xfe.csv"), "..csv", "%2e%2e.csv", "[red].csv", "population.csv",
    "wage_10218000003_2010-2062.json", "minsk", "requests",
]  # fmt: skip
FOLDERS = [
    "", "appeals_115", "Appeals_115", "appeals_115/requests", "appeals_115/minsk", "appeals_115/requests/minsk",
    "appeals_115/requests/Minsk", "appeals_115/requests/minsk/sub", "appeals_115/requests/brest",
    "belstat/wages/by", "territory_register/population/by", "beltelecom_inventory/resources/brest", ".git",
    "appeals_115/requests/minsk/.gorod-aside-1",
]  # fmt: skip
KINDS = ["file", "empty", "folder", "pipe", "link", "dangling", "ring", "socket-like"]

trees = st.lists(
    st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES), st.sampled_from(KINDS)), max_size=14
)


def put(root: Path, folder: str, name: str, kind: str, outside: Path) -> None:
    """Put an entry somewhere, unless something is there already."""
    path = root / folder / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        match kind:
            case "file" | "empty":
                with path.open("xb") as out:
                    out.write(b"" if kind == "empty" else content("2024-01"))
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "link":
                path.symlink_to(outside / "theirs.csv")
            case "dangling":
                path.symlink_to(outside / "nowhere")
            case "ring":
                path.symlink_to(path)
            case _:
                path.symlink_to("/dev/zero")
    except OSError as error:  # below a file, a broken link or a ring of links nothing can be put
        if error.errno not in {errno.EEXIST, errno.ENOTDIR, errno.ELOOP}:
            raise


def entries(root: Path) -> set[Path]:
    """All that is below a folder, but for folders that hold something."""
    return {
        path for path in root.rglob("*") if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
    }


def files(root: Path) -> int:
    """How many regular files there are."""
    return sum(path.is_file() and not path.is_symlink() for path in root.rglob("*"))


def check_tree(tree: list[tuple[str, str, str]]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        base = Path(os.path.realpath(folder))
        outside = base / "outside"
        outside.mkdir()
        (outside / "theirs.csv").write_bytes(b"theirs")
        given = use_home(monkeypatch, base / "home", outside)
        given.inbox.mkdir(parents=True)
        for one in tree:
            put(given.inbox, *one, outside)
        before, there = entries(given.inbox), files(given.inbox)
        landed: list[Path] = []
        left = survey(given)
        # a name that a landing has freed goes back to the file that was put aside under it, and is taken the next time
        freed = {path.parent.parent / path.name for path in before if drop_folder.ASIDE in path.parent.name}
        while left.candidates:
            for candidate in left.candidates:
                path = given.inbox / drop_folder_path(candidate.origin)
                assert path not in landed or path in freed
                bytes_there = path.read_bytes()
                delivery = landing.land(candidate, given)
                assert delivery.paths[0].read_bytes() == bytes_there
                assert candidate.remove is not None
                candidate.remove(delivery.sha256)
                landed.append(path)
            assert len(landed) <= there
            left = survey(given)
        after = entries(given.inbox)
        # a folder that was put aside under a name that landed has its name back
        assert {path for path in landed if path in after and not (path in freed and path.is_dir())} == set()
        told = "\n".join([*left.faults, *map(str, left.waiting)])
        for path in before - set(landed):
            shown = drop_folder.shown(path)
            known = any(drop_folder.shown(parent) in told for parent in [path, *path.parents[:-1]]
                        if parent != given.inbox and given.inbox in parent.parents)  # fmt: skip
            is_declared_folder = path in after and path.is_dir() and not path.is_symlink()
            put_back = ".gorod-aside" in shown and path not in after
            assert known or is_declared_folder or put_back, shown
        assert files(given.inbox) + len(landed) == there
        assert (outside / "theirs.csv").read_bytes() == b"theirs"
        assert "\n\n" not in told and all(line.isprintable() for line in told.splitlines())
        get_settings.cache_clear()


def drop_folder_path(origin: str) -> str:
    from urllib.parse import unquote

    return unquote(origin.removeprefix("inbox:"))


@given(trees)
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_entry_is_taken_waits_or_is_told(tree: list[tuple[str, str, str]]) -> None:
    check_tree(tree)


@pytest.mark.repeated
@pytest.mark.long
@given(trees)
@hypothesis_settings(max_examples=1500, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_entry_of_many_trees(tree: list[tuple[str, str, str]]) -> None:
    check_tree(tree)


def test_wrong_places_are_told_with_the_right_one(portal: Portal) -> None:
    root = portal.settings.inbox
    for folder in ("Appeals_115/requests/minsk", "appeals_115/minsk", "appeals_115/requests/Minsk"):
        (root / folder).mkdir(parents=True)
        (root / folder / name("2024-01")).write_bytes(content("2024-01"))
    (root / name("2024-01")).write_bytes(content("2024-01"))
    plan = make_plan(Wanted(), portal.settings, portal.warehouse)
    assert not [
        candidate for candidates in plan.candidates.values() for candidate in candidates if candidate.remove
    ]
    told = "\n".join(plan.faults)
    assert (
        f"{root}/Appeals_115: no source has this name, so nothing in it is taken; did you mean 'appeals_115'?"
        in told
    )
    assert f"{root}/appeals_115/minsk: no feed has this name" in told
    assert "did you mean 'minsk'?" in told
    assert f"{root}/{name('2024-01')}: lies above" in told
    assert len(plan.faults) == 4
