{#
    The territory of a row of Belstat's tables. Names are joined by the list of names, never by a rule; only the row
    «Не распределено по районам … области» is read: it belongs to that region and to none of its districts.
    allocation: whole (the row is the territory's figure), unallocated (a part of the region in no district),
    unknown (the name is in no list).
#}
{% macro belstat_territory() -%}
    coalesce(names.ref_area, regions.ref_area) as ref_area,
    case
        when names.ref_area is not null then 'whole'
        when regions.ref_area is not null then 'unallocated'
        else 'unknown'
    end as allocation
{%- endmacro %}

{% macro belstat_territory_joins() -%}
    left join {{ ref('stg_catalogue__territory_name') }} as names
        on names.source = 'belstat' and trim(cells.territory) = names.name
    left join {{ ref('stg_catalogue__territory_name') }} as regions
        on
            regions.source = 'belstat'
            and names.ref_area is null
            and replace(
                replace(trim(cells.territory), 'Не распределено по районам ', ''), 'ской области', 'ская область'
            ) = regions.name
{%- endmacro %}
