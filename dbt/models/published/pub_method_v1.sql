select
    indicator,
    method_version,
    valid_from,
    valid_to,
    is_newest,
    legal_act,
    note_ru,
    note_be,
    note_en,
    scale,
    numerator_ru,
    numerator_be,
    numerator_en,
    denominator_ru,
    denominator_be,
    denominator_en
from {{ ref('stg_catalogue__indicator_method') }}
