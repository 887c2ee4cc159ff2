-- A city of oblast subordination without an area would silently stay in the area of its district.
select subordination.ref_area
from {{ source('catalogue', 'subordination') }} as subordination
inner join {{ ref('stg_territory_register__territories') }} as listed on subordination.ref_area = listed.ref_area
left join {{ ref('stg_territory_register__town_areas') }} as areas on subordination.ref_area = areas.ref_area
where areas.area_km2 is null
