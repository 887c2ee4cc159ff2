{# Values that differ too much from those of the year before, by the same version of the method. #}
{% macro find_jumps() %}
with compared_to_last_year as (
    select
        figures.*,
        before.obs_value as before_value,
        figures.synthetic or before.synthetic as any_synthetic,
        case
            when figures.limit_points is not null then {{ fixed('figures.obs_value - before.obs_value') }}
            else {{ exact_ratio(
                fixed('figures.obs_value - before.obs_value'), fixed('abs(before.obs_value)'), fixed('100')
            ) }}
        end as change
    from figures
    inner join {{ ref('int_indicator_decided') }} as before
        on
            figures.indicator = before.indicator
            and figures.ref_area = before.ref_area
            and figures.freq = before.freq
            and {{ year_before('figures.time_period') }} = before.time_period
            and figures.breakdown = before.breakdown
            and figures.method_version = before.method_version
    where figures.kind = 'jump'
)

select
    rule, indicator, ref_area, freq, time_period, breakdown, obs_value,
    any_synthetic as synthetic,
    before_value as compared_value,
    coalesce(limit_points, limit_pct) as limit_value,
    change as distance
from compared_to_last_year
where abs(change) > coalesce(limit_points, limit_pct)
{% endmacro %}
