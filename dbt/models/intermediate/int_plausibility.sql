-- Values that a rule of plausibility finds, by one query for each kind of rule. Only observed values are judged, never
-- what was filled in. A row without a rule says that the values of a period were judged, and by which state of them.
{{ config(materialized='follow_inputs', inputs='indicator', volume='int_indicator_decided') }}
with changed as {{ changed_inputs('indicator') }},

figures as (
    select
        rules.rule,
        rules.kind,
        rules.lower,
        rules.upper,
        rules.limit_pct,
        rules.limit_points,
        rules.tolerance,
        rules.outlier_limit,
        rules.minimum_count,
        scope.compared,
        decided.indicator,
        decided.method_version,
        decided.ref_area,
        decided.level,
        decided.freq,
        decided.time_period,
        decided.breakdown,
        decided.obs_value,
        decided.obs_status,
        decided.numerator,
        decided.synthetic
    from {{ source('catalogue', 'plausibility_scope') }} as scope
    inner join {{ source('catalogue', 'plausibility_rule') }} as rules on scope.rule = rules.rule
    inner join {{ ref('int_indicator_decided') }} as decided
        on scope.indicator = decided.indicator and scope.freq = decided.freq and scope.level = decided.level
    inner join changed on decided.indicator = changed.indicator and decided.time_period = changed.time_period
    where decided.obs_value is not null
),

out_of_bounds as (
    select
        rule, indicator, ref_area, freq, time_period, breakdown, obs_value, synthetic,
        {{ fixed('null') }} as compared_value,
        case when obs_value < lower then lower else upper end as limit_value,
        case when obs_value < lower then lower - obs_value else obs_value - upper end as distance
    from figures
    where kind = 'between' and (obs_value < lower or obs_value > upper)
),

above_another as (
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
),

compared_to_last_year as (
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
),

leapt as (
    select
        rule, indicator, ref_area, freq, time_period, breakdown, obs_value,
        any_synthetic as synthetic,
        before_value as compared_value,
        coalesce(limit_points, limit_pct) as limit_value,
        change as distance
    from compared_to_last_year
    where abs(change) > coalesce(limit_points, limit_pct)
),

-- all parts, those without a figure too
breakdown_sums as (
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
        and indicator in (select figures.indicator from figures where figures.kind = 'parts_to_total')
    group by indicator, ref_area, freq, time_period
),

broken_totals as (
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
),

-- what a territory is made of, in the years of the present division
parts as (
    select
        territories.ref_area,
        territories.parent,
        count(*) over (partition by territories.parent) as part_count
    from {{ ref('dim_territory') }} as territories
    inner join {{ ref('dim_territory') }} as above on territories.parent = above.ref_area
    left join {{ source('catalogue', 'subordination') }} as subordination
        on territories.ref_area = subordination.ref_area
    where
        (territories.level = 'region' and above.level = 'country')
        or (above.level = 'region' and (territories.level = 'district' or subordination.ref_area is not null))
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
    inner join parts on decided.ref_area = parts.ref_area
    inner join changed on decided.indicator = changed.indicator and decided.time_period = changed.time_period
    where
        decided.indicator in (select figures.indicator from figures where figures.kind = 'hierarchy')
        and decided.obs_value is not null
        and decided.obs_status <> 'U'
        and decided.time_period >= '{{ var("division_since") }}'
    group by decided.indicator, parts.parent, decided.freq, decided.time_period, decided.breakdown
    having count(*) = max(parts.part_count)
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
),

broken_hierarchies as (
    select
        rule, indicator, ref_area, freq, time_period, breakdown,
        numerator as obs_value,
        any_synthetic as synthetic,
        parts_numerator as compared_value,
        tolerance as limit_value,
        numerator - parts_numerator as distance
    from added_up
    where abs(numerator - parts_numerator) > tolerance
),

-- Robust z-score: |value - median| / (1.4826 x MAD); Iglewicz and Hoaglin, 1993. A median is the mean of the one or two
-- values in the middle: exact, so that both engines agree.
ranked as (
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
),

outlying as (
    select
        rule, indicator, ref_area, freq, time_period, breakdown, obs_value, synthetic,
        median as compared_value,
        outlier_limit as limit_value,
        score as distance
    from scored
    where score > outlier_limit
),

found as (
    select * from out_of_bounds
    union all
    select * from above_another
    union all
    select * from leapt
    union all
    select * from broken_totals
    union all
    select * from broken_hierarchies
    union all
    select * from outlying
)

select
    found.rule,
    found.indicator,
    found.ref_area,
    found.freq,
    found.time_period,
    found.breakdown,
    {{ fixed('found.obs_value') }} as obs_value,
    {{ fixed('found.compared_value') }} as compared_value,
    {{ fixed('found.limit_value') }} as limit_value,
    {{ fixed('found.distance') }} as distance,
    found.synthetic
from found
inner join changed on found.indicator = changed.indicator and found.time_period = changed.time_period
