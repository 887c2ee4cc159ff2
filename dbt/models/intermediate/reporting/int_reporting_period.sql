-- The calendar of reporting: the periods of each cadence, from the first delivery to the running one.
with recursive cadences (cadence, freq, months) as (
    values
    ('daily', 'D', 1), ('monthly', 'M', 1), ('quarterly', 'Q', 3), ('half-yearly', 'S', 6), ('yearly', 'A', 12)
),

used as (
    select distinct
        cadences.cadence,
        cadences.freq,
        cadences.months
    from cadences
    inner join {{ ref('stg_catalogue__feed') }} as feeds on cadences.cadence = feeds.cadence
    where feeds.expected_within_days is not null
),

months as (
    -- two years at least: what never delivered is due all the same
    select cast(date_trunc('year', least(min(first_day), {{ today() }} - 731)) as date) as month
    from {{ ref('int_reporting_delivery') }}
    union all
    select cast(month + interval '1 month' as date) as month
    from months
    where month + interval '1 month' <= {{ today() }}
),

days as (
    select 0 as day_no
    union all
    select day_no + 1 as day_no from days
    where day_no < 30
),

spans as (
    select
        used.cadence,
        used.freq,
        months.month as first_day,
        cast(months.month + used.months * interval '1 month' as date) - 1 as last_day
    from months
    inner join used on mod(cast(substr(cast(months.month as varchar), 6, 2) as integer) - 1, used.months) = 0
    where used.freq <> 'D'
    union all
    select
        used.cadence,
        used.freq,
        months.month + days.day_no as first_day,
        months.month + days.day_no as last_day
    from months
    cross join used
    inner join days on months.month + days.day_no < cast(months.month + interval '1 month' as date)
    where used.freq = 'D'
)

select
    cadence,
    freq,
    case freq
        when 'D' then cast(first_day as varchar)
        when 'M' then {{ month_code('first_day') }}
        when 'A' then substr(cast(first_day as varchar), 1, 4)
        when 'Q'
            then substr(cast(first_day as varchar), 1, 5) || 'Q' || cast(extract(quarter from first_day) as varchar)
        else
            substr(cast(first_day as varchar), 1, 5)
            || case when extract(month from first_day) = 1 then 'S1' else 'S2' end
    end as time_period,
    first_day,
    last_day
from spans
