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
    held.synthetic
from {{ ref('mart_held_back') }} as held
inner join {{ ref('dim_territory') }} as territories on held.ref_area = territories.ref_area
where {{ not_under_embargo('measure', 'held') }} and {{ not_under_embargo('indicator', 'held') }}
