-- Nominal wages, one row for each territory and year. An empty cell stays null: not published.
select
    cells.load_id,
    cells.row_no,
    cells.table_row,
    cells.territory,
    cells.territory_level,
    {{ belstat_territory() }},
    cells.period as time_period,
    -- redenomination of 2016-07-01: figures up to 2015 are in old roubles, 10,000 of which are one
    {{ fixed('case when cast(cells.period as integer) <= 2015 then cells.value * 0.0001 else cells.value end') }}
        as wage_byn,
    loads.part
from {{ source('raw', 'belstat__wages') }} as cells
inner join {{ source('ops', 'effective_load') }} as loads on cells.load_id = loads.load_id
{{ belstat_territory_joins() }}
