-- The periods for which an instance of a feed owes a delivery: from the first that it delivered to the newest that is
-- due; one that has never delivered owes the newest that is due.
with series as (
    select
        feeds.source,
        feeds.feed,
        feeds.cadence,
        feeds.expected_within_days,
        instances.instance,
        instances.ref_area,
        coalesce(deliveries.part, '') as part,
        min(deliveries.first_day) as first_day,
        min(deliveries.received_on) as first_received_on
    from {{ ref('stg_catalogue__feed') }} as feeds
    inner join {{ ref('stg_catalogue__instance') }} as instances on feeds.source = instances.source
    left join {{ ref('int_reporting_delivery') }} as deliveries
        on
            feeds.source = deliveries.source
            and feeds.feed = deliveries.feed
            and instances.instance = deliveries.instance
    where feeds.expected_within_days is not null
    group by
        feeds.source, feeds.feed, feeds.cadence, feeds.expected_within_days, instances.instance, instances.ref_area,
        coalesce(deliveries.part, '')
),

due as (
    select
        series.source,
        series.feed,
        series.instance,
        series.part,
        series.ref_area,
        series.first_day as owes_from,
        series.first_received_on,
        periods.freq,
        periods.time_period,
        periods.first_day,
        periods.last_day,
        periods.last_day + series.expected_within_days as due_on,
        row_number() over (
            partition by series.source, series.feed, series.instance, series.part order by periods.last_day desc
        ) = 1 as is_newest
    from series
    inner join {{ ref('int_reporting_period') }} as periods on series.cadence = periods.cadence
    where periods.last_day + series.expected_within_days < {{ today() }}
)

select
    source,
    feed,
    instance,
    part,
    ref_area,
    first_received_on,
    freq,
    time_period,
    first_day,
    last_day,
    due_on
from due
where last_day >= owes_from or (owes_from is null and is_newest)
