{#
    Values far from the others of their level, by the robust z-score: |value - median| / (1.4826 x MAD); Iglewicz
    and Hoaglin, 1993. A median is the mean of the one or two values in the middle: exact, so that both engines
    agree.
#}
{% macro find_outliers() %}
with ranked as (
    select
        figures.*,
        row_number() over (
            partition by rule, indicator, level, freq, time_period order by obs_value, ref_area
        ) as place,
        count(*) over (partition by rule, indicator, level, freq, time_period) as territories
    from figures
    where kind = 'outlier' and breakdown = '_T'
),

medians as (
    select
        rule, indicator, level, freq, time_period,
        {{ exact_ratio(fixed('sum(obs_value)'), fixed('count(*)'), fixed('1')) }} as median
    from ranked
    where 2 * place between territories and territories + 2 and territories >= minimum_count
    group by rule, indicator, level, freq, time_period
),

deviations as (
    select
        ranked.rule,
        ranked.indicator,
        ranked.ref_area,
        ranked.level,
        ranked.freq,
        ranked.time_period,
        ranked.breakdown,
        ranked.obs_value,
        ranked.synthetic,
        ranked.outlier_limit,
        ranked.territories,
        medians.median,
        abs(ranked.obs_value - medians.median) as deviation,
        row_number() over (
            partition by ranked.rule, ranked.indicator, ranked.level, ranked.freq, ranked.time_period
            order by abs(ranked.obs_value - medians.median), ranked.ref_area
        ) as place
    from ranked
    inner join medians
        on
            ranked.rule = medians.rule
            and ranked.indicator = medians.indicator
            and ranked.level = medians.level
            and ranked.freq = medians.freq
            and ranked.time_period = medians.time_period
),

spreads as (
    select
        rule, indicator, level, freq, time_period,
        {{ exact_ratio(fixed('sum(deviation)'), fixed('count(*)'), fixed('1.4826')) }} as spread
    from deviations
    where 2 * place between territories and territories + 2
    group by rule, indicator, level, freq, time_period
),

scored as (
    select
        deviations.*,
        {{ exact_ratio(fixed('deviations.deviation'), fixed('spreads.spread'), fixed('1')) }} as score
    from deviations
    inner join spreads
        on
            deviations.rule = spreads.rule
            and deviations.indicator = spreads.indicator
            and deviations.level = spreads.level
            and deviations.freq = spreads.freq
            and deviations.time_period = spreads.time_period
)

select
    rule, indicator, ref_area, freq, time_period, breakdown, obs_value, synthetic,
    median as compared_value,
    outlier_limit as limit_value,
    score as distance
from scored
where score > outlier_limit
{% endmacro %}
