{# Values that lie outside fixed bounds, or above another indicator that they are a part of. #}
{% macro find_out_of_bounds() %}
select
    rule, indicator, ref_area, freq, time_period, breakdown, obs_value, synthetic,
    {{ fixed('null') }} as compared_value,
    case when obs_value < lower then lower else upper end as limit_value,
    case when obs_value < lower then lower - obs_value else obs_value - upper end as distance
from figures
where kind = 'between' and (obs_value < lower or obs_value > upper)
union all
select
    figures.rule, figures.indicator, figures.ref_area, figures.freq, figures.time_period, figures.breakdown,
    figures.obs_value,
    figures.synthetic or others.synthetic as synthetic,
    others.obs_value as compared_value,
    {{ fixed('null') }} as limit_value,
    figures.obs_value - others.obs_value as distance
from figures
inner join {{ ref('int_indicator_decided') }} as others
    on
        figures.compared = others.indicator
        and figures.ref_area = others.ref_area
        and figures.freq = others.freq
        and figures.time_period = others.time_period
        and figures.breakdown = others.breakdown
where figures.kind = 'at_most' and figures.obs_value > others.obs_value
{% endmacro %}
