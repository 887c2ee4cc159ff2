-- Requests of effective loads, one row each.
select
    requests.load_id,
    requests.row_no,
    loads.instance,
    loads.ref_area,
    requests.id as request_id,
    -- the code is "group.theme" and no number: the group is the text before the point
    'G' || split_part(requests.category, '.', 1) as category_group,
    requests.category,
    requests.status,
    -- 0 says "not rated": it is no score
    nullif(requests.rating, 0) as rating,
    requests.opened as opened_on,
    requests.planned as planned_on,
    case when requests.planned >= requests.opened then requests.planned - requests.opened end as planned_days,
    requests.organisation_id,
    requests.lat,
    requests.lng,
    -- a delivery replaces one month of one city: that month is the period of all its rows
    {{ month_code('loads.first_day') }} as time_period
from {{ source('raw', 'appeals_115__requests') }} as requests
inner join {{ source('ops', 'effective_load') }} as loads on requests.load_id = loads.load_id
