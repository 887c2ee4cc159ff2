-- Employed persons, one row for each territory and year. An empty cell stays null: not published.
select
    cells.load_id,
    cells.row_no,
    cells.table_row,
    cells.territory,
    cells.territory_level,
    {{ belstat_territory() }},
    cells.period as time_period,
    cells.value as employed_persons,
    loads.part
from {{ source('raw', 'belstat__employment') }} as cells
inner join {{ source('ops', 'effective_load') }} as loads on cells.load_id = loads.load_id
{{ belstat_territory_joins() }}
