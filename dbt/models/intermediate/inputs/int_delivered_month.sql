-- For each instance of a feed with monthly measures, every month from its first to its last delivery: delivered,
-- not_retained (the source had deleted it) or not_delivered.
with feeds as (
    select distinct source, feed
    from {{ source('catalogue', 'measure') }}
    where freq = 'M'
),

loads as (
    select loads.*
    from {{ source('ops', 'effective_load') }} as loads
    inner join feeds on loads.source = feeds.source and loads.feed = feeds.feed
    where loads.first_day is not null
),

spans as (
    select
        source,
        feed,
        instance,
        ref_area,
        min(first_day) as first_day,
        max(last_day) as last_day
    from loads
    group by source, feed, instance, ref_area
),

months as (
    select spans.*, months.time_period, months.first_day as month_first, months.last_day as month_last
    from spans
    inner join {{ ref('dim_period') }} as months
        on months.freq = 'M' and spans.last_day >= months.first_day and spans.first_day <= months.last_day
),

covered as (
    select
        months.source,
        months.feed,
        months.instance,
        months.ref_area,
        months.time_period,
        loads.load_id,
        coalesce(loads.not_retained, false) as not_retained,
        bool_or(not coalesce(loads.not_retained, false) and loads.load_id is not null) over (
            partition by months.source, months.feed, months.instance, months.time_period
        ) as is_delivered,
        loads.load_no = max(loads.load_no) over (
            partition by months.source, months.feed, months.instance, months.time_period
        ) as is_newest
    from months
    left join loads
        on
            months.source = loads.source
            and months.feed = loads.feed
            and months.instance = loads.instance
            and months.month_first <= loads.last_day
            and months.month_last >= loads.first_day
)

select
    source,
    feed,
    instance,
    ref_area,
    time_period,
    load_id,
    case
        when is_delivered then 'delivered'
        when load_id is not null then 'not_retained'
        else 'not_delivered'
    end as state
from covered
-- a month that was delivered after all is not marked by the empty delivery; of several empty ones the newest says so
where not not_retained or (not is_delivered and is_newest)
