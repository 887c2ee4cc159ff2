-- Migration: arrivals and net. Each table holds totals beside parts in five dimensions; is_total marks the row that is
-- the total in all of them. The part of the feed says which table it is: the gate has held the title against it.
select
    cells.load_id,
    cells.row_no,
    cells.territory,
    cells.territory_level,
    {{ belstat_territory() }},
    cells.period as time_period,
    case
        when loads.part like 'net%' then 'net'
        when loads.part like 'arrivals%' then 'arrivals'
    end as kind,
    cells.country,
    cells.flow,
    (
        cells.country = 'Всего по странам'
        and cells.education = 'всего по уровням образования'
        and cells.flow = 'Всего по всем потокам миграции'
        and cells.age = 'По всем возрастам'
        and cells.sex = 'Оба пола'
        and cells.locality = 'Всего по типам местности'
    ) as is_total,
    cells.value as persons
from {{ source('raw', 'belstat__migration') }} as cells
inner join {{ source('ops', 'effective_load') }} as loads on cells.load_id = loads.load_id
{{ belstat_territory_joins() }}
