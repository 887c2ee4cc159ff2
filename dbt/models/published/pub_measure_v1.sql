select
    measures.measure,
    measures.name_ru,
    measures.name_be,
    measures.name_en,
    measures.definition_ru,
    measures.unit_measure,
    measures.unit_ru,
    measures.kind,
    measures.freq,
    measures.territory as territory_rule,
    measures.time_rule,
    measures.absence,
    measures.minimum_cell,
    measures.carry_forward_years,
    qualities.quality_class,
    measures.breakdown_ru,
    measures.source,
    measures.feed
from {{ ref('stg_catalogue__measure') }} as measures
inner join {{ ref('stg_catalogue__quality_class') }} as qualities on measures.quality_rank = qualities.quality_rank
