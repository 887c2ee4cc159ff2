-- 95 % confidence intervals of the figures whose indicator declares one. Shares: Wilson's score interval (1927). Rates:
-- Byar's approximation of the exact Poisson limits (Breslow and Day 1987). Only whole numbers of events have one.
with counted as (
    select
        {{ figure_key('figures') }},
        indicators.interval_method,
        cast(figures.numerator as double precision) as events,
        cast(figures.denominator as double precision) as whole,
        cast(methods.scale as double precision) as scale
    from {{ ref('mart_open_indicator_value') }} as figures
    inner join {{ ref('stg_catalogue__indicator') }} as indicators
        on figures.indicator = indicators.indicator and indicators.interval_method is not null
    inner join {{ ref('stg_catalogue__indicator_method') }} as methods
        on figures.indicator = methods.indicator and figures.method_version = methods.method_version
    where
        figures.obs_value is not null
        and figures.imputed_by is null
        and figures.denominator > 0
        and figures.numerator >= 0
        and figures.numerator = floor(figures.numerator)
        and (
            indicators.interval_method <> 'wilson'
            or (figures.numerator <= figures.denominator and figures.denominator = floor(figures.denominator))
        )
),

-- for Byar's limits: the cube roots of the ratios of each limit to its number of events, which may not be below zero
parts as (
    select
        counted.*,
        {{ z_of_95() }} * {{ z_of_95() }} as z2,
        {{ z_of_95() }} * sqrt(
            {{ z_of_95() }} * {{ z_of_95() }} + greatest(4 * events * (1 - events / whole), 0)
        ) as spread,
        case
            when events > 0 then greatest(1 - 1 / (9 * events) - {{ z_of_95() }} / (3 * sqrt(events)), 0)
            else 0
        end as root_below,
        1 - 1 / (9 * (events + 1)) + {{ z_of_95() }} / (3 * sqrt(events + 1)) as root_above
    from counted
)

select
    {{ figure_key('parts') }},
    interval_method,
    {{ from_binary("case interval_method
        when 'wilson' then greatest(scale * (2 * events + z2 - spread) / (2 * (whole + z2)), 0)
        else scale * events * root_below * root_below * root_below / whole
    end") }} as interval_lower,
    {{ from_binary("case interval_method
        when 'wilson' then least(scale * (2 * events + z2 + spread) / (2 * (whole + z2)), scale)
        else scale * (events + 1) * root_above * root_above * root_above / whole
    end") }} as interval_upper
from parts
