-- Population by age, sex and type of locality. The table holds totals beside their parts: to sum it, pick one
-- member of each dimension, or counts people several times.
select
    cells.load_id,
    cells.row_no,
    cells.territory,
    cells.territory_level,
    {{ belstat_territory() }},
    cells.period as time_period,
    case
        when cells.age = 'в возрасте 80 лет и старше' then 'Y_GE80'
        else 'Y' || replace(replace(replace(cells.age, 'в возрасте ', ''), ' лет', ''), '-', 'T')
    end as age,
    case cells.sex when 'Оба пола' then '_T' when 'мужчины' then 'M' when 'женщины' then 'F' end as sex,
    case cells.locality
        when 'Всего по типам местности' then '_T'
        when 'городская местность' then 'URBAN'
        when 'сельская местность' then 'RURAL'
    end as locality,
    cells.value as persons
from {{ source('raw', 'belstat__population_by_age') }} as cells
inner join {{ source('ops', 'effective_load') }} as loads on cells.load_id = loads.load_id
{{ belstat_territory_joins() }}
