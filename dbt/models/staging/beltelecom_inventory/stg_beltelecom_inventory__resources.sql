-- Resources of the operator's inventory at the end of a month, with the territory of their SOATO code.
with codes as (
    -- Minsk as a region and as a city has one code: the city is meant
    select
        soato,
        coalesce(max(case when level = 'city' then ref_area end), max(ref_area)) as ref_area
    from {{ ref('stg_catalogue__territory_code') }}
    where soato is not null
    group by soato
)

select
    resources.load_id,
    resources.row_no,
    loads.instance,
    resources.resource_id,
    resources.category,
    resources.usage_state,
    resources.resource_status,
    resources.soato,
    -- the unit itself, else the district or city that it is a part of (digits 1-4), else the branch's region
    coalesce(units.ref_area, parents.ref_area, loads.ref_area) as ref_area,
    case
        when coalesce(units.ref_area, parents.ref_area) is null then 'unallocated' else 'whole'
    end as allocation,
    resources.length_km,
    resources.speed_mbps,
    resources.onu_capacity,
    resources.onu_connected,
    resources.fibre_count,
    resources.capacity,
    resources.occupied,
    {{ month_code('loads.first_day') }} as time_period
from {{ source('raw', 'beltelecom_inventory__resources') }} as resources
inner join {{ source('ops', 'effective_load') }} as loads on resources.load_id = loads.load_id
left join codes as units on resources.soato = units.soato
left join codes as parents on substr(resources.soato, 1, 4) || '000000' = parents.soato
