{#
    What a territory is made of, in the years of the present division: regions make the country, districts and cities of
    oblast subordination make their region; beside each part, how many there are.
#}
{% macro parts_of_territories() %}
select
    territories.ref_area,
    territories.parent,
    count(*) over (partition by territories.parent) as part_count
from {{ ref('dim_territory') }} as territories
inner join {{ ref('dim_territory') }} as above on territories.parent = above.ref_area
left join {{ source('catalogue', 'subordination') }} as subordination
    on territories.ref_area = subordination.ref_area
where
    (territories.level = 'region' and above.level = 'country')
    or (above.level = 'region' and (territories.level = 'district' or subordination.ref_area is not null))
{% endmacro %}
