-- Each period for which an instance of a feed owes a delivery, and what came of it.
with answered as (
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
        min(case when deliveries.is_accepted then deliveries.load_no end)
        = min(deliveries.load_no) as is_first_accepted,
        count(case when deliveries.is_let_in then deliveries.load_no end)
        - count(distinct case when deliveries.is_let_in then deliveries.slice end) as corrections,
        coalesce(bool_or(deliveries.synthetic), false) as synthetic
    from {{ ref('int_reporting_due') }} as due
    left join {{ ref('int_reporting_delivery') }} as deliveries
        on
            due.source = deliveries.source
            and due.feed = deliveries.feed
            and due.instance = deliveries.instance
            and due.part = deliveries.part
            and due.first_day >= deliveries.first_day
            and due.last_day <= deliveries.last_day
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
