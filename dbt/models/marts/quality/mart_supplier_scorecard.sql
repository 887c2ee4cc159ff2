-- How each source reports, by year: for the territory of each instance and every territory above it. Counts are of
-- periods that are due; a feed of several parts counts each.
with places as (
    select
        ref_area,
        ref_area as counted_for
    from {{ ref('dim_territory') }}
    union all
    select
        ref_area,
        ancestor as counted_for
    from {{ ref('int_territory_ancestor') }}
),

counted as (
    select
        reporting.source,
        places.counted_for as ref_area,
        substr(reporting.time_period, 1, 4) as time_period,
        count(*) as periods_expected,
        count(case when reporting.reporting_state not in ('missing', 'refused') then 1 end) as periods_accepted,
        count(case when reporting.reporting_state = 'on_time' then 1 end) as periods_on_time,
        count(case when reporting.reporting_state = 'late' then 1 end) as periods_late,
        count(case when reporting.reporting_state = 'history' then 1 end) as periods_history,
        count(case when reporting.reporting_state = 'refused' then 1 end) as periods_refused,
        count(case when reporting.reporting_state = 'missing' then 1 end) as periods_missing,
        count(case when reporting.is_accepted_at_first_try then 1 end) as periods_accepted_at_first_try,
        count(case when reporting.is_corrected then 1 end) as periods_corrected,
        bool_or(reporting.synthetic) as synthetic
    from {{ ref('mart_reporting') }} as reporting
    inner join places on reporting.ref_area = places.ref_area
    group by reporting.source, places.counted_for, substr(reporting.time_period, 1, 4)
)

select
    source,
    ref_area,
    time_period,
    periods_expected,
    periods_accepted,
    periods_on_time,
    periods_late,
    periods_history,
    periods_refused,
    periods_missing,
    periods_accepted_at_first_try,
    periods_corrected,
    {{ percentage('periods_accepted', 'periods_expected') }} as accepted_pct,
    -- of what was due after the supplier had begun; nothing of nothing: null
    {{ percentage('periods_on_time', '(periods_expected - periods_history)') }} as on_time_pct,
    {{ percentage('periods_accepted_at_first_try', '(periods_expected - periods_missing)') }} as first_try_pct,
    synthetic
from counted
