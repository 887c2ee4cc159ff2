-- Area of towns by their administrative boundary.
select
    towns.load_id,
    towns.row_no,
    towns.city_id as ref_area,
    towns.admin_area_km2 as area_km2
from {{ source('raw', 'territory_register__town_areas') }} as towns
inner join {{ source('ops', 'effective_load') }} as loads on towns.load_id = loads.load_id
