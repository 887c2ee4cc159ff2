-- Every list of territories that was ever accepted, in the order of entry: what a later list leaves out stood here.
-- This and the history of town_districts are the two that read superseded loads: the past is in nothing else.
select
    loads.load_no,
    cast(loads.received_at as date) as received_on,
    units.load_id,
    units.territory_id as ref_area,
    case units.level when 'oblast' then 'region' when 'raion' then 'district' else units.level end as level,
    units.name_ru,
    units.name_be,
    units.parent_id,
    units.lon,
    units.lat,
    units.area_km2 as published_area_km2
from {{ source('raw', 'territory_register__territories') }} as units
inner join {{ source('ops', 'accepted_load') }} as loads on units.load_id = loads.load_id
