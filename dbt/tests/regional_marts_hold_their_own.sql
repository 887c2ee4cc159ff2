-- Every territory with a figure, but the country, belongs to one region, so that each regional mart has it.
select ref_area
from {{ ref('mart_region_indicator_value') }}
where (level = 'country') <> (region is null)
