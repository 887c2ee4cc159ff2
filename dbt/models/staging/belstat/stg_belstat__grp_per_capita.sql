-- Gross regional product per head, one row for each territory and year. An empty cell stays null: not published.
select
    cells.load_id,
    cells.row_no,
    cells.table_row,
    cells.territory,
    cells.territory_level,
    {{ belstat_territory() }},
    cells.period as time_period,
    -- up to 2015 the unit is thousand old roubles, and the portal leaves the cells empty: not used
    {{ fixed('case when cast(cells.period as integer) >= 2016 then cells.value end') }} as grp_per_capita_byn,
    loads.part
from {{ source('raw', 'belstat__grp_per_capita') }} as cells
inner join {{ source('ops', 'effective_load') }} as loads on cells.load_id = loads.load_id
{{ belstat_territory_joins() }}
