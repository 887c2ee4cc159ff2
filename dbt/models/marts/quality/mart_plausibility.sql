-- What the rules of plausibility found, with what they say. Errors are held back; warnings are published.
select
    found.rule,
    rules.kind,
    rules.severity,
    found.indicator,
    found.ref_area,
    found.freq,
    found.time_period,
    found.breakdown,
    found.obs_value,
    found.compared_value,
    found.limit_value,
    found.distance,
    rules.says_ru,
    rules.says_be,
    rules.says_en,
    rules.reference,
    found.synthetic
from {{ ref('int_plausibility') }} as found
inner join {{ source('catalogue', 'plausibility_rule') }} as rules on found.rule = rules.rule
