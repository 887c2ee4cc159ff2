select
    held.measure,
    held.indicator,
    held.ref_area,
    held.freq,
    held.time_period,
    held.breakdown,
    held.rule,
    held.says_ru,
    held.says_be,
    held.says_en,
    held.loads,
    held.synthetic,
    {{ names_of('indicators', 'indicator') }},
    {{ names_of('territories', 'ref_area') }}
from {{ ref('mart_held_back') }} as held
left join {{ ref('stg_catalogue__indicator') }} as indicators on held.indicator = indicators.indicator
inner join {{ ref('dim_territory') }} as territories on held.ref_area = territories.ref_area
where {{ not_under_embargo('measure', 'held') }} and {{ not_under_embargo('indicator', 'held') }}
