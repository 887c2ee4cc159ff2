{# Rows of a raw table, each with the territory of its SOATO code, and the month of its load. #}
{% macro located_by_soato(table, columns) -%}
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
        delivered.load_id,
        delivered.row_no,
        loads.instance,
        {%- for column in columns %}
        delivered.{{ column }},
        {%- endfor %}
        delivered.soato,
        -- the unit itself, else the district or city that it is a part of (digits 1-4), else the branch's region
        coalesce(units.ref_area, parents.ref_area, loads.ref_area) as ref_area,
        case
            when coalesce(units.ref_area, parents.ref_area) is null then 'unallocated' else 'whole'
        end as allocation,
        {{ month_code('loads.first_day') }} as time_period
    from {{ table }} as delivered
    inner join {{ source('ops', 'effective_load') }} as loads on delivered.load_id = loads.load_id
    left join codes as units on delivered.soato = units.soato
    left join codes as parents on substr(delivered.soato, 1, 4) || '000000' = parents.soato
{%- endmacro %}
