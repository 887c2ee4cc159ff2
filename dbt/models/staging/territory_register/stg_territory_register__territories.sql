-- The list of territories, with the words of this warehouse for the levels.
select
    units.load_id,
    units.row_no,
    units.territory_id as ref_area,
    case units.level when 'oblast' then 'region' when 'raion' then 'district' else units.level end as level,
    units.name_ru,
    units.name_be,
    units.parent_id,
    units.lon,
    units.lat,
    -- as published: districts include the city of oblast subordination in them, and the outline of Minsk is too
    -- small (216 km2); the measure area_km2 mends both
    units.area_km2 as published_area_km2,
    units.flags
from {{ source('raw', 'territory_register__territories') }} as units
inner join {{ source('ops', 'effective_load') }} as loads on units.load_id = loads.load_id
