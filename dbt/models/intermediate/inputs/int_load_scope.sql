-- What each load covers, kept small: for each measure its periods, with the number of figures of lower units, and
-- the parts of its breakdown; and the territories. Computed once for each load, as the observations are, and holds in
-- which build.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'rebuild_when_definitions_change': true}
) }}
with observed as (
    select load_id, measure, ref_area, freq, time_period, breakdown
    from {{ ref('int_observations_by_load') }}
    {% if is_incremental() %}
        where load_id in (
            select loads.load_id from {{ source('ops', 'load_state') }} as loads
            except
            select known.load_id from {{ this }} as known
            where known.axis = 'period'
        )
    {% endif %}
),

scopes as (
    select
        load_id,
        'period' as axis,
        measure,
        freq,
        time_period as code,
        sum(case when breakdown <> '_U' then 1 else 0 end) as figures
    from observed
    where ref_area is not null
    group by load_id, measure, freq, time_period
    union all
    select distinct
        load_id,
        'breakdown' as axis,
        measure,
        freq,
        breakdown as code,
        cast(null as bigint) as figures
    from observed
    where ref_area is not null
    union all
    select distinct
        load_id,
        'ref_area' as axis,
        null as measure,
        null as freq,
        ref_area as code,
        cast(null as bigint) as figures
    from observed
    where ref_area is not null and breakdown <> '_U'
)

select
    load_id,
    axis,
    measure,
    freq,
    code,
    cast(figures as bigint) as figures,
    '{{ definitions_hash() }}' as definitions_hash,
    '{{ invocation_id }}' as computed_in
from scopes
