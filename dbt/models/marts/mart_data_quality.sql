-- How good each slice is: what was delivered, accepted and kept back, and what share of the source's own control total
-- the deliveries hold. One row for each load that was decided, superseded ones too.
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
left join {{ ref('int_load_reliability') }} as reliability on loads.load_id = reliability.load_id
