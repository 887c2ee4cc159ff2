{# Totals that are not the sum of their parts; where one has no figure, nothing is said. #}
{% macro find_broken_totals() %}
with breakdown_sums as (
    select
        indicator,
        ref_area,
        freq,
        time_period,
        sum(numerator) as numerator,
        bool_and(obs_value is not null) as is_whole,
        bool_or(synthetic) as synthetic
    from {{ ref('int_indicator_decided') }}
    where
        breakdown <> '_T'
        and indicator in (
            select judged.indicator from figures as judged
            where judged.kind = 'parts_to_total'
        )
    group by indicator, ref_area, freq, time_period
)

select
    figures.rule, figures.indicator, figures.ref_area, figures.freq, figures.time_period, figures.breakdown,
    figures.numerator as obs_value,
    figures.synthetic or sums.synthetic as synthetic,
    sums.numerator as compared_value,
    figures.tolerance as limit_value,
    figures.numerator - sums.numerator as distance
from figures
inner join breakdown_sums as sums
    on
        figures.indicator = sums.indicator
        and figures.ref_area = sums.ref_area
        and figures.freq = sums.freq
        and figures.time_period = sums.time_period
where
    figures.kind = 'parts_to_total'
    and figures.breakdown = '_T'
    and sums.is_whole
    and abs(figures.numerator - sums.numerator) > figures.tolerance
{% endmacro %}
