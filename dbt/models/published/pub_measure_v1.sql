select
    measure,
    name_ru,
    name_be,
    name_en,
    definition_ru,
    unit_measure,
    unit_ru,
    kind,
    freq,
    territory as territory_rule,
    time_rule,
    absence,
    breakdown_ru,
    source,
    feed
from {{ source('catalogue', 'measure') }}
