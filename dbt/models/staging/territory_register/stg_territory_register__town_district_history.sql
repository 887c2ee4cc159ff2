-- Every list of towns and their districts that was ever accepted, in the order of entry.
select
    loads.load_no,
    cast(loads.received_at as date) as received_on,
    towns.load_id,
    towns.city_id as ref_area,
    towns.raion_id as district
from {{ source('raw', 'territory_register__town_districts') }} as towns
inner join {{ source('ops', 'accepted_load') }} as loads on towns.load_id = loads.load_id
