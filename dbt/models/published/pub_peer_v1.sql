select
    compared.ref_area,
    territories.name_ru as ref_area_ru,
    territories.name_be as ref_area_be,
    territories.name_en as ref_area_en,
    territories.level,
    compared.peer_method,
    compared.peer_no,
    compared.peer,
    peers.name_ru as peer_ru,
    peers.name_be as peer_be,
    peers.name_en as peer_en,
    compared.size_group,
    size_groups.name_ru as size_group_ru,
    size_groups.name_be as size_group_be,
    size_groups.name_en as size_group_en,
    compared.unlikeness_pct
from {{ ref('mart_peer') }} as compared
inner join {{ ref('dim_territory') }} as territories on compared.ref_area = territories.ref_area
inner join {{ ref('dim_territory') }} as peers on compared.peer = peers.ref_area
left join {{ ref('stg_catalogue__size_group') }} as size_groups on compared.size_group = size_groups.size_group
