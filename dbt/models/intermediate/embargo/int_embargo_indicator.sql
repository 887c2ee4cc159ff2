-- Which periods of which indicators may not leave: what the calendar holds back, and what would give it away. A value
-- gives away the observations that it is computed from (its numerator and denominator are published, also a year
-- later, in a growth), and an imputed one what it was filled in from.
with drawn as (
    select distinct indicator, time_period, measure, times_measure, term_period
    from {{ ref('int_indicator_term') }}
    where
        measure in (select held.measure from {{ ref('int_embargo_measure') }} as held)
        or times_measure in (select held.measure from {{ ref('int_embargo_measure') }} as held)
),

computed as (
    select
        drawn.indicator,
        drawn.time_period,
        held.held_until
    from drawn
    inner join {{ ref('int_embargo_measure') }} as held
        on drawn.term_period = held.time_period and held.measure in (drawn.measure, drawn.times_measure)
    union all
    select
        held.indicator,
        held.time_period,
        held.held_until
    from {{ ref('int_embargo') }} as held
),

filled as (
    select distinct indicator, time_period, rule, imputed_from
    from {{ ref('int_indicator_imputed') }}
),

held as (
    select * from computed
    union all
    select
        filled.indicator,
        filled.time_period,
        computed.held_until
    from filled
    inner join computed
        on
            filled.indicator = computed.indicator
            and filled.rule in ('carry_forward', 'linear')
            and {{ is_among('computed.time_period', 'filled.imputed_from') }}
    union all
    select
        filled.indicator,
        filled.time_period,
        computed.held_until
    from filled
    inner join computed
        on
            filled.rule = 'survey'
            and filled.imputed_from = computed.indicator
            and filled.time_period = computed.time_period
)

select
    indicator,
    time_period,
    max(held_until) as held_until
from held
group by indicator, time_period
