-- The value is scale x numerator / denominator, recomputed by multiplication.
select figures.indicator, figures.ref_area, figures.time_period, figures.breakdown, figures.obs_value
from {{ ref('mart_indicator_value') }} as figures
inner join {{ source('catalogue', 'indicator') }} as indicators on figures.indicator = indicators.indicator
where
    figures.obs_value is not null
    and abs(
        cast(figures.obs_value as double precision) * cast(coalesce(figures.denominator, 1) as double precision)
        - cast(figures.numerator as double precision) * cast(indicators.scale as double precision)
    ) > 0.000001 * abs(cast(coalesce(figures.denominator, 1) as double precision))
