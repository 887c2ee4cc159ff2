-- Each period for which an instance of a feed owes a delivery, and what came of it. It owes from the first period that it
-- delivered to the newest that is due; one that has never delivered owes the newest that is due.
with deliveries as (
    select
        source,
        feed,
        instance,
        part,
        slice,
        load_no,
        first_day,
        last_day,
        cast(received_at as timestamp) as received_at,
        -- the ledger keeps UTC; days are those of the country
        cast((received_at at time zone 'UTC') at time zone 'Europe/Minsk' as date) as received_on,
        outcome = 'accepted' as is_accepted,
        -- by the gate, or by a waiver later
        state <> 'rejected' as is_let_in,
        coalesce(synthetic, false) as synthetic
    from {{ source('ops', 'load_state') }}
    where first_day is not null and last_day is not null
),

series as (
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
    left join deliveries
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
),

answered as (
    select
        due.source,
        due.feed,
        due.instance,
        due.part,
        due.ref_area,
        due.freq,
        due.time_period,
        due.first_day,
        due.last_day,
        due.due_on,
        due.first_received_on,
        count(deliveries.load_no) as deliveries,
        count(case when not deliveries.is_accepted then deliveries.load_no end) as deliveries_refused,
        min(deliveries.received_at) as received_at,
        min(case when deliveries.is_let_in then deliveries.received_at end) as accepted_received_at,
        min(case when deliveries.is_let_in then deliveries.received_on end) as accepted_received_on,
        min(case when deliveries.is_accepted then deliveries.load_no end) = min(deliveries.load_no) as is_first_accepted,
        count(case when deliveries.is_let_in then deliveries.load_no end)
        - count(distinct case when deliveries.is_let_in then deliveries.slice end) as corrections,
        coalesce(bool_or(deliveries.synthetic), false) as synthetic
    from due
    left join deliveries
        on
            due.source = deliveries.source
            and due.feed = deliveries.feed
            and due.instance = deliveries.instance
            and due.part = deliveries.part
            and due.first_day >= deliveries.first_day
            and due.last_day <= deliveries.last_day
    where due.last_day >= due.owes_from or (due.owes_from is null and due.is_newest)
    group by
        due.source, due.feed, due.instance, due.part, due.ref_area, due.freq, due.time_period, due.first_day,
        due.last_day, due.due_on, due.first_received_on
)

select
    source,
    feed,
    instance,
    part,
    ref_area,
    freq,
    time_period,
    first_day,
    last_day,
    due_on,
    case
        when deliveries = 0 then 'missing'
        when accepted_received_on is null then 'refused'
        -- what a supplier hands over when it begins is history, and says nothing of its punctuality
        when due_on < first_received_on then 'history'
        when accepted_received_on <= due_on then 'on_time'
        else 'late'
    end as reporting_state,
    received_at,
    accepted_received_at,
    deliveries,
    deliveries_refused,
    coalesce(is_first_accepted, false) as is_accepted_at_first_try,
    corrections > 0 as is_corrected,
    synthetic
from answered
