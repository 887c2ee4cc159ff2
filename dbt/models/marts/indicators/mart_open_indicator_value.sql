-- Indicator values that are not under embargo: everything that leaves the warehouse is made from these.
{{ config(materialized='view') }}
select figures.*
from {{ ref('mart_indicator_value') }} as figures
where {{ not_under_embargo('indicator', 'figures') }}
