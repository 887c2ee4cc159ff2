-- What the values of each indicator and period are made of, as one hash over int_measure_input: the measures of its
-- terms in the period and the two years before (growth, and jumps of it), the years that a carried denominator may come
-- from, constants, the population that coverage is weighed by, whatever its rules compare or fill in with, and the
-- territories; and whether the period has ended. More than is used costs a computation too many, less would leave a
-- figure behind.
with drawn as (
    select
        indicator,
        measure
    from {{ source('catalogue', 'indicator_term') }}
    union
    select
        indicator,
        times_measure as measure
    from {{ source('catalogue', 'indicator_term') }}
    where times_measure is not null
),

linked as (
    select
        scope.indicator,
        scope.compared as other
    from {{ source('catalogue', 'plausibility_scope') }} as scope
    where scope.compared is not null
    union
    select
        indicators.indicator,
        indicators.imputation_indicator as other
    from {{ source('catalogue', 'indicator') }} as indicators
    where indicators.imputation_indicator is not null
),

needed as (
    select
        indicator,
        measure
    from drawn
    union
    select
        linked.indicator,
        drawn.measure
    from linked
    inner join drawn on linked.other = drawn.indicator
    union
    select
        indicator,
        '{{ var("coverage_measure") }}' as measure
    from drawn
),

wanted as (
    select
        frequencies.indicator,
        periods.freq,
        periods.time_period,
        periods.year,
        periods.first_month,
        periods.has_ended,
        frequencies.freq = indicators.imputation_freq as is_filled_in
    from {{ source('catalogue', 'indicator_frequency') }} as frequencies
    inner join {{ source('catalogue', 'indicator') }} as indicators on frequencies.indicator = indicators.indicator
    inner join {{ ref('dim_period') }} as periods on frequencies.freq = periods.freq
    -- from the first period in which anything of the numerator is known, through gaps, to the one that has begun last
    inner join (
        select
            terms.indicator,
            known.freq,
            min(known.first_day) as first_day,
            max(known.last_day) as last_day
        from {{ source('catalogue', 'indicator_term') }} as terms
        inner join {{ ref('int_measure_input') }} as inputs on terms.measure = inputs.measure
        inner join {{ ref('dim_period') }} as known on inputs.time_period = known.time_period
        where terms.side = 'numerator' and terms.reference = 'same'
        group by terms.indicator, known.freq
    ) as told
        on
            frequencies.indicator = told.indicator
            and periods.freq = told.freq
            and periods.first_day >= told.first_day
            and (periods.has_begun or periods.last_day <= told.last_day)
),

asked as (
    select
        wanted.*,
        needed.measure,
        measures.carry_forward_years
    from wanted
    inner join needed on wanted.indicator = needed.indicator
    inner join {{ source('catalogue', 'measure') }} as measures on needed.measure = measures.measure
),

-- each way to reach a period by equal keys: with an or, every period would be compared with every other
reached as (
    select
        indicator,
        time_period,
        measure,
        '_Z' as input_period
    from asked
    union
    select
        asked.indicator,
        asked.time_period,
        asked.measure,
        periods.time_period as input_period
    from asked
    inner join {{ ref('dim_period') }} as periods
        on
            asked.freq = periods.freq
            and asked.first_month = periods.first_month
            and periods.year between asked.year - 2 and asked.year
    union
    select
        asked.indicator,
        asked.time_period,
        asked.measure,
        periods.time_period as input_period
    from asked
    inner join {{ ref('dim_period') }} as periods
        on
            periods.freq = 'A'
            and periods.year between asked.year - 2 - asked.carry_forward_years and asked.year
    where asked.carry_forward_years > 0
    union
    select
        asked.indicator,
        asked.time_period,
        asked.measure,
        periods.time_period as input_period
    from asked
    inner join {{ ref('dim_period') }} as periods on asked.freq = periods.freq
    where asked.is_filled_in
),

stood_on as (
    select
        reached.indicator,
        reached.time_period,
        reached.measure || ' ' || reached.input_period || ' ' || inputs.state as state
    from reached
    inner join {{ ref('int_measure_input') }} as inputs
        on reached.measure = inputs.measure and reached.input_period = inputs.time_period
),

territories as (
    select md5(string_agg(state, ' ' order by state)) as state
    from (
        select
            ref_area || ' ' || level || ' ' || coalesce(parent, '') || ' ' || coalesce(region, '')
            || ' ' || name_ru || ' ' || coalesce(name_be, '') || ' ' || coalesce(name_en, '')
            || coalesce(' ' || cast(listed_from as varchar), '') || coalesce(' - ' || cast(listed_to as varchar), '')
                as state
        from {{ ref('dim_territory') }}
        union all
        select ref_area || ' ' || parent || ' ' || cast(valid_from as varchar) as state
        from {{ ref('int_territory_parent') }}
    ) as known
)

select
    wanted.indicator,
    wanted.time_period,
    md5(
        max(territories.state)
        || case when bool_or(wanted.has_ended) then ' ended ' else ' open ' end
        || coalesce(string_agg(stood_on.state, ' ' order by stood_on.state), '')
    ) as state
from wanted
cross join territories
left join stood_on on wanted.indicator = stood_on.indicator and wanted.time_period = stood_on.time_period
group by wanted.indicator, wanted.time_period
