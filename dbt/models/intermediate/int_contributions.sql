-- All contributions in one shape.
{% set feeds = [
    'appeals_115__requests',
    'belstat__wages',
    'belstat__employment',
    'belstat__grp_per_capita',
    'belstat__population_by_age',
    'belstat__migration',
    'territory_register__population',
    'territory_register__territories',
    'territory_register__town_areas',
    'beltelecom_inventory__resources',
] %}
{{ config(materialized='view') }}
{% for feed in feeds %}
    select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
    from {{ ref('int_' ~ feed ~ '__contributions') }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
