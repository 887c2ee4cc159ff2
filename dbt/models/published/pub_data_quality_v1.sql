-- Counts are not told while the observations of the load are under embargo: they are often figures themselves.
select
    loads.load_id,
    loads.source,
    loads.feed,
    loads.instance,
    loads.ref_area,
    loads.slice,
    loads.state,
    cast(loads.received_at as timestamp) as received_at,
    case when embargo.load_id is null then loads.rows_delivered end as rows_delivered,
    case when embargo.load_id is null then loads.rows_accepted end as rows_accepted,
    case when embargo.load_id is null then loads.rows_quarantined end as rows_quarantined,
    case when embargo.load_id is null then loads.accepted_pct end as accepted_pct,
    loads.control_total,
    case when embargo.load_id is null then loads.control_delivered end as control_delivered,
    case when embargo.load_id is null then loads.control_share_pct end as control_share_pct,
    loads.not_retained,
    loads.warnings,
    loads.synthetic
from {{ ref('mart_data_quality') }} as loads
left join {{ ref('int_embargo_load') }} as embargo on loads.load_id = embargo.load_id
