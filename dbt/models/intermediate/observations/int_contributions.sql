-- Where the source's figure of a territory holds that of another that lies beside it (an oblast with its republican
-- city), the other's is taken out again; if it is not in the same load, nobody knows the rest: told once, however many
-- parts are missing.
{{ config(materialized='view') }}
with given as (
    select * from {{ ref('int_contributions_given') }}
),

wholes as (
    select
        given.measure,
        given.ref_area,
        given.freq,
        given.time_period,
        given.breakdown,
        given.load_id,
        min(given.row_no) as row_no,
        count(*) = count(given.value) as is_known,
        inside.part
    from given
    inner join {{ source('catalogue', 'measure_part') }} as inside
        on given.measure = inside.measure and given.ref_area = inside.whole
    group by
        given.measure, given.ref_area, given.freq, given.time_period, given.breakdown, given.load_id, inside.part
)

select * from given
union all
select distinct
    wholes.measure,
    wholes.ref_area,
    wholes.freq,
    wholes.time_period,
    wholes.breakdown,
    {{ fixed('-parts.value') }} as value,
    coalesce(parts.obs_status, 'A') as obs_status,
    wholes.load_id,
    coalesce(parts.row_no, wholes.row_no) as row_no
from wholes
left join given as parts
    on
        wholes.load_id = parts.load_id
        and wholes.measure = parts.measure
        and wholes.part = parts.ref_area
        and wholes.freq = parts.freq
        and wholes.time_period = parts.time_period
        and wholes.breakdown = parts.breakdown
where parts.value is not null or wholes.is_known
