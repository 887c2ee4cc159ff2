-- Published values that rules of plausibility judge, once for each rule. What was filled in is not judged.
with changed as {{ changed_inputs('indicator') }}

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
