-- The rows that source.yml says some measure takes are those that measures take, of the newest load of each feed,
-- instance and part. It warns: a declaration that does not fit the models misinforms, and no figure is wrong for it.
{{ config(severity='warn') }}
{% set all_feeds = counted_feeds() %}
{% set feeds = {} %}
{% for feed in of_changed_feeds(all_feeds | list) or all_feeds %}
    {% do feeds.update({feed: all_feeds[feed]}) %}
{% endfor %}
{% set newest %}
    select max(loads.load_id)
    from {{ source('ops', 'effective_load') }} as loads
    inner join (
        select source, feed, instance, part, max(load_no) as load_no
        from {{ source('ops', 'effective_load') }}
        group by source, feed, instance, part
    ) as latest
        on loads.source = latest.source and loads.feed = latest.feed and loads.load_no = latest.load_no
    group by loads.load_no, loads.source, loads.feed
{% endset %}
{% set newest = listed_loads(newest, source('ops', 'effective_load')) %}
{% set listed = listed_by_feed(newest) if execute else {} %}
with declared as (
    {% for feed in feeds %}
        select '{{ feed }}' as feed, delivered.load_id, delivered.row_no
        from {{ source('raw', feed) }} as delivered
        where delivered.load_id in {{ listed.get(feed, "('')") }} and ({{ counted(feed) }})
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

taken as (
    {% for feed in feeds %}
        {% set is_last_feed = loop.last %}
        {% for model in feeds[feed] %}
            select distinct '{{ feed }}' as feed, added.load_id, added.row_no
            from {{ ref(model) }} as added
            where added.load_id in {{ listed.get(feed, "('')") }}
            {% if not (is_last_feed and loop.last) %}union all{% endif %}
        {% endfor %}
    {% endfor %}
)

select
    coalesce(declared.feed, taken.feed) as feed,
    coalesce(declared.load_id, taken.load_id) as load_id,
    coalesce(declared.row_no, taken.row_no) as row_no,
    case when taken.feed is null then 'declared as counted, no measure takes it' else 'taken, not declared' end as fault
from declared
full outer join taken
    on declared.feed = taken.feed and declared.load_id = taken.load_id and declared.row_no = taken.row_no
where declared.feed is null or taken.feed is null
