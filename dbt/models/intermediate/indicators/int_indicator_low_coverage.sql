-- Whom a figure of low coverage stands for, by name: the five territories with the most inhabitants, and how many more.
{{ config(materialized='follow_inputs', inputs='indicator', volume='int_indicator_member') }}
with changed as {{ changed_inputs('indicator') }},

members as (
    select
        decided.indicator,
        decided.ref_area,
        decided.freq,
        decided.time_period,
        decided.breakdown,
        case when territories.level = 'city' then 'г. ' else '' end || territories.name_ru as name_ru,
        case when territories.level = 'city' then 'г. ' else '' end || territories.name_be as name_be,
        territories.name_en,
        row_number() over (
            partition by decided.indicator, decided.ref_area, decided.time_period, decided.breakdown
            order by population.value desc nulls last, units.ref_area asc
        ) as place
    from {{ ref('int_indicator_decided') }} as decided
    inner join changed on decided.indicator = changed.indicator and decided.time_period = changed.time_period
    inner join {{ ref('int_indicator_member') }} as members
        on
            decided.indicator = members.indicator
            and decided.freq = members.freq
            and decided.time_period = members.time_period
            and decided.ref_area = members.target
    inner join {{ ref('int_indicator_unit') }} as units
        on
            members.indicator = units.indicator
            and members.freq = units.freq
            and members.time_period = units.time_period
            and members.member = units.ref_area
            and decided.breakdown = units.breakdown
    inner join {{ ref('dim_territory') }} as territories on units.ref_area = territories.ref_area
    left join {{ ref('int_vintage') }} as population
        on
            units.ref_area = population.ref_area
            and {{ year_of('units.time_period') }} = population.year
            and population.measure = '{{ var("coverage_measure") }}'
            and population.breakdown = '_T'
    where
        {{ in_changed_periods('decided') }}
        and {{ in_changed_periods('members') }}
        and {{ in_changed_periods('units') }}
        and decided.is_low_coverage
        and units.is_complete
)

select
    indicator,
    ref_area,
    freq,
    time_period,
    breakdown,
    string_agg(case when place <= 5 then name_ru end, ', ' order by place)
    || case when max(place) > 5 then ' и ещё ' || cast(max(place) - 5 as varchar) else '' end as whose_ru,
    string_agg(case when place <= 5 then name_be end, ', ' order by place)
    || case when max(place) > 5 then ' і яшчэ ' || cast(max(place) - 5 as varchar) else '' end as whose_be,
    string_agg(case when place <= 5 then name_en end, ', ' order by place)
    || case when max(place) > 5 then ' and ' || cast(max(place) - 5 as varchar) || ' more' else '' end as whose_en
from members
group by indicator, ref_area, freq, time_period, breakdown
