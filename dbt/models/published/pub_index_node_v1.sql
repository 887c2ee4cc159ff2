select
    index_method,
    method_version,
    node,
    parent,
    node_no,
    node_level,
    name_ru,
    name_be,
    name_en,
    indicator,
    weight,
    normalisation,
    direction,
    aggregation
from {{ ref('stg_catalogue__index_node') }}
