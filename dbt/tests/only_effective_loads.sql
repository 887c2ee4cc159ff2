-- No staging or observation table holds a row of a load that is not effective, whatever ran before.
-- The view of the effective loads is planned once: planning it takes longer than reading it.
with effective as materialized (
    select load_id from {{ source('ops', 'effective_load') }}
)

{% for table in of_changed_feeds(staging_models(), 'stg_') + ['int_observations'] %}
    select '{{ table }}' as found_in, held.load_id
    from (select distinct load_id from {{ ref(table) }} where load_id is not null) as held
    left join effective as loads on held.load_id = loads.load_id
    where loads.load_id is null
    {% if not loop.last %}union all{% endif %}
{% endfor %}
