-- What each row of feed belstat.population_by_age adds to its measures.
-- Generated from assets/sources/belstat/measures.yml.
with staged as (
    select * from {{ ref('stg_belstat__population_by_age') }}
),

added as (
    -- Population by age
    select
        load_id,
        row_no,
        'population_by_age' as measure,
        ref_area,
        'A' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        persons as value,
        'A' as obs_status
    from staged
    where allocation = 'whole' and sex = '_T' and locality = '_T'
    union all
    -- Population by age
    select
        load_id,
        row_no,
        'population_by_age' as measure,
        ref_area,
        'A' as freq,
        time_period,
        age as breakdown,
        persons as value,
        'A' as obs_status
    from staged
    where
        allocation = 'whole' and sex = '_T' and locality = '_T'
        and (age is not null)
    union all
    -- Population by type of locality
    select
        load_id,
        row_no,
        'population_by_locality' as measure,
        ref_area,
        'A' as freq,
        time_period,
        locality as breakdown,
        persons as value,
        'A' as obs_status
    from staged
    where
        allocation = 'whole' and sex = '_T'
        and (locality is not null)
)

select
    measure,
    ref_area,
    freq,
    time_period,
    breakdown,
    {{ fixed('value') }} as value,
    obs_status,
    load_id,
    row_no
from added
