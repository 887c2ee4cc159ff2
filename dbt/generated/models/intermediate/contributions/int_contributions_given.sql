-- The contributions of all feeds in one shape, as the feeds give them.
-- Generated from assets/sources/*/measures.yml.
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_appeals_115__requests__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_belstat__employment__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_belstat__grp_per_capita__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_belstat__migration__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_belstat__population_by_age__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_belstat__wages__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_beltelecom_inventory__resources__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_city_parking__occupancy__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_territory_register__territories__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_territory_register__town_areas__contributions') }}
union all
select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no
from {{ ref('int_territory_register__population__contributions') }}
