-- Occupancy of car parks: rows of effective loads, as they were delivered.
-- Generated from assets/sources/city_parking/source.yml. A staging model of this name in dbt/models takes its place.
select
    delivered.load_id,
    delivered.row_no,
    loads.instance,
    names.ref_area,
    case when names.ref_area is null then 'unknown' else 'whole' end as allocation,
    {{ month_code('delivered.observed_on') }} as time_period,
    delivered.observed_on,
    delivered.city,
    delivered.parking_code,
    delivered.places,
    delivered.occupied
from {{ source('raw', 'city_parking__occupancy') }} as delivered
inner join {{ source('ops', 'effective_load') }} as loads on delivered.load_id = loads.load_id
left join {{ source('catalogue', 'territory_name') }} as names
    on names.source = 'city_parking' and trim(delivered.city) = names.name
