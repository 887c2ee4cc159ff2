{# Generated from the declarations: the staging model of each feed. #}
{% macro staging_models() %}
    {% do return([
        'stg_appeals_115__requests',
        'stg_belstat__wages',
        'stg_belstat__employment',
        'stg_belstat__grp_per_capita',
        'stg_belstat__population_by_age',
        'stg_belstat__migration',
        'stg_beltelecom_inventory__resources',
        'stg_city_parking__occupancy',
        'stg_territory_register__territories',
        'stg_territory_register__changes',
        'stg_territory_register__population',
        'stg_territory_register__town_districts',
        'stg_territory_register__town_areas',
        'stg_territory_register__boundaries',
    ]) %}
{% endmacro %}

{# Generated from the declarations: of each feed that counts, the models that say what its rows add. #}
{% macro counted_feeds() %}
    {% do return({
        'appeals_115__requests': ['int_appeals_115__requests__contributions'],
        'belstat__employment': ['int_belstat__employment__contributions'],
        'belstat__grp_per_capita': ['int_belstat__grp_per_capita__contributions'],
        'belstat__migration': ['int_belstat__migration__contributions'],
        'belstat__population_by_age': ['int_belstat__population_by_age__contributions'],
        'belstat__wages': ['int_belstat__wages__contributions'],
        'beltelecom_inventory__resources': ['int_beltelecom_inventory__resources__contributions'],
        'city_parking__occupancy': ['int_city_parking__occupancy__contributions'],
        'territory_register__territories': ['int_territory_register__territories__contributions'],
        'territory_register__town_areas': ['int_territory_register__town_areas__contributions'],
        'territory_register__population': ['int_territory_register__population__contributions'],
    }) %}
{% endmacro %}
