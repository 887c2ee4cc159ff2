-- No staging or observation table holds a row of a load that is not effective, whatever ran before.
{% set tables = [
    'stg_appeals_115__requests',
    'stg_belstat__wages',
    'stg_belstat__employment',
    'stg_belstat__grp_per_capita',
    'stg_belstat__population_by_age',
    'stg_belstat__migration',
    'stg_territory_register__territories',
    'stg_territory_register__population',
    'stg_territory_register__town_districts',
    'stg_territory_register__town_areas',
    'stg_territory_register__boundaries',
    'stg_territory_register__changes',
    'stg_beltelecom_inventory__resources',
    'int_observations',
] %}
{% for table in tables %}
    select '{{ table }}' as found_in, held.load_id
    from (select distinct load_id from {{ ref(table) }} where load_id is not null) as held
    left join {{ source('ops', 'effective_load') }} as loads on held.load_id = loads.load_id
    where loads.load_id is null
    {% if not loop.last %}union all{% endif %}
{% endfor %}
