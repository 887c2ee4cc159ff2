-- How the figures of the territories of a level (size_group _T), and of a size group, lie: least, quartiles, greatest.
-- Between two values it is interpolated: position p x (n - 1) counted from the least (R's type 7). Fewer than three
-- figures have no median, or it would tell one of them.
with members as (
    select
        figures.*,
        '_T' as size_group
    from {{ ref('mart_open_indicator_value') }} as figures
    where figures.obs_value is not null
    union all
    select
        figures.*,
        size_groups.size_group
    from {{ ref('mart_open_indicator_value') }} as figures
    inner join {{ ref('mart_size_group') }} as size_groups on figures.ref_area = size_groups.ref_area
    where figures.obs_value is not null
),

{% set group = 'indicator, level, size_group, freq, time_period, breakdown' %}
placed as (
    select
        {{ group }},
        obs_value,
        row_number() over (partition by {{ group }} order by obs_value, ref_area) - 1 as position,
        count(*) over (partition by {{ group }}) - 1 as last_position
    from members
)

select
    {{ group }},
    cast(count(*) as integer) as figure_count,
    {{ fixed('min(obs_value)') }} as least_value,
    {{ quartile(1) }} as lower_quartile,
    {{ quartile(2) }} as median,
    {{ quartile(3) }} as upper_quartile,
    {{ fixed('max(obs_value)') }} as greatest_value
from placed
group by {{ group }}
