select
    scores.source,
    sources.title_ru as source_ru,
    sources.title_be as source_be,
    sources.title_en as source_en,
    scores.ref_area,
    {{ names_of('territories', 'ref_area') }},
    scores.time_period,
    scores.periods_expected,
    scores.periods_accepted,
    scores.periods_on_time,
    scores.periods_late,
    scores.periods_history,
    scores.periods_refused,
    scores.periods_missing,
    scores.periods_accepted_at_first_try,
    scores.periods_corrected,
    scores.accepted_pct,
    scores.on_time_pct,
    scores.first_try_pct,
    scores.synthetic
from {{ ref('mart_supplier_scorecard') }} as scores
inner join {{ ref('stg_catalogue__source') }} as sources on scores.source = sources.source
inner join {{ ref('dim_territory') }} as territories on scores.ref_area = territories.ref_area
