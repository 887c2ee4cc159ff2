-- What is held back because it cannot be true, with the rule and the loads that it is from: observations, and values
-- that are wrong though their observations may not be. What is computed from a held observation is missing, and not
-- listed again.
with says (rule, ru, be, en) as (
    values
    (
        'hierarchy',
        'сумма нижестоящих территорий не равна значению вышестоящей',
        'сума ніжэйшых тэрыторый не роўная значэнню вышэйшай',
        'the territories below do not add up to the one above'
    ),
    (
        'correction',
        'исправление больше не подходит: источник изменил значение',
        'выпраўленне больш не падыходзіць: крыніца змяніла значэнне',
        'a correction no longer fits: the source has changed the value'
    ),
    (
        'city_without_area',
        'нет площади города, который в площадь территории не входит или должен войти',
        'няма плошчы горада, які ў плошчу тэрыторыі не ўваходзіць або павінен увайсці',
        'there is no area of a city that does not belong to the area of the territory, or must'
    ),
    (
        'below_zero',
        'у города больше, чем у района, в котором он лежит',
        'у горада больш, чым у раёна, у якім ён ляжыць',
        'the city has more than the district that it lies in'
    ),
    (
        'unknown_territory',
        'территории нет в реестре территорий',
        'тэрыторыі няма ў рэестры тэрыторый',
        'the register of territories does not list the territory'
    ),
    (
        'more_people_than_the_whole',
        'в частях территории больше жителей, чем в ней самой',
        'у частках тэрыторыі больш жыхароў, чым у ёй самой',
        'the parts of the territory have more inhabitants than the territory itself'
    ),
    (
        'share_out_of_bounds',
        'доля вне границ от 0 до 100 %',
        'доля па-за межамі ад 0 да 100 %',
        'a share lies outside 0 to 100 %'
    )
    union all
    select
        rule,
        says_ru as ru,
        says_be as be,
        says_en as en
    from {{ source('catalogue', 'plausibility_rule') }}
),

loads as (
    select load_id, source, feed from {{ source('ops', 'effective_load') }}
),

held_values as (
    select
        believed.indicator,
        believed.ref_area,
        believed.freq,
        believed.time_period,
        believed.breakdown,
        believed.held_by,
        believed.synthetic
    from {{ ref('int_indicator_believed') }} as believed
    where believed.held_by is not null
),

-- the loads that speak of the measures of the value in its period, for the territory or one within it; where there are
-- too many people, those that say where who lies
asked as (
    select distinct
        held_values.indicator,
        held_values.ref_area,
        held_values.time_period,
        coalesce(months.month, held_values.time_period) as input_period
    from held_values
    left join {{ ref('int_period_month') }} as months on held_values.time_period = months.time_period
    union
    select
        indicator,
        ref_area,
        time_period,
        time_period as input_period
    from held_values
    union
    select
        indicator,
        ref_area,
        time_period,
        '_Z' as input_period
    from held_values
),

measured as (
    select indicator, measure from {{ source('catalogue', 'indicator_term') }}
    union
    select indicator, times_measure as measure from {{ source('catalogue', 'indicator_term') }}
    where times_measure is not null
),

within as (
    select ancestor, ref_area from {{ ref('int_territory_ancestor') }}
    union
    select ref_area as ancestor, ref_area from {{ ref('dim_territory') }}
),

told as (
    select distinct
        asked.indicator,
        asked.ref_area,
        asked.time_period,
        loads.load_id
    from asked
    inner join measured on asked.indicator = measured.indicator
    inner join {{ ref('int_load_scope') }} as periods
        on periods.axis = 'period' and measured.measure = periods.measure and asked.input_period = periods.code
    inner join loads on periods.load_id = loads.load_id
    inner join {{ ref('int_load_scope') }} as places on places.axis = 'ref_area' and periods.load_id = places.load_id
    inner join within on asked.ref_area = within.ancestor and places.code = within.ref_area
    union
    select
        held_values.indicator,
        held_values.ref_area,
        held_values.time_period,
        loads.load_id
    from held_values
    inner join {{ source('catalogue', 'measure') }} as people on people.measure = '{{ var("coverage_measure") }}'
    inner join loads on people.source = loads.source
    where
        held_values.held_by = 'more_people_than_the_whole'
        and loads.feed in (people.feed, 'territories', 'town_districts')
),

value_loads as (
    select
        indicator,
        ref_area,
        time_period,
        string_agg(load_id, ' ' order by load_id) as loads
    from told
    group by indicator, ref_area, time_period
),

found as (
    select
        measure,
        cast(null as varchar) as indicator,
        ref_area,
        freq,
        time_period,
        breakdown,
        rule,
        loads,
        synthetic
    from {{ ref('int_observation_held') }}
    union all
    select
        observed.measure,
        cast(null as varchar) as indicator,
        observed.ref_area,
        observed.freq,
        observed.time_period,
        observed.breakdown,
        'unknown_territory' as rule,
        string_agg(distinct observed.load_id, ' ' order by observed.load_id) as loads,
        bool_or(observed.synthetic) as synthetic
    from {{ ref('int_observations') }} as observed
    left join {{ ref('dim_territory') }} as territories on observed.ref_area = territories.ref_area
    where territories.ref_area is null and observed.obs_value is not null
    group by observed.measure, observed.ref_area, observed.freq, observed.time_period, observed.breakdown
    union all
    select
        cast(null as varchar) as measure,
        held_values.indicator,
        held_values.ref_area,
        held_values.freq,
        held_values.time_period,
        held_values.breakdown,
        held_values.held_by as rule,
        value_loads.loads,
        held_values.synthetic
    from held_values
    left join value_loads
        on
            held_values.indicator = value_loads.indicator
            and held_values.ref_area = value_loads.ref_area
            and held_values.time_period = value_loads.time_period
)

select
    found.measure,
    found.indicator,
    found.ref_area,
    found.freq,
    found.time_period,
    found.breakdown,
    found.rule,
    says.ru as says_ru,
    says.be as says_be,
    says.en as says_en,
    found.loads,
    found.synthetic
from found
inner join says on found.rule = says.rule
