select
    indicator,
    concept,
    text_ru,
    text_be,
    text_en
from {{ source('catalogue', 'indicator_metadata') }}
