-- How much of a source's own control total its deliveries hold. Months that the total touches are weighed whole, so the
-- share is an upper bound.
with totals as (
    select
        totals.source,
        totals.feed,
        totals.instance,
        totals.period_from,
        totals.period_to,
        totals.expected_rows,
        totals.reference,
        sum(loads.rows_delivered) as delivered_rows
    from {{ source('catalogue', 'control_total') }} as totals
    inner join {{ source('ops', 'effective_load') }} as loads
        on
            totals.source = loads.source
            and totals.feed = loads.feed
            and totals.instance = loads.instance
            and totals.period_from <= loads.last_day
            and totals.period_to >= loads.first_day
    group by
        totals.source, totals.feed, totals.instance, totals.period_from, totals.period_to, totals.expected_rows,
        totals.reference
)

select
    loads.load_id,
    totals.expected_rows as control_total,
    cast(totals.delivered_rows as bigint) as control_delivered,
    {{ percentage('totals.delivered_rows', 'totals.expected_rows') }} as control_share_pct,
    {{ percentage('totals.delivered_rows', 'totals.expected_rows') }}
    < {{ var('control_share_minimum_pct') }} as is_low,
    totals.reference
from totals
inner join {{ source('ops', 'effective_load') }} as loads
    on
        totals.source = loads.source
        and totals.feed = loads.feed
        and totals.instance = loads.instance
        and totals.period_from <= loads.last_day
        and totals.period_to >= loads.first_day
