select
    index_method,
    method_version,
    title_ru,
    title_be,
    title_en,
    note_ru,
    note_be,
    note_en,
    method_status,
    valid_from,
    valid_to,
    legal_act,
    reference,
    level,
    freq,
    decimals
from {{ ref('stg_catalogue__index_method') }}
