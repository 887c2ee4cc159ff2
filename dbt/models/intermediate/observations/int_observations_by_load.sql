-- Contributions summed by load. The rows of a load never change, so each load is computed once; all are computed anew
-- when the definitions change (macro should_full_refresh). A sum with an unpublished part is not published.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'rebuild_when_definitions_change': true}
) }}
{% set new_loads = listed_loads(
    "select loads.load_id from " ~ source('ops', 'effective_load') ~ " as loads"
    ~ " where not exists (select 1 from " ~ this ~ " as known where known.load_id = loads.load_id)",
    this
) if is_incremental() %}
select
    load_id,
    measure,
    ref_area,
    freq,
    time_period,
    breakdown,
    {{ fixed('case when count(*) = count(value) then sum(value) end') }} as obs_value,
    {{ worst_status('obs_status') }} as obs_status,
    cast(count(*) as bigint) as source_rows,
    '{{ definitions_hash() }}' as definitions_hash
from {{ rows_of_loads(ref('int_contributions'), new_loads) if is_incremental() else ref('int_contributions') }} as added
group by load_id, measure, ref_area, freq, time_period, breakdown
