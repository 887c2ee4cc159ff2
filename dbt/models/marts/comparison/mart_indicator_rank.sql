-- The place of each figure among those of its level and of its size group: the best first where better is declared,
-- else the greatest. Equal figures share a place.
with figures as (
    select
        {{ figure_key('figures') }},
        figures.level,
        size_groups.size_group,
        case when indicators.direction = 'down' then figures.obs_value else -figures.obs_value end as place
    from {{ ref('mart_open_indicator_value') }} as figures
    inner join {{ ref('stg_catalogue__indicator') }} as indicators on figures.indicator = indicators.indicator
    left join {{ ref('mart_size_group') }} as size_groups on figures.ref_area = size_groups.ref_area
    where figures.obs_value is not null and figures.level <> 'country'
),

{% set level = 'indicator, level, freq, time_period, breakdown' %}
ranked as (
    select
        {{ figure_key('figures') }},
        size_group,
        rank() over (partition by {{ level }} order by place) as level_rank,
        count(*) over (partition by {{ level }}) as rank_of,
        rank() over (partition by {{ level }}, size_group order by place) as group_rank,
        count(*) over (partition by {{ level }}, size_group) as group_rank_of
    from figures
)

select
    {{ figure_key('ranked') }},
    size_group,
    cast(level_rank as integer) as level_rank,
    cast(rank_of as integer) as rank_of,
    cast(case when size_group is not null then group_rank end as integer) as group_rank,
    cast(case when size_group is not null then group_rank_of end as integer) as group_rank_of
from ranked
