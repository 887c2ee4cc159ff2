select
    loads.load_id,
    loads.source,
    loads.feed,
    loads.instance,
    loads.ref_area,
    loads.slice,
    loads.first_day,
    loads.last_day,
    loads.sha256,
    cast(loads.files as varchar) as files,
    cast(loads.received_at as timestamp) as received_at,
    loads.state,
    loads.rows_delivered,
    loads.rows_accepted,
    loads.rows_quarantined,
    coalesce(loads.not_retained, false) as not_retained,
    feeds.licence,
    feeds.attribution,
    coalesce(loads.synthetic, false) as synthetic
from {{ source('ops', 'effective_load') }} as loads
inner join {{ source('catalogue', 'feed') }} as feeds on loads.source = feeds.source and loads.feed = feeds.feed
