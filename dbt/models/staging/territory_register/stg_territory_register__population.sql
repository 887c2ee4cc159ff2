-- Population on 1 January. As published: a district includes the city of oblast subordination that lies in it.
select
    people.load_id,
    people.row_no,
    people.territory_id as ref_area,
    cast(people.year as varchar) as time_period,
    people.population as persons,
    -- a census and the office's yearly estimate are its normal figures; what others reconstructed is an estimate
    case when people.status in ('c', 'e') then 'A' else 'E' end as obs_status
from {{ source('raw', 'territory_register__population') }} as people
inner join {{ source('ops', 'effective_load') }} as loads on people.load_id = loads.load_id
