-- Values that a rule of plausibility finds: one query over figures for each kind of rule, in macros/sql/plausibility.
-- Only observed values are judged, never what was filled in.
{{ config(materialized='follow_inputs', inputs='indicator', volume='int_indicator_decided') }}
with changed as {{ changed_inputs('indicator') }},

figures as (
    select
        rules.rule,
        rules.kind,
        rules.lower,
        rules.upper,
        rules.limit_pct,
        rules.limit_points,
        rules.tolerance,
        rules.outlier_limit,
        rules.minimum_count,
        scope.compared,
        decided.indicator,
        decided.method_version,
        decided.ref_area,
        decided.level,
        decided.freq,
        decided.time_period,
        decided.breakdown,
        decided.obs_value,
        decided.obs_status,
        decided.numerator,
        decided.synthetic
    from {{ source('catalogue', 'plausibility_scope') }} as scope
    inner join {{ source('catalogue', 'plausibility_rule') }} as rules on scope.rule = rules.rule
    inner join {{ ref('int_indicator_decided') }} as decided
        on scope.indicator = decided.indicator and scope.freq = decided.freq and scope.level = decided.level
    inner join changed on decided.indicator = changed.indicator and decided.time_period = changed.time_period
    where decided.obs_value is not null
),

out_of_bounds as (
    {{ find_out_of_bounds() }}
),

jumps as (
    {{ find_jumps() }}
),

broken_totals as (
    {{ find_broken_totals() }}
),

broken_hierarchies as (
    {{ find_broken_hierarchies() }}
),

outliers as (
    {{ find_outliers() }}
),

found as (
    select * from out_of_bounds
    union all
    select * from jumps
    union all
    select * from broken_totals
    union all
    select * from broken_hierarchies
    union all
    select * from outliers
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
