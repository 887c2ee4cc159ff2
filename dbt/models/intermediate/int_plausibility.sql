-- Values that a rule of plausibility finds: one query for each kind of rule, in the folder plausibility.
{{ config(materialized='follow_inputs', inputs='indicator', volume='int_indicator_decided') }}
-- depends_on: {{ ref('int_indicator_decided') }}
with changed as {{ changed_inputs('indicator') }},

found as (
    select * from {{ ref('int_plausibility_bound') }}
    union all
    select * from {{ ref('int_plausibility_jump') }}
    union all
    select * from {{ ref('int_plausibility_total') }}
    union all
    select * from {{ ref('int_plausibility_hierarchy') }}
    union all
    select * from {{ ref('int_plausibility_outlier') }}
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
