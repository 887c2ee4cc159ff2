-- The district in which a town lies on the map; a city of oblast subordination lies in it without being part of it.
select
    towns.load_id,
    towns.row_no,
    towns.city_id as ref_area,
    towns.raion_id as district
from {{ source('raw', 'territory_register__town_districts') }} as towns
inner join {{ source('ops', 'effective_load') }} as loads on towns.load_id = loads.load_id
