-- No staging or observation table holds a row of a load that is not effective, whatever ran before.
{% for table in of_changed_feeds(staging_models(), 'stg_') + ['int_observations'] %}
    select '{{ table }}' as found_in, held.load_id
    from (select distinct load_id from {{ ref(table) }} where load_id is not null) as held
    left join {{ source('ops', 'effective_load') }} as loads on held.load_id = loads.load_id
    where loads.load_id is null
    {% if not loop.last %}union all{% endif %}
{% endfor %}
