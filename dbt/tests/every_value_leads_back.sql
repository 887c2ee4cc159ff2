-- Every value that may be released and was not filled in leads back to observations, and each of these to a load.
select figures.indicator, figures.ref_area, figures.time_period, figures.breakdown
from {{ ref('mart_open_indicator_value') }} as figures
left join (
    select
        indicator,
        ref_area,
        freq,
        time_period,
        breakdown,
        count(*) as observations,
        count(load_id) as with_load
    from {{ ref('pub_trace') }}
    group by indicator, ref_area, freq, time_period, breakdown
) as traced
    on
        figures.indicator = traced.indicator
        and figures.ref_area = traced.ref_area
        and figures.freq = traced.freq
        and figures.time_period = traced.time_period
        and figures.breakdown = traced.breakdown
where
    figures.obs_value is not null
    and figures.imputed_by is null
    and (traced.observations is null or traced.with_load = 0)
