-- The value is scale x numerator / denominator by the version of the method, recomputed by multiplication.
select figures.indicator, figures.ref_area, figures.time_period, figures.breakdown, figures.obs_value
from {{ ref('mart_indicator_value') }} as figures
inner join {{ source('catalogue', 'indicator_method') }} as methods
    on figures.indicator = methods.indicator and figures.method_version = methods.method_version
where
    figures.obs_value is not null
    and figures.imputed_by is null
    and figures.derivation <> 'percentile'
    and abs(
        cast(figures.obs_value as double precision) * cast(coalesce(figures.denominator, 1) as double precision)
        - cast(figures.numerator as double precision) * cast(methods.scale as double precision)
    ) > 0.000001 * abs(cast(coalesce(figures.denominator, 1) as double precision))
