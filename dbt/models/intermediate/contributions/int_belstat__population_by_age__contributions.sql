-- The table has no row for all ages: the total is the sum of the seventeen groups. One member of each other dimension
-- is picked, so that nobody is counted twice.
with people as (
    select *
    from {{ ref('stg_belstat__population_by_age') }}
    where allocation = 'whole' and sex = '_T'
),

added as (
    select load_id, row_no, ref_area, time_period, 'population_by_age' as measure, age as breakdown, persons
    from people
    where locality = '_T'
    union all
    select load_id, row_no, ref_area, time_period, 'population_by_age', '_T', persons
    from people
    where locality = '_T'
    union all
    select load_id, row_no, ref_area, time_period, 'population_by_locality', locality, persons
    from people
)

select
    measure,
    ref_area,
    'A' as freq,
    time_period,
    breakdown,
    {{ fixed('persons') }} as value,
    'A' as obs_status,
    load_id,
    row_no
from added
