select
    programme,
    title_ru,
    title_be,
    title_en,
    year_from,
    year_to,
    act as legal_act,
    adopted_on,
    amendments,
    reference,
    note_ru,
    note_be,
    note_en,
    green_from_pct,
    yellow_from_pct,
    thresholds_status,
    thresholds_act
from {{ source('catalogue', 'programme') }}
