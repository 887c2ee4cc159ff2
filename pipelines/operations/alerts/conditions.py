"""Current problems, from the ledger and Dagster's storage; nothing is stored here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines import moments
from pipelines.declarations.sources import load_sources
from pipelines.declarations.surveys import survey_of
from pipelines.errors import GorodError, WarehouseBusyError
from pipelines.operations.status import Status, read_status
from pipelines.orchestration.dagster_home import dagster_instance
from pipelines.orchestration.failures import is_refusal, name_of, subject_of
from pipelines.orchestration.orphans import fail_orphaned_runs
from pipelines.settings import Settings
from pipelines.surveys.standing import reminders
from pipelines.warehouse import open_warehouse

if TYPE_CHECKING:
    from dagster import DagsterInstance

RUN_FAILED, LOAD_REFUSED, FEED_LATE = "run_failed", "load_refused", "feed_late"
BUILD_STALE, SCHEDULER_SILENT, UNREADABLE = "build_stale", "scheduler_silent", "warehouse_unreadable"
TICKS_FAILED, ANSWER_OWED = "ticks_failed", "answer_owed"
OF_LEDGER = {LOAD_REFUSED, FEED_LATE, BUILD_STALE, ANSWER_OWED}
OF_DAGSTER = {RUN_FAILED, SCHEDULER_SILENT, TICKS_FAILED}

# How far back runs are considered; older failures that were not retried since are closed.
LOOK_BACK = timedelta(days=30)
MOST_RUNS = 2000
# Consecutive ticks that must fail: a sensor ticks again within seconds, a schedule only tomorrow.
FAILED_TICKS = 3
# Dagster's daemons that start runs: each sends a heartbeat every half minute.
DAEMONS = ("SCHEDULER", "SENSOR")


# job -> partition -> when the newest load of it was decided on
Entered = dict[str, dict[str, datetime]]


@dataclass(frozen=True)
class Condition:
    """A problem, reported if it lasts for ``after``. ``key`` stays the same as long as it is the same problem."""

    key: str
    says: str
    remedy: str
    after: timedelta = timedelta()

    @property
    def kind(self) -> str:
        """The first part of the key."""
        return self.key.split("/")[0]


@dataclass
class Seen:
    """What was found; ``unread`` are the kinds that could not be checked this time."""

    conditions: list[Condition] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)


def look(settings: Settings) -> Seen:
    """The current problems."""
    from sqlalchemy.exc import SQLAlchemyError

    seen = Seen()
    entered: Entered = {}
    try:
        status = read_status(settings)
        entered = entered_at(status.loads)
        seen.conditions += _of_status(status, settings)
        seen.conditions += _of_surveys(settings)
    except WarehouseBusyError:
        # a build is writing: the next pass sees the result
        seen.unread |= {*OF_LEDGER, UNREADABLE}
    except GorodError as error:
        seen.unread |= OF_LEDGER
        seen.conditions.append(
            Condition(UNREADABLE, f"Хранилище не читается: {error.message}", error.remedy or "gorod status")
        )
    try:
        with dagster_instance(settings) as instance:
            if instance is not None:
                seen.conditions += _of_dagster(instance, settings, entered)
    except (GorodError, SQLAlchemyError):
        seen.unread |= OF_DAGSTER
    return seen


def _of_status(status: Status, settings: Settings) -> Iterator[Condition]:
    for load_id in status.refused:
        yield Condition(
            f"{LOAD_REFUSED}/{load_id}", f"Загрузка отклонена: {load_id}", f"gorod explain {load_id}"
        )
    for feed in status.feeds:
        # the answers to a survey have deadlines of their own, which can be extended
        for late in () if survey_of(feed.source, feed.feed) else feed.late:
            by = "ни разу не поставлял" if late.days is None else f"опаздывает, дней: {late.days}"
            yield Condition(
                "/".join(
                    [FEED_LATE, f"{feed.source}.{feed.feed}", late.instance, *filter(None, [late.part])]
                ),
                f"{feed.source}.{feed.feed}: {late.who} {by}",
                "Спросите поставщика; gorod status",
            )
    if status.stale or status.unpublished:
        failed = status.failed_build
        why = f"; последняя сборка не удалась: {'; '.join(failed.says)}" if failed else ""
        yield Condition(
            BUILD_STALE,
            f"Витрины отстают от журнала загрузок дольше {settings.alert_stale_h:g} ч{why}",
            f"gorod status; {failed.where}" if failed else "gorod run",
            timedelta(hours=settings.alert_stale_h),
        )


def _of_surveys(settings: Settings) -> Iterator[Condition]:
    """Each stage of reminding is a problem of its own: it is reported once, and over with the next one."""
    warehouse = open_warehouse(settings)
    known = warehouse.query(
        "select 1 as one from information_schema.tables where table_schema = 'ops' and table_name = 'extension'"
    )
    for reminder in reminders(warehouse) if known else ():
        one = reminder.standing
        yield Condition(
            "/".join([ANSWER_OWED, one.survey, one.period, one.territory, reminder.stage]),
            reminder.says,
            f"gorod survey status {one.survey}; отсрочка: gorod survey extend",
        )


def _of_dagster(instance: DagsterInstance, settings: Settings, entered: Entered) -> Iterator[Condition]:
    fail_orphaned_runs(instance)
    yield from _failed_runs(instance, entered)
    yield from _failed_ticks(instance)
    silent_since = _silent_since(instance, timedelta(minutes=settings.alert_silent_min))
    if silent_since is not None:
        since = (
            f"с {moments.format_minsk(silent_since)}"
            if silent_since > datetime.min.replace(tzinfo=UTC)
            else "и не начинал"
        )
        yield Condition(
            SCHEDULER_SILENT,
            f"Планировщик (gorod daemon) молчит {since}: расписания и сенсоры не работают",
            "systemctl status gorod-daemon; systemctl restart gorod-daemon",
        )


def _failed_runs(instance: DagsterInstance, entered: Entered) -> Iterator[Condition]:
    """The newest run of each job and partition, if it failed.

    A killed range of partitions is finished in parts, or by the daemon one partition at a time: if a run of the same job with
    one of its partitions succeeds, the problem is over. It is also over if the ledger has a load of such a partition since the
    run began: a run killed right after it entered its load leaves nothing to run again.
    """
    from dagster import DagsterRunStatus, RunsFilter

    from assets.partitions import partitions_of_run

    ended = RunsFilter(
        statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE],
        created_after=moments.now() - LOOK_BACK,
    )
    newest: set[str] = set()
    well: dict[str, set[str]] = {}
    for record in instance.get_run_records(ended, limit=MOST_RUNS):
        run = record.dagster_run
        what, job = subject_of(run), name_of(run)
        if run.status is DagsterRunStatus.SUCCESS:
            well.setdefault(job, set()).update(partitions_of_run(run))
        if what in newest:
            continue
        newest.add(what)
        partitions = partitions_of_run(run)
        loaded = entered.get(run.job_name, {})
        since = record.create_timestamp
        if (
            run.status is DagsterRunStatus.FAILURE
            and not partitions & well.get(job, set())
            and not any(loaded[one] >= since for one in partitions & loaded.keys())
            # a refused load has its own alert
            and not is_refusal(instance, run)
        ):
            at = datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)
            yield Condition(
                f"{RUN_FAILED}/{what}",
                f"Прогон {what} завершился ошибкой: run {run.run_id[:8]}, {moments.format_minsk(at)}",
                f"gorod status; gorod ui, run {run.run_id[:8]}",
            )


def entered_at(loads: Iterable[Mapping[str, Any]]) -> Entered:
    """For each job that loads, when the newest load of each of its partitions was decided on."""
    from assets.partitions import load_job_name, partition_of_load

    found: Entered = {}
    declared = load_sources()
    for load in loads:
        if load["source"] not in declared or load["feed"] not in declared[load["source"]].feeds:
            continue
        partition = partition_of_load(load)
        if partition is not None:
            of_job = found.setdefault(load_job_name(load["source"], load["feed"]), {})
            decided = load["decided_at"].replace(tzinfo=UTC)
            of_job[partition] = max(of_job.get(partition, decided), decided)
    return found


def _failed_ticks(instance: DagsterInstance) -> Iterator[Condition]:
    """Schedules and sensors that are switched on and fail themselves: they start no run, so no run can fail."""
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.scheduler.instigation import TickStatus

    ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
    since = (moments.now() - LOOK_BACK).timestamp()
    for state in instance.all_instigator_state():
        if not state.is_running:
            continue
        wanted = 1 if state.instigator_type is InstigatorType.SCHEDULE else FAILED_TICKS
        ticks = instance.get_ticks(
            state.instigator_origin_id, state.selector_id, after=since, limit=wanted, statuses=ended
        )
        if len(ticks) == wanted and all(tick.status is TickStatus.FAILURE for tick in ticks):
            why = ticks[0].error.message.strip().splitlines()[-1] if ticks[0].error else ""
            yield Condition(
                f"{TICKS_FAILED}/{state.instigator_name}",
                f"{state.instigator_name} не срабатывает, последняя попытка "
                f"{moments.format_minsk(datetime.fromtimestamp(ticks[0].timestamp, UTC))}: {why}",
                f"gorod ui, Automation, {state.instigator_name}",
            )


def _silent_since(instance: DagsterInstance, longest: timedelta) -> datetime | None:
    """Since when the daemon has been silent for too long; the minimum time if it should run but never did."""
    beats = instance.get_daemon_heartbeats()
    if not beats:
        is_wanted = any(state.is_running for state in instance.all_instigator_state())
        return datetime.min.replace(tzinfo=UTC) if is_wanted else None
    last = min((beats[name].timestamp if name in beats else 0.0) for name in DAEMONS)
    since = datetime.fromtimestamp(last, UTC)
    return since if moments.now() - since > longest else None
