-- How good each slice is: what was delivered, accepted and kept back, and what share of the source's own control total
-- the deliveries hold. One row for each load that was decided, superseded ones too. Where several control totals touch
-- a load, the one of which least is delivered stands there: by it the load's reliability is judged.
with reliability as (
    select distinct on (load_id)
        load_id,
        control_total,
        control_delivered,
        control_share_pct,
        reference
    from {{ ref('int_load_reliability') }}
    order by load_id asc, control_share_pct asc nulls last, control_total desc, reference asc
)

select
    loads.load_id,
    loads.source,
    loads.feed,
    loads.instance,
    loads.ref_area,
    loads.slice,
    loads.state,
    loads.received_at,
    loads.decided_at,
    loads.rows_delivered,
    loads.rows_accepted,
    loads.rows_quarantined,
    -- nothing of nothing: null
    {{ percentage('loads.rows_accepted', 'loads.rows_delivered') }} as accepted_pct,
    coalesce(loads.not_retained, false) as not_retained,
    loads.warnings,
    reliability.control_total,
    reliability.control_delivered,
    reliability.control_share_pct,
    reliability.reference as control_reference,
    coalesce(loads.synthetic, false) as synthetic
from {{ source('ops', 'load_state') }} as loads
left join reliability on loads.load_id = reliability.load_id
