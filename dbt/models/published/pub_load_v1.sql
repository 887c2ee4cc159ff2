-- How many rows a load has is not told while its observations are under embargo: it is often a figure itself.
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
    case when embargo.load_id is null then loads.rows_delivered end as rows_delivered,
    case when embargo.load_id is null then loads.rows_accepted end as rows_accepted,
    case when embargo.load_id is null then loads.rows_quarantined end as rows_quarantined,
    coalesce(loads.not_retained, false) as not_retained,
    feeds.licence,
    feeds.attribution,
    coalesce(loads.synthetic, false) as synthetic
from {{ source('ops', 'effective_load') }} as loads
inner join {{ ref('stg_catalogue__feed') }} as feeds on loads.source = feeds.source and loads.feed = feeds.feed
left join {{ ref('int_embargo_load') }} as embargo on loads.load_id = embargo.load_id
