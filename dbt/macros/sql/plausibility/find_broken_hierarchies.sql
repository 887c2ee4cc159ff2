{#
    Values of a region or the country that are not the sum of what they are made of, but for rounding; where a part has no value,
    nothing is said.
#}
{% macro find_broken_hierarchies() %}
with parts as (
    {{ parts_of_territories() }}
),

territory_sums as (
    select
        decided.indicator,
        parts.parent,
        decided.freq,
        decided.time_period,
        decided.breakdown,
        sum(decided.numerator) as numerator,
        bool_or(decided.synthetic) as synthetic
    from {{ ref('int_indicator_decided') }} as decided
    inner join parts on decided.ref_area = parts.ref_area and substr(decided.time_period, 1, 4) = parts.year
    inner join changed on decided.indicator = changed.indicator and decided.time_period = changed.time_period
    where
        decided.indicator in (
            select judged.indicator from figures as judged
            where judged.kind = 'hierarchy'
        )
        and decided.obs_value is not null
        and decided.obs_status <> 'U'
    group by decided.indicator, parts.parent, decided.freq, decided.time_period, decided.breakdown
    having sum(case when parts.is_required then 1 else 0 end) = max(parts.required_count)
),

added_up as (
    select
        figures.*,
        figures.synthetic or sums.synthetic as any_synthetic,
        sums.numerator + case
            when figures.level = 'region' and figures.breakdown = '_T' then coalesce(unallocated.numerator, 0)
            else 0
        end as parts_numerator
    from figures
    inner join territory_sums as sums
        on
            figures.indicator = sums.indicator
            and figures.ref_area = sums.parent
            and figures.freq = sums.freq
            and figures.time_period = sums.time_period
            and figures.breakdown = sums.breakdown
    left join {{ ref('int_indicator_unallocated') }} as unallocated
        on
            figures.indicator = unallocated.indicator
            and figures.method_version = unallocated.method_version
            and figures.ref_area = unallocated.ref_area
            and figures.freq = unallocated.freq
            and figures.time_period = unallocated.time_period
    where figures.kind = 'hierarchy' and figures.obs_status <> 'U'
)

select
    rule, indicator, ref_area, freq, time_period, breakdown,
    numerator as obs_value,
    any_synthetic as synthetic,
    parts_numerator as compared_value,
    tolerance as limit_value,
    numerator - parts_numerator as distance
from added_up
where
    abs(numerator - parts_numerator) > tolerance
    and abs(numerator - parts_numerator) * 100 > abs(numerator) * {{ var("hierarchy_tolerance_pct") }}
{% endmacro %}
