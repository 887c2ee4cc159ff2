-- Each figure with that of the period before and that of the same period a year before. What was computed by another
-- version of the method is not compared, and no difference of a figure of low reliability is called significant.
with figures as (
    select
        {{ figure_key('figures') }},
        figures.obs_value,
        figures.method_version,
        intervals.interval_lower,
        intervals.interval_upper,
        earlier.time_period as previous_period,
        {{ year_before('figures.time_period') }} as year_before_period
    from {{ ref('mart_open_indicator_value') }} as figures
    left join {{ ref('mart_indicator_interval') }} as intervals
        on {{ same_figure('figures', 'intervals') }} and figures.obs_status <> 'U'
    inner join {{ ref('dim_period') }} as periods on figures.time_period = periods.time_period
    left join {{ ref('dim_period') }} as earlier
        on periods.freq = earlier.freq and periods.period_no - 1 = earlier.period_no
    where figures.obs_value is not null
)

select
    {{ figure_key('figures') }},
    previous.time_period as previous_period,
    previous.obs_value as previous_value,
    {{ fixed('figures.obs_value - previous.obs_value') }} as change,
    {{ exact_ratio(fixed('figures.obs_value - previous.obs_value'), fixed('abs(previous.obs_value)'), fixed('100')) }}
        as change_pct,
    {{ differs('figures', 'previous') }} as change_is_significant,
    year_before.time_period as year_before_period,
    year_before.obs_value as year_before_value,
    {{ fixed('figures.obs_value - year_before.obs_value') }} as year_change,
    {{ exact_ratio(
        fixed('figures.obs_value - year_before.obs_value'), fixed('abs(year_before.obs_value)'), fixed('100')
    ) }} as year_change_pct,
    {{ differs('figures', 'year_before') }} as year_change_is_significant
from figures
left join figures as previous
    on
        {{ same_figure('figures', 'previous', 'previous_period') }}
        and figures.method_version = previous.method_version
left join figures as year_before
    on
        {{ same_figure('figures', 'year_before', 'year_before_period') }}
        and figures.method_version = year_before.method_version
