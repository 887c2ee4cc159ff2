select
    found.rule,
    found.kind,
    found.severity,
    found.indicator,
    found.ref_area,
    found.freq,
    found.time_period,
    found.breakdown,
    found.obs_value,
    found.compared_value,
    found.limit_value,
    found.distance,
    found.says_ru,
    found.says_be,
    found.says_en,
    found.reference,
    found.synthetic,
    {{ names_of('indicators', 'indicator') }},
    {{ names_of('territories', 'ref_area') }}
from {{ ref('mart_plausibility') }} as found
left join {{ source('catalogue', 'indicator') }} as indicators on found.indicator = indicators.indicator
left join {{ ref('dim_territory') }} as territories on found.ref_area = territories.ref_area
-- what cannot be true is held back; a jump tells the value of the year before
where
    found.severity = 'warning'
    and {{ not_under_embargo('indicator', 'found') }}
    and {{ not_under_embargo('indicator', 'found', year_before('found.time_period')) }}
