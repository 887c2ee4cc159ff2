-- No staging or observation table holds a row of a load that is not effective, whatever ran before.
-- Compared once for all tables, and the view of the effective loads is planned once: planning takes the longest.
with effective as materialized (
    select load_id from {{ source('ops', 'effective_load') }}
),

held as (
    {% for table in of_changed_feeds(staging_models(), 'stg_') + ['int_observations'] %}
        select distinct '{{ table }}' as found_in, load_id
        from {{ ref(table) }}
        where load_id is not null
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select held.found_in, held.load_id
from held
left join effective as loads on held.load_id = loads.load_id
where loads.load_id is null
