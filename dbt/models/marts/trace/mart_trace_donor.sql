-- From a value that was filled in, to the observed values that it was made from.
{{ config(materialized='view') }}
with filled as (
    select
        imputed.*,
        own.level,
        own.region
    from {{ ref('int_indicator_imputed') }} as imputed
    inner join {{ ref('int_indicator_believed') }} as own
        on
            imputed.indicator = own.indicator
            and imputed.ref_area = own.ref_area
            and imputed.freq = own.freq
            and imputed.time_period = own.time_period
            and imputed.breakdown = own.breakdown
),

observed as (
    select
        indicator,
        ref_area,
        level,
        region,
        freq,
        time_period,
        obs_value
    from {{ ref('int_indicator_believed') }}
    where breakdown = '_T' and obs_value is not null
),

{% set both = 'filled.*, observed.indicator as donor_indicator, observed.ref_area as donor_ref_area,'
    ~ ' observed.time_period as donor_period, observed.obs_value as donor_value' %}
donors as (
    -- the same territory before, or before and after
    select {{ both }}
    from filled
    inner join observed
        on
            filled.indicator = observed.indicator
            and filled.ref_area = observed.ref_area
            and filled.freq = observed.freq
            and {{ is_among('observed.time_period', 'filled.imputed_from') }}
    where filled.rule in ('carry_forward', 'linear')
    union all
    -- the others of its group
    select {{ both }}
    from filled
    inner join observed
        on
            filled.indicator = observed.indicator
            and filled.level = observed.level
            and filled.freq = observed.freq
            and filled.time_period = observed.time_period
            and (filled.level = 'region' or filled.region = observed.region)
    where filled.rule = 'group_mean'
    union all
    -- a survey of the same
    select {{ both }}
    from filled
    inner join observed
        on
            filled.imputed_from = observed.indicator
            and filled.ref_area = observed.ref_area
            and filled.freq = observed.freq
            and filled.time_period = observed.time_period
    where filled.rule = 'survey'
)

select
    indicator,
    ref_area,
    freq,
    time_period,
    breakdown,
    donor_indicator,
    donor_ref_area,
    donor_period,
    {{ fixed('donor_value') }} as donor_value
from donors
