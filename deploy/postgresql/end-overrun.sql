-- Ends what runs longer than its login may by assets/access.yml. Every session can lift its own statement_timeout, and
-- PostgreSQL has no way to forbid that: this asks the role, not the session. A superuser runs it each minute
-- (gorod-sessions.timer), or a login with pg_read_all_stats and pg_signal_backend.
with limited as (
    select
        rolname,
        max(split_part(setting, '=', 2)) filter (where setting like 'statement\_timeout=%')::interval as statement,
        max(split_part(setting, '=', 2)) filter (
            where setting like 'idle\_in\_transaction\_session\_timeout=%'
        )::interval as idle
    from pg_roles, unnest(rolconfig) as setting
    where rolcanlogin and not rolsuper
    group by rolname
)

select
    activity.pid,
    activity.usename,
    activity.state,
    now() - activity.state_change as since,
    pg_terminate_backend(activity.pid) as ended
from pg_stat_activity as activity
inner join limited on activity.usename = limited.rolname
where
    (activity.state in ('active', 'fastpath function call') and now() - activity.query_start > limited.statement)
    or (activity.state like 'idle in transaction%' and now() - activity.state_change > limited.idle);
