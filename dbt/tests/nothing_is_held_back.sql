-- A warning in the UI: something is held back; `gorod run` tells what, and because of which loads.
{{ config(severity='warn') }}
select measure, indicator, ref_area, time_period, breakdown, rule, loads
from {{ ref('mart_held_back') }}
